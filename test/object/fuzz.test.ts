// A short, repeatable part of `npm run fuzz`: every mutant of a fixed seed ends in a result or in a coded error with an offset. Bounded by count, never by time.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { targets } from "./fuzz-targets.ts";

const COUNT = 150;
const all = targets(join(import.meta.dirname, "../.."));

describe.each(Object.keys(all))("damaged %s", (name) => {
  const { make, run } = all[name]!;
  test("ends in a result or a coded error with an offset", () => {
    const outcomes = new Set<string>();
    for (let n = 0; n < COUNT; n++) outcomes.add(run(make(7, n)));
    expect([...outcomes].filter((o) => o !== "ok" && !o.endsWith("@"))).toEqual([]);
    expect(outcomes.size).toBeGreaterThan(1);
  });
  test("the same seed gives the same mutant, another gives another", () => {
    expect(make(7, 3)).toEqual(make(7, 3));
    expect([1, 2, 3, 4, 5, 6].some((n) => Buffer.compare(make(7, n), make(8, n)) !== 0)).toBe(true);
  });
});
