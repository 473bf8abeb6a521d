// The selftests and tools that are installed, under lockstep: every accepted program of a type that a test run takes. It builds nothing.
import { CodedError } from "../../../core/base/index.ts";
import { PROG_TYPE as T } from "../../../core/catalog/index.ts";
import { kernelBtf, selftests, xdpTools, type Case } from "../../parity/corpora.ts";
import { Bench, ON_EVENTS, someBytes, type Compared, type MakeInput } from "./run.ts";

/** Types that run on a packet, and those that run on a buffer. */
const ON_PACKETS: ReadonlySet<number> = new Set([
  ...[T.XDP, T.SOCKET_FILTER, T.SCHED_CLS, T.SCHED_ACT, T.CGROUP_SKB, T.LWT_IN, T.LWT_OUT, T.LWT_XMIT, T.LWT_SEG6LOCAL],
]);
const ON_BUFFERS: ReadonlySet<number> = new Set([T.SYSCALL, T.RAW_TRACEPOINT]);
/** As much as a tracepoint may have. */
const EVENT_BYTES = 8192;
const MAX_STEPS = 20_000;
const MAX_STATES = 400_000;

export const corpusCases = (): Case[] => [...(selftests() ?? []), ...(xdpTools() ?? [])];

const inputFor = (type: number): MakeInput =>
  ON_PACKETS.has(type)
    ? (_n, next) => ({ data: someBytes(34 + next(200), next) })
    : (_n, next) => ({ ctx: someBytes(ON_EVENTS.has(type) ? EVENT_BYTES : 96, next) });

/** Compares every case; the text has a line a violation. */
export function compareCases(cases: readonly Case[], inputs: number): { text: string; violations: number } {
  const n: Record<string, number> = {};
  const ends: Record<string, number> = {};
  const lines: string[] = [];
  let steps = 0;
  let runs = 0;
  const count = (what: string): void => void (n[what] = (n[what] ?? 0) + 1);
  cases.forEach((c, i) => {
    const { type } = c.input;
    if (!ON_PACKETS.has(type) && !ON_BUFFERS.has(type) && !ON_EVENTS.has(type)) return count("of types without test run");
    const r = one(c, inputs, i);
    if (typeof r === "string") return count(r);
    if (r.verdict !== "accept") return count(r.verdict === "large" ? "too many states to keep" : "not accepted");
    count("compared");
    steps += r.steps;
    runs += r.ends.length;
    for (const e of r.ends) ends[e] = (ends[e] ?? 0) + 1;
    if (r.gap) count("through a gap of the kernel's own");
    const v = r.violation;
    if (v)
      lines.push(
        `${c.object}/${c.program}: input ${v.input}, before instruction ${v.insnIdx}: ${v.what}; the state says ${v.state}, the machine has ${v.value}`,
      );
  });
  const list = (x: Record<string, number>): string =>
    Object.entries(x)
      .map(([k, v]) => `${v} ${k}`)
      .join(", ");
  const head = `lockstep over ${cases.length} programs of objects: ${list(n)}; ${runs} runs, ${steps} instructions compared; runs ended: ${list(ends)}; violations: ${lines.length}`;
  return { text: [head, ...lines].join("\n"), violations: lines.length };
}
function one(c: Case, inputs: number, seed: number): Compared | string {
  let bench: Bench;
  try {
    bench = new Bench(c.input.maps, { btf: kernelBtf(), maxSteps: MAX_STEPS, maxStates: MAX_STATES });
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return `maps that the simulator has not (${e.code})`;
  }
  return bench.compare(c.input, inputs, inputFor(c.input.type), seed);
}
