// Helpers for checksums, hashes and security, in our own words. Texts only.
export const CHECKSUM: Readonly<Record<string, string>> = {
  l3_csum_replace:
    "Corrects the IP header's checksum after a field of it was changed. `offset` is that of the checksum in the packet, `from` and `to` the old and new value, and `flags` the size of the field, 2 or 4; with size 0 `to` is a difference made by `bpf_csum_diff`. It may move the packet: check its pointers anew afterwards.",
  l4_csum_replace:
    "Corrects the TCP or UDP checksum after a field was changed. The lower bits of `flags` are the field's size (0, 2 or 4); `BPF_F_PSEUDO_HDR` says that the field is part of the pseudo header, as addresses are, and `BPF_F_MARK_MANGLED_0` keeps an absent UDP checksum absent. It may move the packet.",
  csum_diff:
    "Difference of the checksums of two buffers, to be passed on to the replace helpers or folded into 16 bits by the program. Either buffer may be empty, which gives the change when bytes are added or removed. Sizes are multiples of 4; `seed` continues an earlier sum.",
  csum_update:
    "Adds `csum` to the checksum that the network card calculated over the whole packet, after the program has changed bytes. Returns `-ENOTSUPP` when the card did not calculate one.",
  csum_level:
    "Changes or asks how many checksums the kernel takes as already checked: `BPF_CSUM_LEVEL_QUERY`, `_INC`, `_DEC` or `_RESET`. Needed when headers are put on or taken off.",
  get_hash_recalc: "The packet's flow hash, calculated if there is none yet. Packets of one connection have the same.",
  set_hash: "Sets the packet's flow hash to a value of the program's choice. Queues and receive steering follow it from then on.",
  set_hash_invalid:
    "Makes the kernel calculate the packet's flow hash anew when it is next needed, for instance after addresses were changed. Call it after addresses or ports were rewritten, or all packets of the new flow keep the old flow's queue.",
  tcp_check_syncookie:
    "Whether an ACK carries a valid SYN cookie for a listening socket: 0 yes, negative no. IP and TCP header come as pointers with their lengths.",
  tcp_gen_syncookie:
    "Makes a SYN cookie for a SYN to a listening socket. The lower 32 bits of the result are the cookie, the next 16 the segment size; negative when cookies are off or not needed.",
  tcp_raw_gen_syncookie_ipv4:
    "Makes a SYN cookie for IPv4 from the headers alone, without a socket. The lower 32 bits of the result are the cookie, the next 16 the segment size.",
  tcp_raw_gen_syncookie_ipv6:
    "Makes a SYN cookie for IPv6 from the headers alone, without a socket. The lower 32 bits of the result are the cookie, the next 16 the segment size.",
  tcp_raw_check_syncookie_ipv4:
    "Whether an ACK carries a valid SYN cookie for IPv4, from the headers alone: 0 yes, negative no. The program must have made sure that both headers lie in the packet.",
  tcp_raw_check_syncookie_ipv6:
    "Whether an ACK carries a valid SYN cookie for IPv6, from the headers alone: 0 yes, negative no. Both headers must be complete; extension headers are the program's own business.",
  bprm_opts_set:
    "Sets options for a program that is being started. `BPF_F_BPRM_SECUREEXEC` makes the new process drop what a set-uid start drops, such as dangerous environment variables.",
  ima_inode_hash:
    "Copies the hash that the integrity subsystem has measured for an inode and answers the hash algorithm's number; negative when there is none. It may sleep.",
  ima_file_hash:
    "Calculates the hash of a file through the integrity subsystem, or takes the stored one, and answers the hash algorithm's number. It may sleep.",
};
