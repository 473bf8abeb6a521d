// What a callback finds in its registers, and following it (push_callback_call and set_*_callback_state, 6.18).
import { MAP_TYPE as MT } from "../../catalog/index.ts";
import type { Insn } from "../../isa/index.ts";
import { EFAULT, ENOMEM, ENOTSUPP, Reject, type Env } from "../env.ts";
import { DYNPTR_LOCAL, dynptrReg } from "../check/dynptr.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import type { FuncState, Range } from "../domain/state.ts";
import { kernelStruct } from "../btf/struct-match.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { pushAsyncCallback, pushPath } from "../explore/branches.ts";
import { isAsyncCallbackCall } from "../prepare/callbacks.ts";
import { callMatches, enterFunction } from "./func-call.ts";

/** Sets up R1-R5 of the callback; returns the range of its return value. */
export type Callee = (env: Env, caller: FuncState, callee: FuncState) => Range;
const BOOL: Range = { min: 0, max: 1 };
const ZERO: Range = { min: 0, max: 0 };

function mapPointer(env: Env, type: number, map: MapInfo): Reg {
  const r = env.pointer(type);
  r.obj = map;
  return r;
}
function clearFrom(env: Env, callee: FuncState, first: number): void {
  for (let i = first; i <= 5; i++) callee.regs[i] = env.notInit;
}

const FOR_EACH_MAPS: ReadonlySet<number> = new Set([MT.HASH, MT.PERCPU_HASH, MT.LRU_HASH, MT.LRU_PERCPU_HASH, MT.ARRAY, MT.PERCPU_ARRAY]);
/** callback(map, key, value, ctx). */
export const mapElemCallee: Callee = (env, caller, callee) => {
  const map = caller.regs[1]!.obj as MapInfo;
  if (!FOR_EACH_MAPS.has(map.type)) env.fail("for-each-map", ENOTSUPP, "callback function not allowed for map");
  callee.regs[1] = caller.regs[1]!;
  callee.regs[2] = mapPointer(env, T.PTR_TO_MAP_KEY, map);
  callee.regs[3] = mapPointer(env, T.PTR_TO_MAP_VALUE, map);
  callee.regs[4] = caller.regs[3]!;
  clearFrom(env, callee, 5);
  callee.inCallbackFn = true;
  return BOOL;
};
/** callback(index, ctx). */
export const loopCallee: Callee = (env, caller, callee) => {
  callee.regs[1] = env.unknownScalar();
  callee.regs[2] = caller.regs[3]!;
  clearFrom(env, callee, 3);
  callee.inCallbackFn = true;
  return BOOL;
};
/** callback(map, key, value), later. */
export const timerCallee: Callee = (env, caller, callee) => asyncOnMap(env, callee, caller.regs[1]!.obj as MapInfo, ZERO);
export function asyncOnMap(env: Env, callee: FuncState, map: MapInfo, range: Range): Range {
  callee.regs[1] = mapPointer(env, T.CONST_PTR_TO_MAP, map);
  callee.regs[2] = mapPointer(env, T.PTR_TO_MAP_KEY, map);
  callee.regs[3] = mapPointer(env, T.PTR_TO_MAP_VALUE, map);
  clearFrom(env, callee, 4);
  callee.inAsyncCallbackFn = true;
  return range;
}
/** callback(task, vma, ctx). */
export const findVmaCallee: Callee = (env, caller, callee) => {
  callee.regs[1] = caller.regs[1]!;
  const vma = env.pointer(T.PTR_TO_BTF_ID);
  vma.obj = env.kernelBtf ?? null;
  vma.u1 = kernelStruct(env, "vm_area_struct");
  callee.regs[2] = vma;
  callee.regs[3] = caller.regs[4]!;
  clearFrom(env, callee, 4);
  callee.inCallbackFn = true;
  return BOOL;
};
/** callback(dynptr, ctx). */
export const userRingbufCallee: Callee = (env, caller, callee) => {
  callee.regs[0] = env.notInit;
  callee.regs[1] = dynptrReg(env, DYNPTR_LOCAL, true, ++env.idGen);
  callee.regs[2] = caller.regs[3]!;
  clearFrom(env, callee, 3);
  callee.inCallbackFn = true;
  return BOOL;
};

/** push_callback_call: the callback's body becomes a path to explore. `asyncSleepable` for callbacks that run later in a sleepable context. */
export function pushCallback(env: Env, insn: Insn, subprog: number, setCallee: Callee, asyncSleepable = false): void {
  const caller = env.frame;
  const sub = env.subprogs[subprog]!;
  try {
    callMatches(env, subprog);
  } catch (e) {
    if (!(e instanceof Reject) || e.errno === EFAULT) throw e;
  }
  sub.isCb = true;
  if (isAsyncCallbackCall(env, insn)) {
    sub.isAsyncCb = true;
    const st = pushAsyncCallback(env, sub.start, env.insnIdx, subprog, asyncSleepable);
    st.cur.asyncEntryCnt = caller.asyncEntryCnt + 1;
    st.cur.callbackRetRange = setCallee(env, caller, st.cur);
    return;
  }
  const st = pushPath(env, sub.start, env.insnIdx, false, ENOMEM);
  enterFunction(env, st, subprog, env.insnIdx, (from, to) => (to.callbackRetRange = setCallee(env, from, to)));
  st.callbackUnrollDepth++;
  st.frames[st.curframe - 1]!.callbackDepth++;
  caller.callbackDepth = 0;
}
