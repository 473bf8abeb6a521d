// Reads of stack bytes and registers that a run never wrote: what is told, once, by each gear that looks. It judges no verdict.
import { describe, expect, it } from "vitest";
import type { Insn } from "../../core/isa/index.ts";
import { RunState, SimKernel, type EngineName } from "../../core/kernel/index.ts";
import { MAP_TYPE } from "../../core/catalog/index.ts";
import { call, dice, EXIT, i, map, randomInsn, wide } from "./programs.ts";

const HASH = { ...map(MAP_TYPE.HASH, 8, 4), keySize: 8 };
interface Found {
  readonly insn: number;
  readonly region: string;
  readonly offset: number;
  readonly size: number;
}
function load(insns: readonly Insn[], engine: EngineName, warnings = true) {
  const kernel = new SimKernel({ maxBytes: 1 << 22, budget: 100_000, engine, warnings });
  const fd = kernel.createMap(HASH);
  const program = kernel.programByFd(
    kernel.loadProgram({ name: "t", type: 1, expectedAttachType: 0, insns: [...insns], license: "GPL" }, [fd]),
  )!;
  kernel.begin(program, new RunState());
  return { kernel, program };
}
const found = (kernel: SimKernel): Found[] =>
  kernel.takeWarnings().map(({ insnIdx: insn, region, offset, size }) => ({ insn, region, offset, size }));
function warnings(insns: readonly Insn[], engine: EngineName = "interpreter"): Found[] {
  const { kernel } = load(insns, engine);
  kernel.finish();
  return found(kernel);
}

const R0 = i(0xb7, 0);
const mov = (dst: number, src: number): Insn => i(0xbf, dst, src);
const add = (dst: number, imm: number): Insn => i(0x07, dst, 0, 0, imm);
const store = (off: number, code = 0x7a): Insn => i(code, 10, 0, off, 5);
const loadFp = (off: number, code = 0x79, dst = 1): Insn => i(code, dst, 10, off);
const stack = (insn: number, offset: number, size = 8, frame = 0): Found => ({ insn, region: `stack of frame ${frame}`, offset, size });
const register = (insn: number, n: number): Found => ({ insn, region: `r${n}`, offset: 0, size: 8 });
/** r2 = fp + off, r1 = the map. */
const keyAt = (off: number): Insn[] => [...wide(1, 0n, 1), mov(2, 10), add(2, off)];
const LOOKUP = call(1),
  RANDOM = call(7),
  COMM = call(16);

const STACK: readonly (readonly [string, readonly Insn[], readonly Found[]])[] = [
  ["a load of what nobody stored", [R0, loadFp(-8), EXIT], [stack(1, -8)]],
  ["a load after the store", [R0, store(-8), loadFp(-8), EXIT], []],
  ["half of the bytes", [R0, store(-8, 0x62), loadFp(-8), EXIT], [stack(2, -4)]],
  ["one byte of four", [R0, store(-4, 0x72), loadFp(-4, 0x61), EXIT], [stack(2, -3, 4)]],
  ["sign-extending loads", [R0, loadFp(-6, 0x89), EXIT], [stack(1, -6, 2)]],
  ["an atomic", [R0, mov(1, 0), i(0xdb, 10, 1, -16, 0), EXIT], [stack(2, -16)]],
  ["a load behind the atomic that filled", [R0, mov(1, 0), i(0xdb, 10, 1, -16, 0), loadFp(-16), EXIT], [stack(2, -16)]],
  ["a key with a hole", [R0, store(-8, 0x62), ...keyAt(-8), LOOKUP, R0, EXIT], [stack(6, -4)]],
  ["a whole key", [R0, store(-8), ...keyAt(-8), LOOKUP, R0, EXIT], []],
  ["what a helper filled", [mov(1, 10), add(1, -16), i(0xb7, 2, 0, 0, 16), COMM, loadFp(-16), R0, EXIT], []],
  ["what a helper filled in part", [mov(1, 10), add(1, -16), i(0xb7, 2, 0, 0, 8), COMM, loadFp(-8), R0, EXIT], [stack(4, -8)]],
  ["once in a loop", [R0, loadFp(-8), add(0, 1), i(0xa5, 0, 0, -3, 10), EXIT], [stack(1, -8)]],
  // A function that is called again finds its frame as new.
  ["another frame, twice", [i(0x85, 0, 1, 0, 2), i(0x85, 0, 1, 0, 1), EXIT, loadFp(-8), store(-8), R0, EXIT], [stack(3, -8, 8, 1)]],
  ["the caller's bytes through a pointer", [store(-8), mov(1, 10), i(0x85, 0, 1, 0, 1), EXIT, i(0x79, 0, 1, -8), EXIT], []],
];
const REGISTERS: readonly (readonly [string, readonly Insn[], readonly Found[]])[] = [
  ["a sum", [i(0x0f, 1, 6), R0, EXIT], [register(0, 6)]],
  ["a move", [mov(0, 2), EXIT], [register(0, 2)]],
  ["no result", [EXIT], [register(0, 0)]],
  ["what a call took", [i(0xb7, 3, 0, 0, 1), RANDOM, mov(0, 3), EXIT], [register(2, 3)]],
  ["an argument", [LOOKUP, EXIT], [register(0, 2)]],
  ["a comparison", [R0, i(0x1d, 0, 9, 0), EXIT], [register(1, 9)]],
  ["on one path only", [R0, i(0x15, 0, 0, 1, 0), i(0xb7, 6, 0, 0, 1), mov(0, 6), EXIT], [register(3, 6)]],
  ["not on the path that runs", [R0, i(0x55, 0, 0, 1, 0), i(0xb7, 6, 0, 0, 1), mov(0, 6), EXIT], []],
  ["the callee's own", [i(0xb7, 6), i(0x85, 0, 1, 0, 1), EXIT, mov(0, 6), EXIT], [register(3, 6)]],
  ["the caller's after the call", [i(0xb7, 6), i(0x85, 0, 1, 0, 2), mov(0, 6), EXIT, R0, EXIT], []],
  ["a result that the callee never gave", [i(0x85, 0, 1, 0, 1), EXIT, EXIT], [register(1, 0)]],
  // bpf_loop: r1 times, r2 function, r3 its context, r4 flags.
  [
    "in a callback",
    [i(0xb7, 1, 0, 0, 2), i(0x18, 2, 4, 0, 5), i(0), i(0xb7, 3), i(0xb7, 4), call(181), EXIT, i(0x0f, 1, 7), R0, EXIT],
    [register(7, 7)],
  ],
  [
    "a callback's context",
    [i(0xb7, 1, 0, 0, 2), i(0x18, 2, 4, 0, 5), i(0), i(0xb7, 3), i(0xb7, 4), call(181), EXIT, mov(0, 2), R0, EXIT],
    [],
  ],
  ["a context that is given", [mov(0, 1), EXIT], []],
];

describe.each(["interpreter", "stoppable"] as const)("stack bytes, %s", (engine) => {
  it.each(STACK)("%s", (_name, insns, expected) => expect(warnings(insns, engine)).toEqual(expected));
});
describe.each(["interpreter", "stoppable"] as const)("registers, %s", (engine) => {
  it.each(REGISTERS)("%s", (_name, insns, expected) => expect(warnings(insns, engine)).toEqual(expected));
});
it("says what and where", () => {
  const { kernel } = load([R0, store(-8, 0x62), loadFp(-8), EXIT], "interpreter");
  kernel.finish();
  expect(kernel.takeWarnings()).toEqual([
    {
      kind: "uninitialised-read",
      insnIdx: 2,
      program: "t",
      region: "stack of frame 0",
      offset: -4,
      size: 8,
      message: "read of 8 bytes at fp-8 of frame 0: the byte at fp-4 was never written",
    },
  ]);
  expect(kernel.takeWarnings()).toEqual([]);
});
it("tells each run anew", () => {
  const { kernel, program } = load([R0, loadFp(-8), EXIT], "interpreter");
  kernel.finish();
  expect(found(kernel)).toHaveLength(1);
  kernel.begin(program, new RunState());
  kernel.finish();
  expect(found(kernel)).toHaveLength(1);
});
it("goes back with a snapshot", () => {
  const { kernel } = load([R0, store(-8), loadFp(-8), loadFp(-16), EXIT], "interpreter");
  const start = kernel.machine.snapshot();
  kernel.machine.run(3);
  expect(found(kernel)).toEqual([]);
  kernel.machine.restore(start);
  kernel.machine.pc = 2;
  kernel.machine.run(1);
  expect(found(kernel)).toEqual([stack(2, -8)]);
});
it("is told by nobody who was not asked, nor at full speed", () => {
  for (const [engine, asked] of [
    ["interpreter", false],
    ["wasm", true],
  ] as const) {
    const { kernel } = load([R0, loadFp(-8), EXIT], engine, asked);
    kernel.finish();
    expect(kernel.machine.shadow).toBeUndefined();
    expect(kernel.takeWarnings()).toEqual([]);
  }
});
it("changes no result: 500 random programs", () => {
  const roll = dice(77);
  let told = 0;
  for (let n = 0; n < 500; n++) {
    const insns = Array.from({ length: 30 }, (_, k) =>
      roll(5) ? randomInsn(roll, 29 - k) : roll(2) ? loadFp(-8 * (1 + roll(4)), 0x79, roll(10)) : i(0x7b, 10, roll(10), -8 * (1 + roll(4))),
    ).concat(EXIT);
    const results = [false, true].map((asked) => {
      const { kernel } = load(insns, "interpreter", asked);
      const stop = kernel.finish();
      told += kernel.takeWarnings().length;
      return [stop, kernel.machine.executed];
    });
    expect(results[1]).toEqual(results[0]);
  }
  expect(told).toBeGreaterThan(500);
});
