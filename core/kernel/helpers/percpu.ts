// Per-CPU data by pointer (kernel/bpf/helpers.c, bpf_per_cpu_ptr, 6.18): objects of bpf_percpu_obj_new.
import { type Machine, trap } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";
import { pointerArg } from "./args.ts";
import type { HelperTable } from "./types.ts";

/** Owner of a region that holds a value for each CPU, `stride` bytes apart. */
export class PercpuObject {
  readonly stride: number;
  constructor(stride: number) {
    this.stride = stride;
  }
}
function pointerOf(k: SimKernel, vm: Machine, cpu: number): void {
  const at = pointerArg(vm, 1);
  const owner = k.memory.regionAt(at)?.owner;
  if (cpu >= k.cpus) return vm.retPtr(0);
  if (!(owner instanceof PercpuObject)) trap("bad-argument", "R1 of the call points at no per-CPU data of this machine");
  vm.retPtr(at + cpu * owner.stride);
}

export const PERCPU_HELPERS: HelperTable = {
  153: (k, vm) => pointerOf(k, vm, vm.u32(2)),
  154: (k, vm) => pointerOf(k, vm, k.cpu()),
};
