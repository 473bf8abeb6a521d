// Incremental analysis of files: an unchanged program is never verified again. It does no I/O and schedules nothing.
import { BugError, Cancelled, CodedError, type CancelToken } from "../base/index.ts";
import { helperById } from "../catalog/index.ts";
import { disassemble } from "../isa/index.ts";
import type { Btf, Caps, LineInfo, ObjectSpec, ProgramSpec } from "../object/index.ts";
import { verifyInputOf, type Explanation, type VerifyInput, type VerifyOptions, type VerifyResult } from "../verifier/index.ts";
import { programKey } from "./program-key.ts";
import type { FileReport, InsnPlace, KnowledgePlaces, ProgramReport, SourceSpot } from "./report.ts";

/** What the analysis asks others to do. */
export interface AnalysisEnv {
  /** Loads as a loader with the capabilities of the options would. */
  load(bytes: Uint8Array, fileName: string): ObjectSpec;
  verify(input: VerifyInput, options: VerifyOptions): VerifyResult;
  readonly kernelBtf: Btf | undefined;
}

export interface AnalysisOptions {
  readonly cancel?: CancelToken;
  readonly kernelVersion?: string;
  /** What the loader may do, default everything. */
  readonly caps?: Caps;
}

/** Verdicts of one file by program key; only those of its last two states are kept. */
interface Memory {
  verdicts: Map<string, VerifyResult>;
  object: ObjectSpec | undefined;
}

const MAX_FILES = 64;

/** The last line info at or before a slot, within the same function. */
function spotAt(lines: readonly LineInfo[], insn: number, from: number): LineInfo | undefined {
  let best: LineInfo | undefined;
  for (const l of lines) if (l.insnIdx <= insn && l.insnIdx >= from && (!best || l.insnIdx >= best.insnIdx)) best = l;
  return best;
}
const spot = (l: LineInfo | undefined): SourceSpot | undefined => l && { file: l.file, line: l.line, column: l.column, text: l.text };

/** Name and first slot of the function that holds `insn`. */
function funcAt(program: ProgramSpec, insn: number): { name: string; start: number } {
  let found = { name: program.name, start: 0 };
  for (const [start, name] of program.subprogNames) if (start <= insn && start >= found.start) found = { name, start };
  return found;
}

/** The place of slot `insn`, -1 for none. */
function placeOf(program: ProgramSpec, insn: number): InsnPlace {
  const func = funcAt(program, Math.max(insn, 0));
  const source = spot(insn < 0 ? undefined : spotAt(program.lineInfo, insn, func.start));
  return { insn, func: func.name, funcOffset: Math.max(insn, 0) - func.start, source };
}
function knowledgeOf(program: ProgramSpec, { lastWrite, origin, tests = [] }: Explanation): KnowledgePlaces {
  const at = (insn: number | undefined): InsnPlace | undefined => (insn === undefined ? undefined : placeOf(program, insn));
  return {
    lastWrite: at(lastWrite),
    origin: at(origin),
    tests: tests.map((t) => ({ ...placeOf(program, t.insnIdx), taken: t.taken })),
  };
}

function insnText(program: ProgramSpec, insn: number): string {
  const at = program.insns[insn];
  return at ? disassemble(at, program.insns[insn + 1], { helper: (id) => helperById(id)?.name }) : "";
}

/** Remembers what was found about files and redoes only what changed. `queries` records each piece of work done, for tests and traces. */
export class Analysis {
  readonly #env: AnalysisEnv;
  readonly #files = new Map<string, Memory>();
  readonly queries: string[] = [];

  constructor(env: AnalysisEnv) {
    this.#env = env;
  }

  /** Reports on every program of an object. Throws {@link Cancelled} when told to stop; verdicts found until then are kept. */
  analyse(file: string, bytes: Uint8Array, options: AnalysisOptions = {}): FileReport {
    const memory = this.#memory(file);
    let object: ObjectSpec;
    try {
      this.queries.push(`load ${file}`);
      object = this.#env.load(bytes, file);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { programs: [], maps: [], fault: { code: error.code, message: error.message } };
    }
    memory.object = object;
    const kept = new Map<string, VerifyResult>();
    const programs = object.programs.map((program) => this.#program(program, object, memory, kept, options));
    memory.verdicts = kept;
    const maps = object.maps.map(({ name, type, keySize, valueSize, maxEntries }) => ({ name, type, keySize, valueSize, maxEntries }));
    return { programs, maps };
  }

  /** The complete log of one program of a file that was analysed, at the given level; undefined when there is no such program. */
  log(file: string, program: string, logLevel: number, options: AnalysisOptions = {}): string | undefined {
    const object = this.#files.get(file)?.object;
    const found = object?.programs.find((p) => p.name === program);
    if (!object || !found) return undefined;
    this.queries.push(`log ${found.name}`);
    return this.#env.verify(verifyInputOf(object, found), this.#options(logLevel, options)).log;
  }

  /** The loaded object of a file that was analysed. */
  object(file: string): ObjectSpec | undefined {
    return this.#files.get(file)?.object;
  }

  forget(file: string): void {
    this.#files.delete(file);
  }

  #memory(file: string): Memory {
    const memory = this.#files.get(file) ?? { verdicts: new Map<string, VerifyResult>(), object: undefined };
    this.#files.delete(file);
    this.#files.set(file, memory);
    const [oldest] = this.#files.keys();
    if (this.#files.size > MAX_FILES && oldest !== undefined) this.#files.delete(oldest);
    return memory;
  }
  #options(logLevel: number, options: AnalysisOptions): VerifyOptions {
    return { logLevel, kernelBtf: this.#env.kernelBtf, ...options };
  }

  #program(
    program: ProgramSpec,
    object: ObjectSpec,
    memory: Memory,
    kept: Map<string, VerifyResult>,
    options: AnalysisOptions,
  ): ProgramReport {
    if (program.error) return this.#unverified(program, "load-error", program.error.message);
    const key = `${options.kernelVersion ?? ""} ${options.caps ?? ""}\n${programKey(program, object.maps, object.btf)}`;
    let result = kept.get(key) ?? memory.verdicts.get(key);
    if (!result) {
      this.queries.push(`verify ${program.name}`);
      try {
        result = this.#env.verify(verifyInputOf(object, program), this.#options(0, options));
      } catch (error) {
        if (error instanceof Cancelled || !(error instanceof BugError || error instanceof CodedError)) throw error;
        return this.#unverified(program, error instanceof BugError ? "internal" : "load-error", error.message);
      }
      memory.verdicts.set(key, result);
    }
    kept.set(key, result);
    return this.#report(program, result);
  }

  #unverified(program: ProgramSpec, reason: "load-error" | "internal", message: string): ProgramReport {
    const none = { errno: 0, error: [message], insn: -1, processed: 0, totalStates: 0, peakStates: 0, stackDepths: [] };
    return { ...this.#place(program, -1), ...none, verdict: "error", reason, message };
  }

  #place(program: ProgramSpec, insn: number) {
    const { name, section, type, expectedAttachType } = program;
    const base = { name, section, type, expectedAttachType, insns: program.insns.length, start: spot(program.lineInfo[0]) };
    return { ...base, insnText: insn < 0 ? "" : insnText(program, insn), ...placeOf(program, insn) };
  }

  #report(program: ProgramSpec, r: VerifyResult): ProgramReport {
    const { verdict, reason, message, errno, error, insn, processed, totalStates, peakStates, stackDepths, explanation } = r;
    const facts = { verdict, reason, message, errno, error, insn, processed, totalStates, peakStates, stackDepths, explanation };
    return { ...this.#place(program, insn), ...facts, knowledge: explanation && knowledgeOf(program, explanation) };
  }
}
