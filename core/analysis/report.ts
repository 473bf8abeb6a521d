// The plain answers of an analysis, fit to be sent between threads. They hold no classes and no functions.
import type { Explanation } from "../verifier/index.ts";

/** A place in a source file as BTF line info gives it; 1-based. */
export interface SourceSpot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** An instruction, by its slot in the program, by its function, and by its source line. */
export interface InsnPlace {
  readonly insn: number;
  /** Function that holds it, and the slot's distance from that function's start. */
  readonly func: string;
  readonly funcOffset: number;
  readonly source?: SourceSpot | undefined;
}

/** Where the knowledge behind a rejection came from; see Explanation. */
export interface KnowledgePlaces {
  readonly lastWrite?: InsnPlace | undefined;
  readonly origin?: InsnPlace | undefined;
  readonly tests: readonly (InsnPlace & { readonly taken: boolean })[];
}

/** The place is that of the instruction where verification stopped, with `insn` -1 when there is none. */
export interface ProgramReport extends InsnPlace {
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
  readonly insnText: string;
  readonly explanation?: Explanation | undefined;
  readonly knowledge?: KnowledgePlaces | undefined;
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
