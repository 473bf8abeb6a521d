// Helpers on dynptrs and ring buffers that use them, in both directions (kernel/bpf/helpers.c, kernel/bpf/ringbuf.c, 6.18).
import { KERNEL_HI, type Continuation, type Machine, type Region } from "../../vm/index.ts";
import { DYNPTR, DYNPTR_MAX_SIZE, dynptrRead, dynptrWrite, NULL_DYNPTR, outside, placeOf, readDynptr, writeDynptr } from "../dynptr.ts";
import { E2BIG, EBUSY, EINVAL } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { RingbufMap } from "../maps/ringbuf.ts";
import { UserRingbufMap } from "../maps/user-ringbuf.ts";
import { keepForRun, type RunState } from "../run-state.ts";
import { bytesArg, putArg } from "./args.ts";
import type { HelperTable } from "./types.ts";

function fromMem(_k: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const bad = size > DYNPTR_MAX_SIZE ? -E2BIG : vm.u64(3) !== 0n ? -EINVAL : 0;
  writeDynptr(vm, 4, bad ? NULL_DYNPTR : { data: vm.argMem(1, size), type: DYNPTR.LOCAL, size, offset: 0, rdonly: false });
  vm.ret(bad);
}
function reserve(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 1);
  const size = vm.u32(2);
  const bad = vm.u64(3) !== 0n || !(map instanceof RingbufMap) ? -EINVAL : size > DYNPTR_MAX_SIZE ? -E2BIG : 0;
  const record = bad || !(map instanceof RingbufMap) ? undefined : map.reserve(size);
  writeDynptr(vm, 4, record ? { data: record.start, type: DYNPTR.RINGBUF, size, offset: 0, rdonly: false } : NULL_DYNPTR);
  vm.ret(bad || (record ? 0 : -EINVAL));
}
/** Gives the record of a dynptr up; with `submit` it is sent. */
function end(k: SimKernel, vm: Machine, submit: boolean): void {
  const d = readDynptr(vm, 1);
  const region = d.data ? vm.memory.regionAt(d.data) : undefined;
  if (region?.owner instanceof RingbufMap) {
    if (submit)
      k.emit({ kind: "ringbuf", map: region.owner.name, data: vm.memory.read(region.start, vm.memory.end[region.id]! - region.start) });
    region.owner.drop(region);
  }
  writeDynptr(vm, 1, NULL_DYNPTR);
  vm.ret(0);
}
function read(k: SimKernel, vm: Machine): void {
  const length = vm.u32(2);
  const d = readDynptr(vm, 3);
  const got = vm.u64(5) !== 0n ? -EINVAL : dynptrRead(k, vm, d, vm.u64(4), length);
  if (typeof got === "number") return vm.ret(got);
  putArg(vm, 1, got);
  vm.ret(0);
}
function write(k: SimKernel, vm: Machine): void {
  const d = readDynptr(vm, 1);
  vm.ret(dynptrWrite(k, vm, d, { off: vm.u64(2), flags: vm.u64(5) }, bytesArg(vm, 3, vm.u32(4))));
}
function data(k: SimKernel, vm: Machine): void {
  const d = readDynptr(vm, 1);
  const isMemory = d.type === DYNPTR.LOCAL || d.type === DYNPTR.RINGBUF;
  if (!d.data || d.rdonly || !isMemory || outside(d, vm.u64(2), vm.u64(3))) return vm.retPtr(0);
  vm.retPtr(placeOf(k, d, Number(vm.u64(2))));
}

/** BPF_MAX_USER_RINGBUF_SAMPLES. */
const MOST_SAMPLES = 128 * 1024;
const NO_WAKEUP = 1n,
  FORCE_WAKEUP = 2n;

/** One record after the other, each as a dynptr that cannot be written. */
class Drain implements Continuation {
  readonly #run: RunState;
  readonly slot: number;
  readonly map: UserRingbufMap;
  readonly done: number;
  readonly ctx: readonly [number, number];
  constructor(run: RunState, slot: number, map: UserRingbufMap, state: { done: number; ctx: readonly [number, number] }) {
    this.#run = run;
    this.slot = slot;
    this.map = map;
    this.done = state.done;
    this.ctx = state.ctx;
  }
  begin(vm: Machine): void {
    const keep = (region: Region): Region => keepForRun(this.#run, region);
    const sample = this.map.take() ?? new Uint8Array(0);
    const record = keep(vm.memory.alloc("record", `record of ${this.map.name}`, sample.length, { writable: false }));
    vm.memory.write(record.start, sample);
    const dynptr = keep(vm.memory.alloc("scratch", "dynptr of bpf_user_ringbuf_drain", 16));
    vm.setReg(1, dynptr.start, KERNEL_HI);
    writeDynptr(vm, 1, { data: record.start, type: DYNPTR.LOCAL, size: sample.length, offset: 0, rdonly: true });
    vm.setReg(2, this.ctx[0], this.ctx[1]);
  }
  next(vm: Machine): Continuation | undefined {
    const done = this.done + 1;
    if (vm.u64(0) === 0n && this.map.waiting > 0 && done < MOST_SAMPLES)
      return new Drain(this.#run, this.slot, this.map, { done, ctx: this.ctx });
    this.map.busy = false;
    vm.ret(done);
    return undefined;
  }
}
function drain(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 1);
  if (!(map instanceof UserRingbufMap) || vm.u64(4) & ~(NO_WAKEUP | FORCE_WAKEUP)) return vm.ret(-EINVAL);
  if (map.busy) return vm.ret(-EBUSY);
  if (map.waiting === 0) return vm.ret(0);
  map.busy = true;
  vm.requestCallback(new Drain(k.run, vm.callbackSlot(2), map, { done: 0, ctx: [vm.u32(3) | 0, vm.hi32(3)] }));
}

export const DYNPTR_HELPERS: HelperTable = {
  197: fromMem,
  198: reserve,
  199: (k, vm) => end(k, vm, true),
  200: (k, vm) => end(k, vm, false),
  201: read,
  202: write,
  203: data,
  209: drain,
};
