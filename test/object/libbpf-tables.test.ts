// The loader and the linker against libbpf 1.5 on every object of the kernel's selftests and of xdp-tools; prints the tables. Skipped where the corpus, gcc, libelf or bpf(2) is missing.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const objects = join(root, ".cache/corpus/objects");
/** The whole corpus (`npm test` builds it), not only the part for the verifier. */
const built = existsSync(objects) && readdirSync(objects).length > 500;
const tools = existsSync("/usr/include/libelf.h") && spawnSync("gcc", ["--version"]).status === 0;
const bpf = process.getuid?.() === 0 && spawnSync("/usr/sbin/bpftool", ["prog", "list"]).status === 0;
const MINUTES = 60_000;

/** Rows of a table by their name: the numbers in them, in order. */
function table(script: string, args: readonly string[]): Map<string, number[]> {
  const r = spawnSync(process.execPath, [join(root, "scripts", script), ...args], { cwd: root, maxBuffer: 1 << 26 });
  const text = r.stdout.toString();
  console.log(`${script}\n${text}${r.stderr.toString()}`);
  const rows = text.split("\n").map((l) => /^([a-z][^:]*): (\d.*)$/.exec(l));
  return new Map(rows.flatMap((m) => (m ? [[m[1]!, [...m[2]!.matchAll(/[\d.]+/g)].map((n) => Number(n[0]))] as const] : [])));
}

describe.skipIf(!built || !tools || !bpf)("against libbpf 1.5", () => {
  test("each program is loaded as libbpf loads it, or fails as it does there", { timeout: 30 * MINUTES }, () => {
    const rows = table("report-loader.mjs", []);
    const selftests = rows.get("selftests")!;
    expect(selftests[0]).toBeGreaterThan(700);
    expect(selftests[2]).toBeGreaterThan(2500);
    expect(selftests[5]).toBeLessThan(2);
    for (const name of ["xdp-tools", "xdp-tools (inside its commands)"]) {
      const row = rows.get(name);
      // The package may be missing.
      if (row) expect([name, row[4]]).toEqual([name, 0]);
    }
  });
  test("objects are linked as libbpf links them", { timeout: 10 * MINUTES }, () => {
    const rows = table("report-linker.mjs", ["--pairs", "100"]);
    expect(rows.size).toBeGreaterThan(3);
    for (const [name, row] of rows) expect([name, row.at(-1)]).toEqual([name, 0]);
    expect(rows.get("objects alone")![0]).toBeGreaterThan(700);
    expect(rows.get("selftests of several files")![0]! + rows.get("selftests of several files")![1]!).toBeGreaterThan(4);
  });
});
