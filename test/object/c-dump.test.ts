// The C header that we write: it compiles, and clang lays the kernel's structs out as BTF says, bit fields included.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { btfOfFile, BTF_KIND, C_DUMP_REVISION, dumpC, dumpText, type Btf, type BtfType } from "../../core/object/index.ts";
import { findClang } from "../../server/src/toolchain/index.ts";
import { fixture, kernelBtf, vmlinuxBytes } from "./fixtures.ts";

const { clang } = await findClang();

/** Compiles a variable of each type and returns the types as clang understood them. */
function throughClang(header: string, variables: string[]): Btf {
  const dir = mkdtempSync(join(tmpdir(), "beeline-cdump-"));
  try {
    writeFileSync(join(dir, "vmlinux.h"), header);
    writeFileSync(join(dir, "all.c"), `#include "vmlinux.h"\n${variables.join("\n")}\n`);
    const r = spawnSync(clang!.path, ["-target", "bpf", "-g", "-Wno-everything", "-c", join(dir, "all.c"), "-o", join(dir, "all.o")]);
    expect(r.stderr.toString()).toBe("");
    return btfOfFile(new Uint8Array(readFileSync(join(dir, "all.o"))));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** struct warn_args holds a va_list, whose size is the target's. `taken` tags name two kinds of types. */
const SKIPPED = new Set(["warn_args"]);

/** Every fourth named struct and union of the kernel, because clang's time grows with their square. */
function chosen(kernel: Btf): Map<string, number> {
  const names = new Map<string, number>();
  const taken = new Set<string>();
  for (let id = 1; id < kernel.typeCount; id++) {
    const t = kernel.type(id);
    if (t.name === "" || ![BTF_KIND.STRUCT, BTF_KIND.UNION, BTF_KIND.ENUM, BTF_KIND.ENUM64].some((k) => k === t.kind)) continue;
    if (taken.has(t.name) || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64) names.delete(t.name);
    else if (!SKIPPED.has(t.name)) names.set(t.name, id);
    taken.add(t.name);
  }
  return new Map([...names].filter((_, i) => i % 4 === 0));
}

/** Types whose size or named members are not where `wanted` has them. */
function differing(names: ReadonlyMap<string, number>, wanted: (name: string, id: number) => BtfType, made: Btf): string[] {
  const wrong: string[] = [];
  for (const [name, id] of names) {
    const want = wanted(name, id);
    const got = made.type(made.find(name, want.kind));
    if (got.size !== want.size) wrong.push(`${name}: size ${got.size} instead of ${want.size}`);
    for (const m of want.members.filter((x) => x.name !== "")) {
      const n = got.members.find((x) => x.name === m.name);
      if (n?.bitOffset !== m.bitOffset || n.bitSize !== m.bitSize) wrong.push(`${name}.${m.name}`);
    }
  }
  return wrong;
}

/** The header that bpftool writes of the bundled types, where it is installed. */
function bpftoolsHeader(): string | undefined {
  if (!existsSync("/usr/sbin/bpftool")) return undefined;
  const dir = mkdtempSync(join(tmpdir(), "beeline-bpftool-"));
  try {
    writeFileSync(join(dir, "vmlinux.btf"), vmlinuxBytes());
    const r = spawnSync("/usr/sbin/bpftool", ["btf", "dump", "file", join(dir, "vmlinux.btf"), "format", "c"], { maxBuffer: 1 << 26 });
    return r.status === 0 ? r.stdout.toString() : undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
const theirs = clang && bpftoolsHeader();

describe.skipIf(!clang)("through clang", () => {
  const kernel = kernelBtf();
  const names = chosen(kernel);
  const variables = [...names].map(([name, id]) => `${kernel.kind(id) === BTF_KIND.STRUCT ? "struct" : "union"} ${name} v${id};`);
  let ours: Btf | undefined;
  const made = (): Btf => (ours ??= throughClang(dumpC(kernel), variables));
  test("2,000 named structs and unions of the kernel keep their sizes and offsets", { timeout: 300_000 }, () => {
    expect(differing(names, (_, id) => kernel.type(id), made())).toEqual([]);
    expect(names.size).toBeGreaterThan(2000);
  });
  test.skipIf(!theirs)("they are those of the header that bpftool writes", { timeout: 300_000 }, () => {
    const other = throughClang(theirs!, variables);
    const wanted = (name: string, id: number): BtfType => other.type(other.find(name, kernel.kind(id)));
    const apart = new Set(differing(names, wanted, made()).map((w) => w.split(/[.:]/)[0]!));
    // Older bpftools misplace members after gaps: what they get wrong by the types themselves is no measure.
    const misplaced = new Set(differing(names, (_, id) => kernel.type(id), other).map((w) => w.split(/[.:]/)[0]!));
    console.log(
      `vmlinux.h: ${names.size - apart.size} of ${names.size} structs are laid out as by bpftool's header, which misplaces ${misplaced.size}`,
    );
    expect([...apart].filter((name) => !misplaced.has(name))).toEqual([]);
    expect(names.size - apart.size).toBeGreaterThan(2000);
  });
  test("an object's own types come back", () => {
    const btf = btfOfFile(fixture("shapes.o"));
    const again = throughClang(dumpC(btf), ["struct pair p;"]);
    expect(again.type(again.find("pair", BTF_KIND.STRUCT))).toMatchObject({
      size: 8,
      members: [
        { name: "a", bitOffset: 0 },
        { name: "b", bitOffset: 32 },
      ],
    });
  });
});

test("text has one line a type and one a member", () => {
  const lines = [...dumpText(btfOfFile(fixture("shapes.o")))];
  expect(lines.filter((l) => l.startsWith("[")).length).toBe(btfOfFile(fixture("shapes.o")).typeCount - 1);
  expect(lines).toContain("\t'b' type_id=8 bits_offset=32");
  expect(lines.join("\n")).toMatch(/FUNC 'leaf' type_id=\d+ linkage=static/);
});

test("what is written has not changed since its revision; after a change raise C_DUMP_REVISION and put the new hash here", () => {
  const header = ["shapes.o", "core.o", "kinds.o"].map((name) => dumpC(btfOfFile(fixture(name)))).join("");
  const hash = createHash("sha256").update(header).digest("hex").slice(0, 16);
  expect([C_DUMP_REVISION, hash]).toEqual([1, "1dc72333390547f1"]);
});
