// Helpers that read, edit and describe packets, in our own words. Texts only.
export const PACKET: Readonly<Record<string, string>> = {
  skb_load_bytes:
    "Copies bytes of a packet to a buffer, wherever the kernel keeps them. Returns `-EFAULT`, with the buffer zeroed, when the packet is too short. Slower than direct access through `data`, but it needs no bounds checks.",
  skb_load_bytes_relative:
    "Copies bytes of a packet, counted from the MAC header (`BPF_HDR_START_MAC`) or the network header (`BPF_HDR_START_NET`). Useful where packets of devices with and without Ethernet header arrive.",
  skb_store_bytes:
    "Writes bytes into a packet. `BPF_F_RECOMPUTE_CSUM` adjusts the checksum of the whole packet, `BPF_F_INVALIDATE_HASH` clears the flow hash; checksums inside the headers remain the program's task. All pointers to packet bytes become invalid.",
  skb_pull_data:
    "Makes the first `len` bytes of the packet (all for 0) lie in one piece that the program may write, so that they can be reached through `data`. All pointers to packet bytes become invalid: load `data` and `data_end` again.",
  skb_change_head:
    "Makes room of `len` bytes before the packet, for a new link-layer header. `flags` must be 0. All pointers to packet bytes become invalid.",
  skb_change_tail:
    "Changes the packet's length: cuts it, or lengthens it by zeroes. Meant for programs that answer in place, such as with an ICMP error. `flags` must be 0. All pointers to packet bytes become invalid.",
  skb_adjust_room:
    "Makes or removes room in the middle of a packet, after the MAC header (`BPF_ADJ_ROOM_MAC`) or after the network header (`BPF_ADJ_ROOM_NET`), as tunnels need. `flags` describes the headers that come in between. All pointers to packet bytes become invalid.",
  skb_change_proto:
    "Turns an IPv4 packet into one with room for IPv6 headers or back; the program writes the headers itself. `flags` must be 0. All pointers to packet bytes become invalid.",
  skb_change_type:
    "Changes whether the packet counts as for this host, broadcast, multicast or for others (`PACKET_HOST` and so on). It lets a packet with a foreign MAC address be received.",
  skb_vlan_push:
    "Puts a VLAN tag on the packet. `vlan_proto` is `ETH_P_8021Q` or `ETH_P_8021AD` in network order. All pointers to packet bytes become invalid.",
  skb_vlan_pop: "Takes the outer VLAN tag off the packet. All pointers to packet bytes become invalid.",
  skb_get_tunnel_key:
    "Copies what the tunnel device knows of the packet's outer header: tunnel id, addresses, TOS and TTL. `BPF_F_TUNINFO_IPV6` says that the addresses are IPv6. It works with devices in collect-metadata mode.",
  skb_set_tunnel_key:
    "Sets the outer header that a tunnel device in collect-metadata mode will put on the packet. `flags` choose IPv6, no checksum, no fragmentation and more.",
  skb_get_tunnel_opt: "Copies the options of the packet's outer header, as Geneve has them. Returns their size.",
  skb_set_tunnel_opt:
    "Sets the options of the outer header that a tunnel device will put on the packet. Call it after `bpf_skb_set_tunnel_key`.",
  skb_get_xfrm_state:
    "Copies facts about the IPsec state with number `index` that the packet went through: request id, SPI, address and family. It fails with `-EINVAL`, and clears the buffer, when the packet came through no such state.",
  skb_under_cgroup:
    "Whether the packet's socket is in the cgroup in slot `index` of a cgroup array, or below it: 1 yes, 0 no. It fails with `-E2BIG` for an index outside the map, `-EAGAIN` for an empty slot and `-ENOENT` for a packet without a socket.",
  skb_cgroup_id:
    "Id of the cgroup (version 2) of the packet's socket; 0 when the packet has none. It is the inode number of the cgroup's directory, as `stat` shows it.",
  skb_ancestor_cgroup_id:
    "Id of the cgroup at depth `ancestor_level` above that of the packet's socket; 0 when it does not lie that deep. Level 0 is the root, so that a fixed level names the same subtree for all its members.",
  skb_cgroup_classid: "The net_cls class id of the packet's socket; 0 when there is none. It works on the way in as well.",
  get_cgroup_classid:
    "The net_cls class id (cgroup version 1) of the task that sends the packet, or of the current task where no packet is at hand; 0 when none is set. The class is set in `net_cls.classid`, which version 2 of cgroups no longer has.",
  get_route_realm: "Realm of the route that the packet took, or 0. Realms are numbers that routing rules can give to destinations.",
  skb_ecn_set_ce: "Marks the packet as having met congestion. Returns 1 when it did, 0 when the packet does not take part in ECN.",
  xdp_adjust_head:
    "Moves the beginning of the packet: a negative `delta` makes room for headers before it, a positive one cuts bytes off. The new bytes are not zeroed. All pointers to packet bytes become invalid: load `data` and `data_end` again.",
  xdp_adjust_tail:
    "Moves the end of the packet: negative cuts, positive lengthens (the new bytes are zeroed) if the driver left room. All pointers to packet bytes become invalid.",
  xdp_adjust_meta:
    "Moves the beginning of the metadata area before the packet, up to 252 bytes in steps of 4, to hand facts to later programs, which find them between `data_meta` and `data`. Not every driver has it. All pointers to packet bytes become invalid.",
  xdp_get_buff_len:
    "Length of the whole packet, fragments included. Where packets come in several buffers, `data_end - data` is only the first one's.",
  xdp_load_bytes:
    "Copies bytes of a packet to a buffer, over the borders of fragments as well. Returns `-EINVAL` when the packet is too short.",
  xdp_store_bytes:
    "Writes bytes into a packet, over the borders of fragments as well. The range must lie inside the packet, else the answer is `-EINVAL` and nothing is written.",
  check_mtu:
    "Whether a packet fits the MTU of a device (0 for its own), after a planned change of length by `len_diff`. `*mtu_len` gets the MTU; on input it may hold a length to check instead of the packet's. Returns 0, `BPF_MTU_CHK_RET_FRAG_NEEDED`, `BPF_MTU_CHK_RET_SEGS_TOOBIG` or a negative errno.",
  lwt_push_encap:
    "Puts a header around the packet: `BPF_LWT_ENCAP_SEG6` or `_SEG6_INLINE` for segment routing on the way in, `BPF_LWT_ENCAP_IP` for an IP header with what follows it. All pointers to packet bytes become invalid.",
  lwt_seg6_store_bytes:
    "Changes flags, tag or TLVs of the packet's segment-routing header; other parts are protected. Segments themselves cannot be rewritten: that is `-EFAULT`.",
  lwt_seg6_adjust_srh:
    "Makes (positive `delta`) or removes room for TLVs in the packet's segment-routing header, in steps of 8 bytes. The header's length fields are set for you; write the new TLVs afterwards.",
  lwt_seg6_action:
    "Does a segment-routing action on the packet, such as `SEG6_LOCAL_ACTION_END_X`, with `param` as the action wants it: an address, a table, a header. The packet must carry a valid segment-routing header, else the answer is `-EBADMSG`.",
};
