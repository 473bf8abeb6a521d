// Blocks that hold blocks: branches, loops of every kind, functions and callbacks. Each leaves the state as State says.
import { kernelBtf } from "../../parity/corpora.ts";
import {
  addImm,
  call,
  callFunction,
  EXIT,
  fill,
  functionPointer,
  kcall,
  mapPointer,
  movImm,
  movReg,
  spill,
  stackPointer,
  type Draft,
} from "./drafts.ts";
import { useMemory } from "./memory.ts";
import { alu, simple } from "./numbers.ts";
import type { State } from "./state.ts";
import { MAPS } from "./types.ts";

/** Writes `n` blocks; given by blocks.ts, which knows them all. */
export type Blocks = (s: State, n: number) => Draft[];

const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
function condition(s: State, over: number): Draft {
  const cls = s.pick([5, 6]);
  const kind = s.pick(JUMPS);
  return s.rnd(2) ? [cls | kind | 8, s.num(), s.num(), over, 0] : [cls | kind, s.num(), 0, over, s.imm()];
}

/** One or two ways; what a register holds afterwards is known only where both agree. */
export function branch(s: State, blocks: Blocks): Draft[] {
  const before = new Map(s.roles);
  const first = blocks(s, 1 + s.rnd(3));
  const repair = s.meet(before);
  if (s.rnd(2)) return [condition(s, first.length), ...first, ...repair];
  const second = blocks(s, 1 + s.rnd(2));
  const more = s.meet(before);
  return [condition(s, first.length + 1), ...first, [0x05, 0, 0, second.length, 0], ...second, ...repair, ...more];
}
/** Two ways that set a register, and later a use of it that tells them apart: whoever forgets that it matters goes wrong. */
export function diamond(s: State, blocks: Blocks): Draft[] {
  const r = s.index();
  if (r === undefined) return alu(s);
  const [a, b] = [s.rnd(8), s.rnd(40)];
  const way: Draft[] = s.rnd(2) ? [movImm(r, a), condition(s, 1), movImm(r, b)] : [movImm(r, b), condition(s, 1), movImm(r, a)];
  s.pinned.add(r);
  const between = blocks(s, 1 + s.rnd(2));
  s.pinned.delete(r);
  if (s.roles.get(r)!.kind !== "number") return [...way, ...between];
  const values = s.holding("value");
  const keep = s.rnd(2) ? [spill(-8, r), ...alu(s), fill(r, -8)] : [];
  if (values.length && s.rnd(2)) {
    const [value, { map }] = s.pick(values);
    const off = Math.max(0, Math.min(MAPS[map]![2] - 1 - Math.max(a, b), s.rnd(8)));
    return [...way, ...between, ...keep, movReg(3, value), [0x0f, 3, r, 0, 0], [0x71, 0, 3, off, 0]];
  }
  const body = alu(s);
  return [...way, ...between, ...keep, [s.pick([0x15, 0x25, 0x55, 0xa5, 0x16, 0x26]), r, 0, body.length, s.pick([a, b])], ...body];
}

/** As diamond, with what differs in a stack slot. */
export function diamondSlot(s: State, blocks: Blocks): Draft[] {
  if (s.slotsLeft < 2) return alu(s);
  return s.withSlots(1, (at) => {
    const [a, b] = [s.rnd(8), s.rnd(40)];
    const put = (k: number): Draft => [s.pick([0x7a, 0x7a, 0x62]), 10, 0, at, k];
    const way: Draft[] = [[0x7a, 10, 0, at, 0], put(a), condition(s, 1), put(b)];
    const between = blocks(s, 1 + s.rnd(2));
    const to = s.dst();
    const body = alu(s);
    return [
      ...way,
      ...between,
      [s.pick([0x79, 0x79, 0x61]), to, 10, at, 0],
      [s.pick([0x15, 0x55, 0x25, 0xa5]), to, 0, body.length, s.pick([a, b])],
      ...body,
    ];
  });
}
/** Two ways that move a pointer by different amounts, and an access that is fine after both. */
export function diamondPointer(s: State): Draft[] {
  const values = s.holding("value");
  const index = s.index();
  if (!values.length || index === undefined) return alu(s);
  const [reg, { map }] = s.pick(values);
  const size = MAPS[map]![2];
  const way = (): Draft[] => [
    movReg(3, reg),
    [0x57, index, 0, 0, s.pick([1, 3, 7, 15])],
    ...(s.rnd(3) ? [] : [addImm(3, s.pick([0, 4]))]),
    [0x0f, 3, index, 0, 0],
  ];
  const [first, second] = [way(), way()];
  const use: Draft = s.rnd(2) ? [0x71, 0, 3, s.rnd(size - 19), 0] : [0x72, 3, 0, s.rnd(size - 19), s.imm()];
  return [condition(s, first.length + 1), ...first, [0x05, 0, 0, second.length, 0], ...second, use];
}

/** Runs `make` where instructions may be run again: registers with roles stay as they are. */
function inLoop(s: State, pinned: readonly number[], make: () => Draft[]): Draft[] {
  const hold = [...pinned, ...[7, 8, 9].filter((r) => s.roles.get(r)!.kind !== "number")].filter((r) => !s.pinned.has(r));
  for (const r of hold) s.pinned.add(r);
  s.loops++;
  const before = new Map(s.roles);
  const body = [...make(), ...s.meet(before)];
  s.loops--;
  for (const r of hold) s.pinned.delete(r);
  return body;
}
export function loop(s: State, blocks: Blocks): Draft[] {
  const counter = s.index();
  if (counter === undefined) return alu(s);
  const times = s.loops ? s.pick([2, 3]) : s.pick([2, 4, 8, 12]);
  const body = inLoop(s, s.slip(10) ? [] : [counter], () => blocks(s, 1 + s.rnd(2)));
  return [movImm(counter, 0), ...body, addImm(counter, 1), [s.pick([0xa5, 0xa6, 0xc5, 0x55]), counter, 0, -(body.length + 2), times]];
}
export function mayGoto(s: State, blocks: Blocks): Draft[] {
  const body = inLoop(s, [], () => blocks(s, 1));
  return [[0xe5, 0, 0, body.length + 1, 0], ...body, [0x05, 0, 0, -(body.length + 2), 0]];
}
const ITER: Record<string, number> = {};
const iterId = (name: string): number => (ITER[name] ??= kernelBtf().find(`bpf_iter_num_${name}`, 12));
/** The open-coded iterator over numbers. */
export function iterator(s: State, blocks: Blocks): Draft[] {
  if (s.slotsLeft < 2) return loop(s, blocks);
  return s.withSlots(1, (at) => {
    s.held++;
    const inner = inLoop(s, [], () => [[0x61, s.dst(), 0, 0, 0], ...blocks(s, 1)]);
    s.held--;
    const body: Draft[] = [...stackPointer(1, at), kcall(iterId("next")), [0x15, 0, 0, inner.length + 2, 0], ...inner, movImm(0, 0)];
    return [
      ...[...stackPointer(1, at), movImm(2, s.rnd(4)), movImm(3, s.pick([0, 3, 7])), kcall(iterId("new"))],
      ...body,
      [0x05, 0, 0, -(body.length + 1), 0],
      ...(s.slip(12) ? [] : [...stackPointer(1, at), kcall(iterId("destroy"))]),
      movImm(0, 0),
    ];
  });
}

/** bpf_loop and bpf_for_each_map_elem with a callback that is given a pointer to the caller's stack. */
export function callback(s: State): Draft[] {
  const each = s.rnd(3) === 0;
  // The order of a hash map is not defined.
  const map = s.pick(s.repeatable ? [0, 2] : [0, 1, 2]);
  const context = each ? 4 : 2;
  const id = s.func("local", () => {
    const stack: Draft[] = s.rnd(3) ? [[0x79, 8, context, 0, 0], addImm(8, 1), [0x7b, context, 8, 0, 0]] : [];
    const value = each ? [movReg(7, 3)] : [movReg(7, 1)];
    const use = each ? useMemory(s, 3, MAPS[map]![2], { write: true, atomics: false }) : [];
    const end: Draft[] = s.rnd(3) ? [movImm(0, 0)] : [movReg(0, 8), [0x57, 0, 0, 0, 1]];
    return [
      movImm(8, s.rnd(4)),
      movImm(9, s.imm()),
      movImm(0, 0),
      ...stack,
      ...(each ? [] : value),
      ...(each ? [movImm(7, 1), ...use] : alu(s)),
      ...end,
      EXIT,
    ];
  });
  const ctx: Draft[] = [[0x7a, 10, 0, -64, s.rnd(4)], ...stackPointer(each ? 3 : 3, -64)];
  const count: Draft = s.rnd(3) ? movImm(1, s.pick([0, 1, 3, 5])) : movReg(1, s.index() ?? 0);
  if (each) return [...mapPointer(1, map), ...functionPointer(2, id), ...ctx, movImm(4, 0), call(164)];
  return [count, ...(count[0] === 0xbf ? [[0x57, 1, 0, 0, 7] as Draft] : []), ...functionPointer(2, id), ...ctx, movImm(4, 0), call(181)];
}

function staticFunction(s: State, blocks: Blocks): Draft[] {
  const pointer = s.rnd(3) === 0;
  const id = s.func("local", () => {
    const first: Draft[] = pointer
      ? [...useMemory(s, 1, 8, { write: true, atomics: false }), movImm(7, s.imm()), movReg(8, 2)]
      : [movReg(7, 1), movReg(8, 2)];
    const body = s.depth < 4 ? blocks(s, 1 + s.rnd(3)) : alu(s);
    const end = s.slip(12) ? [] : [movReg(0, s.pick([0, ...s.numbers()]))];
    return [movImm(9, s.imm()), movImm(0, 0), ...(pointer ? [movImm(8, 0), movImm(7, 0)] : []), ...first, ...body, ...end, EXIT];
  });
  const one: Draft[] = pointer ? [[0x7a, 10, 0, -64, s.rnd(4)], ...stackPointer(1, -64)] : [movReg(1, s.num())];
  return [...one, movReg(2, s.num()), callFunction(id)];
}
/** A function that is verified on its own, for any arguments that its prototype allows. */
function globalFunction(s: State, blocks: Blocks): Draft[] {
  const proto = s.pick(["numbers", "memory", "present"]);
  const id = s.func(proto, () => {
    const body = (): Draft[] => (s.depth < 3 ? blocks(s, 1 + s.rnd(2)) : alu(s));
    if (proto === "numbers") return [movReg(7, 1), movReg(8, 2), movImm(9, s.imm()), movImm(0, 0), ...body(), movReg(0, s.num()), EXIT];
    const use = [movReg(8, 2), movImm(7, 0), movImm(9, 0), ...useMemory(s, 1, 16, { write: true, atomics: false })];
    const guard: Draft[] = proto === "memory" && !s.slip(8) ? [[0x55, 1, 0, 2, 0], movImm(0, 0), EXIT] : [];
    return [movImm(0, 0), ...guard, ...use, ...body(), movReg(0, s.num()), EXIT];
  });
  const values = s.holding("value");
  const memory: Draft[] = values.length && s.rnd(2) ? [movReg(1, s.pick(values)[0])] : stackPointer(1, -16);
  return [...(proto === "numbers" ? [movReg(1, s.num())] : memory), movReg(2, s.num()), callFunction(id)];
}
export function subprogram(s: State, blocks: Blocks): Draft[] {
  if (s.depth > 3 || s.functions.length > 4) return alu(s);
  const kept = s.rnd(3) ? globalOrStatic(s, blocks) : staticFunction(s, blocks);
  const to = s.index();
  return [...kept, ...(to !== undefined && s.rnd(2) ? [movReg(to, 0)] : [])];
}
const globalOrStatic = (s: State, blocks: Blocks): Draft[] => (s.rnd(2) && !s.held ? globalFunction(s, blocks) : staticFunction(s, blocks));

/** Helpers that give a number. */
export function helper(s: State): Draft[] {
  const to = s.index();
  const id = s.pick([5, 7, 8, 14, 125, 7, 7]);
  return [call(id), ...(to === undefined ? [] : [movReg(to, 0)])];
}
/** A pointer in a slot while other code runs. */
export function parked(s: State, blocks: Blocks): Draft[] {
  const kept = [...s.holding("value")].filter(([r]) => !s.pinned.has(r));
  if (!kept.length || s.slotsLeft < 2) return alu(s);
  const [reg, role] = s.pick(kept);
  return s.withSlots(1, (at) => {
    s.give(reg, { kind: "number" });
    const inner = blocks(s, 1 + s.rnd(2));
    s.give(reg, role);
    return [spill(at, reg), movImm(reg, s.imm()), ...inner, fill(reg, at)];
  });
}
export { simple };
