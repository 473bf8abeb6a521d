// Cases of sockets, routes, cookies, checksums and XDP. Data only.
import type { RunCase } from "../run-cases.ts";
import { fill, keep, OUT, stack, tc, TCP4, tracing, xdp } from "./parts.ts";

const TUPLE = fill(64, "0x0200000a0100000a", "0x000000005000d204", 0, 0, 0);
const look = (f: string, size: number, netns: string, flags: number): string =>
  `r1 = r7; ${stack(2, 64)}; r3 = ${size}; r4 = ${netns}; r5 = ${flags}; call bpf_${f}`;
let label = 0;
const found = (call: string, at: number): string => {
  const none = `none${label++}`;
  return `${call}; if r0 == 0 goto ${none}; r1 = r0; call bpf_sk_release; r0 = 1; ${keep(at)}; ${none}: r0 = 0`;
};
/** struct bpf_fib_lookup at r10-64. */
const fib = (family: number, ifindex: number, size: number, flags: number): string =>
  `${fill(64, family, ifindex, "0x0100000a", 0, "0x0200000a", 0, 0, 0)}; r1 = r7; ${stack(2, 64)}; r3 = ${size}; r4 = ${flags}; call bpf_fib_lookup`;
/** Address and length of the packet's IPv4 and TCP headers in r8 and r9, for packets that hold both. */
const HEADERS = "r8 = *(u32 *)(r7 + 0); r9 = *(u32 *)(r7 + 4); r1 = r8; r1 += 62; if r1 > r9 goto out; r9 = r8; r9 += 34; r8 += 14";
const HEADERS6 = "r8 = *(u32 *)(r7 + 0); r9 = *(u32 *)(r7 + 4); r1 = r8; r1 += 78; if r1 > r9 goto out; r9 = r8; r9 += 54; r8 += 14";
const TCP6 =
  "02000000000102000000000286dd 6000000000180640 fd000000000000000000000000000001 fd000000000000000000000000000002 04d2005000000001000000006002200000000000 020405a0".replaceAll(
    " ",
    "",
  );
const ACK4 = `${TCP4.slice(0, 68)}04d20050000000020000000050102000000000000204 05b401010402`.replaceAll(" ", "");
const csum = (from: number, to: number, seed: number | string): string =>
  `${fill(64, "0x1122334455667788", "0x99aabbccddeeff00", 0, 0)}; ${stack(1, 64)}; r2 = ${from}; ${stack(3, 56)}; r4 = ${to}; r5 = ${seed}; call bpf_csum_diff`;
const show = (type: string, bytes: string, flags: number, room = 128): RunCase =>
  tracing(
    `text of ${type} ${bytes.slice(0, 16)} flags ${flags}${room === 128 ? "" : ` room ${room}`}`,
    `r1 = mapvalue 1 0; *(u64 *)(r10 - 16) = r1; r1 = ktype ${type} ll; *(u64 *)(r10 - 8) = r1; r1 = r6; r1 += 8; r2 = ${room}; ${stack(3, 16)}; r4 = 16; r5 = ${flags}; call bpf_snprintf_btf; ${keep(0)}`,
    {
      maps: [
        { type: 2, key: 4, size: 1024, entries: 1 },
        { type: 2, key: 4, size: 512, entries: 1, flags: 128, frozen: bytes.padEnd(1024, "0") },
      ],
      kernelType: type,
    },
  );

export const NETWORK_CASES: readonly RunCase[] = [
  tc(
    "socket look-ups that find nothing",
    `${TUPLE}; ${found(look("sk_lookup_tcp", 12, "-1", 0), 0)}; ${found(look("sk_lookup_udp", 12, "-1", 0), 1)}; ${found(look("skc_lookup_tcp", 12, "-1", 0), 2)}; ${found(look("sk_lookup_tcp", 11, "-1", 0), 3)}; ${found(look("sk_lookup_tcp", 12, "-1", 1), 4)}; ${found(look("sk_lookup_tcp", 36, "-1", 0), 5)}; ${found(look("sk_lookup_tcp", 12, "12345", 0), 6)}`,
  ),
  ...(
    [
      [2, 1, 64, 0],
      [10, 1, 64, 0],
      [7, 1, 64, 0],
      [2, 99, 64, 0],
      [2, 1, 32, 0],
      [2, 1, 64, 64],
      [2, 1, 64, 2],
      [2, 1, 64, 1],
    ] as const
  ).map(([family, ifindex, size, flags]) =>
    tc(
      `fib_lookup ${family} ${ifindex} ${size} ${flags}`,
      `${fib(family, ifindex, size, flags)}; ${keep(0)}; r0 = *(u32 *)(r10 - 56); ${keep(1)}`,
    ),
  ),
  xdp("fib_lookup of XDP", `${fib(2, 1, 64, 0)}; ${keep(0)}; ${fib(2, 1, 64, 4)}; ${keep(1)}`),
  xdp(
    "raw cookie of IPv4",
    `${HEADERS}; r1 = r8; r2 = r9; r3 = 28; call bpf_tcp_raw_gen_syncookie_ipv4; r0 >>= 32; ${keep(0)}; r1 = r8; r2 = r9; r3 = 24; call bpf_tcp_raw_gen_syncookie_ipv4; ${keep(1)}; r1 = r8; r2 = r9; r3 = 12; call bpf_tcp_raw_gen_syncookie_ipv4; ${keep(2)}; out: r0 = 0`,
  ),
  xdp(
    "raw cookie of IPv6",
    `${HEADERS6}; r1 = r8; r2 = r9; r3 = 24; call bpf_tcp_raw_gen_syncookie_ipv6; r0 >>= 32; ${keep(0)}; out: r0 = 0`,
    { data: TCP6 },
  ),
  xdp("raw cookie that is none", `${HEADERS}; r1 = r8; r2 = r9; call bpf_tcp_raw_check_syncookie_ipv4; ${keep(0)}; out: r0 = 0`, {
    data: ACK4,
  }),
  xdp(
    "raw cookie made and checked",
    `${HEADERS}; r1 = r8; r2 = r9; r3 = 28; call bpf_tcp_raw_gen_syncookie_ipv4; r1 = r0; r1 += 1; r1 = be32 r1; *(u32 *)(r9 + 8) = r1; r1 = 0x02000000; *(u32 *)(r9 + 4) = r1; r1 = r8; r2 = r9; call bpf_tcp_raw_check_syncookie_ipv4; ${keep(0)}; r1 = 0; *(u32 *)(r9 + 8) = r1; out: r0 = 0`,
  ),
  ...(
    [
      [0, 16, 0],
      [8, 0, 0],
      [8, 8, 0],
      [16, 8, 5],
      [6, 8, 0],
      [0, 0, 77],
      [4, 4, "0xffffffff ll"],
      [0, 8, 70000],
    ] as const
  ).map(([from, to, seed]) => tc(`csum_diff ${from} ${to} ${seed}`, `${csum(from, to, seed)}; ${keep(0)}`)),
  tc(
    "l3_csum_replace",
    [
      [24, 0, 5, 0],
      [24, 7, 8, 2],
      [24, 7, 8, 4],
      [24, 7, 8, 3],
      [24, 7, 8, 16],
      [25, 7, 8, 2],
      [70000, 7, 8, 2],
      [24, 1, 5, 0],
    ]
      .map(
        ([off, from, to, flags], i) =>
          `r1 = r7; r2 = ${off}; r3 = ${from}; r4 = ${to}; r5 = ${flags}; call bpf_l3_csum_replace; ${keep(i)}`,
      )
      .join("; "),
  ),
  tc(
    "l4_csum_replace",
    [
      [50, 0, 5, 0],
      [50, 7, 8, 2],
      [50, 7, 8, 0x14],
      [50, 7, 8, 0x22],
      [50, 7, 8, 0x62],
      [50, 7, 8, 0x72],
      [50, 7, 8, 3],
      [51, 7, 8, 2],
      [50, 7, 8, 0x92],
      [50, 1, 5, 0],
    ]
      .map(
        ([off, from, to, flags], i) =>
          `r1 = r7; r2 = ${off}; r3 = ${from}; r4 = ${to}; r5 = ${flags}; call bpf_l4_csum_replace; ${keep(i)}`,
      )
      .join("; "),
  ),
  xdp("pull_data of XDP", [0, 20, 62, 63].map((n, i) => `r1 = r7; r2 = ${n}; kcall bpf_xdp_pull_data; ${keep(i)}`).join("; "), {
    flags: 32,
  }),
  xdp(
    "load and store of bytes",
    `${fill(32, "0x1122334455667788", 0)}; ${[
      [0, 8],
      [54, 8],
      [55, 8],
      [62, 1],
    ]
      .map(
        ([off, n], i) =>
          `r1 = r7; r2 = ${off}; ${stack(3, 32)}; r4 = ${n}; call bpf_xdp_store_bytes; ${keep(2 * i)}; r1 = r7; r2 = ${off}; ${stack(3, 16)}; r4 = ${n}; call bpf_xdp_load_bytes; ${keep(2 * i + 1)}`,
      )
      .join("; ")}`,
  ),
  xdp("length of the buffer", `r1 = r7; call bpf_xdp_get_buff_len; ${keep(0)}`),
  xdp(
    "head, tail and metadata",
    `r1 = r7; r2 = -8; call bpf_xdp_adjust_meta; ${keep(0)}; r1 = r7; r2 = -6; call bpf_xdp_adjust_meta; ${keep(1)}; r1 = r7; r2 = -20; call bpf_xdp_adjust_head; ${keep(2)}; r1 = r7; r2 = 100; call bpf_xdp_adjust_head; ${keep(3)}; r1 = r7; r2 = 60; call bpf_xdp_adjust_tail; ${keep(4)}; r1 = r7; r2 = -500; call bpf_xdp_adjust_tail; ${keep(5)}; r1 = r7; r2 = 5000; call bpf_xdp_adjust_tail; ${keep(6)}; r1 = r7; r2 = -300; call bpf_xdp_adjust_head; ${keep(7)}`,
  ),
  xdp(
    "check_mtu of XDP",
    [0, 100, 70000]
      .map(
        (n, i) =>
          `r1 = ${n}; *(u32 *)(r10 - 8) = r1; r1 = r7; r2 = 1; ${stack(3, 8)}; r4 = 0; r5 = 0; call bpf_check_mtu; ${keep(2 * i)}; r0 = *(u32 *)(r10 - 8); ${keep(2 * i + 1)}`,
      )
      .join("; "),
  ),
  xdp(
    "redirects",
    `r1 = 1; r2 = 0; call bpf_redirect; ${keep(0)}; r1 = 1; r2 = 1; call bpf_redirect; ${keep(1)}; r1 = map 1; r2 = 0; r3 = 2; call bpf_redirect_map; ${keep(2)}; r1 = map 1; r2 = 9; r3 = 1; call bpf_redirect_map; ${keep(3)}; r1 = map 1; r2 = 0; r3 = 64; call bpf_redirect_map; ${keep(4)}`,
    {
      maps: [OUT, { type: 14, key: 4, size: 4, entries: 2 }],
    },
  ),
  tc(
    "redirects of TC",
    `r1 = 1; r2 = 0; call bpf_redirect; ${keep(0)}; r1 = 1; r2 = 1; call bpf_redirect; ${keep(1)}; r1 = 1; r2 = 2; call bpf_redirect; ${keep(2)}; r1 = 1; r2 = 1; call bpf_redirect_peer; ${keep(3)}; r1 = 1; r2 = 0; r3 = 0; r4 = 1; call bpf_redirect_neigh; ${keep(4)}; r1 = r7; r2 = 99; r3 = 0; call bpf_clone_redirect; ${keep(5)}; r1 = r7; r2 = 1; r3 = 2; call bpf_clone_redirect; ${keep(6)}; r1 = 1; r2 = 0; r3 = 0; r4 = 0; call bpf_redirect_neigh; ${keep(7)}`,
  ),
  tc("pull_data", [0, 10, 62, 63, 70000].map((n, i) => `r1 = r7; r2 = ${n}; call bpf_skb_pull_data; ${keep(i)}`).join("; ")),
  tc(
    "load_bytes_relative",
    [
      [0, 0],
      [0, 1],
      [60, 0],
      [20, 1],
      [-2, 1],
      [0, 2],
    ]
      .map(
        ([off, start], i) =>
          `${fill(16, 7)}; r1 = r7; r2 = ${off}; ${stack(3, 16)}; r4 = 4; r5 = ${start}; call bpf_skb_load_bytes_relative; ${keep(2 * i)}; r0 = *(u32 *)(r10 - 16); ${keep(2 * i + 1)}`,
      )
      .join("; "),
  ),
  tc(
    "cgroups of a socket",
    `r1 = *(u64 *)(r7 + 168); if r1 == 0 goto out; call bpf_sk_fullsock; if r0 == 0 goto out; r8 = r0; r1 = r8; call bpf_sk_cgroup_id; ${keep(0)}; r1 = r8; r2 = 0; call bpf_sk_ancestor_cgroup_id; ${keep(1)}; r1 = r8; r2 = 5; call bpf_sk_ancestor_cgroup_id; ${keep(2)}; out: r0 = 0`,
    { type: "cgroup_skb", attach: 0 },
  ),
  tc(
    "casts of a socket that is none of TCP",
    `r8 = *(u64 *)(r7 + 168); if r8 == 0 goto out; ${["tcp_sock", "tcp6_sock", "udp6_sock", "tcp_timewait_sock", "tcp_request_sock", "unix_sock", "mptcp_sock"].map((n, i) => `r1 = r8; call bpf_skc_to_${n}; if r0 == 0 goto no${i}; r0 = 1; ${keep(i)}; no${i}: r0 = 0`).join("; ")}; r1 = r8; call bpf_get_listener_sock; if r0 == 0 goto out; r0 = 1; ${keep(7)}; out: r0 = 0`,
  ),
  tc(
    "cookies checked with no listener",
    `r8 = *(u64 *)(r7 + 168); if r8 == 0 goto out; ${fill(64, 0x45, 0, 0, 0, 0)}; r1 = r8; ${stack(2, 64)}; r3 = 20; ${stack(4, 44)}; r5 = 20; call bpf_tcp_check_syncookie; ${keep(0)}; r1 = r8; ${stack(2, 64)}; r3 = 20; ${stack(4, 44)}; r5 = 20; call bpf_tcp_gen_syncookie; ${keep(1)}; out: r0 = 0`,
  ),
  tc("cookie of the packet's socket is one", `r1 = r7; call bpf_get_socket_cookie; if r0 == 0 goto out; r0 = 1; ${keep(0)}; out: r0 = 0`),
  tc("cookie of the network namespace is one", `r1 = r7; call bpf_get_netns_cookie; if r0 == 0 goto out; r0 = 1; ${keep(0)}; out: r0 = 0`),
  tracing("text of nothing", `${fill(16, 0, 0)}; r1 = r6; r2 = 64; ${stack(3, 16)}; r4 = 16; r5 = 0; call bpf_snprintf_btf; ${keep(15)}`),
  ...[0, 1, 2, 8].flatMap((flags) => [
    show("4:iphdr", "4500003000014000400600000a0000010a000002", flags),
    show("4:list_head", "00", flags),
    show("4:in6_addr", "fd000000000000000000000000000001", flags),
    show("1:int", "fbffffff", flags),
    show("8:umode_t", "a481", flags),
    show("4:ethhdr", "0200000000010200000000020800", flags),
    show("4:timespec64", "0100000000000000ffffffffffffffff", flags),
    show("4:qstr", "1234", flags),
    show("4:rb_root_cached", "", flags),
    show("6:bpf_map_type", "05000000", flags),
    show("6:bpf_map_type", "ffff0000", flags),
    show("4:bpf_insn", "b7010000ffffffff", flags),
    show("4:new_utsname", "4c696e757800", flags),
  ]),
  show("4:iphdr", "4500003000014000400600000a0000010a000002", 16),
  show("4:iphdr", "4500003000014000400600000a0000010a000002", 1, 20),
];
