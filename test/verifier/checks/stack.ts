// Fixtures of checks on the stack and on arithmetic with pointers and numbers. Data only.
import type { Fixture, TestMap } from "./program.ts";

const ARRAY: TestMap = { type: 2, key: 4, size: 16, entries: 1 };
const VALUE = "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 0; call bpf_map_lookup_elem; if r0 != 0 goto ok; r0 = 0; exit; ok:";
const END = "r0 = 0; exit";

export const STACK: readonly Fixture[] = [
  { check: "stack-bounds", type: "xdp", text: `*(u64 *)(r10 - 520) = 0 <--; ${END}`, neighbour: ["r10 - 520", "r10 - 512"] },
  { check: "stack-bounds", type: "xdp", text: `*(u64 *)(r10 + 0) = 0 <--; ${END}`, neighbour: ["r10 + 0", "r10 - 8"] },
  {
    check: "stack-uninit",
    type: "socket_filter",
    caps: "bpf",
    text: `*(u32 *)(r10 - 8) = 0; r0 = *(u64 *)(r10 - 8) <--; ${END}`,
    neighbour: ["*(u32 *)", "*(u64 *)"],
  },
  { check: "spill-size", type: "xdp", text: `*(u32 *)(r10 - 8) = r1 <--; ${END}`, neighbour: ["*(u32 *)(r10 - 8)", "*(u64 *)(r10 - 8)"] },
  {
    check: "spill-corrupt",
    type: "xdp",
    caps: "noperfmon",
    text: `*(u64 *)(r10 - 8) = r1; *(u32 *)(r10 - 8) = 0 <--; ${END}`,
    neighbour: ["*(u32 *)(r10 - 8) = 0", "*(u64 *)(r10 - 8) = 0"],
  },
  {
    check: "fill-size",
    type: "xdp",
    text: `*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 8) <--; ${END}`,
    neighbour: ["r0 = *(u32 *)", "r0 = *(u64 *)"],
  },
  {
    check: "spill-stack-pointer",
    type: "xdp",
    text: `r1 = r10; r1 += -8; call f; ${END}; f: *(u64 *)(r1 + 0) = r10 <--; ${END}`,
    neighbour: ["(r1 + 0) = r10", "(r1 + 0) = 5"],
  },
  {
    check: "stack-depth",
    type: "xdp",
    text: `*(u64 *)(r10 - 264) = 0; call f; ${END}; f: *(u64 *)(r10 - 264) = 0; ${END}`,
    neighbour: ["*(u64 *)(r10 - 264) = 0", "*(u64 *)(r10 - 200) = 0"],
  },
  { check: "return-pointer", type: "socket_filter", caps: "bpf", text: "r0 = r1; exit <--", neighbour: ["r0 = r1", "r0 = 1"] },
  { check: "return-value", type: "cgroup_skb", text: "r0 = 4; exit <--", neighbour: ["r0 = 4", "r0 = 1"] },
  { check: "return-stack-pointer", type: "xdp", text: `call f; ${END}; f: r0 = r10; exit <--`, neighbour: ["r0 = r10", "r0 = 1"] },
  { check: "div-by-zero", type: "xdp", text: `r2 = 4; r2 /= 0 <--; ${END}`, neighbour: ["r2 /= 0", "r2 /= 2"] },
  { check: "bad-shift", type: "xdp", text: `r2 = 4; r2 <<= 64 <--; ${END}`, neighbour: ["r2 <<= 64", "r2 <<= 63"] },
  { check: "bad-shift", type: "xdp", text: `w2 = 4; w2 >>= 32 <--; ${END}`, neighbour: ["w2 >>= 32", "w2 >>= 31"] },
  { check: "reserved-fields", type: "xdp", text: `raw 0xb7 1 2 0 0 <--; ${END}`, neighbour: ["raw 0xb7 1 2 0 0", "raw 0xb7 1 0 0 0"] },
  { check: "reserved-fields", type: "xdp", text: `r0 = 0; raw 0x95 1 0 0 0 <--`, neighbour: ["raw 0x95 1 0 0 0", "raw 0x95 0 0 0 0"] },
  { check: "unknown-opcode", type: "xdp", text: `raw 0xff 0 0 0 0; ${END}`, neighbour: ["raw 0xff 0 0 0 0", "raw 0xb7 0 0 0 0"] },
  { check: "pointer-arithmetic", type: "xdp", text: `r1 *= 2 <--; ${END}`, neighbour: ["r1 *= 2", "r1 = 2"] },
  { check: "pointer-arithmetic", type: "xdp", maps: [ARRAY], text: `r1 = map 0; r1 += 8 <--; ${END}`, neighbour: ["r1 += 8", "r1 += 0"] },
  { check: "pointer-arithmetic-32", type: "xdp", caps: "noperfmon", text: `w1 += 1 <--; ${END}`, neighbour: ["w1 += 1", "r1 += 1"] },
  { check: "pointer-pointer", type: "xdp", text: `r2 = r10; r1 += r2 <--; ${END}`, neighbour: ["r2 = r10", "r2 = 4"] },
  {
    check: "pointer-maybe-null",
    type: "xdp",
    maps: [{ ...ARRAY, type: 1 }],
    text: `*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 0; call bpf_map_lookup_elem; r0 += 4 <--; ${END}`,
    neighbour: ["r0 += 4", "if r0 == 0 goto +1; r0 += 4"],
  },
  { check: "pointer-offset", type: "xdp", text: `r2 = r10; r2 += 0x20000000 <--; ${END}`, neighbour: ["0x20000000", "0x1ffffff"] },
  {
    check: "pointer-offset",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = 0x7fffffffffff ll; r0 += r1 <--; ${END}`,
    neighbour: ["0x7fffffffffff", "0x7fff"],
  },
  {
    check: "pointer-comparison",
    type: "xdp",
    caps: "noperfmon",
    text: `if r1 == r10 goto +0 <--; ${END}`,
    neighbour: ["if r1 == r10", "r2 = 1; if r2 == 1"],
  },
  { check: "pointer-partial-copy", type: "xdp", caps: "noperfmon", text: `w2 = w1 <--; ${END}`, neighbour: ["w2 = w1", "r2 = r1"] },
  {
    check: "pointer-sign-extension",
    type: "xdp",
    caps: "noperfmon",
    text: `r2 = (s32)r1 <--; ${END}`,
    neighbour: ["r2 = (s32)r1", "r2 = r1"],
  },
  {
    check: "speculation-bounds",
    type: "xdp",
    caps: "noperfmon",
    maps: [ARRAY],
    text: `${VALUE}; r1 = *(u32 *)(r0 + 0); r1 &= 31; r0 += r1 <--; r0 = 0; exit`,
    neighbour: ["r1 &= 31", "r1 &= 15"],
  },
  {
    check: "atomic-opcode",
    type: "xdp",
    text: `*(u64 *)(r10 - 8) = 0; r2 = 1; raw 0xdb 10 2 -8 0x10 <--; ${END}`,
    neighbour: ["raw 0xdb 10 2 -8 0x10", "raw 0xdb 10 2 -8 0x40"],
  },
  {
    check: "atomic-size",
    type: "xdp",
    text: `*(u64 *)(r10 - 8) = 0; r2 = 1; raw 0xd3 10 2 -8 0 <--; ${END}`,
    neighbour: ["raw 0xd3", "raw 0xc3"],
  },
  {
    check: "atomic-pointer",
    type: "xdp",
    text: `r2 = 1; lock *(u32 *)(r1 + 0) += r2 <--; ${END}`,
    neighbour: ["lock *(u32 *)(r1 + 0) += r2", "*(u64 *)(r10 - 8) = 0; lock *(u32 *)(r10 - 8) += r2"],
  },
  {
    check: "addr-space-cast",
    type: "xdp",
    text: `r2 = addr_space_cast(r1, 0, 1) <--; ${END}`,
    neighbour: ["addr_space_cast(r1, 0, 1)", "r1"],
  },
];
