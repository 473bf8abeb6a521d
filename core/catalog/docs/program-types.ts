// Program types in our own words. Texts only.

/** By lower-case name of enum bpf_prog_type. */
export const PROGRAM_TYPE_DOCS: Readonly<Record<string, string>> = {
  socket_filter: "Looks at what a socket receives. The return value is how many bytes of the packet to keep: 0 drops it, -1 keeps all.",
  kprobe:
    "Runs when a kernel function (kprobe, kretprobe) or a user-space one (uprobe, uretprobe) is entered or left; the context holds the registers. Returns 0.",
  sched_cls:
    "Runs for each packet that enters or leaves a device (TC, tcx, netkit). Returns TC_ACT_OK, TC_ACT_SHOT, TC_ACT_REDIRECT, TC_ACT_UNSPEC (go on) and the like.",
  sched_act: "A TC action: as sched_cls, attached to a classifier. Its return code is the action's verdict.",
  tracepoint: "Runs at a static tracepoint; the context holds the tracepoint's fields as its format file lists them. Returns 0.",
  xdp: "Runs in the driver for each received packet, before the kernel makes a buffer of it. Returns XDP_ABORTED (0, drop and trace), XDP_DROP (1), XDP_PASS (2), XDP_TX (3, send back) or XDP_REDIRECT (4).",
  perf_event:
    "Runs when a perf event fires, such as every so many CPU cycles; the context holds registers and the sample period. Returns 0.",
  cgroup_skb:
    "Runs for packets that sockets of a cgroup receive or send. Returns 1 to let pass, 0 to drop; on the way out 2 and 3 do the same and report congestion.",
  cgroup_sock: "Runs when sockets of a cgroup are made, released, or have been bound. Returns 1 to allow, 0 to refuse.",
  lwt_in: "Runs for packets that come in by a route with this encapsulation. Returns BPF_OK, BPF_DROP and the like.",
  lwt_out: "Runs for packets that go out by a route with this encapsulation. Returns BPF_OK, BPF_DROP and the like.",
  lwt_xmit:
    "Runs for packets just before they are sent by a route with this encapsulation; it may change and redirect them. Unlike the other route hooks it may write to the packet and put headers before it.",
  sock_ops: "Runs at events of TCP connections in a cgroup: set-up, retransmission, state changes. `op` says which; `reply` answers.",
  sk_skb:
    "Runs for data received by sockets of a sockmap: a parser finds message borders, a verdict program passes, drops or redirects (SK_PASS, SK_DROP). A parser returns the length of the next message, or 0 when it needs more data.",
  cgroup_device: "Asks whether tasks of a cgroup may make or open a device. Returns 1 to allow, 0 to refuse.",
  sk_msg: "Runs for messages that sockets of a sockmap send. Returns SK_PASS or SK_DROP; it may redirect to another socket.",
  raw_tracepoint:
    "Runs at a tracepoint with its raw arguments, 64 bits each. Faster than tracepoint, but the arguments follow the kernel version. Returns 0.",
  cgroup_sock_addr:
    "Runs when sockets of a cgroup bind, connect, send to or receive from an address, and may change it. Returns 1 to go on, 0 to refuse.",
  lwt_seg6local:
    "A segment-routing action: runs for packets to this segment. It may call the `bpf_lwt_seg6_*` helpers, and its return code says whether the packet goes on by the routes or was already routed.",
  lirc_mode2:
    "Decodes infrared signals: runs for each pulse and space, and reports keys. The context is one number: kind of sample in the upper byte, length in microseconds in the rest.",
  sk_reuseport: "Chooses the socket of a reuseport group that gets a packet or connection. Returns SK_PASS or SK_DROP.",
  flow_dissector:
    "Reads addresses and ports out of packets for the kernel's flow hash. Returns BPF_OK, BPF_DROP or BPF_FLOW_DISSECTOR_CONTINUE.",
  cgroup_sysctl: "Runs when tasks of a cgroup read or write files under /proc/sys. Returns 1 to allow, 0 to refuse.",
  raw_tracepoint_writable:
    "As raw_tracepoint, and the first argument's buffer may be changed. Only tracepoints that were made for it have such a buffer.",
  cgroup_sockopt: "Runs when tasks of a cgroup get or set socket options, and may change or answer them. Returns 1 to go on, 0 to refuse.",
  tracing:
    "Attaches by BTF to entry (fentry) or exit (fexit) of kernel functions, to tracepoints (tp_btf), changes return values (fmod_ret), or walks objects (iter). Arguments are typed and can be followed directly.",
  struct_ops:
    "Implements a function pointer of a kernel structure, such as a TCP congestion control. Each member of the structure is a program of its own, whose arguments and result are those of the function pointer.",
  ext: "Replaces a global function of a program that is already loaded (freplace). The replacement must have the same prototype, and is verified as what it replaces.",
  lsm: "Runs at a hook of the security framework. Returns 0 to allow or a negative errno to refuse.",
  sk_lookup: "Chooses the listening socket for a new connection or datagram, whatever address it is bound to. Returns SK_PASS or SK_DROP.",
  syscall: "Runs once when user space asks for it; it may sleep and call bpf commands. Used for loaders.",
  netfilter: "Runs at a netfilter hook. Returns NF_ACCEPT (1) or NF_DROP (0).",
};
