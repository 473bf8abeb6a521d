// Kfuncs by name. A kfunc that is not simulated traps with its name.
import { KFUNCS } from "../../catalog/index.ts";
import { type Machine, trap } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";
import { ARENA_KFUNCS } from "./arena.ts";
import { CONGESTION_KFUNCS } from "./congestion.ts";
import { CONNTRACK_KFUNCS } from "./conntrack.ts";
import { CPUMASK_KFUNCS } from "./cpumask.ts";
import { CRYPTO_KFUNCS } from "./crypto.ts";
import { DYNPTR_KFUNCS } from "./dynptr.ts";
import { EXCEPTION_KFUNCS } from "./exceptions.ts";
import { ITERATOR_KFUNCS } from "./iterators.ts";
import { LIST_KFUNCS } from "./list.ts";
import { OBJECT_KFUNCS } from "./local-object.ts";
import { MISC_KFUNCS } from "./misc.ts";
import { NETWORK_KFUNCS } from "./network.ts";
import { RBTREE_KFUNCS } from "./rbtree.ts";
import { STRING_KFUNCS } from "./strings.ts";
import { SYNC_KFUNCS } from "./sync.ts";
import { TASK_KFUNCS } from "./task.ts";
import type { KfuncTable } from "./types.ts";

/** Name of the kfunc with a BTF id of the kernel (or of module `fdIdx`). */
export type KfuncNames = (btfId: number, fdIdx: number) => string | undefined;

export const KFUNC_IMPLS: KfuncTable = {
  ...ARENA_KFUNCS,
  ...CONGESTION_KFUNCS,
  ...CONNTRACK_KFUNCS,
  ...CPUMASK_KFUNCS,
  ...CRYPTO_KFUNCS,
  ...DYNPTR_KFUNCS,
  ...EXCEPTION_KFUNCS,
  ...ITERATOR_KFUNCS,
  ...LIST_KFUNCS,
  ...OBJECT_KFUNCS,
  ...MISC_KFUNCS,
  ...NETWORK_KFUNCS,
  ...RBTREE_KFUNCS,
  ...STRING_KFUNCS,
  ...SYNC_KFUNCS,
  ...TASK_KFUNCS,
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
