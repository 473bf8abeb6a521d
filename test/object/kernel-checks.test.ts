// Our checks of BTF and of maps against Linux 6.18.44's answers (kernel-checks.json, made by scripts/compare-kernel-checks.mjs --record).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkBtf } from "../../core/object/btf/check/check.ts";
import { checkMap } from "../../core/object/load/map-check.ts";
import { loadObject } from "../../core/object/index.ts";
import { fixture, fixturePath, kernelBtf } from "./fixtures.ts";
import { btfSpans, mutant } from "./mutants.ts";

const SEED = 1;
const recorded = JSON.parse(readFileSync(fixturePath("kernel-checks.json"), "utf8")) as {
  btf: [name: string, errno: number, last: string][];
  maps: number[][];
};
const btfs = new Map<string, Uint8Array>();
const btfOf = (name: string): Uint8Array => {
  const known = btfs.get(name) ?? loadObject(fixture(name), { kernelBtf: kernelBtf() }).btf!.bytes.slice();
  btfs.set(name, known);
  return known;
};

describe("BTF blobs", () => {
  const sources = new Set(recorded.btf.map(([name]) => name.split(" ")[0]!));
  test("each recorded mutant is answered as the kernel does", () => {
    for (const [name, errno, last] of recorded.btf) {
      const [file, number] = name.split(" ") as [string, string];
      const n = Number(number);
      const btf = btfOf(file);
      const ours = checkBtf(n < sources.size ? btf : mutant(btf, SEED, n, btfSpans(btf, n)), kernelBtf());
      const words = ours?.log === "" ? last : (ours?.log.split("\n").at(-1) ?? "").trimEnd();
      expect([name, ours?.errno ?? 0, words]).toEqual([name, errno, last]);
    }
  });
  test("the record holds both answers and many words", () => {
    expect(recorded.btf.filter(([, errno]) => errno === 0).length).toBeGreaterThan(20);
    expect(new Set(recorded.btf.map(([, , last]) => last.replace(/.* (?=[A-Z])/, ""))).size).toBeGreaterThan(15);
  });
});

describe("maps", () => {
  test("each recorded map is answered as the kernel does", () => {
    expect(new Set(recorded.maps.filter((m) => m.at(-1) === 0).map((m) => m[0])).size).toBeGreaterThan(20);
    for (const row of recorded.maps) {
      const [type, keySize, valueSize, maxEntries, flags, extra, inner, errno] = row as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const plain = { name: "m", flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 };
      const spec = { ...plain, type, keySize, valueSize, maxEntries, flags, mapExtra: BigInt(extra) };
      const innerSpec = { ...plain, type: 2, keySize: 4, valueSize: 4, maxEntries: 1 };
      expect([row, checkMap(inner ? { ...spec, inner: innerSpec } : spec)]).toEqual([row, errno]);
    }
  });
});

describe("what an object loses", () => {
  test("a map without a size is a fault only where nobody will set it", () => {
    const of = (sizesAreFinal: boolean): (string | undefined)[] =>
      loadObject(fixture("shapes.o"), { kernelBtf: kernelBtf(), sizesAreFinal }).programs.map((p) => p.error?.code);
    expect(of(false)).not.toContain("map-create");
    expect(loadObject(unsized(), { kernelBtf: kernelBtf(), sizesAreFinal: true }).programs[0]?.error).toMatchObject({
      code: "map-create",
      message: expect.stringMatching(/^map '\w+': failed to create: Invalid argument\(-22\); max_entries is 0$/),
    });
    expect(loadObject(unsized(), { kernelBtf: kernelBtf() }).programs[0]?.error?.code).not.toBe("map-create");
  });
  /** shapes.o with the size of one of its maps set to 0. */
  const unsized = (): Uint8Array => {
    const whole = loadObject(fixture("shapes.o"), { kernelBtf: kernelBtf() });
    const btf = whole.btf!;
    const array = [...Array(btf.typeCount).keys()].map((id) => btf.type(id)).find((t) => t.kind === 3 && t.nelems > 100)!;
    return patched([array.type, array.indexType, array.nelems], [array.type, array.indexType, 0]);
  };
  const shapes = fixture("shapes.o");
  /** The object with the first occurrence of `from` (32-bit words) in its file replaced. */
  const patched = (from: number[], to: number[]): Uint8Array => {
    const bytes = Buffer.from(shapes);
    const at = bytes.indexOf(Buffer.from(Uint32Array.from(from).buffer));
    expect(at).toBeGreaterThan(0);
    Buffer.from(Uint32Array.from(to).buffer).copy(bytes, at);
    return new Uint8Array(bytes);
  };
  test("a BTF that the kernel refuses is told, and its maps have no types", () => {
    const whole = loadObject(shapes, { kernelBtf: kernelBtf() });
    expect(whole.btfRefusal).toBeUndefined();
    // The first 4-byte signed INT gets an encoding that does not exist.
    const int = whole.btf!.type(whole.btf!.find("int", 1));
    const word = (int.encoding << 24) | int.bits;
    const broken = loadObject(patched([0x01000000, 4, word], [0x01000000, 4, 0x03000020]), { kernelBtf: kernelBtf() });
    expect(broken.btfRefusal).toMatchObject({ errno: 524, log: expect.stringContaining("Unsupported encoding") });
    expect(broken.maps.some((m) => m.btfKeyTypeId || m.btfValueTypeId)).toBe(false);
    expect(broken.programs.filter((p) => p.error).map((p) => p.name)).toEqual(whole.programs.filter((p) => p.error).map((p) => p.name));
  });
});
