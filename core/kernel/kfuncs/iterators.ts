// Open-coded iterators (kernel/bpf/bpf_iter.c, cpumask.c, task_iter.c, cgroup_iter.c, helpers.c, 6.18). The state that programs see lies in their stack.
import type { Machine } from "../../vm/index.ts";
import { MAX_LOOPS } from "../../vm/index.ts";
import { E2BIG, EFAULT, EINVAL, ENOENT } from "../errno.ts";
import { cgroupArg, taskArg } from "../helpers/args.ts";
import { readSafely } from "../helpers/memory-access.ts";
import type { SimKernel } from "../kernel.ts";
import { VMAS } from "../objects/index.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** Bytes of struct bpf_iter_num, and of the largest of the others. */
const NUM_BYTES = 8,
  STATE_BYTES = 16;
/** BITS_ITER_NR_WORDS_MAX. */
const MOST_WORDS = 511;

function numNew(_k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, NUM_BYTES, true);
  const start = vm.s32(2),
    end = vm.s32(3);
  const error = start > end ? -EINVAL : end - start > MAX_LOOPS ? -E2BIG : 0;
  putNum(vm, at, error ? 0 : start - 1, error ? 0 : end);
  retInt(vm, error);
}
function putNum(vm: Machine, at: number, current: number, end: number): void {
  vm.memory.view.setInt32(at, current, true);
  vm.memory.view.setInt32(at + 4, end, true);
  vm.memory.markDirty(at, NUM_BYTES);
}
function numNext(_k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, NUM_BYTES, true);
  const next = vm.memory.view.getInt32(at, true) + 1,
    end = vm.memory.view.getInt32(at + 4, true);
  putNum(vm, at, next >= end ? 0 : next, next >= end ? 0 : end);
  vm.retPtr(next >= end ? 0 : at);
}

function bitsNew(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, STATE_BYTES, true);
  const count = vm.u32(3);
  const source = vm.u64(2);
  vm.memory.write(at, new Uint8Array(STATE_BYTES));
  begin(k, at, []);
  if (source === 0n || count === 0) return retInt(vm, -EINVAL);
  if (count > MOST_WORDS) return retInt(vm, -E2BIG);
  const bytes = readSafely(k, source, count * 8);
  if (!bytes) return retInt(vm, -EFAULT);
  const bits: number[] = [];
  bytes.forEach((b, i) => {
    for (let j = 0; j < 8; j++) if ((b >> j) & 1) bits.push(8 * i + j);
  });
  begin(k, at, bits);
  retInt(vm, 0);
}
/** Where the state keeps the bit that was found last. */
const BIT_AT = 12;
function bitsNext(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, STATE_BYTES, true);
  const found = take(k, at);
  if (found === undefined) return vm.retPtr(0);
  vm.memory.view.setInt32(at + BIT_AT, found, true);
  vm.memory.markDirty(at, STATE_BYTES);
  vm.retPtr(at + BIT_AT);
}

const key = (at: number): string => `iterator ${at}`;
/** Notes what an iterator at `at` will give. */
function begin(k: SimKernel, at: number, items: readonly number[]): void {
  k.extra.set(key(at), items);
}
function take(k: SimKernel, at: number): number | undefined {
  const items = (k.extra.get(key(at)) as readonly number[] | undefined) ?? [];
  k.extra.set(key(at), items.slice(1));
  return items[0];
}
const next = (k: SimKernel, vm: Machine): void => vm.retPtr(take(k, vm.argMem(1, 8)) ?? 0);
const destroy = (k: SimKernel, vm: Machine): void => void k.extra.delete(key(vm.argMem(1, 8)));

const TASK_ITER = { ALL_PROCS: 0, ALL_THREADS: 1, PROC_THREADS: 2 } as const;
function taskNew(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 24, true);
  const flags = vm.u32(3);
  begin(k, at, []);
  if (flags > TASK_ITER.PROC_THREADS || vm.hi32(3) !== 0) return retInt(vm, -EINVAL);
  const of = taskArg(k, vm, 2);
  if (flags === TASK_ITER.PROC_THREADS && !of) return retInt(vm, -EINVAL);
  const { tasks } = k.objects;
  tasks.add(k.run.task);
  const chosen = tasks
    .all()
    .filter((t) => (flags === TASK_ITER.ALL_PROCS ? t.pid === t.tgid : flags === TASK_ITER.ALL_THREADS || t.tgid === of!.tgid));
  begin(
    k,
    at,
    chosen.map((t) => tasks.region(t).start),
  );
  retInt(vm, 0);
}
const CSS_ITER = { PRE: 2, POST: 3, UP: 4 } as const;
function cssNew(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 24, true);
  const flags = vm.u32(3);
  begin(k, at, []);
  const start = cgroupArg(k, vm, 2);
  if (!start || ![CSS_ITER.PRE, CSS_ITER.POST, CSS_ITER.UP].includes(flags as 2)) return retInt(vm, -EINVAL);
  const { cgroups, store } = k.objects;
  const groups =
    flags === CSS_ITER.UP
      ? Array.from({ length: start.level + 1 }, (_, i) => cgroups.ancestor(start, start.level - i)!)
      : cgroups.walk(start, flags === CSS_ITER.PRE);
  begin(
    k,
    at,
    groups.map((g) => store.memberAt(cgroups.region(g), "cgroup", "self")),
  );
  retInt(vm, 0);
}
function cssTaskNew(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 8, true);
  const group = cgroupArg(k, vm, 2);
  begin(k, at, []);
  // CSS_TASK_ITER_PROCS 1, CSS_TASK_ITER_THREADED 2.
  if (!group || ![0, 1, 3].includes(vm.u32(3))) return retInt(vm, -EINVAL);
  const { tasks } = k.objects;
  tasks.add(k.run.task);
  const members = tasks.all().filter((t) => t.cgroupId === group.id && (vm.u32(3) === 0 || t.pid === t.tgid));
  begin(
    k,
    at,
    members.map((t) => tasks.region(t).start),
  );
  retInt(vm, 0);
}
function vmaNew(k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 8, true);
  const task = taskArg(k, vm, 2);
  const from = vm.u64(3);
  begin(k, at, []);
  if (!task) return retInt(vm, -ENOENT);
  const vmas = k.objects.tasks.vmas(task);
  begin(
    k,
    at,
    VMAS.flatMap((v, i) => (v.end > from ? [vmas[i]!.start] : [])),
  );
  retInt(vm, 0);
}
/** Iterators over what this machine has none of: slab caches, DMA buffers. */
function emptyNew(k: SimKernel, vm: Machine): void {
  begin(k, vm.argMem(1, 8, true), []);
  retInt(vm, 0);
}

export const ITERATOR_KFUNCS: KfuncTable = {
  bpf_iter_num_new: numNew,
  bpf_iter_num_next: numNext,
  bpf_iter_num_destroy: (_k, vm) => putNum(vm, vm.argMem(1, NUM_BYTES, true), 0, 0),
  bpf_iter_bits_new: bitsNew,
  bpf_iter_bits_next: bitsNext,
  bpf_iter_bits_destroy: destroy,
  bpf_iter_task_new: taskNew,
  bpf_iter_task_next: next,
  bpf_iter_task_destroy: destroy,
  bpf_iter_css_new: cssNew,
  bpf_iter_css_next: next,
  bpf_iter_css_destroy: destroy,
  bpf_iter_css_task_new: cssTaskNew,
  bpf_iter_css_task_next: next,
  bpf_iter_css_task_destroy: destroy,
  bpf_iter_task_vma_new: vmaNew,
  bpf_iter_task_vma_next: next,
  bpf_iter_task_vma_destroy: destroy,
  bpf_iter_kmem_cache_new: emptyNew,
  bpf_iter_kmem_cache_next: next,
  bpf_iter_kmem_cache_destroy: destroy,
  bpf_iter_dmabuf_new: emptyNew,
  bpf_iter_dmabuf_next: next,
  bpf_iter_dmabuf_destroy: destroy,
  // Nothing lies in a slab cache here: no address belongs to one.
  bpf_get_kmem_cache: (_k, vm) => vm.retPtr(0),
};
