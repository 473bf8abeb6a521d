// The main function of a verified program in structured form, for code that can stop: entered at its first instruction, it goes over to the function over
// all units (stoppable.ts) where that is needed to go on. Its state is the machine's own whenever it is left.
import { OP, type Program } from "../program.ts";
import { flowOf, width, type Block, type Flow } from "./blocks.ts";
import { giveFuel, mayGoto, pay, refund, setNext, takeFuel } from "./fuel.ts";
import { Emitter, type Target } from "./instruction.ts";
import { FUEL, NEXT } from "./locals.ts";
import { emitBody, isStructured, type Form } from "./structure.ts";
import { W } from "./opcodes.ts";
import { Writer } from "./writer.ts";

/** What the form needs of the function over all units. */
export interface Units {
  readonly program: Program;
  /** Function index of it, of the import for calls, of that for calls of functions, of that for exits. */
  readonly index: { readonly run: number; readonly call: number; readonly enter: number; readonly leave: number };
  unitAt(slot: number): number;
  /** Whether a slot has a breakpoint or is the interpreter's. */
  stopsAt(slot: number): boolean;
}

/** The flow of the main function where the form is worth its making: structured, and with a loop. */
export function wholeFlow(program: Program): Flow | undefined {
  const flow = flowOf(program, 0, program.subprogStarts[1] ?? program.insns.length);
  return isStructured(flow) && flow.blocks.some((b) => b.loopHead) ? flow : undefined;
}

/** Emits the form; `target` without its `faulted`, which is the form's. */
export class WholeForm implements Form {
  readonly code = new Writer();
  readonly #units: Units;
  readonly #emitter: Emitter;
  /** The block that is emitted, and the blocks of WebAssembly that are open around it. */
  #block!: Block;
  #depth = 0;
  /** The block was left at its begin: what would follow is not emitted. */
  #isLeft = false;

  constructor(units: Units, target: Target) {
    this.#units = units;
    this.#emitter = new Emitter(this.code, { ...target, faulted: (slot, inside) => this.#faulted(slot, inside) });
  }
  get callsLookup(): boolean {
    return this.#emitter.callsLookup;
  }
  emit(flow: Flow): void {
    takeFuel(this.code);
    this.#emitter.reload();
    this.code.byte(W.block, W.EMPTY);
    emitBody(this.#units.program, flow, this);
    this.code.byte(W.end);
    // Where all stops come to: NEXT is the slot.
    this.#emitter.spill();
    giveFuel(this.code).byte(W.get, NEXT, W.return);
    this.unreachable();
  }
  unreachable(): void {
    this.#emitter.unreachable();
  }

  begin(block: Block, depth: number): void {
    const { code } = this;
    this.#block = block;
    this.#depth = depth;
    this.#isLeft = false;
    for (let s = block.start; s < block.end; s += width(this.#units.program, s)) this.#isLeft ||= this.#units.stopsAt(s);
    if (this.#isLeft) return this.#goOver(block.start);
    const count = this.#left(block.start) + 1;
    pay(code, count).byte(W.i32const).s32(0).byte(W.i32lt_s, W.if, W.EMPTY);
    refund(code, count);
    this.#stop(block.start, 1);
    code.byte(W.end);
  }
  insn(slot: number): void {
    if (this.#isLeft) return;
    const op = this.#units.program.plainOp[slot]!;
    const { index } = this.#units;
    if (op === OP.CALL_BPF) return this.#callOut(slot, index.enter, undefined);
    if (op !== 0x85 && op !== OP.CALL_KFUNC) return this.#emitter.insn(slot);
    const out = (): void => this.#callOut(slot, index.call, this.#units.unitAt(slot + 1));
    if (this.#emitter.looksUp(slot)) this.#emitter.mapLookup(slot, out);
    else out();
  }
  condition(slot: number): void {
    if (this.#isLeft) this.unreachable();
    else if (this.#units.program.plainOp[slot] === 0xe5) mayGoto(this.code);
    else this.#emitter.condition(slot);
  }
  exit(slot: number): void {
    if (!this.#isLeft) this.#callOut(slot, this.#units.index.leave, undefined);
  }

  /** Instructions of the block behind the one at `slot`. */
  #left(slot: number): number {
    let left = -1;
    for (let s = slot; s < this.#block.end; s += width(this.#units.program, s)) left++;
    return left;
  }
  #stop(slot: number, inside: number): void {
    setNext(this.code, slot)
      .byte(W.br)
      .u32(this.#depth + inside);
  }
  /** Goes on at a slot in the function over all units. */
  #goOver(slot: number): void {
    this.#emitter.spill();
    giveFuel(this.code).byte(W.i32const).s32(this.#units.unitAt(slot)).byte(W.call).u32(this.#units.index.run).byte(W.return);
  }
  /** Asks the machine. Where its answer is unit `expected`, this form goes on; with other units the other function does. */
  #callOut(slot: number, index: number, expected: number | undefined): void {
    const { code } = this;
    const left = this.#left(slot);
    this.#emitter.spill();
    code.byte(W.i32const).s32(slot).byte(W.get, FUEL, W.i32const).s32(left).byte(W.i32add, W.call).u32(index).byte(W.set, NEXT);
    if (expected !== undefined) code.byte(W.get, NEXT, W.i32const).s32(expected).byte(W.i32ne, W.if, W.EMPTY);
    refund(code, left);
    giveFuel(code).byte(W.get, NEXT, W.i32const).s32(0).byte(W.i32lt_s, W.if, W.EMPTY, W.get, NEXT, W.return, W.end);
    code.byte(W.get, NEXT, W.call).u32(this.#units.index.run).byte(W.return);
    if (expected === undefined) return;
    code.byte(W.end);
    this.#emitter.reloadCallerSaved();
  }
  /** Behind an access by import, with 1 on the stack when it faulted: the interpreter runs the instruction again and says why. */
  #faulted(slot: number, inside: number): void {
    this.code.byte(W.if, W.EMPTY);
    refund(this.code, this.#left(slot) + 1);
    this.#stop(slot, 1 + inside);
    this.code.byte(W.end);
  }
}
