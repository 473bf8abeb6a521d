// Fixtures of checks on arithmetic with pointers, and on what loaders without CAP_PERFMON may see. Data only.
import { ARRAY, BUFFER, END, VALUE } from "./parts.ts";
import type { Fixture } from "./program.ts";

const XDP = { type: "xdp" } as const;
const NOPERFMON = { type: "xdp", caps: "noperfmon" } as const;
/** R0 = a number of 64 bits. */
const NUMBER = `${VALUE}; r6 = r0; r1 = *(u64 *)(r0 + 0)`;
const RANDOM = "r6 = r1; call bpf_get_prandom_u32";

export const POINTERS: readonly Fixture[] = [
  ...["&=", "|=", "^="].map((op): Fixture => ({
    check: "pointer-arithmetic",
    ...XDP,
    text: `r1 ${op} 7 <--; ${END}`,
    neighbour: ["r1", "r2 = 1; r2"],
  })),
  ...["<<=", "%=", "s>>="].map((op): Fixture => ({
    check: "pointer-arithmetic",
    ...XDP,
    text: `r1 ${op} 7 <--; ${END}`,
    neighbour: ["r1", "r2 = 1; r2"],
  })),
  { check: "pointer-arithmetic", ...XDP, text: `r2 = 5; r2 -= r1 <--; ${END}`, neighbour: ["r2 -= r1", "r2 += r1"] },
  { check: "pointer-arithmetic", ...NOPERFMON, text: `r2 = r10; r2 -= 8 <--; ${END}`, neighbour: ["r2 -= 8", "r2 += -8"] },
  { check: "pointer-arithmetic", ...NOPERFMON, text: `r1 = -r1 <--; ${END}`, neighbour: { caps: "full" } },
  {
    check: "pointer-offset",
    ...XDP,
    maps: [ARRAY],
    text: `${NUMBER}; r6 += r1 <--; ${END}`,
    neighbour: ["r6 += r1", "r1 &= 15; r6 += r1"],
  },
  { check: "pointer-offset", ...XDP, maps: [ARRAY], text: `${NUMBER}; r1 s>>= 1; r6 += r1 <--; ${END}`, neighbour: ["s>>= 1", "s>>= 63"] },
  {
    check: "pointer-offset",
    ...XDP,
    text: `r1 = r10; r1 += 0x1fffffff; r1 += 0x1fffffff <--; ${END}`,
    neighbour: ["r1 += 0x1fffffff; ", ""],
  },
  { check: "pointer-comparison", ...NOPERFMON, text: `if r1 == 5 goto +0 <--; ${END}`, neighbour: ["if r1", "r2 = 1; if r2"] },
  {
    check: "pointer-leak",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `${VALUE}; r1 = 1; lock *(u64 *)(r0 + 0) += r10 <--; ${END}`,
    neighbour: ["+= r10", "+= r1"],
  },
  {
    check: "pointer-leak",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `*(u64 *)(r10 - 16) = 0; ${BUFFER}; r2 = r1; r3 = r10; r3 += -16; r4 = r10; r1 = map 0; call bpf_map_update_elem <--; ${END}`,
    neighbour: ["r4 = r10", "r4 = 0"],
  },
  { check: "modified-pointer", ...XDP, text: `r1 += -8; r0 = *(u32 *)(r1 + 8) <--; ${END}`, neighbour: ["r1 += -8", "r1 += 0"] },
  {
    check: "modified-pointer",
    ...XDP,
    text: `${RANDOM}; r0 &= 4; r6 += r0; r0 = *(u32 *)(r6 + 0) <--; ${END}`,
    neighbour: ["r0 &= 4", "r0 = 0"],
  },
  { check: "speculation-bounds", ...NOPERFMON, text: `r1 = r10; r1 += -600 <--; ${END}`, neighbour: ["-600", "-500"] },
  {
    check: "stack-uninit",
    type: "xdp",
    caps: "noperfmon",
    maps: [ARRAY],
    text: `*(u64 *)(r10 - 8) = r1; r1 = map 0; r2 = r10; r2 += -8; call bpf_map_lookup_elem <--; ${END}`,
    neighbour: ["= r1;", "= 1;"],
  },
  { check: "return-value", type: "cgroup_skb", text: "r0 = r1; exit <--", neighbour: ["r0 = r1", "r0 = 1"] },
  {
    check: "map-ptr-access",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `r1 = map 0; r2 = *(u32 *)(r1 + 24) <--; ${END}`,
    neighbour: { caps: "full" },
  },
  {
    check: "map-ptr-access",
    ...XDP,
    maps: [ARRAY],
    text: `r1 = map 0; r2 = *(u32 *)(r1 - 4) <--; ${END}`,
    neighbour: ["r1 - 4", "r1 + 4"],
  },
  { check: "map-ptr-access", ...XDP, maps: [ARRAY], text: `r1 = map 0; r2 = *(u32 *)(r1 + 32000) <--; ${END}`, neighbour: ["32000", "24"] },
];
