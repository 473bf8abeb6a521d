// Blocks on numbers and the stack: arithmetic of both widths, byte order, sign extension, spills, atomics. Each leaves the state as State says.
import { addImm, addReg, andImm, fill, movImm, movReg, SIZES, spill, stackPointer, type Draft } from "./drafts.ts";
import type { State } from "./state.ts";

const KINDS = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0x50, 0x50, 0x70, 0x00];

export function alu(s: State): Draft[] {
  const wide = s.rnd(2) === 0;
  const cls = wide ? 7 : 4;
  const kind = s.pick(KINDS);
  const d = s.dst();
  if (kind === 0x80) return [[cls | kind, d, 0, 0, 0]];
  if (kind === 0xd0) return [[wide ? 0xd7 : s.pick([0xd4, 0xdc]), d, 0, 0, s.pick([16, 32, 64])]];
  const shift = kind === 0x60 || kind === 0x70 || kind === 0xc0;
  const division = kind === 0x30 || kind === 0x90;
  const signed = division && !s.rnd(3) ? 1 : 0;
  if (s.rnd(2)) {
    const extend = kind === 0xb0 && s.rnd(2) ? s.pick(wide ? [8, 16, 32] : [8, 16]) : 0;
    return [[cls | kind | 8, d, s.num(), signed || extend, 0]];
  }
  const k = shift && !s.slip(12) ? s.rnd(wide ? 64 : 32) : s.imm();
  return [[cls | kind, d, 0, signed, k === 0 && division && !s.slip(3) ? 5 : k]];
}
/** A few operations on one register, so that knowledge is carried through all of them. */
export function chain(s: State): Draft[] {
  const r = s.index();
  if (r === undefined) return alu(s);
  const out: Draft[] = [s.pick<Draft>([andImm(r, s.pick([1, 3, 7, 15, 255, 0xfff])), movImm(r, s.imm()), [0xb4, r, 0, 0, s.imm()]])];
  for (let i = 2 + s.rnd(4); i > 0; i--) {
    const cls = s.pick([4, 7]);
    const kind = s.pick([0x00, 0x10, 0x20, 0x40, 0x50, 0xa0, 0x60, 0x70, 0xc0, 0xb0, 0x80, 0x90, 0x30]);
    const shift = kind === 0x60 || kind === 0x70 || kind === 0xc0;
    if (!s.rnd(8)) out.push([s.pick([0xd7, 0xd4, 0xdc]), r, 0, 0, s.pick([16, 32, 64])]);
    else if (kind === 0xb0) out.push([cls | 0xb8, r, r, s.pick(cls === 7 ? [0, 8, 16, 32] : [0, 8, 16]), 0]);
    else if (kind === 0x80) out.push([cls | kind, r, 0, 0, 0]);
    else if (!s.rnd(3)) out.push([cls | kind | 8, r, s.num(), 0, 0]);
    else out.push([cls | kind, r, 0, 0, shift ? s.rnd(cls === 7 ? 64 : 32) : s.pick([1, 2, 3, 5, 8, -1, -2, 63, 255])]);
  }
  return out;
}

const slot = (s: State): number => -8 * (1 + s.rnd(8));

/** Stores and loads of all widths, spills and fills of parts. */
export function stack(s: State): Draft[] {
  const [size, bytes] = s.pick(SIZES);
  const off = slot(s) + (s.slip(8) ? s.rnd(9) : bytes * s.rnd(8 / bytes));
  const signed = size !== 0x18 && !s.rnd(3);
  const load = (r: number, o: number, code: number): Draft => [(signed && code !== 0x18 ? 0x81 : 0x61) | code, r, 10, o, 0];
  switch (s.rnd(5)) {
    case 0:
      return [[0x62 | size, 10, 0, off, s.imm()]];
    case 1:
      return [[0x63 | size, 10, s.slip(10) ? 6 : s.num(), off, 0]];
    case 2:
      return [load(s.dst(), off, size)];
    case 3: {
      const at = slot(s);
      const [other] = s.pick(SIZES);
      return [[0x63 | other, 10, s.num(), at, 0], load(s.dst(), at, size)];
    }
    default: {
      const at = slot(s);
      return [spill(at, s.num()), ...(s.rnd(2) ? alu(s) : []), fill(s.dst(), at)];
    }
  }
}
/** A stack address that varies. */
export function variableStack(s: State): Draft[] {
  const reg = s.index();
  if (reg === undefined) return stack(s);
  const mask = s.pick([1, 3, 7, 15, 24, 56, 63]);
  const use: Draft = s.rnd(2) ? [0x72, 1, 0, 0, s.pick([0, 1])] : [0x71, s.dst(), 1, 0, 0];
  return [andImm(reg, mask), ...stackPointer(1, -64), addReg(1, reg), use];
}

const RMW = [0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1];
/** One atomic instruction at `reg` + `off`, which is a multiple of 8. */
export function atomicAt(s: State, reg: number, off: number): Draft {
  const src = s.index() ?? s.num();
  if (!s.rnd(5)) {
    const [code] = s.pick(SIZES);
    return s.rnd(2) ? [0xc3 | code, s.dst(), reg, off, 0x100] : [0xc3 | code, reg, src, off, 0x110];
  }
  return [s.rnd(2) ? 0xdb : 0xc3, reg, src, off, s.pick(RMW)];
}
export const atomic = (s: State): Draft[] => [atomicAt(s, 10, slot(s))];

/** Numbers that came from one another: what is learned of one is learned of the others, unless one changed in between. */
export function linked(s: State): Draft[] {
  const [a, b] = [s.index(), s.index()];
  if (a === undefined || b === undefined || a === b) return alu(s);
  const at = slot(s);
  const copies: Draft[][] = [
    [movReg(b, a)],
    [movReg(b, a), addImm(b, s.pick([1, 4, -1, 100]))],
    [spill(at, a), fill(b, at)],
    [[0xbc, b, a, 0, 0]],
    [[0xbf, b, a, s.pick([8, 16, 32]), 0]],
    [
      [0x63, 10, a, at, 0],
      [0x61, b, 10, at, 0],
    ],
  ];
  const between: Draft[] = s.rnd(2)
    ? []
    : [[s.pick([0x07, 0x17, 0x27, 0x47, 0x57, 0xa7, 0x04, 0x14]), s.pick([a, b]), 0, 0, s.pick([1, 2, 7])]];
  const bound: Draft = [s.pick([0x25, 0x35, 0xa5, 0x15, 0x55, 0x65, 0xc5, 0x26, 0xa6]), s.pick([a, b]), 0, 1, s.pick([1, 7, 15, 63])];
  return [...s.pick(copies), ...between, bound, s.pick<Draft>([movImm(0, 1), movReg(0, b), movReg(0, a)]), ...alu(s)];
}

const COMPARISONS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
/** A number of a few values, compared with one of them: runs meet both sides and the values right beside the limit. */
export function edges(s: State): Draft[] {
  const r = s.index();
  if (r === undefined) return alu(s);
  const most = s.pick([1, 3, 7]);
  const shift = s.pick([0, 0, -2, -4, 100]);
  const set: Draft[] = [andImm(r, most), ...(shift ? [[s.pick([0x07, 0x04]), r, 0, 0, shift] as Draft] : [])];
  const kind = s.pick(COMPARISONS);
  const cls = s.pick([5, 6]);
  const other = s.index();
  const byReg = other !== undefined && other !== r && s.rnd(3) === 0;
  const limit = shift + s.rnd(most + 2);
  const test: Draft = byReg ? [cls | kind | 8, r, other, 2, 0] : [cls | kind, r, 0, 2, limit];
  const second: Draft[] = byReg ? [andImm(other, s.pick([1, 3, 7]))] : [];
  return [
    ...set,
    ...second,
    test,
    s.pick([addImm(r, 1), movReg(0, r)]),
    [0x05, 0, 0, 1, 0],
    s.pick([movReg(0, r), [0x04, r, 0, 0, 1] as Draft]),
  ];
}

/** Straight code over numbers and the stack, with all registers set first. */
export function simple(s: State, n: number): Draft[] {
  const out: Draft[] = [movImm(7, s.imm()), movImm(8, s.imm()), movImm(9, s.imm()), movImm(0, 0)];
  for (let i = 0; i < n; i++) out.push(...alu(s), ...(s.rnd(2) ? stack(s) : []));
  return out;
}
