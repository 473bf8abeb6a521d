// Scalars that came from one another learn together (collect_linked_regs, sync_linked_regs, 6.18).
import type { Env } from "../env.ts";
import { BPF_ADD_CONST, BPF_ADD_CONST32, linkId, type Reg } from "../domain/reg.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import { Slot } from "../domain/stack.ts";
import type { LinkedReg, VState } from "../domain/state.ts";
import { frameInsnIdx } from "../explore/equal.ts";

const LINKED_REGS_MAX = 6;

/** Adds live registers and spills with this id to `out`; what does not fit loses its id. */
export function collectLinked(env: Env, st: VState, id: number, out: LinkedReg[]): void {
  const wanted = linkId(id);
  const add = (reg: Reg, frameno: number, isReg: boolean, at: number): Reg => {
    if (reg.type !== SCALAR_VALUE || linkId(reg.id) !== wanted) return reg;
    if (out.length >= LINKED_REGS_MAX) return reg.unlinked();
    out.push({ frameno, isReg, at });
    return reg;
  };
  for (let f = st.curframe; f >= 0; f--) {
    const frame = st.frames[f]!;
    const live = env.aux[frameInsnIdx(st, f)]!.liveRegs;
    for (let i = 0; i < 10; i++) if ((live >>> i) & 1) frame.regs[i] = add(frame.regs[i]!, f, true, i);
    frame.stack.forEach((slot, i) => {
      if (!slot.isSpilled) return;
      const reg = add(slot.reg, f, false, i);
      if (reg !== slot.reg) frame.stack[i] = new Slot(reg, slot.types);
    });
  }
}

/** Gives every linked scalar of `st` what is known of `known`, at its distance. */
export function syncLinked(env: Env, st: VState, known: Reg, linked: readonly LinkedReg[]): void {
  for (const e of linked) {
    const frame = st.frames[e.frameno]!;
    const reg = e.isReg ? frame.regs[e.at]! : frame.stack[e.at]!.reg;
    if (reg.type !== SCALAR_VALUE || reg === known || linkId(reg.id) !== linkId(known.id)) continue;
    // A distance at 32 bits and one at 64 say nothing of each other.
    if (((reg.id ^ known.id) & BPF_ADD_CONST) === BPF_ADD_CONST) continue;
    const next = synced(env, reg, known);
    if (e.isReg) frame.regs[e.at] = next;
    else frame.stack[e.at] = new Slot(next, frame.stack[e.at]!.types);
  }
}

function synced(env: Env, reg: Reg, known: Reg): Reg {
  const apart = (reg.id & BPF_ADD_CONST) !== 0 || (known.id & BPF_ADD_CONST) !== 0;
  if (!apart || reg.off === known.off) return known;
  const next = known.copy();
  next.off = reg.off;
  next.id = reg.id;
  next.s = env.D.ops.addDelta(known.s, reg.off, known.off, (reg.id | known.id) & BPF_ADD_CONST32 ? 1 : 0);
  return next;
}
