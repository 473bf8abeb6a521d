// Fixtures of instructions with fields that must be zero, or registers that do not exist. Data only.
import { ARRAY, END, RESERVE, RING } from "./parts.ts";
import type { Fixture } from "./program.ts";

/** Fields of an instruction that is refused, and what to make of them that it is not; R0 to R2 hold numbers. */
const RESERVED: readonly (readonly [bad: string, from: string, to: string])[] = [
  ["0x87 1 2 0 0", "0x87 1 2", "0x87 1 0"], // neg with a source
  ["0xd4 1 0 1 16", "1 16", "0 16"], // le16 with an offset
  ["0xd4 1 0 0 8", "0 8", "0 16"], // le8
  ["0xbc 1 2 32 0", "32 0", "16 0"], // 32-bit move that extends 32 bits
  ["0xbf 1 2 64 0", "64 0", "32 0"], // move that extends 64 bits
  ["0xbf 1 2 0 1", "0 1", "0 0"], // move with an immediate
  ["0xb4 1 1 0 0", "0xb4 1 1", "0xb4 1 0"], // move of an immediate with a source
  ["0x07 1 0 1 1", "1 1", "0 1"], // add with an offset
  ["0x37 1 0 2 1", "2 1", "1 1"], // division that is neither signed nor unsigned
  ["0x0f 1 2 0 1", "0 1", "0 0"], // add of a register with an immediate
  ["0x15 1 2 0 0", "1 2 0", "1 0 0"], // comparison with an immediate and a source
  ["0x1d 1 2 0 5", "0 5", "0 0"], // comparison of registers with an immediate
  ["0x05 0 0 0 1", "0 1", "0 0"], // goto with an immediate
  ["0x06 0 0 1 0", "1 0", "0 0"], // gotol with an offset
  ["0x85 1 0 0 7", "0x85 1", "0x85 0"], // call with a destination
  ["0x85 0 3 0 7", "0x85 0 3", "0x85 0 0"], // call of nothing that exists
  ["0x62 10 1 -4 0", "10 1", "10 0"], // store of an immediate with a source
  ["0x7b 10 1 -8 1", "-8 1", "-8 0"], // store of a register with an immediate
];
const SKB = "r6 = r1; r1 = 1";

export const MALFORMED: readonly Fixture[] = [
  ...RESERVED.map(([bad, from, to]): Fixture => ({
    check: "reserved-fields",
    type: "xdp",
    text: `r0 = 0; r1 = 1; r2 = 2; raw ${bad} <--; ${END}`,
    neighbour: [from, to],
  })),
  { check: "reserved-fields", type: "xdp", text: `raw 0x61 1 10 -8 5; ${END}`, neighbour: ["-8 5", "-8 0"] },
  { check: "reserved-fields", type: "xdp", text: `raw 0x18 1 0 1 0 <--; raw 0 0 0 0 0; ${END}`, neighbour: ["0x18 1 0 1", "0x18 1 0 0"] },
  { check: "reserved-fields", type: "sched_cls", text: `${SKB}; raw 0x30 1 0 0 0 <--; exit`, neighbour: ["0x30 1", "0x30 0"] },
  { check: "unknown-opcode", type: "xdp", text: `r1 = 1; raw 0xdf 1 0 0 16; ${END}`, neighbour: ["0xdf", "0xd7"] },
  { check: "unknown-opcode", type: "xdp", text: `raw 0x8d 0 0 0 7; ${END}`, neighbour: ["0x8d", "0x85"] },
  { check: "unknown-opcode", type: "xdp", text: `raw 0x83 10 1 -8 0; ${END}`, neighbour: ["0x83 10 1", "0x62 10 0"] },
  { check: "bad-register", type: "xdp", text: `raw 0xbf 0 11 0 0 <--; exit`, neighbour: ["0 11", "0 10"] },
  { check: "bad-register", type: "xdp", text: `raw 0x72 11 0 -8 0 <--; ${END}`, neighbour: ["0x72 11", "0x72 10"] },
  { check: "addr-space-cast", type: "xdp", text: `r2 = 1; raw 0xbf 1 2 1 2 <--; ${END}`, neighbour: ["0xbf 1 2 1 2", "0xbf 1 2 0 0"] },
  { check: "uninit-register", type: "sched_cls", text: `${SKB}; r2 = 0; raw 0x50 0 3 0 0 <--; exit`, neighbour: ["0x50 0 3", "0x50 0 2"] },
  {
    check: "modified-pointer",
    type: "sched_cls",
    text: `r6 = r1; r6 += 4; r0 = *(u8 *)skb[0] <--; exit`,
    neighbour: ["r6 += 4", "r6 += 0"],
  },
  {
    check: "reference-leak",
    type: "sched_cls",
    maps: [RING],
    text: `r6 = r1; ${RESERVE}; r7 = r0; r0 = *(u8 *)skb[0] <--; r1 = r7; r2 = 0; call bpf_ringbuf_discard; ${END}`,
    neighbour: ["r0 = *(u8 *)skb[0]", "r0 = 1"],
  },
  { check: "jump-out-of-range", type: "xdp", text: `call f; ${END}; f: goto -2; ${END}`, neighbour: ["goto -2", "goto +0"] },
  {
    check: "misaligned",
    type: "xdp",
    maps: [ARRAY],
    flags: 1,
    text: `r1 = mapvalue 0 4; r0 = *(u64 *)(r1 + 0) <--; ${END}`,
    neighbour: ["0 4", "0 8"],
  },
  {
    check: "misaligned",
    type: "xdp",
    maps: [ARRAY],
    text: `r1 = mapvalue 0 4; r2 = 1; lock *(u64 *)(r1 + 0) += r2 <--; ${END}`,
    neighbour: ["0 4", "0 8"],
  },
];
