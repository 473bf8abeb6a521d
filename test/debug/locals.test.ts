// Locals that the debugger names at each line against llvm-dwarfdump, and the size of frames against clang. Without these tools it is skipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Locals, frameBytes } from "../../core/debug/index.ts";
import { loadObject, openDwarf } from "../../core/object/index.ts";
import { Machine } from "../../core/vm/index.ts";
import { compileC, findClang } from "../../server/src/toolchain/index.ts";
import { root } from "../parity/corpora.ts";
import { dwarfdump, liveAt } from "./dwarfdump.ts";

const { clang } = await findClang();
const dir = mkdtempSync(join(tmpdir(), "beeline-locals-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function compiled(name: string, text: string, extraFlags: string[] = []): Promise<string> {
  const r = await compileC({ file: join(dir, name), text, settings: { workspaceRoots: [dir], extraFlags } });
  if (!r.ok) throw new Error(JSON.stringify(r.diagnostics));
  const file = join(dir, name.replace(/c$/, "o"));
  writeFileSync(file, r.object);
  return file;
}

describe.skipIf(!clang || dwarfdump === undefined)("the examples at -O2", () => {
  const sources = readdirSync(join(root, "examples")).filter((n) => n.endsWith(".c"));
  it.each(sources)("%s: each line names the locals that llvm-dwarfdump has there", async (source) => {
    const file = await compiled(source, readFileSync(join(root, "examples", source), "utf8"));
    const bytes = readFileSync(file);
    const locals = new Locals(openDwarf(bytes)!, { peek: () => undefined, sectionAt: () => undefined });
    const expected = liveAt(file);
    let named = 0;
    for (const spec of loadObject(bytes).programs) {
      const program = new Machine().load({ ...spec, resolve: () => 0 });
      for (const { insnIdx, line } of spec.lineInfo) {
        const origin = spec.origin!.find((o) => insnIdx >= o.insnIdx && insnIdx < o.insnIdx + o.length)!;
        const want = expected(origin.offBytes + 8 * (insnIdx - origin.insnIdx)).reverse();
        const got = locals.framesAt(program, insnIdx).map((f) => ({
          name: f.name,
          live: f.variables.flatMap((v) => (v.location || v.constant !== undefined ? [v.name] : [])).sort(),
        }));
        expect([line, got]).toEqual([line, want]);
        named += got.flatMap((f) => f.live).length;
      }
    }
    expect(named).toBeGreaterThan(4);
  });
});

const FRAMES = `
#define SEC(x) __attribute__((section(x), used))
static long (*probe)(void *, unsigned, const void *) = (void *)4;
static void *(*lookup)(void *, const void *) = (void *)1;
struct big { int a, b; long c[3]; };
static __attribute__((noinline)) int leaf(struct big *b, int k) { volatile int v = k; b->c[0] = v; return b->a + v; }
static __attribute__((noinline)) int odd(void *ctx) { char name[5]; volatile short s = 3; probe(name, 5, ctx); return name[1] + s; }
static __attribute__((noinline)) int lowbyte(void *ctx) { volatile char c[3] = "ab"; return c[0] + c[1]; }
SEC("socket") int all(void *ctx) {
  struct big b = { 1, 2, { 3, 4, 5 } };
  long z = 9;
  probe(&z, 8, ctx);
  return leaf(&b, 3) + leaf(&b, z) + odd(ctx) + lowbyte(ctx) + b.c[0];
}
SEC("socket") int spills(unsigned *c) {
  unsigned a = c[0], b = c[1], d = c[2], e = c[3], f = c[4], g = c[5], h = c[6], key = 1;
  probe(&key, 4, c);
  return a + b * d + e * f + g * h + key;
}
char LICENSE[] SEC("license") = "GPL";
`;
it.skipIf(!clang || dwarfdump === undefined)("frames are as large as clang says", async () => {
  const file = await compiled("frames.c", FRAMES, ["-fstack-size-section"]);
  const text = spawnSync(dwarfdump!.replace("dwarfdump", "readelf"), ["--stack-sizes", file]).stdout.toString();
  const sizes = new Map([...text.matchAll(/^\s+(\d+)\s+(\w+)$/gm)].map((m) => [m[2], Number(m[1])]));
  const { programs } = loadObject(readFileSync(file));
  const seen = programs.flatMap((spec) => {
    const program = new Machine().load({ ...spec, resolve: () => 0 });
    return spec.origin!.map((o) => [o.name, frameBytes(program, o.insnIdx)]);
  });
  expect(new Set(seen.map(([name]) => name))).toEqual(new Set(["all", "leaf", "odd", "lowbyte", "spills"]));
  expect(seen).toEqual(seen.map(([name]) => [name, sizes.get(name as string)]));
});
