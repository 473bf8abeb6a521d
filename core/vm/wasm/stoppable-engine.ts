// Runs programs as WebAssembly that stops at breakpoints, hands over to the interpreter for what it does not do itself, and takes over again.
import { accessSize } from "../../isa/index.ts";
import { interpret, STOP_BREAK, STOP_BUDGET, STOP_EXIT } from "../interpreter.ts";
import { DIRTY_AT, PAGE_BYTES } from "../layout.ts";
import type { Machine, Stop } from "../machine.ts";
import { OP, type Program } from "../program.ts";
import { TrapSignal } from "../trap.ts";
import { WatchSignal } from "../watch.ts";
import { FUEL_AT } from "./fuel.ts";
import { compileStoppable, ELSEWHERE, ENDED, RUN, WHOLE, type StopOptions } from "./stoppable.ts";
import type { Unit } from "./units.ts";

type Run = (unit: number) => number;
interface Compiled {
  readonly program: Program;
  /** Breakpoints and watching that it was compiled for. */
  readonly key: string;
  readonly units: readonly Unit[];
  /** Unit that begins at a slot, -1 for none. */
  readonly unitAt: Int32Array;
  /** Undefined: only the interpreter runs the program. */
  readonly run: Run | undefined;
}

const MOST_FUEL = 0x3fffffff;
const SCRATCH_WORD = FUEL_AT >> 2;

/** The second gear of one machine: breakpoints cost nothing until they are hit. */
export class StoppableEngine {
  readonly #vm: Machine;
  /** By the program's id. */
  readonly #compiled: (Compiled | undefined)[] = [];
  /** The compiled form of the program that runs, within one run. */
  #now: Compiled | undefined;
  /** Fuel at the last call out of compiled code. */
  #fuel = 0;

  constructor(vm: Machine) {
    this.#vm = vm;
  }

  /** As {@link Machine.run}, and with the same result to the instruction. */
  run(budget: number): Stop {
    const vm = this.#vm;
    if (vm.done) return { kind: "exit", retval: vm.r0() };
    if (!vm.memory.wasm || vm.followsRegisters) return vm.run(budget);
    const end = vm.executed + budget;
    this.#now = undefined;
    try {
      if (budget <= 0) return { kind: "budget" };
      // What has stopped it at the current instruction is passed.
      let stop = vm.atBreakpoint() || vm.watch ? vm.interpretOne() : STOP_BUDGET;
      while (stop === STOP_BUDGET && vm.executed < end) stop = this.#some(end);
      if (stop === STOP_EXIT) return { kind: "exit", retval: vm.r0() };
      return stop === STOP_BREAK ? { kind: "break" } : { kind: "budget" };
    } catch (e) {
      return vm.stopOf(e);
    }
  }

  /** Runs compiled code as far as it goes, and then one instruction by the interpreter: STOP_EXIT, STOP_BREAK, or STOP_BUDGET to go on. */
  #some(end: number): number {
    const vm = this.#vm;
    if (this.#now?.program !== vm.program) this.#now = this.#of(vm.program);
    const compiled = this.#now;
    const unit = compiled.unitAt[vm.pc] ?? -1;
    if (compiled.run && unit >= 0 && compiled.units[unit]!.count <= end - vm.executed) {
      const status = this.#enter(compiled.run, unit, Math.min(end - vm.executed, MOST_FUEL));
      if (status === ENDED) return STOP_EXIT;
      if (status === ELSEWHERE) return STOP_BUDGET;
      vm.pc = status;
      if (vm.executed >= end) return STOP_BUDGET;
    }
    return interpret(vm, 1);
  }
  #enter(run: Run, unit: number, fuel: number): number {
    const vm = this.#vm;
    vm.memory.dirty.fill(1, 0, DIRTY_AT / PAGE_BYTES);
    try {
      vm.memory.i32[SCRATCH_WORD] = fuel;
      const status = run(unit);
      vm.executed += fuel - vm.memory.i32[SCRATCH_WORD]!;
      // As in the interpreter, the instruction that ends the run does not count.
      if (status === ENDED) vm.executed--;
      return status;
    } catch (e) {
      // The call that failed is paid for but has not run.
      vm.executed += fuel - this.#fuel - 1;
      throw e;
    }
  }

  #of(program: Program): Compiled {
    const breaks = new Set<number>();
    for (let i = 0; i < program.op.length; i++) if (program.op[i] === OP.BREAK) breaks.add(i);
    const watched = this.#vm.watch !== undefined;
    const shadowed = this.#vm.shadow !== undefined;
    const key = `${watched ? "w" : ""}${shadowed ? "s" : ""}${[...breaks].join()}`;
    let known = this.#compiled[program.id];
    if (known?.program !== program || known.key !== key)
      this.#compiled[program.id] = known = this.#compile(program, key, { breaks, watched, shadowed });
    return known;
  }
  #compile(program: Program, key: string, options: StopOptions): Compiled {
    const stoppable = compileStoppable(program, this.#vm.memory, options);
    const unitAt = new Int32Array(program.insns.length).fill(-1);
    const units = stoppable?.units ?? [];
    units.forEach((u, i) => (unitAt[u.start] = i));
    const run = stoppable && this.#instantiate(stoppable.bytes, program, unitAt);
    return { program, key, units, unitAt, run };
  }

  #instantiate(bytes: Uint8Array, program: Program, unitAt: Int32Array): Run {
    const vm = this.#vm;
    const size = program.insns.map((insn) => accessSize(insn.code));
    /** Notes where a call out stands, and answers the unit that begins at the slot which `go` says is next. */
    const out = (pc: number, fuel: number, go: () => number): number => {
      this.#fuel = fuel;
      vm.pc = pc;
      const next = go();
      if (next < 0) return ENDED;
      vm.pc = next;
      const unit = vm.program === program ? unitAt[next] : undefined;
      return unit === undefined || unit < 0 ? ELSEWHERE : unit;
    };
    const ended = (next: number): number => {
      if (next < 0) vm.done = true;
      return next;
    };
    const attempt = (access: () => void): number => {
      try {
        access();
        return 0;
      } catch (e) {
        if (!(e instanceof TrapSignal || e instanceof WatchSignal)) throw e;
        return 1;
      }
    };
    const imports = {
      memory: vm.memory.wasm,
      call: (pc: number, fuel: number): number => out(pc, fuel, () => ended(vm.call(pc))),
      enter: (pc: number, fuel: number): number =>
        out(pc, fuel, () => {
          vm.enter(pc + 1, false);
          return program.target[pc]!;
        }),
      leave: (pc: number, fuel: number): number => out(pc, fuel, () => ended(vm.leave())),
      load: (at: number, hi: number, pc: number): number =>
        attempt(() => {
          vm.pc = pc;
          vm.slowLoad(at >>> 0, hi, size[pc]!);
          vm.memory.i32[SCRATCH_WORD] = vm.lo;
          vm.memory.i32[SCRATCH_WORD + 1] = vm.hi;
        }),
      store: (at: number, hi: number, pc: number): number =>
        attempt(() => {
          vm.pc = pc;
          vm.slowStore(at >>> 0, hi, size[pc]!, SCRATCH_WORD);
        }),
    };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { vm: imports });
    const run = exports[RUN] as Run;
    const whole = exports[WHOLE] as Run | undefined;
    return whole ? (unit) => (unit === 0 ? whole(unit) : run(unit)) : run;
  }
}
