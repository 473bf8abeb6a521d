// The kernel's selftests run here as they ran on Linux 6.18.44. Skipped where the corpus was not built (scripts/selftest-corpus.mjs).
import { describe, expect, it } from "vitest";
import { PROG_TYPE } from "../../core/catalog/index.ts";
import { loadWithMaps, SimKernel, testRun } from "../../core/kernel/index.ts";
import { kernelBtf, selftests, verdicts, type Verdict } from "../parity/corpora.ts";
import { verify } from "../../core/verifier/index.ts";

type Run = Verdict & { readonly run?: { readonly err: number; readonly retval: number } };
const cases = selftests();
/** Programs whose result is not the program's doing, or beyond this machine. */
const EXCEPT: Readonly<Record<string, string>> = {
  state_equality_check_way_1: "returns bits of an address",
  state_equality_check_way_2: "returns bits of an address",
  check_valid_spill_fill: "returns bits of an address",
  check_corrupted_spill_fill_lsb: "returns bits of an address",
  check_corrupted_spill_fill_msb: "returns bits of an address",
};
const NO_DATA: ReadonlySet<number> = new Set([
  PROG_TYPE.SYSCALL,
  PROG_TYPE.RAW_TRACEPOINT,
  PROG_TYPE.TRACING,
  PROG_TYPE.STRUCT_OPS,
  PROG_TYPE.SK_LOOKUP,
]);

describe.skipIf(!cases)("selftests", () => {
  it.each(["interpreter", "wasm"] as const)("run as on the kernel: %s", { timeout: 600_000 }, (engine) => {
    const wanted = new Map(
      (verdicts("linux-source-6.12") as Run[])
        .filter((v) => v.run && v.verdict === "accept")
        .map((v) => [`${v.object}/${v.program}`, v.run!]),
    );
    const differ: unknown[] = [];
    let compared = 0;
    for (const { object, program, input } of cases!) {
      const want = wanted.get(`${object}/${program}`);
      if (!want || program in EXCEPT) continue;
      const verdict = verify(input, { logLevel: 0, kernelBtf: kernelBtf() });
      const kernel = new SimKernel({ maxBytes: 1 << 27, kernelTypes: kernelBtf(), engine, hardware: { cpus: 2 } });
      const loaded = loadWithMaps(kernel, { ...input, special: verdict.special }, input.maps);
      const run = testRun(kernel, loaded, { data: NO_DATA.has(input.type) ? undefined : new Uint8Array(64) });
      compared++;
      const here = run.stop?.kind === "trap" ? run.stop.trap.message : `${-run.err} ${run.retval}`;
      if (here !== `${want.err} ${want.retval >>> 0}`) differ.push({ object, program, want, here });
    }
    console.log(`selftests run: ${compared} equal but for ${differ.length} (${Object.keys(EXCEPT).length} left out by name)`);
    expect(differ).toEqual([]);
    expect(compared).toBeGreaterThan(480);
  });
});
