// Kfuncs that exclude others: RCU, preemption, interrupts, resilient spin locks; and those that run something later (kernel/bpf/helpers.c, kernel/bpf/rqspinlock.c, 6.18).
import type { Machine } from "../../vm/index.ts";
import { EBUSY, EDEADLK, EINVAL, EPERM } from "../errno.ts";
import { init, setCallback } from "../helpers/timer.ts";
import { pointerArg, taskArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { BpfMap } from "../maps/map.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** RFLAGS with interrupts on, as irqsave finds them. */
const IRQ_ON = 0x246n,
  IRQ_FLAG = 0x200n;
const nothing = (): void => {};

function irqSave(k: SimKernel, vm: Machine, reg: number): void {
  const at = vm.argMem(reg, 8, true);
  const off = (k.extra.get("irqs off") as boolean | undefined) ?? false;
  vm.memory.view.setBigUint64(at, off ? IRQ_ON & ~IRQ_FLAG : IRQ_ON, true);
  vm.memory.markDirty(at, 8);
  k.extra.set("irqs off", true);
}
function irqRestore(k: SimKernel, vm: Machine, reg: number): void {
  k.extra.set("irqs off", (vm.memory.view.getBigUint64(vm.argMem(reg, 8), true) & IRQ_FLAG) === 0n);
}
/** A lock that this CPU holds already is a deadlock, which is told instead of waited for. */
function lock(vm: Machine): boolean {
  const at = vm.argMem(1, 4, true);
  const held = vm.memory.view.getUint32(at, true) !== 0;
  if (!held) {
    vm.memory.view.setUint32(at, 1, true);
    vm.memory.markDirty(at, 4);
  }
  retInt(vm, held ? -EDEADLK : 0);
  return !held;
}
function unlock(vm: Machine): void {
  const at = vm.argMem(1, 4, true);
  vm.memory.view.setUint32(at, 0, true);
  vm.memory.markDirty(at, 4);
}
function wqInit(k: SimKernel, vm: Machine): void {
  if (vm.u64(3) !== 0n) return retInt(vm, -EINVAL);
  retInt(vm, init(k, vm, "workqueue", 1));
}
function wqStart(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 16, true);
  const callback = k.objects.deferred.armed(at)?.callback;
  if (vm.u32(2) !== 0 || !callback) return retInt(vm, -EINVAL);
  k.objects.deferred.add({ at, kind: "workqueue", dueNs: k.hardware.nowNs, ...callback });
  retInt(vm, 0);
}
/** bpf_task_work_schedule_*: task, struct bpf_task_work, map, callback. It runs when the task goes back to user space, which is when time passes. */
function taskWork(k: SimKernel, vm: Machine): void {
  const task = taskArg(k, vm, 1);
  const at = pointerArg(vm, 2);
  const map = k.mapArg(vm, 3);
  if (!task || !(map instanceof BpfMap)) return retInt(vm, -EPERM);
  if (k.objects.deferred.waits(at)) return retInt(vm, -EBUSY);
  const found = map.entries().find((e) => at >= e.valueAt && at < e.valueAt + map.valueSize);
  const key = k.memory.alloc("scratch", "key of a task work's element", map.keySize, { writable: false });
  if (found) k.memory.write(key.start, found.key);
  const args = [map.region.start, key.start, found?.valueAt ?? at] as const;
  k.objects.deferred.add({
    at,
    kind: "task work",
    dueNs: k.hardware.nowNs,
    program: vm.program,
    slot: vm.callbackSlot(4),
    args,
    scratch: key,
  });
  retInt(vm, 0);
}

export const SYNC_KFUNCS: KfuncTable = {
  bpf_rcu_read_lock: nothing,
  bpf_rcu_read_unlock: nothing,
  bpf_preempt_disable: nothing,
  bpf_preempt_enable: nothing,
  bpf_local_irq_save: (k, vm) => irqSave(k, vm, 1),
  bpf_local_irq_restore: (k, vm) => irqRestore(k, vm, 1),
  bpf_res_spin_lock: (_k, vm) => void lock(vm),
  bpf_res_spin_unlock: (_k, vm) => unlock(vm),
  bpf_res_spin_lock_irqsave: (k, vm) => {
    if (lock(vm)) irqSave(k, vm, 2);
  },
  bpf_res_spin_unlock_irqrestore: (k, vm) => {
    unlock(vm);
    irqRestore(k, vm, 2);
  },
  bpf_wq_init: wqInit,
  bpf_wq_set_callback_impl: (k, vm) => retInt(vm, setCallback(k, vm, "workqueue")),
  bpf_wq_start: wqStart,
  bpf_task_work_schedule_signal_impl: taskWork,
  bpf_task_work_schedule_resume_impl: taskWork,
};
