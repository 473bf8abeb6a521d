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

export const HOOK_CASES: readonly RunCase[] = [
  found("fields", `${fields}; r0 = *(u16 *)(r7 + 36); ${keep(6)}`, lookup(2, 6)),
  found("of IPv6", fields, lookup(10, 17)),
  found(
    "without a socket",
    `r1 = r7; r2 = 0; r3 = 0; call bpf_sk_assign; ${keep(0)}; r1 = r7; r2 = 0; r3 = 4; call bpf_sk_assign; ${keep(1)}; r1 = r7; r2 = 0; r3 = 3; call bpf_sk_assign; ${keep(2)}; r0 = *(u64 *)(r7 + 0); if r0 == 0 goto none; r0 = 1; ${keep(3)}; none: r0 = 0`,
    lookup(2, 6),
  ),
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
