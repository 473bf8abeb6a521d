// Generated programs and programs that once differed, against the answers of Linux 6.18.44 on record; and what the known gaps of that kernel are. It asks no kernel.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeInsns } from "../../core/isa/index.ts";
import { hexToBytes } from "../../core/base/index.ts";
import { KERNEL_GAPS, verify } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { inputOf } from "./generator/index.ts";
import { readFixture } from "./fixture.ts";
import { difference, ourRun, ours } from "./questions.ts";

const lines = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, "fixtures", name), "utf8")
    .split("\n")
    .filter(Boolean);
const recorded = lines("kernel.jsonl").map(readFixture);

describe("recorded answers of Linux 6.18.44", () => {
  it("are given here too: verdict, errno, error line, processed count", () => {
    const differ = recorded.map((r) => [r.note, difference(r.kernel, ours(r.program, r.caps)!)]).filter(([, d]) => d !== null);
    expect(differ).toEqual([]);
    expect(recorded.length).toBeGreaterThan(90);
  });
  it("of runs: result and packet", () => {
    const runs = recorded.filter((r) => r.run);
    expect(runs.map((r) => ourRun(r.program, r.run!.packet))).toEqual(runs.map((r) => r.run!.answer));
    expect(runs.length).toBe(25);
  });
  it("are its logs of level 2 to the last byte where links between scalars matter", () => {
    const rows = lines("logs.jsonl").map((l) => JSON.parse(l) as { type: number; flags: number; insns: string; log: string });
    const log = (r: (typeof rows)[number]): string =>
      verify(inputOf({ ...r, insns: decodeInsns(hexToBytes(r.insns)), funcInfo: [] }), { logLevel: 2, kernelBtf: kernelBtf() }).log;
    expect(rows.map(log)).toEqual(rows.map((r) => r.log));
    expect(rows.length).toBe(27);
  });
});

describe("a known gap of the kernel", () => {
  const gaps = recorded.filter((r) => r.note.startsWith("gap "));
  it.each(KERNEL_GAPS.map((g) => g.id))("%s: its program is accepted, and rejected or searched further once the gap is closed", (id) => {
    const [first, ...more] = gaps.filter((r) => r.note.startsWith(`gap ${id}: `));
    expect(first).toBeDefined();
    for (const r of [first!, ...more]) {
      const open = verify(inputOf(r.program), { logLevel: 0, kernelBtf: kernelBtf() });
      const closed = verify(inputOf(r.program), { logLevel: 0, kernelBtf: kernelBtf(), closeGaps: true });
      expect([r.kernel.errno, open.verdict]).toEqual([0, "accept"]);
      expect(closed.verdict === "reject" || closed.processed > open.processed).toBe(true);
    }
  });
});
