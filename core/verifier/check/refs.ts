// References that a program acquires and must give back (acquire_reference, release_reference, 6.18).
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { isNonOwningRef } from "../domain/reg-types.ts";
import { REF_TYPE_PTR, type RefState, type VState } from "../domain/state.ts";

/** mark_reg_invalid: unknown scalar for those who may see pointers, else unreadable. */
export const invalid = (env: Env): Reg => (env.allowPtrLeaks ? env.unknownScalar() : env.notInit);

/** acquire_reference: a new id, which is also the reference's. */
export function acquireReference(env: Env, insnIdx: number): number {
  const id = ++env.idGen;
  addRef(env.cur, { type: REF_TYPE_PTR, id, insnIdx, ptr: null });
  return id;
}
export function addRef(st: VState, ref: RefState): void {
  st.refs = [...st.refs, ref];
}
/** release_reference_state: the others keep their order. */
export function removeRefAt(st: VState, i: number): void {
  st.refs = st.refs.filter((_, k) => k !== i);
}
/** release_reference_nomark. False when there is no such reference. */
export function dropReference(st: VState, id: number): boolean {
  const i = st.refs.findIndex((r) => r.type === REF_TYPE_PTR && r.id === id);
  if (i < 0) return false;
  removeRefAt(st, i);
  return true;
}
/** release_reference: drops it and everything that depends on it. False when there is no such reference. */
export function releaseReference(env: Env, id: number): boolean {
  if (!dropReference(env.cur, id)) return false;
  env.eachReg(env.cur, (reg) => (reg.refObjId === id ? invalid(env) : reg));
  return true;
}
/** invalidate_non_owning_refs. */
export function invalidateNonOwning(env: Env): void {
  env.eachReg(env.cur, (reg) => (isNonOwningRef(reg.type) ? invalid(env) : reg));
}
export const findReference = (st: VState, id: number): RefState | undefined => st.refs.find((r) => r.type === REF_TYPE_PTR && r.id === id);
