// Helpers about tasks, cgroups of tasks, namespaces and signals (kernel/bpf/helpers.c, kernel/trace/bpf_trace.c, kernel/bpf/task_iter.c, 6.18).
import { KERNEL_HI, type Continuation, type Machine } from "../../vm/index.ts";
import { E2BIG, EAGAIN, EFAULT, EINVAL, ENOENT, EPERM } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { CgroupArray } from "../maps/objects.ts";
import { VMAS } from "../objects/index.ts";
import { bytesArg, putArg, skbOf, taskArg, room } from "./args.ts";
import { readSafely } from "./memory-access.ts";
import type { HelperTable } from "./types.ts";

/** Device and inode of the only pid namespace, as /proc/1/ns/pid shows the first one (PROC_PID_INIT_INO). */
const PID_NS_DEV = 4n,
  PID_NS_INO = 0xeffffffcn;
/** Cookie of the only network namespace (init_net is the first that asks for one). */
export const NETNS_COOKIE = 1n;

const currentCgroup = (k: SimKernel) => k.objects.cgroups.get(k.run.task.cgroupId);

function underCgroup(k: SimKernel, vm: Machine, reg: number, group: ReturnType<typeof currentCgroup>): void {
  const map = k.mapArg(vm, reg);
  const index = vm.u32(reg === 1 ? 2 : 3);
  if (index >= map.spec.maxEntries) return vm.ret(-E2BIG);
  const wanted = map instanceof CgroupArray ? map.at(index) : undefined;
  vm.ret(wanted ? (k.objects.cgroups.isDescendant(group, wanted) ? 1 : 0) : -EAGAIN);
}
function ancestorId(k: SimKernel, vm: Machine): void {
  const found = k.objects.cgroups.ancestor(currentCgroup(k), vm.s32(1));
  vm.setU64(0, found?.id ?? 0n);
}
/** bpf_get_ns_current_pid_tgid: dev, inode, struct bpf_pidns_info, its size. */
function nsPidTgid(k: SimKernel, vm: Machine): void {
  const size = vm.u32(4);
  const out = room(vm, 3, size);
  const good = size === 8 && vm.u64(1) === PID_NS_DEV && vm.u64(2) === PID_NS_INO;
  if (good) {
    new DataView(out.buffer).setUint32(0, k.run.task.pid, true);
    new DataView(out.buffer).setUint32(4, k.run.task.tgid, true);
  }
  putArg(vm, 3, out);
  vm.ret(good ? 0 : -EINVAL);
}
class WithVma implements Continuation {
  readonly slot: number;
  readonly args: readonly [number, number];
  readonly ctx: readonly [number, number];
  constructor(slot: number, args: readonly [number, number], ctx: readonly [number, number]) {
    this.slot = slot;
    this.args = args;
    this.ctx = ctx;
  }
  begin(vm: Machine): void {
    vm.setReg(1, this.args[0], KERNEL_HI);
    vm.setReg(2, this.args[1], KERNEL_HI);
    vm.setReg(3, this.ctx[0], this.ctx[1]);
  }
  next(vm: Machine): undefined {
    vm.ret(0);
    return undefined;
  }
}
function findVma(k: SimKernel, vm: Machine): void {
  const task = taskArg(k, vm, 1);
  const address = vm.u64(2);
  if (vm.u64(5) !== 0n || !task) return vm.ret(vm.u64(5) !== 0n ? -EINVAL : -ENOENT);
  const index = VMAS.findIndex((v) => address >= v.start && address < v.end);
  if (index < 0) return vm.ret(-ENOENT);
  const vma = k.objects.tasks.vmas(task)[index]!;
  const ctx = [vm.u32(4) | 0, vm.hi32(4)] as const;
  vm.requestCallback(new WithVma(vm.callbackSlot(3), [k.objects.tasks.region(task).start, vma.start], ctx));
}
function sendSignal(k: SimKernel, vm: Machine): void {
  const signal = vm.u32(1);
  if (k.run.task.pid === 1) return vm.ret(-EPERM);
  if (signal > 64) return vm.ret(-EINVAL);
  k.emit({ kind: "signal", text: `signal ${signal} to task ${k.run.task.pid} (${k.run.task.comm})` });
  vm.ret(0);
}
/** bpf_copy_from_user_task: other address spaces than the running one hold nothing here. */
function copyFromUserTask(k: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const task = taskArg(k, vm, 4);
  if (vm.u64(5) !== 0n) return vm.ret(-EINVAL);
  if (size === 0) return vm.ret(0);
  const bytes = task?.tgid === k.run.task.tgid ? readSafely(k, vm.u64(3), size) : undefined;
  putArg(vm, 1, bytes ?? room(vm, 1, size));
  vm.ret(bytes ? 0 : -EFAULT);
}
/** bpf_probe_write_user: destination, source, size. */
function probeWriteUser(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const at = vm.u32(1);
  const bytes = bytesArg(vm, 2, size);
  if (!k.memory.allowed(at, vm.hi32(1), size, 2) || vm.hi32(1) === KERNEL_HI) return vm.ret(-EFAULT);
  k.memory.write(at, bytes);
  vm.ret(0);
}

export const TASK_HELPERS: HelperTable = {
  33: (k, vm) => {
    const socket = k.objects.sockets.at(skbOf(k).sk);
    if (!socket?.isFull) return vm.ret(-ENOENT);
    underCgroup(k, vm, 2, k.objects.cgroups.get(socket.cgroupId));
  },
  35: (k, vm) => vm.retPtr(k.objects.tasks.region(k.run.task).start),
  36: probeWriteUser,
  37: (k, vm) => underCgroup(k, vm, 1, currentCgroup(k)),
  109: sendSignal,
  117: sendSignal,
  120: nsPidTgid,
  122: (_k, vm) => vm.setU64(0, NETNS_COOKIE),
  123: ancestorId,
  158: (k, vm) => vm.retPtr(k.objects.tasks.region(k.run.task).start),
  175: (k, vm) => {
    const task = taskArg(k, vm, 1);
    vm.retPtr(task ? k.objects.tasks.regs(task).start : 0);
  },
  180: findVma,
  191: copyFromUserTask,
};
