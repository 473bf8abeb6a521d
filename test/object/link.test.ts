// Linking objects: the same file as libbpf 1.5's linker makes (linked.json, recorded), the same refusals, and what the result means to the loader.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CodedError } from "../../core/base/index.ts";
import { BTF_KIND, btfOfFile, linkObjects, loadObject, type LinkFile, type ObjectSpec } from "../../core/object/index.ts";
import { dedupTypes } from "../../core/object/btf/dedup.ts";
import { rawInfo, type RawType } from "../../core/object/btf/raw.ts";
import type { BtfBlob } from "../../core/object/btf/reader.ts";
import { openElf } from "../../core/object/elf/elf.ts";
import { fixture, kernelBtf } from "./fixtures.ts";

const folder = join(import.meta.dirname, "../fixtures/link");
const file = (name: string): LinkFile => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) });
const link = (...names: string[]): Uint8Array => linkObjects(names.map(file));
const recorded = JSON.parse(readFileSync(join(folder, "linked.json"), "utf8")) as {
  files: string[];
  sha256?: string;
  /** Variables whose offsets libbpf leaves as some file declared them. */
  left?: [name: string, offset: number][];
  error?: string;
}[];

/** The fault of linking, or undefined. */
function faultOf(files: readonly LinkFile[]): CodedError | undefined {
  try {
    linkObjects(files);
    return undefined;
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return e;
  }
}

/** The object with offsets of variables as libbpf leaves them; ours are complete. */
function leave(object: Uint8Array, left: readonly [name: string, offset: number][]): Uint8Array {
  const place = openElf(object).sections.find((s) => s.name === ".BTF")?.offset ?? 0;
  const btf = btfOfFile(object) as BtfBlob;
  const view = new DataView(object.buffer);
  for (let id = 1; id < btf.typeCount; id++)
    for (const [i, v] of btf.type(id).vars.entries()) {
      const found = left.find(([name]) => name === btf.type(v.type).name);
      if (found) view.setUint32(place + btf.offsetOf(id) + 12 + i * 12 + 4, found[1], true);
    }
  return object;
}

describe("as libbpf links", () => {
  test.each(recorded.filter((r) => r.sha256).map((r) => [r.files.join(" + "), r] as const))("%s", (_, r) => {
    const bytes = leave(link(...r.files), r.left ?? []);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(r.sha256);
  });
  test.each(recorded.filter((r) => r.error).map((r) => [r.files.join(" + "), r] as const))("%s is refused", (_, r) => {
    const fault = faultOf(r.files.map(file));
    expect(fault?.at).toMatchObject({ file: r.files.at(-1), offBytes: expect.any(Number) });
    // libbpf prints no name of an int here, as it has none at hand.
    const words = (text: string): string => text.replace(/int '.*' size/, "int size").replace(/^libbpf: /, "");
    expect(words(fault!.message)).toBe(words(r.error!));
  });
  test("there are results and refusals", () => {
    expect(recorded.filter((r) => r.sha256).length).toBeGreaterThan(20);
    expect(recorded.filter((r) => r.error).length).toBeGreaterThan(6);
  });
});

describe("the linked object", () => {
  const load = (bytes: Uint8Array): ObjectSpec => loadObject(bytes, { kernelBtf: kernelBtf(), fileName: "linked.o" });
  /** All that the kernel would get; indexes of sections and ids of types are the file's own affair. */
  const meaning = (object: Uint8Array): unknown => {
    const { programs, maps, btf } = load(object);
    return [
      programs.map(({ name, type, insns, lineInfo, error }) => ({ name, type, insns, lineInfo, error })),
      programs.map((p) => p.funcInfo.map((f) => [f.insnIdx, btf!.type(f.typeId).name])),
      maps.map((m) => ({
        ...m,
        section: undefined,
        btfKeyTypeId: btf!.type(m.btfKeyTypeId).name,
        btfValueTypeId: btf!.type(m.btfValueTypeId).name,
      })),
    ];
  };
  test("means the same after it was linked once more", () => {
    for (const { files } of recorded.filter((r) => r.sha256 && r.files.length > 1 && r.files[0] !== "clash_funcs.o")) {
      const once = link(...files);
      expect(meaning(linkObjects([{ name: "once.o", bytes: once }]))).toEqual(meaning(once));
    }
  });
  test("has the programs of all files, each with the functions that won", () => {
    const spec = load(link("funcs1.o", "funcs2.o"));
    expect(spec.programs.map((p) => [p.name, p.error])).toEqual([
      ["first", undefined],
      ["second", undefined],
      ["third", undefined],
    ]);
    const functions = spec.programs.map((p) => [...p.subprogNames.values()]);
    expect(functions[0]).toEqual(
      expect.arrayContaining(["first", "other", "both_weak", "weak_here", "strong_here", "hidden_here", "each"]),
    );
    // weak_here of the second file: it adds 200, the weak one of the first would add 100.
    const third = spec.programs[2]!;
    const values = third.insns.filter((i) => i.code === 0x04 || i.code === 0x07).map((i) => i.imm);
    expect(values).toContain(200);
    expect(values).not.toContain(100);
    const static1 = spec.programs[0]!.origin!.filter((o) => o.name === "helper");
    expect(static1.length).toBe(2);
  });
  test("has each map once, and the data of both files", () => {
    const maps = load(link("maps1.o", "maps2.o")).maps.map((m) => m.name);
    expect(maps.sort()).toEqual(["inner_one", "jumps", "mine", "outer", "theirs"]);
    const vars = load(link("vars1.o", "vars2.o"));
    expect(vars.programs.map((p) => p.error)).toEqual([undefined, undefined]);
    const data = vars.maps.find((m) => m.name.endsWith(".data"))!;
    const words = new Uint32Array(data.initial!.buffer.slice(data.initial!.byteOffset, data.initial!.byteOffset + 64));
    expect([...words]).toEqual(expect.arrayContaining([11, 22, 5, 6, 1, 33]));
  });
  test("has one type for what both describe, declarations completed", () => {
    const btf = btfOfFile(link("types1.o", "types2.o"));
    const named = (name: string): number[] => btf.findAll(name).map((id) => btf.kind(id));
    expect(named("pair")).toEqual([BTF_KIND.STRUCT, BTF_KIND.DECL_TAG]);
    expect(named("known_there")).toEqual([BTF_KIND.STRUCT]);
    expect(named("known_here")).toEqual([BTF_KIND.STRUCT]);
    expect(named("also_there")).toEqual([BTF_KIND.UNION]);
    expect(named("same_name")).toEqual([BTF_KIND.STRUCT, BTF_KIND.STRUCT]);
  });
  test("both byte orders link, but not with each other", () => {
    const big = { name: "big.o", bytes: fixture("shapes.be.o") };
    const spec = loadObject(linkObjects([big]), { kernelBtf: kernelBtf() });
    expect(spec.programs.map((p) => p.insns)).toEqual(loadObject(big.bytes, { kernelBtf: kernelBtf() }).programs.map((p) => p.insns));
    expect(faultOf([file("funcs1.o"), big])).toMatchObject({ code: "link-byte-order", at: { file: "big.o", offBytes: 5 } });
  });
});

describe("inputs at fault", () => {
  const at = (change: (view: DataView, table: number) => void): LinkFile => {
    const bytes = file("funcs1.o").bytes;
    const view = new DataView(bytes.buffer);
    change(view, Number(view.getBigUint64(40, true)));
    return { name: "bad.o", bytes };
  };
  test.each([
    ["an executable", at((v) => v.setUint16(16, 2, true)), "link-not-object"],
    ["another machine", at((v) => v.setUint16(18, 62, true)), "elf-not-bpf"],
    ["an odd alignment", at((v, t) => v.setBigUint64(t + 64 * 3 + 48, 3n, true)), "link-align"],
    ["a huge alignment", at((v, t) => v.setBigUint64(t + 64 * 3 + 48, 1n << 40n, true)), "link-align"],
    ["an unknown section type", at((v, t) => v.setUint32(t + 64 * 3 + 4, 77, true)), "link-section"],
    ["no file at all", { name: "bad.o", bytes: new Uint8Array(0) }, "elf-not-elf"],
  ])("%s", (_, bad, code) => {
    expect(faultOf([bad])).toMatchObject({ code, at: { file: "bad.o", offBytes: expect.any(Number) } });
  });
  test("nothing to link", () => expect(faultOf([])?.code).toBe("link-no-files"));
});

describe("types removed", () => {
  const INT: RawType = Uint32Array.of(1, rawInfo(BTF_KIND.INT), 4, 32);
  const VOID: RawType = new Uint32Array(3);
  const ptr = (to: number): RawType => Uint32Array.of(0, rawInfo(BTF_KIND.PTR), to);
  test("equal types become the first of them, chains of any length", () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ptr(i + 1));
    const again = Array.from({ length: 20_000 }, (_, i) => ptr(i === 0 ? 20_002 : i + 20_002));
    const { types, newId } = dedupTypes([VOID, INT, ...chain, INT.slice(), ...again]);
    expect(types.length).toBe(20_002);
    expect(newId[40_002]).toBe(20_001);
  });
  test("structs that refer to each other are told apart by what lies behind", () => {
    // Two lists of two structs each; the second one's inner member has another type.
    const struct = (name: number, member: number): RawType => Uint32Array.of(name, rawInfo(BTF_KIND.STRUCT, 1), 8, 5, member, 0);
    const pair = (base: number, leaf: number): RawType[] => [struct(2, base + 1), ptr(base + 2), struct(3, leaf)];
    const long: RawType = Uint32Array.of(4, rawInfo(BTF_KIND.INT), 8, 64);
    const same = dedupTypes([VOID, INT, long, ...pair(3, 1), ...pair(6, 1)]);
    expect(same.types.length).toBe(6);
    const other = dedupTypes([VOID, INT, long, ...pair(3, 1), ...pair(6, 2)]);
    expect(other.types.length).toBe(9);
  });
  test("a type that refers to itself is a fault", () => {
    expect(() => dedupTypes([VOID, ptr(2), Uint32Array.of(0, rawInfo(BTF_KIND.CONST), 1)])).toThrow(/refers to itself/);
  });
  test("a type that refers to one that is not there is a fault", () => {
    expect(() => dedupTypes([VOID, ptr(7)])).toThrow("BTF: type [1] refers to type [7], which is not there");
  });
});
