// Error numbers of Linux (x86-64) that the simulated kernel returns. Constants only.
export const EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, ENXIO = 6, E2BIG = 7, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17;
export const ENODEV = 19, EINVAL = 22, ENOSPC = 28, ERANGE = 34, ENODATA = 61, EBADMSG = 74, EOVERFLOW = 75, EPROTO = 71, EOPNOTSUPP = 95, ENOTSUPP = 524, EALREADY = 114, ENETUNREACH = 101;
