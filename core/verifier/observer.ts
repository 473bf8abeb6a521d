// What a verification tells whoever watches it: each state at each instruction. Types only; watching changes no answer.
import type { Scalars } from "./domain/scalars.ts";
import type { VState } from "./domain/state.ts";
import type { InsnIdx } from "../base/index.ts";

/** What stays the same during one verification. */
export interface Watched {
  /** Reads the scalars that registers refer to. */
  readonly scalars: Scalars;
  /** Registers that may still be read before an instruction, as bits. A kept state speaks of those only. */
  liveRegs(insnIdx: InsnIdx): number;
  /** The function that starts at an instruction, or -1. */
  subprogAt(insnIdx: InsnIdx): number;
  /** Whether a function is verified on its own, with calls of it skipped. */
  isGlobal(subprog: number): boolean;
}

/**
 * Called during {@link verify}; without one nothing is spent. States change after the call returns, their registers and stack slots do not:
 * copy the arrays, keep the elements. Precision marks of kept states are final when `verify` returns.
 */
export interface VerifyObserver {
  /** Function `subprog` (0: the program itself) is explored from its start. */
  begin(watched: Watched, subprog: number): void;
  /** The instruction at `state.insnIdx` comes next in `state`. If the state was kept here, `state.parent` is the kept copy. */
  visit(state: VState): void;
  /** `state` ends at `state.insnIdx`: the kept state `by` covers it. With `within` all ranges were compared, of scalars that are precise and of others. */
  covered(state: VState, by: VState, within: boolean): void;
  /** `to` starts as a copy of `from`, at the instruction that `from` visited last, and is explored later. */
  fork(from: VState, to: VState): void;
}
