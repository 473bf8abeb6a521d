// Which map a call looks up in, where the program's text alone says so. It guesses nothing: undefined is always right.
import type { Memory } from "../memory.ts";
import { OP, type Program } from "../program.ts";
import { writtenAfter } from "../register-use.ts";
import { isCond, width } from "./blocks.ts";
import { knownMap, type KnownMap } from "./lookup.ts";

const MAP_ARGUMENT = 1;

/** The map in r1 at the call of a verified program at a slot, or undefined when it is not known. */
export function knownMaps(program: Program, memory: Memory): (slot: number) => KnownMap | undefined {
  let text: Text | undefined;
  return (slot) => {
    text ??= new Text(program);
    const at = text.constantBefore(slot, MAP_ARGUMENT);
    return at === undefined ? undefined : knownMap(memory, memory.i32[(program.code.start >> 2) + 2 * at]!);
  };
}

/** Whether an instruction that is no call writes a register. */
const writes = (program: Program, slot: number, reg: number): boolean => ((writtenAfter(program, slot, 0) >>> reg) & 1) === 1;
const isCall = (op: number): boolean => op === 0x85 || op === OP.CALL_BPF || op === OP.CALL_KFUNC;

class Text {
  readonly #program: Program;
  /** The slot of the instruction before each instruction. */
  readonly #before: Int32Array;
  readonly #isTarget: Uint8Array;
  constructor(program: Program) {
    this.#program = program;
    const n = program.insns.length;
    this.#before = new Int32Array(n).fill(-1);
    this.#isTarget = new Uint8Array(n);
    for (let i = 0, last = -1; i < n; last = i, i += width(program, i)) {
      this.#before[i] = last;
      const op = program.plainOp[i]!;
      if (op === 0x05 || isCond(op)) this.#isTarget[program.target[i]!] = 1;
    }
    for (const start of program.subprogStarts) this.#isTarget[start] = 1;
  }
  /** The slot of the 64-bit constant that a register holds before `slot`. */
  constantBefore(slot: number, reg: number): number | undefined {
    const { plainOp, insns } = this.#program;
    let wanted = reg;
    for (let at = slot; !this.#isTarget[at];) {
      at = this.#before[at]!;
      const op = plainOp[at];
      if (op === undefined || op === 0x05 || op === 0x95) return undefined;
      if (isCall(op)) {
        if (wanted <= 5) return undefined;
      } else if (writes(this.#program, at, wanted)) {
        if (op === OP.LD_IMM64) return at;
        if (op !== 0xb7 || !(insns[at]!.code & 8)) return undefined;
        wanted = insns[at]!.src;
      }
    }
    return wanted > 5 && wanted < 10 ? this.#onlyConstant(slot, wanted) : undefined;
  }
  /** The one constant that the function around `slot` ever puts into a register that calls preserve. */
  #onlyConstant(slot: number, reg: number): number | undefined {
    const { subprogStarts, insns, plainOp } = this.#program;
    const from = subprogStarts.findLast((s) => s <= slot)!;
    const end = subprogStarts.find((s) => s > slot) ?? insns.length;
    let found: number | undefined;
    for (let at = from; at < end; at += width(this.#program, at)) {
      if (!writes(this.#program, at, reg)) continue;
      if (plainOp[at] !== OP.LD_IMM64 || found !== undefined) return undefined;
      found = at;
    }
    return found;
  }
}
