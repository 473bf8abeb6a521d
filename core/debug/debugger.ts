// Control of a running machine: breakpoints, steps by instruction and by line, and back. It knows no protocol and no kernel objects.
import { type Machine, type MachineSnapshot, OP, type Program, type Region, StoppableEngine, type Stop, type Watch } from "../vm/index.ts";
import { functionAt, lineAt } from "./lines.ts";

/** Why the program stopped. */
export type Halt =
  | { readonly reason: "breakpoint" | "step" | "entry" | "history" }
  /** Something watched is about to change; `what` says what. */
  | { readonly reason: "data"; readonly what: string }
  | { readonly reason: "end"; readonly stop: Stop };

/** Instructions between two snapshots of the history. */
const SLICE = 100_000;
const MOST_SNAPSHOTS = 200;

/** How many functions are inlined into each other at a slot. */
export type InlinedDepth = (program: Program, slot: number) => number;
/** More than functions are ever inlined into each other. */
const DEPTH_OF_CALL = 1 << 16;

interface Place {
  readonly executed: number;
  readonly program: Program;
  readonly pc: number;
  /** Of calls and, within them, of inlined functions. */
  readonly depth: number;
  readonly line: string;
}

/** Debugs one run, from its begin on. */
export class Debugger {
  readonly machine: Machine;
  /** Most instructions of the run. */
  readonly budget: number;
  readonly #breakpoints = new Map<Program, Set<number>>();
  /** Runs between breakpoints; the machine alone steps. */
  readonly #engine: StoppableEngine;
  #watch: Watch | undefined;
  #snapshots: MachineSnapshot[] = [];
  #start = 0;
  readonly #inlinedDepth: InlinedDepth;

  constructor(machine: Machine, budget: number, inlinedDepth: InlinedDepth = () => 0) {
    this.machine = machine;
    this.#engine = new StoppableEngine(machine);
    this.budget = budget;
    this.#inlinedDepth = inlinedDepth;
  }

  /** Call after Machine.begin. */
  begin(): void {
    this.#snapshots = [this.machine.snapshot()];
    this.#start = this.machine.executed;
  }

  // ---- breakpoints ----
  /** Replaces the breakpoints of a program. */
  setBreakpoints(program: Program, slots: Iterable<number>): void {
    this.#breakpoints.set(program, new Set([...slots].filter((s) => s >= 0 && s < program.insns.length)));
    this.#arm();
  }
  /** What the machine asks before it goes on; none of them: it asks nothing. */
  setWatches(watches: readonly Watch[]): void {
    this.#watch = watches.length === 0 ? undefined : all(watches);
    this.#arm();
  }
  #arm(): void {
    for (const [program, slots] of this.#breakpoints) {
      program.op.set(program.plainOp);
      for (const slot of slots) program.op[slot] = OP.BREAK;
    }
    if (this.machine.watch !== this.#watch) this.machine.setWatch(this.#watch);
  }
  /** For a replay: nothing stops it. */
  #disarm(): void {
    for (const program of this.#breakpoints.keys()) program.op.set(program.plainOp);
    this.machine.setWatch(undefined);
  }
  /** Lets something else run on the machine that breakpoints and watches do not stop. */
  undisturbed<R>(run: () => R): R {
    this.#disarm();
    try {
      return run();
    } finally {
      this.#arm();
    }
  }
  #atBreakpoint(): boolean {
    return this.#breakpoints.get(this.machine.program)?.has(this.machine.pc) ?? false;
  }

  // ---- forward ----
  /** Runs to the next breakpoint, watched change or the end. */
  continue(): Halt {
    for (;;) {
      const stop = this.#engine.run(SLICE);
      if (stop.kind === "break") return { reason: "breakpoint" };
      if (stop.kind === "watch") return { reason: "data", what: stop.what };
      if (stop.kind !== "budget") return { reason: "end", stop };
      this.#remember();
      if (this.#overBudget()) return this.#limit();
    }
  }
  /** One instruction; a call counts as one with `over`. */
  stepInstruction(over = false): Halt {
    const { depth } = this.machine;
    return this.#stepUntil(() => !over || this.machine.depth <= depth, "step");
  }
  /** To the start of another source line (or of the same line in another call). */
  stepLine(kind: "in" | "over" | "out"): Halt {
    const from = this.#place();
    return this.#stepUntil(() => {
      const now = this.#place();
      if (kind === "out") return now.depth < from.depth;
      if (now.depth < from.depth) return true;
      if (kind === "over" && now.depth > from.depth) return false;
      return now.line !== "" && (now.line !== from.line || now.depth !== from.depth || now.pc <= from.pc) && this.#startsLine(now);
    }, "step");
  }
  #startsLine(p: Place): boolean {
    const before = p.pc > 0 ? lineAt(p.program, p.pc - 1) : undefined;
    return (
      functionAt(p.program, p.pc).start === p.pc ||
      !before ||
      `${before.file}:${before.line}` !== p.line ||
      before.insnIdx !== lineAt(p.program, p.pc)?.insnIdx
    );
  }

  /** Steps until `done`, a breakpoint (not the one it stands on), a watched change or the end. */
  #stepUntil(done: () => boolean, reason: "step" | "breakpoint"): Halt {
    for (;;) {
      const stop = this.machine.run(1);
      if (stop.kind === "exit" || stop.kind === "trap") return { reason: "end", stop };
      if (stop.kind === "watch") return { reason: "data", what: stop.what };
      if (done()) return { reason };
      if (this.#atBreakpoint()) return { reason: "breakpoint" };
      if ((this.machine.executed - this.#start) % SLICE === 0) this.#remember();
      if (this.#overBudget()) return this.#limit();
    }
  }
  #overBudget(): boolean {
    return this.machine.executed - this.#start > this.budget;
  }
  #limit(): Halt {
    const { machine } = this;
    machine.done = true;
    const trap = {
      cause: "limit" as const,
      message: `the program ran ${this.budget} instructions without an end`,
      insnIdx: machine.pc,
      program: machine.program.source.name,
    };
    return { reason: "end", stop: { kind: "trap", trap } };
  }

  // ---- back ----
  #remember(): void {
    const { executed } = this.machine;
    if (executed <= this.#snapshots.at(-1)!.executed) return;
    this.#snapshots.push(this.machine.snapshot());
    if (this.#snapshots.length > MOST_SNAPSHOTS) this.#snapshots = this.#snapshots.filter((_, i) => i % 2 === 0);
  }
  #place(): Place {
    const { program, pc, executed } = this.machine;
    const line = lineAt(program, pc);
    const depth = this.machine.depth * DEPTH_OF_CALL + this.#inlinedDepth(program, pc);
    return { executed, program, pc, depth, line: line ? `${line.file}:${line.line}` : "" };
  }
  /** Puts the machine into the state after `executed` instructions, by replay from the nearest snapshot before. */
  goTo(executed: number): void {
    const from = this.#snapshots.findLast((s) => s.executed <= executed) ?? this.#snapshots[0]!;
    this.machine.restore(from);
    this.#snapshots = this.#snapshots.filter((s) => s.executed <= executed);
    this.#disarm();
    if (executed > from.executed) this.machine.run(executed - from.executed);
    this.#arm();
  }
  /** All places from a snapshot up to (not including) `end`. */
  #replay(from: MachineSnapshot, end: number): Place[] {
    this.machine.restore(from);
    this.#disarm();
    const places: Place[] = [];
    while (this.machine.executed < end && !this.machine.done) {
      places.push(this.#place());
      this.machine.run(1);
    }
    this.#arm();
    return places;
  }
  /** Goes back to the latest earlier place that `wanted` takes, or to the start. */
  #back(wanted: (p: Place, next: Place | undefined) => boolean): Halt {
    let end = this.machine.executed;
    for (let i = this.#snapshots.length - 1; i >= 0; i--) {
      const from = this.#snapshots[i]!;
      if (from.executed >= end) continue;
      const places = this.#replay(from, end);
      const found = places.findLastIndex((p, k) => wanted(p, places[k - 1]));
      if (found >= 0) {
        this.goTo(places[found]!.executed);
        return { reason: "step" };
      }
      end = from.executed;
    }
    this.goTo(this.#start);
    return { reason: "history" };
  }
  stepBackInstruction(): Halt {
    return this.#back(() => true);
  }
  /** To the start of the line that ran before, in this function or its callers. */
  stepBackLine(): Halt {
    const now = this.#place();
    return this.#back(
      (p, before) =>
        p.line !== "" &&
        p.depth <= now.depth &&
        (!before || before.line !== p.line || before.depth !== p.depth) &&
        (p.line !== now.line || p.depth !== now.depth || p.pc < now.pc),
    );
  }
  /** Back to the last breakpoint, or to the start. */
  reverseContinue(): Halt {
    const halt = this.#back((p) => this.#breakpoints.get(p.program)?.has(p.pc) ?? false);
    return halt.reason === "step" ? { reason: "breakpoint" } : halt;
  }
}

/** Several watches as one; the first that has something to say stops. */
function all(watches: readonly Watch[]): Watch {
  const first = (ask: (w: Watch) => string | undefined): string | undefined => {
    for (const w of watches) {
      const what = ask(w);
      if (what !== undefined) return what;
    }
    return undefined;
  };
  return {
    covers: (region: Region) => watches.some((w) => w.covers(region)),
    beforeStore: (at, size) => first((w) => w.beforeStore(at, size)),
    beforeCall: (vm) => first((w) => w.beforeCall(vm)),
    afterCall: (vm) => watches.forEach((w) => w.afterCall?.(vm)),
  };
}
