// Dynptrs on the stack and as arguments (mark_stack_slots_dynptr, process_dynptr_func, 6.18).
import { EFAULT, EINVAL, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { allTypes, Slot, STACK_DYNPTR } from "../domain/stack.ts";
import type { FuncState } from "../domain/state.ts";
import { dynptrTypeStr } from "../log/print-state.ts";
import { accessMem } from "../transfer/mem.ts";
import { acquireReference, invalid, releaseReference } from "./refs.ts";
import { forgetSlots, markObjectRead, objectSlot } from "./stack-objects.ts";

/** enum bpf_dynptr_type. */
export const DYNPTR_INVALID = 0,
  DYNPTR_LOCAL = 1,
  DYNPTR_RINGBUF = 2,
  DYNPTR_SKB = 3,
  DYNPTR_XDP = 4,
  DYNPTR_SKB_META = 5;
const NR_SLOTS = 2;

/** arg_to_dynptr_type. */
export function dynptrTypeOf(flags: number): number {
  switch (flags & T.DYNPTR_TYPE_FLAG_MASK) {
    case T.DYNPTR_TYPE_LOCAL:
      return DYNPTR_LOCAL;
    case T.DYNPTR_TYPE_RINGBUF:
      return DYNPTR_RINGBUF;
    case T.DYNPTR_TYPE_SKB:
      return DYNPTR_SKB;
    case T.DYNPTR_TYPE_XDP:
      return DYNPTR_XDP;
    case T.DYNPTR_TYPE_SKB_META:
      return DYNPTR_SKB_META;
    default:
      return DYNPTR_INVALID;
  }
}
const FLAG_OF = [0, T.DYNPTR_TYPE_LOCAL, T.DYNPTR_TYPE_RINGBUF, T.DYNPTR_TYPE_SKB, T.DYNPTR_TYPE_XDP, T.DYNPTR_TYPE_SKB_META];
/** get_dynptr_type_flag. */
export const dynptrFlag = (type: number): number => FLAG_OF[type] ?? 0;
const refcounted = (type: number): boolean => type === DYNPTR_RINGBUF;
const isDynptr = (slot: Slot | undefined): boolean => slot?.types === allTypes(STACK_DYNPTR);

/** __mark_dynptr_reg. */
export function dynptrReg(env: Env, type: number, first: boolean, id: number): Reg {
  const r = env.pointer(T.CONST_PTR_TO_DYNPTR);
  r.id = id;
  r.u1 = type;
  r.u2 = first ? 1 : 0;
  return r;
}

/** As dynptr_get_spi: the first of the two slots of the dynptr behind `reg`; null for a place that can hold none, with the reason in the log. */
export function dynptrSlot(env: Env, reg: Reg): number | "range" | null {
  const found = objectSlot(env, reg, "dynptr", NR_SLOTS);
  if (typeof found === "number" || found === "range") return found;
  env.say(`${found}\n`);
  return null;
}
/** The register kept for the dynptr that `reg` points to. */
export function dynptrState(env: Env, reg: Reg): Reg {
  if (reg.type === T.CONST_PTR_TO_DYNPTR) return reg;
  return env.frameOf(reg).stack[dynptrSlot(env, reg) as number]!.reg;
}

/** destroy_if_dynptr_stack_slot: writing over a dynptr ends it, and slices of it. */
export function destroyDynptrSlot(env: Env, frame: FuncState, at: number): void {
  if (frame.stack[at]?.type(0) !== STACK_DYNPTR) return;
  const spi = frame.stack[at].reg.u2 ? at : at + 1;
  const reg = frame.stack[spi]!.reg;
  if (refcounted(reg.u1)) env.fail("dynptr-overwrite", EINVAL, "cannot overwrite referenced dynptr");
  env.scratchSlot(spi);
  env.scratchSlot(spi - 1);
  env.eachReg(env.cur, (r) => {
    const slice = r.type === T.PTR_TO_MEM || r.type === (T.PTR_TO_MEM | T.PTR_MAYBE_NULL);
    return slice && r.u2 === reg.id ? invalid(env) : r;
  });
  forgetSlots(env, frame.frameno, spi, NR_SLOTS);
}

/** mark_stack_slots_dynptr. */
function markSlots(env: Env, reg: Reg, flags: number, insnIdx: number, cloneRef: number): void {
  const frame = env.frameOf(reg);
  const spi = dynptrSlot(env, reg) as number;
  destroyDynptrSlot(env, frame, spi);
  destroyDynptrSlot(env, frame, spi - 1);
  const type = dynptrTypeOf(flags);
  const id = ++env.idGen;
  const ref = refcounted(type) ? cloneRef || acquireReference(env, insnIdx) : 0;
  for (const [at, first] of [
    [spi, true],
    [spi - 1, false],
  ] as const) {
    const r = dynptrReg(env, type, first, id);
    r.refObjId = ref;
    frame.stack[at] = new Slot(r, allTypes(STACK_DYNPTR));
    env.liveness.markWrite(frame.frameno, at);
  }
}

/** unmark_stack_slots_dynptr: the dynptr is given back, with all clones that share its reference. */
export function releaseDynptr(env: Env, reg: Reg): void {
  const frame = env.frameOf(reg);
  const spi = dynptrSlot(env, reg) as number;
  const state = frame.stack[spi]!.reg;
  if (!refcounted(state.u1)) return forgetSlots(env, frame.frameno, spi, NR_SLOTS);
  const ref = state.refObjId;
  releaseReference(env, ref);
  for (let i = 1; i < frame.stack.length; i++) {
    const slot = frame.stack[i]!;
    if (slot.reg.refObjId === ref && slot.type(0) === STACK_DYNPTR && slot.reg.u2) forgetSlots(env, frame.frameno, i, NR_SLOTS);
  }
}

function isInitialized(env: Env, reg: Reg): boolean {
  if (reg.type === T.CONST_PTR_TO_DYNPTR) return true;
  const spi = dynptrSlot(env, reg);
  if (spi === null || spi === "range") return false;
  const stack = env.frameOf(reg).stack;
  return stack[spi]!.reg.u2 === 1 && isDynptr(stack[spi]) && isDynptr(stack[spi - 1]);
}
/** process_dynptr_func for argument register `regno`. */
export function processDynptr(env: Env, regno: number, insnIdx: number, argType: number, cloneRef: number): void {
  const reg = env.reg(regno);
  if (reg.type !== T.PTR_TO_STACK && reg.type !== T.CONST_PTR_TO_DYNPTR)
    env.fail("dynptr-arg", EINVAL, `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`);
  if (argType & T.MEM_UNINIT && argType & T.MEM_RDONLY)
    env.fail("dynptr-arg", EFAULT, "verifier bug: misconfigured dynptr helper type flags");
  if (argType & T.MEM_UNINIT) {
    if (dynptrSlot(env, reg) === null) env.fail("dynptr-arg", EINVAL, "Dynptr has to be an uninitialized dynptr");
    for (let i = 0; i < 16; i += 8)
      accessMem(env, { insnIdx, regno, off: i, size: 8, write: true, value: -1, strictOnce: false, isLdsx: false });
    return markSlots(env, env.reg(regno), argType, insnIdx, cloneRef);
  }
  if (reg.type === T.CONST_PTR_TO_DYNPTR && !(argType & T.MEM_RDONLY))
    env.fail("dynptr-arg", EINVAL, "cannot pass pointer to const bpf_dynptr, the helper mutates it");
  if (!isInitialized(env, reg)) env.fail("dynptr-arg", EINVAL, `Expected an initialized dynptr as arg #${regno - 1}`);
  const wanted = dynptrTypeOf(argType);
  if (argType & T.DYNPTR_TYPE_FLAG_MASK && dynptrState(env, reg).u1 !== wanted)
    env.fail("dynptr-arg", EINVAL, `Expected a dynptr of type ${dynptrTypeStr(wanted)} as arg #${regno - 1}`);
  if (reg.type !== T.CONST_PTR_TO_DYNPTR) markObjectRead(env, reg, dynptrSlot(env, reg) as number, NR_SLOTS);
}
