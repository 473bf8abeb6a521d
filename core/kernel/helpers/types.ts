// The shape of a helper's implementation. Types only.
import type { Machine } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";

/** Reads r1..r5 and sets r0. */
export type HelperImpl = (kernel: SimKernel, vm: Machine) => void;
/** Implementations by number of enum bpf_func_id. */
export type HelperTable = Readonly<Record<number, HelperImpl>>;
