// Cases of helpers on packets of TC programs. Data only.
import type { RunCase } from "../run-cases.ts";
import { fill, keep, stack, tc, TCP4, UDP6, PLAIN } from "./parts.ts";

const protoTo = (be: number): string => `r1 = r7; r2 = ${be}; r3 = 0; call bpf_skb_change_proto`;
const adjust = (diff: number, mode: number, flags: number | string): string =>
  `r1 = r7; r2 = ${diff}; r3 = ${mode}; r4 = ${flags} ll; call bpf_skb_adjust_room`;
const level = (n: number): string => `r1 = r7; r2 = ${n}; call bpf_csum_level`;
const tstamp = (t: number, type: number): string => `r1 = r7; r2 = ${t}; r3 = ${type}; call bpf_skb_set_tstamp`;
const getKey = (size: number, flags: number): string =>
  `r1 = r7; ${stack(2, 48)}; r3 = ${size}; r4 = ${flags}; call bpf_skb_get_tunnel_key`;
const setKey = (size: number, flags: number): string =>
  `r1 = r7; ${stack(2, 48)}; r3 = ${size}; r4 = ${flags}; call bpf_skb_set_tunnel_key`;
const KEY = fill(48, "0x0a00000100000007", 0, "0x40100000000000", "0x0a00000200000000", 0, 0);
const KEPT = [0, 1, 2, 3, 4].map((i) => `r0 = *(u64 *)(r10 - ${48 - 8 * i}); ${keep(3 + i)}`).join("; ");

const ROOMS: readonly (readonly [number, number, number | string])[] = [
  [20, 1, 0],
  [8, 0, 0],
  [-8, 1, 0],
  [-20, 0, 0],
  [-28, 1, 0],
  [-200, 1, 0],
  [4096, 1, 0],
  [4095, 1, 0],
  [20, 1, 2],
  [40, 1, 4],
  [24, 1, 10],
  [28, 1, 18],
  [50, 1, "0x0e00000000000052"],
  [50, 1, "0x0800000000000052"],
  [20, 1, 6],
  [20, 1, 24],
  [20, 2, 0],
  [20, 1, 1024],
  [-20, 1, 128],
  [-8, 1, 384],
  [20, 1, 128],
  [-8, 1, 32],
];

export const SKB_CASES: readonly RunCase[] = [
  tc("change_proto 4 to 6", `${protoTo(0xdd86)}; ${keep(0)}; r1 = r7; r0 = *(u32 *)(r7 + 16); ${keep(1)}`),
  tc("change_proto 6 to 4", `${protoTo(8)}; ${keep(0)}; r0 = *(u32 *)(r7 + 16); ${keep(1)}`, { data: UDP6 }),
  tc("change_proto to the same", `${protoTo(8)}; ${keep(0)}`),
  tc("change_proto of another protocol", `${protoTo(8)}; ${keep(0)}`, { data: PLAIN }),
  tc("change_proto with flags", `r1 = r7; r2 = 8; r3 = 1; call bpf_skb_change_proto; ${keep(0)}`),
  ...ROOMS.map(([diff, mode, flags]) =>
    tc(
      `adjust_room ${diff} ${mode} ${flags}`,
      `${adjust(diff, mode, flags)}; ${keep(0)}; r0 = *(u32 *)(r7 + 16); ${keep(1)}; r0 = *(u32 *)(r7 + 0); ${keep(2)}`,
    ),
  ),
  tc("adjust_room of IPv6", `${adjust(-8, 0, 0)}; ${keep(0)}`, { data: UDP6 }),
  tc("adjust_room of another protocol", `${adjust(8, 1, 0)}; ${keep(0)}`, { data: PLAIN }),
  tc("adjust_room twice with encapsulation", `${adjust(20, 1, 2)}; ${keep(0)}; ${adjust(20, 1, 2)}; ${keep(1)}`),
  tc("csum_level", [0, 1, 0, 1, 0, 2, 0, 2, 0, 3, 0, 4].map((n, i) => `${level(n)}; ${keep(i)}`).join("; ")),
  tc("csum_update", `r1 = r7; r2 = 7; call bpf_csum_update; ${keep(0)}`),
  tc(
    "set_tstamp",
    [tstamp(0, 0), tstamp(5, 0), tstamp(5, 1), tstamp(0, 1), tstamp(9, 2), tstamp(9, 3)].map((t, i) => `${t}; ${keep(i)}`).join("; "),
  ),
  tc("set_tstamp of another protocol", `${tstamp(5, 1)}; ${keep(0)}`, { data: PLAIN }),
  tc("set_tstamp kept", `${tstamp(77, 1)}; ${keep(0)}; r0 = *(u64 *)(r7 + 152); ${keep(1)}; r0 = *(u8 *)(r7 + 180); ${keep(2)}`),
  ...["00", "01", "02", "03"].map((tos) =>
    tc(`ecn_set_ce ${tos}`, `r1 = r7; call bpf_skb_ecn_set_ce; ${keep(0)}`, {
      data: TCP4.replace("08004500", `080045${tos}`),
      type: "cgroup_skb",
      attach: 1,
    }),
  ),
  ...["60000", "60100", "60200", "60300"].map((head) =>
    tc(`ecn_set_ce of IPv6 ${head}`, `r1 = r7; call bpf_skb_ecn_set_ce; ${keep(0)}`, {
      data: UDP6.replace("dd60000", `dd${head}`),
      type: "cgroup_skb",
      attach: 1,
    }),
  ),
  tc("ecn_set_ce of another protocol", `r1 = r7; call bpf_skb_ecn_set_ce; ${keep(0)}`, { data: PLAIN, type: "cgroup_skb", attach: 1 }),
  tc("get_tunnel_key of none", `${KEY}; ${getKey(44, 0)}; ${keep(0)}; ${getKey(40, 0)}; ${keep(1)}; ${KEPT}`),
  ...[44, 28, 24, 22, 8, 12, 4].map((size) =>
    tc(`tunnel key of ${size} bytes`, `${KEY}; ${setKey(size, 0)}; ${keep(0)}; ${getKey(44, 0)}; ${keep(1)}; ${KEPT}`),
  ),
  ...[1, 2, 4, 8, 16, 32, 6].map((flags) =>
    tc(
      `tunnel key with flags ${flags}`,
      `${KEY}; ${setKey(44, flags)}; ${keep(0)}; ${getKey(44, 16)}; ${keep(1)}; ${KEPT}; ${getKey(44, 17)}; ${keep(2)}`,
    ),
  ),
  ...[44, 28, 24, 22, 8, 12].map((size) =>
    tc(`get_tunnel_key of ${size} bytes`, `${KEY}; ${setKey(44, 0)}; ${KEPT}; ${getKey(size, 0)}; ${keep(0)}; ${KEPT}`),
  ),
  tc("tunnel label without IPv6", `${KEY}; r1 = 5; *(u32 *)(r10 - 24) = r1; ${setKey(44, 0)}; ${keep(0)}`),
  tc(
    "tunnel options",
    `${KEY}; r1 = r7; ${stack(2, 48)}; r3 = 8; call bpf_skb_set_tunnel_opt; ${keep(0)}; ${setKey(44, 0)}; ${keep(1)}; r1 = r7; ${stack(2, 48)}; r3 = 8; call bpf_skb_get_tunnel_opt; ${keep(2)}; ` +
      `${KEY}; r1 = r7; ${stack(2, 48)}; r3 = 8; call bpf_skb_set_tunnel_opt; ${keep(3)}; r1 = r7; ${stack(2, 48)}; r3 = 6; call bpf_skb_set_tunnel_opt; ${keep(4)}; ` +
      `r1 = r7; ${stack(2, 48)}; r3 = 4; call bpf_skb_get_tunnel_opt; ${keep(5)}; r1 = r7; ${stack(2, 48)}; r3 = 16; call bpf_skb_get_tunnel_opt; ${keep(6)}; r0 = *(u64 *)(r10 - 48); ${keep(7)}; r0 = *(u64 *)(r10 - 40); ${keep(8)}`,
  ),
  tc(
    "get_xfrm_state",
    `${KEY}; r1 = r7; r2 = 0; ${stack(3, 48)}; r4 = 28; r5 = 0; call bpf_skb_get_xfrm_state; ${keep(0)}; r0 = *(u64 *)(r10 - 48); ${keep(1)}`,
  ),
  tc(
    "cgroup and class of a packet",
    ["bpf_get_cgroup_classid", "bpf_skb_cgroup_id", "bpf_skb_cgroup_classid", "bpf_get_route_realm"]
      .map((h, i) => `r1 = r7; call ${h}; ${keep(i)}`)
      .join("; "),
  ),
  tc(
    "ancestors of a packet's cgroup",
    [0, 1, -1, 9].map((n, i) => `r1 = r7; r2 = ${n}; call bpf_skb_ancestor_cgroup_id; ${keep(i)}`).join("; "),
  ),
  tc("uid of a packet's socket", `r1 = r7; call bpf_get_socket_uid; ${keep(0)}`),
  tc("change_head", [0, 4, 65536].map((n, i) => `r1 = r7; r2 = ${n}; r3 = 0; call bpf_skb_change_head; ${keep(i)}`).join("; ")),
  tc("change_tail", [60, 20, 13, 200, 70000].map((n, i) => `r1 = r7; r2 = ${n}; r3 = 0; call bpf_skb_change_tail; ${keep(i)}`).join("; ")),
  tc(
    "set_hash",
    `r1 = r7; r2 = 77; call bpf_set_hash; ${keep(0)}; r1 = r7; call bpf_get_hash_recalc; ${keep(1)}; r1 = r7; call bpf_set_hash_invalid; ${keep(2)}`,
  ),
  tc(
    "skb_under_cgroup",
    `r1 = r7; r2 = map 1; r3 = 0; call bpf_skb_under_cgroup; ${keep(0)}; r1 = r7; r2 = map 1; r3 = 5; call bpf_skb_under_cgroup; ${keep(1)}`,
    {
      maps: [
        { type: 2, key: 4, size: 128, entries: 1 },
        { type: 8, key: 4, size: 4, entries: 2 },
      ],
    },
  ),
  tc("change_type", [0, 3, 4].map((n, i) => `r1 = r7; r2 = ${n}; call bpf_skb_change_type; ${keep(i)}`).join("; ")),
  tc(
    "vlan_push and pop",
    `r1 = r7; r2 = 0x81; r3 = 5; call bpf_skb_vlan_push; ${keep(0)}; r0 = *(u32 *)(r7 + 24); ${keep(1)}; r1 = r7; r2 = 0xa888; r3 = 6; call bpf_skb_vlan_push; ${keep(2)}; r1 = r7; call bpf_skb_vlan_pop; ${keep(3)}; r0 = *(u32 *)(r7 + 24); ${keep(4)}`,
  ),
  tc(
    "sk_fullsock of the packet's socket",
    `r1 = *(u64 *)(r7 + 168); if r1 == 0 goto out; r0 = 1; ${keep(0)}; call bpf_sk_fullsock; if r0 == 0 goto out; r8 = r0; ${[0, 4, 8, 12, 16, 20, 24, 44, 48, 72, 76].map((off, i) => `r0 = *(u32 *)(r8 + ${off}); ${keep(1 + i)}`).join("; ")}; r1 = r8; call bpf_tcp_sock; if r0 == 0 goto out; r0 = 1; ${keep(13)}; out: r0 = 0`,
  ),
  tc("family of the packet's socket", `r1 = *(u64 *)(r7 + 168); if r1 == 0 goto out; r0 = *(u32 *)(r1 + 4); ${keep(0)}; out: r0 = 0`, {
    data: UDP6,
  }),
  tc(
    "check_mtu",
    `${[0, 100, 65000, 70000].map((n, i) => `r1 = ${n}; *(u32 *)(r10 - 8) = r1; r1 = r7; r2 = 0; ${stack(3, 8)}; r4 = 0; r5 = 0; call bpf_check_mtu; ${keep(2 * i)}; r0 = *(u32 *)(r10 - 8); ${keep(2 * i + 1)}`).join("; ")}`,
  ),
  tc(
    "check_mtu of no device",
    `r1 = 0; *(u32 *)(r10 - 8) = r1; r1 = r7; r2 = 99; ${stack(3, 8)}; r4 = 0; r5 = 0; call bpf_check_mtu; ${keep(0)}; r1 = r7; r2 = 1; ${stack(3, 8)}; r4 = 1; r5 = 1; call bpf_check_mtu; ${keep(1)}; r1 = r7; r2 = 1; ${stack(3, 8)}; r4 = 0; r5 = 2; call bpf_check_mtu; ${keep(2)}`,
  ),
];
