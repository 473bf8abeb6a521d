// Test runs of the simulated kernel against recorded answers of Linux 6.18.44.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../core/base/index.ts";
import { mapTypeByName, progTypeByName } from "../../core/catalog/index.ts";
import { decodeInsns } from "../../core/isa/index.ts";
import { loadWithMaps, SimKernel, testRun, testRunRaw, type RawMap } from "../../core/kernel/index.ts";
import { verify } from "../../core/verifier/index.ts";

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

  const file = process.env["BEELINE_RAW_PROGRAMS"];
  it.runIf(file && existsSync(file))(
    "gives the result of all accepted raw programs that do not depend on unset stack or on the bits of a pointer",
    () => {
      let compared = 0;
      for (const line of readFileSync(file!, "utf8").trim().split("\n")) {
        const o = JSON.parse(line) as { prog_type: string; insns: string; verdict: string; runs?: { retval: number }[] };
        if (o.verdict !== "accept" || !o.runs) continue;
        const results = [
          [0, 0],
          [0xa5, 1],
          [0x5a, 2],
          [0xff, 3],
          [0x81, 0],
          [-3, 1],
          [-7, 2],
          [-11, 3],
        ].map(([fill, base]) => {
          const kernel = new SimKernel({ maxBytes: 1 << 22 });
          const program = loadWithMaps(
            kernel,
            {
              name: "raw",
              type: progTypeByName(o.prog_type)!,
              expectedAttachType: 0,
              insns: decodeInsns(hexToBytes(o.insns)),
              license: "GPL",
            },
            [],
          );
          for (let at = 0x2000; at < 0x6000; at++) kernel.memory.u8[at] = fill! < 0 ? Math.imul(at, fill! * 2654435) >>> 13 : fill!;
          kernel.machine.base = base!;
          return testRun(kernel, program, { data: new Uint8Array(64) }).retval;
        });
        if (results.some((r) => r !== results[0])) continue;
        compared++;
        expect(results[0]).toBe(o.runs[0]!.retval);
      }
      expect(compared).toBeGreaterThan(1400);
    },
  );
});
