// Cases of objects that programs own: allocation, lists, trees, CPU sets, locks, timers, kernel objects. Data only.
import type { RunCase } from "../run-cases.ts";
import { BEGIN, END, fill, keep, OUT, stack, syscall, tc } from "./parts.ts";

const NEW = (type: string, to = 8): string => `r1 = type ${type}; r2 = 0; kcall bpf_obj_new_impl; if r0 == 0 goto out; r${to} = r0`;
const HOLD = "r1 = mapvalue 1 0; call bpf_spin_lock";
const LET = "r1 = mapvalue 1 0; call bpf_spin_unlock";
const DROP = (reg: number): string => `r1 = r${reg}; r2 = 0; kcall bpf_obj_drop_impl`;
/** Puts item `n` into the list. */
const push = (n: number, back: boolean): string =>
  `${NEW("item")}; r1 = ${n}; *(u64 *)(r8 + 0) = r1; ${HOLD}; r1 = mapvalue 1 8; r2 = r8; r2 += 8; r3 = 0; r4 = 0; kcall bpf_list_push_${back ? "back" : "front"}_impl; ${LET}`;
let label = 0;
/** Takes an item out and keeps its number. */
const pop = (at: number, back: boolean): string => {
  const none = `none${label++}`;
  return `${HOLD}; r1 = mapvalue 1 8; kcall bpf_list_pop_${back ? "back" : "front"}; r8 = r0; ${LET}; if r8 == 0 goto ${none}; r0 = *(u64 *)(r8 - 8); ${keep(at)}; r8 += -8; ${DROP(8)}; ${none}: r0 = 0`;
};
const LISTED = [OUT, { type: 2, key: 4, size: 24, entries: 1, value: "listed" }];
const TREED = [OUT, { type: 2, key: 4, size: 24, entries: 1, value: "treed" }];
const listed = (name: string, text: string): RunCase => tc(name, `${text}; out: r0 = 0`, { maps: LISTED, funcs: [["main", "0"]] });
const add = (n: number): string =>
  `${NEW("leaf")}; r1 = ${n}; *(u64 *)(r8 + 0) = r1; ${HOLD}; r1 = mapvalue 1 8; r2 = r8; r2 += 8; r3 = func less; r4 = 0; r5 = 0; kcall bpf_rbtree_add_impl; ${LET}`;
const first = (at: number): string => {
  const none = `none${label++}`,
    both = `both${label}`;
  return `${HOLD}; r1 = mapvalue 1 8; kcall bpf_rbtree_first; if r0 == 0 goto ${none}; r1 = mapvalue 1 8; r2 = r0; kcall bpf_rbtree_remove; r8 = r0; ${LET}; if r8 == 0 goto ${both}; r0 = *(u64 *)(r8 - 8); ${keep(at)}; r8 += -8; ${DROP(8)}; goto ${both}; ${none}: ${LET}; ${both}: r0 = 0`;
};
const treed = (name: string, text: string): RunCase =>
  tc(name, "", {
    text: `${BEGIN}; ${text}; out: ${END}; less: r1 = *(u64 *)(r1 - 8); r2 = *(u64 *)(r2 - 8); r0 = 1; if r1 < r2 goto yes; r0 = 0; yes: exit`,
    maps: TREED,
    funcs: [
      ["main", "0"],
      ["local", "less"],
    ],
  });
/** Number at the root of the tree, and those beside it. */
const shape = (at: number): string => {
  const none = `none${label++}`,
    left = `left${label}`,
    right = `right${label}`;
  return (
    `${HOLD}; r1 = mapvalue 1 8; kcall bpf_rbtree_root; if r0 == 0 goto ${none}; r9 = r0; r0 = *(u64 *)(r9 - 8); ${keep(at)}; ` +
    `r1 = mapvalue 1 8; r2 = r9; kcall bpf_rbtree_left; if r0 == 0 goto ${left}; r0 = *(u64 *)(r0 - 8); ${keep(at + 1)}; ${left}: ` +
    `r1 = mapvalue 1 8; r2 = r9; kcall bpf_rbtree_right; if r0 == 0 goto ${right}; r0 = *(u64 *)(r0 - 8); ${keep(at + 2)}; ${right}: ${none}: ${LET}`
  );
};

const mask = (text: string): string =>
  `kcall bpf_cpumask_create; if r0 == 0 goto out; r8 = r0; ${text}; r1 = r8; kcall bpf_cpumask_release; out: r0 = 0`;
const on = (f: string, ...args: number[]): string =>
  `${args.map((a, i) => `r${i + 1} = ${a}`).join("; ")}${args.length ? "; " : ""}r${args.length + 1} = r8; kcall bpf_cpumask_${f}`;
const bool = "r0 &= 255";
const two = (text: string): string =>
  `kcall bpf_cpumask_create; if r0 == 0 goto out; r8 = r0; kcall bpf_cpumask_create; if r0 == 0 goto one; r9 = r0; ${text}; r1 = r9; kcall bpf_cpumask_release; one: r1 = r8; kcall bpf_cpumask_release; out: r0 = 0`;
const pair = (f: string): string => `r1 = r8; r2 = r9; kcall bpf_cpumask_${f}`;
const TIMED = [OUT, { type: 2, key: 4, size: 24, entries: 1, value: "timed" }];

const T = "r1 = mapvalue 1 8";
const callback = {
  funcs: [
    ["main", "0"],
    ["local", "cb"],
  ] as const,
};

export const OBJECT_CASES: readonly RunCase[] = [
  tc(
    "object of its own",
    `${NEW("pair")}; r0 = *(u64 *)(r8 + 0); ${keep(0)}; r1 = 5; *(u64 *)(r8 + 8) = r1; r0 = *(u64 *)(r8 + 8); ${keep(1)}; ${DROP(8)}; out: r0 = 0`,
    { funcs: [["main", "0"]] },
  ),
  tc(
    "counted object",
    `${NEW("counted")}; r1 = r8; r2 = 0; kcall bpf_refcount_acquire_impl; if r0 == 0 goto drop; r9 = r0; r0 = *(u32 *)(r9 + 0); ${keep(0)}; ${DROP(9)}; drop: r1 = 3; *(u64 *)(r8 + 0) = r1; r0 = *(u64 *)(r8 + 0); ${keep(1)}; ${DROP(8)}; out: r0 = 0`,
    { funcs: [["main", "0"]] },
  ),
  listed(
    "list first in, first out",
    `${push(1, true)}; ${push(2, true)}; ${push(3, true)}; ${pop(0, false)}; ${pop(1, false)}; ${pop(2, false)}; ${pop(3, false)}`,
  ),
  listed(
    "list from both ends",
    `${push(1, true)}; ${push(2, false)}; ${push(3, true)}; ${push(4, false)}; ${pop(0, true)}; ${pop(1, false)}; ${pop(2, true)}; ${pop(3, false)}; ${pop(4, true)}`,
  ),
  listed(
    "list front and back",
    `${push(1, true)}; ${push(2, true)}; ${HOLD}; r1 = mapvalue 1 8; kcall bpf_list_front; if r0 == 0 goto a; r0 = *(u64 *)(r0 - 8); ${keep(0)}; a: r1 = mapvalue 1 8; kcall bpf_list_back; if r0 == 0 goto b; r0 = *(u64 *)(r0 - 8); ${keep(1)}; b: ${LET}; ${pop(2, false)}; ${pop(3, false)}`,
  ),
  treed("tree in order", `${[5, 2, 8, 1, 9, 3].map(add).join("; ")}; ${[0, 1, 2, 3, 4, 5, 6].map(first).join("; ")}`),
  treed("tree with equal keys", `${[5, 5, 2].map(add).join("; ")}; ${[0, 1, 2, 3].map(first).join("; ")}`),
  treed(
    "shape of a tree",
    `${[1, 2, 3].map(add).join("; ")}; ${shape(0)}; ${[4, 5, 6].map(add).join("; ")}; ${shape(3)}; ${[7, 8].map(add).join("; ")}; ${shape(6)}; ${first(9)}; ${first(10)}; ${shape(11)}`,
  ),
  syscall(
    "cpumask of one",
    mask(
      `${on("first")}; ${keep(0)}; ${on("empty")}; ${bool}; ${keep(1)}; ${on("set_cpu", 1)}; ${on("first")}; ${keep(2)}; ${on("first_zero")}; ${keep(3)}; ${on("test_cpu", 1)}; ${bool}; ${keep(4)}; ${on("test_cpu", 0)}; ${bool}; ${keep(5)}; ${on("weight")}; ${keep(6)}; ${on("test_and_set_cpu", 0)}; ${bool}; ${keep(7)}; ${on("full")}; ${bool}; ${keep(8)}; ${on("test_and_clear_cpu", 0)}; ${bool}; ${keep(9)}; ${on("clear_cpu", 1)}; ${on("empty")}; ${bool}; ${keep(10)}`,
    ),
  ),
  syscall(
    "cpumask beyond the CPUs",
    mask(
      `${on("set_cpu", 200)}; ${on("test_cpu", 200)}; ${bool}; ${keep(0)}; ${on("empty")}; ${bool}; ${keep(1)}; ${on("test_and_set_cpu", 9)}; ${bool}; ${keep(2)}`,
    ),
  ),
  syscall(
    "cpumask of all",
    mask(
      `${on("setall")}; ${on("full")}; ${bool}; ${keep(0)}; ${on("weight")}; ${keep(1)}; ${on("first_zero")}; ${keep(2)}; ${on("clear")}; ${on("any_distribute")}; ${keep(3)}; ${on("first_zero")}; ${keep(4)}`,
    ),
  ),
  syscall(
    "cpumasks together",
    two(
      `r1 = 0; r2 = r8; kcall bpf_cpumask_set_cpu; r1 = 1; r2 = r9; kcall bpf_cpumask_set_cpu; ${pair("equal")}; ${bool}; ${keep(0)}; ${pair("intersects")}; ${bool}; ${keep(1)}; ${pair("subset")}; ${bool}; ${keep(2)}; ${pair("first_and")}; ${keep(3)}; r1 = r8; r2 = r8; r3 = r9; kcall bpf_cpumask_or; ${on("weight")}; ${keep(4)}; ${pair("subset")}; ${bool}; ${keep(5)}; r1 = r9; r2 = r8; kcall bpf_cpumask_subset; ${bool}; ${keep(6)}; r1 = r8; r2 = r8; r3 = r9; kcall bpf_cpumask_xor; ${on("weight")}; ${keep(7)}; r1 = r8; r2 = r8; r3 = r9; kcall bpf_cpumask_and; ${bool}; ${keep(8)}; ${pair("copy")}; ${pair("equal")}; ${bool}; ${keep(9)}; ${pair("any_and_distribute")}; ${keep(10)}`,
    ),
  ),
  syscall(
    "cpumask from memory",
    mask(
      [1, 8, 12, 16, 0]
        .map(
          (n, i) =>
            `${fill(64, "0xff", 0, 0)}; r1 = r8; ${stack(2, 64)}; r3 = ${n}; kcall bpf_cpumask_populate; ${keep(2 * i)}; ${on("weight")}; ${keep(2 * i + 1)}`,
        )
        .join("; "),
    ),
  ),
  syscall(
    "task of no pid",
    `r1 = 0x7ffffff0; kcall bpf_task_from_pid; if r0 == 0 goto end; r1 = r0; kcall bpf_task_release; r0 = 1; ${keep(0)}; end: r0 = 0`,
  ),
  syscall(
    "cgroup by id",
    `r1 = 1; kcall bpf_cgroup_from_id; if r0 == 0 goto out; r8 = r0; r0 = *(u32 *)(r8 + koff cgroup.level); ${keep(0)}; r1 = r8; r2 = 0; kcall bpf_cgroup_ancestor; if r0 == 0 goto drop; r1 = r0; kcall bpf_cgroup_release; r0 = 1; ${keep(1)}; drop: r1 = r8; r2 = 1; kcall bpf_cgroup_ancestor; if r0 == 0 goto end; r1 = r0; kcall bpf_cgroup_release; r0 = 1; ${keep(2)}; end: r1 = r8; kcall bpf_cgroup_release; out: r0 = 0`,
  ),
  syscall(
    "cgroup of no id",
    `r1 = 0x7fffffffffff ll; kcall bpf_cgroup_from_id; if r0 == 0 goto out; r1 = r0; kcall bpf_cgroup_release; r0 = 1; ${keep(0)}; out: r0 = 0`,
  ),
  syscall(
    "task iterator with bad flags",
    `kcall bpf_rcu_read_lock; ${stack(1, 32)}; r2 = 0; r3 = 7; kcall bpf_iter_task_new; ${keep(0)}; ${stack(1, 32)}; kcall bpf_iter_task_destroy; kcall bpf_rcu_read_unlock`,
  ),
  syscall(
    "irq, preemption and RCU",
    `${stack(1, 8)}; kcall bpf_local_irq_save; ${stack(1, 8)}; kcall bpf_local_irq_restore; kcall bpf_preempt_disable; kcall bpf_preempt_enable; kcall bpf_rcu_read_lock; kcall bpf_rcu_read_unlock; r0 = 1; ${keep(0)}`,
  ),
  tc(
    "resilient lock",
    `r1 = mapvalue 1 0; kcall bpf_res_spin_lock; if r0 == 0 goto got; goto out; got: r0 = 7; *(u64 *)(r6 + 0) = r0; r1 = mapvalue 1 0; kcall bpf_res_spin_unlock; r1 = mapvalue 1 0; kcall bpf_res_spin_lock; if r0 == 0 goto again; goto out; again: r0 = 8; *(u64 *)(r6 + 8) = r0; r1 = mapvalue 1 0; kcall bpf_res_spin_unlock; out: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 16, entries: 1, value: "res_locked" }],
    },
  ),
  tc(
    "resilient lock with interrupts off",
    `r1 = mapvalue 1 0; ${stack(2, 8)}; kcall bpf_res_spin_lock_irqsave; if r0 == 0 goto got; goto out; got: r0 = 7; *(u64 *)(r6 + 0) = r0; r1 = mapvalue 1 0; ${stack(2, 8)}; kcall bpf_res_spin_unlock_irqrestore; out: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 16, entries: 1, value: "res_locked" }],
    },
  ),
  tc(
    "timer before it is made",
    `${T}; r2 = 0; r3 = 0; call bpf_timer_start; ${keep(0)}; ${T}; call bpf_timer_cancel; ${keep(1)}; ${T}; r2 = func cb; call bpf_timer_set_callback; ${keep(2)}; ${END}; cb: r0 = 0`,
    { maps: TIMED, ...callback },
  ),
  tc(
    "timer made twice and of unknown clocks",
    `${[3, 16, 1, 1].map((flags, i) => `${T}; r2 = map 1; r3 = ${flags}; call bpf_timer_init; ${keep(i)}`).join("; ")}`,
    { maps: TIMED, ...{ funcs: [["main", "0"]] as const } },
  ),
  tc(
    "timer started and cancelled",
    `${T}; r2 = map 1; r3 = 1; call bpf_timer_init; ${keep(0)}; ${T}; r2 = 1; r3 = 0; call bpf_timer_start; ${keep(1)}; ${T}; r2 = func cb; call bpf_timer_set_callback; ${keep(2)}; ${T}; r2 = 0x7fffffffffff ll; r3 = 4; call bpf_timer_start; ${keep(3)}; ${T}; r2 = 0x7fffffffffff ll; r3 = 0; call bpf_timer_start; ${keep(4)}; ${T}; call bpf_timer_cancel; ${keep(5)}; ${T}; call bpf_timer_cancel; ${keep(6)}; ${T}; r2 = 1; r3 = 0; call bpf_timer_start; ${keep(7)}; ${END}; cb: r0 = 0`,
    { maps: TIMED, ...callback },
  ),
  tc(
    "work queue",
    `${T}; r2 = map 1; r3 = 1; kcall bpf_wq_init; ${keep(0)}; ${T}; r2 = 0; kcall bpf_wq_start; ${keep(1)}; ${T}; r2 = func cb; r3 = 0; r4 = 0; kcall bpf_wq_set_callback_impl; ${keep(2)}; ${T}; r2 = map 1; r3 = 0; kcall bpf_wq_init; ${keep(3)}; ${T}; r2 = map 1; r3 = 0; kcall bpf_wq_init; ${keep(4)}; ${T}; r2 = func cb; r3 = 0; r4 = 0; kcall bpf_wq_set_callback_impl; ${keep(5)}; ${T}; r2 = 1; kcall bpf_wq_start; ${keep(6)}; ${END}; cb: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 24, entries: 1, value: "queued" }],
      ...callback,
    },
  ),
  tc(
    "kptr exchanged",
    `${NEW("plain")}; r1 = 7; *(u64 *)(r8 + 0) = r1; r1 = mapvalue 1 16; r2 = r8; call bpf_kptr_xchg; if r0 == 0 goto empty; r1 = r0; r2 = 0; kcall bpf_obj_drop_impl; r0 = 1; ${keep(0)}; empty: r1 = mapvalue 1 16; r2 = 0; call bpf_kptr_xchg; if r0 == 0 goto out; r8 = r0; r0 = *(u64 *)(r8 + 0); ${keep(1)}; ${DROP(8)}; out: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 32, entries: 1, value: "held" }],
      funcs: [["main", "0"]],
    },
  ),
  tc(
    "kptr kept by an update",
    `${NEW("plain")}; r1 = 7; *(u64 *)(r8 + 0) = r1; r1 = mapvalue 1 16; r2 = r8; call bpf_kptr_xchg; if r0 == 0 goto empty; r1 = r0; r2 = 0; kcall bpf_obj_drop_impl; empty: ${fill(64, 0, 0, 0, 0)}; r1 = 0; *(u32 *)(r10 - 68) = r1; r1 = map 1; ${stack(2, 68)}; ${stack(3, 64)}; r4 = 0; call bpf_map_update_elem; ${keep(0)}; r1 = mapvalue 1 16; r2 = 0; call bpf_kptr_xchg; if r0 == 0 goto out; r8 = r0; r0 = *(u64 *)(r8 + 0); ${keep(1)}; ${DROP(8)}; out: r0 = 0`,
    { maps: [OUT, { type: 2, key: 4, size: 32, entries: 1, value: "held" }], funcs: [["main", "0"]] },
  ),
  tc(
    "per-CPU object",
    `r1 = type pair; r2 = 0; kcall bpf_percpu_obj_new_impl; if r0 == 0 goto out; r8 = r0; r1 = mapvalue 1 24; r2 = r8; call bpf_kptr_xchg; if r0 == 0 goto first; r1 = r0; r2 = 0; kcall bpf_percpu_obj_drop_impl; first: kcall bpf_rcu_read_lock; r1 = mapvalue 1 0; r8 = *(u64 *)(r1 + 24); if r8 == 0 goto let; r1 = r8; call bpf_this_cpu_ptr; r1 = 5; *(u64 *)(r0 + 0) = r1; r1 = r8; r2 = 0; call bpf_per_cpu_ptr; if r0 == 0 goto let; r0 = *(u64 *)(r0 + 8); ${keep(0)}; r1 = r8; r2 = 99; call bpf_per_cpu_ptr; if r0 == 0 goto let; r0 = 1; ${keep(1)}; let: kcall bpf_rcu_read_unlock; out: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 32, entries: 1, value: "held" }],
      funcs: [["main", "0"]],
    },
  ),
  tc(
    "socket storage",
    `r8 = *(u64 *)(r7 + 168); if r8 == 0 goto out; r1 = r8; call bpf_sk_fullsock; if r0 == 0 goto out; r8 = r0; r1 = map 1; r2 = r8; r3 = 0; r4 = 0; call bpf_sk_storage_get; if r0 == 0 goto none; r0 = 1; ${keep(0)}; none: r1 = map 1; r2 = r8; call bpf_sk_storage_delete; ${keep(1)}; ${fill(16, 77)}; r1 = map 1; r2 = r8; ${stack(3, 16)}; r4 = 1; call bpf_sk_storage_get; if r0 == 0 goto out; r0 = *(u64 *)(r0 + 0); ${keep(2)}; r1 = map 1; r2 = r8; r3 = 0; r4 = 2; call bpf_sk_storage_get; if r0 == 0 goto more; r0 = 1; ${keep(3)}; more: r1 = map 1; r2 = r8; call bpf_sk_storage_delete; ${keep(4)}; out: r0 = 0`,
    {
      maps: [OUT, { type: 24, key: 4, size: 8, entries: 0, flags: 1, value: "plain" }],
    },
  ),
  tc(
    "cgroup storage of a test run",
    `r1 = map 1; r2 = 0; call bpf_get_local_storage; r8 = r0; r0 = *(u64 *)(r8 + 0); ${keep(0)}; r1 = 9; *(u64 *)(r8 + 0) = r1; r1 = map 1; r2 = 0; call bpf_get_local_storage; r0 = *(u64 *)(r0 + 0); ${keep(1)}`,
    {
      type: "cgroup_skb",
      attach: 0,
      maps: [OUT, { type: 19, key: 16, size: 8, entries: 0 }],
    },
  ),
  tc("spin lock", `${HOLD}; r0 = 3; *(u64 *)(r6 + 0) = r0; ${LET}`, {
    maps: [OUT, { type: 2, key: 4, size: 8, entries: 1, value: "locked" }],
  }),
  syscall("elements of a map", `r1 = map 1; kcall bpf_map_sum_elem_count; ${keep(0)}`, {
    maps: [OUT, { type: 1, key: 4, size: 8, entries: 4 }],
  }),
  syscall(
    "arena",
    `r1 = map 1; r2 = 0; r3 = 1; r4 = -1; r5 = 0; kcall bpf_arena_alloc_pages; if r0 == 0 goto out; r0 = 1; ${keep(0)}; r1 = map 1; r2 = 0; r3 = 9; r4 = -1; r5 = 0; kcall bpf_arena_alloc_pages; if r0 == 0 goto full; r0 = 1; ${keep(1)}; full: r1 = map 1; r2 = 0; r3 = 3; r4 = -1; r5 = 0; kcall bpf_arena_alloc_pages; if r0 == 0 goto none; r0 = 1; ${keep(2)}; none: r1 = map 1; r2 = 0; r3 = 1; r4 = -1; r5 = 0; kcall bpf_arena_alloc_pages; if r0 == 0 goto out; r0 = 1; ${keep(3)}; out: r0 = 0`,
    {
      maps: [OUT, { type: 33, key: 0, size: 0, entries: 4, flags: 1024, extra: 1n << 32n }],
    },
  ),
];
