// How many bytes of stack a compiled function uses, read off its instructions. It runs nothing.
import { accessSize } from "../isa/index.ts";
import type { Program } from "../vm/index.ts";

const CLASS = { LDX: 1, ST: 2, STX: 3 } as const;
const MOV64_X = 0xbf;
const ADD64_K = 0x07;
const FP = 10;
/** Slots between a copy of r10 and the addition to it that are looked at. */
const NEAR = 16;

/**
 * Bytes of the frame of the function around `slot`, as LLVM 19 lays it out: down from r10 to the lowest object, which the code
 * names by its first byte, rounded up to 8 where the function calls, else to its widest access (PrologEpilogInserter).
 */
export function frameBytes(program: Program, slot: number): number {
  const start = program.subprogStarts.findLast((s) => s <= slot) ?? 0;
  const end = program.subprogStarts.find((s) => s > slot) ?? program.insns.length;
  let lowest = 0;
  let align = 1;
  for (let i = start; i < end; i++) {
    const off = stackOffset(program, i, end);
    const { code } = program.insns[i]!;
    lowest = Math.min(lowest, off);
    if (isCall(code)) align = 8;
    else if (off < 0 && code !== MOV64_X) align = Math.max(align, accessSize(code));
  }
  return Math.ceil(-lowest / align) * align;
}
const isCall = (code: number): boolean => code === 0x85 || code === 0x8d;

/** Offset from r10 that an instruction accesses or begins to compute; 0 for others. */
function stackOffset(program: Program, slot: number, end: number): number {
  const { code, dst, src, off } = program.insns[slot]!;
  const cls = code & 7;
  if (cls === CLASS.LDX) return src === FP ? off : 0;
  if (cls === CLASS.ST || cls === CLASS.STX) return dst === FP ? off : 0;
  if (code !== MOV64_X || src !== FP || off !== 0) return 0;
  const add = program.insns.slice(slot + 1, Math.min(end, slot + NEAR)).find((i) => i.code === ADD64_K && i.dst === dst);
  return add?.imm ?? 0;
}
