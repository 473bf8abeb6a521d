// Helpers and kfuncs in small programs: result, packet, context and maps as Linux 6.18.44 gave them, in all three gears.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HELPERS } from "../../core/catalog/index.ts";
import { CASES } from "./cases/index.ts";
import { answerOf } from "./run-cases.ts";

const ANSWERS = JSON.parse(readFileSync(new URL("../fixtures/machine/runs.json", import.meta.url), "utf8")) as Record<string, string>;

describe(`${CASES.length} cases`, () => {
  it("have names of their own and an answer each", () => {
    expect(Object.keys(ANSWERS).sort()).toEqual(CASES.map((c) => c.name).sort());
    expect(Object.entries(ANSWERS).filter(([, a]) => !a.startsWith("ran "))).toEqual([]);
    // All but those whose input the kernel refuses.
    expect(Object.entries(ANSWERS).filter(([name, a]) => !a.startsWith("ran 0 ") && !name.startsWith("netfilter with state"))).toEqual([]);
  });
  it.each(["interpreter", "stoppable", "wasm"] as const)("answer as the kernel: %s", (engine) => {
    const differ = CASES.flatMap((c) => {
      const here = answerOf(c, engine);
      return here === ANSWERS[c.name] ? [] : [{ name: c.name, kernel: ANSWERS[c.name], here }];
    });
    expect(differ).toEqual([]);
  });
  it("call every helper that a program can be test-run with", () => {
    const called = new Set(CASES.flatMap((c) => [...c.text.matchAll(/\bcall (bpf_\w+)/g)].map((m) => m[1]!)));
    expect(HELPERS.filter((h) => called.has(h.name)).length).toBeGreaterThan(110);
  });
});
