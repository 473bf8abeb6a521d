// The tree of states that a verification went through, kept as it goes. It judges nothing.
import type { VerifyObserver, Watched } from "../../../core/verifier/index.ts";
import type { Reg } from "../../../core/verifier/domain/reg.ts";
import { SCALAR_VALUE } from "../../../core/verifier/domain/reg-types.ts";
import { STACK_SPILL, type Slot } from "../../../core/verifier/domain/stack.ts";
import type { FuncState, VState } from "../../../core/verifier/domain/state.ts";

/** What a frame held when its state was visited. */
export interface Frame {
  readonly regs: readonly Reg[];
  readonly stack: readonly Slot[];
  readonly callsite: number;
  readonly inCallback: boolean;
}
/** A state before the instruction `idx`; `kids` are the states that it led to, `by` the kept state that covered it. */
export interface Node {
  readonly idx: number;
  readonly frames: readonly Frame[];
  readonly kids: Node[];
  readonly by: VState | null;
  readonly within: boolean;
}

/** Marks of a slot in {@link Loose}: bits 0 to 7 its bytes (as Slot counts them) that nobody reads, bit 8 a spilled scalar that is not precise. */
export const IMPRECISE = 256;
/** What a state says nothing certain about: bits of registers and marks of slots, by frame. */
export interface Loose {
  readonly regs: readonly number[];
  readonly slots: readonly (ReadonlyMap<number, number> | null)[];
}

const same = <T>(a: readonly T[], b: readonly T[]): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

export class Trace implements VerifyObserver {
  watched!: Watched;
  /** The first state of each function that was explored on its own. */
  readonly roots = new Map<number, Node>();
  nodes = 0;
  readonly #at = new Map<VState, Node>();
  readonly #kept = new Map<VState, Node>();
  readonly #loose = new Map<VState, Loose>();
  readonly #most: number;
  #subprog = 0;

  /** Of a verification that goes through more states than `most` nothing more is kept. */
  constructor(most: number) {
    this.#most = most;
  }
  get complete(): boolean {
    return this.nodes < this.#most;
  }
  begin(watched: Watched, subprog: number): void {
    this.watched = watched;
    this.#subprog = subprog;
  }
  visit(state: VState): void {
    if (!this.complete) return;
    const node = this.#add(state, null, false);
    this.#at.set(state, node);
    const { parent } = state;
    if (parent && parent.insnIdx === state.insnIdx && !this.#kept.has(parent)) this.#kept.set(parent, node);
  }
  covered(state: VState, by: VState, within: boolean): void {
    if (this.complete) this.#add(state, by, within);
  }
  fork(from: VState, to: VState): void {
    const node = this.#at.get(from);
    if (node) this.#at.set(to, node);
  }
  #add(state: VState, by: VState | null, within: boolean): Node {
    const up = this.#at.get(state);
    const frames = state.frames.map((f, i) => frameOf(f, up?.frames[i]));
    const node: Node = { idx: state.insnIdx, frames, kids: [], by, within };
    this.nodes++;
    if (up) up.kids.push(node);
    else if (!this.roots.has(this.#subprog)) this.roots.set(this.#subprog, node);
    return node;
  }
  /** Where the kept state was visited. */
  nodeOf(kept: VState): Node | undefined {
    return this.#kept.get(kept);
  }
  /** What the kept state, visited as `node`, did not compare when it covered another one. */
  looseOf(kept: VState, node: Node): Loose {
    let loose = this.#loose.get(kept);
    if (!loose) this.#loose.set(kept, (loose = looseParts(kept, node)));
    return loose;
  }
  /** Whether scalars of a kept state count, now that the verification is over. */
  isPrecise(kept: VState, frame: number, reg: number): boolean {
    return ((kept.frames[frame]!.preciseRegs >>> reg) & 1) === 1;
  }
}

function frameOf(f: FuncState, before: Frame | undefined): Frame {
  const regs = before && same(before.regs, f.regs) ? before.regs : f.regs.slice();
  const stack = before && same(before.stack, f.stack) ? before.stack : f.stack.slice();
  if (before?.regs === regs && before.stack === stack && before.callsite === f.callsite) return before;
  return { regs, stack, callsite: f.callsite, inCallback: f.inCallbackFn };
}

function looseParts(kept: VState, node: Node): Loose {
  const regs: number[] = [];
  const slots: (Map<number, number> | null)[] = [];
  node.frames.forEach((frame, f) => {
    const state = kept.frames[f]!;
    let bits = 0;
    frame.regs.forEach((reg, i) => {
      if (reg.type === SCALAR_VALUE && !((state.preciseRegs >>> i) & 1)) bits |= 1 << i;
    });
    regs.push(bits);
    const marks = new Map<number, number>();
    frame.stack.forEach((slot, spi) => {
      let mark = slot.isSpilledScalar && !state.isSlotPrecise(spi) ? IMPRECISE : 0;
      const now = state.stack[spi];
      for (let b = 0; b < 8; b++) if (!now || (now.type(b) === 0 && slot.type(b) !== 0)) mark |= 1 << b;
      if (mark) marks.set(spi, mark);
    });
    slots.push(marks.size ? marks : null);
  });
  return { regs, slots };
}

/** Bytes of a slot that its spilled register fills, as bits. */
export function spillBytes(slot: Slot): number {
  let bits = 0;
  for (let b = 0; b < 8; b++) if (slot.type(b) === STACK_SPILL) bits |= 1 << b;
  return bits;
}
