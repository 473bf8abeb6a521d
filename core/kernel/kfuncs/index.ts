// Kfuncs by name. A kfunc that is not simulated traps with its name.
import { KFUNCS } from "../../catalog/index.ts";
import { type Machine, trap } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";
import type { KfuncTable } from "./types.ts";

/** Name of the kfunc with a BTF id of the kernel (or of module `fdIdx`). */
export type KfuncNames = (btfId: number, fdIdx: number) => string | undefined;

export const KFUNC_IMPLS: KfuncTable = {
  bpf_rcu_read_lock: () => {},
  bpf_rcu_read_unlock: () => {},
  bpf_preempt_disable: () => {},
  bpf_preempt_enable: () => {},
  bpf_get_smp_processor_id: (k, vm) => vm.ret(k.cpu()),
};
const MEASURED = new Map(KFUNCS.map((k) => [k.btfId, k.name]));
/** Names of the kernel's own kfuncs where its types are the bundled ones. */
export const measuredKfunc: KfuncNames = (btfId, fdIdx) => (fdIdx === 0 ? MEASURED.get(btfId) : undefined);

/** Runs the kfunc with this BTF id; traps `unsupported-kfunc` when it is not simulated. */
export function callKfunc(kernel: SimKernel, vm: Machine, btfId: number, fdIdx: number): void {
  const name = (kernel.kfuncName ?? measuredKfunc)(btfId, fdIdx);
  const impl = name === undefined ? undefined : KFUNC_IMPLS[name];
  if (!impl)
    trap("unsupported-kfunc", name === undefined ? `kernel function #${btfId} is not known` : `kernel function ${name} is not simulated`);
  impl(kernel, vm);
}
