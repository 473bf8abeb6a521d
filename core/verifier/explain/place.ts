// A register or stack slot whose value is followed backwards along a path: who wrote it, from where, who tested it. It judges nothing.
import * as op from "../../isa/index.ts";
import type { PathStep } from "./path.ts";

/** Where a value lies: a register or a stack slot (index from the frame pointer downwards) of a frame. */
export interface Place {
  readonly frameno: number;
  readonly isReg: boolean;
  readonly at: number;
}
export const register = (frameno: number, at: number): Place => ({ frameno, isReg: true, at });
export const stackSlot = (frameno: number, at: number): Place => ({ frameno, isReg: false, at });

/** What a step means for the value at a place: nothing, it lay elsewhere before, or it was written here, `from` another place where it was only copied. */
export type Effect = "none" | { readonly before: Place } | { readonly writtenFrom: Place | undefined };

const isCall = (insn: op.Insn): boolean => insn.code === (op.BPF_JMP | op.BPF_CALL);
const isArgument = (reg: number): boolean => reg >= 1 && reg <= 5;

/** The effect of one step backwards. */
export function effectOf(insn: op.Insn, step: PathStep, place: Place): Effect {
  if (insn.code === (op.BPF_JMP | op.BPF_EXIT) && place.isReg && place.at === 0 && step.frameno === place.frameno + 1)
    return { before: register(step.frameno, 0) };
  if (isCall(insn) && step.frameno === place.frameno - 1 && place.isReg) return enteredBy(insn, step, place);
  if (!place.isReg) return slotEffect(insn, step, place);
  return step.frameno === place.frameno ? registerEffect(insn, step, place) : "none";
}

/** A function takes its arguments from its caller's registers; a callback gets them from the helper. */
function enteredBy(insn: op.Insn, step: PathStep, place: Place): Effect {
  if (!isArgument(place.at)) return { writtenFrom: undefined };
  return insn.src === op.BPF_PSEUDO_CALL ? { before: register(step.frameno, place.at) } : { writtenFrom: undefined };
}

function registerEffect(insn: op.Insn, step: PathStep, place: Place): Effect {
  if (!writes(insn, place.at)) return "none";
  const { hist } = step;
  const cls = op.insnClass(insn);
  if (cls === op.BPF_LDX && hist && hist.facts.spi >= 0) return { writtenFrom: stackSlot(hist.facts.frameno, hist.facts.spi) };
  const isMove = op.isAlu(insn) && (insn.code & 0xf0) === op.BPF_MOV && (insn.code & op.BPF_X) !== 0;
  return { writtenFrom: isMove ? register(place.frameno, insn.src) : undefined };
}

/** Whether an instruction gives register `reg` of its frame another value; calls write r0 and forget r1 to r5. */
function writes(insn: op.Insn, reg: number): boolean {
  const cls = op.insnClass(insn);
  if (isCall(insn)) return reg === 0 || isArgument(reg);
  if (op.isAlu(insn) || cls === op.BPF_LDX) return insn.dst === reg;
  if (cls === op.BPF_LD) return op.insnMode(insn) === 0 ? insn.dst === reg : reg === 0 || isArgument(reg);
  if (cls !== op.BPF_STX || op.insnMode(insn) !== op.BPF_ATOMIC) return false;
  if (insn.imm === op.BPF_LOAD_ACQ) return insn.dst === reg;
  if (insn.imm === op.BPF_CMPXCHG) return reg === 0;
  return (insn.imm & op.BPF_FETCH) !== 0 && insn.src === reg;
}

/** A store into the slot; those whose address is not the frame pointer itself are known by the recorded access. */
function slotEffect(insn: op.Insn, step: PathStep, place: Place): Effect {
  const cls = op.insnClass(insn);
  if (cls !== op.BPF_ST && cls !== op.BPF_STX) return "none";
  const { hist } = step;
  const recorded = hist !== null && hist.facts.spi === place.at && hist.facts.frameno === place.frameno;
  const direct = insn.dst === op.BPF_REG_FP && step.frameno === place.frameno && overlaps(insn, place.at);
  if (!recorded && !direct) return "none";
  const whole = cls === op.BPF_STX && op.insnMode(insn) === op.BPF_MEM && op.accessSize(insn.code) === 8;
  return { writtenFrom: whole ? register(step.frameno, insn.src) : undefined };
}
function overlaps(insn: op.Insn, spi: number): boolean {
  const low = -8 * (spi + 1);
  return insn.off < low + 8 && insn.off + op.accessSize(insn.code) > low;
}

/** Whether the instruction is a comparison of the value at `place`. */
export function isTestOf(insn: op.Insn, step: PathStep, place: Place): boolean {
  const cls = op.insnClass(insn);
  const kind = insn.code & 0xf0;
  if (!place.isReg || step.frameno !== place.frameno || (cls !== op.BPF_JMP && cls !== op.BPF_JMP32)) return false;
  if (kind === op.BPF_JA || kind === op.BPF_CALL || kind === op.BPF_EXIT || kind === op.BPF_JCOND) return false;
  return insn.dst === place.at || ((insn.code & op.BPF_X) !== 0 && insn.src === place.at);
}
