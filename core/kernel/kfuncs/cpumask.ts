// Kfuncs on sets of CPUs (kernel/bpf/cpumask.c, 6.18). Only the machine's CPUs count.
import type { Machine } from "../../vm/index.ts";
import { EACCES } from "../errno.ts";
import { bytesArg, pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** sizeof(cpumask_t) with 256 CPUs at most, and struct bpf_cpumask with its reference count. */
const MASK_BYTES = 32,
  OBJECT_BYTES = 40;

/** The set that a register points at: bit `n` is CPU `n`. */
function get(vm: Machine, reg: number): bigint {
  const at = vm.argMem(reg, MASK_BYTES);
  const { view } = vm.memory;
  return [3, 2, 1, 0].reduce((set, i) => (set << 64n) | view.getBigUint64(at + 8 * i, true), 0n);
}
function put(vm: Machine, reg: number, set: bigint): void {
  const at = vm.argMem(reg, MASK_BYTES, true);
  for (let i = 0; i < 4; i++) vm.memory.view.setBigUint64(at + 8 * i, BigInt.asUintN(64, set >> BigInt(64 * i)), true);
  vm.memory.markDirty(at, MASK_BYTES);
}
const all = (k: SimKernel): bigint => (1n << BigInt(k.cpus)) - 1n;
/** Lowest CPU of a set, or the number of CPUs. */
function first(k: SimKernel, set: bigint): number {
  for (let cpu = 0; cpu < k.cpus; cpu++) if ((set >> BigInt(cpu)) & 1n) return cpu;
  return k.cpus;
}
/** A CPU of a set, in turn. */
function distribute(k: SimKernel, set: bigint): number {
  const last = (k.extra.get("cpumask") as number | undefined) ?? -1;
  const later = first(k, set & ~((1n << BigInt(last + 1)) - 1n));
  const chosen = later < k.cpus ? later : first(k, set);
  if (chosen < k.cpus) k.extra.set("cpumask", chosen);
  return chosen;
}
function create(k: SimKernel, vm: Machine): void {
  vm.retPtr(k.memory.alloc("object", "struct bpf_cpumask", OBJECT_BYTES, {}).start);
  vm.memory.view.setUint32(vm.u32(0) + MASK_BYTES, 1, true);
}
function release(k: SimKernel, vm: Machine): void {
  const at = pointerArg(vm, 1);
  const refs = vm.memory.view.getUint32(vm.argMem(1, OBJECT_BYTES) + MASK_BYTES, true) - 1;
  vm.memory.view.setUint32(at + MASK_BYTES, refs, true);
  const region = k.memory.regionAt(at);
  if (refs === 0 && region) k.memory.free(region);
}
/** An operation on one bit: CPU in register 1, set in register 2. */
function bit(operation: (set: bigint, mask: bigint) => bigint | undefined) {
  return (k: SimKernel, vm: Machine): void => {
    const cpu = vm.u32(1);
    if (cpu >= k.cpus) return retInt(vm, 0);
    const set = get(vm, 2),
      mask = 1n << BigInt(cpu);
    const next = operation(set, mask);
    if (next !== undefined) put(vm, 2, next);
    retInt(vm, set & mask ? 1 : 0);
  };
}
/** A question about two sets. */
const ask =
  (test: (a: bigint, b: bigint) => boolean) =>
  (k: SimKernel, vm: Machine): void =>
    retInt(vm, test(get(vm, 1) & all(k), get(vm, 2) & all(k)) ? 1 : 0);
/** A set made of two others. */
const combine =
  (operation: (a: bigint, b: bigint) => bigint) =>
  (k: SimKernel, vm: Machine): void => {
    const made = operation(get(vm, 2), get(vm, 3));
    put(vm, 1, made);
    retInt(vm, made & all(k) ? 1 : 0);
  };
function populate(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const least = Math.ceil(k.cpus / 64) * 8;
  if (size < least) return retInt(vm, -EACCES);
  const bytes = bytesArg(vm, 2, size);
  put(vm, 1, bytes.slice(0, MASK_BYTES).reduceRight((set, b) => (set << 8n) | BigInt(b), 0n) & all(k));
  retInt(vm, 0);
}

export const CPUMASK_KFUNCS: KfuncTable = {
  bpf_cpumask_create: create,
  bpf_cpumask_acquire: (_k, vm) => {
    const at = vm.argMem(1, OBJECT_BYTES);
    vm.memory.view.setUint32(at + MASK_BYTES, vm.memory.view.getUint32(at + MASK_BYTES, true) + 1, true);
    vm.retPtr(at);
  },
  bpf_cpumask_release: release,
  bpf_cpumask_first: (k, vm) => retInt(vm, first(k, get(vm, 1))),
  bpf_cpumask_first_zero: (k, vm) => retInt(vm, first(k, ~get(vm, 1))),
  bpf_cpumask_first_and: (k, vm) => retInt(vm, first(k, get(vm, 1) & get(vm, 2))),
  bpf_cpumask_set_cpu: bit((set, mask) => set | mask),
  bpf_cpumask_clear_cpu: bit((set, mask) => set & ~mask),
  bpf_cpumask_test_cpu: bit(() => undefined),
  bpf_cpumask_test_and_set_cpu: bit((set, mask) => set | mask),
  bpf_cpumask_test_and_clear_cpu: bit((set, mask) => set & ~mask),
  bpf_cpumask_setall: (k, vm) => put(vm, 1, all(k)),
  bpf_cpumask_clear: (_k, vm) => put(vm, 1, 0n),
  bpf_cpumask_and: combine((a, b) => a & b),
  bpf_cpumask_or: combine((a, b) => a | b),
  bpf_cpumask_xor: combine((a, b) => a ^ b),
  bpf_cpumask_equal: ask((a, b) => a === b),
  bpf_cpumask_intersects: ask((a, b) => (a & b) !== 0n),
  bpf_cpumask_subset: ask((a, b) => (a & ~b) === 0n),
  bpf_cpumask_empty: (k, vm) => retInt(vm, (get(vm, 1) & all(k)) === 0n ? 1 : 0),
  bpf_cpumask_full: (k, vm) => retInt(vm, (get(vm, 1) & all(k)) === all(k) ? 1 : 0),
  bpf_cpumask_copy: (_k, vm) => put(vm, 1, get(vm, 2)),
  bpf_cpumask_any_distribute: (k, vm) => retInt(vm, distribute(k, get(vm, 1))),
  bpf_cpumask_any_and_distribute: (k, vm) => retInt(vm, distribute(k, get(vm, 1) & get(vm, 2))),
  bpf_cpumask_weight: (k, vm) => retInt(vm, [...(get(vm, 1) & all(k)).toString(2)].filter((c) => c === "1").length),
  bpf_cpumask_populate: populate,
};
