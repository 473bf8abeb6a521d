// Objects for older kernels: kinds of types, helpers, data sections and attach types replaced as libbpf 1.5 does where a kernel lacks them (older.jsonl, recorded).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytesToHex } from "../../core/base/index.ts";
import { encodeInsns } from "../../core/isa/index.ts";
import { BTF_KIND, loadObject, type ObjectSpec } from "../../core/object/index.ts";
import { fixture, fixturePath, kernelBtf } from "./fixtures.ts";

interface Truth {
  version: string;
  program: string;
  stage?: string;
  error: string;
  type: number;
  expected_attach_type: number;
  insns: string;
  func_info: string;
  maps: { name: string; flags: number; value: number; btf_key: number; btf_value: number }[];
  btf: boolean;
  btf_data?: string;
}
const truths = readFileSync(fixturePath("older.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((l) => JSON.parse(l) as Truth);
const number = (version: string): number => {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  return (major << 16) | (minor << 8);
};
const load = (version: string): ObjectSpec =>
  loadObject(fixture("kinds.o"), { kernelBtf: kernelBtf(), fileName: "kinds.o", kernelVersion: number(version), sizesAreFinal: true });

describe.each([...new Set(truths.map((t) => t.version))])("Linux %s", (version) => {
  const spec = load(version);
  test.each(truths.filter((t) => t.version === version))("$program", (t) => {
    const p = spec.programs.find((x) => x.name === t.program)!;
    if (t.stage) return expect(p.error?.message).toBe(t.error.replace("libbpf: ", "").trim());
    const funcs = spec.btfRefusal ? [] : p.funcInfo.flatMap((f) => [f.insnIdx, f.typeId]);
    expect({
      error: p.error,
      type: p.type,
      attach: p.expectedAttachType,
      insns: bytesToHex(encodeInsns(p.insns)),
      funcs: bytesToHex(new Uint8Array(Uint32Array.from(funcs).buffer)),
      maps: spec.maps.map((m) => [m.name, m.flags, m.valueSize]),
    }).toEqual({
      // libbpf hands such a program on, to be refused.
      error: number(version) < number("5.2") && t.program === "reads" ? expect.objectContaining({ code: "global-data" }) : undefined,
      type: t.type,
      attach: t.expected_attach_type,
      insns: t.insns,
      funcs: t.func_info,
      maps: t.maps.map((m) => [m.name, m.flags, m.value]),
    });
    expect(spec.btfRefusal === undefined).toBe(t.btf);
    if (t.btf_data) expect(createHash("sha256").update(spec.btf!.bytes).digest("hex")).toBe(t.btf_data);
  });
});

test("no version that knows all kinds gets other types than the newest", () => {
  expect(load("6.12").btf!.bytes).toEqual(load("6.18").btf!.bytes);
  const kinds = (spec: ObjectSpec): Set<number> => new Set(Array.from({ length: spec.btf!.typeCount }, (_, id) => spec.btf!.kind(id)));
  expect(kinds(load("6.18")).has(BTF_KIND.ENUM64)).toBe(true);
  for (const kind of [BTF_KIND.ENUM64, BTF_KIND.FLOAT, BTF_KIND.DECL_TAG, BTF_KIND.TYPE_TAG])
    expect(kinds(load("5.10")).has(kind)).toBe(false);
});
