// Instructions under construction, and putting a program's functions together. It decides nothing about what a program does.
import type { Insn } from "../../../core/isa/index.ts";

/** An instruction; `target` is a function whose place fills in the immediate. */
export type Draft = readonly [code: number, dst: number, src: number, off: number, imm: number, target?: number];

export const EXIT: Draft = [0x95, 0, 0, 0, 0];
export const call = (id: number): Draft => [0x85, 0, 0, 0, id];
export const kcall = (btfId: number): Draft => [0x85, 0, 2, 0, btfId];
export const movImm = (r: number, k: number): Draft => [0xb7, r, 0, 0, k];
export const movReg = (r: number, s: number): Draft => [0xbf, r, s, 0, 0];
export const addImm = (r: number, k: number): Draft => [0x07, r, 0, 0, k];
export const addReg = (r: number, s: number): Draft => [0x0f, r, s, 0, 0];
export const andImm = (r: number, k: number): Draft => [0x57, r, 0, 0, k];
/** 8 bytes of the stack. */
export const spill = (off: number, r: number): Draft => [0x7b, 10, r, off, 0];
export const fill = (r: number, off: number): Draft => [0x79, r, 10, off, 0];
export const ldImm64 = (r: number, src: number, lo: number, hi = 0): Draft[] => [
  [0x18, r, src, 0, lo],
  [0, 0, 0, 0, hi],
];
export const mapPointer = (r: number, map: number): Draft[] => ldImm64(r, 1, map);
/** r = r10 + off. */
export const stackPointer = (r: number, off: number): Draft[] => [movReg(r, 10), addImm(r, off)];
export const functionPointer = (r: number, target: number): Draft[] => [
  [0x18, r, 4, 0, 0, target],
  [0, 0, 0, 0, 0],
];
export const callFunction = (target: number): Draft => [0x85, 0, 1, 0, 0, target];

/** Codes that a size of bytes adds to a load or store. */
export const SIZES = [
  [0x00, 4],
  [0x08, 2],
  [0x10, 1],
  [0x18, 8],
] as const;

/** A function after main: its instructions and the name of its prototype in the generator's types. */
export interface Func {
  readonly body: readonly Draft[];
  readonly proto: string;
}

/** Main and its functions one after the other, with calls resolved. `starts` are the places of the functions. */
export function link(main: readonly Draft[], functions: readonly Func[]): { insns: Insn[]; starts: number[] } {
  const starts: number[] = [];
  let at = main.length;
  for (const f of functions) {
    starts.push(at);
    at += f.body.length;
  }
  const insns = [main, ...functions.map((f) => f.body)].flat().map(([code, dst, src, off, imm, target], i) => ({
    ...{ code, dst, src, off },
    imm: target === undefined ? imm | 0 : starts[target]! - i - 1,
  }));
  return { insns, starts };
}
