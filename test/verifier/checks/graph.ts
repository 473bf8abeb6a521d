// Fixtures of checks on lists and trees of allocated objects. Data only.
import { ARRAY, END, LOCKED, MAIN, VALUE, withLocal } from "./parts.ts";
import type { Fixture, TestMap } from "./program.ts";

const LISTED: TestMap = { ...ARRAY, size: 24, value: "listed" };
const TREED: TestMap = { ...ARRAY, size: 24, value: "treed" };
const NEW = (type: string): string => `r1 = type ${type}; r2 = 0; kcall bpf_obj_new_impl; if r0 == 0 goto out; r7 = r0`;
const HELD: TestMap = { ...ARRAY, size: 32, value: "held" };
const DROP = "if r0 == 0 goto +3; r1 = r0; r2 = 0; kcall bpf_obj_drop_impl";
const LOCK = "r1 = r6; call bpf_spin_lock";
const UNLOCK = "r1 = r6; call bpf_spin_unlock";
/** R6 a map value, R7 a new object; the value's lock is held where the last piece begins. */
const START = (type: string): string => `${VALUE}; r6 = r0; ${NEW(type)}; ${LOCK}`;
const PUSH = (head: number, node: number): string =>
  `r1 = r6; r1 += ${head}; r2 = r7; r2 += ${node}; r3 = 0; r4 = 0; kcall bpf_list_push_front_impl`;
const ADD = "r1 = r6; r1 += 8; r2 = r7; r2 += 8; r3 = func less; r4 = 0; r5 = 0; kcall bpf_rbtree_add_impl";

export const GRAPH: readonly Fixture[] = [
  {
    check: "graph-root",
    type: "sched_cls",
    maps: [LISTED],
    funcs: MAIN,
    text: `${START("item")}; ${PUSH(0, 8)} <--; ${UNLOCK}; out: ${END}`,
    neighbour: ["r1 += 0", "r1 += 8"],
  },
  {
    check: "graph-root",
    type: "sched_cls",
    maps: [LISTED],
    funcs: MAIN,
    text: `${VALUE}; r6 = r0; ${NEW("item")}; ${PUSH(8, 8)} <--; out: ${END}`,
    neighbour: [`${PUSH(8, 8)}`, `${LOCK}; ${PUSH(8, 8)}; ${UNLOCK}`],
  },
  {
    check: "graph-root",
    type: "sched_cls",
    maps: [LISTED, LOCKED],
    funcs: MAIN,
    text: `*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 1; call bpf_map_lookup_elem; if r0 == 0 goto end; r8 = r0; ${VALUE}; r6 = r0; ${NEW("item")}; r1 = r8; call bpf_spin_lock; ${PUSH(8, 8)} <--; r1 = r8; call bpf_spin_unlock; out: end: ${END}`,
    neighbour: ["; r6 = r0; r1 = type", "; r6 = r0; r8 = r0; r1 = type"],
  },
  {
    check: "graph-node",
    type: "sched_cls",
    maps: [LISTED],
    funcs: MAIN,
    text: `${START("item")}; ${PUSH(8, 0)} <--; ${UNLOCK}; out: ${END}`,
    neighbour: ["r2 += 0", "r2 += 8"],
  },
  {
    check: "graph-node",
    type: "sched_cls",
    maps: [LISTED],
    funcs: MAIN,
    text: `${START("item2")}; ${PUSH(8, 8)} <--; ${UNLOCK}; out: ${END}`,
    neighbour: ["type item2", "type item"],
  },
  {
    check: "graph-node",
    type: "sched_cls",
    maps: [TREED],
    funcs: withLocal("less"),
    text: `${START("item")}; ${ADD} <--; ${UNLOCK}; out: ${END}; less: ${END}`,
    neighbour: ["type item", "type leaf"],
  },
  {
    check: "kfunc-arg",
    type: "sched_cls",
    maps: [LISTED],
    funcs: MAIN,
    text: `${VALUE}; r6 = r0; ${LOCK}; r7 = r6; ${PUSH(8, 8)} <--; ${UNLOCK}; out: ${END}`,
    neighbour: ["kcall bpf_list_push_front_impl", "r0 = 1"],
  },
  {
    check: "spin-lock",
    type: "sched_cls",
    maps: [TREED],
    funcs: withLocal("less"),
    text: `${START("leaf")}; ${ADD}; ${UNLOCK}; out: ${END}; less: r1 = mapvalue 0 0; call bpf_spin_unlock <--; ${END}`,
    neighbour: ["call bpf_spin_unlock <--", "r1 = 0"],
  },
  {
    check: "kfunc-arg",
    type: "sched_cls",
    maps: [TREED],
    funcs: withLocal("less"),
    text: `r6 = mapvalue 0 0; ${NEW("leaf")}; ${LOCK}; ${ADD}; ${UNLOCK}; out: ${END}; less: r2 = r1; r1 = mapvalue 0 8; kcall bpf_rbtree_remove <--; ${END}`,
    neighbour: ["kcall bpf_rbtree_remove", "r0 = 0"],
  },
  {
    check: "reference-leak",
    type: "sched_cls",
    funcs: MAIN,
    text: `${NEW("item")}; r0 = 0; exit <--; out: ${END}`,
    neighbour: ["r0 = 0; exit", "r1 = r7; r2 = 0; kcall bpf_obj_drop_impl; r0 = 0; exit"],
  },
  {
    check: "btf-access",
    type: "sched_cls",
    funcs: MAIN,
    text: `${NEW("item")}; *(u64 *)(r7 + 8) = 1 <--; r1 = r7; r2 = 0; kcall bpf_obj_drop_impl; out: ${END}`,
    neighbour: ["(r7 + 8) = 1", "(r7 + 0) = 1"],
  },
  {
    check: "kfunc-arg",
    type: "sched_cls",
    funcs: MAIN,
    text: `${NEW("item")}; r1 = r7; r2 = 0; kcall bpf_refcount_acquire_impl <--; out: ${END}`,
    neighbour: ["r2 = 0; kcall bpf_refcount_acquire_impl", "r2 = 0; kcall bpf_obj_drop_impl"],
  },
  {
    check: "kfunc-arg",
    type: "sched_cls",
    funcs: MAIN,
    text: `${NEW("pair")}; r1 = r7; r2 = 0; kcall bpf_refcount_acquire_impl <--; out: ${END}`,
    neighbour: ["r2 = 0; kcall bpf_refcount_acquire_impl", "r2 = 0; kcall bpf_obj_drop_impl"],
  },
  {
    check: "arg-btf-type",
    type: "sched_cls",
    maps: [HELD],
    funcs: MAIN,
    text: `r1 = type plain; r2 = 0; kcall bpf_obj_new_impl; r1 = mapvalue 0 16; r2 = r0; call bpf_kptr_xchg <--; ${DROP}; ${END}`,
    neighbour: ["r1 = mapvalue", "if r0 == 0 goto +8; r1 = mapvalue"],
  },
];
