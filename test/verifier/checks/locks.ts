// Fixtures of checks on locks, and on special fields of map values. Data only.
import { ARRAY, BUFFER, END, LOCKED, VALUE } from "./parts.ts";
import type { Fixture, TestMap } from "./program.ts";

const RES: TestMap = { ...ARRAY, size: 16, value: "res_locked" };
const HELD: TestMap = { ...ARRAY, size: 32, value: "held" };
const TIMED: TestMap = { ...ARRAY, size: 24, value: "timed" };
const PLAIN: TestMap = { ...ARRAY, size: 8, value: "plain" };
const CLS = { type: "sched_cls" } as const;
/** R6 points to a map value, R0 is 0 or the mask. */
const VARY = (mask: number): string => `${VALUE}; r6 = r0; call bpf_get_prandom_u32; r0 &= ${mask}; r6 += r0`;
const TWO = "r6 = mapvalue 0 0; r7 = mapvalue 1 0";
const LOCK = (r: string): string => `r1 = ${r}; call bpf_spin_lock`;
const UNLOCK = (r: string): string => `r1 = ${r}; call bpf_spin_unlock`;
const HOLD = (r: string, out: string): string => `r1 = ${r}; kcall bpf_res_spin_lock; if r0 != 0 goto ${out}`;
const GIVE = (r: string): string => `r1 = ${r}; kcall bpf_res_spin_unlock`;

export const LOCKS: readonly Fixture[] = [
  {
    check: "spin-lock",
    ...CLS,
    maps: [LOCKED],
    text: `${VARY(4)}; ${LOCK("r6")} <--; ${UNLOCK("r6")}; ${END}`,
    neighbour: ["r0 &= 4", "r0 = 0"],
  },
  { check: "spin-lock", ...CLS, maps: [ARRAY], text: `${VALUE}; ${LOCK("r0")} <--; ${END}`, neighbour: ["call bpf_spin_lock", "r0 = 1"] },
  { check: "spin-lock", ...CLS, maps: [PLAIN], text: `${VALUE}; ${LOCK("r0")} <--; ${END}`, neighbour: ["call bpf_spin_lock", "r0 = 1"] },
  {
    check: "spin-lock",
    ...CLS,
    maps: [LOCKED],
    text: `r6 = mapvalue 0 4; ${LOCK("r6")} <--; ${UNLOCK("r6")}; ${END}`,
    neighbour: ["mapvalue 0 4", "mapvalue 0 0"],
  },
  {
    check: "call-under-lock",
    ...CLS,
    maps: [LOCKED, LOCKED],
    text: `${TWO}; ${LOCK("r6")}; ${LOCK("r7")} <--; ${UNLOCK("r7")}; ${UNLOCK("r6")}; ${END}`,
    neighbour: [`${LOCK("r7")} <--; ${UNLOCK("r7")}; `, ""],
  },
  {
    check: "spin-lock",
    ...CLS,
    maps: [LOCKED, LOCKED],
    text: `${TWO}; ${LOCK("r6")}; ${UNLOCK("r7")} <--; ${END}`,
    neighbour: [UNLOCK("r7"), UNLOCK("r6")],
  },
  {
    check: "spin-lock",
    ...CLS,
    maps: [RES, RES],
    text: `${TWO}; ${HOLD("r6", "out")}; ${HOLD("r7", "one")}; ${GIVE("r6")} <--; ${GIVE("r7")}; out: ${END}; one: ${GIVE("r6")}; ${END}`,
    neighbour: [`${GIVE("r6")} <--; ${GIVE("r7")}`, `${GIVE("r7")}; ${GIVE("r6")}`],
  },
  {
    check: "spin-lock",
    ...CLS,
    maps: [RES],
    text: `r6 = mapvalue 0 0; ${LOCK("r6")} <--; ${END}`,
    neighbour: ["call bpf_spin_lock", "r0 = 1"],
  },
  { check: "arg-type", ...CLS, text: `${BUFFER}; call bpf_spin_lock <--; ${END}`, neighbour: ["call bpf_spin_lock", "r0 = 1"] },
  { check: "kfunc-arg", ...CLS, text: `${BUFFER}; kcall bpf_res_spin_lock <--; ${END}`, neighbour: ["kcall bpf_res_spin_lock", "r0 = 1"] },
  {
    check: "held-at-exit",
    ...CLS,
    maps: [LOCKED],
    text: `r6 = r1; r7 = mapvalue 0 0; ${LOCK("r7")}; r0 = *(u8 *)skb[0] <--; ${UNLOCK("r7")}; ${END}`,
    neighbour: ["r0 = *(u8 *)skb[0]", "r0 = 1"],
  },
  {
    check: "map-field",
    type: "xdp",
    maps: [TIMED],
    text: `${VARY(8)}; r1 = r6; r2 = map 0; r3 = 1; call bpf_timer_init <--; ${END}`,
    neighbour: ["r0 &= 8", "r0 = 8"],
  },
  {
    check: "map-special-field",
    type: "xdp",
    maps: [TIMED],
    text: `${VALUE}; r1 = *(u64 *)(r0 + 8) <--; ${END}`,
    neighbour: ["r0 + 8", "r0 + 0"],
  },
  {
    check: "map-special-field",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = r0; r2 = 8; call bpf_trace_printk <--; ${END}`,
    neighbour: ["call bpf_trace_printk", "r0 = 1"],
  },
  {
    check: "map-special-field",
    type: "xdp",
    maps: [HELD],
    text: `${VARY(7)}; r1 = *(u64 *)(r6 + 0) <--; ${END}`,
    neighbour: ["r0 &= 7", "r0 = 0"],
  },
  {
    check: "map-special-field",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = *(u64 *)(r0 + 4) <--; ${END}`,
    neighbour: ["r0 + 4", "r0 + 8"],
  },
  {
    check: "map-special-field",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = *(u32 *)(r0 + 0) <--; ${END}`,
    neighbour: ["u32", "u64"].map((t) => `r1 = *(${t} *)`) as [string, string],
  },
  {
    check: "kptr-access",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = 0; lock *(u64 *)(r0 + 8) += r1 <--; ${END}`,
    neighbour: ["lock *(u64 *)(r0 + 8) += r1", "*(u64 *)(r0 + 8) = r1"],
  },
  {
    check: "kptr",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = r0; r2 = 0; call bpf_kptr_xchg <--; ${END}`,
    neighbour: ["call bpf_kptr_xchg", "r0 = 1"],
  },
  {
    check: "kptr",
    type: "xdp",
    maps: [HELD],
    text: `${VARY(8)}; r1 = r6; r2 = 0; call bpf_kptr_xchg <--; ${END}`,
    neighbour: ["call bpf_kptr_xchg", "r0 = 1"],
  },
  {
    check: "kptr",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = r0; r1 += 4; r2 = 0; call bpf_kptr_xchg <--; ${END}`,
    neighbour: ["call bpf_kptr_xchg", "r0 = 1"],
  },
];
