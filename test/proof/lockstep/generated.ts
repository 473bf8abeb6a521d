// Generated programs under lockstep: which program and which inputs belong to a seed, and the sum of what happened. It prints nothing.
import { kernelBtf } from "../../parity/corpora.ts";
import { BLOCKS, generate, inputOf, mapSpecs, type Generated } from "../generator/index.ts";
import { Bench, someBytes, type Compared, type MakeInput } from "./run.ts";

export interface Tally {
  programs: number;
  accepted: number;
  rejected: number;
  large: number;
  runs: number;
  steps: number;
  states: number;
  /** How runs ended. */
  readonly ends: Record<string, number>;
  /** Accepted programs that hold a kind of block. */
  readonly reach: Record<string, number>;
  /** Seeds of programs that only a known gap of the kernel lets pass. */
  readonly gaps: number[];
  readonly violations: { readonly seed: number; readonly compared: Compared }[];
}
export const emptyTally = (): Tally => ({
  ...{ programs: 0, accepted: 0, rejected: 0, large: 0, runs: 0, steps: 0, states: 0 },
  ends: {},
  reach: Object.fromEntries(BLOCKS.map(([, name]) => [name, 0])),
  gaps: [],
  violations: [],
});

const MAX_STEPS = 2000;
const MAX_STATES = 8192;

export const newBench = (): Bench => new Bench(mapSpecs(), { btf: kernelBtf(), maxSteps: MAX_STEPS, maxStates: MAX_STATES });

/** A packet of 14 bytes at least, now and then too short for what the program wants. */
export const packetInput: MakeInput = (_n, next) => ({ data: someBytes(14 + next(next(2) ? 20 : 110), next) });

export const compareProgram = (
  bench: Bench,
  p: Pick<Generated, "type" | "flags" | "insns" | "funcInfo">,
  inputs: number,
  seed: number,
): Compared => bench.compare(inputOf(p), inputs, packetInput, seed);

/** Compares program number `seed` on `inputs` inputs and adds what happened to `tally`. */
export function compareSeed(bench: Bench, seed: number, inputs: number, tally: Tally): Compared {
  const p = generate(seed);
  const compared = compareProgram(bench, p, inputs, seed);
  tally.programs++;
  tally.steps += compared.steps;
  if (compared.verdict === "accept") tally.accepted++;
  else if (compared.verdict === "large") tally.large++;
  else tally.rejected++;
  if (compared.verdict !== "accept") return compared;
  tally.states += compared.nodes;
  tally.runs += compared.ends.length;
  for (const end of compared.ends) tally.ends[end] = (tally.ends[end] ?? 0) + 1;
  for (const name of p.reach) tally.reach[name]!++;
  if (compared.gap) tally.gaps.push(seed);
  if (compared.violation) tally.violations.push({ seed, compared });
  return compared;
}

/** Adds `more` to `to`. */
export function addTally(to: Tally, more: Tally): void {
  for (const key of ["programs", "accepted", "rejected", "large", "runs", "steps", "states"] as const) to[key] += more[key];
  for (const part of ["ends", "reach"] as const) for (const [k, v] of Object.entries(more[part])) to[part][k] = (to[part][k] ?? 0) + v;
  to.gaps.push(...more.gaps);
  to.violations.push(...more.violations);
}
