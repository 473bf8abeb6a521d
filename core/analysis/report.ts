// The plain answers of an analysis, fit to be sent between threads. They hold no classes and no functions.
import type { Explanation } from "../verifier/index.ts";

/** A place in a source file as BTF line info gives it; 1-based. */
export interface SourceSpot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface ProgramReport {
  readonly name: string;
  readonly section: string;
  readonly type: number;
  readonly expectedAttachType: number;
  /** `error`: no verdict could be given, `message` says why. */
  readonly verdict: "accept" | "reject" | "error";
  readonly reason?: "load-error" | "unsupported" | "limit" | "internal" | undefined;
  readonly message?: string | undefined;
  readonly errno: number;
  /** The last log lines that state the error. */
  readonly error: readonly string[];
  /** Slot where verification stopped, -1 when none. */
  readonly insn: number;
  readonly insnText: string;
  /** Function that holds `insn`, and the slot's distance from its start. */
  readonly func: string;
  readonly funcOffset: number;
  readonly source?: SourceSpot | undefined;
  /** Where the register or slot at fault was last written. */
  readonly lastWrite?: SourceSpot | undefined;
  readonly lastWriteInsn?: number | undefined;
  readonly explanation?: Explanation | undefined;
  /** Where the program itself stands in the source: its first line info. */
  readonly start?: SourceSpot | undefined;
  readonly insns: number;
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly stackDepths: readonly number[];
}

export interface MapReport {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

export interface FileReport {
  readonly programs: readonly ProgramReport[];
  readonly maps: readonly MapReport[];
  /** Set when the object could not be read at all. */
  readonly fault?: { readonly code: string; readonly message: string } | undefined;
}
