// Attach types in our own words. Texts only.

/** By lower-case name of enum bpf_attach_type: type of the programs, section of their code, what happens there. */
const ROWS: Readonly<Record<string, readonly [type: string, section: string, text: string]>> = {
  cgroup_inet_ingress: [
    "cgroup_skb",
    "cgroup_skb/ingress",
    "Every packet that a socket of the cgroup receives. Returning 1 lets it in, 0 drops it.",
  ],
  cgroup_inet_egress: [
    "cgroup_skb",
    "cgroup_skb/egress",
    "Every packet that a socket of the cgroup sends. Bit 0 of the result lets it out, bit 1 tells the sender of congestion.",
  ],
  cgroup_inet_sock_create: [
    "cgroup_sock",
    "cgroup/sock_create",
    "A process of the cgroup makes a socket. Returning 0 refuses it with `-EPERM`.",
  ],
  cgroup_sock_ops: [
    "sock_ops",
    "sockops",
    "Moments in the life of the cgroup's TCP connections: established, retransmitting, closing, options to be written.",
  ],
  sk_skb_stream_parser: [
    "sk_skb",
    "sk_skb/stream_parser",
    "Says where the next message ends in the stream of a socket that is in a sockmap.",
  ],
  sk_skb_stream_verdict: [
    "sk_skb",
    "sk_skb/stream_verdict",
    "Decides about each message of a socket in a sockmap: pass it on, drop it, or give it to another socket.",
  ],
  cgroup_device: ["cgroup_device", "cgroup/dev", "A process of the cgroup opens or makes a device node. Returning 0 refuses it."],
  sk_msg_verdict: [
    "sk_msg",
    "sk_msg",
    "Data that a socket in a sockmap is about to send: let it go, drop it, or give it to another socket.",
  ],
  cgroup_inet4_bind: [
    "cgroup_sock_addr",
    "cgroup/bind4",
    "`bind` of an IPv4 socket; the program may change address and port. Returning 0 refuses it.",
  ],
  cgroup_inet6_bind: [
    "cgroup_sock_addr",
    "cgroup/bind6",
    "`bind` of an IPv6 socket; the program may change address and port. Returning 0 refuses it.",
  ],
  cgroup_inet4_connect: [
    "cgroup_sock_addr",
    "cgroup/connect4",
    "`connect` of an IPv4 socket; the program may send it to another address, or bind the local one first.",
  ],
  cgroup_inet6_connect: [
    "cgroup_sock_addr",
    "cgroup/connect6",
    "`connect` of an IPv6 socket; the program may send it to another address, or bind the local one first.",
  ],
  cgroup_inet4_post_bind: [
    "cgroup_sock",
    "cgroup/post_bind4",
    "An IPv4 socket has been bound and has its port. Returning 0 undoes that with `-EPERM`.",
  ],
  cgroup_inet6_post_bind: [
    "cgroup_sock",
    "cgroup/post_bind6",
    "An IPv6 socket has been bound and has its port. Returning 0 undoes that with `-EPERM`.",
  ],
  cgroup_udp4_sendmsg: [
    "cgroup_sock_addr",
    "cgroup/sendmsg4",
    "`sendmsg` or `sendto` of an unconnected IPv4 UDP socket; destination and source may be changed.",
  ],
  cgroup_udp6_sendmsg: [
    "cgroup_sock_addr",
    "cgroup/sendmsg6",
    "`sendmsg` or `sendto` of an unconnected IPv6 UDP socket; destination and source may be changed.",
  ],
  lirc_mode2: ["lirc_mode2", "lirc_mode2", "Pulses and spaces of an infrared receiver, to be decoded into key presses."],
  flow_dissector: [
    "flow_dissector",
    "flow_dissector",
    "Takes the place of the kernel's own dissection of packet headers in a network namespace.",
  ],
  cgroup_sysctl: [
    "cgroup_sysctl",
    "cgroup/sysctl",
    "A process of the cgroup reads or writes a file of /proc/sys; the program may see and replace the value. Returning 0 refuses it.",
  ],
  cgroup_udp4_recvmsg: [
    "cgroup_sock_addr",
    "cgroup/recvmsg4",
    "`recvmsg` of an IPv4 UDP socket; the sender's address that user space sees may be changed. The program must return 1.",
  ],
  cgroup_udp6_recvmsg: [
    "cgroup_sock_addr",
    "cgroup/recvmsg6",
    "`recvmsg` of an IPv6 UDP socket; the sender's address that user space sees may be changed. The program must return 1.",
  ],
  cgroup_getsockopt: [
    "cgroup_sockopt",
    "cgroup/getsockopt",
    "After `getsockopt`: the program may change the value and the result that user space gets.",
  ],
  cgroup_setsockopt: [
    "cgroup_sockopt",
    "cgroup/setsockopt",
    "Before `setsockopt`: the program may change the value, handle the option itself, or refuse it.",
  ],
  trace_raw_tp: ["tracing", "tp_btf/NAME", "A tracepoint with its arguments as typed pointers (`tp_btf`)."],
  trace_fentry: [
    "tracing",
    "fentry/NAME",
    "The start of a kernel function or of another BPF program, with typed arguments and hardly any cost.",
  ],
  trace_fexit: ["tracing", "fexit/NAME", "The end of a kernel function or of another BPF program: its arguments and its result."],
  modify_return: [
    "tracing",
    "fmod_ret/NAME",
    "Before a function that allows it: a result other than 0 is returned in its place and the function does not run.",
  ],
  lsm_mac: ["lsm", "lsm/HOOK", "A security hook. 0 allows, a negative errno refuses; hooks without a result only watch."],
  trace_iter: [
    "tracing",
    "iter/KIND",
    "Called for each object of a kind (task, map, socket ...) while user space reads the iterator's file.",
  ],
  cgroup_inet4_getpeername: [
    "cgroup_sock_addr",
    "cgroup/getpeername4",
    "`getpeername` of an IPv4 socket; the address that user space sees may be changed. The program must return 1.",
  ],
  cgroup_inet6_getpeername: [
    "cgroup_sock_addr",
    "cgroup/getpeername6",
    "`getpeername` of an IPv6 socket; the address that user space sees may be changed. The program must return 1.",
  ],
  cgroup_inet4_getsockname: [
    "cgroup_sock_addr",
    "cgroup/getsockname4",
    "`getsockname` of an IPv4 socket; the address that user space sees may be changed. The program must return 1.",
  ],
  cgroup_inet6_getsockname: [
    "cgroup_sock_addr",
    "cgroup/getsockname6",
    "`getsockname` of an IPv6 socket; the address that user space sees may be changed. The program must return 1.",
  ],
  xdp_devmap: ["xdp", "xdp/devmap", "An XDP program inside a devmap entry: it runs when a redirected packet leaves through that device."],
  cgroup_inet_sock_release: [
    "cgroup_sock",
    "cgroup/sock_release",
    "A socket of the cgroup is closed; for undoing what was noted when it was made.",
  ],
  xdp_cpumap: ["xdp", "xdp/cpumap", "An XDP program inside a cpumap entry: it runs on the CPU that the packet was redirected to."],
  sk_lookup: ["sk_lookup", "sk_lookup", "Chooses the listening socket for a new connection or datagram before the kernel looks for one."],
  xdp: ["xdp", "xdp", "Every packet that a network device receives, before the kernel makes a socket buffer of it."],
  sk_skb_verdict: ["sk_skb", "sk_skb/verdict", "As `sk_skb_stream_verdict`, without a parser: each received buffer is a message."],
  sk_reuseport_select: ["sk_reuseport", "sk_reuseport", "Chooses among the sockets that share a port with SO_REUSEPORT."],
  sk_reuseport_select_or_migrate: [
    "sk_reuseport",
    "sk_reuseport/migrate",
    "As `sk_reuseport_select`, and also for connections whose listener was closed.",
  ],
  perf_event: ["perf_event", "perf_event", "Overflow of a perf event, a kprobe, a uprobe or a tracepoint, attached through a perf link."],
  trace_kprobe_multi: [
    "kprobe",
    "kprobe.multi/PATTERN",
    "Many kernel functions at once, by name pattern or address, with a cookie for each.",
  ],
  lsm_cgroup: ["lsm", "lsm_cgroup/HOOK", "A security hook for the processes of one cgroup."],
  struct_ops: ["struct_ops", "struct_ops", "A structure of function pointers that the kernel calls, such as a congestion control."],
  netfilter: ["netfilter", "netfilter", "A hook of netfilter with a priority: the packet is accepted or dropped."],
  tcx_ingress: ["sched_cls", "tcx/ingress", "Traffic control on the way in, as a link: several programs run in order, without a qdisc."],
  tcx_egress: ["sched_cls", "tcx/egress", "Traffic control on the way out, as a link: several programs run in order, without a qdisc."],
  trace_uprobe_multi: ["kprobe", "uprobe.multi/BINARY:PATTERN", "Many places of a user-space binary at once, with a cookie for each."],
  cgroup_unix_connect: ["cgroup_sock_addr", "cgroup/connect_unix", "`connect` of a Unix socket; the path may be changed."],
  cgroup_unix_sendmsg: ["cgroup_sock_addr", "cgroup/sendmsg_unix", "`sendmsg` of a Unix datagram socket; the path may be changed."],
  cgroup_unix_recvmsg: [
    "cgroup_sock_addr",
    "cgroup/recvmsg_unix",
    "`recvmsg` of a Unix datagram socket; the sender's path that user space sees may be changed. The program must return 1.",
  ],
  cgroup_unix_getpeername: [
    "cgroup_sock_addr",
    "cgroup/getpeername_unix",
    "`getpeername` of a Unix socket; the path that user space sees may be changed. The program must return 1.",
  ],
  cgroup_unix_getsockname: [
    "cgroup_sock_addr",
    "cgroup/getsockname_unix",
    "`getsockname` of a Unix socket; the path that user space sees may be changed. The program must return 1.",
  ],
  netkit_primary: ["sched_cls", "netkit/primary", "Packets that the host's end of a netkit pair sends."],
  netkit_peer: ["sched_cls", "netkit/peer", "Packets that the container's end of a netkit pair sends."],
  trace_kprobe_session: [
    "kprobe",
    "kprobe.session/PATTERN",
    "As `trace_kprobe_multi`, with one program for entry and return that may skip the return and keep a value in between.",
  ],
  trace_uprobe_session: [
    "kprobe",
    "uprobe.session/BINARY:PATTERN",
    "As `trace_uprobe_multi`, with one program for entry and return that may skip the return and keep a value in between.",
  ],
};

/** By lower-case name of enum bpf_attach_type, in Markdown. */
export const ATTACH_TYPE_DOCS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ROWS).map(([name, [type, section, text]]) => [name, `${text} Programs of type \`${type}\`, section \`${section}\`.`]),
);
