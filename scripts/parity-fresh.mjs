// Asks the running kernel about generated programs (test/proof/generator) and compares: verdict, errno, last error line, instructions processed, and for repeatable ones the result and packet of a run.
//   node scripts/parity-fresh.mjs [--count N] [--seed N] [--runs N] [--show N] [--shrink N] [--keep FILE] [--caps full|noperfmon|bpf]      default 20000, 1, a tenth of N, 20, 0
// With fewer capabilities than all it compares no runs.
// --shrink makes the first N that differ small, --keep adds them to FILE (test/proof/fixtures/kernel.jsonl) with the kernel's answer.
// Needs root, a C compiler and a kernel that answers bpf(2); else it says why and ends with 77. It loads programs and types, creates maps and test-runs; it attaches and pins nothing.
// Ends with 1 when a program differs in its verdict or a run in its result.
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";
import { kernelAsker } from "./kernel-asker.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback);
const [count, first, show, shrinkCount] = [option("--count", 20000), option("--seed", 1), option("--show", 20), option("--shrink", 0)];
const caps = args.includes("--caps") ? args[args.indexOf("--caps") + 1] : "full";
const runs = option("--runs", caps === "full" ? Math.ceil(count / 10) : 0);
const keepIn = args.includes("--keep") ? args[args.indexOf("--keep") + 1] : undefined;
const CHUNK = 2000;
const OURS = `export * from "./test/proof/generator/index.ts"; export * from "./test/proof/questions.ts"; export { fixtureLine } from "./test/proof/fixture.ts"; export { shrink } from "./test/proof/lockstep/shrink.ts"; export { listing } from "./test/proof/lockstep/report.ts"; export { openBtf } from "./core/object/index.ts"; export { packetFor } from "./test/proof/fixture.ts";`;

function skip(why) {
  console.log(`fresh programs: skipped: ${why}`);
  process.exit(77);
}
Error.stackTraceLimit = 2;
const { tool, why } = kernelAsker();
if (!tool) skip(why);
const api = await import(await bundle("parity-fresh.mjs", OURS));

try {
  api.setHostTypes(api.openBtf(readFileSync("/sys/kernel/btf/vmlinux")));
} catch {
  skip("the running kernel's types cannot be read");
}

/** One answer a question. */
function ask(lines) {
  const { status, stdout, stderr } = spawnSync(tool, [], { input: `${lines.join("\n")}\n`, maxBuffer: 1 << 28, encoding: "utf8" });
  if (status === 77) skip("the kernel refuses bpf(2) here");
  if (status !== 0) throw new Error(`ask failed: ${stderr}`);
  return stdout.split("\n").filter(Boolean);
}

const n = { accepted: 0, rejected: 0, same: 0, left: 0, runsSame: 0, runs: 0, noAnswer: 0 };
const kinds = {};
const differs = [];
const time = { kernel: 0, here: 0 };
const note = (d) => {
  kinds[d.what] = (kinds[d.what] ?? 0) + 1;
  differs.push(d);
};

function verdicts(from, to) {
  let t = performance.now();
  const programs = [];
  for (let seed = from; seed < to; seed++) {
    const program = api.generate(seed);
    const here = api.ours(program, caps);
    if (here) programs.push({ seed, program, here });
    else n.left++;
  }
  time.here += performance.now() - t;
  t = performance.now();
  const answers = ask([...api.preamble(caps), ...programs.flatMap(({ program }) => api.verdictLines(program))]);
  time.kernel += performance.now() - t;
  programs.forEach(({ seed, program, here }, i) => {
    const kernel = api.verdictOf(answers[i]);
    if (kernel.errno) n.rejected++;
    else n.accepted++;
    const what = api.difference(kernel, here);
    if (what === null) n.same++;
    else note({ what, seed, program, kernel, here });
  });
}
function testRuns(from, to) {
  const programs = [];
  for (let seed = from; seed < to; seed++) {
    const p = api.generate(seed, true);
    if (api.ours(p)?.errno === 0) programs.push({ seed, p, packet: api.packetFor(seed) });
  }
  const answers = ask(programs.flatMap(({ p, packet }) => api.runLines(p, packet)));
  programs.forEach(({ seed, p, packet }, i) => {
    const kernel = api.runOf(answers[i]);
    const here = api.ourRun(p, packet);
    if (typeof here === "string") return n.noAnswer++;
    n.runs++;
    if (JSON.stringify(kernel) === JSON.stringify(here)) n.runsSame++;
    else note({ what: "run", seed, program: p, packet, kernel, here });
  });
}

for (let at = first; at < first + count; at += CHUNK) verdicts(at, Math.min(at + CHUNK, first + count));
for (let at = first; at < first + runs; at += CHUNK) testRuns(at, Math.min(at + CHUNK, first + runs));

const percent = (a, b) => `${a}/${b} (${((100 * a) / Math.max(1, b)).toFixed(3)} %)`;
const say = (v) => (v.retval === undefined ? `${v.errno} ${v.processed} ${v.line}` : `${v.errno} ${v.retval} ${v.packet.slice(0, 60)}`);
console.log(
  `fresh programs ${first}..${first + count - 1} against the running kernel, capabilities ${caps}: ${n.accepted} accepted there, ${n.rejected} rejected`,
);
console.log(
  `  verdict, errno, error line and processed count the same: ${percent(n.same, count - n.left)}; left out for their length: ${n.left}`,
);
console.log(`  runs with the same result and packet: ${percent(n.runsSame, n.runs)}; the simulator has no answer: ${n.noAnswer}`);
console.log(
  `  different: ${
    Object.entries(kinds)
      .map(([k, v]) => `${v} ${k}`)
      .join(", ") || "none"
  }; kernel ${Math.round(time.kernel)} ms, here ${Math.round(time.here)} ms`,
);
for (const d of differs.slice(0, show))
  console.log(`  seed ${d.seed}: ${d.what}: kernel ${say(d.kernel)}; here ${say(d.here)} ${d.here.result?.message ?? ""}`);

/** Whether a program still differs in the same way. */
function stillDiffers(d, p) {
  const here = api.ours(p, caps);
  if (!here) return false;
  if (d.what !== "run") return api.difference(api.verdictOf(ask([...api.preamble(caps), ...api.verdictLines(p)])[0]), here) === d.what;
  if (here.errno) return false;
  const ourRun = api.ourRun(p, d.packet);
  if (typeof ourRun === "string") return false;
  const kernel = api.runOf(ask(api.runLines(p, d.packet))[0]);
  return kernel.errno === 0 && JSON.stringify(kernel) !== JSON.stringify(ourRun);
}
for (const d of differs.slice(0, shrinkCount)) {
  const small = api.shrink(d.program, (p) => stillDiffers(d, p), 400);
  const kernel = api.verdictOf(ask([...api.preamble(caps), ...api.verdictLines(small)])[0]);
  const run = d.what === "run" ? api.runOf(ask(api.runLines(small, d.packet))[0]) : undefined;
  console.log(
    `  seed ${d.seed} shrunk to ${small.insns.length} instructions (${d.what}), type ${small.type}, flags ${small.flags}: kernel ${say(run ?? kernel)}; here ${say(run ? api.ourRun(small, d.packet) : api.ours(small, caps))}`,
  );
  console.log(api.listing(small.insns));
  if (keepIn)
    appendFileSync(
      keepIn,
      api.fixtureLine(`seed ${d.seed}: ${d.what}`, small, kernel, { caps, run: run && { packet: d.packet, answer: run } }),
    );
}
const worst = (kinds["wrongly accepted"] ?? 0) + (kinds["wrongly rejected"] ?? 0) + (kinds.run ?? 0);
process.exitCode = worst === 0 ? 0 : 1;
