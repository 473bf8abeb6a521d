// Makes a program small while something stays true of it: instructions go, constants become plain. It knows nothing of what is being kept.
import type { Insn } from "../../../core/isa/index.ts";
import type { FuncInfo } from "../../../core/object/index.ts";

export interface Shrinkable {
  readonly insns: readonly Insn[];
  readonly funcInfo: readonly FuncInfo[];
}

/** Slot that an instruction refers to (jump, call, address of a function), or -1. */
function targetOf(insns: readonly Insn[], i: number): number {
  const { code, src, off, imm } = insns[i]!;
  const cls = code & 7;
  if (code === 0x18) return src === 4 ? i + 1 + imm : -1;
  if (cls !== 5 && cls !== 6) return -1;
  const kind = code & 0xf0;
  if (kind === 0x90) return -1;
  if (kind === 0x80) return src === 1 ? i + 1 + imm : -1;
  return code === 0x06 ? i + 1 + imm : i + 1 + off;
}
const isSecondHalf = (insns: readonly Insn[], i: number): boolean => i > 0 && insns[i - 1]!.code === 0x18;

/** The program without the slots [from, to): whatever referred to them refers to what follows. Undefined where that cannot be. */
export function without(p: Shrinkable, from: number, to: number): Shrinkable | undefined {
  const { insns } = p;
  let [a, b] = [from, Math.min(to, insns.length)];
  if (isSecondHalf(insns, a)) a--;
  if (b < insns.length && isSecondHalf(insns, b)) b++;
  const moved = (slot: number): number => (slot >= b ? slot - (b - a) : Math.min(slot, a));
  const out: Insn[] = [];
  for (let i = 0; i < insns.length; i++) {
    if (i >= a && i < b) continue;
    const insn = insns[i]!;
    const target = isSecondHalf(insns, i) ? -1 : targetOf(insns, i);
    if (target < 0) {
      out.push(insn);
      continue;
    }
    const delta = moved(target) - moved(i) - 1;
    const inImm = insn.code === 0x18 || (insn.code & 0xf0) === 0x80 || insn.code === 0x06;
    out.push(inImm ? { ...insn, imm: delta } : { ...insn, off: delta });
  }
  const funcInfo = p.funcInfo
    .map((f) => ({ ...f, insnIdx: moved(f.insnIdx) }))
    .filter((f, i, all) => i === 0 || f.insnIdx > all[i - 1]!.insnIdx);
  const last = funcInfo.at(-1);
  return out.length === 0 || (last && last.insnIdx >= out.length) ? undefined : { insns: out, funcInfo };
}

/** Other instructions that may do as well and are simpler. */
function simpler(insn: Insn): Insn[] {
  const out: Insn[] = [];
  const cls = insn.code & 7;
  if ((cls === 7 || cls === 4) && insn.code & 8 && (insn.code & 0xf0) === 0xb0)
    out.push({ code: 0xb7, dst: insn.dst, src: 0, off: 0, imm: 0 });
  if (insn.imm !== 0 && cls !== 5 && cls !== 6 && insn.code !== 0x18)
    for (const imm of [0, 1, insn.imm >> 1]) if (imm !== insn.imm) out.push({ ...insn, imm });
  return out;
}

/**
 * The smallest program found for which `holds` is true, as it is of `p`: stretches of halving length are left out, then single instructions
 * and constants are made simpler, until nothing more goes. Asks `holds` at most `most` times.
 */
export function shrink<P extends Shrinkable>(p: P, holds: (p: P) => boolean, most = 3000): P {
  let best = p;
  let asked = 0;
  const attempt = (parts: Shrinkable | undefined): boolean => {
    if (!parts || asked >= most) return false;
    asked++;
    const next = { ...best, ...parts };
    if (!holds(next)) return false;
    best = next;
    return true;
  };
  for (let changed = true; changed && asked < most;) {
    changed = false;
    for (let size = best.insns.length >> 1; size >= 1; size >>= 1)
      for (let at = best.insns.length - size; at >= 0; at -= size) if (attempt(without(best, at, at + size))) changed = true;
    for (let i = 0; i < best.insns.length; i++) {
      if (isSecondHalf(best.insns, i)) continue;
      for (const other of simpler(best.insns[i]!)) {
        if (!attempt({ insns: best.insns.with(i, other), funcInfo: best.funcInfo })) continue;
        changed = true;
        break;
      }
    }
  }
  return best;
}
