// Runs programs beside the verifier's states (test/proof/lockstep): at every instruction some state must hold what the machine holds. Prints violations with the small program each was shrunk to.
//   npm run lockstep -- [--count N] [--seed S] [--inputs K] [--jobs J]     N generated programs that are accepted, K inputs each, from seed S on; default 1000, 1, 10, 2
//   npm run lockstep -- --corpus [--inputs K]                              the selftests and xdp-tools objects that are there (scripts/selftest-corpus.mjs)
//   npm run lockstep -- --planted [--only N] [--count N]                   one fault after the other of test/proof/faults.ts is planted; prints the seed that found it
// Ends with 1 when a violation is found, or a planted fault is not.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle, root } from "./bundle.mjs";

const OURS = `export * from "./test/proof/lockstep/generated.ts"; export * from "./test/proof/lockstep/report.ts"; export { corpusCases, compareCases } from "./test/proof/lockstep/corpus.ts"; export { FAULTS } from "./test/proof/faults.ts";`;
/** Programs that a worker takes at once. */
const CHUNK = 50;

if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else await work();

async function main(args) {
  const option = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback);
  const inputs = option("--inputs", 10);
  const url = await bundle("lockstep.mjs", OURS);
  const api = await import(url);
  if (args.includes("--planted"))
    return planted(api, { only: option("--only", -1), count: option("--count", 20000), inputs, jobs: option("--jobs", 2) });
  if (args.includes("--corpus")) return corpus(api, inputs);
  const job = { url, count: option("--count", 1000), seed: option("--seed", 1), inputs, jobs: option("--jobs", 2) };
  const started = Date.now();
  const { tally, end } = await generated(api, job, false, true);
  console.log(api.tallyText(tally, { first: job.seed, end, seconds: (Date.now() - started) / 1000 }));
  for (const v of tally.violations.slice(0, 10)) console.log(api.violationText(v.seed, inputs));
  return tally.violations.length ? 1 : 0;
}

/** Hands out seeds to threads until `count` programs were accepted; with `first` until one violation. */
async function generated(api, job, first, progress) {
  const tally = api.emptyTally();
  let next = job.seed;
  const threads = Array.from(
    { length: job.jobs },
    () => new Worker(fileURLToPath(import.meta.url), { workerData: { url: job.url, inputs: job.inputs } }),
  );
  await Promise.all(
    threads.map(
      (w) =>
        new Promise((done, failed) => {
          const hand = () => {
            const enough = tally.accepted >= job.count || (first && tally.violations.length > 0);
            w.postMessage(enough ? null : { from: next, to: next + CHUNK });
            if (!enough) next += CHUNK;
          };
          let chunks = 0;
          w.on("message", (part) => {
            api.addTally(tally, part);
            if (progress) for (const v of part.violations) console.error(`violation: seed ${v.seed}: ${v.compared.violation.what}`);
            if (progress && ++chunks % 100 === 0)
              console.error(`${tally.accepted} accepted, ${tally.runs} runs, ${tally.violations.length} violations`);
            hand();
          });
          w.on("error", failed);
          w.on("exit", done);
          hand();
        }),
    ),
  );
  tally.violations.sort((a, b) => a.seed - b.seed);
  return { tally, end: next - 1 };
}

async function work() {
  Error.stackTraceLimit = 0;
  const api = await import(workerData.url);
  const bench = api.newBench();
  parentPort.on("message", (chunk) => {
    if (!chunk) return parentPort.close();
    const tally = api.emptyTally();
    for (let seed = chunk.from; seed < chunk.to; seed++) api.compareSeed(bench, seed, workerData.inputs, tally);
    parentPort.postMessage(tally);
  });
}

function corpus(api, inputs) {
  const cases = api.corpusCases();
  if (!cases.length) {
    console.log("lockstep: skipped: no corpus here; make it with node scripts/selftest-corpus.mjs");
    return 77;
  }
  const { text, violations } = api.compareCases(cases, inputs);
  console.log(text);
  return violations ? 1 : 0;
}

/** A copy of the sources with the fault in them, bundled. */
async function plant(fault) {
  const dir = mkdtempSync(join(tmpdir(), "beeline-fault-"));
  for (const part of ["core", "scripts", "test"])
    cpSync(join(root, part), join(dir, part), { recursive: true, filter: (from) => !/fixtures|generated\/scalar-wasm/.test(from) });
  for (const part of ["node_modules", "assets"]) symlinkSync(join(root, part), join(dir, part));
  mkdirSync(join(dir, "test/fixtures"), { recursive: true });
  symlinkSync(join(root, "test/fixtures/facts"), join(dir, "test/fixtures/facts"));
  const file = join(dir, fault.file);
  const text = readFileSync(file, "utf8");
  const times = text.split(fault.from).length - 1;
  if (times !== 1) throw new Error(`fault '${fault.name}': its text occurs ${times} times in ${fault.file}`);
  writeFileSync(
    file,
    text.replace(fault.from, () => fault.to),
  );
  execFileSync(process.execPath, [join(dir, "scripts/build-domain.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
  const { bundle: bundleThere } = await import(pathToFileURL(join(dir, "scripts/bundle.mjs")).href);
  return { dir, url: await bundleThere("lockstep.mjs", OURS) };
}

async function planted(api, { only, count, inputs, jobs }) {
  let missed = 0;
  for (const [n, fault] of api.FAULTS.entries()) {
    if (only >= 0 && n !== only) continue;
    const { dir, url } = await plant(fault);
    try {
      const { tally, end } = await generated(api, { url, count, seed: 1, inputs, jobs }, true, false);
      const [found] = tally.violations;
      if (!found) missed++;
      const where = found
        ? `found by seed ${found.seed}: ${found.compared.violation.what}`
        : `NOT FOUND in ${tally.accepted} accepted programs (seeds 1 to ${end})`;
      console.log(`${String(n).padStart(2)} ${fault.name}: ${where}`);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  console.log(`${api.FAULTS.length} faults, ${missed} not found`);
  return missed ? 1 : 0;
}
