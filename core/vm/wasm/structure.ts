// Control flow of one function as WebAssembly: nested blocks and loops where the flow is reducible, else a dispatcher. Instructions are emitted elsewhere.
import type { Program } from "../program.ts";
import { width, type Block, type Flow } from "./blocks.ts";
import { NEXT } from "./locals.ts";
import { W } from "./opcodes.ts";
import type { Writer } from "./writer.ts";

/** Blocks dominating each other that are walked by recursion; deeper functions get a dispatcher. */
const MAX_DEPTH = 1000;

/** What encloses the code that is emitted, innermost last: where a branch to it goes. */
type Frame = { readonly kind: "loop" | "block"; readonly block: number } | { readonly kind: "if" };

/** What emits the instructions between the control flow. */
export interface Form {
  readonly code: Writer;
  /** A block begins inside of `depth` blocks of WebAssembly. */
  begin?(block: Block, depth: number): void;
  insn(slot: number): void;
  /** Pushes whether the conditional jump at a slot is taken. */
  condition(slot: number): void;
  exit(slot: number): void;
  unreachable(): void;
}

/** Whether a body has a structured form that is not too deep. */
export const isStructured = (flow: Flow): boolean => flow.reducible && flow.depth <= MAX_DEPTH;

/** Emits a function's body. The stack is empty at its end, which control never reaches. */
export function emitBody(program: Program, flow: Flow, emitter: Form): void {
  const body = new Body(program, flow, emitter);
  if (isStructured(flow)) body.structured();
  else body.dispatched();
  emitter.unreachable();
}

class Body {
  readonly #program: Program;
  readonly #flow: Flow;
  readonly #emitter: Form;
  readonly #frames: Frame[] = [];
  constructor(program: Program, flow: Flow, emitter: Form) {
    this.#program = program;
    this.#flow = flow;
    this.#emitter = emitter;
  }

  /** As "Beyond Relooper" (Ramsey, 2022) has it: a block's code, then around it the merge blocks that it dominates, each after a block that ends before it. */
  structured(): void {
    this.#tree(this.#flow.blocks[0]!);
  }
  #tree(block: Block): void {
    const { blocks } = this.#flow;
    const merges = block.children.filter((c) => blocks[c]!.merge).sort((a, b) => b - a);
    if (!block.loopHead) return this.#within(block, merges);
    this.#enter(W.loop, { kind: "loop", block: block.index });
    this.#within(block, merges);
    this.#leave();
  }
  #within(block: Block, merges: readonly number[]): void {
    for (const m of merges) this.#enter(W.block, { kind: "block", block: m });
    this.#straight(block);
    const [first, second] = block.next;
    if (block.kind === "cond") {
      this.#condition(block);
      this.#enter(W.if, { kind: "if" });
      this.#branch(block, first!);
      this.#emitter.code.byte(W.else);
      if (second === undefined) this.#emitter.unreachable();
      else this.#branch(block, second);
      this.#leave();
    } else if (first !== undefined) this.#branch(block, first);
    for (const m of merges.toReversed()) {
      this.#leave();
      this.#tree(this.#flow.blocks[m]!);
    }
  }
  #branch(from: Block, to: number): void {
    const target = this.#flow.blocks[to]!;
    const back = to <= from.index;
    if (!back && !target.merge) return this.#tree(target);
    const kind = back ? "loop" : "block";
    const at = this.#frames.findLastIndex((f) => f.kind === kind && f.block === to);
    this.#emitter.code.byte(W.br).u32(this.#frames.length - 1 - at);
  }
  #enter(op: number, frame: Frame): void {
    this.#emitter.code.byte(op, W.EMPTY);
    this.#frames.push(frame);
  }
  #leave(): void {
    this.#emitter.code.byte(W.end);
    this.#frames.pop();
  }

  /** A loop around a table of all blocks: NEXT says which one runs. */
  dispatched(): void {
    const { code } = this.#emitter;
    const { blocks } = this.#flow;
    code.byte(W.loop, W.EMPTY);
    for (let i = 0; i < blocks.length; i++) code.byte(W.block, W.EMPTY);
    code.byte(W.get, NEXT, W.brTable).u32(blocks.length - 1);
    for (let i = 0; i < blocks.length; i++) code.u32(i);
    blocks.forEach((block, i) => {
      code.byte(W.end);
      this.#straight(block);
      const toLoop = blocks.length - 1 - i;
      const [first, second] = block.next;
      if (block.kind === "cond") {
        this.#condition(block);
        code.byte(W.if, W.EMPTY);
        this.#go(first!, toLoop + 1);
        code.byte(W.end);
      }
      const onward = block.kind === "cond" ? second : first;
      if (onward !== undefined) this.#go(onward, toLoop);
      else if (block.kind === "cond") this.#emitter.unreachable();
    });
    code.byte(W.end);
  }
  #go(to: number, depth: number): void {
    this.#emitter.code.byte(W.i32const).s32(to).byte(W.set, NEXT, W.br).u32(depth);
  }

  /** The instructions of a block without the jump at its end. */
  #straight(block: Block): void {
    const { plainOp } = this.#program;
    this.#emitter.begin?.(block, this.#frames.length);
    for (let slot = block.start; slot < block.end; slot += width(this.#program, slot)) {
      const op = plainOp[slot]!;
      const last = slot + width(this.#program, slot) >= block.end;
      if (last && (block.kind === "cond" || op === 0x05)) return;
      if (op === 0x95) return this.#emitter.exit(slot);
      this.#emitter.insn(slot);
    }
    if (block.kind === "end") this.#emitter.unreachable();
  }
  #condition(block: Block): void {
    this.#emitter.condition(block.end - 1);
  }
}
