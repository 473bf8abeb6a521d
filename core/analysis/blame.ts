// Which register a rejection is about, and where the failing path last wrote it, read from the verifier's own log. It judges nothing.
import {
  BPF_CALL,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_STX,
  BPF_ATOMIC,
  BPF_FETCH,
  BPF_CMPXCHG,
  BPF_LOAD_ACQ,
  insnClass,
  insnMode,
  isAlu,
  type Insn,
} from "../isa/index.ts";

export interface Blame {
  /** `R3`. */
  readonly subject: string;
  /** Instruction that wrote it last on the failing path. */
  readonly lastWrite: number;
  /** What the log says it held, in the log's notation. */
  readonly state: string | undefined;
}

/** The register that an instruction writes; calls write r0. */
function written(insn: Insn): number | undefined {
  const cls = insnClass(insn);
  if (isAlu(insn) || cls === BPF_LDX) return insn.dst;
  if (cls === BPF_LD) return insnMode(insn) === 0 ? insn.dst : 0;
  if (insn.code === (BPF_JMP | BPF_CALL)) return 0;
  if (cls !== BPF_STX || insnMode(insn) !== BPF_ATOMIC) return undefined;
  if (insn.imm === BPF_LOAD_ACQ) return insn.dst;
  if (insn.imm === BPF_CMPXCHG) return 0;
  return insn.imm & BPF_FETCH ? insn.src : undefined;
}

/** Reads the end of a level 1 log: `error` are the lines that state the rejection. Undefined when no register is named. */
export function blame(insns: readonly Insn[], log: string, error: readonly string[]): Blame | undefined {
  const register = /\bR(\d+)\b/.exec(error.join("\n"))?.[1];
  if (register === undefined) return undefined;
  const lines = log.split("\n");
  const path = lines.flatMap((text) => /^(\d+): \([0-9a-f]{2}\)/.exec(text)?.[1] ?? []).map(Number);
  const last = path.slice(0, -1).findLast((i) => insns[i] !== undefined && written(insns[i]) === Number(register));
  if (last === undefined) return undefined;
  const states = [...log.matchAll(new RegExp(`\\bR${register}(?:_\\w+)?=(\\w+(?:\\((?:[^()]|\\([^()]*\\))*\\))?)`, "g"))];
  return { subject: `R${register}`, lastWrite: last, state: states.at(-1)?.[1] };
}
