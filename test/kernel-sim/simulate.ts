// Small programs in the words of the checks' fixtures on a simulated kernel that a test sets up itself. It judges nothing.
import {
  loadWithMaps,
  prepareEvent,
  SimKernel,
  testRun,
  type EventSpec,
  type KernelOptions,
  type LoadedProgram,
  type RunState,
} from "../../core/kernel/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { build, type Setting } from "../verifier/checks/program.ts";

/** A kernel with the bundled types. */
export const kernelWith = (options: KernelOptions = {}): SimKernel =>
  new SimKernel({ maxBytes: 1 << 26, kernelTypes: kernelBtf(), hardware: { cpus: 2 }, ...options });

/** Loads a program that must verify. */
export function load(kernel: SimKernel, setting: Setting, text: string): LoadedProgram {
  const { input } = build({ ...setting, text, check: "memory", neighbour: {} } as unknown as Parameters<typeof build>[0]);
  const verdict = verify(input, { logLevel: 1, kernelBtf: kernelBtf() });
  if (verdict.verdict !== "accept") throw new Error(`${text}\n${verdict.error.join("\n")} ${verdict.message ?? ""}`);
  return loadWithMaps(kernel, { ...input, special: verdict.special }, input.maps);
}
/** Runs it on an event: the result, signed, and what the run left behind. */
export function runOn(
  kernel: SimKernel,
  program: LoadedProgram,
  event: EventSpec,
  before?: (state: RunState) => void,
): { result: number; state: RunState; ctx: Uint8Array; data: Uint8Array } {
  const run = prepareEvent(kernel, program, event);
  before?.(run.state);
  kernel.begin(program, run.state);
  const stop = kernel.finish();
  if (stop.kind !== "exit") throw new Error(stop.kind === "trap" ? `${stop.trap.cause}: ${stop.trap.message}` : stop.kind);
  const answer = run.finish(stop);
  return {
    result: Number(BigInt.asIntN(64, stop.retval)),
    state: kernel.run,
    ctx: answer.ctxOut ?? new Uint8Array(0),
    data: answer.dataOut ?? new Uint8Array(0),
  };
}
/** Runs it as BPF_PROG_TEST_RUN does and gives r0, signed. */
export function resultOf(kernel: SimKernel, program: LoadedProgram, data?: Uint8Array, ctx?: Uint8Array): number {
  const { err, stop } = testRun(kernel, program, { data, ctx });
  if (stop?.kind !== "exit") throw new Error(stop?.kind === "trap" ? `${stop.trap.cause}: ${stop.trap.message}` : `errno ${-err}`);
  return Number(BigInt.asIntN(64, stop.retval));
}
/** The number of 64 bits at `index` of the first element of map `map`. */
export function kept(kernel: SimKernel, program: LoadedProgram, index: number, map = 0): bigint {
  return kernel.memory.view.getBigInt64(program.maps[map]!.entries()[0]!.valueAt + 8 * index, true);
}
