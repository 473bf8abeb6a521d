// Where an object of several slots (dynptr, iterator, irq flag) stands on the stack (stack_slot_obj_get_spi, 6.18).
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { Slot } from "../domain/stack.ts";

/** Its first slot's index, `range` when it lies outside of the stack in use, or the words of the refusal for a place that can never hold one. */
export function objectSlot(env: Env, reg: Reg, kind: string, slots: number): number | string {
  if (!env.D.isConst(reg.s)) return `${kind} has to be at a constant offset`;
  const off = reg.off + env.D.constNumber(reg.s);
  if (off % 8) return `cannot pass in ${kind} at an offset=${off}`;
  const spi = Math.trunc((-off - 1) / 8);
  if (spi + 1 < slots) return `cannot pass in ${kind} at an offset=${off}`;
  const frame = env.frameOf(reg);
  return spi - slots + 1 >= 0 && spi < frame.stack.length ? spi : "range";
}

/** mark_stack_slot_obj_read. */
export function markObjectRead(env: Env, reg: Reg, spi: number, slots: number): void {
  for (let i = 0; i < slots; i++) {
    env.liveness.markRead(reg.frameno, env.insnIdx, spi - i);
    env.scratchSlot(spi - i);
  }
}
/** Forgets `slots` slots from `spi` on and notes that they are written. */
export function forgetSlots(env: Env, frameno: number, spi: number, slots: number): void {
  const frame = env.cur.frames[frameno]!;
  for (let i = 0; i < slots; i++) {
    frame.stack[spi - i] = new Slot(env.notInit, 0);
    env.liveness.markWrite(frameno, spi - i);
  }
}
