// Runs verified programs as WebAssembly at full speed, to their end. It cannot stop in between: the interpreter can.
import { accessSize } from "../../isa/index.ts";
import { interpret } from "../interpreter.ts";
import { MAX_FRAMES, REG_COUNT, REGS_WORD, STACK_STRIDE } from "../layout.ts";
import type { Machine } from "../machine.ts";
import type { Program } from "../program.ts";
import { trap, type Trap, TrapSignal } from "../trap.ts";
import { BATCH, BATCH_EXPORT } from "./batch.ts";
import { compile, entryName } from "./compile.ts";
import { FIRST_FP } from "./locals.ts";

type Entry = (fp: number) => void;
interface Compiled {
  readonly program: Program;
  /** By the slot where each function begins. */
  readonly entries: readonly Entry[];
  /** Undefined until it is asked for: a program that is run once is not kept waiting for it. */
  readonly batch: RunBatch | undefined;
}
type RunBatch = (at: number, count: number, place: number) => void;
/** Packets for one program: see BATCH. */
export interface Batch {
  /** Offset of the words. */
  readonly at: number;
  readonly count: number;
  /** Where each packet is copied to. */
  readonly place: number;
  /** Before the first call out of a packet's run: the context's packet is the one that it shows. */
  beforeCallOut(): void;
}
/** Thrown through compiled frames by a program that throws. */
const UNWIND = new Error("unwind");
const SCRATCH_WORD = REGS_WORD + 2 * (REG_COUNT - 1);

/** The compiled programs of one machine. */
export class WasmEngine {
  readonly #vm: Machine;
  /** By the program's id. */
  readonly #compiled: (Compiled | undefined)[] = [];
  /** The batch of which no call out has been made since the packet began. */
  #untouched: Batch | undefined;

  constructor(vm: Machine) {
    this.#vm = vm;
  }
  /** Whether the program was verified, so that it may run without checks. */
  runs(program: Program): boolean {
    return program.source.special !== undefined && this.#vm.memory.wasm !== undefined;
  }

  /** Runs the program that the machine has begun, to its end: the trap, or undefined with the result in r0. */
  run(): Trap | undefined {
    return this.#run(undefined);
  }
  /**
   * Runs the program that the machine has begun on the packets of a batch, from its DONE on; the trap of the last, or undefined. It stops early behind a
   * packet whose run has called out or had an uncommon result; the machine must be begun again then.
   */
  runBatch(batch: Batch): Trap | undefined {
    this.#untouched = batch;
    const trap = this.#run(batch);
    this.#untouched = undefined;
    return trap;
  }
  #run(batch: Batch | undefined): Trap | undefined {
    const vm = this.#vm;
    const { program, memory } = vm;
    const many = program.subprogStarts.length > 1;
    if (many) vm.openFrames();
    const fp = FIRST_FP + vm.base * STACK_STRIDE;
    try {
      try {
        if (batch) this.#of(program, true).batch!(batch.at, batch.count, batch.place);
        else this.#of(program).entries[0]!(fp);
      } catch (e) {
        if (e !== UNWIND) throw e;
        this.#unwound(program, fp);
        if (batch) memory.i32[(batch.at + BATCH.OTHER) >> 2] = 1;
      }
      return undefined;
    } catch (e) {
      return vm.trapOf(e instanceof TrapSignal ? e : fault(e));
    } finally {
      vm.depth = vm.base;
      vm.done = true;
      memory.allDirty();
      if (many) vm.closeFrames();
    }
  }

  /** All frames are left: the program's exception callback runs in the first, or the cookie in r1 is the result. */
  #unwound(program: Program, fp: number): void {
    const vm = this.#vm;
    const slot = program.source.exceptionCallback;
    if (slot === undefined) vm.setR0(vm.s32(1), vm.hi32(1));
    else this.#entry(program, slot)(fp);
  }

  #of(program: Program, batches = false): Compiled {
    let known = this.#compiled[program.id];
    if (known?.program !== program || (batches && !known.batch)) this.#compiled[program.id] = known = this.#instantiate(program, batches);
    return known;
  }
  #entry(program: Program, slot: number): Entry {
    return this.#of(program).entries[slot] ?? trap("bad-jump", `slot ${slot} is the start of no function`);
  }
  #instantiate(program: Program, batches: boolean): Compiled {
    const vm = this.#vm;
    const module = new WebAssembly.Module(compile(program, vm.memory, { special: new Set(program.source.special), batches }));
    const size = program.insns.map((insn) => accessSize(insn.code));
    const at = (pc: number): void => {
      if (this.#untouched) this.#touch(this.#untouched);
      vm.program = program;
      vm.pc = pc;
    };
    const imports = {
      memory: vm.memory.wasm,
      call: (pc: number, fp: number): number => this.#call(program, pc, fp),
      load: (address: number, hi: number, pc: number): number => {
        at(pc);
        vm.slowLoad(address >>> 0, hi, size[pc]!);
        vm.memory.i32[SCRATCH_WORD] = vm.lo;
        vm.memory.i32[SCRATCH_WORD + 1] = vm.hi;
        return 0;
      },
      store: (address: number, hi: number, pc: number): number => {
        at(pc);
        vm.slowStore(address >>> 0, hi, size[pc]!, SCRATCH_WORD);
        return 0;
      },
      packet: (pc: number, off: number): number => {
        at(pc);
        return vm.packetLoad(off, size[pc]!) ? 1 : 0;
      },
      step: (pc: number, fp: number): void => {
        at(pc);
        vm.depth = depthOf(fp);
        interpret(vm, 1);
      },
    };
    const { exports } = new WebAssembly.Instance(module, { vm: imports });
    const entries: Entry[] = [];
    for (const start of program.subprogStarts) entries[start] = exports[entryName(start)] as Entry;
    return { program, entries, batch: exports[BATCH_EXPORT] as RunBatch | undefined };
  }
  #touch(batch: Batch): void {
    this.#untouched = undefined;
    this.#vm.memory.i32[(batch.at + BATCH.TOUCHED) >> 2] = 1;
    batch.beforeCallOut();
  }

  /** A helper or kfunc, with the callbacks that it asks for; 1 when it was a tail call, which has run then. */
  #call(program: Program, pc: number, fp: number): number {
    const vm = this.#vm;
    this.#stand(program, pc, fp);
    vm.callOut(pc);
    if (vm.takeUnwind()) throw UNWIND;
    const tail = vm.takeTail();
    if (tail) {
      if (this.runs(tail)) this.#entry(tail, 0)(fp);
      else vm.interpretFrame(tail);
      return 1;
    }
    for (let c = vm.takeCallback(); c; c = c.next(vm)) {
      if (vm.depth + 1 >= MAX_FRAMES) trap("stack-overflow", "callbacks are nested too deep");
      c.begin(vm);
      this.#entry(program, c.slot)(fp + STACK_STRIDE);
      this.#stand(program, pc, fp);
    }
    return 0;
  }
  /** Says where the compiled code is, for traps and for helpers that look at frames. */
  #stand(program: Program, pc: number, fp: number): void {
    if (this.#untouched) this.#touch(this.#untouched);
    this.#vm.program = program;
    this.#vm.pc = pc;
    this.#vm.depth = depthOf(fp);
  }
}

const depthOf = (fp: number): number => (fp - FIRST_FP) / STACK_STRIDE;
/** Faults of the compiled code itself: what the verifier let pass does not make them. */
function fault(e: unknown): TrapSignal {
  if (e instanceof Error && e.name === "RuntimeError") return new TrapSignal("unmapped", `the compiled program faulted: ${e.message}`);
  throw e;
}
