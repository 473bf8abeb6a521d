// Measures the machine's engines beside the kernel's JIT (BPF_PROG_TEST_RUN with repeat) on the programs of test/bench, in one run.
//   node scripts/bench-vm.mjs      needs clang-19 and a kernel that answers bpf(2); prints nanoseconds a run and ratios, judges nothing
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, cache, root } from "./bundle.mjs";

const SMALL = "ffffffffffff02000000000108004500003200010000400166ca0a0000010a000002".padEnd(128, "0");
const LARGE = SMALL.padEnd(2 * 1500, "5a");
const ROUNDS = 7;

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

/** Nanoseconds a run, the least of some rounds. */
function least(runOnce, times) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < times; i++) runOnce();
    best = Math.min(best, ((performance.now() - start) * 1e6) / times);
  }
  return best;
}
function here(program, engine, packet) {
  const kernel = new api.SimKernel({ engine });
  const { special, verdict, error } = api.verify(api.verifyInputOf(spec, program), { logLevel: 0 });
  if (verdict !== "accept") throw new Error(`${program.name}: ${error.join(" / ")}`);
  const loaded = api.loadWithMaps(kernel, { ...program, special }, spec.maps);
  const prepared = api.prepareEvent(kernel, loaded, { packet: api.hexToBytes(packet) });
  const begun = performance.now();
  kernel.begin(loaded, prepared.state);
  kernel.finish();
  const first = (performance.now() - begun) * 1e6;
  let retval = 0n;
  const once = () => {
    kernel.begin(loaded, prepared.state);
    retval = kernel.finish().retval;
  };
  const before = kernel.machine.executed;
  once();
  const insns = kernel.machine.executed - before;
  const one = least(once, 20);
  return { ns: least(once, Math.max(20, Math.min(200_000, Math.ceil(5e7 / one)))), first, insns, retval: Number(retval) };
}
function kernelSays(program, packet) {
  const maps = spec.maps.map((m) => `map ${m.type} ${m.keySize} ${m.valueSize} ${m.maxEntries}\n`).join("");
  const hex = api.bytesToHex(api.encodeInsns(program.insns));
  const lines = Array.from({ length: ROUNDS }, () => `run ${program.type} 20000 ${packet} ${hex}\n`).join("");
  const r = spawnSync(ask, { input: maps + lines, maxBuffer: 1 << 26 });
  const answers = r.stdout
    .toString()
    .trim()
    .split("\n")
    .map((l) => l.split(" ").map(Number));
  if (r.status !== 0 || answers.some((a) => a[0] !== 0)) return undefined;
  return { ns: Math.min(...answers.map((a) => a[2])), retval: answers[0][1] };
}

console.log(
  `${"program".padEnd(18)}${["kernel", "wasm", "ratio", "stoppable", "to wasm", "interpreter", "M insns/s", "first run us"].map((h) => h.padStart(14)).join("")}`,
);
for (const program of spec.programs) {
  for (const [size, packet] of program.name === "packet"
    ? [
        ["64", SMALL],
        ["1500", LARGE],
      ]
    : [["", SMALL]]) {
    const k = kernelSays(program, packet);
    const [w, s, i] = ["wasm", "stoppable", "interpreter"].map((engine) => here(program, engine, packet));
    const ratio = (x) => (k ? (x.ns / k.ns).toFixed(2) : "-");
    const speed = ((i.insns * 1000) / i.ns).toFixed(0);
    const times = [s.ns.toFixed(0), (s.ns / w.ns).toFixed(2), i.ns.toFixed(0), speed, (w.first / 1000).toFixed(0)];
    const row = [k ? k.ns : "-", w.ns.toFixed(0), ratio(w), ...times];
    const differ = k && program.name !== "arithmetic" && k.retval !== w.retval ? `  RESULT ${w.retval}, kernel ${k.retval}` : "";
    console.log(`${(program.name + size).padEnd(18)}${row.map((c) => String(c).padStart(14)).join("")}${differ}`);
  }
}

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
console.log(`snapshot of a machine of 64 MB after 10 changed pages: ${taken} us, going back to it: ${restored} us (least of 50)`);
