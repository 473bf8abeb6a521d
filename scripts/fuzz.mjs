// Feeds damaged input of every kind to what reads it (test/fuzz/targets.ts): objects, types, debug information, assembly, captures, events, raw lines, programs, sessions of the language server and the debug adapter. Each mutant must end in a result or in a coded error,
// within 2 s of the processor and 512 MB. Prints, for each target, mutants, results, error codes, and every mutant that did not: its target, seed and number repeat it.
//   npm run fuzz -- [--minutes N | --count N] [--seed S] [--target NAME[,NAME]] [--only NUMBER]      default: 1 minute, seed 1, all targets
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { bundle, root } from "./bundle.mjs";

/** Time of the processor that a mutant may take, and time on the clock for one that only waits. */
const HANG_MS = 2000;
const WAIT_MS = 60_000;
const GROWTH = 512 << 20;

if (isMainThread) await main();
else await work();

async function main() {
  const args = process.argv.slice(2);
  const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
  const seed = Number(option("--seed", "1"));
  const only = Number(option("--only", "-1"));
  const url = await bundle("fuzz-targets.mjs", 'export { targets } from "./test/fuzz/targets.ts";');
  const all = Object.keys((await import(url)).targets(root));
  const wanted = option("--target", all.join(",")).split(",");
  const unknown = wanted.filter((t) => !all.includes(t));
  if (unknown.length > 0) {
    console.error(`fuzz: no target ${unknown.join(", ")}; there are ${all.join(", ")}`);
    process.exit(2);
  }
  const minutes = args.includes("--count") ? Infinity : Number(option("--minutes", "1"));
  const count = Number(option("--count", "Infinity"));
  let faults = 0;
  for (const target of wanted)
    faults += await fuzz({ url, target, seed, only, count, until: Date.now() + (minutes * 60_000) / wanted.length });
  process.exit(faults > 0 ? 1 : 0);
}

/** Runs one target to its end, in a new thread after each hang or crash. */
async function fuzz(job) {
  const outcomes = new Map();
  const faults = [];
  let next = job.only >= 0 ? job.only : 0;
  const end = job.only >= 0 ? job.only + 1 : job.count;
  let worst = 0;
  while (next < end && Date.now() < job.until) {
    const r = await thread({ ...job, from: next, end });
    for (const [k, v] of Object.entries(r.outcomes)) outcomes.set(k, (outcomes.get(k) ?? 0) + v);
    worst = Math.max(worst, r.worst);
    if (r.fault) faults.push({ n: r.at, why: r.fault });
    next = r.at + 1;
    if (!r.fault) break;
  }
  const total = [...outcomes.values()].reduce((a, b) => a + b, 0);
  const ok = outcomes.get("ok") ?? 0;
  const coded = [...outcomes].filter(([k]) => k !== "ok");
  const placed = coded.filter(([k]) => k.endsWith("@")).reduce((n, [, v]) => n + v, 0);
  console.log(
    `${job.target}: ${total + faults.length} mutants of seed ${job.seed}, ${ok} results, ${total - ok} coded errors (${placed} with an offset, ${coded.length} codes), slowest ${worst.toFixed(0)} ms, ${faults.length} faults`,
  );
  const bare = coded.filter(([k]) => !k.endsWith("@")).sort((a, b) => b[1] - a[1]);
  if (bare.length > 0) console.log(`  without offset: ${bare.map(([k, v]) => `${k} ${v}`).join(", ")}`);
  for (const f of faults.slice(0, 20)) console.log(`  --target ${job.target} --seed ${job.seed} --only ${f.n}: ${f.why}`);
  return faults.length;
}

function thread(job) {
  return new Promise((done) => {
    // [0]: number of the mutant under way, [1]: how many were begun
    const shared = new Int32Array(new SharedArrayBuffer(8));
    shared[0] = job.from;
    const data = { ...job, shared };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data, resourceLimits: { maxOldGenerationSizeMb: 1024 } });
    let last = { outcomes: {}, worst: 0 };
    let finished = false;
    const finish = (fault) => {
      if (finished) return;
      finished = true;
      clearInterval(timer);
      void worker.terminate();
      done({ ...last, at: shared[0], fault });
    };
    const used = () => process.cpuUsage().user / 1000;
    let usedBefore = used();
    let seen = -1;
    let since = Date.now();
    const timer = setInterval(() => {
      if (shared[1] !== seen || shared[1] === 0) {
        seen = shared[1];
        since = Date.now();
        usedBefore = used();
      } else if (used() - usedBefore > HANG_MS) finish(`no end after ${HANG_MS} ms of the processor`);
      else if (Date.now() - since > WAIT_MS) finish(`no end after ${WAIT_MS} ms`);
    }, 100);
    worker.on("message", (m) => {
      last = m;
      if (m.done) finish(m.fault);
    });
    worker.on("error", (e) => finish(`thread ended: ${e.message}`));
    worker.on("exit", (status) => finish(`thread ended with status ${status}`));
  });
}

async function work() {
  const { url, target, seed, from, end, until, shared } = workerData;
  const { make, run } = (await import(url)).targets(root)[target];
  const outcomes = {};
  let worst = 0;
  let told = Date.now();
  for (let n = from; n < end; n++) {
    const bytes = make(seed, n);
    const before = process.memoryUsage.rss();
    const start = performance.now();
    shared[0] = n;
    shared[1]++;
    try {
      const outcome = await run(bytes);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (e) {
      const place = (e.stack ?? "").split("\n")[1]?.trim() ?? "";
      return parentPort.postMessage({ outcomes, worst, done: true, fault: `${e.name}: ${e.message} ${place}` });
    }
    worst = Math.max(worst, performance.now() - start);
    const growth = process.memoryUsage.rss() - before;
    if (growth > GROWTH) return parentPort.postMessage({ outcomes, worst, done: true, fault: `grew by ${growth >> 20} MB` });
    if (Date.now() - told > 1000) {
      told = Date.now();
      parentPort.postMessage({ outcomes, worst });
      if (told > until) break;
    }
  }
  parentPort.postMessage({ outcomes, worst, done: true });
}
