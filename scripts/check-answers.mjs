// Asks the running kernel what it says of each fixture of test/verifier/checks and compares that with the verifier here.
//   node scripts/check-answers.mjs [--write] [--only CHECK]     --write puts the answers into test/verifier/checks/answers.ts
// Needs root, a C compiler and a kernel that answers bpf(2); else it says why and ends with 77. It loads programs and types and creates maps only.
// Ends with 1 when a fixture's program is accepted, a neighbour is not, or an answer here differs.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { bundle, root } from "./bundle.mjs";
import { kernelAsker } from "./kernel-asker.mjs";

const OURS = `export * from "./test/verifier/checks/index.ts"; export { question } from "./test/verifier/checks/question.ts"; export { build } from "./test/verifier/checks/program.ts"; export { verify } from "./core/verifier/index.ts"; export { kernelBtf } from "./test/parity/corpora.ts";`;
const ANSWERS = join(root, "test/verifier/checks/answers.ts");
const HEAD = `// What Linux 6.18.44 said of each fixture's program: errno and the last line of its log; \`CHECK/N\` is the N-th fixture of that check. Written by scripts/check-answers.mjs.
export const ANSWERS: Readonly<Record<string, { readonly errno: number; readonly words: string }>> = `;

function skip(why) {
  console.log(`check answers: skipped: ${why}`);
  process.exit(77);
}

const args = process.argv.slice(2);
const only = args.includes("--only") ? args[args.indexOf("--only") + 1] : undefined;
const { tool, why } = kernelAsker();
if (!tool) skip(why);
const { NAMED, question, build, verify, kernelBtf } = await import(await bundle("check-answers.mjs", OURS));

/** The kernel's answers to the same program and its neighbour: errno, instruction, words. */
function ask(f) {
  const input = [...question(f, false), ...question(f, true), ""].join("\n");
  const { status, stdout, stderr } = spawnSync(tool, [], { input, encoding: "utf8", maxBuffer: 1 << 26 });
  if (status === 77) skip("the kernel refuses bpf(2) here");
  if (status !== 0) return [{ failed: stderr.trim() }, {}];
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, errno, , insn, words] = /^(\d+) (\d+) (-?\d+) (.*)$/.exec(line);
      return { errno: Number(errno), insn: Number(insn), words };
    });
}
function ours(f, neighbour) {
  const { input, fault, setting } = build(f, neighbour);
  return { ...verify(input, { logLevel: 1, kernelBtf: kernelBtf(), caps: setting.caps ?? "full" }), fault };
}

const answers = {};
let wrong = 0;
for (const [name, f] of NAMED) {
  if (only && f.check !== only) continue;
  const said = [];
  try {
    const [refused, passed] = ask(f);
    const here = ours(f, false);
    const there = ours(f, true);
    if (refused.failed) said.push(`not asked: ${refused.failed}`);
    else if (refused.errno === 0) said.push("the kernel accepts the program");
    if (passed.errno) said.push(`the kernel rejects the neighbour: ${passed.errno} insn ${passed.insn}: ${passed.words}`);
    if (there.verdict !== "accept")
      said.push(`the neighbour is rejected here: ${there.errno} insn ${there.insn}: ${there.error.at(-1) ?? there.message}`);
    const mine = `${here.errno} insn ${here.insn}: ${here.error.at(-1) ?? ""}`;
    if (mine !== `${refused.errno} insn ${refused.insn}: ${refused.words}`)
      said.push(
        `the kernel says ${refused.errno} insn ${refused.insn}: ${refused.words}`,
        `here          ${here.verdict} ${mine} ${here.message ?? ""}`,
      );
    if (here.insn !== here.fault) said.push(`the mark stands at ${here.fault}, not ${here.insn}`);
    if (here.explanation?.check !== f.check) said.push(`the check is ${here.explanation?.check}`);
    answers[name] = { errno: refused.errno, words: refused.words };
  } catch (e) {
    said.push(
      String(e.stack ?? e)
        .split("\n")
        .slice(0, 3)
        .join(" "),
    );
  }
  if (said.length) wrong++;
  if (said.length) console.log(`${name}\n  ${said.join("\n  ")}`);
}
console.log(`${NAMED.length} fixtures, ${wrong} that differ`);
if (args.includes("--write") && !only) {
  const options = await resolveConfig(ANSWERS);
  writeFileSync(ANSWERS, await format(`${HEAD}${JSON.stringify(answers)};`, { ...options, filepath: ANSWERS }));
}
process.exitCode = wrong ? 1 : 0;
