// Cases of socket look-ups and flow dissectors, which can be test-run beside packets. Data only.
import type { RunCase } from "../run-cases.ts";
import { keep, OUT, tc, TCP4, UDP6, PLAIN, BEGIN, stack } from "./parts.ts";

/** struct bpf_sk_lookup: family, protocol, remote and local address and port. */
const lookup = (family: number, protocol: number, localPort = 80): string => {
  const b = Buffer.alloc(72);
  b.writeUInt32LE(family, 8);
  b.writeUInt32LE(protocol, 12);
  b.writeUInt32LE(0x0100000a, 16);
  b.writeUInt16BE(1234, 36);
  b.writeUInt32LE(0x0200000a, 40);
  b.writeUInt32LE(localPort, 60);
  return b.toString("hex");
};
const LOOKUP = { type: "sk_lookup", attach: 36 } as const;
const found = (name: string, text: string, ctx: string): RunCase => ({
  name: `sk_lookup ${name}`,
  ...LOOKUP,
  maps: [OUT],
  ctx,
  text: `${BEGIN}; ${text}; r0 = 1; exit`,
});
const fields = [8, 12, 16, 40, 60, 64].map((off, i) => `r0 = *(u32 *)(r7 + ${off}); ${keep(i)}`).join("; ");
const dissect = (name: string, text: string, more: Partial<RunCase> = {}): RunCase =>
  tc(`flow dissector ${name}`, text, { type: "flow_dissector", ...more });
const KEYS = "r8 = *(u64 *)(r7 + 144)";

/** A packet of several pages, for programs that take fragments. */
const LONG = `${"02".repeat(12)}88b5${Array.from({ length: 6000 }, (_, i) => (i & 255).toString(16).padStart(2, "0")).join("")}`;
const long = (name: string, text: string, more: Partial<RunCase> = {}): RunCase =>
  tc(`fragments ${name}`, text, { type: "xdp", flags: 32, data: LONG, ...more });
const LENGTH = "r1 = r7; call bpf_xdp_get_buff_len";
const bytes = (f: string, off: number, n: number): string => `r1 = r7; r2 = ${off}; ${stack(3, 16)}; r4 = ${n}; call bpf_xdp_${f}_bytes`;
const FILL = "r1 = 0x1122334455667788 ll; *(u64 *)(r10 - 16) = r1; *(u64 *)(r10 - 8) = r1";

export const HOOK_CASES: readonly RunCase[] = [
  found("fields", `${fields}; r0 = *(u16 *)(r7 + 36); ${keep(6)}`, lookup(2, 6)),
  found("of IPv6", fields, lookup(10, 17)),
  found(
    "without a socket",
    `r1 = r7; r2 = 0; r3 = 0; call bpf_sk_assign; ${keep(0)}; r1 = r7; r2 = 0; r3 = 4; call bpf_sk_assign; ${keep(1)}; r1 = r7; r2 = 0; r3 = 3; call bpf_sk_assign; ${keep(2)}; r0 = *(u64 *)(r7 + 0); if r0 == 0 goto none; r0 = 1; ${keep(3)}; none: r0 = 0`,
    lookup(2, 6),
  ),
  tc(
    "netfilter state and packet",
    `r8 = *(u64 *)(r7 + 0); r0 = *(u8 *)(r8 + koff nf_hook_state.hook); ${keep(0)}; r0 = *(u8 *)(r8 + koff nf_hook_state.pf); ${keep(1)}; r8 = *(u64 *)(r7 + 8); r0 = *(u32 *)(r8 + koff sk_buff.len); ${keep(2)}`,
    { type: "netfilter", attach: 45 },
  ),
  ...["0302", "0002", "0402", "000a", "0102", "020a", "0502", "0303"].map((state) =>
    tc(
      `netfilter with state ${state}`,
      `r8 = *(u64 *)(r7 + 0); r0 = *(u8 *)(r8 + koff nf_hook_state.hook); ${keep(0)}; r0 = *(u8 *)(r8 + koff nf_hook_state.pf); ${keep(1)}`,
      { type: "netfilter", attach: 45, ctx: `${state}${"00".repeat(46)}` },
    ),
  ),
  ...["socket_filter", "cgroup_skb"].map((type) =>
    tc(
      `dynptr of ${type}`,
      `r1 = r7; r2 = 0; ${stack(3, 32)}; kcall bpf_dynptr_from_skb; ${keep(0)}; ${stack(1, 32)}; kcall bpf_dynptr_is_rdonly; r0 &= 255; ${keep(1)}`,
      { type, attach: 0 },
    ),
  ),
  tc(
    "netfilter dynptr",
    `r8 = *(u64 *)(r7 + 8); r1 = r8; r2 = 0; ${stack(3, 32)}; kcall bpf_dynptr_from_skb; ${keep(0)}; ${stack(1, 32)}; kcall bpf_dynptr_size; ${keep(1)}; ${stack(1, 32)}; kcall bpf_dynptr_is_rdonly; r0 &= 255; ${keep(2)}; ${stack(1, 16)}; r2 = 8; ${stack(3, 32)}; r4 = 2; r5 = 0; call bpf_dynptr_read; r0 = *(u64 *)(r10 - 16); ${keep(3)}`,
    { type: "netfilter", attach: 45 },
  ),
  tc("kernel's structure of a packet", `r1 = r7; kcall bpf_cast_to_kern_ctx; r8 = r0; r0 = *(u32 *)(r8 + koff sk_buff.len); ${keep(0)}`),
  tc(
    "fields of a map",
    ["map_type", "key_size", "value_size", "max_entries", "map_flags"]
      .map((f, n) => `r1 = map 1; r0 = *(u32 *)(r1 + koff bpf_map.${f}); ${keep(n)}`)
      .join("; "),
    { maps: [OUT, { type: 1, key: 4, size: 8, entries: 9, flags: 1 }] },
  ),
  tc(
    "checksums of zeros",
    [
      [0, 16, 0],
      [16, 0, 0],
      [8, 8, 0],
      [16, 0, 5],
    ]
      .map(
        ([from, to, seed], n) =>
          `r1 = 0; *(u64 *)(r10 - 16) = r1; *(u64 *)(r10 - 8) = r1; ${stack(1, 16)}; r2 = ${from}; ${stack(3, 16)}; r4 = ${to}; r5 = ${seed}; call bpf_csum_diff; ${keep(n)}`,
      )
      .join("; "),
  ),
  long("length", `${LENGTH}; ${keep(0)}; r8 = *(u32 *)(r7 + 0); r9 = *(u32 *)(r7 + 4); r0 = r9; r0 -= r8; ${keep(1)}`),
  long(
    "load",
    [0, 3500, 3514, 3516, 4000, 6006, 6007]
      .map((off, i) => `${FILL}; ${bytes("load", off, 8)}; ${keep(2 * i)}; r0 = *(u64 *)(r10 - 16); ${keep(2 * i + 1)}`)
      .join("; "),
  ),
  long("store", [0, 3516, 5000, 6006, 6007].map((off, i) => `${FILL}; ${bytes("store", off, 8)}; ${keep(i)}`).join("; ")),
  ...[-100, -2400, -2497, -2500, -6000, -6001, 100, 1000, 2000, 5000].map((n) =>
    long(`tail by ${n}`, `r1 = r7; r2 = ${n}; call bpf_xdp_adjust_tail; ${keep(0)}; ${LENGTH}; ${keep(1)}`),
  ),
  long(
    "head",
    `r1 = r7; r2 = 20; call bpf_xdp_adjust_head; ${keep(0)}; ${LENGTH}; ${keep(1)}; r1 = r7; r2 = -30; call bpf_xdp_adjust_head; ${keep(2)}; ${LENGTH}; ${keep(3)}; r1 = r7; r2 = 4000; call bpf_xdp_adjust_head; ${keep(4)}`,
  ),
  long(
    "dynptr",
    `r1 = r7; r2 = 0; ${stack(3, 32)}; kcall bpf_dynptr_from_xdp; ${keep(0)}; ${stack(1, 32)}; kcall bpf_dynptr_size; ${keep(1)}; ${FILL}; ${stack(1, 16)}; r2 = 8; ${stack(3, 32)}; r4 = 4000; r5 = 0; call bpf_dynptr_read; ${keep(2)}; r0 = *(u64 *)(r10 - 16); ${keep(3)}; ${FILL}; ${stack(1, 32)}; r2 = 3517; ${stack(3, 16)}; r4 = 8; r5 = 0; call bpf_dynptr_write; ${keep(4)}; ${stack(1, 32)}; r2 = 6010; ${stack(3, 16)}; r4 = 8; r5 = 0; call bpf_dynptr_write; ${keep(5)}`,
  ),
  long(
    "pulled",
    [100, 3516, 3600, 4000, 6014, 6015]
      .map(
        (n, i) =>
          `r1 = r7; r2 = ${n}; kcall bpf_xdp_pull_data; ${keep(2 * i)}; r8 = *(u32 *)(r7 + 0); r9 = *(u32 *)(r7 + 4); r0 = r9; r0 -= r8; ${keep(2 * i + 1)}`,
      )
      .join("; "),
  ),
  long("of a program without them", `${LENGTH}; ${keep(0)}`, { flags: 0 }),
  dissect(
    "of IPv4",
    `${KEYS}; ${[0, 2, 8].map((off, i) => `r0 = *(u16 *)(r8 + ${off}); ${keep(i)}`).join("; ")}; r0 = *(u32 *)(r8 + 48); ${keep(3)}; r1 = 6; *(u8 *)(r8 + 9) = r1; r1 = 34; *(u16 *)(r8 + 2) = r1`,
  ),
  dissect("of IPv6", `${KEYS}; r1 = 7; *(u16 *)(r8 + 0) = r1; r1 = 500; *(u16 *)(r8 + 2) = r1`, { data: UDP6 }),
  dissect("of another protocol", `${KEYS}; r1 = 20; *(u16 *)(r8 + 0) = r1; r1 = 10; *(u16 *)(r8 + 2) = r1`, { data: PLAIN }),
  dissect("with flags", `${KEYS}; r0 = *(u32 *)(r8 + 48); ${keep(0)}`, { ctx: `${"00".repeat(48)}01000000${"00".repeat(4)}` }),
  dissect(
    "of bytes",
    `r1 = r7; r2 = 12; ${stack(3, 8)}; r4 = 4; call bpf_skb_load_bytes; ${keep(0)}; r0 = *(u32 *)(r10 - 8); ${keep(1)}; r1 = r7; r2 = 60; ${stack(3, 8)}; r4 = 4; call bpf_skb_load_bytes; ${keep(2)}; r8 = *(u32 *)(r7 + 76); r9 = *(u32 *)(r7 + 80); r0 = r9; r0 -= r8; ${keep(3)}`,
    { data: TCP4 },
  ),
];
