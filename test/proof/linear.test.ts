// Work grows with the input and not faster: steps of the verifier, of the BTF reader and of the machine at 1, 2 and 4 times the size. Counts, never seconds.
import { describe, expect, it } from "vitest";
import { SimKernel, loadWithMaps, prepareEvent } from "../../core/kernel/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { checkBtf } from "../../core/object/btf/check/check.ts";
import { openBtf } from "../../core/object/index.ts";
import { verify, type VerifyObserver } from "../../core/verifier/index.ts";
import { Blob } from "../verifier/checks/btf.ts";
import { inputOf } from "./generator/index.ts";

const insn = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
const EXIT = insn(0x95);
const START = [insn(0x85, 0, 0, 0, 7), insn(0xbf, 7, 0), insn(0xb7, 6)];

/** Programs of `n` parts each. */
const SHAPES: Readonly<Record<string, (n: number) => Insn[]>> = {
  "straight code": (n) => [...START, ...Array.from({ length: n }, (_, i) => insn(i % 2 ? 0x07 : 0x57, 7, 0, 0, 255)), insn(0xb7), EXIT],
  "branches that meet again": (n) => [
    ...START,
    ...Array.from({ length: n }, (_, i) => [insn(0x85, 0, 0, 0, 7), insn(0x25, 0, 0, 1, 5), insn(0xb7, 6, 0, 0, i)]).flat(),
    insn(0xb7),
    EXIT,
  ],
  "spills and fills": (n) => [
    ...START,
    ...Array.from({ length: n }, (_, i) => [insn(0x7b, 10, 7, -8 * (1 + (i % 8))), insn(0x79, 6, 10, -8 * (1 + (i % 8)))]).flat(),
    insn(0xb7),
    EXIT,
  ],
  "rounds of a loop": (n) => [insn(0xb7), insn(0xb7, 7), insn(0x07, 7, 0, 0, 1), insn(0xa5, 7, 0, -2, n), EXIT],
};
/** What it took: instructions looked at, registers in the states that were visited, states kept. */
function work(insns: Insn[]): number[] {
  let registers = 0;
  const observer: VerifyObserver = {
    begin: () => {},
    visit: (state) => void (registers += state.frames.reduce((sum, f) => sum + f.regs.length + f.stack.length, 0)),
    covered: () => {},
    fork: () => {},
  };
  const r = verify(inputOf({ type: 6, flags: 0, insns, funcInfo: [] }), { logLevel: 0, observer });
  expect(r.verdict).toBe("accept");
  return [r.processed, registers, r.totalStates];
}
/** Each count at four times the size is at most four times that at the size, and a little that does not grow. */
function linear(counts: (scale: number) => number[]): void {
  const [one, two, four] = [counts(1), counts(2), counts(4)];
  one.forEach((n, i) => {
    expect(two[i]!).toBeLessThanOrEqual(2.1 * n + 8);
    expect(four[i]!).toBeLessThanOrEqual(4.2 * n + 16);
    expect(four[i]!).toBeGreaterThanOrEqual(n);
  });
}

describe("the verifier", () => {
  it.each(Object.keys(SHAPES))("takes steps in proportion to %s", (shape) => linear((scale) => work(SHAPES[shape]!(100 * scale))));
});

/** Reads of 8, 16 and 32 bits from binary data while `step` runs. */
function reads(step: () => void): number {
  let n = 0;
  const view = DataView.prototype;
  const names = ["getUint8", "getUint16", "getUint32", "getInt32"] as const;
  const plain = names.map((name) => view[name]);
  names.forEach((name, i) => {
    view[name] = function (this: DataView, at: number, little?: boolean): number {
      n++;
      return plain[i]!.call(this, at, little);
    };
  });
  try {
    step();
  } finally {
    names.forEach((name, i) => (view[name] = plain[i]!));
  }
  return n;
}
function types(n: number): Uint8Array {
  const b = new Blob();
  const int = b.int("int", 4, true);
  let last = int;
  for (let i = 0; i < n; i++)
    last = b.of(
      `p${i}`,
      2,
      b.struct(`s${i}`, 16, [
        ["a", int, 0],
        ["b", i % 3 ? int : last, 8],
      ]),
    );
  return b.bytes();
}
it("the reader of BTF takes reads in proportion to the types", () => {
  linear((scale) => {
    const bytes = types(50 * scale);
    return [
      reads(() => {
        const btf = openBtf(bytes);
        for (let id = 1; id < btf.typeCount; id++) btf.type(id);
        btf.find("s7", 4);
      }),
      reads(() => void checkBtf(bytes)),
    ];
  });
});

it("the machine takes steps in proportion to the rounds of a loop", () => {
  linear((scale) => {
    const kernel = new SimKernel();
    const insns = SHAPES["rounds of a loop"]!(500 * scale);
    const spec = { name: "loop", type: 6, expectedAttachType: 0, license: "GPL", insns };
    const program = loadWithMaps(kernel, spec, []);
    kernel.begin(program, prepareEvent(kernel, program, { packet: new Uint8Array(64) }).state);
    kernel.finish();
    return [kernel.machine.executed];
  });
});
