// Measures the machine's engines beside the kernel's JIT (BPF_PROG_TEST_RUN with repeat) on the programs of test/bench, in one run.
//   node scripts/bench-vm.mjs      needs clang-19 and a kernel that answers bpf(2); dist/ for the captures
// It prints what a run takes, and each figure of the machine beside its target. Times are processor time, the least of some rounds; it judges nothing.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packets } from "./bench-packets.mjs";
import { bundle, cache, root } from "./bundle.mjs";

const SMALL = "ffffffffffff02000000000108004500003200010000400166ca0a0000010a000002".padEnd(128, "0");
const LARGE = SMALL.padEnd(2 * 1500, "5a");
const ROUNDS = 7;
/** How long a program runs on an engine before it is measured, and in each round. */
const WARM_MS = 400,
  ROUND_MS = 60;
const ENGINES = ["wasm", "stoppable", "interpreter"];

function need(command, args, what) {
  const r = spawnSync(command, args, { maxBuffer: 1 << 26 });
  if (r.status !== 0) {
    console.error(`bench-vm: ${what}: ${r.stderr ?? r.error}`);
    process.exit(2);
  }
  return r.stdout.toString();
}
const run = (args, what) => need(args[0], args.slice(1), what);

mkdirSync(cache, { recursive: true });
const object = join(cache, "bench.o");
const source = join(root, "test/bench/programs.bpf.c");
const include = ["-idirafter", `/usr/include/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`];
run(["clang-19", "-O2", "-g", "-target", "bpf", "-mcpu=v3", ...include, "-c", source, "-o", object], "compiling");
const ask = join(cache, "ask");
run(["cc", "-O2", "-o", ask, join(root, "test/kernel/ask.c")], "compiling the asker");
const api = await import(
  await bundle(
    "bench-vm.mjs",
    `export { loadObject } from "./core/object/index.ts"; export { verify, verifyInputOf } from "./core/verifier/index.ts";
     export { SimKernel, loadWithMaps, prepareEvent } from "./core/kernel/index.ts"; export { encodeInsns } from "./core/isa/index.ts";
     export { bytesToHex, hexToBytes } from "./core/base/index.ts";`,
  )
);
const spec = api.loadObject(readFileSync(object), { fileName: "bench.o" });

/** Nanoseconds of processor time that a run takes, over some milliseconds: what other processes take does not count. */
function spent(once, times) {
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) once();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / times;
}
/** A program on one engine: `round` gives nanoseconds a run. */
function here(program, engine, packet) {
  const kernel = new api.SimKernel({ engine });
  const { special, verdict, error } = api.verify(api.verifyInputOf(spec, program), { logLevel: 0 });
  if (verdict !== "accept") throw new Error(`${program.name}: ${error.join(" / ")}`);
  const loaded = api.loadWithMaps(kernel, { ...program, special }, spec.maps);
  const prepared = api.prepareEvent(kernel, loaded, { packet: api.hexToBytes(packet) });
  let retval = 0n;
  const once = () => {
    kernel.begin(loaded, prepared.state);
    retval = kernel.finish().retval;
  };
  once();
  const before = kernel.machine.executed;
  once();
  const insns = kernel.machine.executed - before;
  const warm = performance.now() + WARM_MS;
  let times = 0;
  for (; performance.now() < warm; times++) once();
  const each = Math.max(20, Math.ceil((times * ROUND_MS) / WARM_MS));
  return { round: () => spent(once, each), insns, retval: () => Number(retval) };
}
/** Nanoseconds a run in the kernel, and what the program returned; undefined where the kernel does not answer. */
function kernelSays(program, packet) {
  const maps = spec.maps.map((m) => `map ${m.type} ${m.keySize} ${m.valueSize} ${m.maxEntries}\n`).join("");
  const hex = api.bytesToHex(api.encodeInsns(program.insns));
  const r = spawnSync(ask, { input: `${maps}run ${program.type} 20000 ${packet} ${hex}\n`, maxBuffer: 1 << 26 });
  const [error, retval, ns] = r.stdout.toString().trim().split(" ").map(Number);
  return r.status === 0 && error === 0 ? { ns, retval } : undefined;
}
/** The kernel and the engines in turn, the least of some rounds. */
function measured(program, packet) {
  const engines = ENGINES.map((engine) => here(program, engine, packet));
  const ns = ENGINES.map(() => Infinity);
  let kernel;
  for (let round = 0; round < ROUNDS; round++) {
    const k = kernelSays(program, packet);
    if (k && !(kernel?.ns < k.ns)) kernel = k;
    engines.forEach((e, i) => (ns[i] = Math.min(ns[i], e.round())));
  }
  const [wasm, stoppable, interpreter] = ns;
  const retval = engines[0].retval();
  const differs = kernel && program.name !== "arithmetic" && kernel.retval !== retval;
  return {
    kernel: kernel?.ns,
    wasm,
    stoppable,
    interpreter,
    insns: engines[2].insns,
    retval,
    differs: differs ? kernel.retval : undefined,
  };
}

/** Milliseconds of processor time from a loaded program of 100 instructions to the end of its first run, in a process that has compiled nothing before; and by the clock. */
function coldRun() {
  const i = (code, dst = 0, src = 0, off = 0, imm = 0) => ({ code, dst, src, off, imm });
  const insns = [0, 1, 2, 3, 4, 5].map((r) => i(0xb7, r, 0, 0, r + 7));
  while (insns.length < 99) {
    const n = insns.length;
    insns.push(
      [i(0x27, n % 6, 0, 0, 31), i(0x7b, 10, n % 6, -8), i(0x55, n % 5, 0, 0, n), i(0x79, (n + 1) % 6, 10, -8), i(0xaf, 0, n % 6)][n % 5],
    );
  }
  insns[7] = i(0x7b, 10, 0, -8);
  const kernel = new api.SimKernel({ engine: "wasm" });
  const loaded = api.loadWithMaps(
    kernel,
    { name: "cold", type: 1, expectedAttachType: 0, insns: [...insns, i(0x95)], license: "GPL", special: [] },
    [],
  );
  const { state } = api.prepareEvent(kernel, loaded, { packet: api.hexToBytes(SMALL) });
  const started = performance.now();
  const ms = spent(() => {
    kernel.begin(loaded, state);
    if (kernel.finish().kind !== "exit") throw new Error("the program of 100 instructions did not end");
  }, 1);
  console.log(JSON.stringify([ms / 1e6, performance.now() - started]));
}
if (process.argv.includes("--cold")) {
  coldRun();
  process.exit(0);
}
function cold() {
  const runs = Array.from({ length: 10 }, () => JSON.parse(run([process.execPath, process.argv[1], "--cold"], "a cold run")));
  return [0, 1].map((n) => Math.min(...runs.map((r) => r[n])));
}

const columns = ["kernel", "wasm", "ratio", "stoppable", "to wasm", "interpreter", "M insns/s"];
console.log(`nanoseconds a run\n${"program".padEnd(18)}${columns.map((h) => h.padStart(14)).join("")}`);
const results = {};
for (const program of spec.programs) {
  const sizes = program.name === "packet" ? { 64: SMALL, 1500: LARGE } : { "": SMALL };
  for (const [size, packet] of Object.entries(sizes)) {
    const m = measured(program, packet);
    results[program.name + size] = m;
    const speed = (m.insns * 1000) / m.interpreter;
    const ratio = m.kernel ? (m.wasm / m.kernel).toFixed(2) : "-";
    const row = [
      m.kernel ?? "-",
      m.wasm.toFixed(0),
      ratio,
      m.stoppable.toFixed(0),
      (m.stoppable / m.wasm).toFixed(2),
      m.interpreter.toFixed(0),
      speed.toFixed(0),
    ];
    const differ = m.differs === undefined ? "" : `  RESULT ${m.retval}, kernel ${m.differs}`;
    console.log(`${(program.name + size).padEnd(18)}${row.map((c) => String(c).padStart(14)).join("")}${differ}`);
  }
}

const say = (what, figure, target) => console.log(`${what.padEnd(58)} ${figure.padEnd(46)} target ${target}`);
const COMPUTE = ["arithmetic", "packet1500", "stack_hash"];
const each = (of) => COMPUTE.map((name) => `${name} ${of(results[name])}`).join(", ");
const beyond = (name, engine) => ((results[name][engine] - results.nop[engine]) / 100).toFixed(1);
console.log();
say(
  "structured gear to the kernel's JIT",
  each((m) => (m.kernel ? (m.wasm / m.kernel).toFixed(2) : "-")),
  "<= 1.25",
);
say("hash-map look-up with its loop, structured gear", `${beyond("lookups", "wasm")} ns`, "< 15 ns");
say(
  "helper call with its loop, structured and stoppable gear",
  `${beyond("helpers", "wasm")} ns, ${beyond("helpers", "stoppable")} ns`,
  "<= 35 ns",
);
say(
  "interpreter, million instructions a second",
  each((m) => ((m.insns * 1000) / m.interpreter).toFixed(0)),
  "> 100",
);
say(
  "stoppable gear to the structured one",
  each((m) => (m.stoppable / m.wasm).toFixed(2)),
  "<= 2.5",
);
const [coldMs, coldClock] = cold();
say(
  "compiling and first run of 100 instructions, cold process",
  `${coldMs.toFixed(1)} ms of processor time, ${coldClock.toFixed(1)} by the clock`,
  "< 5 ms",
);
await packets(say);

/** Microseconds of a snapshot, and of going back to it, of a machine that holds an array map of `mb` megabytes and changed some pages since. */
function snapshots(mb) {
  const kernel = new api.SimKernel();
  const map = {
    name: "m",
    type: 2,
    keySize: 4,
    valueSize: 4096,
    maxEntries: mb * 256,
    flags: 0,
    mapExtra: 0n,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
  };
  const fd = kernel.createMap(map);
  const value = new Uint8Array(4096).fill(7);
  const write = (i) => kernel.mapUpdate(fd, new Uint8Array(Uint32Array.of(i).buffer), value);
  for (let i = 0; i < map.maxEntries; i++) write(i);
  kernel.machine.begin(
    kernel.machine.load({
      name: "t",
      type: 1,
      expectedAttachType: 0,
      insns: [{ code: 0x95, dst: 0, src: 0, off: 0, imm: 0 }],
      resolve: () => 0,
    }),
    0,
  );
  kernel.machine.snapshot();
  let [taken, restored] = [Infinity, Infinity];
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 10; i++) write((round * 97 + i * 31) % map.maxEntries);
    const start = performance.now();
    const state = kernel.machine.snapshot();
    taken = Math.min(taken, performance.now() - start);
    for (let i = 0; i < 10; i++) write((round * 89 + i * 37) % map.maxEntries);
    const again = performance.now();
    kernel.machine.restore(state);
    restored = Math.min(restored, performance.now() - again);
  }
  return [taken, restored].map((ms) => (ms * 1000).toFixed(0));
}
const [taken, restored] = snapshots(64);
say("snapshot of 64 MB after 10 changed pages, and back to it", `${taken} us, ${restored} us`, "< 1000 us");
