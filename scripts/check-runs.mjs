// Asks the running kernel what the cases of test/kernel-sim/cases give and compares that with the simulated kernel.
//   node scripts/check-runs.mjs [--write] [--only TEXT]     --write puts the kernel's answers into test/fixtures/machine/runs.json
// Needs root, a C compiler and a kernel that answers bpf(2); else it says why and ends with 77. It loads, test-runs and creates maps only.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, root } from "./bundle.mjs";
import { kernelAsker } from "./kernel-asker.mjs";

const OURS = `export { CASES } from "./test/kernel-sim/cases/index.ts"; export { questionOf, answerOf, comparable } from "./test/kernel-sim/run-cases.ts"; export { openBtf } from "./core/object/index.ts";`;
const args = process.argv.slice(2);
const only = args.includes("--only") ? args[args.indexOf("--only") + 1] : "";
const { tool, why } = kernelAsker();
if (!tool) {
  console.log(`runs: skipped: ${why}`);
  process.exit(77);
}
const { CASES, questionOf, answerOf, comparable, openBtf } = await import(await bundle("check-runs.mjs", OURS));
const host = openBtf(readFileSync("/sys/kernel/btf/vmlinux"));
/** Long runs of zeros and what both answers begin with are left out. */
const short = (text) => text.replace(/(00)+(?= |$)/g, "..");
const answers = {};
let differ = 0;
for (const c of CASES.filter((one) => one.name.includes(only))) {
  const { status, stdout, stderr } = spawnSync(tool, [], {
    input: `${questionOf(c, host).join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status === 77) {
    console.log("runs: skipped: the kernel refuses bpf(2) here");
    process.exit(77);
  }
  const kernel = status === 0 ? comparable(c, stdout.trim()) : `not asked: ${stderr.trim()}`;
  answers[c.name] = kernel;
  const here = answerOf(c);
  if (here === kernel && kernel.startsWith("ran ")) continue;
  differ++;
  console.log(`${c.name}\n  kernel ${short(kernel)}\n  here   ${short(here)}`);
}
console.log(`${Object.keys(answers).length} cases, ${differ} differ`);
if (args.includes("--write")) writeFileSync(join(root, "test/fixtures/machine/runs.json"), `${JSON.stringify(answers, undefined, 1)}\n`);
process.exit(differ ? 1 : 0);
