// When a kept state covers the current one (states_equal, 6.18). The soundness of pruning rests here; it changes no state.
import type { Env } from "../env.ts";
import { BPF_ADD_CONST, linkId, sameBody, type Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import {
  BPF_REG_SIZE,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type Slot,
} from "../domain/stack.ts";
import { REF_TYPE_IRQ, REF_TYPE_PTR, type FuncState, type VState } from "../domain/state.ts";

/** How equal: imprecise scalars may differ; all must be exact; ranges must lie within. */
export const NOT_EXACT = 0,
  EXACT = 1,
  RANGE_WITHIN = 2;
type Exact = 0 | 1 | 2;

/** A one-to-one correspondence between ids of the old and of the current state. */
class IdMap {
  readonly #old: number[] = [];
  readonly #cur: number[] = [];
  #count = 0;
  #tmp = 0;
  reset(idGen: number): void {
    this.#count = 0;
    this.#tmp = idGen;
  }
  /** check_ids. */
  same(oldId: number, curId: number): boolean {
    if ((oldId !== 0) !== (curId !== 0)) return false;
    if (oldId === 0) return true;
    for (let i = 0; i < this.#count; i++) {
      if (this.#old[i] === oldId) return this.#cur[i] === curId;
      if (this.#cur[i] === curId) return false;
    }
    this.#old[this.#count] = oldId;
    this.#cur[this.#count++] = curId;
    return true;
  }
  /** check_scalar_ids: an old scalar without id was linked to nothing, so any will do; a current one without gets an id of its own. */
  sameScalar(oldId: number, curId: number): boolean {
    return oldId === 0 || this.same(oldId, curId || ++this.#tmp);
  }
}

const ids = new IdMap();

/** regs_exact. */
export function regsExact(old: Reg, cur: Reg): boolean {
  return sameBody(old, cur) && ids.same(old.id, cur.id) && ids.same(old.refObjId, cur.refObjId);
}

/** More range than before is fine, less is not; being past the packet's end is covered by nothing else and covers nothing else. */
const packetRangeSafe = (old: number, cur: number): boolean => (old < 0 || cur < 0 ? old === cur : old <= cur);

/** regsafe: does `old` cover `cur`? `precise` tells whether the old scalar matters. */
function regSafe(env: Env, old: Reg, cur: Reg, precise: boolean, exact: Exact): boolean {
  if (exact === EXACT) return regsExact(old, cur);
  // A register that an old state did not have was not read there; inside a loop that is not known yet.
  if (old.type === T.NOT_INIT && (exact === NOT_EXACT || cur.type === T.NOT_INIT)) return true;
  if (old.type !== cur.type) return false;
  switch (T.baseType(old.type)) {
    case T.SCALAR_VALUE:
      return scalarSafe(env, old, cur, precise, exact);
    case T.PTR_TO_MAP_KEY:
    case T.PTR_TO_MAP_VALUE:
    case T.PTR_TO_MEM:
    case T.PTR_TO_BUF:
    case T.PTR_TO_TP_BUFFER:
      return (
        old.off === cur.off &&
        old.obj === cur.obj &&
        old.u1 === cur.u1 &&
        old.u2 === cur.u2 &&
        env.D.ops.within(old.s, cur.s) !== 0 &&
        ids.same(old.id, cur.id) &&
        ids.same(old.refObjId, cur.refObjId)
      );
    case T.PTR_TO_PACKET_META:
    case T.PTR_TO_PACKET:
      return packetRangeSafe(old.u1, cur.u1) && old.off === cur.off && ids.same(old.id, cur.id) && env.D.ops.within(old.s, cur.s) !== 0;
    case T.PTR_TO_STACK:
      return regsExact(old, cur) && old.frameno === cur.frameno;
    case T.PTR_TO_ARENA:
      return true;
    default:
      return regsExact(old, cur);
  }
}

/** The ids of two scalars correspond. Those without a distance are linked to those with one: for the latter, what they are linked to as well. */
const scalarIds = (old: Reg, cur: Reg): boolean =>
  ids.sameScalar(old.id, cur.id) && ((old.id & BPF_ADD_CONST) === 0 || ids.same(linkId(old.id), linkId(cur.id)));

function scalarSafe(env: Env, old: Reg, cur: Reg, precise: boolean, exact: Exact): boolean {
  if (env.exploreAluLimits) return sameBody(old, cur) && scalarIds(old, cur);
  if (!precise && exact === NOT_EXACT) return true;
  // A link with a constant distance is only covered by the same distance.
  if ((old.id & BPF_ADD_CONST) !== 0 && (cur.id & BPF_ADD_CONST) === 0) return false;
  if (old.id !== 0 && (old.id & BPF_ADD_CONST) === 0 && (cur.id & BPF_ADD_CONST) !== 0) return false;
  if ((old.id & BPF_ADD_CONST) !== 0 && old.off !== cur.off) return false;
  if (old.s !== cur.s && env.D.ops.within(old.s, cur.s) === 0) return false;
  return scalarIds(old, cur);
}

/** Forgets which ids correspond; comparisons by `regsExact` share one correspondence until then. */
export const forgetIds = (env: Env): void => ids.reset(env.idGen);

/** scalar_reg_for_stack: the scalar that reading the whole slot would give, or null. */
function slotScalar(env: Env, slot: Slot): Reg | null {
  if (slot.isSpilledScalar64) return slot.reg;
  for (let i = 0; i < BPF_REG_SIZE; i++) {
    const t = slot.type(i);
    if (t !== STACK_MISC && !(t === STACK_INVALID && env.allowUninitStack)) return null;
  }
  return env.unknownScalar();
}

function stackSafe(env: Env, old: FuncState, cur: FuncState, exact: Exact): boolean {
  for (let i = 0; i < old.allocatedStack; i++) {
    const spi = i >> 3;
    const byte = i & 7;
    const o = old.stack[spi]!;
    const c = cur.stack[spi];
    if (byte === 0 && o === c && !o.isSpecial && o.types === 0) {
      i += BPF_REG_SIZE - 1;
      continue;
    }
    const ot = o.type(byte);
    if (exact !== NOT_EXACT && (!c || ot !== c.type(byte))) return false;
    if (ot === STACK_INVALID || (env.allowUninitStack && ot === STACK_MISC)) continue;
    if (!c) return false;
    const oldReg = slotScalar(env, o);
    const curReg = slotScalar(env, c);
    if (oldReg && curReg) {
      if (!regSafe(env, oldReg, curReg, !env.bpfCapable || old.isSlotPrecise(spi), exact)) return false;
      i = (spi << 3) + BPF_REG_SIZE - 1;
      continue;
    }
    // Bytes of zeroes are covered by bytes of anything.
    if (ot === STACK_MISC && c.type(byte) === STACK_ZERO) continue;
    if (ot !== c.type(byte)) return false;
    if (byte === BPF_REG_SIZE - 1 && !slotSafe(env, old, spi, o, c, exact)) return false;
  }
  return true;
}

function slotSafe(env: Env, old: FuncState, spi: number, o: Slot, c: Slot, exact: Exact): boolean {
  switch (o.top) {
    case STACK_SPILL:
      return regSafe(env, o.reg, c.reg, !env.bpfCapable || old.isSlotPrecise(spi), exact);
    case STACK_DYNPTR:
      return o.reg.u1 === c.reg.u1 && o.reg.u2 === c.reg.u2 && ids.same(o.reg.refObjId, c.reg.refObjId);
    case STACK_ITER:
      return (
        o.reg.obj === c.reg.obj && o.reg.u1 === c.reg.u1 && (o.reg.u2 & 3) === (c.reg.u2 & 3) && ids.same(o.reg.refObjId, c.reg.refObjId)
      );
    case STACK_IRQ_FLAG:
      return ids.same(o.reg.refObjId, c.reg.refObjId) && o.reg.u1 === c.reg.u1;
    default:
      return true;
  }
}

function refsSafe(old: VState, cur: VState): boolean {
  if (old.refs.length !== cur.refs.length || old.activeLocks !== cur.activeLocks) return false;
  if (old.activePreemptLocks !== cur.activePreemptLocks || old.activeRcuLocks !== cur.activeRcuLocks) return false;
  if (!ids.same(old.activeIrqId, cur.activeIrqId)) return false;
  if (!ids.same(old.activeLockId, cur.activeLockId) || old.activeLockPtr !== cur.activeLockPtr) return false;
  return (
    old.refs.length === 0 ||
    old.refs.every((o, i) => {
      const c = cur.refs[i]!;
      if (!ids.same(o.id, c.id) || o.type !== c.type) return false;
      return o.type === REF_TYPE_PTR || o.type === REF_TYPE_IRQ || o.ptr === c.ptr;
    })
  );
}

/** frame_insn_idx: where a frame of a kept state stands. */
export const frameInsnIdx = (st: VState, frame: number): number => (frame === st.curframe ? st.insnIdx : st.frames[frame + 1]!.callsite);

/** states_equal. */
export function statesEqual(env: Env, old: VState, cur: VState, exact: Exact): boolean {
  if (old.curframe !== cur.curframe || differsAgain(env, old, cur, exact)) return false;
  ids.reset(env.idGen);
  // A path taken only speculatively says nothing about a real one.
  if (old.speculative && !cur.speculative) return false;
  if (old.inSleepable !== cur.inSleepable) return false;
  if (!refsSafe(old, cur)) return false;
  for (let i = 0; i <= old.curframe; i++) {
    const o = old.frames[i]!;
    const c = cur.frames[i]!;
    if (o.callsite !== c.callsite) return false;
    if (!framesEqual(env, o, c, frameInsnIdx(old, i), exact)) return false;
  }
  return true;
}

/** Register of the innermost frame at which the last comparison failed: loops mostly differ in their counter, so it is asked first. */
let suspect = 0;

/** True when `suspect` alone shows that the states differ. It asks for no ids, so it leaves no trace. */
function differsAgain(env: Env, old: VState, cur: VState, exact: Exact): boolean {
  const frame = old.cur;
  const o = frame.regs[suspect]!;
  const c = cur.cur.regs[suspect]!;
  if (o === c || o.type !== T.SCALAR_VALUE || c.type !== T.SCALAR_VALUE || o.s === c.s || env.exploreAluLimits) return false;
  if (!((env.aux[old.insnIdx]!.liveRegs >>> suspect) & 1)) return false;
  if (exact === EXACT) return true;
  const precise = !env.bpfCapable || ((frame.preciseRegs >>> suspect) & 1) === 1;
  return (precise || exact !== NOT_EXACT) && env.D.ops.within(o.s, c.s) === 0;
}

function framesEqual(env: Env, old: FuncState, cur: FuncState, insnIdx: number, exact: Exact): boolean {
  if (old.callbackDepth > cur.callbackDepth) return false;
  const live = env.aux[insnIdx]!.liveRegs;
  for (let i = 0; i < 11; i++) {
    if (!((live >>> i) & 1)) continue;
    if (!regSafe(env, old.regs[i]!, cur.regs[i]!, !env.bpfCapable || ((old.preciseRegs >>> i) & 1) === 1, exact)) {
      suspect = i;
      return false;
    }
  }
  return stackSafe(env, old, cur, exact);
}

/** states_maybe_looping: the registers of the innermost frame are the very same. */
export function maybeLooping(old: VState, cur: VState): boolean {
  if (old.curframe !== cur.curframe) return false;
  const a = old.cur.regs;
  const b = cur.cur.regs;
  if (a[suspect]!.s !== b[suspect]!.s) return false;
  for (let i = 0; i < 11; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x !== y && !(sameBody(x, y) && x.id === y.id && x.refObjId === y.refObjId)) {
      if (x.s !== y.s) suspect = i;
      return false;
    }
  }
  return true;
}
