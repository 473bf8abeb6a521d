// Timers in map values (kernel/bpf/helpers.c, bpf_timer_*, 6.18). Their callbacks run when the simulated clock gets there; it runs none itself.
import type { Machine } from "../../vm/index.ts";
import { EBUSY, EDEADLK, EINVAL } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { BpfMap } from "../maps/map.ts";
import type { HelperTable } from "./types.ts";

const CLOCK_MONOTONIC = 1n,
  CLOCK_BOOTTIME = 7n,
  CLOCK_REALTIME = 0n;
const CLOCK_MASK = 0xfn;
const ABS = 1n,
  PIN = 2n;
const TIMER_BYTES = 16;

/** Prepares the timer or work queue that register 1 points at, in a value of the map in register 2; 0 or a negative errno. */
export function init(k: SimKernel, vm: Machine, kind: "timer" | "workqueue", clock: number): number {
  const at = vm.argMem(1, TIMER_BYTES, true);
  const map = k.mapArg(vm, 2);
  if (k.objects.deferred.armed(at)) return -EBUSY;
  k.objects.deferred.arm(at, { kind, map, clock });
  return 0;
}
/** Sets what the timer or work queue in register 1 calls: the function in register 2 with map, key and value. 0 or a negative errno. */
export function setCallback(k: SimKernel, vm: Machine, kind: "timer" | "workqueue"): number {
  const at = vm.argMem(1, TIMER_BYTES, true);
  const armed = k.objects.deferred.armed(at);
  if (armed?.kind !== kind || !(armed.map instanceof BpfMap)) return -EINVAL;
  const element = elementOf(k, armed.map, at, armed.callback?.args[1]);
  const callback = { program: vm.program, slot: vm.callbackSlot(2), args: [armed.map.region.start, element.key, element.value] as const };
  k.objects.deferred.arm(at, { ...armed, callback });
  return 0;
}
/** Address of a copy of the key (in `place`, when there was one before) and of the value of the element that holds address `at`. */
function elementOf(k: SimKernel, map: BpfMap, at: number, place: number | undefined): { key: number; value: number } {
  const size = map.valueSize;
  const found = map.entries().find((e) => at >= e.valueAt && at < e.valueAt + size);
  const key = place ?? k.memory.alloc("scratch", "key of a timer's element", map.keySize, { writable: false }).start;
  if (found) k.memory.write(key, found.key);
  return { key, value: found?.valueAt ?? at };
}
function timerInit(k: SimKernel, vm: Machine): void {
  const flags = vm.u64(3);
  const clock = flags & CLOCK_MASK;
  if (flags & ~CLOCK_MASK || (clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME && clock !== CLOCK_REALTIME)) return vm.ret(-EINVAL);
  vm.ret(init(k, vm, "timer", Number(clock)));
}
function start(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, TIMER_BYTES, true);
  const nsecs = vm.u64(2),
    flags = vm.u64(3);
  const callback = k.objects.deferred.armed(at)?.callback;
  if (flags & ~(ABS | PIN) || !callback) return vm.ret(-EINVAL);
  const { hardware } = k;
  const epoch = k.objects.deferred.armed(at)!.clock === 0 ? hardware.epochNs : 0n;
  const dueNs = flags & ABS ? nsecs - epoch : hardware.nowNs + nsecs;
  k.objects.deferred.add({ at, kind: "timer", dueNs, ...callback });
  vm.ret(0);
}
function cancel(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, TIMER_BYTES, true);
  if (!k.objects.deferred.armed(at)) return vm.ret(-EINVAL);
  if (k.objects.deferred.running === at) return vm.ret(-EDEADLK);
  const waited = k.objects.deferred.cancel(at);
  const { callback: _, ...armed } = k.objects.deferred.armed(at)!;
  k.objects.deferred.arm(at, armed);
  vm.ret(waited ? 1 : 0);
}

export const TIMER_HELPERS: HelperTable = {
  169: timerInit,
  170: (k, vm) => vm.ret(setCallback(k, vm, "timer")),
  171: start,
  172: cancel,
};
