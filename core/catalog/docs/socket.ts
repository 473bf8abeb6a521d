// Helpers for sockets and redirection, in our own words. Texts only.
export const SOCKET: Readonly<Record<string, string>> = {
  redirect:
    "Sends the packet out of device `ifindex` after the program has returned; return what it answers. For TC `BPF_F_INGRESS` hands it to the device's receive side instead. In XDP `bpf_redirect_map` with a devmap is faster. Nothing is checked at the time of the call: a wrong device drops the packet later.",
  redirect_map:
    "Sends the packet to what slot `key` of a devmap, cpumap or xskmap holds, after the program has returned; return what it answers. When the slot is empty, the lower bits of `flags` are returned instead, such as XDP_PASS. With `BPF_F_BROADCAST` and a devmap it goes to all devices, with `BPF_F_EXCLUDE_INGRESS` all but its own.",
  redirect_neigh:
    "Like `bpf_redirect`, but the kernel looks up the neighbour and fills in the link-layer addresses. Without `params` it also looks up the route. TC only; `flags` must be 0.",
  redirect_peer:
    "Like `bpf_redirect` to the other end of a veth or netkit pair in another namespace, without a detour through the queue. TC on the receive side only; `flags` must be 0.",
  clone_redirect:
    "Sends a copy of the packet out of device `ifindex`, or into its receive side with `BPF_F_INGRESS`, at once; the packet itself goes on. All pointers to packet bytes become invalid.",
  sk_redirect_map:
    "Gives the data to the socket in slot `key` of a sockmap, in a sk_skb verdict program; with `BPF_F_INGRESS` to its receive queue, else it is sent. Returns SK_PASS or SK_DROP: return that.",
  sk_redirect_hash:
    "Gives the data to the socket under a key of a sockhash, in a sk_skb verdict program. Returns SK_PASS or SK_DROP: return that.",
  msg_redirect_map:
    "Gives the message to the socket in slot `key` of a sockmap, in a sk_msg program; with `BPF_F_INGRESS` to its receive queue, so that data between local sockets skips the network stack. Returns SK_PASS or SK_DROP: return that.",
  msg_redirect_hash:
    "Gives the message to the socket under a key of a sockhash, in a sk_msg program. Returns SK_PASS or SK_DROP: return that.",
  msg_apply_bytes:
    "The verdict of this run holds for the next `bytes` bytes, even over several send calls, without the program being called again. It saves calls when a message header has already said how long the body is.",
  msg_cork_bytes:
    "Wait until `bytes` bytes have come together before the program is called again. Useful when a protocol's header is needed whole.",
  msg_pull_data:
    "Makes the bytes from `start` to `end` of a message reachable through `data` and `data_end`, copying where needed. All pointers to message bytes become invalid. `flags` must be 0.",
  msg_push_data:
    "Makes room of `len` bytes at `start` of a message; the program fills it. All pointers to message bytes become invalid. `flags` must be 0.",
  msg_pop_data: "Removes `len` bytes at `start` of a message. All pointers to message bytes become invalid. `flags` must be 0.",
  sock_map_update: "Puts the socket of a sock_ops program into a sockmap. `flags` is `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.",
  sock_hash_update: "Puts the socket of a sock_ops program into a sockhash. `flags` is `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.",
  fib_lookup:
    "Asks the routing table where a packet would go. The program fills `struct bpf_fib_lookup` with addresses, ports and the incoming device; on success (0) it holds the outgoing device and both link-layer addresses. Positive results (`BPF_FIB_LKUP_RET_*`) say why the packet cannot be forwarded: hand it to the stack then.",
  get_socket_cookie:
    "A 64-bit number that names a socket for as long as the system runs. Good as a key for counting. 0 when there is no socket.",
  get_socket_uid:
    "User id of the owner of the packet's socket; `overflowuid` when the packet has no full socket. Packets that are only forwarded have no socket.",
  setsockopt:
    "Sets a socket option as the system call would. Only some levels and options are known here: common ones of SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP and IPPROTO_IPV6. Returns `-EINVAL` for others.",
  getsockopt: "Reads a socket option as the system call would. Only some levels and options are known here; a failure zeroes the buffer.",
  sock_ops_cb_flags_set:
    "Chooses which callbacks this connection's sock_ops program wants, by `BPF_SOCK_OPS_*_CB_FLAG` bits. Returns the bits that this kernel does not know, `-EINVAL` when the socket is not a full one.",
  load_hdr_opt:
    "Finds a TCP header option by its kind (and magic number for kinds 253 and 254) in the received segment, or in the saved SYN with `BPF_LOAD_HDR_OPT_TCP_SYN`. Returns its length, `-ENOMSG` when it is not there.",
  store_hdr_opt:
    "Writes a TCP header option into the segment that is being built. Room must have been reserved before; an option that is already there is refused with `-EEXIST`.",
  reserve_hdr_opt:
    "Reserves `len` bytes for TCP header options in the segment that will be built. Returns `-ENOSPC` when there is no room.",
  bind: "Binds a socket that is about to connect to an address, with port 0 for any. For connect4 and connect6 programs that choose the source address.",
  sk_lookup_tcp:
    "Finds a TCP socket by addresses and ports. `netns` is a namespace id or `BPF_F_CURRENT_NETNS`; the size of the tuple says IPv4 or IPv6. The result may be NULL, and otherwise must be released with `bpf_sk_release` on every path. Listening sockets are found too; half-open ones are not, see `bpf_skc_lookup_tcp`.",
  sk_lookup_udp:
    "Finds a UDP socket by addresses and ports. `netns` is a namespace id or `BPF_F_CURRENT_NETNS`. The result may be NULL, and otherwise must be released with `bpf_sk_release` on every path.",
  skc_lookup_tcp:
    "Like `bpf_sk_lookup_tcp`, but it also finds connections that are being set up or are waiting to end. Only the common part of the socket can be read, unless it is converted.",
  sk_release: "Gives back a socket that a look-up has answered. The pointer must not be used afterwards.",
  sk_fullsock:
    "The full socket behind a pointer to its common part, or NULL when it is not one (a half-open or ending connection). Fields such as `mark` and `priority` can be read only from what it gives.",
  tcp_sock:
    "The TCP socket behind a socket, with its counters and windows, or NULL when it is no TCP socket. What it gives is read-only and lives as long as the socket that was passed in.",
  get_listener_sock: "The listening socket that a TCP connection came from, or NULL. It needs no release.",
  sk_assign:
    "Gives the packet (TC) or the connection (sk_lookup) to a socket of the program's choice. With `BPF_SK_LOOKUP_F_REPLACE` an earlier choice is replaced, with `BPF_SK_LOOKUP_F_NO_REUSEPORT` the reuseport group is not asked again.",
  sk_cgroup_id: "Id of the cgroup (version 2) of a socket. A socket keeps the cgroup that it was made in.",
  sk_ancestor_cgroup_id:
    "Id of the cgroup at depth `ancestor_level` above that of a socket; 0 when it does not lie that deep. Level 0 is the root of the hierarchy.",
  sk_select_reuseport:
    "Chooses the socket of a reuseport group that gets the packet, from a reuseport array or sockmap. Returns `-ENOENT` when the slot is empty, `-EBADFD` when the socket is of another group.",
  tcp_send_ack:
    "Sends an ACK for `rcv_nxt` now, in a congestion-control program. Only programs that implement `tcp_congestion_ops` may call it.",
  skc_to_tcp_sock:
    "The pointer as `struct tcp_sock *`, or NULL when the socket is none. Use it for fields that `struct bpf_tcp_sock` lacks.",
  skc_to_tcp6_sock:
    "The pointer as `struct tcp6_sock *`, or NULL when the socket is none. The kernel's own fields can then be read as of any other typed pointer.",
  skc_to_tcp_timewait_sock:
    "The pointer as `struct tcp_timewait_sock *`, or NULL when the socket is none. Such a socket is what is left of a connection while late segments may still come.",
  skc_to_tcp_request_sock:
    "The pointer as `struct tcp_request_sock *`, or NULL when the socket is none. Such a socket is a connection that has answered a SYN and waits for the ACK.",
  skc_to_udp6_sock:
    "The pointer as `struct udp6_sock *`, or NULL when the socket is none. It looks at family, type and protocol of the socket.",
  skc_to_unix_sock: "The pointer as `struct unix_sock *`, or NULL when the socket is none. It looks at the socket's family only.",
  skc_to_mptcp_sock:
    "The pointer as `struct mptcp_sock *`, or NULL when the connection does not belong to one. A subflow is a TCP socket of its own; this leads to the connection that it belongs to.",
  sock_from_file:
    "The socket behind a `struct file *`, or NULL when the file is none. It is meant for LSM programs and iterators, which get files as typed pointers.",
  rc_repeat: "Reports that the key on a remote control is still held, in an infrared decoder. Returns 0.",
  rc_keydown:
    "Reports a key press on a remote control, with protocol, scan code and toggle bit, in an infrared decoder. The key counts as released when no repeat follows in time. Returns 0.",
  rc_pointer_rel: "Reports a movement of a remote control's pointer, in an infrared decoder. Returns 0.",
};
