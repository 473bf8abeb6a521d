// The shape of a kfunc's implementation. Types only.
import type { Machine } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";

/** Reads r1..r5 and sets r0. */
export type KfuncImpl = (kernel: SimKernel, vm: Machine) => void;
/** Implementations by name. */
export type KfuncTable = Readonly<Record<string, KfuncImpl>>;
