// What goes into a verification and what comes out, and the way from an object's program to it. It verifies nothing.
import type { BtfId, CancelToken, InsnIdx } from "../base/index.ts";
import type { Btf, Caps, FuncInfo, LineInfo, MapSpec, ObjectSpec, ProgramSpec } from "../object/index.ts";
import type { Insn } from "../isa/index.ts";
import type { VerifyObserver } from "./observer.ts";

/** One program as BPF_PROG_LOAD gets it. ld_imm64 of a map holds the index into `maps`. */
export interface VerifyInput {
  readonly name: string;
  readonly type: number;
  readonly expectedAttachType: number;
  readonly attachBtfId: BtfId;
  readonly flags: number;
  readonly license: string;
  readonly insns: readonly Insn[];
  readonly maps: readonly MapSpec[];
  /** The object's own BTF; func_info and map BTF ids refer to it. */
  readonly btf?: Btf | undefined;
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
}

/** A program of an object as the verifier takes it: without types and what refers to them where the kernel refuses the object's BTF. */
export function verifyInputOf(object: Pick<ObjectSpec, "maps" | "btf" | "btfRefusal">, program: ProgramSpec): VerifyInput {
  const { name, type, expectedAttachType, attachBtfId, flags, license, insns } = program;
  const debug = object.btfRefusal
    ? { funcInfo: [], lineInfo: [] }
    : { funcInfo: program.funcInfo, lineInfo: program.lineInfo, btf: object.btf };
  return { name, type, expectedAttachType, attachBtfId, flags, license, insns, ...debug, maps: object.maps };
}

export interface VerifyOptions {
  /** As the kernel's log_level: 1 the failing path, 2 every state, 4 statistics; 0 is answered with the last lines only. */
  readonly logLevel: number;
  /** The kernel's types; without them BTF-typed programs and kfuncs answer `unsupported`. */
  readonly kernelBtf?: Btf | undefined;
  /** What the loader may do, default everything. */
  readonly caps?: Caps;
  readonly cancel?: CancelToken;
  /** Bytes of log kept; the end is kept when it is longer. Default 16 MiB. */
  readonly logBytes?: number;
  /** `X.Y`; features newer than this are rejected with "needs Linux X.Y". Default 6.18. */
  readonly kernelVersion?: string;
  /** Answers more strictly than the kernel where it is known to be wrong (KERNEL_GAPS). */
  readonly closeGaps?: boolean;
  /** Watches every step; the answer is the same. */
  readonly observer?: VerifyObserver;
}

/** Why a program was rejected, as data beside the text. */
export interface Explanation {
  /** Id of the check that failed, e.g. `map-value-bounds`; docs/diagnostics/ID.md says what must hold. */
  readonly check: string;
  /** Register (`R3`) or stack slot (`fp-8`) at fault. */
  readonly subject?: string;
  /** What was known of it, in the log's notation. */
  readonly state?: string;
  /** Instruction that last wrote the subject on the failing path. */
  readonly lastWrite?: InsnIdx;
  /** Instruction that made the value, when it came to the subject through moves, spills, fills and calls. */
  readonly origin?: InsnIdx;
  /** Comparisons of the value between its origin and the fault, newest first; none means that it was never tested. */
  readonly tests?: readonly BranchTest[];
}
/** A conditional jump of the failing path. */
export interface BranchTest {
  readonly insnIdx: InsnIdx;
  readonly taken: boolean;
}

export interface VerifyResult {
  readonly verdict: "accept" | "reject" | "error";
  /** With verdict `error`. */
  readonly reason?: "unsupported" | "limit";
  readonly message?: string;
  /** Positive errno, 0 when accepted. */
  readonly errno: number;
  /** The last log lines that state the error. */
  readonly error: readonly string[];
  /** Instruction where verification stopped, -1 when accepted or before any instruction. */
  readonly insn: InsnIdx;
  readonly log: string;
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  /** Stack depth in bytes of each main/async subprogram chain, as in the log's `stack depth` line. */
  readonly stackDepths: readonly number[];
  readonly explanation?: Explanation;
  /** Of an accepted program: slots whose load or store reaches other things than plain memory, for engines that run it without checks. */
  readonly special?: readonly InsnIdx[];
}
