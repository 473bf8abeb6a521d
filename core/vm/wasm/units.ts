// The parts of a program between the places where a run can stop or be resumed, over all of its functions. It emits nothing.
import { OP, type Program } from "../program.ts";
import { isCond, width } from "./blocks.ts";

/** A run of slots that is entered at its first and left behind its last. */
export interface Unit {
  readonly start: number;
  /** One past the last slot. */
  readonly end: number;
  /** Instructions in it; a load of 64 bits is one. */
  readonly count: number;
}

/** How control goes on behind an instruction. */
export type Ending = "jump" | "cond" | "exit" | "call" | "enter" | "interpreted" | "on";

/** What the instruction at `slot` does to control; `interpreted` are those that only the interpreter runs. */
export function endingOf(program: Program, slot: number, interpreted: (slot: number) => boolean): Ending {
  const op = program.plainOp[slot]!;
  if (op === OP.BAD || interpreted(slot)) return "interpreted";
  const leaves = op === 0x05 || op === OP.CALL_BPF || isCond(op);
  if (leaves && !(program.target[slot]! >= 0 && program.target[slot]! < program.insns.length)) return "interpreted";
  if (op === 0x05) return "jump";
  if (op === 0x95) return "exit";
  if (op === 0x85 || op === OP.CALL_KFUNC) return "call";
  if (op === OP.CALL_BPF) return "enter";
  return isCond(op) ? "cond" : "on";
}

/** The units of a program with breakpoints at `breaks`, by their start. */
export function unitsOf(program: Program, breaks: ReadonlySet<number>, interpreted: (slot: number) => boolean): Unit[] {
  const n = program.insns.length;
  const starts = new Set<number>(program.subprogStarts);
  const add = (slot: number): void => {
    if (slot >= 0 && slot < n) starts.add(slot);
  };
  for (let i = 0; i < n; i += width(program, i)) {
    const ending = endingOf(program, i, interpreted);
    if (ending === "jump" || ending === "cond" || ending === "enter") add(program.target[i]!);
    if (ending !== "on") add(i + 1);
    if (!breaks.has(i)) continue;
    add(i);
    add(i + width(program, i));
  }
  return [...starts].sort((a, b) => a - b).map((start) => unitAt(program, start, starts, interpreted));
}

function unitAt(program: Program, start: number, starts: ReadonlySet<number>, interpreted: (slot: number) => boolean): Unit {
  let end = start;
  let count = 0;
  let ending: Ending;
  do {
    ending = endingOf(program, end, interpreted);
    end += width(program, end);
    count++;
  } while (ending === "on" && end < program.insns.length && !starts.has(end));
  return { start, end, count };
}
