// Helpers that tell where a program runs, in our own words. Texts only.
export const SYSTEM: Readonly<Record<string, string>> = {
  get_current_pid_tgid:
    "Who runs now: the upper 32 bits are the process id that user space calls PID, the lower 32 bits the thread id. In interrupts, as in most XDP and TC programs, that is whoever happened to be interrupted.",
  get_current_uid_gid:
    "User id (lower 32 bits) and group id (upper 32 bits) of the current task, as seen from the initial user namespace. User namespaces of containers do not change the answer.",
  get_current_comm:
    "Copies the name of the current thread, at most 16 bytes with the closing zero, into a buffer. Threads may name themselves as they like: do not trust it for decisions.",
  get_current_task:
    "Address of the current `struct task_struct` as a plain number, to be read with `bpf_probe_read_kernel`. `bpf_get_current_task_btf` answers a pointer that can be followed directly.",
  get_current_task_btf:
    "The current `struct task_struct` as a typed, trusted pointer: its fields can be read directly, and it can be given to helpers that want a task. The older `bpf_get_current_task` gives a mere number, which must go through `bpf_probe_read_kernel`.",
  task_pt_regs: "Registers that a task had when it last entered the kernel. For kernel threads they mean nothing.",
  get_smp_processor_id: "Number of the CPU that the program runs on. It does not change while the program runs.",
  get_numa_node_id: "Number of the memory node of the CPU that the program runs on. Socket programs use it to choose a socket nearby.",
  get_current_cgroup_id:
    "64-bit id of the cgroup (version 2) of the current task, the inode number of its directory. User space gets the same number from `stat` or `name_to_handle_at`.",
  get_current_ancestor_cgroup_id:
    "Id of the cgroup at depth `ancestor_level` above the current task's; level 0 is the root. Returns 0 when the task's cgroup does not lie that deep.",
  current_task_under_cgroup:
    "Whether the current task is in the cgroup in slot `index` of a cgroup array, or below it: 1 yes, 0 no, negative on failure. An index outside the map is `-E2BIG`, an empty slot `-EAGAIN`.",
  get_ns_current_pid_tgid:
    "Process and thread id of the current task as seen from a PID namespace, which is named by device and inode of its file under /proc. Fails with `-ENOENT` when the task is not in that namespace.",
  get_netns_cookie:
    "A 64-bit number that names the network namespace of the context, unique until reboot. With NULL, where that is allowed, that of the initial namespace.",
  get_retval:
    "The value that the hooked system call or function will return as things stand: what an earlier program of the same hook has set, or what the kernel found. A negative value is an errno.",
  set_retval:
    "Sets what the hooked system call will return: 0 or a negative errno. Later programs of the same hook see it with `bpf_get_retval`.",
};
