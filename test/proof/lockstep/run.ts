// One program under lockstep: verified with its states kept, then run on several inputs, each instruction compared. It chooses no programs.
import { Cancelled, CodedError } from "../../../core/base/index.ts";
import { prepareEvent, prepareRun, SimKernel, type LoadedProgram, type TestRunInput } from "../../../core/kernel/index.ts";
import { PROG_TYPE } from "../../../core/catalog/index.ts";
import type { Btf } from "../../../core/object/index.ts";
import { verify, type VerifyInput } from "../../../core/verifier/index.ts";
import { type Machine, type MachineSnapshot, MAX_LOOPS, type Stop } from "../../../core/vm/index.ts";
import { FRAME_WORDS, FRAMES_AT } from "../../../core/vm/layout.ts";
import { random } from "../../object/mutants.ts";
import { Trace } from "./trace.ts";
import { View } from "./view.ts";
import { Walk, type Violation } from "./walk.ts";

/** How a run ended: `exit`, `steps` (the limit), `refused` (the input), `tail-call`, or the cause of a trap that is no fault of the program. */
export type End = string;
export interface Compared {
  /** accept, reject, error of the verifier; `large` when it went through too many states to keep. */
  readonly verdict: string;
  readonly processed: number;
  readonly nodes: number;
  readonly steps: number;
  readonly ends: readonly End[];
  /** Number of the input and what was wrong; the first violation ends the comparison. */
  readonly violation?: Violation & { readonly input: number };
  /** Instead: what was wrong is not when the kernel's known gaps are closed (KERNEL_GAPS). */
  readonly gap?: Violation & { readonly input: number };
}
/** Causes of traps that say that the simulator has no answer, not that the program misbehaves. */
const NO_FAULT: ReadonlySet<string> = new Set(["unsupported-helper", "unsupported-kfunc", "unsupported-access", "limit", "out-of-memory"]);
/** Passes of may_goto after which a loop ends, at most: the kernel ends it after any number. */
const LOOP_PASSES = 12;

/** Types whose context is plain bytes of an event, which BPF_PROG_TEST_RUN does not take. */
export const ON_EVENTS: ReadonlySet<number> = new Set([PROG_TYPE.KPROBE, PROG_TYPE.TRACEPOINT, PROG_TYPE.PERF_EVENT]);

/** Makes the bytes of input number `n`. */
export type MakeInput = (n: number, next: (n: number) => number) => TestRunInput;

export interface BenchOptions {
  /** Types of the kernel. */
  readonly btf: Btf;
  /** Instructions of one run that are followed. */
  readonly maxSteps: number;
  /** States of a verification that are kept; one with more is not compared. */
  readonly maxStates: number;
}

/** A kernel with the maps of one set of programs, used again for each of them. */
export class Bench {
  readonly kernel: SimKernel;
  readonly #fds: number[];
  readonly #base: MachineSnapshot;
  readonly #options: BenchOptions;

  constructor(maps: VerifyInput["maps"], options: BenchOptions) {
    this.#options = options;
    this.kernel = new SimKernel({ kfuncName: (id) => this.#nameOf(id), hardware: { cpus: 2 }, kernelTypes: options.btf });
    this.#fds = maps.map((m) => {
      const fd = this.kernel.createMap(m);
      if (fd < 0) throw new CodedError("map-create", `map ${m.name}: errno ${-fd}`);
      return fd;
    });
    this.#base = this.kernel.machine.snapshot();
  }
  #nameOf(id: number): string | undefined {
    const { btf } = this.#options;
    return id > 0 && id < btf.typeCount ? btf.type(id).name : undefined;
  }

  /** Verifies `input` and, when it is accepted, runs it `inputs` times under lockstep. What is wrong because the kernel is known to be is told apart. */
  compare(input: VerifyInput, inputs: number, make: MakeInput, seed: number): Compared {
    const first = this.#compare(input, { inputs, make, seed, closeGaps: false });
    if (!first.violation) return first;
    const closed = this.#compare(input, { inputs, make, seed, closeGaps: true });
    // With the precision that the kernel leaves out a loop may have no end.
    if (closed.violation) return first;
    const { violation, ...rest } = first;
    return { ...rest, gap: violation };
  }
  #compare(input: VerifyInput, how: { inputs: number; make: MakeInput; seed: number; closeGaps: boolean }): Compared {
    const { inputs, make, seed } = how;
    const trace = new Trace(this.#options.maxStates);
    const { verdict, processed } = this.#verify(input, trace, how.closeGaps);
    const out = { verdict, processed, nodes: trace.nodes, steps: 0, ends: [] as End[] };
    if (verdict !== "accept") return out;
    this.kernel.machine.restore(this.#base);
    const program = this.#load(input);
    const view = new View(this.kernel, program, trace.watched);
    for (let n = 0; n < inputs; n++) {
      const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
      this.#fillMaps(program, next);
      const one = this.#run({ input, program, trace, view }, make(n, next), next);
      out.steps += one.steps;
      out.ends.push(one.end);
      if (one.violation) return { ...out, violation: { ...one.violation, input: n } };
    }
    return out;
  }
  #verify(input: VerifyInput, trace: Trace, closeGaps: boolean): { verdict: string; processed: number } {
    const cancel = {
      get cancelled(): boolean {
        return !trace.complete;
      },
    };
    try {
      const { verdict, processed } = verify(input, { logLevel: 0, kernelBtf: this.#options.btf, observer: trace, cancel, closeGaps });
      return { verdict: verdict === "accept" && !trace.complete ? "large" : verdict, processed };
    } catch (e) {
      if (e instanceof Cancelled) return { verdict: "large", processed: trace.nodes };
      throw e;
    }
  }
  #load(input: VerifyInput): LoadedProgram {
    const spec = {
      name: "lockstep",
      type: input.type,
      expectedAttachType: input.expectedAttachType,
      insns: input.insns,
      license: input.license,
    };
    return this.kernel.programByFd(this.kernel.loadProgram(spec, this.#fds))!;
  }
  /** Some elements of the maps that programs may write are there, with any content. */
  #fillMaps(program: LoadedProgram, next: (n: number) => number): void {
    program.maps.forEach((map, i) => {
      if (map.frozen || map.keySize === 0 || map.keySize > 64 || map.valueSize > 4096 || map.valueSize === 0) return;
      for (let k = 0; k < 3; k++) {
        const key = new Uint8Array(map.keySize);
        key[0] = next(8);
        if (next(6) === 0) this.kernel.mapDelete(this.#fds[i]!, key);
        else this.kernel.mapUpdate(this.#fds[i]!, key, someBytes(map.sysValueSize, next), 0);
      }
    });
  }

  #run(
    what: { input: VerifyInput; program: LoadedProgram; trace: Trace; view: View },
    data: TestRunInput,
    next: (n: number) => number,
  ): { steps: number; end: End; violation?: Violation } {
    const { type } = what.program.spec;
    const prepared = ON_EVENTS.has(type) ? prepareEvent(this.kernel, what.program, data) : prepareRun(this.kernel, what.program, data);
    if ("err" in prepared) return { steps: 0, end: "refused" };
    const { machine } = this.kernel;
    this.kernel.begin(what.program, prepared.state);
    const walk = new Walk(what.trace, what.view, what.input.insns);
    const first = walk.start();
    if (first) return { steps: 0, end: "violation", violation: first };
    const done = this.#follow(machine, walk, next);
    prepared.finish({ kind: "budget" } as Stop);
    return done;
  }
  #follow(machine: Machine, walk: Walk, next: (n: number) => number): { steps: number; end: End; violation?: Violation } {
    const { program, tailCalls } = machine;
    const shorten = (depth: number): void => {
      machine.memory.i32[(FRAMES_AT >> 2) + depth * FRAME_WORDS + 13] = MAX_LOOPS - next(LOOP_PASSES);
    };
    shorten(machine.depth);
    for (let steps = 1; steps <= this.#options.maxSteps; steps++) {
      const { pc, depth } = machine;
      const stop = machine.run(1);
      if (stop.kind === "trap") {
        if (NO_FAULT.has(stop.trap.cause)) return { steps, end: stop.trap.cause };
        const violation = { insnIdx: pc, what: "trap", state: "an accepted program has none", value: stop.trap.message };
        return { steps, end: "trap", violation };
      }
      if (stop.kind === "exit") return { steps, end: "exit" };
      if (machine.program !== program || machine.tailCalls !== tailCalls) return { steps, end: "tail-call" };
      if (machine.depth > depth) shorten(machine.depth);
      const violation = walk.step(pc, depth);
      if (violation) return { steps, end: "violation", violation };
    }
    machine.done = true;
    return { steps: this.#options.maxSteps, end: "steps" };
  }
}

/** Bytes of all kinds: zeros, small numbers, extremes, anything. */
export function someBytes(size: number, next: (n: number) => number): Uint8Array {
  const out = new Uint8Array(size);
  const kind = next(5);
  if (kind === 0) return out;
  for (let i = 0; i < size; i++)
    out[i] = kind === 1 ? (i % 4 ? 0 : next(16)) : kind === 2 ? (next(3) ? 255 : 127 + next(2)) : kind === 3 && next(2) ? 0 : next(256);
  return out;
}
