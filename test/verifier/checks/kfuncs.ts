// Fixtures of checks on calls of kernel functions: who may call what, arguments, sections, iterators, new objects. Data only.
import { ARRAY, BUFFER, END, LOCKED, MAIN, VALUE } from "./parts.ts";
import type { Fixture, TestMap } from "./program.ts";

const NEWTASK = { type: "tracing", attach: 23, target: "8:btf_trace_task_newtask" } as const;
const SYSCALL = { type: "syscall", flags: 16 } as const;
const RES_LOCKED: TestMap = { ...ARRAY, size: 16, value: "res_locked" };
const FLAG = (at: number): string => `r1 = r10; r1 += -${at}`;
const SAVE = (at: number): string => `${FLAG(at)}; kcall bpf_local_irq_save`;
const RESTORE = (at: number): string => `${FLAG(at)}; kcall bpf_local_irq_restore`;
const ITER = "r1 = r10; r1 += -8";
const NEW = `${ITER}; r2 = 0; r3 = 3; kcall bpf_iter_num_new`;
const COPY = "r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0; kcall bpf_copy_from_user_str";
const OBJECT = "r2 = 0; kcall bpf_obj_new_impl";
const DROP = "if r0 == 0 goto +3; r1 = r0; r2 = 0; kcall bpf_obj_drop_impl";

export const KFUNCS: readonly Fixture[] = [
  { check: "bpf-trap", type: "xdp", text: `kcall __bpf_trap <--; ${END}`, neighbour: ["kcall __bpf_trap", "r0 = 1"] },
  { check: "kfunc-id", type: "xdp", text: `kcall 4:task_struct; ${END}`, neighbour: ["kcall 4:task_struct", "r0 = 1"] },
  { check: "kfunc-id", type: "xdp", text: `kcall -1; ${END}`, neighbour: ["kcall -1", "r0 = 1"] },
  {
    check: "kfunc-gpl",
    type: "xdp",
    license: "MIT",
    text: `kcall bpf_rcu_read_lock; kcall bpf_rcu_read_unlock; ${END}`,
    neighbour: { license: "GPL" },
  },
  {
    check: "kfunc-not-allowed",
    type: "xdp",
    text: `r2 = 1; kcall bpf_sock_destroy <--; ${END}`,
    neighbour: ["kcall bpf_sock_destroy", "r0 = 1"],
  },
  { check: "kfunc-not-allowed", type: "xdp", text: `kcall schedule <--; ${END}`, neighbour: ["kcall schedule", "r0 = 1"] },
  {
    check: "kfunc-dev-bound",
    type: "xdp",
    text: `r2 = r10; r2 += -8; kcall bpf_xdp_metadata_rx_timestamp; ${END}`,
    neighbour: ["kcall bpf_xdp_metadata_rx_timestamp", "r0 = 1"],
  },
  { check: "kfunc-sleeps", type: "kprobe", text: `${COPY} <--; ${END}`, neighbour: { flags: 16 } },
  {
    check: "kfunc-section",
    type: "xdp",
    text: `kcall bpf_rcu_read_unlock <--; ${END}`,
    neighbour: ["kcall bpf_rcu_read_unlock", "r0 = 1"],
  },
  {
    check: "kfunc-section",
    type: "xdp",
    text: `kcall bpf_rcu_read_lock; kcall bpf_rcu_read_lock <--; kcall bpf_rcu_read_unlock; ${END}`,
    neighbour: ["kcall bpf_rcu_read_lock; ", ""],
  },
  {
    check: "kfunc-sleeps",
    type: "sched_cls",
    text: `kcall bpf_arena_reserve_pages <--; ${END}`,
    neighbour: ["kcall bpf_arena_reserve_pages", "r0 = 1"],
  },
  { check: "kfunc-section", type: "xdp", text: `kcall bpf_preempt_enable <--; ${END}`, neighbour: ["kcall bpf_preempt_enable", "r0 = 1"] },
  {
    check: "kfunc-section",
    ...SYSCALL,
    text: `kcall bpf_rcu_read_lock; ${COPY} <--; kcall bpf_rcu_read_unlock; ${END}`,
    neighbour: ["kcall bpf_copy_from_user_str", "r0 = 1"],
  },
  {
    check: "kfunc-section",
    ...SYSCALL,
    text: `kcall bpf_preempt_disable; ${COPY} <--; kcall bpf_preempt_enable; ${END}`,
    neighbour: ["kcall bpf_copy_from_user_str", "r0 = 1"],
  },
  {
    check: "kfunc-section",
    ...SYSCALL,
    text: `${SAVE(16)}; ${COPY} <--; ${RESTORE(16)}; ${END}`,
    neighbour: ["kcall bpf_copy_from_user_str", "r0 = 1"],
  },
  {
    check: "kfunc-section",
    ...SYSCALL,
    text: `r1 = r10; r1 += -24; r2 = 0; r3 = 3; kcall bpf_iter_task_new <--; r1 = r10; r1 += -24; kcall bpf_iter_task_destroy; kcall bpf_rcu_read_lock; kcall bpf_rcu_read_unlock; ${END}`,
    neighbour: ["kcall bpf_iter_task_new <--; r1 = r10; r1 += -24; kcall bpf_iter_task_destroy; ", ""],
  },
  {
    check: "held-at-exit",
    type: "xdp",
    text: `kcall bpf_rcu_read_lock; r0 = 0; exit <--`,
    neighbour: ["kcall bpf_rcu_read_lock", "r1 = 0"],
  },
  {
    check: "held-at-exit",
    type: "xdp",
    text: `kcall bpf_preempt_disable; r0 = 0; exit <--`,
    neighbour: ["kcall bpf_preempt_disable", "r1 = 0"],
  },
  { check: "held-at-exit", type: "xdp", text: `${SAVE(8)}; r0 = 0; exit <--`, neighbour: ["kcall bpf_local_irq_save", "r1 = 0"] },
  {
    check: "stack-bounds",
    type: "xdp",
    text: `r1 = r10; kcall bpf_local_irq_save <--; ${END}`,
    neighbour: ["kcall bpf_local_irq_save", "r0 = 1"],
  },
  { check: "irq-flag", type: "xdp", text: `${RESTORE(8)} <--; ${END}`, neighbour: ["kcall bpf_local_irq_restore", "r0 = 1"] },
  {
    check: "irq-flag",
    type: "xdp",
    text: `${SAVE(8)}; ${SAVE(8)} <--; ${RESTORE(8)}; ${END}`,
    neighbour: [`${SAVE(8)} <--`, "r0 = 1"],
  },
  {
    check: "irq-flag",
    type: "xdp",
    maps: [RES_LOCKED],
    text: `${VALUE}; r6 = r0; ${SAVE(24)}; r1 = r6; r2 = r10; r2 += -16; kcall bpf_res_spin_lock_irqsave; if r0 != 0 goto out; r1 = r6; r2 = r10; r2 += -24; kcall bpf_res_spin_unlock_irqrestore <--; out: ${RESTORE(24)}; ${END}`,
    neighbour: ["r2 += -24", "r2 += -16"],
  },
  {
    check: "irq-order",
    type: "xdp",
    text: `${SAVE(8)}; ${SAVE(16)}; ${RESTORE(8)} <--; ${RESTORE(16)}; ${END}`,
    neighbour: [`${SAVE(8)}; ${SAVE(16)}`, `${SAVE(16)}; ${SAVE(8)}`],
  },
  {
    check: "iter-arg",
    type: "xdp",
    text: `${ITER}; kcall bpf_iter_num_next <--; ${END}`,
    neighbour: ["kcall bpf_iter_num_next", "r0 = 1"],
  },
  {
    check: "iter-arg",
    type: "xdp",
    text: `${NEW}; ${NEW} <--; ${ITER}; kcall bpf_iter_num_destroy; ${END}`,
    neighbour: [`${NEW}; ${NEW}`, NEW],
  },
  {
    check: "iter-arg",
    type: "xdp",
    text: `r1 = r10; r1 += -4; r2 = 0; r3 = 3; kcall bpf_iter_num_new <--; ${ITER}; kcall bpf_iter_num_destroy; ${END}`,
    neighbour: ["r1 += -4", "r1 += -8"],
  },
  {
    check: "iter-arg",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = r0; r2 = 0; r3 = 3; kcall bpf_iter_num_new <--; ${ITER}; kcall bpf_iter_num_destroy; ${END}`,
    neighbour: ["r1 = r0", ITER],
  },
  {
    check: "reference-leak",
    type: "xdp",
    text: `${NEW}; r0 = 0; exit <--`,
    neighbour: ["r0 = 0; exit", `${ITER}; kcall bpf_iter_num_destroy; r0 = 0; exit`],
  },
  { check: "kfunc-arg", ...SYSCALL, text: `r1 = 0; kcall bpf_task_release <--; ${END}`, neighbour: ["kcall bpf_task_release", "r0 = 1"] },
  {
    check: "kfunc-arg",
    ...NEWTASK,
    text: `r1 = *(u64 *)(r1 + 0); kcall bpf_task_release <--; ${END}`,
    neighbour: ["kcall bpf_task_release", "kcall bpf_task_acquire; if r0 == 0 goto +2; r1 = r0; kcall bpf_task_release"],
  },
  {
    check: "kfunc-arg",
    ...NEWTASK,
    text: `r1 = *(u64 *)(r1 + 0); r1 = *(u64 *)(r1 + koff task_struct.mm); kcall bpf_task_acquire <--; if r0 == 0 goto +2; r1 = r0; kcall bpf_task_release; ${END}`,
    neighbour: ["r1 = *(u64 *)(r1 + koff task_struct.mm); ", ""],
  },
  {
    check: "kfunc-arg",
    type: "sched_cls",
    text: `${BUFFER}; r2 = 0; r3 = r10; r3 += -24; kcall bpf_dynptr_from_skb <--; ${END}`,
    neighbour: [BUFFER, "r4 = 1"],
  },
  {
    check: "kfunc-arg",
    type: "xdp",
    text: `r1 = r10; kcall bpf_task_from_pid <--; if r0 == 0 goto +2; r1 = r0; kcall bpf_task_release; ${END}`,
    neighbour: ["r1 = r10", "r1 = 10"],
  },
  {
    check: "kfunc-arg",
    type: "xdp",
    maps: [
      { ...ARRAY, size: 24, value: "queued" },
      { ...ARRAY, size: 24, value: "queued" },
    ],
    text: `${VALUE}; r1 = r0; r1 += 8; r2 = map 1; r3 = 0; kcall bpf_wq_init <--; ${END}`,
    neighbour: ["r2 = map 1", "r2 = map 0"],
  },
  {
    check: "map-field",
    type: "xdp",
    maps: [{ ...ARRAY, size: 24, value: "queued" }],
    text: `${VALUE}; r1 = r0; r2 = map 0; r3 = 0; kcall bpf_wq_init <--; ${END}`,
    neighbour: ["r1 = r0", "r1 = r0; r1 += 8"],
  },
  {
    check: "spin-lock",
    type: "xdp",
    maps: [RES_LOCKED],
    text: `${VALUE}; r1 = r0; kcall bpf_res_spin_unlock <--; ${END}`,
    neighbour: ["kcall bpf_res_spin_unlock", "r0 = 1"],
  },
  {
    check: "spin-lock",
    type: "xdp",
    maps: [RES_LOCKED],
    text: `${VALUE}; r6 = r0; r1 = r6; kcall bpf_res_spin_lock; if r0 != 0 goto out; r1 = r6; kcall bpf_res_spin_lock <--; r1 = r6; kcall bpf_res_spin_unlock; out: ${END}`,
    neighbour: ["r1 = r6; kcall bpf_res_spin_lock <--", "r1 = r6"],
  },
  {
    check: "call-under-lock",
    type: "sched_cls",
    maps: [LOCKED],
    text: `${VALUE}; r6 = r0; r1 = r0; call bpf_spin_lock; r1 = 1; kcall bpf_task_from_pid <--; r1 = r6; call bpf_spin_unlock; ${END}`,
    neighbour: ["kcall bpf_task_from_pid", "r0 = 1"],
  },
  {
    check: "obj-new",
    type: "xdp",
    funcs: MAIN,
    text: `r1 = type int; ${OBJECT} <--; ${DROP}; ${END}`,
    neighbour: ["type int", "type item"],
  },
  { check: "obj-new", type: "xdp", maps: [LOCKED], text: `r1 = type item; ${OBJECT} <--; ${DROP}; ${END}`, neighbour: { funcs: MAIN } },
  {
    check: "obj-new",
    type: "xdp",
    funcs: MAIN,
    text: `r1 = type big; r2 = 0; kcall bpf_percpu_obj_new_impl <--; if r0 == 0 goto +3; r1 = r0; r2 = 0; kcall bpf_percpu_obj_drop_impl; ${END}`,
    neighbour: ["type big", "type pair"],
  },
  {
    check: "obj-new",
    type: "xdp",
    funcs: MAIN,
    text: `r1 = type leaf; r2 = 0; kcall bpf_percpu_obj_new_impl <--; if r0 == 0 goto +3; r1 = r0; r2 = 0; kcall bpf_percpu_obj_drop_impl; ${END}`,
    neighbour: ["type leaf", "type pair"],
  },
  {
    check: "kfunc-arg",
    type: "xdp",
    funcs: MAIN,
    text: `call bpf_get_prandom_u32; r1 = r0; ${OBJECT} <--; ${DROP}; ${END}`,
    neighbour: ["r1 = r0", "r1 = type item"],
  },
  { check: "rdonly-cast", type: "xdp", text: `r2 = ktype 1:int; kcall bpf_rdonly_cast <--; ${END}`, neighbour: ["1:int", "4:task_struct"] },
  { check: "rdonly-cast", type: "xdp", text: `r2 = 2000000000; kcall bpf_rdonly_cast <--; ${END}`, neighbour: ["2000000000", "0"] },
];
