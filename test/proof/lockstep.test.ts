// A short, repeatable part of `npm run lockstep`: generated programs beside the verifier's states, a fault that must be found, and the tools' own promises. Bounded by counts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kernelBtf, root } from "../parity/corpora.ts";
import { FAULTS } from "./faults.ts";
import { BLOCKS, generate, inputOf } from "./generator/index.ts";
import { compareCases, corpusCases } from "./lockstep/corpus.ts";
import { compareProgram, compareSeed, emptyTally, newBench } from "./lockstep/generated.ts";
import { shrink, without } from "./lockstep/shrink.ts";
import { verify, type VerifyObserver } from "../../core/verifier/index.ts";

const FIRST = 500_000;
const PROGRAMS = 250;

describe("lockstep", () => {
  const tally = emptyTally();
  it("finds no state that does not hold what the machine holds", () => {
    const bench = newBench();
    for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) compareSeed(bench, seed, 4, tally);
    expect(tally.violations.map((v) => [v.seed, v.compared.violation])).toEqual([]);
    expect(tally.runs).toBeGreaterThan(700);
    expect(tally.steps).toBeGreaterThan(25_000);
  });
  it("reaches every kind of block in accepted programs, of which most are", () => {
    expect(Object.entries(tally.reach).filter(([, n]) => n === 0)).toEqual([]);
    expect(tally.accepted / tally.programs).toBeGreaterThan(0.7);
  });
  it("says where a machine that computes differently leaves the states", () => {
    const bench = newBench();
    // r7 is a number below 8; the machine is made to hold 8 there.
    const insns = [
      { code: 0xb7, dst: 7, src: 0, off: 0, imm: 7 },
      { code: 0x57, dst: 7, src: 0, off: 0, imm: 7 },
      { code: 0xbf, dst: 0, src: 7, off: 0, imm: 0 },
      { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
    ];
    const { machine } = bench.kernel;
    const run = machine.run.bind(machine);
    machine.run = (budget) => {
      const stop = run(budget);
      if (machine.pc === 2) machine.setReg(7, 8, 0);
      return stop;
    };
    const { violation } = compareProgram(bench, { type: 6, flags: 0, insns, funcInfo: [] }, 1, 1);
    expect(violation).toMatchObject({ insnIdx: 2, what: "R7 of frame 0: a number outside", value: "0x8" });
  });
});

describe("lockstep over the programs of installed objects", () => {
  const cases = corpusCases();
  it.skipIf(cases.length === 0)("finds no state that does not hold what the machine holds", () => {
    const { text, violations } = compareCases(cases, 3);
    console.log(text);
    expect(violations).toBe(0);
  });
});

describe("watching a verification", () => {
  it("changes nothing of its answer", () => {
    const none: VerifyObserver = { begin: () => {}, visit: () => {}, covered: () => {}, fork: () => {} };
    for (let seed = 1; seed <= 40; seed++) {
      const input = inputOf(generate(seed));
      const options = { logLevel: 2, kernelBtf: kernelBtf(), logBytes: 1 << 20, cancel: { cancelled: false } };
      const plain = verify(input, options);
      expect(verify(input, { ...options, observer: none })).toEqual(plain);
    }
  });
});

describe("the generator", () => {
  it("gives the same program for the same seed and another for another", () => {
    expect(generate(7)).toEqual(generate(7));
    expect(generate(7).insns).not.toEqual(generate(8).insns);
    expect(BLOCKS.length).toBeGreaterThan(25);
  });
});

describe("shrinking", () => {
  it("keeps what is asked for and the places that jumps go to", () => {
    const jump = { code: 0x05, dst: 0, src: 0, off: 1, imm: 0 };
    const mov = (imm: number): typeof jump => ({ code: 0xb7, dst: 0, src: 0, off: 0, imm });
    const program = { insns: [mov(1), jump, mov(2), mov(3), { ...mov(0), code: 0x95 }], funcInfo: [] };
    expect(without(program, 2, 3)!.insns[1]!.off).toBe(0);
    expect(without(program, 0, 1)!.insns[0]!.off).toBe(1);
    const small = shrink(program, (p) => p.insns.some((i) => i.code === 0x95));
    expect(small.insns).toEqual([{ ...mov(0), code: 0x95 }]);
  });
});

describe("planted faults", () => {
  it("are at least ten, and the text of each occurs exactly once in its file", () => {
    expect(FAULTS.length).toBeGreaterThanOrEqual(10);
    expect(FAULTS.filter((f) => readFileSync(join(root, f.file), "utf8").split(f.from).length !== 2).map((f) => f.name)).toEqual([]);
  });
});
