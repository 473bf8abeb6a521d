// Spin locks: taken and released in order, in the map or object that holds them (process_spin_lock, 6.18). Also timers and their like.
import { EINVAL, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { REF_TYPE_LOCK, REF_TYPE_RES_LOCK, REF_TYPE_RES_LOCK_IRQ, type VState } from "../domain/state.ts";
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, BPF_TASK_WORK, BPF_TIMER, fieldTypeName, hasField } from "../btf/record.ts";
import { regRecord } from "../btf/alloc-types.ts";
import type { MapInfo } from "../maps/map-info.ts";
import type { CallMeta } from "./helper-args.ts";
import { addRef, invalidateNonOwning, removeRefAt } from "./refs.ts";

const LOCK_MASK = REF_TYPE_LOCK | REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ;
const find = (st: VState, types: number, id: number, ptr: object | null): number =>
  st.refs.findIndex((r) => (r.type & types) !== 0 && r.id === id && r.ptr === ptr);

export interface LockKind {
  readonly lock: boolean;
  readonly resilient: boolean;
  readonly irq: boolean;
}

export function processSpinLock(env: Env, regno: number, kind: LockKind): void {
  const reg = env.reg(regno);
  const st = env.cur;
  const name = kind.resilient ? "bpf_res_spin" : "bpf_spin";
  const fail = (text: string): never => env.fail("spin-lock", EINVAL, text);
  if (!env.D.isConst(reg.s)) fail(`R${regno} doesn't have constant offset. ${name}_lock has to be at the constant offset`);
  const map = reg.type === T.PTR_TO_MAP_VALUE ? (reg.obj as MapInfo) : null;
  if (map && !map.spec.btfValueTypeId) fail(`map '${map.name}' has to have BTF in order to use ${name}_lock`);
  const rec = regRecord(env, reg);
  if (!hasField(rec, kind.resilient ? BPF_RES_SPIN_LOCK : BPF_SPIN_LOCK))
    fail(`${map ? "map" : "local"} '${map ? map.name : "kptr"}' has no valid ${name}_lock`);
  const at = env.D.constNumber(reg.s) + reg.off;
  const off = kind.resilient ? rec!.resSpinLockOff : rec!.spinLockOff;
  if (off !== at) fail(`off ${at} doesn't point to 'struct ${name}_lock' that is at ${off}`);
  const type = kind.resilient ? (kind.irq ? REF_TYPE_RES_LOCK_IRQ : REF_TYPE_RES_LOCK) : REF_TYPE_LOCK;
  const ptr = reg.obj;
  if (kind.lock) {
    if (kind.resilient && st.activeLocks && find(st, REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ, reg.id, ptr) >= 0)
      fail("Acquiring the same lock again, AA deadlock detected");
    addRef(st, { type, id: reg.id, insnIdx: env.insnIdx, ptr });
    st.activeLocks++;
    st.activeLockId = reg.id;
    st.activeLockPtr = ptr;
    return;
  }
  if (!st.activeLocks) fail(`${name}_unlock without taking a lock`);
  const i = find(st, type, reg.id, ptr);
  if (i < 0) fail(`${name}_unlock of different lock`);
  if (reg.id !== st.activeLockId || ptr !== st.activeLockPtr) fail(`${name}_unlock cannot be out of order`);
  const before = st.refs
    .slice(0, i)
    .filter((r) => r.type & LOCK_MASK)
    .pop();
  removeRefAt(st, i);
  st.activeLocks--;
  st.activeLockId = before?.id ?? 0;
  st.activeLockPtr = before?.ptr ?? null;
  invalidateNonOwning(env);
}

/** check_map_field_pointer: the argument is the timer, workqueue or task work of a map value. */
export function checkMapField(env: Env, regno: number, field: number, meta: CallMeta): void {
  const reg = env.reg(regno);
  const name = fieldTypeName(field);
  const fail = (text: string): never => env.fail("map-field", EINVAL, text);
  if (!env.D.isConst(reg.s)) fail(`R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  const map = reg.obj as MapInfo;
  if (!map.spec.btfValueTypeId) fail(`map '${map.name}' has to have BTF in order to use ${name}`);
  if (!hasField(map.record, field)) fail(`map '${map.name}' has no valid ${name}`);
  const rec = map.record!;
  const off = field === BPF_TIMER ? rec.timerOff : field === BPF_TASK_WORK ? rec.taskWorkOff : rec.wqOff;
  const at = env.D.constNumber(reg.s) + reg.off;
  if (off !== at) fail(`off ${at} doesn't point to 'struct ${name}' that is at ${off}`);
  meta.map = map;
  meta.mapUid = reg.u1;
}
