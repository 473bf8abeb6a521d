// Programs as WebAssembly, at full speed and stoppable, against the interpreter: arithmetic at random, every shape of control flow, atomics, calls, callbacks, tail calls, traps.
import { describe, expect, it } from "vitest";
import { MAP_TYPE, PROG_TYPE } from "../../core/catalog/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { RunState, SimKernel, type EngineName } from "../../core/kernel/index.ts";
import type { Stop } from "../../core/vm/index.ts";
import { ARRAY, begun, call, dice, kcall, EDGES, EXIT, i, map, randomInsn, wide, type Setup } from "./programs.ts";

/** How a program ends, and its first stack frame. Verified programs only touch what they may; these are written so. */
function run(insns: readonly Insn[], engine: EngineName, setup: Setup): { stop: Stop; stack: string } {
  const { kernel } = begun(insns, engine, { special: [], ...setup });
  const stop = kernel.finish();
  return { stop, stack: Buffer.from(kernel.memory.read(0x2000, 512)).toString("hex") };
}
function same(insns: readonly Insn[], setup: Setup = {}): Stop {
  const stepped = run(insns, "interpreter", setup);
  expect(run(insns, "wasm", setup)).toEqual(stepped);
  expect(run(insns, "stoppable", setup)).toEqual(stepped);
  return stepped.stop;
}
const returns = (retval: bigint): Stop => ({ kind: "exit", retval: BigInt.asUintN(64, retval) });

describe("the engines agree", () => {
  it("on arithmetic and forward jumps, 3000 programs at random", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const roll = dice(seed * 2654435761);
      const insns: Insn[] = [];
      for (let r = 0; r < 10; r++) insns.push(...wide(r, EDGES[roll(EDGES.length)]! + BigInt(roll(3))));
      for (let n = 40; n > 0; n--) insns.push(randomInsn(roll, n));
      for (let r = 1; r < 10; r++) insns.push(i(0x27, 0, 0, 0, 31), i(0xaf, 0, r));
      expect([seed, same([...insns, EXIT]).kind]).toEqual([seed, "exit"]);
    }
  }, 300_000);

  it("on loops in loops, and leaving both", () => {
    // r0 counts; r1 outer, r2 inner; leaves when r0 reaches 50.
    const insns = [
      i(0xb7, 0),
      i(0xb7, 1, 0, 0, 10),
      i(0xb7, 2, 0, 0, 7),
      i(0x07, 0, 0, 0, 1),
      i(0x15, 0, 0, 4, 50),
      i(0x07, 2, 0, 0, -1),
      i(0x55, 2, 0, -4),
      i(0x07, 1, 0, 0, -1),
      i(0x55, 1, 0, -7),
      EXIT,
    ];
    expect(same(insns)).toEqual(returns(50n));
  });

  it("on a cycle with two entries, which has no structured form", () => {
    const insns = [
      i(0xb7, 0),
      i(0xb7, 1, 0, 0, 9),
      i(0x25, 1, 0, 2, 4), // into the middle of the cycle
      i(0x07, 0, 0, 0, 100),
      i(0x05, 0, 0, 0),
      i(0x07, 0, 0, 0, 1),
      i(0x07, 1, 0, 0, -1),
      i(0x55, 1, 0, -5),
      EXIT,
    ];
    expect(same(insns)).toEqual(returns(809n));
  });

  it("on functions, whose frames lie above each other", () => {
    // f(n) keeps n in its frame, returns n + f(n - 1).
    const insns = [i(0xb7, 1, 0, 0, 5), i(0x85, 0, 1, 0, 1), EXIT].concat([
      i(0x7b, 10, 1, -8),
      i(0xb7, 0),
      i(0x15, 1, 0, 4),
      i(0x07, 1, 0, 0, -1),
      i(0x85, 0, 1, 0, -5),
      i(0x79, 1, 10, -8),
      i(0x0f, 0, 1),
      EXIT,
    ]);
    expect(same(insns)).toEqual(returns(15n));
  });

  it("on stores and loads of each size, with sign and without", () => {
    const insns = wide(1, 0xfedcba9876543210n);
    insns.push(i(0x7b, 10, 1, -16), i(0xb7, 0));
    [0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91].forEach((code, k) =>
      insns.push(i(code, 2, 10, -16 + (k % 4)), i(0x27, 0, 0, 0, 131), i(0xaf, 0, 2)),
    );
    [0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73].forEach((code, k) => insns.push(i(code, 10, 1, -80 + 8 * k, -77)));
    same([...insns, EXIT]);
  });

  it("on atomic instructions", () => {
    for (const size of [0xc3, 0xdb]) {
      for (const operation of [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]) {
        for (const r0 of [-3, 5]) {
          const insns = wide(1, 0x1122334455667788n);
          insns.push(i(0xb7, 0, 0, 0, r0), i(0x7a, 10, 0, -8, -3), i(size, 10, 1, -8, operation), i(0x27, 0, 0, 0, 7), i(0x0f, 0, 1));
          same([...insns, i(0x79, 2, 10, -8), i(0xaf, 0, 2), EXIT]);
        }
      }
      same([i(0x7a, 10, 0, -8, -9), i(size, 0, 10, -8, 0x100), i(size, 10, 0, -16, 0x110), EXIT]);
    }
  });

  it("on helpers and map values", () => {
    // *lookup(m, 0) += 40; update(m, 1, value 0); returns what slot 1 holds then
    const insns = [i(0x62, 10, 0, -4), ...wide(1, 0n, 1), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -4), call(1), i(0x55, 0, 0, 1), EXIT].concat([
      i(0xb7, 1, 0, 0, 40),
      i(0xdb, 0, 1, 0),
      i(0x62, 10, 0, -4, 1),
      ...wide(1, 0n, 1),
      i(0xbf, 2, 10),
      i(0x07, 2, 0, 0, -4),
      i(0xbf, 3, 0),
      i(0xb7, 4),
      call(2),
      ...wide(1, 0n, 1),
      i(0xbf, 2, 10),
      i(0x07, 2, 0, 0, -4),
      call(1),
      i(0x79, 0, 0),
      EXIT,
    ]);
    expect(same(insns, { maps: [map(MAP_TYPE.ARRAY, 8, 2)] })).toEqual(returns(40n));
  });

  it("on callbacks that write into their caller's frame", () => {
    const insns = [
      i(0x7a, 10, 0, -8),
      i(0xb7, 1, 0, 0, 10),
      ...wide(2, 8n, 4),
      i(0xbf, 3, 10),
      i(0x07, 3, 0, 0, -8),
      i(0xb7, 4),
      call(181),
    ];
    insns.push(i(0x79, 0, 10, -8), EXIT);
    insns.push(i(0x79, 3, 2), i(0x0f, 3, 1), i(0x7b, 2, 3), i(0xb7, 0), i(0x55, 1, 0, 1, 6), i(0xb7, 0, 0, 0, 1), EXIT);
    insns[3] = i(0, 0, 0, 0, 0);
    insns[2] = i(0x18, 2, 4, 0, insns.length - 7 - 3);
    expect(same(insns)).toEqual(returns(21n));
  });

  it("on tail calls, also from a function, and on a tail call that goes nowhere", () => {
    const jump = (index: number): Insn[] => [...wide(2, 0n, 1), i(0xb7, 3, 0, 0, index), call(12)];
    const maps = [map(MAP_TYPE.PROG_ARRAY, 4, 2)];
    const tail = [i(0xb7, 0, 0, 0, 77), EXIT];
    expect(same([...jump(0), i(0xb7, 0, 0, 0, 1), EXIT], { maps, tail })).toEqual(returns(77n));
    expect(same([...jump(1), i(0xb7, 0, 0, 0, 1), EXIT], { maps, tail })).toEqual(returns(1n));
    const fromFunction = [i(0x85, 0, 1, 0, 2), i(0x07, 0, 0, 0, 1000), EXIT, ...jump(0), i(0xb7, 0), EXIT];
    expect(same(fromFunction, { maps, tail })).toEqual(returns(1077n));
  });

  it("on may_goto, which ends a loop that would not", () => {
    expect(same([i(0xb7, 0), i(0xe5, 0, 0, 2), i(0x07, 0, 0, 0, 1), i(0x05, 0, 0, -3), EXIT])).toEqual(returns(8388608n));
  });

  it("on exceptions, thrown by main, by a function in a function, with a callback of the program's own and without", () => {
    const thrown = [i(0xb7, 1, 0, 0, 40), kcall("bpf_throw"), i(0xb7, 0, 0, 0, 1), EXIT];
    expect(same(thrown)).toEqual(returns(40n));
    const deep = [i(0xb7, 6, 0, 0, 3), i(0x85, 0, 1, 0, 2), i(0xb7, 0, 0, 0, 1), EXIT, i(0x85, 0, 1, 0, 1), EXIT, ...thrown];
    expect(same(deep)).toEqual(returns(40n));
    // The callback gets the cookie, and a frame of its own kind: what it stores lies where main's frame was.
    const callback = [i(0x7b, 10, 1, -16), i(0x79, 0, 10, -16), i(0x07, 0, 0, 0, 2), EXIT];
    expect(same([...deep, ...callback], { exceptionCallback: deep.length })).toEqual(returns(42n));
  });

  it("on what is not simulated", () => {
    expect(same([call(212), EXIT])).toMatchObject({ kind: "trap", trap: { cause: "unsupported-helper", insnIdx: 0, program: "t" } });
  });
});

describe("look-ups without a call", () => {
  const MAPS = [
    ["a hash map with keys of 4 bytes", 4, MAP_TYPE.HASH],
    ["a hash map with keys of 8 bytes", 8, MAP_TYPE.HASH],
    ["a hash map with keys of 6 bytes", 6, MAP_TYPE.HASH],
    ["a hash map with keys of 13 bytes", 13, MAP_TYPE.HASH],
    ["a hash map with keys of 64 bytes", 64, MAP_TYPE.HASH],
    ["a hash map with keys of 68 bytes, which the kernel looks up", 68, MAP_TYPE.HASH],
    ["a per-CPU hash map with keys of 16 bytes", 16, MAP_TYPE.PERCPU_HASH],
    ["an array", 4, MAP_TYPE.ARRAY],
    ["a per-CPU array", 4, MAP_TYPE.PERCPU_ARRAY],
    ["an LRU map, which the kernel looks up", 4, MAP_TYPE.LRU_HASH],
    ["a devmap, which has elements that were never set", 4, MAP_TYPE.DEVMAP],
  ] as const;
  /** One map that the text names, and one that it may as well not be: then a function finds out. */
  const FORMS = [
    ["known", []],
    ["unknown", [i(0x15, 10, 0, 2), ...wide(1, 0n, 1)]],
  ] as const;
  it.each(MAPS.flatMap(([name, ...m]) => FORMS.map(([form, detour]) => [`${name} (${form})`, ...m, detour] as const)))(
    "find in %s what the map holds, through growth, deletions and going back",
    (_name, keySize, type, detour) => {
      const insns = [...wide(1, 0n, 1), ...detour, i(0xbf, 2, 10), i(0x07, 2, 0, 0, -80), call(1), EXIT];
      const { kernel, program } = begun(insns, "wasm", { maps: [{ ...map(type, 8, 3000), keySize }], special: [] });
      kernel.hardware.cpu = 2;
      const [held] = kernel.maps();
      // What a devmap holds is the number of a device.
      const value = new Uint8Array(held!.sysValueSize).fill(1, 0, 1);
      const key = kernel.memory.alloc("scratch", "key", keySize);
      const roll = dice(7);
      const keyOf = (n: number): Uint8Array => {
        const key = new Uint8Array(keySize);
        key.set([n & 255, n >> 8, 0, 0]);
        if (keySize > 4) key.set([(n * 7) & 255, n & 3], 4);
        if (keySize > 8) key[keySize - 1] = n & 255;
        return key;
      };
      const find = (n: number): number => {
        kernel.begin(program, new RunState());
        kernel.memory.write(0x2000 + 512 - 80, keyOf(n));
        expect(kernel.finish().kind).toBe("exit");
        return kernel.machine.u32(0);
      };
      let found = 0;
      let state = kernel.machine.snapshot();
      for (let step = 0; step < 4000; step++) {
        const n = roll(3500);
        if (roll(3)) kernel.mapUpdate(3, keyOf(n), value);
        else kernel.mapDelete(3, keyOf(n));
        for (const k of [n, roll(3500)]) {
          kernel.memory.write(key.start, keyOf(k));
          const want = held!.lookup(key.start);
          if (want) found++;
          expect([step, k, find(k)]).toEqual([step, k, want]);
        }
        if (roll(500) === 0) {
          if (roll(2)) kernel.machine.restore(state);
          state = kernel.machine.snapshot();
        }
      }
      expect(found).toBeGreaterThan(1000);
    },
  );
  it("give the inner map of a hash of maps", () => {
    const { kernel, program } = begun([...wide(1, 0n, 1), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -8), call(1), EXIT], "wasm", {
      maps: [{ ...map(MAP_TYPE.HASH_OF_MAPS, 4, 8), inner: ARRAY }],
      special: [],
    });
    const inner = kernel.createMap(ARRAY);
    expect(kernel.mapUpdate(3, new Uint8Array(4), Uint8Array.of(inner, 0, 0, 0))).toBe(0);
    for (const [key, want] of [
      [0, kernel.mapByFd(inner)!.region.start],
      [1, 0],
    ] as const) {
      kernel.begin(program, new RunState());
      kernel.memory.write(0x2000 + 512 - 8, Uint8Array.of(key, 0, 0, 0));
      expect([kernel.finish().kind, kernel.machine.u32(0)]).toEqual(["exit", want]);
    }
  });
});

it("an engine that is asked for runs no program that was not verified", () => {
  const kernel = new SimKernel({ maxBytes: 1 << 22, budget: 1000, engine: "wasm" });
  const spec = { name: "t", type: PROG_TYPE.SOCKET_FILTER, expectedAttachType: 0, insns: [i(0x79, 0, 1), EXIT], license: "GPL" };
  kernel.begin(kernel.programByFd(kernel.loadProgram(spec, []))!, new RunState());
  expect(kernel.finish()).toMatchObject({ kind: "trap", trap: { cause: "unmapped" } });
});
