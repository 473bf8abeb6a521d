// Basic blocks of one function of a program, in reverse postorder with dominators. It emits nothing.
import { OP, type Program } from "../program.ts";

/** A run of slots that is entered at its first only. */
export interface Block {
  /** Index in reverse postorder. */
  readonly index: number;
  readonly start: number;
  /** One past the last slot. */
  readonly end: number;
  /** How it ends: at a conditional jump (`next` is taken, then fallen through to), going on to `next[0]`, or not at all. */
  readonly kind: "cond" | "go" | "end";
  readonly next: readonly number[];
  readonly loopHead: boolean;
  /** Reached forwards from more than one block. */
  readonly merge: boolean;
  /** Blocks that this one immediately dominates, by index. */
  readonly children: readonly number[];
}
export interface Flow {
  /** In reverse postorder; the function begins with the first. */
  readonly blocks: readonly Block[];
  /** Whether every cycle is entered at one block only, so that it has a structured form. */
  readonly reducible: boolean;
  /** Longest chain of blocks that dominate each other. */
  readonly depth: number;
}

export const isCond = (op: number): boolean => {
  const cls = op & 7;
  return op === 0xe5 || ((cls === 5 || cls === 6) && (op & 0xf0) !== 0 && op < 0xe0 && (op & 0xf0) !== 0x80 && (op & 0xf0) !== 0x90);
};
/** Slots of the instruction at `slot`. */
export const width = (program: Program, slot: number): number => (program.plainOp[slot] === OP.LD_IMM64 ? 2 : 1);

interface Rough {
  readonly start: number;
  readonly end: number;
  readonly kind: Block["kind"];
  /** First slots of the blocks that follow. */
  readonly next: readonly number[];
}

/** The blocks that can be reached from slot `start`, within [start, end). */
export function flowOf(program: Program, start: number, end: number): Flow {
  const rough = cut(program, start, end);
  const order = reversePostorder(rough, start);
  const indexOf = new Map(order.map((s, i) => [s, i]));
  const next = order.map((s) => rough.get(s)!.next.map((t) => indexOf.get(t)!));
  const before: number[][] = order.map(() => []);
  next.forEach((ts, i) => ts.forEach((t) => before[t]!.push(i)));
  const parent = dominators(before);
  const dominates = (a: number, b: number): boolean => {
    let at = b;
    while (at > a) at = parent[at]!;
    return at === a;
  };
  const children: number[][] = order.map(() => []);
  const depth = order.map(() => 1);
  for (let i = 1; i < order.length; i++) {
    children[parent[i]!]!.push(i);
    depth[i] = depth[parent[i]!]! + 1;
  }
  const blocks = order.map((s, index): Block => {
    const { start: from, end: to, kind } = rough.get(s)!;
    const loopHead = before[index]!.some((p) => p >= index);
    const merge = before[index]!.filter((p) => p < index).length > 1;
    return { index, start: from, end: to, kind, next: next[index]!, loopHead, merge, children: children[index]! };
  });
  const reducible = blocks.every((b) => b.next.every((t) => t > b.index || dominates(t, b.index)));
  return { blocks, reducible, depth: Math.max(...depth) };
}

function cut(program: Program, start: number, end: number): Map<number, Rough> {
  const { plainOp, target } = program;
  const leaders = new Set([start]);
  for (let i = start; i < end; i += width(program, i)) {
    const op = plainOp[i]!;
    if (op === 0x05 || isCond(op)) leaders.add(target[i]!);
    if (op === 0x05 || op === 0x95 || isCond(op)) leaders.add(i + 1);
  }
  const out = new Map<number, Rough>();
  for (let i = start; i < end;) {
    const from = i;
    let last = i;
    do {
      last = i;
      i += width(program, i);
    } while (i < end && !leaders.has(i));
    const op = plainOp[last]!;
    const onward = i < end ? [i] : [];
    const next = op === 0x95 ? [] : op === 0x05 ? [target[last]!] : isCond(op) ? [target[last]!, ...onward] : onward;
    out.set(from, { start: from, end: i, kind: isCond(op) ? "cond" : next.length ? "go" : "end", next });
  }
  return out;
}

function reversePostorder(rough: ReadonlyMap<number, Rough>, start: number): number[] {
  const seen = new Set([start]);
  const post: number[] = [];
  const stack: { at: number; k: number }[] = [{ at: start, k: 0 }];
  while (stack.length) {
    const top = stack.at(-1)!;
    const { next } = rough.get(top.at)!;
    // The way that is fallen through to is walked last, so that it comes first in the order.
    const to = next[top.k++];
    if (to === undefined) {
      post.push(top.at);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ at: to, k: 0 });
    }
  }
  return post.reverse();
}

/** Immediate dominators over reverse postorder (Cooper, Harvey, Kennedy). */
function dominators(before: readonly (readonly number[])[]): Int32Array {
  const parent = new Int32Array(before.length).fill(-1);
  parent[0] = 0;
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (x > y) x = parent[x]!;
      while (y > x) y = parent[y]!;
    }
    return x;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 1; i < before.length; i++) {
      const known = before[i]!.filter((p) => parent[p]! >= 0);
      const now = known.reduce(meet);
      if (parent[i] === now) continue;
      parent[i] = now;
      changed = true;
    }
  }
  return parent;
}
