// Measures the verifier beside the kernel on the 50 most expensive recorded programs, cold start, and a program that burns the limit. It judges nothing.
//   node scripts/bench-verifier.mjs [--programs N]      needs the selftest corpus (scripts/selftest-corpus.mjs) or xdp-tools
// The kernel's figure is the running kernel's own `verification time`, asked between our rounds (root, Linux 6.18, a C compiler and libbpf-dev);
// where it does not answer, the recorded one, which another load of the machine made.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { bundle, cache, root } from "./bundle.mjs";

const args = process.argv.slice(2);
const wanted = Number(args.includes("--programs") ? args[args.indexOf("--programs") + 1] : 50);
/** Rounds of ours between two questions to the kernel last as long as this; the best of all counts, on both sides. */
const TURNS = 4;
const TURN_MS = 200;
const KERNEL_ROUNDS = 8;

/** A loop whose counter nobody forgets: two instructions a round until the limit stops it. */
const BURN = [
  { code: 0xb7, dst: 0, src: 0, off: 0, imm: 0 },
  { code: 0x07, dst: 0, src: 0, off: 0, imm: 1 },
  { code: 0xa5, dst: 0, src: 0, off: -2, imm: 0x7fffffff },
  { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
];
const burnInput = {
  name: "burn",
  type: 1,
  expectedAttachType: 0,
  attachBtfId: 0,
  flags: 0,
  license: "GPL",
  maps: [],
  funcInfo: [],
  lineInfo: [],
  insns: BURN,
};

/** How the running kernel is asked: `ask(case)` gives its best time in milliseconds, Infinity when it does not load the program. */
function kernelTimer() {
  const none = (why) => ({ why, ask: () => Infinity });
  if (process.getuid?.() !== 0) return none("no root");
  if (!/^6\.18\./.test(release())) return none(`this is Linux ${release()}`);
  const tool = join(cache, "verify-time");
  const { status, stderr } = spawnSync("cc", ["-O1", "-o", tool, join(root, "test/kernel/verify-time.c"), "-lbpf"], { encoding: "utf8" });
  if (status !== 0) return none(`test/kernel/verify-time.c does not compile here: ${(stderr ?? "").split("\n")[0]}`);
  const object = join(cache, "bench-object.o");
  const ask = (c) => {
    writeFileSync(object, c.bytes);
    const { stdout } = spawnSync(tool, [object, String(KERNEL_ROUNDS), `${c.program}=${c.input.flags}`], { encoding: "utf8" });
    const us = Number(stdout.trim().split(" ")[1]);
    return us >= 0 ? us / 1000 : Infinity;
  };
  return { ask };
}

/** Milliseconds that a call takes. */
function timed(call) {
  const start = performance.now();
  call();
  return performance.now() - start;
}

mkdirSync(cache, { recursive: true });
const file = await bundle("bench-verifier.mjs", `export * from "./test/parity/corpora.ts";`);
const { answer, selftests, verdicts, xdpTools } = await import(file);

const cases = new Map([...(selftests() ?? []), ...(xdpTools() ?? [])].map((c) => [`${c.object}/${c.program}`, c]));
const facts = verdicts("").filter((v) => v.verdict === "accept" && cases.has(`${v.object.replace(/\.o$/, "")}/${v.program}`));
facts.sort((a, b) => b.time_us - a.time_us);
const timer = kernelTimer();
if (timer.why) console.log(`the kernel's figures are recorded ones: ${timer.why}`);
const rows = facts.slice(0, wanted).map((fact) => {
  const c = cases.get(`${fact.object.replace(/\.o$/, "")}/${fact.program}`);
  let best = Infinity;
  let kernel = Infinity;
  for (let turn = 0; turn < TURNS; turn++) {
    kernel = Math.min(kernel, timer.ask(c));
    for (let spent = 0, took; spent < TURN_MS; spent += took, best = Math.min(best, took)) took = timed(() => answer(c));
  }
  const live = kernel < Infinity;
  if (!live) kernel = fact.time_us / 1000;
  return { name: `${fact.object}/${fact.program}`, insns: fact.processed, kernel, live, here: best, ratio: kernel / best };
});
for (const r of rows)
  console.log(
    `${r.ratio.toFixed(2).padStart(7)}  kernel ${r.kernel.toFixed(2)} ms${r.live ? "" : " (recorded)"}  here ${r.here.toFixed(2)} ms  ${r.insns} insns  ${r.name}`,
  );
const mean = Math.exp(rows.reduce((sum, r) => sum + Math.log(r.ratio), 0) / rows.length);
console.log(
  `speed, kernel's time over ours, ${rows.length} programs, warm: geometric mean ${mean.toFixed(2)} (above 1: faster than the kernel)`,
);

// As it ships: the verifier alone, without white space.
const alone = await bundle("bench-verify.mjs", `export { verify } from "./core/verifier/index.ts";`, {
  minifySyntax: true,
  minifyWhitespace: true,
});
const cold = join(cache, "bench-cold.mjs");
writeFileSync(
  cold,
  `const t = performance.now(); const { verify } = await import(${JSON.stringify(alone)}); const input = ${JSON.stringify({ ...burnInput, insns: [BURN[0], BURN[3]] })}; const v = verify(input, { logLevel: 0 }); console.log(JSON.stringify({ ms: performance.now() - t, verdict: v.verdict }));`,
);
const starts = Array.from({ length: 9 }, () => JSON.parse(spawnSync(process.execPath, [cold], { encoding: "utf8" }).stdout).ms);
console.log(
  `cold start to the first verdict, in a new process: ${Math.min(...starts).toFixed(1)} ms (load of the code included, best of ${starts.length})`,
);

const burn = join(cache, "bench-burn.mjs");
writeFileSync(
  burn,
  `const { verify } = await import(${JSON.stringify(alone)}); const t = performance.now(); const v = verify(${JSON.stringify(burnInput)}, { logLevel: 0 }); console.log(JSON.stringify({ ms: performance.now() - t, processed: v.processed, rss: process.resourceUsage().maxRSS / 1024 }));`,
);
const b = JSON.parse(spawnSync(process.execPath, [burn], { encoding: "utf8" }).stdout);
console.log(`limit: ${b.processed} instructions in ${b.ms.toFixed(0)} ms, peak ${b.rss.toFixed(0)} MB (process included)`);
