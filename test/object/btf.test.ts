// The BTF reader on the bundled kernel types, on split BTF, and on broken blobs.
import { describe, expect, test } from "vitest";
import { CodedError } from "../../core/base/index.ts";
import { BTF_KIND, openBtf } from "../../core/object/index.ts";
import { kernelBtf, vmlinuxBytes } from "./fixtures.ts";

/** A blob from types as 32-bit words and a string section that starts with NUL. */
function blob(types: number[][], strings: string): Uint8Array {
  const words = types.flat();
  const text = Buffer.from(`\0${strings.split(" ").join("\0")}\0`);
  const head = [0x0001eb9f, 24, 0, words.length * 4, words.length * 4, text.length];
  return new Uint8Array([...new Uint8Array(Uint32Array.from([...head, ...words]).buffer), ...text]);
}
const INT = (name: number, size = 4): number[] => [name, BTF_KIND.INT << 24, size, (1 << 24) | (size * 8)];

describe("kernel types", () => {
  const btf = kernelBtf();
  test("looked up by name", () => {
    const task = btf.type(btf.find("task_struct", BTF_KIND.STRUCT));
    expect(task).toMatchObject({ name: "task_struct", size: 3264, vlen: 248 });
    expect(task.members.find((m) => m.name === "pid")).toMatchObject({ bitOffset: expect.any(Number), bitSize: 0 });
    expect(btf.findAll("xdp_md").map((id) => btf.kind(id))).toContain(BTF_KIND.STRUCT);
    expect(btf.find("no_such_type_here", BTF_KIND.STRUCT)).toBe(0);
  });
  test("sizes, modifiers, signed enums", () => {
    expect(btf.sizeOf(btf.find("u64", BTF_KIND.TYPEDEF))).toBe(8);
    expect(btf.type(btf.resolve(btf.find("size_t", BTF_KIND.TYPEDEF)))).toMatchObject({ kind: BTF_KIND.INT, size: 8 });
    expect(btf.type(btf.find("bpf_attach_type", BTF_KIND.ENUM)).values[37]).toEqual({ name: "BPF_XDP", value: 37n });
  });
  test("every type decodes and every reference exists", () => {
    for (let id = 1; id < btf.typeCount; id++) {
      const t = btf.type(id);
      expect(t.type).toBeLessThan(btf.typeCount);
      for (const m of t.members) expect(m.type).toBeLessThan(btf.typeCount);
    }
  });
});

test("a split BTF continues its base", () => {
  const base = openBtf(blob([INT(1)], "int"));
  const split = openBtf(
    blob(
      [
        [6, BTF_KIND.TYPEDEF << 24, 1],
        [1, BTF_KIND.TYPEDEF << 24, 2],
      ],
      "alias",
    ),
    base,
  );
  expect(split.typeCount).toBe(4);
  expect(split.type(2)).toMatchObject({ name: "alias", type: 1 });
  expect(split.type(3)).toMatchObject({ name: "int", kind: BTF_KIND.TYPEDEF });
  expect(split.find("alias", BTF_KIND.TYPEDEF)).toBe(2);
  expect(split.find("int", BTF_KIND.TYPEDEF)).toBe(3);
  expect(split.findAll("int")).toEqual([1, 3]);
  expect(split.sizeOf(3)).toBe(4);
});

describe("broken blobs end in coded errors", () => {
  const code = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      if (e instanceof CodedError) return e.code;
      throw e;
    }
    return "accepted";
  };
  test.each([
    ["empty", new Uint8Array(0), "btf-header"],
    ["no magic", new Uint8Array(64), "btf-header"],
    ["unknown kind", blob([[0, 31 << 24, 0]], "x"), "btf-bad-kind"],
    ["cut type", blob([[0, (BTF_KIND.STRUCT << 24) | 5, 8]], "x"), "btf-truncated"],
    ["cut file", vmlinuxBytes().subarray(0, 5000), "btf-header"],
  ])("%s", (_, bytes, want) => expect(code(() => openBtf(bytes))).toBe(want));
  test("cycles, bad ids and bad strings are found when asked", () => {
    const btf = openBtf(
      blob(
        [
          [0, BTF_KIND.CONST << 24, 1],
          [999, BTF_KIND.PTR << 24, 77],
          [1, BTF_KIND.FWD << 24, 0],
          [0, BTF_KIND.ARRAY << 24, 0, 4, 4, 9],
        ],
        "x",
      ),
    );
    expect(code(() => btf.resolve(1))).toBe("btf-cycle");
    expect(code(() => btf.type(2))).toBe("btf-bad-string");
    expect(code(() => btf.type(99))).toBe("btf-bad-id");
    expect(code(() => btf.sizeOf(3))).toBe("btf-no-size");
    expect(code(() => btf.sizeOf(4))).toBe("btf-no-size");
  });
});
