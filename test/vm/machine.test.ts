// The machine alone: traps as values, snapshots, breakpoints, limits.
import { describe, expect, it } from "vitest";
import type { Insn } from "../../core/isa/index.ts";
import { PROG_TYPE } from "../../core/catalog/index.ts";
import { loadWithMaps, RunState, SimKernel } from "../../core/kernel/index.ts";
import { OP } from "../../core/vm/index.ts";

const i = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
const EXIT = i(0x95);
function start(insns: Insn[]) {
  const kernel = new SimKernel({ maxBytes: 1 << 22, budget: 10_000 });
  const program = loadWithMaps(kernel, { name: "t", type: PROG_TYPE.SOCKET_FILTER, expectedAttachType: 0, insns, license: "GPL" }, []);
  kernel.begin(program, new RunState());
  return kernel;
}
const trapOf = (insns: Insn[]) => {
  const stop = start(insns).finish();
  return stop.kind === "trap" ? stop.trap : stop;
};

describe("traps", () => {
  it.each([
    ["NULL pointer", [i(0xb7, 1), i(0x79, 0, 1), EXIT], "unmapped", 1],
    ["above the frame", [i(0x7b, 10, 10, 0), EXIT], "unmapped", 0],
    ["below the stack", [i(0x79, 0, 10, -520), EXIT], "unmapped", 0],
    ["unknown instruction", [i(0xff), EXIT], "bad-instruction", 0],
    ["jump out", [i(0x05, 0, 0, 5), EXIT], "bad-jump", 6],
    ["fall off the end", [i(0xb7)], "bad-jump", 1],
    ["unaligned atomic", [i(0xb7, 0), i(0xdb, 10, 0, -12), EXIT], "unaligned-atomic", 1],
    ["endless recursion", [i(0x85, 0, 1, 0, -1), EXIT], "stack-overflow", 0],
    ["endless loop", [i(0x05, 0, 0, -1), EXIT], "limit", 0],
    ["helper that is not simulated", [i(0x85, 0, 0, 0, 212), EXIT], "unsupported-helper", 0],
    ["no such helper", [i(0x85, 0, 0, 0, 9999), EXIT], "unsupported-helper", 0],
    ["text is not data", [i(0x18, 1, 4, 0, 1), i(0), i(0x79, 0, 1), EXIT], "no-access", 2],
  ] as const)("%s", (_name, insns, cause, insnIdx) => {
    expect(trapOf([...insns])).toMatchObject({ cause, insnIdx, program: "t" });
  });
  it("names address and region", () => {
    expect(trapOf([i(0x7a, 10, 0, -4), EXIT])).toMatchObject({
      region: "stack of frame 0",
      size: 8,
      message: expect.stringContaining("offset 508 of stack of frame 0, which has 512 bytes"),
    });
  });
});

describe("the machine as a value", () => {
  const sum = [
    i(0xb7, 0),
    i(0xb7, 1, 0, 0, 10),
    i(0x0f, 0, 1),
    i(0x7b, 10, 0, -8),
    i(0x07, 1, 0, 0, -1),
    i(0x55, 1, 0, -4),
    i(0x79, 0, 10, -8),
    EXIT,
  ];
  it("goes on the same way from a snapshot", () => {
    const kernel = start(sum);
    kernel.machine.run(20);
    const saved = kernel.machine.snapshot();
    const first = kernel.finish();
    kernel.machine.restore(saved);
    expect(kernel.machine.executed).toBe(20);
    expect(kernel.finish()).toEqual(first);
    expect(first).toEqual({ kind: "exit", retval: 55n });
  });
  it("stops at a breakpoint each time and passes it when it goes on", () => {
    const kernel = start(sum);
    const { program } = kernel.machine;
    program.op[4] = OP.BREAK;
    let stops = 0;
    for (let stop = kernel.machine.run(1000); stop.kind === "break"; stop = kernel.machine.run(1000)) {
      expect(kernel.machine.pc).toBe(4);
      stops++;
    }
    expect(stops).toBe(10);
    expect(kernel.machine.r0()).toBe(55n);
  });
  it("steps one instruction with a budget of one", () => {
    const kernel = start(sum);
    const seen: number[] = [];
    while (kernel.machine.run(1).kind === "budget") seen.push(kernel.machine.pc);
    expect(seen.slice(0, 7)).toEqual([1, 2, 3, 4, 5, 2, 3]);
  });
});
