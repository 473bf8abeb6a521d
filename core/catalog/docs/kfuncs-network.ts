// Kfuncs of the network: packets, devices, connections, sockets, ciphers, congestion control, in our own words. Texts only.
const BBR = "It belongs to the congestion control BBR, which a program of struct_ops may build upon.";
const CUBIC = "It belongs to the congestion control CUBIC, which a program of struct_ops may build upon.";

export const KFUNCS_NETWORK: Readonly<Record<string, string>> = {
  bpf_xdp_metadata_rx_hash:
    "The flow hash that the device calculated, and its kind. `-EOPNOTSUPP` when the driver cannot tell, `-ENODATA` when this packet has none; the program must be bound to the device.",
  bpf_xdp_metadata_rx_timestamp:
    "When the device received the packet, in nanoseconds of its clock. `-ENODATA` when this packet was not stamped.",
  bpf_xdp_metadata_rx_vlan_tag:
    "The VLAN tag that the device took off the packet: protocol in network order, and the tag itself. `-ENODATA` when it had none.",
  bpf_xdp_pull_data:
    "Moves bytes of fragments into the first piece of an XDP buffer, so that direct access reaches `len` bytes. Pointers to the packet must be loaded anew.",
  bpf_xdp_get_xfrm_state:
    "The IPsec state for given addresses and SPI, with a reference. NULL when there is none, with the error in the options.",
  bpf_xdp_xfrm_state_release: "Gives an IPsec state back. It pairs with `bpf_xdp_get_xfrm_state`.",
  bpf_xdp_ct_lookup:
    "Finds the tracked connection of a tuple, in XDP programs, with a reference. NULL when there is none, with the errno in `opts->error`; `opts->dir` says which direction the tuple has. Release it with `bpf_ct_release`.",
  bpf_skb_ct_lookup:
    "Finds the tracked connection of a tuple, in TC programs. It takes the same options as the XDP form and answers NULL with the errno in them.",
  bpf_xdp_ct_alloc:
    "Makes a new tracked connection for a tuple, in XDP programs. Set it up, then insert it: until then nobody else sees it.",
  bpf_skb_ct_alloc: "Makes a new tracked connection for a tuple, in TC programs. It must go to `bpf_ct_insert_entry`.",
  bpf_ct_insert_entry:
    "Puts a new connection into the table and gives it back as one that can be looked up. NULL when the same tuple is there already.",
  bpf_ct_release: "Gives a connection back that a look-up or insertion gave. Every one must come here.",
  bpf_ct_set_timeout:
    "Sets the milliseconds after which a connection that is not inserted yet will be forgotten. Its packets do not prolong it.",
  bpf_ct_change_timeout: "Sets the timeout of a connection that is in the table. The new span counts from now.",
  bpf_ct_set_status:
    "Adds status bits to a connection that is not inserted yet. Bits that the kernel keeps for itself are refused with `-EBUSY`.",
  bpf_ct_change_status: "Adds status bits to a connection of the table, such as `IPS_ASSURED`. Bits cannot be taken away.",
  bpf_ct_set_nat_info:
    "Sets the address and port that a new connection is translated to, for source or destination. Call it before the connection is inserted.",
  bpf_sk_assign_tcp_reqsk:
    "Gives a packet that completes a handshake to a listener, with the options that a SYN cookie carried. The program has checked the cookie itself.",
  bpf_sock_addr_set_sun_path:
    "Changes the path that a Unix socket is bound or connected to, in programs on socket addresses. 1 to 108 bytes.",
  bpf_sock_destroy: "Closes a TCP or UDP socket from an iterator, with `ECONNABORTED` for its owner. `-EOPNOTSUPP` for other protocols.",
  bpf_sock_ops_enable_tx_tstamp:
    "Asks that the packet at hand is time-stamped on its way out, with calls of the sock_ops program for it. `flags` must be 0.",

  bpf_crypto_ctx_create:
    "Makes a cipher with its key from `struct bpf_crypto_params`, in a program of type syscall that may sleep. NULL with the errno in `*err`; keep it in a map for packet programs.",
  bpf_crypto_ctx_acquire: "Takes a reference to a cipher that lies in a map. NULL when it is going away.",
  bpf_crypto_ctx_release: "Gives a reference to a cipher back. The last one frees it.",
  bpf_crypto_encrypt:
    "Encrypts the bytes of one dynptr into another. Sizes must suit the cipher, and the initial vector must have its length, else `-EINVAL`.",
  bpf_crypto_decrypt: "Decrypts the bytes of one dynptr into another. Key, chaining and vector must be those that encrypted them.",

  tcp_slow_start:
    "Grows the window by the acknowledged segments up to the threshold. It answers how many are left over for congestion avoidance.",
  tcp_cong_avoid_ai:
    "Grows the window by one for every `w` acknowledged segments. Additive increase, as Reno's congestion avoidance has it.",
  tcp_reno_ssthresh: "The threshold after a loss as Reno sets it: half the window, at least 2. Programs of struct_ops use it as a default.",
  tcp_reno_cong_avoid:
    "Reno's reaction to acknowledgements: slow start below the threshold, then one segment a round trip. It does nothing while the sender is not limited by its window.",
  tcp_reno_undo_cwnd:
    "The window to go back to when a loss turns out to have been none. It is the larger of the present one and that before the loss.",
  cubictcp_init: `Sets the state of a new connection. ${CUBIC}`,
  cubictcp_recalc_ssthresh: `The threshold after a loss, about 70 percent of the window, with the curve's start noted. ${CUBIC}`,
  cubictcp_cong_avoid: `Grows the window along the cubic curve as acknowledgements come. ${CUBIC}`,
  cubictcp_state: `Starts the curve anew when the connection enters the state of loss. ${CUBIC}`,
  cubictcp_cwnd_event: `Moves the curve on after a pause in sending, so that the window does not jump. ${CUBIC}`,
  cubictcp_acked: `Takes the measured delay of an acknowledgement and may end slow start by it. ${CUBIC}`,
  bbr_init: `Sets the state of a new connection: filters, pacing rate, mode. ${BBR}`,
  bbr_main: `Takes a sample of the delivery rate and sets window and pacing by the model. ${BBR}`,
  bbr_sndbuf_expand: `By how much the send buffer exceeds the window: three times. ${BBR}`,
  bbr_undo_cwnd: `Goes back to the window before a loss that was none, and forgets the plateau of bandwidth. ${BBR}`,
  bbr_cwnd_event: `Takes note when sending starts again after a pause. ${BBR}`,
  bbr_ssthresh: `Keeps the window before a loss; the threshold itself stays out of play. ${BBR}`,
  bbr_min_tso_segs: `How few segments go out in one piece at the present pacing rate. ${BBR}`,
  bbr_set_state: `Reacts to the state of loss by forgetting the plateau of bandwidth. ${BBR}`,
};
