// Maps through bpf(2): 10,000 random operations on each type give what the running kernel gives. Skipped where the kernel does not answer.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../parity/corpora.ts";
import { batchSubjects, bloomSequence, objectSubjects, sequence, SimAsk, subjects, unorderedBatch, type Subject } from "./ask-maps.ts";

const OPERATIONS = 10_000;
const cpus = ((): number => {
  try {
    return Number(/(\d+)$/.exec(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim())![1]) + 1;
  } catch {
    return 1;
  }
})();
const tool = join(mkdtempSync(join(tmpdir(), "beeline-maps-")), "ask-maps");
const ask = (lines: readonly string[]): string[] =>
  spawnSync(tool, [String(cpus)], { input: `${lines.join("\n")}\n`, maxBuffer: 1 << 28 })
    .stdout.toString()
    .trimEnd()
    .split("\n");
const hasCompiler = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;
const compiled = hasCompiler ? spawnSync("cc", ["-O1", "-o", tool, join(root, "test/kernel/ask-maps.c")]) : undefined;
if (compiled && compiled.status !== 0) throw new Error(`test/kernel/ask-maps.c: ${compiled.stderr.toString()}`);
const answers = compiled !== undefined && ask(["map 2 4 4 1 0 0 -1"])[0] === "0";

describe.skipIf(!answers)(`${OPERATIONS} operations`, () => {
  it.each(
    [...subjects(cpus), ...objectSubjects(cpus), ...batchSubjects(cpus)].map((s, i): [string, Subject, number] => [s.name, s, i + 1]),
  )("%s", (_name, subject, seed) => {
    const lines = sequence(subject, OPERATIONS, seed * 7919);
    const kernel = ask(lines);
    const sim = new SimAsk(cpus);
    const differ = lines.flatMap((line, i) => {
      const got = sim.answer(line);
      const same = subject.unordered && line[1] === "b" ? unorderedBatch(got) === unorderedBatch(kernel[i]!) : got === kernel[i];
      return same ? [] : [{ line, kernel: kernel[i], got }];
    });
    const keys = (next: (line: string) => string): string[] => {
      const out: string[] = [];
      for (let key = "-"; out.length < 3000;) {
        const [error, found] = next(`nx ${key}`).split(" ");
        if (error !== "0") break;
        out.push((key = found!));
      }
      return out.sort();
    };
    expect([differ.length, differ.slice(0, 5)]).toEqual([0, []]);
    if (!subject.unordered) return;
    const left = keys((line) => sim.answer(line));
    expect(ask([...lines, ...left.map((k) => `lk ${k} 0`)]).slice(lines.length)).toEqual(left.map((k) => sim.answer(`lk ${k} 0`)));
  });
  it.each([4, 8, 12])("bloom filter with values of %i bytes: never a false no, few false yes", (valueSize) => {
    const lines = bloomSequence(valueSize, OPERATIONS, valueSize * 7919);
    const kernel = ask(lines);
    const sim = new SimAsk(cpus);
    let falseYes = 0,
      no = 0;
    const differ = lines.flatMap((line, i) => {
      const got = sim.answer(line);
      if (line.startsWith("lk") && got === "2") {
        no++;
        if (kernel[i]!.startsWith("0 ")) {
          falseYes++;
          return [];
        }
      }
      return got === kernel[i] ? [] : [{ line, kernel: kernel[i], got }];
    });
    expect([differ.length, differ.slice(0, 5)]).toEqual([0, []]);
    expect(no).toBeGreaterThan(OPERATIONS / 10);
    expect(falseYes).toBeLessThan(no / 4);
  });
});
