// Helpers that work on maps, and calls from map to program (kernel/bpf/helpers.c, 6.18). It knows no map type.
import type { Continuation, Machine } from "../../vm/index.ts";
import { KERNEL_HI, MAX_LOOPS, MAX_TAIL_CALLS } from "../../vm/index.ts";
import { E2BIG, EINVAL, ENOENT } from "../errno.ts";
import type { LoadedProgram, SimKernel } from "../kernel.ts";
import type { BpfMap } from "../maps/map.ts";
import { ProgArrayMap } from "../maps/prog-array.ts";
import type { HelperTable } from "./types.ts";

const bytes = (vm: Machine, reg: number, size: number): Uint8Array => vm.memory.read(vm.argMem(reg, size), size);

/** Flags argument as a number; anything that needs more than 32 bits becomes invalid. */
const flags = (vm: Machine, reg: number): number => (vm.hi32(reg) === 0 ? vm.u32(reg) : 0xffffffff);

class ForEach implements Continuation {
  readonly slot: number;
  readonly map: BpfMap;
  readonly entries: readonly { key: Uint8Array; valueAt: number }[];
  readonly at: number;
  readonly ctx: readonly [number, number];
  constructor(
    slot: number,
    map: BpfMap,
    entries: readonly { key: Uint8Array; valueAt: number }[],
    state: { at: number; ctx: readonly [number, number] },
  ) {
    this.slot = slot;
    this.map = map;
    this.entries = entries;
    this.at = state.at;
    this.ctx = state.ctx;
  }
  begin(vm: Machine): void {
    const { key, valueAt } = this.entries[this.at]!;
    const keyRegion = vm.memory.alloc("scratch", "key of bpf_for_each_map_elem", key.length, { writable: false });
    vm.memory.write(keyRegion.start, key);
    vm.memory.free(keyRegion);
    vm.memory.flags[keyRegion.id] = 1;
    vm.setReg(1, this.map.region.start, KERNEL_HI);
    vm.setReg(2, keyRegion.start, KERNEL_HI);
    vm.setReg(3, valueAt, KERNEL_HI);
    vm.setReg(4, this.ctx[0], this.ctx[1]);
  }
  next(vm: Machine): Continuation | undefined {
    const done = this.at + 1;
    if (vm.u64(0) === 0n && done < this.entries.length) return new ForEach(this.slot, this.map, this.entries, { at: done, ctx: this.ctx });
    vm.ret(done);
    return undefined;
  }
}

function forEach(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 1);
  const slot = vm.callbackSlot(2);
  if (vm.u64(4) !== 0n) return vm.ret(-EINVAL);
  const entries = map.entries();
  if (entries.length === 0) return vm.ret(0);
  vm.requestCallback(new ForEach(slot, map, entries, { at: 0, ctx: [vm.u32(3) | 0, vm.hi32(3)] }));
}

class Loop implements Continuation {
  readonly slot: number;
  readonly count: number;
  readonly at: number;
  readonly ctx: readonly [number, number];
  constructor(slot: number, count: number, at: number, ctx: readonly [number, number]) {
    this.slot = slot;
    this.count = count;
    this.at = at;
    this.ctx = ctx;
  }
  begin(vm: Machine): void {
    vm.setReg(1, this.at, 0);
    vm.setReg(2, this.ctx[0], this.ctx[1]);
  }
  next(vm: Machine): Continuation | undefined {
    if (vm.u64(0) === 0n && this.at + 1 < this.count) return new Loop(this.slot, this.count, this.at + 1, this.ctx);
    vm.ret(this.at + 1);
    return undefined;
  }
}

function loop(_k: SimKernel, vm: Machine): void {
  const count = vm.u32(1);
  if (vm.u64(4) !== 0n) return vm.ret(-EINVAL);
  // The kernel puts the loop into the program, where the error is a 32-bit number.
  if (vm.hi32(1) !== 0 || count > MAX_LOOPS) return vm.setR0(-E2BIG, 0);
  if (count === 0) return vm.ret(0);
  vm.requestCallback(new Loop(vm.callbackSlot(2), count, 0, [vm.u32(3) | 0, vm.hi32(3)]));
}

function tailCall(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 2);
  const program = map instanceof ProgArrayMap ? (map.at(vm.u32(3)) as LoadedProgram | undefined) : undefined;
  if (!program || vm.tailCalls >= MAX_TAIL_CALLS) return vm.ret(-ENOENT);
  vm.tailCalls++;
  vm.requestTailCall(program.code);
}

export const MAP_HELPERS: HelperTable = {
  1: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.retPtr(map.lookup(vm.argMem(2, map.keySize)));
  },
  2: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.ret(map.update(bytes(vm, 2, map.keySize), bytes(vm, 3, map.valueSize), flags(vm, 4)));
  },
  3: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.ret(map.delete(bytes(vm, 2, map.keySize)));
  },
  12: tailCall,
  87: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.ret(map.push(vm.argMem(2, map.valueSize), flags(vm, 3)));
  },
  88: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.ret(map.pop(vm.argMem(2, map.valueSize, true)));
  },
  89: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.ret(map.peek(vm.argMem(2, map.valueSize, true)));
  },
  93: () => {},
  94: () => {},
  164: forEach,
  181: loop,
  195: (k, vm) => {
    const map = k.mapArg(vm, 1);
    vm.retPtr(map.lookupPercpu(vm.argMem(2, map.keySize), vm.u32(3)));
  },
};
