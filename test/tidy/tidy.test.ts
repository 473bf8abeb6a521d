// House rules that the compiler does not hold: first-line comments, lengths, layers. It judges no behaviour.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECK_IDS } from "../../core/verifier/index.ts";

const root = resolve(import.meta.dirname, "..", "..");
const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" }).split("\n");
const files = listed.filter((f) => existsSync(join(root, f)));
const sources = files.filter((f) => /\.(ts|mjs)$/.test(f) && !/(^|\/)generated\//.test(f));
const text = (f: string): string => readFileSync(join(root, f), "utf8");

/** Files over the limit, each with its reason; an entry that is no longer needed fails. */
const LONG = new Map([
  ["core/verifier/domain/assembly/scalar.ts", "one WebAssembly module in AssemblyScript, whose functions all share one record layout"],
]);

/** Layer of a file: the folder that has its tsconfig.json. */
function layerOf(file: string): string {
  let dir = dirname(file);
  while (dir !== "." && !existsSync(join(root, dir, "tsconfig.json"))) dir = dirname(dir);
  return dir;
}
const imports = (f: string): string[] =>
  [...text(f).matchAll(/^\s*(?:import|export)\b[^"';]*?from\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gms)].map((m) => m[1] ?? m[2]);

/** Layers that each layer may import: the references of its tsconfig.json. */
function allowed(layer: string): string[] {
  const config = JSON.parse(text(join(layer, "tsconfig.json"))) as { references?: { path: string }[] };
  return (config.references ?? []).map((r) => relative(root, resolve(root, layer, r.path)));
}

describe("every source file", () => {
  it("begins with a comment that says what it is for", () => {
    const bad = sources.filter((f) => !/^(#!.*\n)?\/\/ \S.{20,}/.test(text(f)) && f !== "vitest.config.ts" && f !== "eslint.config.mjs");
    expect(bad).toEqual([]);
  });
  it("has at most 800 lines, save those that say why", () => {
    const long = sources.filter((f) => text(f).split("\n").length > 800);
    expect(long).toEqual([...LONG.keys()].filter((f) => existsSync(join(root, f))));
  });
  it("holds no unfinished business and no path of a machine", () => {
    const words = new RegExp(["TO" + "DO", "FIX" + "ME", "X" + "XX\\b", "/ro" + "ot/", "/ho" + "me/"].join("|"));
    expect(sources.filter((f) => words.test(text(f)))).toEqual([]);
  });
});

describe("layers", () => {
  const layered = sources.filter((f) => f.endsWith(".ts") && !f.startsWith("test/") && layerOf(f) !== ".");
  it("import only what their tsconfig allows, and only through index.ts", () => {
    const bad: string[] = [];
    for (const f of layered) {
      for (const target of imports(f).filter((i) => i.startsWith("."))) {
        const path = relative(root, resolve(root, dirname(f), target));
        const [from, to] = [layerOf(f), layerOf(path)];
        if (from === to) continue;
        if (!allowed(from).includes(to) || path !== join(to, "index.ts")) bad.push(`${f} imports ${target}`);
      }
    }
    expect(bad).toEqual([]);
  });
  it("of core import no packages and nothing of Node", () => {
    const bad = layered
      .filter((f) => f.startsWith("core/") && !f.includes("/assembly/"))
      .flatMap((f) =>
        imports(f)
          .filter((i) => !i.startsWith("."))
          .map((i) => `${f} imports ${i}`),
      );
    expect(bad).toEqual([]);
  });
  it("of the client use types and names of the protocol only", () => {
    const bad = sources
      .filter((f) => f.startsWith("client/"))
      .flatMap((f) =>
        imports(f).filter((i) => i.startsWith("../../") && !/^\.\.\/\.\.\/(server\/protocol|debug-adapter\/src)\/index\.ts$/.test(i)),
      );
    expect(bad).toEqual([]);
  });
});

it("every check of the verifier has its page", () => {
  expect(CHECK_IDS.filter((id) => !existsSync(join(root, "docs", "diagnostics", `${id}.md`)))).toEqual([]);
  expect(CHECK_IDS).toEqual([...new Set(CHECK_IDS)].sort());
});

it("the manifest names files that exist", () => {
  const { contributes } = JSON.parse(text("package.json")) as {
    contributes: { grammars: { path: string }[]; languages: { configuration?: string }[] };
  };
  const paths = [...contributes.grammars.map((g) => g.path), ...contributes.languages.flatMap((l) => l.configuration ?? [])];
  expect(paths.filter((p) => !existsSync(join(root, p)))).toEqual([]);
});
