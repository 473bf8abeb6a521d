// Test runs of the simulated kernel against recorded answers of Linux 6.18.44.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../core/base/index.ts";
import { mapTypeByName, progTypeByName } from "../../core/catalog/index.ts";
import { decodeInsns } from "../../core/isa/index.ts";
import { loadWithMaps, SimKernel, testRun, type EngineName, testRunRaw, type RawMap } from "../../core/kernel/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { rawPrograms } from "../parity/corpora.ts";

interface Recorded {
  id: number;
  prog_type: string;
  insns: string;
  maps: { type: string; key_size: number; value_size: number; max_entries: number; init?: string }[];
  run: { data?: string }[];
  answer: { runs: { err: number; retval: number; data_out: string }[]; maps_out: (string | null)[] };
}
const fixture = new URL("../fixtures/machine/testrun.jsonl", import.meta.url);
const recorded = readFileSync(fixture, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

const mapSpec = (m: Recorded["maps"][number], i: number): RawMap => ({
  name: `m${i}`,
  type: mapTypeByName(m.type)!,
  keySize: m.key_size,
  valueSize: m.value_size,
  maxEntries: m.max_entries,
  flags: 0,
  mapExtra: 0n,
  btfKeyTypeId: 0,
  btfValueTypeId: 0,
  ...(m.init ? { initial: hexToBytes(m.init) } : {}),
});

/** Program stacks in linear memory. */
const STACKS = 0x2000,
  STACKS_END = 0x6000;
/** What unset stack may hold (negative: noise), and the frame that a run begins in: a program whose result changes depends on them. */
const STACK_FILLS: readonly (readonly [fill: number, base: number])[] = [
  ...([
    [0xa5, 1],
    [0x5a, 2],
    [0xff, 3],
    [0x81, 0],
  ] as const),
  ...([
    [-3, 1],
    [-7, 2],
    [-11, 3],
  ] as const),
];

describe("BPF_PROG_TEST_RUN", () => {
  it.each(["interpreter", "stoppable", "wasm"] as const)(
    "gives result, data_out and map contents of 300 recorded programs: %s",
    (engine) => {
      const different: unknown[] = [];
      for (const r of recorded) {
        const input = {
          insns: decodeInsns(hexToBytes(r.insns)),
          progType: progTypeByName(r.prog_type)!,
          expectedAttachType: 0,
          license: "GPL",
          maps: r.maps.map(mapSpec),
          dumpMaps: true,
        };
        const verified = verify(
          { ...input, name: "", type: input.progType, attachBtfId: 0, flags: 0, btf: undefined, funcInfo: [], lineInfo: [] },
          { logLevel: 0 },
        );
        expect([r.id, verified.verdict]).toEqual([r.id, "accept"]);
        const got = testRunRaw(
          { ...input, special: verified.special },
          r.run.map((x) => (x.data === undefined ? {} : { data: hexToBytes(x.data) })),
          { maxBytes: 1 << 22, engine },
        );
        const answer = {
          runs: got.runs.map((x) => ({ err: x.err, retval: x.retval, data_out: x.dataOut && bytesToHex(x.dataOut) })),
          maps_out: got.mapsOut!.map((m) => m && bytesToHex(m)),
        };
        if (JSON.stringify(answer) !== JSON.stringify(r.answer)) different.push({ id: r.id, want: r.answer, got: answer });
      }
      expect(different).toEqual([]);
    },
  );

  it("gives the result of all accepted raw programs that do not depend on unset stack or on the bits of a pointer, in every gear", () => {
    let compared = 0;
    for (const o of rawPrograms()) {
      if (o.verdict !== "accept" || !o.runs) continue;
      const insns = decodeInsns(hexToBytes(o.insns));
      const type = progTypeByName(o.prog_type)!;
      const result = (engine: EngineName, fill: number, base: number, special?: readonly number[]): unknown => {
        const kernel = new SimKernel({ maxBytes: 1 << 22, engine });
        const program = loadWithMaps(kernel, { name: "raw", type, expectedAttachType: 0, insns, license: "GPL", special }, []);
        for (let at = STACKS; at < STACKS_END; at++) kernel.memory.u8[at] = fill < 0 ? Math.imul(at, fill * 2654435) >>> 13 : fill;
        kernel.machine.base = base;
        const { err, retval, dataOut } = testRun(kernel, program, { data: new Uint8Array(64) });
        return { err, retval, data_out: dataOut && bytesToHex(dataOut) };
      };
      const first = result("interpreter", 0, 0);
      if (STACK_FILLS.some(([fill, base]) => JSON.stringify(result("interpreter", fill, base)) !== JSON.stringify(first))) continue;
      compared++;
      expect([o.id, first]).toEqual([o.id, o.runs[0]]);
      const input = { name: "", type, expectedAttachType: 0, attachBtfId: 0, flags: o.flags ?? 0, license: "GPL", maps: [], funcInfo: [] };
      const { special } = verify({ ...input, insns, lineInfo: [], btf: undefined }, { logLevel: 0 });
      for (const engine of ["stoppable", "wasm"] as const)
        expect([o.id, engine, result(engine, 0, 0, special)]).toEqual([o.id, engine, first]);
    }
    expect(compared).toBeGreaterThan(1400);
  }, 300_000);
});
