// What a test run takes and gives. Types and the two answers that all runs share; it runs nothing.
import type { Stop } from "../vm/index.ts";
import type { RunState } from "./run-state.ts";
import type { Task } from "./task.ts";

export interface TestRunInput {
  readonly data?: Uint8Array | undefined;
  readonly ctx?: Uint8Array | undefined;
  readonly repeat?: number | undefined;
  readonly flags?: number | undefined;
  readonly cpu?: number | undefined;
  readonly task?: Task | undefined;
  /** The program hangs on something and gets a packet there: what only a test run refuses is allowed. */
  readonly attached?: boolean | undefined;
}
export interface TestRunResult {
  /** Negative errno of the call, 0 when the program ran. */
  readonly err: number;
  /** How the last run ended; undefined when none ran. A trap is no answer of the kernel: a verified program has none. */
  readonly stop?: Stop;
  /** Low 32 bits of the program's result. */
  readonly retval: number;
  readonly dataOut?: Uint8Array;
  readonly ctxOut?: Uint8Array;
}

/** A run that is set up; `finish` turns its end into the answer of the system call. */
export interface PreparedRun {
  readonly state: RunState;
  finish(stop: Stop): TestRunResult;
}

/** The answer of a call that was refused. */
export const failed = (errno: number): TestRunResult => ({ err: -errno, retval: 0 });
/** Low 32 bits of what the program returned. */
export const retvalOf = (stop: Stop): number => (stop.kind === "exit" ? Number(BigInt.asUintN(32, stop.retval)) : 0);
