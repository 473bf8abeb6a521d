// Small programs for tests of the machine, and the kernel that they run in. It runs nothing by itself.
import { kfuncByName, MAP_TYPE, PROG_TYPE } from "../../core/catalog/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { RunState, SimKernel, type EngineName, type LoadedProgram } from "../../core/kernel/index.ts";
import type { MapSpec } from "../../core/object/index.ts";

export const i = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
export const wide = (dst: number, value: bigint, src = 0): Insn[] => [
  i(0x18, dst, src, 0, Number(BigInt.asIntN(32, value))),
  i(0, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n))),
];
export const EXIT = i(0x95);
/** A call of a kernel function by its name. */
export const kcall = (name: string): Insn => i(0x85, 0, 2, 0, kfuncByName(name)!.btfId);
export const call = (id: number): Insn => i(0x85, 0, 0, 0, id);
export const map = (type: number, valueSize: number, maxEntries: number): MapSpec => ({
  name: "m",
  type,
  keySize: 4,
  valueSize,
  maxEntries,
  flags: 0,
  mapExtra: 0n,
  btfKeyTypeId: 0,
  btfValueTypeId: 0,
});
export const ARRAY = map(MAP_TYPE.ARRAY, 8, 2);

export interface Setup {
  readonly maps?: readonly MapSpec[];
  /** Slots that reach other things than plain memory; undefined for a program that was not verified. */
  readonly special?: readonly number[] | undefined;
  /** Slot of the function that runs when the program throws. */
  readonly exceptionCallback?: number;
  /** Program that slot 0 of the first map holds. */
  readonly tail?: readonly Insn[];
}
/** A kernel with the program begun in it. */
export function begun(insns: readonly Insn[], engine: EngineName, setup: Setup = {}): { kernel: SimKernel; program: LoadedProgram } {
  const { maps = [], special, tail, exceptionCallback } = setup;
  const kernel = new SimKernel({ maxBytes: 1 << 22, budget: 40_000_000, engine });
  const fds = maps.map((m) => kernel.createMap(m));
  const load = (list: readonly Insn[], sp: readonly number[] | undefined) =>
    kernel.loadProgram(
      { name: "t", type: PROG_TYPE.SOCKET_FILTER, expectedAttachType: 0, insns: [...list], license: "GPL", special: sp, exceptionCallback },
      fds,
    );
  const program = kernel.programByFd(load(insns, special))!;
  if (tail) kernel.mapUpdate(fds[0]!, new Uint8Array(4), new Uint8Array([load(tail, special && []), 0, 0, 0]));
  kernel.begin(program, new RunState());
  return { kernel, program };
}

/** A seeded generator of numbers below `n`. */
export function dice(seed: number): (n: number) => number {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}
export const EDGES = [
  ...[0n, 1n, -1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 63n],
  ...[(1n << 63n) - 1n, 0x0123456789abcdefn, -2147483648n],
];
const ALU = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

/** Arithmetic on any register, or a jump over fewer than `left` instructions. */
export function randomInsn(roll: (n: number) => number, left: number): Insn {
  const [dst, src] = [roll(10), roll(10)];
  const imm = Number(BigInt.asIntN(32, EDGES[roll(EDGES.length)]!)) + roll(3);
  const cls = roll(2) ? 7 : 4;
  const x = roll(2) * 8;
  switch (roll(12)) {
    case 0:
      return i(cls | 0xb0 | 8, dst, src, [8, 16, 32][roll(cls === 7 ? 3 : 2)]!);
    case 1:
      return i(cls | (roll(2) ? 0x30 : 0x90) | x, dst, src, 1, imm | 0);
    case 2:
      return i([0xd4, 0xdc, 0xd7][roll(3)]!, dst, 0, 0, [16, 32, 64][roll(3)]!);
    case 3:
      return i(cls | 0x80, dst);
    case 4:
    case 5:
      return left > 2
        ? i((roll(2) ? 5 : 6) | JUMPS[roll(JUMPS.length)]! | x, dst, src, roll(left - 1), imm | 0)
        : i(0xb7, dst, 0, 0, imm | 0);
    default:
      return i(cls | ALU[roll(ALU.length)]! | x, dst, src, 0, imm | 0);
  }
}
