// What a comparison with NULL teaches about pointers (mark_ptr_or_null_regs, 6.18).
import { MAP_TYPE as MT } from "../../catalog/index.ts";
import type { Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import type { VState } from "../domain/state.ts";
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, BPF_TASK_WORK, BPF_TIMER, BPF_WORKQUEUE, hasField } from "../btf/record.ts";
import { regRecord } from "../btf/alloc-types.ts";
import { dropReference } from "../check/refs.ts";
import type { MapInfo } from "../maps/map-info.ts";

/** mark_ptr_not_null_reg. */
export function notNull(reg: Reg): Reg {
  const r = reg.copy();
  if (T.baseType(r.type) !== T.PTR_TO_MAP_VALUE) {
    r.type &= ~T.PTR_MAYBE_NULL;
    return r;
  }
  const map = r.obj as MapInfo;
  if (map.inner) {
    r.type = T.CONST_PTR_TO_MAP;
    r.obj = map.inner;
    // Timers of one inner map must not meet those of another.
    if (hasField(map.inner.record, BPF_TIMER | BPF_WORKQUEUE | BPF_TASK_WORK)) r.u1 = r.id;
  } else if (map.type === MT.XSKMAP) r.type = T.PTR_TO_XDP_SOCK;
  else if (map.type === MT.SOCKMAP || map.type === MT.SOCKHASH) r.type = T.PTR_TO_SOCKET;
  else r.type = T.PTR_TO_MAP_VALUE;
  return r;
}

/** Every register with the id of `regno` is NULL, or is not. */
export function markPtrOrNull(env: Env, st: VState, regno: number, isNull: boolean): void {
  const { id, refObjId } = st.cur.regs[regno]!;
  if (refObjId && refObjId === id && isNull) dropReference(st, id);
  env.eachReg(st, (reg) => {
    if (!T.mayBeNull(reg.type) || reg.id !== id) return reg;
    if (isNull) {
      // The kernel keeps what it knew of the value: zero, as of every fresh pointer.
      const r = reg.copy();
      r.type = T.SCALAR_VALUE;
      r.id = 0;
      r.refObjId = 0;
      return r;
    }
    const r = notNull(reg);
    if (!hasField(regRecord(env, r), BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) r.id = 0;
    return r;
  });
}
