// Which registers an instruction reads and writes, and where a program may read one that it never wrote. It runs nothing.
import {
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_END,
  BPF_PSEUDO_FUNC,
  isLdImm64,
  type Insn,
} from "../isa/index.ts";
import { OP, type Program } from "./program.ts";

/** Bits of r1..r5. */
export const ARGS = 0b111110;
export const R0 = 1,
  FRAME_POINTER = 1 << 10;
/** What a program begins with. */
export const START = (1 << 1) | FRAME_POINTER;
const SKB = 1 << 6;

/** Arguments in r1.. that the helper or kfunc called at a slot takes. */
export type ArgCount = (program: Program, slot: number) => number;

/** Bits of the registers that the instruction at `slot` reads. */
export function readsOf(program: Program, slot: number, args: ArgCount): number {
  const insn = program.insns[slot]!;
  const op = program.plainOp[slot]!;
  const dst = 1 << insn.dst,
    src = 1 << insn.src;
  const operand = insn.code & 8 ? src : 0;
  if (op === OP.BAD) return 0;
  switch (insn.code & 7) {
    case 0:
      return isLdImm64(insn) ? 0 : SKB | ((insn.code & 0xe0) === 0x40 ? src : 0);
    case 1:
      return src;
    case 2:
      return dst;
    case 3:
      if ((insn.code & 0xe0) !== BPF_ATOMIC) return dst | src;
      return insn.imm === BPF_LOAD_ACQ ? src : dst | src | (insn.imm === BPF_CMPXCHG ? R0 : 0);
    case 4:
    case 7:
      return aluReads(insn, dst, operand);
    default:
      return jumpReads(program, slot, dst | operand, args);
  }
}
function aluReads(insn: Insn, dst: number, operand: number): number {
  const kind = insn.code & 0xf0;
  if (kind === BPF_MOV) return operand;
  return kind === BPF_NEG || kind === BPF_END ? dst : dst | operand;
}
function jumpReads(program: Program, slot: number, compared: number, args: ArgCount): number {
  const op = program.plainOp[slot]!;
  if (op === 0x85 || op === OP.CALL_KFUNC) return ((1 << args(program, slot)) - 1) << 1;
  return op === 0x95 || op === 0x05 || op === 0xe5 || op === OP.CALL_BPF ? 0 : compared;
}

/** Bits of the registers that it leaves written, of `before`; what a call does with the callee's frame is not in it. */
export function writtenAfter(program: Program, slot: number, before: number): number {
  const insn = program.insns[slot]!;
  const op = program.plainOp[slot]!;
  switch (insn.code & 7) {
    case 0:
      return isLdImm64(insn) ? before | (1 << insn.dst) : (before & ~ARGS) | R0;
    case 1:
    case 4:
    case 7:
      return before | (1 << insn.dst);
    case 3:
      return before | fetched(insn);
    default:
      return op === 0x85 || op === OP.CALL_KFUNC || op === OP.CALL_BPF ? (before & ~ARGS) | R0 : before;
  }
}
function fetched(insn: Insn): number {
  if ((insn.code & 0xe0) !== BPF_ATOMIC) return 0;
  if (insn.imm === BPF_LOAD_ACQ) return 1 << insn.dst;
  if (insn.imm === BPF_CMPXCHG) return R0;
  return insn.imm & BPF_FETCH && insn.imm < 0x100 ? 1 << insn.src : 0;
}

/** Whether some path through `program` reads a register that nothing on it has written. False for all that the verifier accepts. */
export function mayReadUnwritten(program: Program, args: ArgCount): boolean {
  const paths = new Paths(program, args, false);
  if (paths.suspect) return true;
  return paths.voids && new Paths(program, args, true).suspect;
}

/** The registers that every path to a slot has written, found by going over all paths until nothing changes. */
class Paths {
  readonly #program: Program;
  readonly #written: Int32Array;
  /** Slots that the first frame reaches, whose exit gives r0 out. */
  readonly #first: Uint8Array;
  readonly #work: number[] = [];
  /** A register is read that is not written. */
  suspect = false;
  /** A called function ends without a result. */
  voids = false;

  /** `noResult`: calls of functions leave r0 unwritten. */
  constructor(program: Program, args: ArgCount, noResult: boolean) {
    this.#program = program;
    this.#written = new Int32Array(program.insns.length).fill(-1);
    this.#first = new Uint8Array(program.insns.length);
    this.#reach(0, START, 1);
    this.#reach(program.source.exceptionCallback ?? 0, START, 1);
    for (let slot = this.#work.pop(); slot !== undefined && !this.suspect; slot = this.#work.pop()) {
      if (readsOf(program, slot, args) & ~this.#written[slot]!) this.suspect = true;
      this.#follow(slot, noResult);
    }
  }
  #reach(slot: number, mask: number, first: number): void {
    if (slot < 0 || slot >= this.#written.length) return;
    const merged = this.#written[slot]! & mask;
    if (merged === this.#written[slot] && this.#first[slot]! >= first) return;
    this.#written[slot] = merged;
    this.#first[slot] = Math.max(this.#first[slot]!, first);
    this.#work.push(slot);
  }
  #follow(slot: number, noResult: boolean): void {
    const { insns, plainOp, target } = this.#program;
    const insn = insns[slot]!,
      op = plainOp[slot]!,
      mask = this.#written[slot]!,
      first = this.#first[slot]!;
    if (op === 0x95) {
      if (mask & R0) return;
      if (first) this.suspect = true;
      else this.voids = true;
      return;
    }
    if (isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC) this.#reach(slot + 1 + insn.imm, ARGS | FRAME_POINTER, 0);
    if (op === OP.CALL_BPF) this.#reach(target[slot]!, (mask & ARGS) | FRAME_POINTER, 0);
    const next = writtenAfter(this.#program, slot, mask) & ~(noResult && op === OP.CALL_BPF ? R0 : 0);
    if (isJump(op)) this.#reach(target[slot]!, next, first);
    if (op !== 0x05) this.#reach(slot + (isLdImm64(insn) ? 2 : 1), next, first);
  }
}
const isJump = (op: number): boolean => ((op & 7) === 5 || (op & 7) === 6) && (op & 0xf0) !== 0x80 && (op & 0xf0) !== 0x90;
