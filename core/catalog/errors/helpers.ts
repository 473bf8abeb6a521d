// Errors that helpers return on Linux 6.18, in our own words: `ERRNO: when`, several joined by `; `. Texts only; nothing is judged here.

const KEY = "EINVAL: flags are unknown, or there is no device with this index",
  RANGE = "EFAULT: the range is not inside the packet",
  FULL = "E2BIG: the map is full",
  UNREADABLE = "EFAULT: memory at the address cannot be read",
  STORAGE_GONE = "ENOENT: the object has no value in the map; EINVAL: the object is NULL; EBUSY: the storage is being changed on this CPU",
  STRING = "EFAULT: memory at the address cannot be read; ERANGE: the address lies in the other address space",
  MAC =
    "EINVAL: lengths or header fields are out of range; EACCES: the acknowledgement number is no valid cookie; EPROTONOSUPPORT: the kernel has no IPv6; EOPNOTSUPP: the kernel has no SYN cookies",
  MESSAGE = "EINVAL: flags are set, or the range is not inside the message; ENOMEM: no memory for the new piece",
  OPTION =
    "EINVAL: level, option or length is not one that programs may use; ENOPROTOOPT: the protocol does not know the option; EOPNOTSUPP: the socket is locked by nobody, or of another family",
  PRINT = "EINVAL: the format is not one that the helper takes, or does not fit the arguments",
  SEQ = "EOVERFLOW: the buffer is full; the iterator starts again with a larger one",
  SEND =
    "EBUSY: interrupts are off and the signal cannot wait in the queue; EINVAL: the number is no signal; EPERM: the task is a kernel thread, exits, or is init; ESRCH: the task is gone",
  RING = "EINVAL: flags are unknown; E2BIG: the record is larger than the buffer; EAGAIN: the buffer has no room",
  TIMER = "EINVAL: the timer is not initialised, or flags are unknown",
  USERCOPY = "EFAULT: memory of user space is not there",
  TCPOPT = "EPERM: the program runs at another callback; EINVAL: flags are unknown";

/** By name without `bpf_`. */
export const HELPER_ERRORS: Readonly<Record<string, string>> = {
  map_update_elem: `EEXIST: BPF_NOEXIST is asked and the key is there; ENOENT: BPF_EXIST is asked and the key is not there; ${FULL}, or the index is behind the end; EINVAL: flags are unknown; ENOMEM: no memory for an element; EBUSY: the bucket is being changed on this CPU; EPERM: the map takes no updates from programs; EOPNOTSUPP: maps of this type take none at all; EDEADLK: the map's lock is held on this CPU`,
  map_delete_elem:
    "ENOENT: the key is not there; EINVAL: elements of this type of map are not deleted; EBUSY: the bucket is being changed on this CPU; EOPNOTSUPP: maps of this type delete nothing",
  map_push_elem: `${FULL} and BPF_EXIST is not given; EINVAL: flags are unknown; EBUSY: the map's lock is held on this CPU; EOPNOTSUPP: the map has no such operation`,
  map_pop_elem: "ENOENT: the map is empty; EBUSY: the map's lock is held on this CPU; EOPNOTSUPP: the map has no such operation",
  map_peek_elem:
    "ENOENT: the map is empty, or a bloom filter does not hold the value; EBUSY: the map's lock is held on this CPU; EOPNOTSUPP: the map has no such operation",
  for_each_map_elem: "EINVAL: flags are not 0",
  probe_read: UNREADABLE,
  probe_read_str: UNREADABLE,
  probe_read_user: STRING,
  probe_read_kernel: STRING,
  probe_read_user_str: STRING,
  probe_read_kernel_str: STRING,
  probe_write_user:
    "EPERM: the task exits, is a kernel thread, or cannot be written at this moment; EFAULT: memory of user space cannot be written",
  copy_from_user: USERCOPY,
  copy_from_user_task: `${USERCOPY}; EINVAL: flags are not 0`,
  trace_printk: PRINT,
  trace_vprintk: `${PRINT}; EINVAL: the arguments are not a multiple of 8 bytes`,
  snprintf: `${PRINT}; EINVAL: the arguments are not a multiple of 8 bytes`,
  seq_printf: `${SEQ}; EINVAL: the format is not one that the helper takes, or does not fit the arguments`,
  seq_write: SEQ,
  seq_printf_btf: `${SEQ}; EINVAL: the type or flags are unknown; ENOENT: the kernel has no such type`,
  snprintf_btf: "EINVAL: the type, flags or size of the description are unknown; ENOENT: the kernel has no such type",
  skb_store_bytes: `${RANGE}, or it cannot be made writable; EINVAL: flags are unknown`,
  skb_load_bytes: RANGE,
  skb_load_bytes_relative: `${RANGE}, or the packet has no such header; EINVAL: the start is neither MAC nor network header`,
  l3_csum_replace: `${RANGE}, or the place is odd; EINVAL: flags or the size of the field are unknown`,
  l4_csum_replace: `${RANGE}, or the place is odd; EINVAL: flags or the size of the field are unknown`,
  csum_diff: "EINVAL: a size is no multiple of 4",
  csum_update: "ENOTSUPP: the packet carries no complete checksum",
  csum_level: "EINVAL: flags are not 0, or the level is unknown; EACCES: the packet has no checked checksum",
  tail_call: "ENOENT: the call failed and the program goes on: no such index, an empty slot, or 33 tail calls already",
  clone_redirect: `${KEY}; ENOMEM: no memory for the copy; ENETDOWN: the device is down; EMSGSIZE: the packet is too long for the device`,
  get_current_comm: "EINVAL: there is no current task",
  skb_vlan_push: "EINVAL: the packet has no MAC header; ENOMEM: no memory for the tag",
  skb_vlan_pop: "EINVAL: the packet has no MAC header; ENOMEM: the packet cannot be made writable",
  skb_get_tunnel_key:
    "EINVAL: the packet came by no tunnel, or size and flags do not fit; EPROTO: the tunnel is of the other address family",
  skb_set_tunnel_key: "EINVAL: size, flags or a field are out of range; ENOMEM: no memory for the tunnel's record",
  skb_get_tunnel_opt: "ENOENT: the packet came by no tunnel, or by one without options; ENOMEM: the buffer is too small",
  skb_set_tunnel_opt: "EINVAL: no tunnel key was set, or the length is no multiple of 4; ENOMEM: the options are too long",
  skb_get_xfrm_state: "EINVAL: no such state, or size and flags do not fit",
  skb_change_proto:
    "ENOTSUPP: the change is not between IPv4 and IPv6, or the packet is segmented otherwise; EINVAL: flags are not 0; ENOMEM: no memory for the header",
  skb_change_type: "EINVAL: one of the two types is not host, broadcast, multicast or other host",
  skb_change_tail:
    "EINVAL: the length is out of range, or flags are not 0; ENOTSUPP: the packet is segmented; ENOMEM: the packet gets no more room",
  skb_change_head: "EINVAL: the length is out of range, or flags are not 0; ENOMEM: the packet gets no more room",
  skb_pull_data: "ENOMEM: the bytes cannot be made linear and writable; EFAULT: the packet is shorter than the length",
  skb_adjust_room:
    "EINVAL: flags or mode are unknown; EFAULT: the change is too large; EALREADY: the packet is in a tunnel already; ENOTSUPP: the packet is not IP, or would become too short or too long; ENOMEM: the packet gets no more room",
  skb_under_cgroup: "EINVAL: the packet has no socket; E2BIG: the index is behind the end; EAGAIN: the slot is empty",
  current_task_under_cgroup: "E2BIG: the index is behind the end; EAGAIN: the slot is empty; EINVAL: the program runs in an interrupt",
  skb_set_tstamp:
    "EOPNOTSUPP: the packet is neither IPv4 nor IPv6; EINVAL: the type of time stamp is unknown, or a time is given where none belongs",
  perf_event_output: `E2BIG: the index is behind the end; EINVAL: flags are unknown, or the event is no software event of BPF output; ENOENT: the slot is empty; EOPNOTSUPP: the event is on another CPU; ENOSPC: the ring has no room; EFAULT: the packet is shorter than what is asked; EBUSY: too many outputs are nested`,
  skb_output: `E2BIG: the index is behind the end; EINVAL: flags are unknown; EFAULT: the packet is shorter than what is asked; ENOENT: the slot is empty; EOPNOTSUPP: the event is on another CPU`,
  xdp_output: `E2BIG: the index is behind the end; EINVAL: flags are unknown; EFAULT: the packet is shorter than what is asked; ENOENT: the slot is empty; EOPNOTSUPP: the event is on another CPU`,
  perf_event_read:
    "E2BIG: the index is behind the end; ENOENT: the slot is empty; EINVAL: flags are unknown, or the event cannot be read here; EOPNOTSUPP: the event is on another CPU",
  perf_event_read_value:
    "E2BIG: the index is behind the end; ENOENT: the slot is empty; EINVAL: flags or size are wrong, or the event cannot be read here; EOPNOTSUPP: the event is on another CPU",
  perf_prog_read_value: "EINVAL: the size of the buffer is wrong, or the event cannot be read here",
  read_branch_records:
    "EINVAL: flags are unknown, or the size is no multiple of a record; ENOENT: the event has no branches, or the processor records none",
  get_branch_snapshot: "EINVAL: flags are not 0; ENOENT: the processor records no branches",
  get_stackid:
    "EINVAL: flags are unknown; EFAULT: there is no stack, or all of it is skipped; EEXIST: another stack has the place and BPF_F_REUSE_STACKID is not given; ENOMEM: the map has no room",
  get_stack:
    "EINVAL: flags are unknown, or the size is no multiple of an entry; EFAULT: there is no stack, or all of it is skipped; EOPNOTSUPP: the kernel's stack with build ids is asked",
  get_task_stack:
    "EINVAL: flags are unknown, or the size is no multiple of an entry; EFAULT: the task has no stack; EOPNOTSUPP: another task's user stack is asked",
  xdp_adjust_head: "EINVAL: too few bytes would be left, or there is no room in front of the packet",
  xdp_adjust_meta:
    "ENOTSUPP: the driver has no metadata; EINVAL: the size is above 252 or no multiple of 4; EACCES: the metadata does not fit in front of the packet",
  xdp_adjust_tail: "EINVAL: the packet would become too short, or there is no room behind it; EOPNOTSUPP: pieces of the packet cannot grow",
  xdp_load_bytes: "EINVAL: the range is not inside the packet; EFAULT: the offset or the length is too large",
  xdp_store_bytes: "EINVAL: the range is not inside the packet; EFAULT: the offset or the length is too large",
  setsockopt: OPTION,
  getsockopt: OPTION,
  bind: "EINVAL: the address is too short, or the socket may not be bound here; EAFNOSUPPORT: neither IPv4 nor IPv6; EADDRINUSE: the address is taken",
  sock_ops_cb_flags_set: "EINVAL: the socket is no full one, or unknown flags were left out: then the result is those",
  sock_map_update:
    "EINVAL: flags are unknown; E2BIG: the index is behind the end; EEXIST: BPF_NOEXIST is asked and the slot is taken; ENOENT: BPF_EXIST is asked and the slot is empty; EOPNOTSUPP: the socket's state or family does not fit",
  sock_hash_update:
    "EINVAL: flags are unknown; E2BIG: the map is full; EEXIST: BPF_NOEXIST is asked and the key is there; ENOENT: BPF_EXIST is asked and the key is not there; EOPNOTSUPP: the socket's state or family does not fit",
  msg_pull_data: MESSAGE,
  msg_push_data: MESSAGE,
  msg_pop_data: MESSAGE,
  fib_lookup:
    "EINVAL: flags or the size of the parameters are wrong; ENODEV: there is no device with this index; EAFNOSUPPORT: neither IPv4 nor IPv6",
  lwt_push_encap:
    "EINVAL: the type is unknown, or the header is no good; EPFNOSUPPORT: the family does not fit; ENOMEM: the packet gets no more room",
  lwt_seg6_store_bytes: "EINVAL: there is no routing header, or the range may not be changed; EFAULT: the range is not inside the header",
  lwt_seg6_adjust_srh: "EFAULT: the place is not inside the TLVs; EINVAL: there is no routing header; ENOMEM: the packet gets no more room",
  lwt_seg6_action:
    "EINVAL: the action or its parameter is unknown; EBADMSG: the routing header was changed and is no longer good; ENOMEM: the packet gets no more room",
  sk_select_reuseport: "EINVAL: flags are not 0; ENOENT: the slot is empty; EBADFD: the socket belongs to another group or protocol",
  sk_assign:
    "EINVAL: flags are not 0, or the socket is of no use; ENOENT: the packet is not on its way in; EOPNOTSUPP: the program runs at another place; ENETUNREACH: the socket is of another network namespace; ESOCKTNOSUPPORT: the socket is in a reuseport group; EEXIST: a socket is chosen and BPF_SK_LOOKUP_F_REPLACE is not given; EPROTOTYPE: the socket has another protocol; EAFNOSUPPORT: the socket has another address family",
  sk_release: "EINVAL: the socket is none that can be released",
  tcp_check_syncookie:
    "EINVAL: the headers are too short or the socket does not listen; ENOENT: there is no valid cookie; EPROTONOSUPPORT: the family is not supported; EOPNOTSUPP: the kernel has no SYN cookies",
  tcp_gen_syncookie:
    "EINVAL: the headers are too short or the packet is no SYN; ENOENT: SYN cookies are not needed; EOPNOTSUPP: SYN cookies are off; EPROTONOSUPPORT: the family is not supported",
  tcp_raw_gen_syncookie_ipv4: "EINVAL: the TCP header's length is out of range; EOPNOTSUPP: the kernel has no SYN cookies",
  tcp_raw_gen_syncookie_ipv6:
    "EINVAL: the TCP header's length is out of range; EPROTONOSUPPORT: the kernel has no IPv6; EOPNOTSUPP: the kernel has no SYN cookies",
  tcp_raw_check_syncookie_ipv4: MAC,
  tcp_raw_check_syncookie_ipv6: MAC,
  sysctl_get_name: "E2BIG: the name is longer than the buffer; what fits is there",
  sysctl_get_current_value:
    "E2BIG: the value is longer than the buffer; what fits is there; EINVAL: there is no value, as the file can only be written",
  sysctl_get_new_value: "E2BIG: the value is longer than the buffer; what fits is there; EINVAL: the file is being read",
  sysctl_set_new_value: "E2BIG: the value is longer than the one that is written may be; EINVAL: the file is being read",
  strtol: "EINVAL: there are no digits, or the flags name no base; ERANGE: the number does not fit in 64 bits",
  strtoul: "EINVAL: there are no digits, or the flags name no base; ERANGE: the number does not fit in 64 bits",
  sk_storage_delete: STORAGE_GONE,
  inode_storage_delete: STORAGE_GONE,
  task_storage_delete: STORAGE_GONE,
  cgrp_storage_delete: STORAGE_GONE,
  send_signal: SEND,
  send_signal_thread: SEND,
  get_ns_current_pid_tgid:
    "EINVAL: size of the buffer, device or inode are not those of the task's PID namespace; ENOENT: the task has no PID there",
  ringbuf_output: RING,
  ringbuf_reserve_dynptr: RING,
  load_hdr_opt:
    "ENOMSG: the header has no such option; ENOSPC: the buffer is too small; EINVAL: flags or the option are unknown; ENOENT: there is no header to look at; EPERM: the program runs at another callback; EFAULT: the header is broken",
  store_hdr_opt: `${TCPOPT}, or the option's form is no good; ENOSPC: not enough room was reserved; EEXIST: the option is there; EFAULT: the header is broken`,
  reserve_hdr_opt: `${TCPOPT}, or the size is 0; ENOSPC: the header has no room`,
  d_path: "ENAMETOOLONG: the path is longer than the buffer; EINVAL: the file cannot be read as a path",
  check_mtu: "EINVAL: flags are unknown, or the length is out of range; ENODEV: there is no device with this index",
  bprm_opts_set: "EINVAL: flags are unknown",
  ima_inode_hash: "EOPNOTSUPP: IMA is off, or has no hash of the file",
  ima_file_hash: "EOPNOTSUPP: IMA is off, or cannot hash the file",
  sys_bpf:
    "EINVAL: the command is none that programs may use; EPERM: the right for the command is missing; EFAULT: the attributes cannot be read",
  btf_find_by_name_kind: "ENOENT: no type has this name and kind; EINVAL: flags are not 0, or the name is not closed",
  sys_close: "EBADF: the descriptor is not open",
  kallsyms_lookup_name:
    "ENOENT: the kernel has no such symbol; EINVAL: flags are not 0, or the name is not closed; EPERM: addresses are not shown to this user",
  timer_init:
    "EINVAL: flags or the clock are unknown; EBUSY: the timer is initialised; EPERM: nobody holds the map; ENOMEM: no memory; EOPNOTSUPP: the program runs in an interrupt that cannot be interrupted",
  timer_set_callback: `${TIMER}; EPERM: nobody holds the map; EOPNOTSUPP: the program runs in an interrupt that cannot be interrupted`,
  timer_start: `${TIMER}; EOPNOTSUPP: the program runs in an interrupt that cannot be interrupted`,
  timer_cancel:
    "EINVAL: the timer is not initialised; EDEADLK: the timer's callback cancels itself, or two cancel each other; EOPNOTSUPP: the program runs in an interrupt that cannot be interrupted",
  find_vma: "ENOENT: the task has no memory, or no area at the address; EBUSY: the memory's lock is taken; EINVAL: flags are not 0",
  loop: "EINVAL: flags are not 0; E2BIG: more than 8,388,608 passes are asked",
  get_func_arg: "EINVAL: the function has no such argument",
  get_func_ret: "EOPNOTSUPP: the program does not run at the function's end",
  dynptr_from_mem: "E2BIG: the size is above 16 MB; EINVAL: flags are not 0",
  dynptr_read: "E2BIG: the range is not inside; EINVAL: the dynptr is empty, or flags are not 0",
  dynptr_write:
    "E2BIG: the range is not inside; EINVAL: the dynptr is empty or read-only, or flags are unknown; EFAULT: the packet cannot be written there",
  user_ringbuf_drain:
    "EBUSY: another program drains the buffer; EINVAL: flags are unknown, or a record is broken; E2BIG: a record is longer than the buffer; ENODATA: the buffer's end lies behind its start; EAGAIN: the next record is not complete",
};
