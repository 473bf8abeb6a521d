// Incrementality: which programs are verified again after an edit. Loader and verifier are stand-ins that count their calls.
import { describe, expect, it } from "vitest";
import { Analysis, listObject } from "../../core/analysis/index.ts";
import { Cancelled, CodedError } from "../../core/base/index.ts";
import { assemble, decodeInsns } from "../../core/isa/index.ts";
import type { LineInfo, ObjectSpec, ProgramSpec } from "../../core/object/index.ts";
import type { VerifyResult } from "../../core/verifier/index.ts";
import { viewObject } from "../isa/elf-sections.ts";

const insnsOf = (text: string) => decodeInsns(Buffer.from(viewObject(assemble(text).object!).sections[".text"].hex, "hex"));
const line = (insnIdx: number, n: number): LineInfo => ({ insnIdx, file: "a.c", line: n, column: 1, text: `line ${n}` });

function program(name: string, text: string, lines: LineInfo[] = []): ProgramSpec {
  const insns = insnsOf(text);
  return {
    name,
    section: "xdp",
    type: 6,
    expectedAttachType: 37,
    flags: 0,
    attachBtfId: 0,
    license: "GPL",
    insns,
    funcInfo: [],
    lineInfo: lines,
    subprogNames: new Map([[0, name]]),
    optional: false,
  };
}
const object = (programs: ProgramSpec[]): ObjectSpec => ({ programs, maps: [], btf: undefined, license: "GPL" });

const ACCEPT: VerifyResult = {
  verdict: "accept",
  errno: 0,
  error: [],
  insn: -1,
  log: "",
  processed: 2,
  totalStates: 0,
  peakStates: 0,
  maxStatesPerInsn: 0,
  stackDepths: [0],
};
const REJECT: VerifyResult = {
  ...ACCEPT,
  verdict: "reject",
  errno: 13,
  error: ["R0 !read_ok"],
  insn: 1,
  explanation: { check: "uninit", subject: "R0", lastWrite: 0 },
};

function analysis(objects: ObjectSpec[], verify: (name: string) => VerifyResult = () => ACCEPT) {
  return new Analysis({ kernelBtf: undefined, load: () => objects.shift()!, verify: (input) => verify(input.name) });
}
const bytes = new Uint8Array();

describe("an edit", () => {
  const a = program("a", "r0 = 1\nexit");
  const b = program("b", "r0 = 2\nexit");
  it("verifies the changed program only", () => {
    const it = analysis([object([a, b]), object([a, program("b", "r0 = 3\nexit")])]);
    it.analyse("f", bytes);
    expect(it.queries.splice(0)).toEqual(["load f", "verify a", "verify b"]);
    it.analyse("f", bytes);
    expect(it.queries).toEqual(["load f", "verify b"]);
  });
  it("that moves lines verifies nothing, and findings move with it", () => {
    const text = "r1 = 1\nexit";
    const it = analysis(
      [object([program("a", text, [line(0, 3), line(1, 4)])]), object([program("a", text, [line(0, 13), line(1, 14)])])],
      () => REJECT,
    );
    expect(it.analyse("f", bytes).programs[0]).toMatchObject({
      source: { line: 4 },
      knowledge: { lastWrite: { source: { line: 3 } } },
      insnText: "(95) exit",
    });
    it.queries.length = 0;
    expect(it.analyse("f", bytes).programs[0]).toMatchObject({ source: { line: 14 }, knowledge: { lastWrite: { source: { line: 13 } } } });
    expect(it.queries).toEqual(["load f"]);
  });
  it("of the licence or of a map verifies again", () => {
    const map = { name: "m", type: 2, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 };
    const it = analysis([
      object([a]),
      object([{ ...a, license: "MIT" }]),
      { ...object([{ ...a, license: "MIT" }]), maps: [map] },
      { ...object([{ ...a, license: "MIT" }]), maps: [{ ...map, valueSize: 4 }] },
    ]);
    for (let i = 0; i < 4; i++) it.analyse("f", bytes);
    expect(it.queries.filter((q) => q === "verify a").length).toBe(4);
  });
  it("in one file leaves other files alone", () => {
    const it = analysis([object([a]), object([b]), object([a])]);
    it.analyse("f", bytes);
    it.analyse("g", bytes);
    it.queries.length = 0;
    it.analyse("f", bytes);
    expect(it.queries).toEqual(["load f"]);
  });
});

describe("failures", () => {
  it("of loading are a fault of the file", () => {
    const it = new Analysis({
      kernelBtf: undefined,
      verify: () => ACCEPT,
      load: () => {
        throw new CodedError("elf-truncated", "too short");
      },
    });
    expect(it.analyse("f", bytes)).toMatchObject({ programs: [], fault: { code: "elf-truncated" } });
  });
  it("of one program leave the others", () => {
    const bad = { ...program("a", "exit"), error: { code: "x", message: "unknown section" } };
    const report = analysis([object([bad, program("b", "r0 = 0\nexit")])]).analyse("f", bytes);
    expect(report.programs.map((p) => p.verdict)).toEqual(["error", "accept"]);
  });
  it("by cancellation keep the verdicts found before", () => {
    const a = program("a", "r0 = 1\nexit");
    const b = program("b", "r0 = 2\nexit");
    let cancel = true;
    const it = analysis([object([a, b]), object([a, b])], (name) => {
      if (name === "b" && cancel) throw new Cancelled();
      return ACCEPT;
    });
    expect(() => it.analyse("f", bytes)).toThrow(Cancelled);
    cancel = false;
    it.queries.length = 0;
    it.analyse("f", bytes);
    expect(it.queries).toEqual(["load f", "verify b"]);
  });
});

it("lists an object with its source lines", () => {
  const { text, instructions, headings } = listObject(object([program("a", "r1 = 5\ncall 7\nexit", [line(0, 3)])]), undefined);
  expect(text).toBe(
    "; program a, section xdp, 3 instructions\n; line 3 @ a.c:3\n    0: (b7) r1 = 5\n    1: (85) call bpf_get_prandom_u32#7\n    2: (95) exit\n",
  );
  expect(instructions.map((i) => i.line)).toEqual([2, 3, 4]);
  expect(headings).toEqual([{ program: "a", line: 0 }]);
});
