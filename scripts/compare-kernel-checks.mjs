// Compares our answers on mutated BTF blobs and on maps of all types with the running kernel's (test/kernel/ask-objects.c): errno and the last log line.
//   node scripts/compare-kernel-checks.mjs [--record] [--mutants N] [--seed S] [--show N] [FILE.o|FILE.btf ...]      needs root, a C compiler; FILEs add sources of BTF
// --record also writes the kernel's answers on 600 mutants of our fixtures and on a choice of maps to test/fixtures/object/kernel-checks.json.
// It loads BTF and creates maps, each closed again at once; it loads no program, attaches and pins nothing. Ends with 77 where bpf(2) is refused.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { bundle, root } from "./bundle.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const count = Number(option("--mutants", "3000"));
const seed = Number(option("--seed", "1"));
const show = Number(option("--show", "10"));
const files = args.filter((a, i) => !a.startsWith("--") && !args[i - 1]?.startsWith("--"));

const CODE = `export { loadObject } from "./core/object/load/load.ts"; export { openBtf } from "./core/object/btf/reader.ts";
  export { checkBtf } from "./core/object/btf/check/check.ts"; export { checkMap } from "./core/object/load/map-check.ts";
  export { mutant, btfSpans } from "./test/object/mutants.ts";`;
const { loadObject, openBtf, checkBtf, checkMap, mutant, btfSpans } = await import(await bundle("compare-kernel-checks.mjs", CODE));
const kernel = openBtf(new Uint8Array(brotliDecompressSync(readFileSync(join(root, "assets/vmlinux.btf.br")))));

function ask(lines) {
  const dir = join(root, ".cache/ask");
  mkdirSync(dir, { recursive: true });
  const tool = join(dir, "ask-objects");
  const cc = spawnSync("cc", ["-O1", "-o", tool, join(root, "test/kernel/ask-objects.c")], { encoding: "utf8" });
  if (cc.status !== 0) {
    console.error(`compare-kernel-checks: test/kernel/ask-objects.c does not compile: ${cc.stderr ?? cc.error}`);
    process.exit(77);
  }
  const r = spawnSync(tool, { input: lines.join("\n") + "\n", maxBuffer: 1 << 30 });
  if (r.status !== 0) throw new Error(`ask-objects: ${r.stderr}`);
  return r.stdout
    .toString("latin1")
    .trimEnd()
    .split("\n")
    .map((l) => ({ errno: parseInt(l, 10), last: l.slice(l.indexOf(" ") + 1) }));
}

const btfOf = (path) => {
  const bytes = new Uint8Array(readFileSync(path));
  return bytes[0] === 0x7f ? loadObject(bytes, { kernelBtf: kernel }).btf?.bytes.slice() : bytes;
};
const fixtures = join(root, "test/fixtures/object");
const sources = [
  ...readdirSync(fixtures)
    .filter((n) => n.endsWith(".o") && !n.includes(".be."))
    .map((n) => join(fixtures, n)),
  ...files,
]
  .map((f) => ({ name: f, btf: btfOf(f) }))
  .filter((s) => s.btf !== undefined);

let wrong = 0;
const recorded = {};
const tell = (line) => {
  if (wrong++ < show) console.log(line);
};
function compareBtf() {
  const cases = [];
  for (let i = 0; i < count + sources.length; i++) {
    const { name, btf } = sources[i % sources.length];
    cases.push({ name: `${name} ${i}`, bytes: i < sources.length ? btf : mutant(btf, seed, i, btfSpans(btf, i)) });
  }
  const truths = ask(cases.map((c) => `btf ${Buffer.from(c.bytes).toString("hex")}`));
  recorded.btf = truths.slice(0, 600).map((t, i) => [cases[i].name.replace(/.*\//, ""), t.errno, t.last.trimEnd()]);
  let refused = 0;
  cases.forEach((c, i) => {
    const t = truths[i];
    const ours = checkBtf(c.bytes, kernel);
    const last = (ours?.log ?? "").split("\n").at(-1);
    if (t.errno) refused++;
    // Where the kernel's log stops without words about the refusal, its last line is whatever it printed before.
    const silent = ours !== undefined && ours.log === "";
    if ((ours?.errno ?? 0) !== t.errno || (t.errno && !silent && last !== t.last.trimEnd() && last.trimEnd() !== t.last.trimEnd()))
      tell(`btf ${c.name}: ours ${ours?.errno ?? 0} '${last}', kernel ${t.errno} '${t.last}'`);
  });
  console.log(`btf: ${cases.length} blobs of ${sources.length} sources, ${refused} refused by the kernel, ${wrong} answered otherwise`);
}

function compareMaps() {
  const before = wrong;
  let noMemory = 0;
  const cases = [];
  const flags = [0, ...Array.from({ length: 20 }, (_, i) => 1 << i), 0x180, 0x18, 1 | 0x400, 3];
  for (let type = 0; type <= 34; type++)
    for (const key of [0, 1, 2, 4, 8, 16, 264, 513])
      for (const value of [0, 1, 4, 8, 12, 16, 1024, 4096, 40000])
        for (const entries of [0, 1, 3, 4096, 5000]) cases.push([type, key, value, entries, 0, 0, 1]);
  for (let type = 0; type <= 34; type++)
    for (const f of flags)
      for (const [key, value, entries] of [
        [4, 4, 1],
        [0, 4, 4],
        [0, 0, 4096],
        [4, 8, 1],
        [8, 8, 4],
        [4, 4, 0],
        [0, 0, 0],
        [4, 0, 0],
        [20, 0, 0],
      ])
        for (const extra of [0, 1, 16, 4096])
          cases.push([type, key, value, entries, f, extra, 1], [type, key, value, entries, f, extra, 0]);
  for (let type = 0; type <= 34; type++)
    for (const big of [0x7fffffff, 0x80000000, 0xffffffff, 0x400000]) cases.push([type, 4, big, 1, 0, 0, 1], [type, big, 4, 1, 0, 0, 1]);
  const truths = ask(cases.map((c) => `map ${c.join(" ")}`));
  recorded.maps = cases.map((c, i) => [...c, truths[i].errno]).filter((c, i) => i % (c.at(-1) === 0 ? 5 : 251) === 0);
  cases.forEach(([type, keySize, valueSize, maxEntries, f, extra, inner], i) => {
    const ours = checkMap({
      name: "m",
      type,
      keySize,
      valueSize,
      maxEntries,
      flags: f,
      mapExtra: BigInt(extra),
      btfKeyTypeId: 0,
      btfValueTypeId: 0,
      inner: inner
        ? { name: "i", type: 2, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 }
        : undefined,
    });
    if (truths[i].errno === 12) noMemory++;
    else if (ours !== truths[i].errno)
      tell(
        `map type ${type} key ${keySize} value ${valueSize} entries ${maxEntries} flags ${f} extra ${extra} inner ${inner}: ours ${ours}, kernel ${truths[i].errno}`,
      );
  });
  console.log(
    `maps: ${cases.length} tried, ${truths.filter((t) => t.errno).length} refused by the kernel (${noMemory} for want of memory, not compared), ${wrong - before} answered otherwise`,
  );
}

if (!args.includes("--maps")) compareBtf();
if (!args.includes("--btf")) compareMaps();
if (args.includes("--record")) {
  const rows = (list) => `[\n${list.map((r) => JSON.stringify(r)).join(",\n")}\n]`;
  writeFileSync(join(fixtures, "kernel-checks.json"), `{"btf":${rows(recorded.btf)},\n"maps":${rows(recorded.maps)}}\n`);
}
process.exit(wrong > 0 ? 1 : 0);
