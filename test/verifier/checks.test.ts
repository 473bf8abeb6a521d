// Every check of the verifier against a program that it rejects and a neighbour that it does not, with the words of Linux 6.18.44. Checks still without a program are counted and may not grow.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verify, type VerifyResult } from "../../core/verifier/index.ts";
import { kernelBtf, root } from "../parity/corpora.ts";
import { ANSWERS, FIXTURES } from "./checks/index.ts";
import { build, type Fixture } from "./checks/program.ts";

/** Checks that had no program when this was last written. */
const WITHOUT = 85;

const answer = (f: Fixture, neighbour: boolean): { got: VerifyResult; fault: number } => {
  const { input, fault, setting } = build(f, neighbour);
  return { got: verify(input, { logLevel: 1, kernelBtf: kernelBtf(), caps: setting.caps ?? "full" }), fault };
};

describe("each check", () => {
  const seen = new Map<string, number>();
  const named = FIXTURES.map((f) => {
    const n = seen.get(f.check) ?? 0;
    seen.set(f.check, n + 1);
    return [`${f.check}/${n}`, f] as const;
  });
  it.each(named)("%s rejects its program at its instruction and lets the neighbour pass", (name, f) => {
    const { got, fault } = answer(f, false);
    const want = ANSWERS[name]!;
    expect([got.explanation?.check, got.insn, got.errno, got.error.at(-1) ?? ""]).toEqual([f.check, fault, want.errno, want.words]);
    expect(answer(f, true).got.verdict).toBe("accept");
  });
});

it("checks without a program become fewer", () => {
  const dir = join(root, "core/verifier");
  const ids = new Set<string>();
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const found = readFileSync(join(dir, name), "utf8").matchAll(/\b(?:fail|failAt|reject)\w*\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)"/g);
    for (const m of found) ids.add(m[1]!);
  }
  const covered = new Set(FIXTURES.map((f) => f.check));
  const without = [...ids].filter((id) => !covered.has(id)).sort();
  console.log(`check ids: ${ids.size - without.length} with fixture, ${without.length} without: ${without.join(" ")}`);
  expect([...covered].filter((id) => !ids.has(id))).toEqual([]);
  expect(without.length).toBeLessThanOrEqual(WITHOUT);
});
