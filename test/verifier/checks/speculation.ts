// Fixtures of checks on offsets that vary and on loaders without CAP_PERFMON. Data only.
import { ARRAY, END, VALUE } from "./parts.ts";
import type { Fixture } from "./program.ts";

const NOPERFMON = { type: "xdp", caps: "noperfmon" } as const;
const JUMPS = (n: number): string => Array.from({ length: n }, (_, i) => `if r0 == ${2 * i + 1} goto out`).join("; ");
/** R6 a map value, R7 a number of 0 to 7. */
const INDEX = `${VALUE}; r6 = r0; r7 = *(u32 *)(r0 + 0); r7 &= 7`;

export const SPECULATION: readonly Fixture[] = [
  {
    check: "stack-pointer-leak",
    ...NOPERFMON,
    text: `*(u64 *)(r10 - 8) = r1; r2 = 1; lock *(u64 *)(r10 - 8) += r2 <--; ${END}`,
    neighbour: ["(r10 - 8) = r1", "(r10 - 8) = 1"],
  },
  {
    check: "stack-unbounded",
    type: "xdp",
    text: `call bpf_get_prandom_u32; r0 &= 0x3fffffff; r1 = r10; r1 += -8; r1 += r0; r2 = *(u8 *)(r1 + 0) <--; ${END}`,
    neighbour: ["0x3fffffff", "7"],
  },
  {
    check: "stack-bounds",
    type: "xdp",
    text: `call bpf_get_prandom_u32; r0 &= 15; r1 = r10; r1 += -8; r1 += r0; r2 = *(u8 *)(r1 + 0) <--; ${END}`,
    neighbour: ["r0 &= 15", "r0 &= 7"],
  },
  {
    check: "stack-variable-offset",
    type: "xdp",
    text: `*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; call bpf_get_prandom_u32; r0 &= 8; r1 = r10; r1 += -16; r1 += r0; r2 = 1; lock *(u64 *)(r1 + 0) += r2 <--; ${END}`,
    neighbour: ["r1 += r0", "r1 += 8"],
  },
  {
    check: "speculation-bounds",
    ...NOPERFMON,
    text: `call bpf_get_prandom_u32; r0 &= 7; r1 = r10; r1 += -8; r1 += r0 <--; ${END}`,
    neighbour: ["r0 &= 7", "r0 = 7"],
  },
  {
    check: "speculation-bounds",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `${VALUE}; r1 = *(u64 *)(r0 + 0); if r1 s> 7 goto out; if r1 s< -1 goto out; r0 += r1 <--; out: ${END}`,
    neighbour: ["r1 s< -1", "r1 s< 0"],
  },
  { check: "speculation-type", ...NOPERFMON, text: `r2 = 8; r1 += r2 <--; ${END}`, neighbour: ["r1 += r2", "r1 += 8"] },
  {
    check: "speculation-paths",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `${INDEX}; call bpf_get_prandom_u32; if r0 == 0 goto go; r7 &= 3; go: r6 += r7 <--; ${END}`,
    neighbour: ["r7 &= 3", "r5 = 3"],
  },
  {
    check: "speculation-limit",
    ...NOPERFMON,
    text: `r1 = r10; r1 += -512; r2 = 8; r1 += r2 <--; ${END}`,
    neighbour: ["-512", "-504"],
  },
  {
    check: "speculation-stack",
    ...NOPERFMON,
    maps: [ARRAY],
    text: `${INDEX}; call bpf_get_prandom_u32; ${JUMPS(8191)}; r6 += r7 <--; out: ${END}`,
    neighbour: ["r6 += r7", "r6 += 7"],
  },
];
