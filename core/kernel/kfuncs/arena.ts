// Kfuncs on arenas (kernel/bpf/arena.c, 6.18). Pointers into an arena are the same for program and user here.
import type { Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import { pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { ArenaMap } from "../maps/arena.ts";
import { retInt, type KfuncTable } from "./types.ts";

const arena = (k: SimKernel, vm: Machine): ArenaMap | undefined => {
  const map = k.mapArg(vm, 1);
  return map instanceof ArenaMap ? map : undefined;
};

export const ARENA_KFUNCS: KfuncTable = {
  // map, address, pages, NUMA node, flags
  bpf_arena_alloc_pages: (k, vm) => vm.retPtr(vm.u64(5) === 0n ? (arena(k, vm)?.allocate(pointerArg(vm, 2), vm.u32(3)) ?? 0) : 0),
  bpf_arena_free_pages: (k, vm) => arena(k, vm)?.release(pointerArg(vm, 2), vm.u32(3)),
  bpf_arena_reserve_pages: (k, vm) => retInt(vm, arena(k, vm)?.reserve(pointerArg(vm, 2), vm.u32(3)) ?? -EINVAL),
};
