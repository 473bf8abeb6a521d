// Kfuncs by name. A kfunc that is not simulated traps with its name.
import { type Machine, trap } from "../vm/index.ts";
import type { SimKernel } from "./kernel.ts";

/** Name of the kfunc with a BTF id of the kernel (or of module `fdIdx`). */
export type KfuncNames = (btfId: number, fdIdx: number) => string | undefined;

type KfuncImpl = (kernel: SimKernel, vm: Machine) => void;

const KFUNCS: Readonly<Record<string, KfuncImpl>> = {
  bpf_rcu_read_lock: () => {},
  bpf_rcu_read_unlock: () => {},
  bpf_preempt_disable: () => {},
  bpf_preempt_enable: () => {},
  bpf_get_smp_processor_id: (k, vm) => vm.ret(k.cpu()),
};

/** Runs the kfunc with this BTF id; traps `unsupported-kfunc` when it is not simulated. */
export function callKfunc(kernel: SimKernel, vm: Machine, btfId: number, fdIdx: number): void {
  const name = kernel.kfuncName?.(btfId, fdIdx);
  const impl = name === undefined ? undefined : KFUNCS[name];
  if (!impl)
    trap("unsupported-kfunc", name === undefined ? `kernel function #${btfId} is not known` : `kernel function ${name} is not simulated`);
  impl(kernel, vm);
}
