// The user's clang on unsaved text: objects, messages at their places, includes through the overlay, time limits. Needs a clang with the BPF target.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadObject } from "../../core/object/index.ts";
import { compileC, findClang, type CompileRequest, type CompileResult } from "../../server/src/toolchain/index.ts";

const found = await findClang();
const PROGRAM = `#define SEC(n) __attribute__((section(n), used))
struct xdp_md;
SEC("xdp") int pass(struct xdp_md *ctx) { return 2; }
char LICENSE[] SEC("license") = "GPL";
`;
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "beeline-test-"));
  mkdirSync(join(dir, "sub"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const compile = (name: string, rest: Partial<CompileRequest>): Promise<CompileResult> =>
  compileC({ file: join(dir, name), settings: { workspaceRoots: [dir] }, ...rest });
const errors = (r: CompileResult): string[] =>
  r.diagnostics.map((d) => `${d.file.replace(`${dir}/`, "")}:${d.line}:${d.column} ${d.severity} ${d.message}`);

describe.skipIf(!found.clang)("clang", () => {
  test("compiles a text that is on no disk, into an object with the file's own name", async () => {
    const r = await compile("unsaved.bpf.c", { text: PROGRAM });
    expect(errors(r)).toEqual([]);
    const object = r.ok ? loadObject(r.object, { fileName: "unsaved.bpf.c" }) : undefined;
    expect(object?.programs.map((p) => p.name)).toEqual(["pass"]);
    expect(object?.programs[0]?.lineInfo[0]).toMatchObject({ file: join(dir, "unsaved.bpf.c"), line: 3, text: PROGRAM.split("\n")[2] });
  });
  test("unsaved text wins over the disk, in headers too", async () => {
    writeFileSync(join(dir, "a.c"), "#error saved");
    writeFileSync(join(dir, "sub/h.h"), "#error saved header");
    const r = await compile("a.c", {
      text: `#include "sub/h.h"\n${PROGRAM}int x[ANSWER];`,
      overlays: new Map([[join(dir, "sub/h.h"), "#define ANSWER 42\n"]]),
    });
    expect(errors(r)).toEqual([]);
    const object = r.ok ? loadObject(r.object) : undefined;
    expect(object?.programs[0]?.lineInfo[0]?.text).toBe(PROGRAM.split("\n")[2]);
  });
  test("errors stand at their places, with notes", async () => {
    const r = await compile("bad.c", {
      text: "int f(int a);\nint f(long a) {\n  return b;\n}\nint unused(void) { int x = 1; return 0; }\n",
      settings: { extraFlags: ["-Wunused-variable"] },
    });
    expect(errors(r)).toEqual([
      "bad.c:2:5 error conflicting types for 'f'",
      "bad.c:3:10 error use of undeclared identifier 'b'",
      "bad.c:5:24 warning unused variable 'x'",
    ]);
    expect(r.diagnostics[0]!.notes).toEqual([{ file: join(dir, "bad.c"), line: 1, column: 5, message: "previous declaration is here" }]);
    expect(r.diagnostics[2]!.flag).toBe("-Wunused-variable");
  });
  test("an error in a header tells how it was reached", async () => {
    const r = await compile("inc.c", { text: '\n#include "broken.h"\n', overlays: new Map([[join(dir, "broken.h"), "int x = ;\n"]]) });
    expect(r.diagnostics[0]).toMatchObject({
      file: join(dir, "broken.h"),
      line: 1,
      notes: [{ file: join(dir, "inc.c"), line: 2, message: "included from here" }],
    });
  });
  test("a missing header says what to do", async () => {
    const r = await compile("m.c", { text: '#include "nowhere/foo.h"\n' });
    expect(errors(r)).toEqual([
      expect.stringMatching(/^m\.c:1:10 error 'nowhere\/foo\.h' file not found; add its folder to the include paths/),
    ]);
  });
  test("flags come from compile_flags.txt, a compilation database and .clangd", async () => {
    const text = `${PROGRAM}_Static_assert(WIDTH == 7, "width");`;
    expect((await compile("flags.c", { text })).ok).toBe(false);
    writeFileSync(join(dir, "compile_flags.txt"), "-DWIDTH=7\n-o\n/nowhere/x\n");
    expect(errors(await compile("flags.c", { text }))).toEqual([]);
    writeFileSync(
      join(dir, "compile_commands.json"),
      JSON.stringify([
        { directory: dir, file: "flags.c", command: `clang -target bpf -O1 -g "-DWIDTH=7" -c flags.c -MD -o '/nowhere/x y.o'` },
      ]),
    );
    const r = await compile("flags.c", { text });
    expect(errors(r)).toEqual([]);
    expect(r.command).toContain("-O1");
    expect(r.command).not.toContain("-O2");
    rmSync(join(dir, "compile_commands.json"));
    rmSync(join(dir, "compile_flags.txt"));
    writeFileSync(join(dir, ".clangd"), "CompileFlags:\n  Add: [-DWIDTH=7, '-Wall']\nDiagnostics:\n  Suppress: '*'\n");
    expect(errors(await compile("flags.c", { text }))).toEqual([]);
    rmSync(join(dir, ".clangd"));
  });
  test(".clangd takes flags away, names a database, and says for which files", async () => {
    const text = `${PROGRAM}\n_Static_assert(WIDTH == 7, "width");`;
    mkdirSync(join(dir, "db"));
    const command = "clang -target bpf -g -O2 -DWIDTH=8 -Wunused-variable -include missing.h -c x.c";
    writeFileSync(join(dir, "db/compile_commands.json"), JSON.stringify([{ directory: dir, file: "x.c", command }]));
    writeFileSync(
      join(dir, ".clangd"),
      [
        "CompileFlags: # for all",
        "  CompilationDatabase: db",
        "  Remove: [-DWIDTH*, -include]",
        "---",
        "If:",
        "  PathMatch: [x\\.c, other/.*]",
        "CompileFlags:",
        "  Add:",
        "    - -DWIDTH=7",
        "---",
        "If:",
        "  PathExclude: .*\\.c",
        "CompileFlags:",
        "  Add: -DWIDTH=9",
      ].join("\n"),
    );
    const r = await compile("x.c", { text });
    expect(errors(r)).toEqual([]);
    expect(r.command).toContain("-Wunused-variable");
    expect(r.command).toContain("-DWIDTH=7");
    expect(r.command).not.toContain("-DWIDTH=8");
    expect((await compile("y.c", { text })).ok).toBe(false);
    rmSync(join(dir, ".clangd"));
  });
  test("vmlinux.h is made when a program wants it and none is there", async () => {
    let made = 0;
    const settings = {
      workspaceRoots: [dir],
      cacheDir: join(dir, "cache"),
      vmlinux: { key: "k1", text: () => `/* ${++made} */ typedef unsigned int u32;\n` },
    };
    const text = `#include "vmlinux.h"\nu32 x;\n${PROGRAM}`;
    expect(errors(await compile("v.c", { text, settings }))).toEqual([]);
    expect(errors(await compile("v.c", { text, settings }))).toEqual([]);
    expect(made).toBe(1);
    const other = { ...settings, vmlinux: { key: "k2", text: () => `/* ${++made} */ typedef unsigned long u32;\n` } };
    const wide = `${text}_Static_assert(sizeof(u32) == 8, "the other types");`;
    expect(errors(await compile("v.c", { text: wide, settings: other }))).toEqual([]);
    expect(errors(await compile("v.c", { text: wide, settings }))).toEqual([expect.stringContaining("static assertion failed")]);
    expect(made).toBe(2);
  });
  test("a compilation can be stopped, and stops by itself", async () => {
    const control = new AbortController();
    const text =
      "#define A B B B B B B B B\n#define B C C C C C C C C\n#define C D D D D D D D D\n#define D E E E E E E E E\n#define E F F F F F F F F\n#define F G G G G G G G G\n#define G H H H H H H H H\n#define H 1+\nint x = A A A A 1;";
    const slow = compile("s.c", { text, signal: control.signal });
    control.abort();
    expect(await slow).toMatchObject({ ok: false, cancelled: true });
    const late = await compile("s.c", { text, settings: { timeoutMs: 200 } });
    expect(errors(late)).toEqual([expect.stringContaining("clang took too long")]);
  });
  test("no private files stay behind", async () => {
    const mine = (): string[] => readdirSync(tmpdir()).filter((n) => /^beeline-\w{6}$/.test(n));
    const before = mine();
    await compile("left.c", { text: "int x = ;" });
    expect(mine().filter((n) => !before.includes(n) && existsSync(join(tmpdir(), n, "overlay.yaml")))).toEqual([]);
  });
});

test("a clang that is not there gives one message with the install command", async () => {
  const r = await compile("none.c", { text: PROGRAM, settings: { clangPath: "/nowhere/clang" } });
  expect(r).toMatchObject({ ok: false, missing: "clang" });
  expect(errors(r)).toEqual([expect.stringMatching(/^none\.c:1:1 error the configured clang '\/nowhere\/clang' does not exist.*install/)]);
});
