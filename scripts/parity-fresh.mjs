// Verifies fresh random programs here and on the running kernel and compares verdict, errno, last error line and instructions processed.
//   node scripts/parity-fresh.mjs [--count N] [--seed N] [--show N]      needs root, a C compiler and a kernel that answers bpf(2); else it says why and ends with 77
// It loads programs and creates maps; it runs, attaches and pins nothing. Ends with 1 when a program differs in its verdict.
import { spawnSync } from "node:child_process";
import { bundle } from "./bundle.mjs";
import { kernelAsker } from "./kernel-asker.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback);
const [count, first, show] = [option("--count", 20000), option("--seed", 1), option("--show", 20)];

const OURS = `export * from "./test/parity/fresh.ts"; export { verify } from "./core/verifier/index.ts"; export { encodeInsns } from "./core/isa/index.ts"; export { kernelBtf } from "./test/parity/corpora.ts";`;

function skip(why) {
  console.log(`fresh programs: skipped: ${why}`);
  process.exit(77);
}

const { tool, why } = kernelAsker();
if (!tool) skip(why);
const { freshProgram, FRESH_MAPS, verify, encodeInsns, kernelBtf } = await import(await bundle("parity-fresh.mjs", OURS));
const programs = Array.from({ length: count }, (_, i) => freshProgram(first + i));
const hex = (p) => Buffer.from(encodeInsns(p.insns)).toString("hex");
const input = [...FRESH_MAPS.map((m) => `map ${m.join(" ")}`), ...programs.map((p) => `prog ${p.type} ${p.flags} ${hex(p)}`), ""].join(
  "\n",
);
const kernelStart = performance.now();
const asked = spawnSync(tool, [], { input, maxBuffer: 1 << 30, encoding: "utf8" });
const kernelMs = performance.now() - kernelStart;
if (asked.status === 77) skip("the kernel refuses bpf(2) here");
if (asked.status !== 0) throw new Error(`ask failed: ${asked.stderr}`);

const maps = FRESH_MAPS.map(([type, keySize, valueSize, maxEntries], i) => ({
  ...{ name: `m${i}`, type, keySize, valueSize, maxEntries, flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 },
}));
const base = { name: "", expectedAttachType: 0, attachBtfId: 0, license: "GPL", maps, funcInfo: [], lineInfo: [] };
const n = { accepted: 0, verdict: 0, errno: 0, processed: 0, line: 0, rejected: 0, wronglyAccepted: 0, unsupported: 0 };
const differs = [];
const oursStart = performance.now();
asked.stdout
  .split("\n")
  .filter(Boolean)
  .forEach((answer, i) => {
    const [, errno, processed, line] = /^(\d+) (\d+) -?\d+ (.*)$/.exec(answer);
    const p = programs[i];
    const got = verify({ ...base, type: p.type, flags: p.flags, insns: p.insns }, { logLevel: 0, kernelBtf: kernelBtf() });
    const accepted = errno === "0";
    if (accepted) n.accepted++;
    else n.rejected++;
    const note = (what) =>
      differs.push(
        `seed ${first + i}: ${what}: kernel ${errno} ${processed} ${line}; here ${got.verdict} ${got.errno} ${got.processed} ${got.error.at(-1) ?? ""} ${got.message ?? ""}`,
      );
    if (got.verdict === "error") n.unsupported++;
    if (got.verdict !== (accepted ? "accept" : "reject")) {
      if (got.verdict === "accept") n.wronglyAccepted++;
      return note("VERDICT");
    }
    n.verdict++;
    if (got.errno === Number(errno)) n.errno++;
    if (got.processed === Number(processed)) n.processed++;
    else note("processed");
    if (accepted) return;
    if ((got.error.at(-1) ?? "") === line) n.line++;
    else note("line");
  });
const percent = (a, b) => `${a}/${b} (${((100 * a) / b).toFixed(2)} %)`;
console.log(
  `fresh programs ${first}..${first + count - 1} against the running kernel: ${n.accepted} accepted there, ${n.rejected} rejected`,
);
console.log(
  `  verdict ${percent(n.verdict, count)}, errno ${percent(n.errno, count)}, processed ${percent(n.processed, count)}, error line ${percent(n.line, n.rejected)}`,
);
console.log(
  `  wrongly accepted ${n.wronglyAccepted}, unsupported ${n.unsupported}; kernel ${Math.round(kernelMs)} ms, here ${Math.round(performance.now() - oursStart)} ms`,
);
for (const d of differs.slice(0, show)) console.log(`  ${d}`);
process.exitCode = n.verdict / count >= 0.999 && n.wronglyAccepted === 0 ? 0 : 1;
