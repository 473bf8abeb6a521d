// Objects of old and new compilers: what each line names as live against the llvm-dwarfdump of the same version, DWARF 4 and 5; all of them load. Compilers that are not installed are skipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpC, loadObject, openDwarf } from "../../core/object/index.ts";
import { liveAt } from "../debug/dwarfdump.ts";
import { kernelBtf } from "../object/fixtures.ts";

const root = join(import.meta.dirname, "../..");
/** Six compilations a test; a machine that is busy takes its time. */
const MANY_RUNS = 300_000;
const runs = (tool: string): boolean => spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0;
/** Inlined functions, blocks, variables that move between registers and the stack, folded constants. */
const INLINED = `
#define SEC(x) __attribute__((section(x), used))
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*probe)(void *, unsigned, const void *) = (void *)4;
struct pair { int a; long b; };
struct { int (*type)[1]; int (*max_entries)[4]; int *key; struct pair *value; } pairs SEC(".maps");
static inline __attribute__((always_inline)) int innermost(struct pair *p, int k) { long sum = p->a; for (int i = 0; i < k; i++) { long square = sum ^ i; sum += square << 1; } return sum; }
static inline __attribute__((always_inline)) int middle(int key) { struct pair *p = lookup(&pairs, &key); const int four = 4; if (!p) return -1; { int inner = p->a + four; return innermost(p, inner & 7) + inner; } }
static __attribute__((noinline)) int apart(struct pair *q, unsigned n) { struct pair local = *q; unsigned m = n * 3; probe(&local, sizeof(local), q); return local.a + m; }
SEC("socket") int outer(int *ctx) { int first = ctx[0], second = middle(first); if (second > 3) { int only_here = second * 5; second = middle(only_here); } struct pair last = { second, first }; return apart(&last, second) + middle(9); }
char LICENSE[] SEC("license") = "GPL";
`;
const dir = mkdtempSync(join(tmpdir(), "beeline-compilers-"));
const sources = new Map<string, string>([["inlined.c", INLINED]]);
beforeAll(() => {
  writeFileSync(join(dir, "vmlinux.h"), dumpC(kernelBtf()));
  for (const n of readdirSync(join(root, "examples")).filter((f) => f.endsWith(".c")))
    sources.set(n, readFileSync(join(root, "examples", n), "utf8"));
  for (const n of ["shapes", "core"]) sources.set(`${n}.c`, readFileSync(join(root, `test/fixtures/object/${n}.bpf.c`), "utf8"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function compile(clang: string, name: string, text: string, dwarf: number): string {
  const [source, object] = [join(dir, name), join(dir, `${basename(name, ".c")}.${clang}.${dwarf}.o`)];
  writeFileSync(source, text);
  const flags = ["-O2", "-g", `-gdwarf-${dwarf}`, "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-Wno-everything"];
  const includes = ["-I", dir, "-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", join(root, "assets/headers")];
  const r = spawnSync(clang, [...flags, ...includes, "-c", source, "-o", object]);
  if (r.status !== 0) throw new Error(`${clang}: ${r.stderr.toString()}`);
  return object;
}

/** At each line of each program, the functions around it and the names that have a place there: ours and the tool's. Answers how many names there were. */
function compareLines(file: string, dump: string): number {
  const bytes = new Uint8Array(readFileSync(file));
  const dwarf = openDwarf(bytes)!;
  const expected = liveAt(file, dump);
  const spec = loadObject(bytes, { kernelBtf: kernelBtf() });
  let named = 0;
  for (const p of spec.programs)
    for (const { insnIdx, line } of p.lineInfo) {
      const o = p.origin!.find((x) => insnIdx >= x.insnIdx && insnIdx < x.insnIdx + x.length)!;
      const offBytes = o.offBytes + 8 * (insnIdx - o.insnIdx);
      // Programs of several sections begin at the same addresses; the tool is asked by address alone.
      const want = expected(offBytes);
      if (want[0]?.name !== o.name) continue;
      const got = dwarf
        .framesAt({ section: o.section, offBytes })
        .map((f) => ({ name: f.name, live: f.variables.flatMap((v) => (v.location || v.constant !== undefined ? [v.name] : [])).sort() }));
      expect([line, got]).toEqual([line, want.reverse()]);
      named += got.flatMap((f) => f.live).length;
    }
  return named;
}

describe.each([13, 14, 15, 16, 17, 18, 19, 20])("clang %i", (version) => {
  const clang = `clang-${version}`;
  const dump = `llvm-dwarfdump-${version}`;
  const there = runs(clang) && runs(dump);
  test.skipIf(!there).each([4, 5])("DWARF %i names the locals that the tool of the same version names", { timeout: MANY_RUNS }, (dwarf) => {
    const named = [...sources].map(([name, text]) => compareLines(compile(clang, name, text, dwarf), dump));
    expect(named[0]).toBeGreaterThan(40);
    expect(named.reduce((a, b) => a + b)).toBeGreaterThan(80);
  });
  test.skipIf(!there)("its objects load as those of clang 19", { timeout: MANY_RUNS }, () => {
    for (const [name, text] of sources) {
      const spec = loadObject(new Uint8Array(readFileSync(compile(clang, name, text, 4))), { kernelBtf: kernelBtf() });
      expect(spec.programs.length).toBeGreaterThan(0);
      expect(spec.programs.filter((p) => p.error && !["unknown-section", "attach-btf", "ksym-not-found"].includes(p.error.code))).toEqual(
        [],
      );
    }
  });
});
