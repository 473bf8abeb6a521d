// Carries precision from a kept state to the state that it covered (propagate_precision, 6.18).
import type { Env } from "../env.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import type { VState } from "../domain/state.ts";
import { markChain } from "./backtrack.ts";

/** Everything precise in `old` becomes precise on the path of `cur`. Sets `out.changed` when that marked something new. */
export function propagatePrecision(env: Env, old: VState, cur: VState, out: { changed: boolean } | null): void {
  for (let fr = old.curframe; fr >= 0; fr--) {
    const frame = old.frames[fr]!;
    const names: string[] = [];
    for (let i = 0; i < 10; i++) {
      if (frame.regs[i]!.type !== SCALAR_VALUE || (env.bpfCapable && !((frame.preciseRegs >>> i) & 1))) continue;
      names.push(`r${i}`);
      env.bt.regs[fr]! |= 1 << i;
    }
    for (let i = 0; i < frame.stack.length; i++) {
      if (!frame.stack[i]!.isSpilledScalar || (env.bpfCapable && !frame.isSlotPrecise(i))) continue;
      names.push(`fp${-(i + 1) * 8}`);
      env.bt.setSlot(fr, i);
    }
    if (names.length && env.log.level2) env.trace(`frame ${fr}: propagating ${names.join(",")}\n`);
  }
  markChain(env, cur, -1, out);
}
