// The machine: programs, frames, registers and the run loop over one memory, with snapshots. It knows no helper and no map.
import { arenaLoad, arenaStore, CAST_USER } from "./arena.ts";
import { interpret, STOP_BREAK, STOP_BUDGET, STOP_EXIT } from "./interpreter.ts";
import type { Continuation, Kernel } from "./kernel-interface.ts";
import {
  CONTEXT_AT,
  CPU_AT,
  FILE_END_WORD,
  FRAME_WORDS,
  FRAMES_AT,
  DIRTY_AT,
  KERNEL_HI,
  MAX_CALL_FRAMES,
  MAX_FRAMES,
  NO_CONTEXT_HI,
  REG_COUNT,
  REGS_AT,
  REGS_WORD,
  STACK_BYTES,
  STACK_STRIDE,
  STACKS_AT,
} from "./layout.ts";
import { Memory, R_READ, R_SLOW, R_WATCHED, R_WRITE, type MemorySnapshot, type Region } from "./memory.ts";
import { OP, prepare, type Program, type ProgramSource } from "./program.ts";
import type { ArgCount } from "./register-use.ts";
import { Shadow } from "./shadow.ts";
import { trap, type Trap, TrapSignal } from "./trap.ts";
import { type Watch, WatchSignal } from "./watch.ts";

/** How a run ended. `retval` is all of r0. */
export type Stop =
  | { readonly kind: "exit"; readonly retval: bigint }
  | { readonly kind: "trap"; readonly trap: Trap }
  | { readonly kind: "break" }
  /** A {@link Watch} stops it before the next instruction. */
  | { readonly kind: "watch"; readonly what: string }
  | { readonly kind: "budget" };

export interface MachineSnapshot {
  readonly memory: MemorySnapshot;
  readonly kernel: unknown;
  readonly program: Program;
  readonly programs: number;
  readonly pc: number;
  readonly depth: number;
  readonly base: number;
  readonly done: boolean;
  readonly executed: number;
  readonly tailCalls: number;
  readonly continuations: readonly Continuation[];
  readonly shadow: ReturnType<Shadow["save"]> | undefined;
}

const FRAME0 = FRAMES_AT >> 2;
const CONTEXT_WORD = CONTEXT_AT >> 2;

/** One CPU that runs BPF programs. Set `kernel` before running. */
export class Machine {
  readonly memory: Memory;
  kernel!: Kernel;
  readonly programs: Program[] = [];
  program!: Program;
  /** Next instruction. */
  pc = 0;
  /** Index of the current frame. */
  depth = 0;
  /** Frame in which the current run began. */
  base = 0;
  done = true;
  /** Instructions run since the machine was made. */
  executed = 0;
  /** Instructions that the interpreter may still run of what it was given, where it tells (see `step`). */
  left = 0;
  tailCalls = 0;
  /** Result of a slow load. */
  lo = 0;
  hi = 0;
  readonly #stacks: Region[] = [];
  /** No frame above this one is accessible. */
  #highest = 0;
  #continuations: Continuation[] = [];
  #callback: Continuation | undefined;
  #tail: Program | undefined;
  #unwinds = false;
  #watch: Watch | undefined;
  /** Value of `executed` at the last stop by the watch: the instruction there is not asked about again. */
  #told = -1;
  #asked = false;

  constructor(memory = new Memory()) {
    this.memory = memory;
    for (let i = 0; i < MAX_FRAMES; i++) {
      const region = memory.fixed("stack", `stack of frame ${i}`, STACKS_AT + i * STACK_STRIDE, STACK_BYTES);
      this.#stacks.push(region);
      memory.setBounds(region, region.start, region.start);
    }
    memory.markDirty(0, DIRTY_AT);
  }

  /** Makes a program ready to run. */
  load(source: ProgramSource): Program {
    const program = prepare(this.memory, this.programs.length, source);
    this.programs.push(program);
    return program;
  }

  /** Sets up a run of `program` with r1 = the kernel address of `ctxAt` (0: r1 is 0). */
  begin(program: Program, ctxAt: number): void {
    this.program = program;
    this.pc = 0;
    this.depth = this.base;
    this.done = false;
    this.#told = -1;
    this.tailCalls = 0;
    const { u64 } = this.memory;
    for (let w = REGS_WORD >> 1; w < (REGS_WORD >> 1) + REG_COUNT; w++) u64[w] = 0n;
    this.setReg(1, ctxAt, ctxAt ? KERNEL_HI : 0);
    this.showContext(0, 0);
    this.#openFrame();
    this.closeFrames();
    this.shadow?.begin(this.depth);
  }

  /** Says, after {@link begin}, which CPU runs and that the context at `at` shows its fields (CONTEXT_AT in layout.ts; 0: none does). */
  showContext(at: number, cpu: number): void {
    const r = this.memory.i32;
    r[CPU_AT >> 2] = cpu;
    r[CONTEXT_WORD] = at;
    r[CONTEXT_WORD + 1] = at ? KERNEL_HI : NO_CONTEXT_HI;
  }

  /** Runs until the end, a trap, a breakpoint or a watch (what has stopped it at the current instruction is passed) or `budget` instructions. */
  run(budget: number): Stop {
    if (this.done) return { kind: "exit", retval: this.r0() };
    if (budget <= 0) return { kind: "budget" };
    try {
      let stop: number;
      if (this.followsRegisters) stop = this.#followed(this.shadow!, budget);
      else {
        const passes = this.#watch !== undefined || this.atBreakpoint();
        stop = passes ? this.interpretOne() : STOP_BUDGET;
        const left = passes ? budget - 1 : budget;
        if (stop === STOP_BUDGET && left > 0) stop = interpret(this, left);
      }
      if (stop === STOP_EXIT) return { kind: "exit", retval: this.r0() };
      return stop === STOP_BREAK ? { kind: "break" } : { kind: "budget" };
    } catch (e) {
      return this.stopOf(e);
    }
  }
  /** As {@link run}, with a look at each instruction's registers. */
  #followed(shadow: Shadow, budget: number): number {
    let stop = STOP_BUDGET;
    for (let left = budget; left > 0 && stop === STOP_BUDGET; left--) {
      const before = shadow.beforeStep(this);
      stop = left === budget ? this.interpretOne() : interpret(this, 1);
      if (stop !== STOP_BREAK) shadow.stepped(this, before);
    }
    return stop;
  }
  /** The stop that a thrown signal means; other errors are thrown on. */
  stopOf(e: unknown): Stop {
    if (e instanceof WatchSignal) {
      this.#told = this.executed;
      return { kind: "watch", what: e.what };
    }
    if (!(e instanceof TrapSignal)) throw e;
    this.done = true;
    return { kind: "trap", trap: this.trapOf(e) };
  }
  /** A trap at the current instruction. */
  trapOf(e: TrapSignal): Trap {
    return { cause: e.cause_, message: e.message, insnIdx: this.pc, program: this.program.source.name, ...e.details };
  }

  atBreakpoint(): boolean {
    return this.program.op[this.pc] === OP.BREAK;
  }
  /** Runs the current instruction, past a breakpoint there and past what the watch has told; STOP_EXIT or STOP_BUDGET. Throws signals. */
  interpretOne(): number {
    const { program, pc } = this;
    const broken = this.atBreakpoint();
    if (broken) program.op[pc] = program.plainOp[pc]!;
    this.#asked = this.#told === this.executed;
    try {
      return interpret(this, 1);
    } finally {
      this.#asked = false;
      if (broken) program.op[pc] = OP.BREAK;
    }
  }

  // ---- reads of what was never written ----
  get shadow(): Shadow | undefined {
    return this.memory.shadow;
  }
  /** From now on reads of stack bytes and registers that a run never wrote are told in `shadow.warnings`; not by code compiled at full speed. */
  warnOfUnwritten(args: ArgCount): void {
    this.memory.shadow = new Shadow(args);
    for (const region of this.#stacks) this.memory.setShadowed(region);
  }
  /** Whether each instruction must be run by the interpreter, so that its registers are looked at. */
  get followsRegisters(): boolean {
    return this.shadow?.followsRegisters(this.programs) ?? false;
  }

  // ---- watching ----
  get watch(): Watch | undefined {
    return this.#watch;
  }
  setWatch(watch: Watch | undefined): void {
    this.#watch = watch;
    this.memory.setWatched(watch && ((region) => watch.covers(region)));
  }
  /** Asks the watch about a store into a watched region. */
  askStore(region: Region, at: number, size: number): void {
    if (!(this.memory.flags[region.id]! & R_WATCHED) || this.#asked) return;
    const what = this.#watch?.beforeStore(at, size);
    if (what !== undefined) throw new WatchSignal(what);
  }
  #askCall(): void {
    const what = this.#asked ? undefined : this.#watch?.beforeCall(this);
    if (what !== undefined) throw new WatchSignal(what);
  }

  /** Runs a whole program inside a running one (a hook that a helper triggers), on frames above it. */
  nested(program: Program, ctxAt: number, budget: number): Stop {
    const outer = {
      executed: this.executed,
      program: this.program,
      pc: this.pc,
      depth: this.depth,
      base: this.base,
      done: this.done,
      tailCalls: this.tailCalls,
    };
    const regs = this.memory.i32.slice(REGS_WORD, FILE_END_WORD);
    const callback = this.#callback,
      tail = this.#tail,
      highest = this.#highest;
    this.base = this.depth + 1;
    if (this.base >= MAX_FRAMES) trap("stack-overflow", "programs that run inside programs are nested too deep");
    this.begin(program, ctxAt);
    const stop = this.run(budget);
    this.depth = this.base - 1;
    this.closeFrames();
    this.memory.i32.set(regs, REGS_WORD);
    Object.assign(this, outer);
    if (highest > this.depth) this.openFrames();
    this.#callback = callback;
    this.#tail = tail;
    return stop;
  }

  // ---- registers ----
  /** Sets a register. */
  setReg(reg: number, lo: number, hi: number): void {
    const w = REGS_WORD + 2 * reg;
    this.memory.i32[w] = lo;
    this.memory.i32[w + 1] = hi;
    this.memory.dirty[REGS_AT >> 12] = 1;
  }
  setR0(lo: number, hi: number): void {
    this.setReg(0, lo, hi);
  }
  /** r0 = a number of up to 53 bits, sign-extended: counts and negative errno. */
  ret(value: number): void {
    this.setReg(0, value | 0, Math.floor(value / 4294967296) | 0);
  }
  /** r0 = kernel address of linear offset `at`, or NULL for 0. */
  retPtr(at: number): void {
    this.setReg(0, at, at === 0 ? 0 : KERNEL_HI);
  }
  /** Low 32 bits of a register, unsigned. */
  u32(reg: number): number {
    return this.memory.i32[REGS_WORD + 2 * reg]! >>> 0;
  }
  /** Low 32 bits of a register, signed. */
  s32(reg: number): number {
    return this.memory.i32[REGS_WORD + 2 * reg]!;
  }
  hi32(reg: number): number {
    return this.memory.i32[REGS_WORD + 2 * reg + 1]!;
  }
  /** All 64 bits of a register, unsigned. */
  u64(reg: number): bigint {
    const hi = this.hi32(reg);
    return hi === 0 ? BigInt(this.u32(reg)) : (BigInt(hi >>> 0) << 32n) | BigInt(this.u32(reg));
  }
  setU64(reg: number, value: bigint): void {
    this.setReg(reg, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
  r0(): bigint {
    return this.u64(0);
  }

  /** Checks that register `reg` points at `size` bytes that may be read (or written) and gives their offset. */
  argMem(reg: number, size: number, write = false): number {
    const at = this.u32(reg);
    if (size > 0) this.memory.need(at, this.hi32(reg), size, write ? R_WRITE : R_READ);
    if (!write) this.shadow?.read(this, at, size);
    return at;
  }

  // ---- frames ----
  #openFrame(): void {
    const region = this.#stacks[this.depth]!;
    this.memory.setBounds(region, region.start, region.start + STACK_BYTES);
    if (this.depth > this.#highest) this.#highest = this.depth;
    this.shadow?.opened(region.start);
    this.setReg(10, region.start + STACK_BYTES, KERNEL_HI);
    this.memory.i32[FRAME0 + this.depth * FRAME_WORDS + 13] = 0;
  }
  #closeFrame(depth: number): void {
    const region = this.#stacks[depth]!;
    this.memory.setBounds(region, region.start, region.start);
  }

  /** Makes the stacks of all frames above the current one accessible, for compiled code that enters frames itself. */
  openFrames(): void {
    for (let d = this.depth + 1; d < MAX_FRAMES; d++) {
      const region = this.#stacks[d]!;
      this.memory.setBounds(region, region.start, region.start + STACK_BYTES);
    }
    this.#highest = MAX_FRAMES - 1;
  }
  closeFrames(): void {
    for (let d = this.depth + 1; d <= this.#highest; d++) this.#closeFrame(d);
    this.#highest = this.depth;
  }

  /** Enters a new frame that returns to `retPc`. */
  enter(retPc: number, isCallback: boolean): void {
    if (this.depth - this.base + 1 >= MAX_CALL_FRAMES || this.depth + 1 >= MAX_FRAMES) {
      trap("stack-overflow", `the call stack of ${this.depth - this.base + 2} frames is too deep: at most ${MAX_CALL_FRAMES}`);
    }
    const r = this.memory.i32;
    const f = FRAME0 + this.depth * FRAME_WORDS;
    r[f] = retPc;
    r[f + 1] = this.program.id;
    r[f + 2] = isCallback ? 1 : 0;
    r.copyWithin(f + 3, REGS_WORD + 12, REGS_WORD + 22);
    this.depth++;
    this.#openFrame();
  }

  /** Leaves the current frame; the next instruction, or -1 when the run ends. */
  leave(): number {
    if (this.depth === this.base) return -1;
    this.#closeFrame(this.depth);
    this.depth--;
    const r = this.memory.i32;
    const f = FRAME0 + this.depth * FRAME_WORDS;
    r.copyWithin(REGS_WORD + 12, f + 3, f + 13);
    this.memory.dirty[REGS_AT >> 12] = 1;
    this.program = this.programs[r[f + 1]!]!;
    if (r[f + 2] === 0) return r[f]!;
    const next = this.#continuations.pop()!.next(this);
    return next ? this.#startCallback(next, r[f]!) : this.#afterCall(r[f]!);
  }

  /** Called by the interpreter when a run ends. */
  ended(stop: number): number {
    this.done = true;
    return stop;
  }

  /** Passes of may_goto in the current frame, this one included. */
  countLoop(): number {
    return ++this.memory.i32[FRAME0 + this.depth * FRAME_WORDS + 13]!;
  }

  /** Frames from the innermost outwards: program, instruction, frame pointer. */
  frames(): { program: Program; pc: number; fp: number; callback: boolean }[] {
    const r = this.memory.i32;
    const out = [{ program: this.program, pc: this.pc, fp: r[REGS_WORD + 20]!, callback: false }];
    for (let d = this.depth - 1; d >= 0; d--) {
      const f = FRAME0 + d * FRAME_WORDS;
      out.push({ program: this.programs[r[f + 1]!]!, pc: r[f]! - 1, fp: r[f + 11]!, callback: r[f + 2] === 1 });
    }
    return out;
  }
  /** Saved r6..r9 and r10 of the frame `up` calls above the innermost, as the offset of the saved words; undefined for the innermost itself. */
  savedRegsAt(up: number): number | undefined {
    return up === 0 ? undefined : FRAMES_AT + (this.depth - up) * FRAME_WORDS * 4 + 12;
  }

  // ---- calls ----
  /** Runs the helper or kfunc that slot `pc` of the program calls, without what it asks to be run. */
  callOut(pc: number): void {
    const { plainOp, imm, off } = this.program;
    if (this.#watch) this.#askCall();
    if (plainOp[pc] === OP.CALL_KFUNC) this.kernel.kfunc(this, imm[pc]!, off[pc]!);
    else this.kernel.helper(this, imm[pc]!);
    this.#watch?.afterCall?.(this);
  }
  /** Runs a call and gives the slot that is next. */
  call(pc: number): number {
    this.callOut(pc);
    return this.#afterCall(pc + 1);
  }
  #afterCall(retPc: number): number {
    this.memory.dirty[REGS_AT >> 12] = 1;
    if (this.takeUnwind()) return this.#unwind();
    const tail = this.takeTail();
    if (tail) {
      this.program = tail;
      this.pc = 0;
      return 0;
    }
    const c = this.takeCallback();
    return c ? this.#startCallback(c, retPc) : retPc;
  }
  /** The program that the last helper asked to go on with. */
  takeTail(): Program | undefined {
    const tail = this.#tail;
    this.#tail = undefined;
    return tail;
  }
  /** The callback that the last helper asked for. */
  takeCallback(): Continuation | undefined {
    const c = this.#callback;
    this.#callback = undefined;
    return c;
  }
  /** Runs a program by the interpreter in the current frame, to its end. */
  interpretFrame(program: Program): void {
    const { base } = this;
    this.base = this.depth;
    this.program = program;
    this.pc = 0;
    interpret(this, Number.MAX_SAFE_INTEGER);
    this.base = base;
    this.done = false;
  }
  #startCallback(c: Continuation, retPc: number): number {
    this.enter(retPc, true);
    this.#continuations.push(c);
    c.begin(this);
    return c.slot;
  }
  /** Asked by a helper: replace the running program. */
  requestTailCall(program: Program): void {
    this.#tail = program;
  }
  /** Asked by a helper: run a callback, then go on. */
  requestCallback(c: Continuation): void {
    this.#callback = c;
  }
  /** Asked by bpf_throw: leave all frames of the run. The cookie is in r1. */
  requestUnwind(): void {
    this.#unwinds = true;
  }
  /** Whether the last call asked to unwind. */
  takeUnwind(): boolean {
    const unwinds = this.#unwinds;
    this.#unwinds = false;
    return unwinds;
  }
  /** Closes all frames but the first of the run; the slot of the program's exception callback, or -1 when the cookie is the result. */
  #unwind(): number {
    const r = this.memory.i32;
    if (this.depth > this.base) this.program = this.programs[r[FRAME0 + this.base * FRAME_WORDS + 1]!]!;
    for (; this.depth > this.base; this.#closeFrame(this.depth--))
      if (r[FRAME0 + (this.depth - 1) * FRAME_WORDS + 2]) this.#continuations.pop();
    this.setReg(10, this.#stacks[this.base]!.start + STACK_BYTES, KERNEL_HI);
    const slot = this.program.source.exceptionCallback;
    if (slot === undefined) this.setR0(this.s32(1), this.hi32(1));
    return slot ?? -1;
  }
  /** Slot that a callback pointer in register `reg` stands for. Traps when it is none of this program's. */
  callbackSlot(reg: number): number {
    const { code, insns } = this.program;
    const slot = (this.u32(reg) - code.start) / 8;
    if (this.hi32(reg) !== KERNEL_HI || !Number.isInteger(slot) || slot < 0 || slot >= insns.length)
      trap("bad-argument", `R${reg} is not a pointer to a function of this program`);
    return slot;
  }

  // ---- memory that is not plain ----
  slowLoad(at: number, hi: number, size: number): void {
    const { memory } = this;
    const { arena } = this.program.source;
    if (hi === 0 && arena) return arenaLoad(this, arena, at, size);
    const region = hi === KERNEL_HI ? memory.regionAt(at) : undefined;
    if (region && memory.flags[region.id]! & R_SLOW && region.stride === 0 && memory.allowed(at, hi, size, R_READ)) {
      return this.kernel.slowRead(this, region, at - region.start, size);
    }
    if (memory.allowed(at, hi, size, R_READ)) {
      memory.shadow?.read(this, at, size);
      return this.#plainLoad(at, size);
    }
    if (!this.program.source.faultsReadZero) memory.fault(at, hi, size, R_READ);
    this.lo = this.hi = 0;
  }
  #plainLoad(at: number, size: number): void {
    const { view, u8 } = this.memory;
    this.lo = size === 1 ? u8[at]! : size === 2 ? view.getUint16(at, true) : view.getInt32(at, true);
    this.hi = size === 8 ? view.getInt32(at + 4, true) : 0;
  }
  /** Stores the low `size` bytes of the pair at word `word` of memory. */
  slowStore(at: number, hi: number, size: number, word: number): void {
    const { memory } = this;
    const { arena } = this.program.source;
    if (hi === 0 && arena) return arenaStore(this, arena, { at, size, word });
    memory.need(at, hi, size, R_WRITE);
    const lo = memory.i32[word]!,
      high = memory.i32[word + 1]!;
    const region = memory.regionAt(at)!;
    this.askStore(region, at, size);
    if (region.stride === 0 && memory.flags[region.id]! & R_SLOW)
      return this.kernel.slowWrite(this, region, at - region.start, size, { lo, hi: high });
    if (size === 1) memory.u8[at] = lo;
    else if (size === 2) memory.view.setInt16(at, lo, true);
    else memory.view.setInt32(at, lo, true);
    if (size === 8) memory.view.setInt32(at + 4, high, true);
    memory.markDirty(at, size);
  }
  packetLoad(off: number, size: number): boolean {
    if (!this.kernel.packetLoad(this, off, size)) return false;
    this.setR0(this.lo, 0);
    return true;
  }
  /** addr_space_cast: a program reaches an arena by the lower half of an address; user space gets the upper half back, but for NULL. */
  addressSpaceCast(dst: number, src: number, imm: number): void {
    const r = this.memory.i32;
    const lo = r[src]!;
    r[dst] = lo;
    r[dst + 1] = imm === CAST_USER && lo !== 0 ? (this.program.source.arena?.userHi ?? 0) : 0;
  }

  // ---- the machine as a value ----
  snapshot(): MachineSnapshot {
    this.memory.dirty[REGS_AT >> 12] = 1;
    return {
      memory: this.memory.snapshot(),
      kernel: this.kernel.save(),
      program: this.program,
      programs: this.programs.length,
      pc: this.pc,
      depth: this.depth,
      base: this.base,
      done: this.done,
      executed: this.executed,
      tailCalls: this.tailCalls,
      continuations: [...this.#continuations],
      shadow: this.shadow?.save(),
    };
  }
  restore(s: MachineSnapshot): void {
    this.memory.dirty[REGS_AT >> 12] = 1;
    this.memory.restore(s.memory);
    this.kernel.restore(s.kernel);
    this.programs.length = s.programs;
    this.program = s.program;
    this.pc = s.pc;
    this.depth = s.depth;
    this.base = s.base;
    this.done = s.done;
    this.executed = s.executed;
    this.tailCalls = s.tailCalls;
    this.#continuations = [...s.continuations];
    if (s.shadow) this.shadow?.restore(s.shadow);
    this.#callback = this.#tail = undefined;
    this.#unwinds = false;
    this.#told = -1;
    this.#highest = MAX_FRAMES - 1;
  }
}
