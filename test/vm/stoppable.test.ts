// Stopping and handing over: wherever a run is interrupted, and whichever engine goes on, the machine stands as if it had been stepped all the way.
import { describe, expect, it } from "vitest";
import { MAP_TYPE } from "../../core/catalog/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { REGS_AT, StoppableEngine, type Machine, type Stop, type Watch } from "../../core/vm/index.ts";
import { ARRAY, begun, call, dice, EDGES, EXIT, i, kcall, map, randomInsn, wide, type Setup } from "./programs.ts";

/** Everything that a debugger can see of where the machine stands. */
const sight = (vm: Machine, stop: Stop): unknown => [
  stop,
  stop.kind === "exit" ? undefined : vm.pc,
  vm.depth,
  vm.executed,
  stop.kind === "exit" ? vm.r0() : Buffer.from(vm.memory.read(REGS_AT, 88)).toString("hex"),
  Buffer.from(vm.memory.read(0x2000, 1536)).toString("hex"),
];

/** Runs in pieces of random length with random breakpoints, each piece by one of the engines; the interpreter alone must see the same. */
function inPieces(insns: readonly Insn[], setup: Setup, seed: number): void {
  const roll = dice(seed);
  const a = begun(insns, "interpreter", setup);
  const b = begun(insns, "interpreter", setup);
  const engine = new StoppableEngine(b.kernel.machine);
  for (let piece = 0; ; piece++) {
    if (roll(3) === 0) {
      const breaks = insns.map((_, slot) => (roll(8) === 0 ? slot : -1));
      for (const { code } of [a.program, b.program]) {
        code.op.set(code.plainOp);
        for (const slot of breaks) if (slot >= 0 && code.plainOp[slot] !== 0xfe) code.op[slot] = 0xff;
      }
    }
    const budget = roll(2) ? 1 + roll(12) : 1 + roll(400);
    const want = sight(a.kernel.machine, a.kernel.machine.run(budget));
    const got = sight(b.kernel.machine, roll(4) ? engine.run(budget) : b.kernel.machine.run(budget));
    expect([seed, piece, got]).toEqual([seed, piece, want]);
    if (a.kernel.machine.done || piece > 2000) return;
  }
}

const LOOP_WITH_CALLS = [
  ...[i(0xb7, 6, 0, 0, 9), i(0xb7, 7), i(0xbf, 1, 6), i(0x85, 0, 1, 0, 5), i(0x0f, 7, 0), i(0x07, 6, 0, 0, -1), i(0x55, 6, 0, -5)],
  ...[i(0xbf, 0, 7), EXIT],
  // f(n): keeps n in its frame, n * n + random-free noise
  ...[i(0x7b, 10, 1, -8), i(0x79, 2, 10, -8), i(0x2f, 1, 2), i(0xbf, 0, 1), i(0x61, 3, 10, -8), i(0x0f, 0, 3), EXIT],
];
const CALLBACK = ((): Insn[] => {
  const head = [i(0x7a, 10, 0, -8), i(0xb7, 1, 0, 0, 10), ...wide(2, 0n, 4), i(0xbf, 3, 10), i(0x07, 3, 0, 0, -8), i(0xb7, 4), call(181)];
  head.push(i(0x79, 0, 10, -8), EXIT);
  head[2] = i(0x18, 2, 4, 0, head.length - 3);
  return [...head, i(0x79, 3, 2), i(0x0f, 3, 1), i(0x7b, 2, 3), i(0xb7, 0), i(0x55, 1, 0, 1, 6), i(0xb7, 0, 0, 0, 1), EXIT];
})();
const MAPS = [i(0x62, 10, 0, -4), ...wide(1, 0n, 1), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -4), call(1), i(0x55, 0, 0, 1), EXIT].concat([
  ...[i(0xb7, 1, 0, 0, 40), i(0xdb, 0, 1, 0), i(0x7b, 0, 1, 0), i(0x73, 0, 1, 3), i(0x79, 0, 0), EXIT],
]);
const MAY_GOTO = [i(0xb7, 0), i(0xe5, 0, 0, 3), i(0x07, 0, 0, 0, 1), i(0x25, 0, 0, 1, 500), i(0x05, 0, 0, -4), EXIT];
const THROWS = [
  i(0xb7, 6, 0, 0, 3),
  i(0x85, 0, 1, 0, 1),
  EXIT,
  i(0xb7, 1, 0, 0, 9),
  kcall("bpf_throw"),
  EXIT,
  i(0xbf, 0, 1),
  i(0x0f, 0, 0),
  EXIT,
];
const TAIL = [...wide(2, 0n, 1), i(0xb7, 3), call(12), i(0xb7, 0, 0, 0, 1), EXIT];
const TO_TAIL: Setup = { maps: [map(MAP_TYPE.PROG_ARRAY, 4, 2)], tail: [i(0xb7, 0, 0, 0, 77), i(0x07, 0, 0, 0, 1), EXIT] };

const CASES: readonly (readonly [string, readonly Insn[], Setup])[] = [
  ["functions in a loop", LOOP_WITH_CALLS, {}],
  ["a callback", CALLBACK, {}],
  ["map values", MAPS, { maps: [ARRAY] }],
  ["may_goto", MAY_GOTO, {}],
  ["a tail call", TAIL, TO_TAIL],
  ["an exception out of a function", THROWS, { exceptionCallback: 6 }],
  ["a jump out of the program", [i(0xb7, 0), i(0x05, 0, 0, 7), EXIT], {}],
  ["a read of nothing", [i(0xb7, 0), i(0xb7, 1, 0, 0, 64), i(0x79, 0, 1, 8), EXIT], {}],
  ["falling off the end", [i(0xb7, 0), i(0x07, 0, 0, 0, 1)], {}],
  ["recursion without end", [i(0xb7, 0), i(0x85, 0, 1, 0, -2), EXIT], {}],
  ["a helper that is not simulated", [i(0xb7, 1), call(9999), EXIT], {}],
  ["a frame pointer that is written", [i(0x07, 10, 0, 0, -8), i(0x7a, 10, 0, -8, 5), i(0x79, 0, 10, -8), EXIT], {}],
];

/** Those that no verifier would have accepted. */
const BAD: ReadonlySet<string> = new Set([
  "a jump out of the program",
  "a read of nothing",
  "falling off the end",
  "recursion without end",
  "a frame pointer that is written",
]);

describe("in pieces", () => {
  it.each(CASES)("%s", (name, insns, setup) => {
    for (let seed = 1; seed <= 60; seed++) {
      inPieces(insns, { ...setup, special: undefined }, seed);
      if (!BAD.has(name)) inPieces(insns, { ...setup, special: [] }, seed);
    }
  });
  it("400 programs at random", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const roll = dice(seed * 2654435761);
      const insns: Insn[] = [];
      for (let r = 0; r < 10; r++) insns.push(...wide(r, EDGES[roll(EDGES.length)]! + BigInt(roll(3))));
      for (let n = 40; n > 0; n--) insns.push(randomInsn(roll, n));
      inPieces([...insns, EXIT], { special: undefined }, seed);
    }
  });
  it("300 programs at random as the body of a loop with calls, look-ups and may_goto", () => {
    const lookup = [i(0x62, 10, 0, -4, 1), ...wide(1, 0n, 1), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -4), call(1), i(0x15, 0, 0, 2)];
    lookup.push(i(0xb7, 1, 0, 0, 3), i(0xdb, 0, 1, 0));
    for (let seed = 1; seed <= 300; seed++) {
      const roll = dice(seed * 40503);
      const random = (n: number): Insn[] => Array.from({ length: n }, (_, k) => randomInsn(roll, n - k));
      const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((r) => wide(r, EDGES[roll(EDGES.length)]! + BigInt(roll(3))));
      const parts = [random(1 + roll(12)), [call(8)], lookup, random(1 + roll(12)), [i(0xe5, 0, 0, 0)], random(1 + roll(8))];
      const body = parts.filter(() => roll(4) > 0).flat();
      const again = [i(0x79, 1, 10, -16), i(0x07, 1, 0, 0, -1), i(0x7b, 10, 1, -16)];
      const insns = [...values, i(0x7a, 10, 0, -16, 1 + roll(9)), ...body, ...again];
      insns.push(i(0x55, 1, 0, -(body.length + again.length + 1)), EXIT);
      inPieces(insns, { maps: [ARRAY], special: [] }, seed);
    }
  });
});

describe("watching", () => {
  const watch = (kinds: readonly string[], log: string[], stop = true): Watch => ({
    covers: (region) => kinds.includes(region.kind),
    beforeStore: (at, size) => (log.push(`store ${size} at ${at % 8}`), stop ? `${size} bytes` : undefined),
    beforeCall: (vm) => (log.push(`call at ${vm.pc}`), stop ? "a call" : undefined),
    afterCall: (vm) => void log.push(`r0 ${vm.u32(0) ? "set" : "0"}`),
  });
  it.each(["interpreter", "stoppable"] as const)("stops before stores and calls, once each: %s", (name) => {
    const { kernel } = begun(MAPS, "interpreter", { maps: [ARRAY] });
    const vm = kernel.machine;
    const engine = name === "stoppable" ? new StoppableEngine(vm) : vm;
    const log: string[] = [];
    vm.setWatch(watch(["map-value"], log));
    const stops = Array.from({ length: 5 }, () => {
      const stop = engine.run(1000);
      return [stop.kind === "watch" ? stop.what : stop.kind, stop.kind === "exit" ? -1 : vm.pc];
    });
    expect(stops).toEqual([
      ["a call", 5],
      ["8 bytes", 9],
      ["8 bytes", 10],
      ["1 bytes", 11],
      ["exit", -1],
    ]);
    expect([...new Set(log)]).toEqual(["call at 5", "r0 set", "store 8 at 0", "store 1 at 3"]);
    expect(vm.r0()).toBe(0x28000028n);
  });
  it("costs nothing when nothing is watched, and sees new regions", () => {
    const { kernel } = begun(MAPS, "interpreter", { maps: [ARRAY] });
    const log: string[] = [];
    kernel.machine.setWatch(watch(["object"], log, false));
    const region = kernel.memory.alloc("object", "new", 16);
    expect(kernel.memory.flags[region.id]! & 32).toBe(32);
    kernel.machine.setWatch(undefined);
    expect(kernel.memory.flags[region.id]! & 32).toBe(0);
    expect(kernel.machine.run(1000).kind).toBe("exit");
    expect(log).toEqual([]);
  });
});
