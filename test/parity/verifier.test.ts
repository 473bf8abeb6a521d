// The verifier against the answers of Linux 6.18.44 on record: verdict, words, place, cost. Prints the table; what a corpus is missing for is skipped and counted.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../core/base/index.ts";
import { progTypeByName } from "../../core/catalog/index.ts";
import { decodeInsns } from "../../core/isa/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { answer, buildSelftests, kernelBtf, rawPrograms, root, selftests, verdicts, xdpTools, type Case, type Verdict } from "./corpora.ts";

const percent = (n: number, of: number): string => `${n}/${of} (${of ? ((100 * n) / of).toFixed(2) : "-"} %)`;

interface Tally {
  programs: number;
  verdict: number;
  rejected: number;
  line: number;
  insn: number;
  accepted: number;
  processed: number;
  within5: number;
  states: number;
  stack: number;
  wronglyAccepted: string[];
  differs: string[];
}
const empty = (): Tally => ({
  ...{ programs: 0, verdict: 0, rejected: 0, line: 0, insn: 0, accepted: 0, processed: 0, within5: 0, states: 0, stack: 0 },
  wronglyAccepted: [],
  differs: [],
});

function score(t: Tally, want: Verdict, c: Case): void {
  const got = answer(c);
  const name = `${want.object}/${want.program}`;
  t.programs++;
  if (got.verdict !== want.verdict) {
    t.differs.push(`${name}: ${want.verdict} there, ${got.verdict} ${got.message ?? got.error.join(" / ")} here`);
    if (got.verdict === "accept") t.wronglyAccepted.push(name);
    return;
  }
  t.verdict++;
  if (want.verdict === "reject") {
    t.rejected++;
    if (got.error.at(-1) === want.error?.at(-1)) t.line++;
    else t.differs.push(`${name}: ${want.error?.at(-1)} there, ${got.error.at(-1)} here`);
    if (got.insn === (want.err_insn ?? -1)) t.insn++;
    return;
  }
  t.accepted++;
  if (got.processed === want.processed) t.processed++;
  else t.differs.push(`${name}: processed ${want.processed} there, ${got.processed} here`);
  if (Math.abs(got.processed - want.processed) <= want.processed * 0.05) t.within5++;
  if (got.totalStates === want.total_states && got.peakStates === want.peak_states) t.states++;
  if (got.stackDepths.join("+") === want.stack) t.stack++;
}

/** Scores every recorded program that the corpus has; names that are in no object of the package are returned. */
function run(corpus: string, cases: readonly Case[]): { tally: Tally; absent: string[] } {
  const byName = new Map(cases.map((c) => [`${c.object}/${c.program}`, c]));
  const byProgram = new Map(cases.map((c) => [c.program, c]));
  const tally = empty();
  const absent: string[] = [];
  for (const want of verdicts(corpus)) {
    const c =
      byName.get(`${want.object.replace(/\.o$/, "")}/${want.program}`) ??
      (corpus === "xdp-tools" ? byProgram.get(want.program) : undefined);
    if (c) score(tally, want, c);
    else absent.push(`${want.object}/${want.program}`);
  }
  return { tally, absent };
}

function print(name: string, t: Tally, absent: readonly string[]): void {
  const rows: [string, string][] = [
    ["verdict", percent(t.verdict, t.programs)],
    ["rejected: error line", percent(t.line, t.rejected)],
    ["rejected: instruction", percent(t.insn, t.rejected)],
    ["accepted: processed", percent(t.processed, t.accepted)],
    ["accepted: processed within 5 %", percent(t.within5, t.accepted)],
    ["accepted: total and peak states", percent(t.states, t.accepted)],
    ["accepted: stack depths", percent(t.stack, t.accepted)],
  ];
  console.log([`verifier against Linux 6.18.44: ${name}`, ...rows.map(([k, v]) => `  ${k.padEnd(34)} ${v}`)].join("\n"));
  for (const line of t.differs.slice(0, 20)) console.log(`  ${line}`);
  if (absent.length) console.log(`  not in the packages: ${absent.join(", ")}`);
}

describe("recorded raw programs", () => {
  const facts = rawPrograms();
  const check = (logLevel: 0 | 2, list: typeof facts): { verdict: number; processed: number; log: number; wronglyAccepted: number[] } => {
    const n = { verdict: 0, processed: 0, log: 0, wronglyAccepted: [] as number[] };
    for (const f of list) {
      const base = {
        name: "",
        expectedAttachType: 0,
        attachBtfId: 0,
        license: "GPL",
        maps: [],
        funcInfo: [],
        lineInfo: [],
        btf: undefined,
      };
      const type = progTypeByName(f.prog_type)!;
      const got = verify(
        { ...base, type, flags: f.flags ?? 0, insns: decodeInsns(hexToBytes(f.insns)) },
        { logLevel, kernelBtf: kernelBtf() },
      );
      if (got.verdict === f.verdict && got.errno === f.errno) n.verdict++;
      if (got.verdict === "accept" && f.verdict === "reject") n.wronglyAccepted.push(f.id);
      if (got.processed === f.processed) n.processed++;
      if (got.log === f.log) n.log++;
    }
    return n;
  };
  it("have the same verdict, errno and cost", () => {
    const n = check(0, facts);
    console.log(
      `verifier against Linux 6.18.44: raw programs\n  verdict and errno ${percent(n.verdict, facts.length)}, processed ${percent(n.processed, facts.length)}`,
    );
    expect(facts.length).toBe(3000);
    expect(n.wronglyAccepted).toEqual([]);
    expect(n.verdict).toBe(3000);
    expect(n.processed).toBe(3000);
  });
  it("have the same log at level 2 to the last byte", () => {
    const logged = facts.filter((f) => f.log !== undefined);
    const n = check(2, logged);
    console.log(`  level-2 logs byte for byte ${percent(n.log, logged.length)}`);
    expect(logged.length).toBe(100);
    expect(n.log).toBe(100);
  });
});

const selftestsBuilt = buildSelftests();

describe("programs of objects", () => {
  it.skipIf(!selftestsBuilt)("the selftests get the kernel's answer", { timeout: 600_000 }, () => {
    const { tally: t, absent } = run("linux-source", selftests()!);
    print("selftests verifier_*.c", t, absent);
    expect(t.wronglyAccepted).toEqual([]);
    expect(t.programs).toBeGreaterThanOrEqual(1300);
    expect(t.verdict / t.programs).toBeGreaterThanOrEqual(0.995);
    expect(t.line / t.rejected).toBeGreaterThanOrEqual(0.995);
    expect(t.insn / t.rejected).toBeGreaterThanOrEqual(0.995);
    expect(t.processed / t.accepted).toBeGreaterThanOrEqual(0.995);
    expect(t.within5 / t.accepted).toBeGreaterThanOrEqual(0.995);
  });

  const tools = xdpTools();
  it.skipIf(!tools)("xdp-tools gets the kernel's answer", { timeout: 300_000 }, () => {
    const { tally: t, absent } = run("xdp-tools", tools!);
    print("xdp-tools", t, absent);
    expect(t.programs).toBeGreaterThanOrEqual(95);
    expect(t.differs.filter((d) => !d.includes("processed"))).toEqual([]);
    expect(t.verdict).toBe(t.programs);
  });
});

describe("fresh random programs", () => {
  it.for([
    ["full", 4000],
    ["noperfmon", 1000],
    ["bpf", 1000],
  ] as const)("get the running kernel's verdict, capabilities %s", { timeout: 600_000 }, ([caps, count], ctx) => {
    const script = join(root, "scripts/parity-fresh.mjs");
    const args = [script, "--count", String(count), "--caps", caps];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    console.log(stdout);
    if (status === 77) ctx.skip();
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
