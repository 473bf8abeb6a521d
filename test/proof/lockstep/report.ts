// What lockstep found, in words: sums, and a violation with the small program that it was shrunk to. It compares by the same functions as the runs.
import { disassemble } from "../../../core/isa/index.ts";
import { generate, type Generated } from "../generator/index.ts";
import { compareProgram, newBench, type Tally } from "./generated.ts";
import { shrink } from "./shrink.ts";

const rows = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([k, v]) => `${k} ${v}`)
    .join(", ");

export function tallyText(t: Tally, run: { first: number; end: number; seconds: number }): string {
  const percent = ((100 * t.accepted) / Math.max(1, t.programs)).toFixed(1);
  return [
    `lockstep: seeds ${run.first} to ${run.end}: ${t.programs} programs, ${t.accepted} accepted (${percent} %), ${t.rejected} rejected, ${t.large} with too many states to keep`,
    `  ${t.runs} runs, ${t.steps} instructions compared with ${t.states} states, ${run.seconds.toFixed(0)} s`,
    `  runs ended: ${rows(t.ends)}`,
    `  accepted programs with: ${rows(t.reach)}`,
    `  accepted through a gap that the kernel has itself (KERNEL_GAPS): ${t.gaps.length}${t.gaps.length ? ` (seeds ${t.gaps.slice(0, 8).join(", ")}${t.gaps.length > 8 ? ", ..." : ""})` : ""}`,
    `  violations: ${t.violations.length}`,
  ].join("\n");
}

/** The instructions, one a line. */
export const listing = (insns: Generated["insns"]): string =>
  insns
    .map((insn, i) =>
      i > 0 && insns[i - 1]!.code === 0x18
        ? ""
        : `    ${i}: ${disassemble(insn, insns[i + 1], { helper: () => undefined, kfunc: () => undefined })}`,
    )
    .filter(Boolean)
    .join("\n");

/** Program number `seed`, shrunk as far as it goes on violating, and what is wrong there. */
export function violationText(seed: number, inputs: number): string {
  const bench = newBench();
  const kind = (p: Generated): string | undefined =>
    compareProgram(bench, p, inputs, seed).violation?.what.replace(/^\S+ of frame \d+: /, "");
  const whole = generate(seed);
  const wanted = kind(whole);
  if (wanted === undefined) return `seed ${seed}: does not violate when run alone`;
  const small = shrink(whole, (p) => kind(p) === wanted);
  const v = compareProgram(bench, small, inputs, seed).violation!;
  return [
    `seed ${seed}, type ${small.type}, flags ${small.flags}, ${whole.insns.length} instructions shrunk to ${small.insns.length}; input ${v.input}, before instruction ${v.insnIdx}:`,
    `  ${v.what}; the state says ${v.state}, the machine has ${v.value}`,
    listing(small.insns),
  ].join("\n");
}
