// The loader's answer on our fixtures against libbpf 1.5's own (libbpf.jsonl, made by test/kernel/libbpf-insns.c on Linux 6.18.44).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytesToHex } from "../../core/base/index.ts";
import { encodeInsns } from "../../core/isa/index.ts";
import { loadObject, type ObjectSpec, type ProgramSpec } from "../../core/object/index.ts";
import { fixture, fixturePath, kernelBtf } from "./fixtures.ts";

interface Truth {
  object: string;
  program: string;
  stage?: string;
  error: string;
  type: number;
  expected_attach_type: number;
  flags: number;
  attach_btf_id: number;
  license: string;
  insns: string;
  func_info: string;
  line_info: string;
  maps: {
    name: string;
    type: number;
    key: number;
    value: number;
    max: number;
    flags: number;
    extra: number;
    btf_key: number;
    btf_value: number;
    data: string;
  }[];
}
const truths = readFileSync(fixturePath("libbpf.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((l) => JSON.parse(l) as Truth);

function facts(p: ProgramSpec): unknown {
  const funcs = p.funcInfo.flatMap((f) => [f.insnIdx, f.typeId]);
  return {
    type: p.type,
    eat: p.expectedAttachType,
    flags: p.flags,
    btf: p.attachBtfId,
    license: p.license,
    insns: bytesToHex(encodeInsns(p.insns)),
    funcs: bytesToHex(new Uint8Array(Uint32Array.from(funcs).buffer)),
    lines: p.lineInfo.map((l) => [l.insnIdx, (l.line << 10) | l.column]),
  };
}
function wanted(t: Truth): unknown {
  const lines = Buffer.from(t.line_info, "hex");
  return {
    type: t.type,
    eat: t.expected_attach_type,
    flags: t.flags,
    btf: t.attach_btf_id,
    license: t.license,
    insns: t.insns,
    funcs: t.func_info,
    lines: Array.from({ length: lines.length / 16 }, (_, i) => [lines.readUInt32LE(i * 16), lines.readUInt32LE(i * 16 + 12)]),
  };
}
const load = (name: string): ObjectSpec =>
  loadObject(fixture(name), { kernelBtf: kernelBtf(), fileName: name.replace(".be", ""), syscallWrapper: false });

describe.each(["shapes.o", "core.o", "shapes.be.o", "core.be.o"])("%s as libbpf loads it", (name) => {
  const mine = load(name);
  const theirs = truths.filter((t) => t.object === name.replace(".be", ""));
  test("the same programs", () => expect(mine.programs.map((p) => p.name)).toEqual(theirs.map((t) => t.program)));
  for (const t of theirs) {
    const p = mine.programs.find((x) => x.name === t.program)!;
    if (t.stage) test(`${t.program} fails`, () => expect(p.error?.message).toContain(t.error.replace("libbpf: ", "").trim()));
    else test(t.program, () => expect([p.error, facts(p)]).toEqual([undefined, wanted(t)]));
  }
  test("the same maps", () => {
    const { maps } = theirs.find((t) => !t.stage)!;
    expect(
      mine.maps.map((m) => [
        m.name,
        m.type,
        m.keySize,
        m.valueSize,
        m.maxEntries,
        m.flags,
        Number(m.mapExtra),
        m.btfKeyTypeId,
        m.btfValueTypeId,
      ]),
    ).toEqual(maps.map((m) => [m.name, m.type, m.key, m.value, m.max, m.flags, m.extra, m.btf_key, m.btf_value]));
  });
});

describe("what libbpf keeps to itself", () => {
  const shapes = load("shapes.o");
  test("origin covers all instructions and names the functions", () => {
    for (const p of shapes.programs) {
      expect(p.origin!.reduce((n, o) => n + o.length, 0)).toBe(p.insns.length);
      expect([...p.subprogNames.values()]).toEqual(p.origin!.map((o) => o.name));
    }
  });
  test("values of maps that hold maps and programs", () => {
    expect(shapes.maps.find((m) => m.name === "outer")?.values).toEqual(new Map([[2, "inner_one"]]));
    expect(shapes.maps.find((m) => m.name === "jumps")?.values).toEqual(new Map([[1, "second"]]));
    expect(shapes.maps.find((m) => m.name === "outer")?.inner).toMatchObject({ name: "outer.inner", type: 2, maxEntries: 3 });
  });
  test("a `?` section is optional, a misspelt one is told", () => {
    expect(shapes.programs.find((p) => p.name === "third")?.optional).toBe(true);
    expect(shapes.programs.find((p) => p.name === "misspelt")?.error).toMatchObject({
      code: "unknown-section",
      message: expect.stringContaining('SEC("xdp")'),
    });
  });
  test("line info holds the source's text", () => {
    expect(shapes.programs.find((p) => p.name === "third")?.lineInfo[0]).toMatchObject({
      file: expect.stringContaining("shapes.bpf.c"),
      text: expect.stringContaining("int third"),
    });
  });
  test("kconfig values come from the given configuration", () => {
    const given = loadObject(fixture("core.o"), {
      kernelBtf: kernelBtf(),
      kconfig: "CONFIG_HZ=250\nCONFIG_BPF_SYSCALL=y\n",
      kernelVersion: 0x060c00,
    });
    const map = given.maps.find((m) => m.name.endsWith(".kconfig"))!;
    expect([...map.initial!]).toEqual([250, 0, 0, 0, 0, 12, 6, 0, 1]);
    expect(() =>
      loadObject(fixture("core.o"), { kernelBtf: kernelBtf(), kconfig: "CONFIG_HZ=m" }).programs.map((p) => p.error),
    ).not.toThrow();
    expect(loadObject(fixture("core.o"), { kernelBtf: kernelBtf(), kconfig: "CONFIG_HZ=m" }).programs[0]?.error?.code).toBe(
      "kconfig-value",
    );
  });
  test("without the kernel's types, what needs them says so", () => {
    const bare = loadObject(fixture("core.o"), {});
    expect(bare.programs.find((p) => p.name === "switched")?.error?.code).toBe("ksym-not-found");
  });
  test("legacy maps are refused in libbpf's words, and taken when asked for", () => {
    expect(() => loadObject(fixture("legacy.o"))).toThrow(/^legacy map definitions in 'maps' section are not supported by libbpf v1\.0\+/);
    const given = loadObject(fixture("legacy.o"), { kernelBtf: kernelBtf(), legacyMaps: true });
    expect(given.maps.map((m) => [m.name, m.type, m.keySize, m.valueSize, m.maxEntries, m.flags])).toEqual([
      ["counts", 2, 4, 8, 16, 0],
      ["flags", 1, 8, 4, 32, 1],
    ]);
    const [p] = given.programs;
    expect(p?.error).toBeUndefined();
    expect(p?.insns.filter((i) => i.code === 0x18).map((i) => [i.src, i.imm])).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });
});
