// Open-coded iterators on the stack (process_iter_arg, process_iter_next_call, 6.18).
import { BTF_KIND, type Btf } from "../../object/index.ts";
import { EINVAL, ENOMEM, EPROTO, Reject, type Env } from "../env.ts";
import { BPF_ITER_STATE_ACTIVE, BPF_ITER_STATE_DRAINED } from "../btf/iter-states.ts";
import type { Kfunc } from "../btf/kfuncs.ts";
import { inRcuSection } from "../btf/struct-access.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { allTypes, Slot, STACK_ITER } from "../domain/stack.ts";
import type { VState } from "../domain/state.ts";
import { pushPath } from "../explore/branches.ts";
import { findPrevEntry } from "../explore/visit.ts";
import { widenImprecise } from "../explore/widen.ts";
import { accessMem } from "../transfer/mem.ts";
import { notNull } from "../transfer/null-check.ts";
import { acquireReference, releaseReference } from "./refs.ts";
import { forgetSlots, markObjectRead, objectSlot } from "./stack-objects.ts";

/** Where the iterator of a call stands. */
export interface IterPlace {
  readonly frameno: number;
  readonly spi: number;
  readonly refObjId: number;
}

/** btf_check_iter_arg: the structure `bpf_iter_NAME` that the parameter points to. */
function iterType(env: Env, kfunc: Kfunc, arg: number): { btf: Btf; id: number; size: number; name: string } | undefined {
  const btf = env.kernelBtf!;
  const ptr = btf.type(btf.resolve(kfunc.proto.params[arg]!.type));
  if (ptr.kind !== BTF_KIND.PTR) return undefined;
  const t = btf.type(btf.resolve(ptr.type));
  if (t.kind !== BTF_KIND.STRUCT || !t.name.startsWith("bpf_iter_")) return undefined;
  return { btf, id: t.id, size: t.size, name: t.name.slice("bpf_iter_".length) };
}

export function processIterArg(env: Env, regno: number, kfunc: Kfunc): IterPlace | null {
  const reg = env.reg(regno);
  const arg = regno - 1;
  const fail = (text: string, errno = EINVAL): never => env.fail("iter-arg", errno, text);
  if (reg.type !== T.PTR_TO_STACK) fail(`arg#${arg} expected pointer to an iterator on stack`);
  const it = iterType(env, kfunc, arg);
  if (!it) return fail(`expected valid iter pointer as arg #${arg}`);
  const slots = it.size / 8;
  if (kfunc.flags.has("ITER_NEW")) {
    if (!isFree(env, reg, slots)) fail(`expected uninitialized iter_${it.name} as arg #${arg}`);
    for (let i = 0; i < slots * 8; i += 8)
      accessMem(env, { insnIdx: env.insnIdx, regno, off: i, size: 8, write: true, value: -1, strictOnce: false, isLdsx: false });
    markSlots(env, env.reg(regno), kfunc, it, slots);
    return null;
  }
  const spi = slotOf(env, reg, slots);
  const state = typeof spi === "number" ? checkInit(env, reg, spi, it, slots) : EINVAL;
  if (state === EPROTO) fail(`expected an RCU CS when using ${kfunc.name}`, EPROTO);
  if (state) fail(`expected an initialized iter_${it.name} as arg #${arg}`);
  const at = spi as number;
  markObjectRead(env, reg, at, slots);
  const refObjId = env.frameOf(reg).stack[at]!.reg.refObjId;
  if (kfunc.flags.has("ITER_DESTROY")) {
    releaseReference(env, refObjId);
    for (let i = 0; i < slots; i++) env.scratchSlot(at - i);
    forgetSlots(env, reg.frameno, at, slots);
  }
  return { frameno: reg.frameno, spi: at, refObjId };
}

/** iter_get_spi: what is wrong with the place stands in the log. */
function slotOf(env: Env, reg: Reg, slots: number): number | "range" | null {
  const found = objectSlot(env, reg, "iter", slots);
  if (typeof found === "number" || found === "range") return found;
  env.say(`${found}\n`);
  return null;
}

function isFree(env: Env, reg: Reg, slots: number): boolean {
  const spi = slotOf(env, reg, slots);
  if (spi === "range") return true;
  if (spi === null) return false;
  const stack = env.frameOf(reg).stack;
  for (let i = 0; i < slots; i++) for (let j = 0; j < 8; j++) if (stack[spi - i]!.type(j) === STACK_ITER) return false;
  return true;
}

function checkInit(env: Env, reg: Reg, spi: number, it: { btf: Btf; id: number }, slots: number): number {
  const stack = env.frameOf(reg).stack;
  for (let i = 0; i < slots; i++) {
    const slot = stack[spi - i]!;
    if (slot.reg.type & T.PTR_UNTRUSTED && slot.top === STACK_ITER) return EPROTO;
    if ((i === 0) !== (slot.reg.refObjId !== 0)) return EINVAL;
    if (slot.reg.obj !== it.btf || slot.reg.u1 !== it.id || slot.types !== allTypes(STACK_ITER)) return EINVAL;
  }
  return 0;
}

/** mark_stack_slots_iter. */
function markSlots(env: Env, reg: Reg, kfunc: Kfunc, it: { btf: Btf; id: number }, slots: number): void {
  const spi = slotOf(env, reg, slots);
  if (typeof spi !== "number") throw new Reject(EINVAL, "iter-arg");
  const frame = env.frameOf(reg);
  const id = acquireReference(env, env.insnIdx);
  const trust = kfunc.flags.has("RCU_PROTECTED") ? (inRcuSection(env) ? T.MEM_RCU : T.PTR_UNTRUSTED) : 0;
  for (let i = 0; i < slots; i++) {
    const r = env.pointer(T.PTR_TO_STACK | trust);
    r.refObjId = i === 0 ? id : 0;
    r.obj = it.btf;
    r.u1 = it.id;
    r.u2 = BPF_ITER_STATE_ACTIVE;
    frame.stack[spi - i] = new Slot(r, allTypes(STACK_ITER));
    env.liveness.markWrite(frame.frameno, spi - i);
    env.scratchSlot(spi - i);
  }
}

export const iterReg = (st: VState, place: IterPlace): Reg => st.frames[place.frameno]!.stack[place.spi]!.reg;
function setIter(st: VState, place: IterPlace, u2: number): void {
  const frame = st.frames[place.frameno]!;
  const slot = frame.stack[place.spi]!;
  const r = slot.reg.copy();
  r.u2 = u2;
  frame.stack[place.spi] = new Slot(r, slot.types);
}

/** The two ways of a `next` call: one more element (queued), or none left (here). R0 holds what the call returns. */
export function processIterNext(env: Env, insnIdx: number, place: IterPlace): void {
  const cur = env.cur;
  const state = iterReg(cur, place).u2;
  if ((state & 3) === BPF_ITER_STATE_ACTIVE) {
    const prev = cur.parent ? findPrevEntry(env, cur.parent, insnIdx) : null;
    const queued = pushPath(env, insnIdx + 1, insnIdx, false, ENOMEM);
    setIter(queued, place, BPF_ITER_STATE_ACTIVE | (((state >>> 2) + 1) << 2));
    if (prev) widenImprecise(env, prev, queued);
    queued.cur.regs[0] = notNull(queued.cur.regs[0]!);
  }
  setIter(cur, place, BPF_ITER_STATE_DRAINED | ((state >>> 2) << 2));
  env.regs[0] = env.scalar(env.D.ZERO);
}
