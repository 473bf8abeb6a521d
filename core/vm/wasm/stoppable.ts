// Compiles a program to WebAssembly that stops at breakpoints and when its fuel is used up, and that can be entered at any unit. It runs nothing.
// All state is the machine's own: registers in the register file and frames in memory whenever the code is left, so that the interpreter can go on.
import { accessSize, type Insn, BPF_ATOMIC, BPF_STX, insnClass } from "../../isa/index.ts";
import { STACK_BYTES } from "../layout.ts";
import type { Memory } from "../memory.ts";
import { OP, type Program } from "../program.ts";
import { giveFuel, mayGoto, pay, refund, setNext, takeFuel } from "./fuel.ts";
import { Emitter, type Target } from "./instruction.ts";
import { FP, FUEL, I32_LOCALS, NEXT } from "./locals.ts";
import { knownMaps } from "./known-maps.ts";
import { LOOKUP_LOCALS, lookupBody } from "./lookup.ts";
import { width } from "./blocks.ts";
import { endingOf, unitsOf, type Ending, type Unit } from "./units.ts";
import { WholeForm, wholeFlow } from "./whole.ts";
import { W } from "./opcodes.ts";
import { I32, I64, moduleBytes, Writer, type FuncBody } from "./writer.ts";

/** What the code answers when it does not stop before a slot. */
export const ENDED = -1,
  ELSEWHERE = -2;
/** Name of the one function: (unit) -> slot before which it stopped, ENDED or ELSEWHERE. */
export const RUN = "run";
/** The same for the program's first unit only, with an argument that means nothing; there where the program has a form for it (whole.ts). */
export const WHOLE = "whole";
/** More units than are compiled; such programs are interpreted. */
export const MAX_UNITS = 20_000;

/** Functions that the code imports: (pc, fuel) -> unit to go on with, ENDED or ELSEWHERE; and accesses as in locals.ts. */
const CALL = 0,
  ENTER = 3,
  LEAVE = 4;
const TYPE = { run: 0, pair: 1, access: 2 } as const;
const TYPES = [
  { params: [I32], results: [I32] },
  { params: [I32, I32], results: [I32] },
  { params: [I32, I32, I32], results: [I32] },
];
const IMPORTS = [
  { name: "call", type: TYPE.pair },
  { name: "load", type: TYPE.access },
  { name: "store", type: TYPE.access },
  { name: "enter", type: TYPE.pair },
  { name: "leave", type: TYPE.pair },
];
const LOCALS = [
  { count: 12, type: I64 },
  { count: I32_LOCALS, type: I32 },
];

/** How a program is compiled. */
export interface StopOptions {
  readonly breaks: ReadonlySet<number>;
  /** Whether stores may be watched, so that each goes through the machine. */
  readonly watched: boolean;
  /** Whether the frames' accesses are noted, so that each goes through the machine. */
  readonly shadowed: boolean;
}
export interface Stoppable {
  readonly bytes: Uint8Array;
  readonly units: readonly Unit[];
}

/** Programs that write their frame pointer are no verifier's; they are interpreted. */
const writesFramePointer = (program: Program): boolean =>
  program.insns.some(({ code, dst, src }) => {
    const cls = code & 7;
    return (
      (dst === 10 && (cls === 0 || cls === 1 || cls === 4 || cls === 7)) || (src === 10 && cls === BPF_STX && (code & 0xe0) === BPF_ATOMIC)
    );
  });

/** The module, or undefined for a program that only the interpreter runs. */
export function compileStoppable(program: Program, memory: Memory, options: StopOptions): Stoppable | undefined {
  if (writesFramePointer(program)) return undefined;
  const body = new StoppableBody(program, memory, options);
  if (body.units.length > MAX_UNITS) return undefined;
  body.emit();
  const run = { type: TYPE.run, locals: LOCALS, code: body.code, exportAs: RUN };
  const functions: FuncBody[] = [run];
  const whole = body.whole();
  if (body.callsLookup || whole?.callsLookup) functions.push({ type: TYPE.pair, locals: LOOKUP_LOCALS, code: lookupBody() });
  if (whole) functions.push({ type: TYPE.run, locals: LOCALS, code: whole.code, exportAs: WHOLE });
  return { bytes: moduleBytes({ types: TYPES, imports: IMPORTS, functions }, memory.maxBytes >>> 16), units: body.units };
}

class StoppableBody {
  readonly code = new Writer();
  readonly units: readonly Unit[];
  readonly #program: Program;
  readonly #breaks: ReadonlySet<number>;
  readonly #emitter: Emitter;
  readonly #target: Target;
  readonly #plain: (slot: number) => boolean;
  readonly #unitAt = new Map<number, number>();
  /** Unit that is emitted. */
  #unit = 0;

  constructor(program: Program, memory: Memory, { breaks, watched, shadowed }: StopOptions) {
    this.#program = program;
    this.#breaks = breaks;
    const special = program.source.special && new Set(program.source.special);
    // What the verifier has not seen is plain only where the frame itself is accessed in bounds.
    this.#plain = (slot) => {
      const insn = program.insns[slot]!;
      const isStore = insnClass(insn) >= 2;
      if (shadowed || (watched && isStore)) return false;
      return special ? !special.has(slot) : isFrameAccess(insn);
    };
    const word = (slot: number): number => (program.code.start >> 2) + 2 * slot;
    const target: Target = {
      program,
      constant: (slot) => [memory.i32[word(slot)]!, memory.i32[word(slot) + 1]!],
      plain: this.#plain,
      functionAt: () => 0,
      marksPages: true,
      faulted: (slot, inside) => this.#faulted(slot, inside),
      // Who watches wants to be asked about calls. An unverified program may pass anything as a map or key.
      ...(watched || shadowed || !special ? {} : { lookup: IMPORTS.length + 1, mapAt: knownMaps(program, memory) }),
      showsContext: special !== undefined,
    };
    this.#target = target;
    this.#emitter = new Emitter(this.code, target);
    this.units = unitsOf(program, breaks, (slot) => this.#isInterpreted(slot));
    this.units.forEach((u, i) => this.#unitAt.set(u.start, i));
  }

  get callsLookup(): boolean {
    return this.#emitter.callsLookup;
  }

  /** The main function in a form of its own, where it has one. */
  whole(): WholeForm | undefined {
    const program = this.#program;
    const flow = program.source.special ? wholeFlow(program) : undefined;
    if (!flow) return undefined;
    const form = new WholeForm(
      {
        program,
        index: { run: IMPORTS.length, call: CALL, enter: ENTER, leave: LEAVE },
        unitAt: (slot) => this.#unitAt.get(slot)!,
        stopsAt: (slot) => this.#breaks.has(slot) || this.#isInterpreted(slot),
      },
      this.#target,
    );
    form.emit(flow);
    return form;
  }

  /** Packet loads, and atomics on what is no plain memory. */
  #isInterpreted(slot: number): boolean {
    const op = this.#program.plainOp[slot]!;
    if ((op & 7) === 0 && op !== OP.LD_IMM64) return true;
    return (op & 7) === 3 && (op & 0xe0) === BPF_ATOMIC && !this.#plain(slot);
  }

  /** A loop around a table of all units. */
  emit(): void {
    const { code, units } = this;
    code.byte(W.get, FP, W.set, NEXT);
    takeFuel(code);
    this.#emitter.reload();
    code.byte(W.block, W.EMPTY, W.loop, W.EMPTY);
    for (let i = 0; i < units.length; i++) code.byte(W.block, W.EMPTY);
    code.byte(W.get, NEXT, W.brTable).u32(units.length - 1);
    for (let i = 0; i < units.length; i++) code.u32(i);
    units.forEach((unit, i) => {
      code.byte(W.end);
      this.#unit = i;
      this.#begin(unit);
      this.#body(unit);
    });
    code.byte(W.end, W.end);
    // Where all stops come to: NEXT is the slot.
    this.#emitter.spill();
    giveFuel(this.code);
    code.byte(W.get, NEXT, W.return);
    this.#emitter.unreachable();
  }
  /** Blocks between the unit that is emitted and the loop, where `inside` more are open. */
  #toLoop(inside = 0): number {
    return this.units.length - 1 - this.#unit + inside;
  }

  #begin(unit: Unit): void {
    const { code } = this;
    if (this.#breaks.has(unit.start)) return this.#stop(unit.start);
    pay(code, unit.count).byte(W.i32const).s32(0).byte(W.i32lt_s, W.if, W.EMPTY);
    refund(code, unit.count);
    this.#stop(unit.start, 1);
    code.byte(W.end);
  }
  /** Leaves the code before `slot`, where `inside` blocks more are open. */
  #stop(slot: number, inside = 0): void {
    setNext(this.code, slot)
      .byte(W.br)
      .u32(this.#toLoop(inside) + 1);
  }
  #body(unit: Unit): void {
    if (this.#breaks.has(unit.start)) return;
    for (let slot = unit.start; slot < unit.end; slot += width(this.#program, slot)) {
      const ending = endingOf(this.#program, slot, (s) => this.#isInterpreted(s));
      if (ending === "on") this.#emitter.insn(slot);
      else return this.#finish(slot, ending);
    }
    this.#goTo(unit.end);
  }
  #finish(slot: number, ending: Exclude<Ending, "on">): void {
    const { code } = this;
    const { target } = this.#program;
    switch (ending) {
      case "jump":
        return this.#goTo(target[slot]!);
      case "cond":
        this.#condition(slot);
        code.byte(W.if, W.EMPTY);
        this.#goTo(target[slot]!, 1);
        code.byte(W.end);
        return this.#goTo(slot + 1);
      case "interpreted":
        refund(code, 1);
        return this.#stop(slot);
      case "enter":
        this.#callOut(ENTER, slot);
        return this.#goOn();
      case "exit":
        this.#callOut(LEAVE, slot);
        return this.#goOn();
      default:
        return this.#call(slot);
    }
  }
  /** Goes on at a slot: on into the next unit, forwards out of the blocks before it, back by the table. One that no unit begins at is left to the interpreter. */
  #goTo(slot: number, inside = 0): void {
    const unit = this.#unitAt.get(slot);
    if (unit === undefined) return this.#stop(slot, inside);
    if (unit === this.#unit + 1 && inside === 0) return;
    if (unit > this.#unit) return void this.code.byte(W.br).u32(unit - this.#unit - 1 + inside);
    this.code.byte(W.i32const).s32(unit).byte(W.set, NEXT, W.br).u32(this.#toLoop(inside));
  }
  /** With all registers in the register file, asks the machine; its answer is in NEXT. */
  #callOut(index: number, slot: number): void {
    this.#emitter.spill();
    this.code.byte(W.i32const).s32(slot).byte(W.get, FUEL, W.call).u32(index).byte(W.set, NEXT);
  }
  #call(slot: number): void {
    const out = (inside: number): void => {
      this.#callOut(CALL, slot);
      this.#goOn(inside);
    };
    if (!this.#emitter.looksUp(slot)) return out(0);
    this.#emitter.mapLookup(slot, () => out(1));
    this.#goTo(slot + 1);
  }
  /** Goes on with unit NEXT, or leaves with it when it is none. */
  #goOn(inside = 0): void {
    this.code.byte(W.get, NEXT, W.i32const).s32(0).byte(W.i32lt_s, W.if, W.EMPTY);
    giveFuel(this.code);
    this.code.byte(W.get, NEXT, W.return, W.end);
    this.#emitter.reload();
    this.code.byte(W.br).u32(this.#toLoop(inside));
  }
  #condition(slot: number): void {
    if (this.#program.plainOp[slot] !== 0xe5) return this.#emitter.condition(slot);
    mayGoto(this.code);
  }
  /** Behind an access by import, with 1 on the stack when it faulted: the interpreter runs the instruction again and says why. */
  #faulted(slot: number, inside: number): void {
    const unit = this.units[this.#unit]!;
    let left = 0;
    for (let s = slot; s < unit.end; s += width(this.#program, s)) left++;
    this.code.byte(W.if, W.EMPTY);
    refund(this.code, left);
    this.#stop(slot, 1 + inside);
    this.code.byte(W.end);
  }
}

/** Whether a load or store goes through the frame pointer and stays in its frame. */
function isFrameAccess(insn: Insn): boolean {
  const base = insnClass(insn) === 1 ? insn.src : insn.dst;
  return base === 10 && insn.off >= -STACK_BYTES && insn.off + accessSize(insn.code) <= 0;
}
