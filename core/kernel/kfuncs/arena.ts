// Kfuncs on arenas (kernel/bpf/arena.c, 6.18). They give and take user addresses.
import type { Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { ArenaMap } from "../maps/arena.ts";
import { retInt, type KfuncTable } from "./types.ts";

const arena = (k: SimKernel, vm: Machine): ArenaMap | undefined => {
  const map = k.mapArg(vm, 1);
  return map instanceof ArenaMap ? map : undefined;
};
/** The machine's memory is one node; -1 is any. */
const isNode = (node: number): boolean => node === -1 || node === 0;

export const ARENA_KFUNCS: KfuncTable = {
  // map, address, pages, NUMA node, flags
  bpf_arena_alloc_pages: (k, vm) => {
    const wanted = vm.u64(5) === 0n && isNode(vm.s32(4));
    vm.setU64(0, wanted ? (arena(k, vm)?.allocate(vm.u64(2), vm.u32(3)) ?? 0n) : 0n);
  },
  bpf_arena_free_pages: (k, vm) => arena(k, vm)?.release(vm.u64(2), vm.u32(3)),
  bpf_arena_reserve_pages: (k, vm) => retInt(vm, arena(k, vm)?.reserve(vm.u64(2), vm.u32(3)) ?? -EINVAL),
};
