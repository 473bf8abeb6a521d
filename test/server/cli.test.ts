// The command line as a user calls it: output, messages and exit status. It needs `npm run build` before.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const cli = join(root, "dist", "cli.js");
let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), "beeline-cli-"))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const beeline = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { cwd: dir, encoding: "utf8" });
const rows = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((l) => JSON.parse(l) as Record<string, unknown>);

describe.skipIf(!existsSync(cli))("beeline", () => {
  it("lists its commands, and says what is wrong with a call", () => {
    expect(beeline("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("usage: beeline COMMAND") as string });
    expect(beeline()).toMatchObject({ status: 2 });
    expect(beeline("frob")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: "beeline: there is no command 'frob'. 'beeline --help' lists them.\n",
    });
    expect(beeline("toString")).toMatchObject({ status: 2 });
    expect(beeline("helpers", "--format", "xml").stderr).toBe("beeline helpers: --format xml: it is one of text, json\n");
  });
  it("lists helpers, kfuncs, program and map types", () => {
    const helpers = rows(beeline("helpers", "--format", "json").stdout);
    expect(helpers.length).toBe(211);
    expect(helpers[0]).toMatchObject({
      id: 1,
      name: "bpf_map_lookup_elem",
      returns: "void *",
      since: "3.19",
      gpl_only: false,
      args: [
        { name: "map", type: "struct bpf_map *" },
        { name: "key", type: "const void *" },
      ],
    });
    expect(rows(beeline("kfuncs", "--format", "json").stdout).length).toBe(203);
    expect(rows(beeline("program-types", "--format", "json").stdout).length).toBe(32);
    expect(rows(beeline("map-types", "--format", "json").stdout).length).toBe(33);
    expect(beeline("helpers", "bpf_redirect").stdout).toContain("long bpf_redirect(u32 ifindex, u64 flags)");
  });
  it("links objects, whose programs are then verified, and says which file does not fit", () => {
    const part = (name: string): string => join(root, "test/fixtures/link", name);
    expect(beeline("link", "-o", "linked.o", part("maps1.o"), part("maps2.o"))).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const { status, stdout } = beeline("verify", "linked.o", "--format", "json");
    expect(status).toBe(0);
    expect(rows(stdout).map((r) => [r["program"], r["verdict"]])).toEqual([
      ["uses_one", "accept"],
      ["uses_two", "accept"],
    ]);
    const bad = beeline("link", "-o", "none.o", part("maps1.o"), part("clash_map.o"));
    expect(bad.status).toBe(2);
    expect(bad.stderr).toMatch(/clash_map\.o: global 'mine': map max_entries mismatch \[link-mismatch at byte \d+\]\n$/);
    expect(existsSync(join(dir, "none.o"))).toBe(false);
    expect(beeline("link", part("maps1.o")).stderr).toContain("usage: beeline link -o OUT.o FILE...");
  });
  it("takes a kernel's version and configuration for what an object asks of them", () => {
    const object = join(root, "test/fixtures/object/core.o");
    writeFileSync(join(dir, "config"), "CONFIG_HZ=250\nCONFIG_BPF_SYSCALL=m\n");
    const verdicts = (...args: string[]): unknown[] =>
      rows(beeline("verify", object, "--format", "json", ...args).stdout).map((r) => r["message"]);
    expect(verdicts("--kconfig", "config")[0]).toContain("extern (kcfg) 'CONFIG_BPF_SYSCALL': value 'm' implies tristate or char type");
    expect(verdicts()[0]).toBeUndefined();
    expect(beeline("verify", object, "--kernel", "six").stderr).toContain("--kernel six: it is a version such as 6.1 or 5.15.148");
    const legacy = join(root, "test/fixtures/object/legacy.o");
    expect(beeline("verify", legacy)).toMatchObject({ status: 2, stderr: expect.stringContaining("legacy map definitions") as string });
    expect(beeline("verify", legacy, "--legacy-maps")).toMatchObject({ status: 0 });
  });
  it("verifies for loaders with fewer capabilities", () => {
    writeFileSync(
      join(dir, "loop.bpf.s"),
      '.section socket,"ax",@progbits\n.globl f\n.type f,@function\nf:\nr0 = 0\n.Lagain:\nr0 += 1\nif r0 < 4 goto .Lagain\nexit\n.size f, .-f\n',
    );
    const errors = (...args: string[]): unknown[] =>
      rows(beeline("verify", "loop.bpf.s", "--format", "json", ...args).stdout).map((r) => [r["errno"], r["error"]]);
    expect(errors()).toEqual([[0, []]]);
    expect(errors("--caps", "unprivileged")).toEqual([[22, ["back-edge from insn 2 to 1"]]]);
    const xdp = join(root, "test/fixtures/object/core.o");
    expect(beeline("verify", xdp, "--caps", "unprivileged").stdout).toMatch(/rejected with errno 1 \(program-privilege\)\n/);
    expect(beeline("verify", xdp, "--caps", "root").stderr).toContain("--caps root: it is one of full, noperfmon, bpf, unprivileged");
  });
  it("assembles and disassembles", () => {
    writeFileSync(join(dir, "a.bpf.s"), readFileSync(join(root, "examples", "xdp_drop_short.bpf.s")));
    expect(beeline("asm", "a.bpf.s", "-o", "a.o")).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const { stdout, status } = beeline("disasm", "a.o");
    expect(status).toBe(0);
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      "; program drop_short, section xdp, 7 instructions",
      "    0: (61) r2 = *(u32 *)(r1 +0)",
    ]);
    writeFileSync(join(dir, "b.bpf.s"), "r1 = 1\nr1 + 2\n");
    expect(beeline("asm", "b.bpf.s")).toMatchObject({ status: 1, stderr: "b.bpf.s:2:4: error: '+' is no operator here\n" });
    expect(existsSync(join(dir, "b.o"))).toBe(false);
  });
  it("names files that cannot be read, without a stack trace", () => {
    expect(beeline("asm", "none.s").stderr).toMatch(/^beeline asm: .*none\.s: no such file\n$/);
    for (const [name, text] of [
      ["empty.o", ""],
      ["cut.o", "\x7fELF\x02\x01\x01\x00"],
      ["text.o", "hello, world"],
    ]) {
      writeFileSync(join(dir, name), text, "latin1");
      const { status, stderr } = beeline("disasm", name);
      expect(status).toBe(2);
      expect(stderr.split("\n").length).toBe(2);
    }
  });
  it("verifies in several threads with the same rows in the same order, missing files named", () => {
    const files = ["xdp_parse.bpf.o", "xdp_bad_read.bpf.s", "xdp_null_check.bpf.o", "xdp_drop_short.bpf.s"].map((n) =>
      join(root, "examples", n),
    );
    const untimed = (text: string): unknown[] => rows(text).map((r) => ({ ...r, time_us: 0 }));
    const [alone, many] = [
      ["--format", "json"],
      ["--format", "json", "--jobs", "3"],
    ].map((o) => beeline("verify", ...files, "none.o", ...o));
    expect(untimed(many!.stdout)).toEqual(untimed(alone!.stdout));
    expect(untimed(many!.stdout).length).toBeGreaterThanOrEqual(4);
    expect([many!.status, many!.stderr]).toEqual([2, "none.o: no such file\n"]);
    expect([alone!.status, alone!.stderr]).toEqual([2, "none.o: no such file\n"]);
    expect(beeline("verify", "a.o", "--jobs", "0").status).toBe(2);
  });
});
