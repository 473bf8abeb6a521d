// The call stack as a user reads it: calls of the machine, and functions inlined into them as frames of their own. It moves nothing.
import { functionAt, lineAt } from "../../core/debug/index.ts";
import type { Program } from "../../core/vm/index.ts";
import type { Runtime } from "./runtime.ts";

/** One frame; the innermost has the index 0, which is its id in the protocol. */
export interface CallFrame {
  readonly program: Program;
  /** Slot that runs next, or whose call has not returned. */
  readonly pc: number;
  /** Calls above the innermost. */
  readonly up: number;
  /** Functions inlined at `pc` that are further inside. */
  readonly level: number;
  readonly name: string;
  /** Empty, with line 0, where the object says nothing. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** All frames, innermost first. */
export function callStack(runtime: Runtime): CallFrame[] {
  return runtime.kernel.machine.frames().flatMap(({ program, pc }, up): CallFrame[] => {
    const described = runtime.framesAt(program, pc);
    let at = lineAt(program, pc) ?? { file: "", line: 0, column: 0 };
    return described.map((frame, level): CallFrame => {
      const { file, line, column } = at;
      at = { file: frame.callFile, line: frame.callLine, column: frame.callColumn };
      const name = frame.inlined ? frame.name : functionAt(program, pc).name;
      return { program, pc, up, level, name, file, line, column };
    });
  });
}

/** Slots where code of an inlined function begins. */
export function inlinedCopies(runtime: Runtime, program: Program, name: string): number[] {
  const here = (slot: number): boolean => slot >= 0 && runtime.framesAt(program, slot).some((f) => f.inlined && f.name === name);
  return [...program.insns.keys()].filter((slot) => here(slot) && !here(slot - 1));
}
