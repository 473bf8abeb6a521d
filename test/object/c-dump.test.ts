// The C header that we write: it compiles, and clang lays the kernel's structs out as BTF says, bit fields included.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { btfOfFile, BTF_KIND, C_DUMP_REVISION, dumpC, dumpText, type Btf } from "../../core/object/index.ts";
import { findClang } from "../../server/src/toolchain/index.ts";
import { fixture, kernelBtf } from "./fixtures.ts";

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

describe.skipIf(!clang)("through clang", () => {
  test("2,000 named structs and unions of the kernel keep their sizes and offsets", () => {
    const kernel = kernelBtf();
    const names = new Map<string, number>();
    const taken = new Set<string>();
    for (let id = 1; id < kernel.typeCount; id++) {
      const t = kernel.type(id);
      if (t.name === "" || ![BTF_KIND.STRUCT, BTF_KIND.UNION, BTF_KIND.ENUM, BTF_KIND.ENUM64].some((k) => k === t.kind)) continue;
      if (taken.has(t.name) || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64) names.delete(t.name);
      else if (!SKIPPED.has(t.name)) names.set(t.name, id);
      taken.add(t.name);
    }
    // Every fourth, because clang's time grows with their square.
    for (const [i, name] of [...names.keys()].entries()) if (i % 4 !== 0) names.delete(name);
    const variables = [...names].map(([name, id]) => `${kernel.kind(id) === BTF_KIND.STRUCT ? "struct" : "union"} ${name} v${id};`);
    const made = throughClang(dumpC(kernel), variables);
    const wrong: string[] = [];
    for (const [name, id] of names) {
      const want = kernel.type(id);
      const got = made.type(made.find(name, want.kind));
      if (got.size !== want.size) wrong.push(`${name}: size ${got.size} instead of ${want.size}`);
      for (const m of want.members.filter((x) => x.name !== "")) {
        const n = got.members.find((x) => x.name === m.name);
        if (n?.bitOffset !== m.bitOffset || n.bitSize !== m.bitSize) wrong.push(`${name}.${m.name}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(names.size).toBeGreaterThan(2000);
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
