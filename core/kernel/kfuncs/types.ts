// The shape of a kfunc's implementation, and how it returns numbers. It holds no kfunc.
import type { Machine } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";

/** Reads r1..r5 and sets r0. */
export type KfuncImpl = (kernel: SimKernel, vm: Machine) => void;
/** Implementations by name. */
export type KfuncTable = Readonly<Record<string, KfuncImpl>>;

/** r0 = an int, u32 or bool as compiled C leaves it in rax: the upper half is zero, also of a negative number. */
export function retInt(vm: Machine, value: number): void {
  vm.setR0(value | 0, 0);
}
