// Debug information of our fixtures: lines, inlined functions, variables with their places, types, globals; both byte orders.
import { describe, expect, test } from "vitest";
import { evaluate, loadObject, openDwarf, typeText, type Dwarf, type ExprContext, type Place } from "../../core/object/index.ts";
import { fixture } from "./fixtures.ts";

describe.each(["shapes.o", "shapes.be.o"])("%s", (name) => {
  const dwarf: Dwarf = openDwarf(fixture(name))!;
  const spec = loadObject(fixture(name));
  const first = spec.programs.find((p) => p.name === "first")!;
  const at = (insn: number): Place => {
    const o = first.origin!.find((x) => insn >= x.insnIdx && insn < x.insnIdx + x.length)!;
    return { section: o.section, offBytes: o.offBytes + (insn - o.insnIdx) * 8 };
  };
  test("the line table agrees with BTF's line info", () => {
    for (const l of first.lineInfo) if (l.line > 0) expect([l.insnIdx, dwarf.lineAt(at(l.insnIdx))?.line]).toEqual([l.insnIdx, l.line]);
  });
  test("scopes, and the parameters of a callback", () => {
    expect(dwarf.scopesAt(at(0)).map((s) => [s.kind, s.name])).toEqual([["function", "first"]]);
    const each = first.origin!.find((o) => o.name === "each")!;
    expect(dwarf.framesAt(at(each.insnIdx))[0]!.variables.map((v) => [v.name, v.parameter, typeText(v.type)])).toEqual([
      ["i", true, "u32"],
      ["sum", true, "u32 *"],
    ]);
  });
  test("a parameter is in its register on entry", () => {
    const ctx = dwarf.framesAt(at(0))[0]!.variables.find((v) => v.name === "ctx")!;
    const machine: ExprContext = {
      littleEndian: dwarf.littleEndian,
      register: () => 0n,
      frameBase: () => 0n,
      memory: () => undefined,
      address: () => undefined,
      indexedAddress: (i) => dwarf.indexedAddress(at(0), i),
    };
    expect(evaluate(ctx.location!, machine)).toEqual({ kind: "register", register: 1 });
    expect(typeText(ctx.type)).toBe("struct xdp_md *");
    expect(ctx.type.target.members.map((m) => [m.name, m.bitOffset])).toContainEqual(["rx_queue_index", 128]);
  });
  test("globals lie in their sections", () => {
    const counter = dwarf.globals().find((v) => v.name === "counter")!;
    expect(counter.place?.section).toBeGreaterThan(0);
    expect(counter).toMatchObject({ place: { offBytes: 0 }, external: true });
  });
  test("a line has the places where its code begins", () => {
    const line = first.lineInfo[0]!.line;
    expect(dwarf.placesOf("shapes.bpf.c", line)).toContainEqual(at(0));
  });
});
