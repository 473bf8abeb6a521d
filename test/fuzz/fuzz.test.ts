// A short, repeatable part of `npm run fuzz` over what is no object: captures, events, raw lines, programs, sessions of both protocols. Bounded by count, never by time.
import { describe, expect, test, vi } from "vitest";
import { root } from "../parity/corpora.ts";
import { targets } from "./targets.ts";

/** Mutants of each target; sessions cost more than lines. */
const COUNTS: Readonly<Record<string, number>> = { pcap: 200, event: 200, raw: 120, program: 60, lsp: 15, dap: 25 };
const all = targets(root);

describe.each(Object.entries(COUNTS))("damaged %s", (name, count) => {
  const { make, run } = all[name]!;
  test("ends in a result or a coded error", async () => {
    // What the protocol's library says about a message that is none is not for the test's output.
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const outcomes = new Set<string>();
    for (let n = 0; n < count; n++) outcomes.add(await run(make(11, n)));
    quiet.mockRestore();
    expect(outcomes.size).toBeGreaterThan(0);
    expect(outcomes.has("silent@")).toBe(false);
  });
  test("the same seed gives the same mutant, another gives another", () => {
    expect(make(11, 3)).toEqual(make(11, 3));
    expect([1, 2, 3, 4, 5, 6].some((n) => Buffer.compare(make(11, n), make(12, n)) !== 0)).toBe(true);
  });
});
