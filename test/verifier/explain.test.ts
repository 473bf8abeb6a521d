// What a rejection says as data beside the kernel's words: the place at fault, what was known of it, and where that came from. The words are tested elsewhere.
import { describe, expect, it } from "vitest";
import { verify, type Explanation } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { ARRAY, END, HASH, VALUE } from "./checks/parts.ts";
import { build, type Setting } from "./checks/program.ts";

/** r0 = a value of a hash map, perhaps NULL; the call is instruction 5. */
const LOOKUP = "*(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; r1 = map 0; call bpf_map_lookup_elem";

const explain = (text: string, setting: Partial<Setting> = {}): Explanation | undefined => {
  const { input } = build({ check: "bad-pointer", type: "xdp", text, neighbour: {}, ...setting });
  const r = verify(input, { logLevel: 0, kernelBtf: kernelBtf(), caps: setting.caps ?? "full" });
  expect(r.verdict).toBe("reject");
  return r.explanation;
};

describe("a register at fault", () => {
  it("that was never tested has a writer and no tests", () => {
    expect(explain(`${LOOKUP}; r1 = *(u64 *)(r0 + 0); ${END}`, { maps: [HASH] })).toEqual({
      check: "bad-pointer",
      subject: "R0",
      state: "map_value_or_null(id=1,map=m0,ks=8,vs=48)",
      lastWrite: 5,
      origin: 5,
      tests: [],
    });
  });
  it("came through moves and a test that went the wrong way", () => {
    const text = `${LOOKUP}; r6 = r0; if r6 == 0 goto bad; r0 = 0; exit; bad: r7 = r6; r1 = *(u64 *)(r7 + 0); ${END}`;
    expect(explain(text, { maps: [HASH] })).toMatchObject({
      subject: "R7",
      state: "0",
      lastWrite: 10,
      origin: 5,
      tests: [{ insnIdx: 7, taken: true }],
    });
  });
  it("came through a spill and a fill", () => {
    const text = `${LOOKUP}; *(u64 *)(r10 - 16) = r0; r3 = 1; r8 = *(u64 *)(r10 - 16); r1 = *(u64 *)(r8 + 0); ${END}`;
    expect(explain(text, { maps: [HASH] })).toMatchObject({ subject: "R8", lastWrite: 8, origin: 5, tests: [] });
  });
  it("was clobbered by a call", () => {
    expect(explain("r2 = 1; call bpf_ktime_get_ns; r0 = r2; exit")).toMatchObject({
      check: "uninit-register",
      subject: "R2",
      lastWrite: 1,
    });
    expect(explain("r2 = 1; call bpf_ktime_get_ns; r0 = r2; exit")?.state).toBeUndefined();
  });
  it("that nothing ever wrote has no writer", () => {
    expect(explain("r0 = r5; exit")).toEqual({ check: "uninit-register", subject: "R5", tests: [] });
  });
  it("is the pointer of the instruction where the words name none", () => {
    expect(explain("r2 = *(u32 *)(r1 + 2); r0 = 0; exit")).toMatchObject({ check: "ctx-access", subject: "R1", state: "ctx()" });
  });
  it("is an index whose bound was tested", () => {
    const text = `${VALUE}; r1 = *(u32 *)(r0 + 0); if r1 > 40 goto out; r0 += r1; r3 = *(u8 *)(r0 + 0); out: ${END}`;
    expect(explain(text, { maps: [ARRAY] })).toMatchObject({
      check: "map-value-bounds",
      subject: "R0",
      state: expect.stringContaining("smax=umax=smax32=umax32=40") as string,
      lastWrite: 11,
    });
  });
});

describe("a value from another frame", () => {
  it("came into a function as an argument", () => {
    const text = `${LOOKUP}; r1 = r0; call f; r0 = 0; exit; f: r0 = *(u64 *)(r1 + 0); exit`;
    expect(explain(text, { maps: [HASH] })).toMatchObject({ subject: "R1", lastWrite: 6, origin: 5 });
  });
  it("came back from a function", () => {
    const text = `call f; r1 = *(u64 *)(r0 + 0); ${END}; f: r0 = 7; exit`;
    expect(explain(text)).toMatchObject({ subject: "R0", state: "7", lastWrite: 4, origin: 4 });
  });
});

describe("a stack slot at fault", () => {
  it("was never written", () => {
    const text = "r0 = *(u64 *)(r10 - 16); exit";
    expect(explain(text, { type: "socket_filter", caps: "noperfmon" })).toEqual({ check: "stack-bounds", subject: "fp-16", tests: [] });
  });
  it("was written in part", () => {
    const text = "*(u32 *)(r10 - 8) = 1; r0 = *(u64 *)(r10 - 8); exit";
    expect(explain(text, { type: "socket_filter", caps: "noperfmon" })).toEqual({
      check: "stack-uninit",
      subject: "fp-8",
      state: "????1",
      lastWrite: 0,
      origin: 0,
      tests: [],
    });
  });
  it("of the caller is named with its frame", () => {
    const text = "r1 = r10; call f; r0 = 0; exit; f: r0 = *(u64 *)(r1 - 24); exit";
    expect(explain(text, { type: "socket_filter", caps: "noperfmon" })).toMatchObject({ subject: "frame0:fp-24" });
  });
});

it("says nothing but the check where no instruction was reached", () => {
  expect(explain("goto +5; exit")).toEqual({ check: "jump-out-of-range" });
});
it("a long path is walked to its end", () => {
  const text = `r6 = 0; r7 = 0; loop: r7 += 1; if r7 < 5000 goto loop; r0 = *(u64 *)(r6 + 0); exit`;
  expect(explain(text)).toMatchObject({ subject: "R6", state: "0", lastWrite: 0, origin: 0 });
});
