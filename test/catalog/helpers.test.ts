// The helper and kfunc tables against the measured availability. It judges no texts.
import { describe, expect, it } from "vitest";
import { DESCRIBED, DESCRIBED_KFUNCS } from "../../core/catalog/docs/index.ts";
import {
  HELPERS,
  ATTACH_TYPE_DOCS,
  ATTACH_TYPE_NAMES,
  MAP_TYPE_DOCS,
  MAP_TYPE_NAMES,
  PROG_TYPE_NAMES,
  PROGRAM_TYPE_DOCS,
  KFUNCS,
  PROG_TYPE,
  attachTypeByName,
  helperAvailable,
  helperById,
  helperByName,
  helperFor,
  helperProgramTypes,
  kfuncAllowed,
  kfuncByName,
} from "../../core/catalog/index.ts";

const ids = (...names: string[]): number[] => names.map((n) => helperByName(n)!.id);

describe("helpers", () => {
  it("are the 211 of enum bpf_func_id in order", () => {
    expect(HELPERS.map((h) => h.id)).toEqual(Array.from({ length: 211 }, (_, i) => i + 1));
    expect(helperById(1)!.name).toBe("bpf_map_lookup_elem");
    expect(helperById(211)!.name).toBe("bpf_cgrp_storage_delete");
    expect(new Set(HELPERS.map((h) => h.name)).size).toBe(211);
  });
  it("have arguments with a kernel type each, and a name", () => {
    for (const h of HELPERS) {
      for (const a of h.args) expect(`${h.name} ${a.arg} ${a.name}`).toMatch(/^\w+ ARG_\w+( \| [A-Z_]+)* \w+$/);
      expect(h.ret).toMatch(/^RET_\w+( \| [A-Z_]+)*$/);
    }
  });
  it("write flags out", () => {
    expect(helperByName("map_lookup_elem")).toMatchObject({
      ret: "RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL",
      gplOnly: false,
      pktAccess: true,
    });
    expect(helperByName("get_stack")!.args[1].arg).toBe("ARG_PTR_TO_MEM | MEM_UNINIT | MEM_WRITE");
    expect(helperByName("strtol")!.args[3]).toMatchObject({ size: 8 });
  });
  it("differ by program type where the kernel has several prototypes", () => {
    const [cookie] = ids("get_socket_cookie");
    expect(helperFor(cookie, PROG_TYPE.SCHED_CLS, 0)!.args[0].arg).toBe("ARG_PTR_TO_CTX");
    expect(helperFor(cookie, PROG_TYPE.TRACING, attachTypeByName("trace_raw_tp")!)!.args[0].btf).toBe("sock_common");
  });
  it("are available as measured", () => {
    const [adjust, probe, bind] = ids("xdp_adjust_head", "probe_read_kernel", "bind");
    expect(helperAvailable(adjust, PROG_TYPE.XDP, attachTypeByName("xdp")!)).toBe(true);
    expect(helperAvailable(adjust, PROG_TYPE.SCHED_CLS, 0)).toBe(false);
    expect(helperAvailable(probe, PROG_TYPE.KPROBE, 0)).toBe(true);
    expect(helperAvailable(bind, PROG_TYPE.CGROUP_SOCK_ADDR, attachTypeByName("cgroup_inet4_connect")!)).toBe(true);
    expect(helperAvailable(bind, PROG_TYPE.CGROUP_SOCK_ADDR, attachTypeByName("cgroup_inet4_bind")!)).toBe(false);
    expect(helperProgramTypes(adjust)).toEqual(["xdp"]);
  });
});

describe("descriptions", () => {
  it("are there for every helper, no two alike, and for nothing else", () => {
    expect(HELPERS.filter((h) => h.doc.length < 20).map((h) => h.name)).toEqual([]);
    expect(new Set(HELPERS.map((h) => h.doc)).size).toBe(211);
    const names = new Set(HELPERS.map((h) => h.name.slice(4)));
    expect(DESCRIBED.filter((n) => !names.has(n))).toEqual([]);
  });
  it("of kfuncs are all there, no two alike, and there is none for anything else", () => {
    expect(DESCRIBED_KFUNCS.toSorted()).toEqual(KFUNCS.map((k) => k.name).toSorted());
    expect(new Set(KFUNCS.map((k) => k.doc)).size).toBe(KFUNCS.length);
  });
  it("are two to eight sentences long", () => {
    const sentences = (text: string): number => text.split(/[.!?](?:\s|$)/).filter((s) => s.trim()).length;
    const all = [
      ...[...HELPERS, ...KFUNCS].map((x) => [x.name, x.doc] as const),
      ...Object.entries(MAP_TYPE_DOCS),
      ...Object.entries(ATTACH_TYPE_DOCS),
      ...Object.entries(PROGRAM_TYPE_DOCS),
    ];
    expect(all.filter(([, doc]) => sentences(doc) < 2 || sentences(doc) > 8).map(([name]) => name)).toEqual([]);
  });
});

describe("types", () => {
  it("of programs and maps are all described", () => {
    expect(Object.keys(PROGRAM_TYPE_DOCS)).toEqual(PROG_TYPE_NAMES.slice(1));
    expect(Object.keys(MAP_TYPE_DOCS)).toEqual(MAP_TYPE_NAMES.slice(1));
    expect(Object.keys(ATTACH_TYPE_DOCS)).toEqual(ATTACH_TYPE_NAMES);
  });
});

describe("kfuncs", () => {
  it("have flags and callers", () => {
    expect(KFUNCS.length).toBe(203);
    expect(kfuncByName("bpf_task_acquire")!.flags).toEqual(new Set(["ACQUIRE", "RCU", "RET_NULL"]));
    expect(kfuncAllowed("bpf_dynptr_from_xdp", PROG_TYPE.XDP, 37)).toBe(true);
    expect(kfuncAllowed("bpf_dynptr_from_xdp", PROG_TYPE.KPROBE, 0)).toBe(false);
  });
});
