// Forgets scalars that change from one loop round to the next and that nothing depends on (widen_imprecise_scalars, 6.18).
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import { Slot } from "../domain/stack.ts";
import { forgetIds, regsExact } from "./equal.ts";
import type { VState } from "../domain/state.ts";

export function widenImprecise(env: Env, old: VState, cur: VState): void {
  const widen = (o: Reg, c: Reg, precise: boolean): Reg =>
    o.type !== SCALAR_VALUE || c.type !== SCALAR_VALUE || precise || regsExact(o, c) ? c : env.unknownScalar();
  forgetIds(env);
  for (let fr = old.curframe; fr >= 0; fr--) {
    const fo = old.frames[fr]!;
    const fc = cur.frames[fr]!;
    for (let i = 0; i < 11; i++) fc.regs[i] = widen(fo.regs[i]!, fc.regs[i]!, ((fo.preciseRegs >>> i) & 1) === 1);
    for (let i = 0; i < Math.min(fo.stack.length, fc.stack.length); i++) {
      const slot = fc.stack[i]!;
      if (!fo.stack[i]!.isSpilled || !slot.isSpilled) continue;
      const reg = widen(fo.stack[i]!.reg, slot.reg, fo.isSlotPrecise(i));
      if (reg !== slot.reg) fc.stack[i] = new Slot(reg, slot.types);
    }
  }
}
