// Asks the running kernel which BPF_F_* flags it takes when a map of each type is made, and compares with the catalog.
//   node scripts/check-map-flags.mjs [--write]     --write puts the answers into test/fixtures/machine/map-flags.json
// Needs root, a C compiler and a kernel that answers bpf(2); else it says why and ends with 77. It creates maps only.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, root } from "./bundle.mjs";

const OURS = `export { subjects, objectSubjects } from "./test/kernel-sim/ask-maps.ts"; export { MAP_TYPE_NAMES, mapTypeFlags } from "./core/catalog/index.ts";`;
const FLAGS = Object.entries({
  NO_PREALLOC: 0,
  NO_COMMON_LRU: 1,
  NUMA_NODE: 2,
  RDONLY: 3,
  WRONLY: 4,
  STACK_BUILD_ID: 5,
  ZERO_SEED: 6,
  RDONLY_PROG: 7,
  WRONLY_PROG: 8,
  CLONE: 9,
  MMAPABLE: 10,
  PRESERVE_ELEMS: 11,
  INNER_MAP: 12,
  LINK: 13,
  VTYPE_BTF_OBJ_FD: 15,
  SEGV_ON_FAULT: 17,
  NO_USER_CONV: 18,
}).map(([name, bit]) => [`BPF_F_${name}`, 2 ** bit]);
const tool = join(mkdtempSync(join(tmpdir(), "beeline-flags-")), "ask-maps");
if (spawnSync("cc", ["-O1", "-o", tool, join(root, "test/kernel/ask-maps.c")]).status !== 0) {
  console.log("map flags: skipped: no C compiler");
  process.exit(77);
}
const ask = (lines) =>
  spawnSync(tool, [], { input: `${lines.join("\n")}\n`, encoding: "utf8" })
    .stdout.trim()
    .split("\n")
    .at(-1);
if (ask(["map 2 4 4 1 0 0 -1"]) !== "0") {
  console.log("map flags: skipped: the kernel refuses bpf(2) here");
  process.exit(77);
}
const { subjects, objectSubjects, MAP_TYPE_NAMES, mapTypeFlags } = await import(await bundle("check-map-flags.mjs", OURS));
const BLOOM = { type: 30, keySize: 0, valueSize: 8, maxEntries: 8 };
const taken = {};
for (const s of [...subjects(2), ...objectSubjects(2), BLOOM]) {
  // A stack with build ids has entries of 32 bytes.
  const valueSize = MAP_TYPE_NAMES[s.type] === "stack_trace" ? 64 : s.valueSize;
  const plain = `map ${s.type} ${s.keySize} ${valueSize} ${s.maxEntries}`;
  const rest = `0 ${s.inner ? 0 : -1}`;
  const inner = "map 2 4 4 1 0 0 -1";
  if (ask([inner, `${plain} ${s.flags ?? 0} ${rest}`]) !== "0") continue;
  taken[MAP_TYPE_NAMES[s.type]] = FLAGS.filter(([, bit]) => ask([inner, `${plain} ${(s.flags ?? 0) | bit} ${rest}`]) === "0").map(
    ([name]) => name,
  );
}
const differ = Object.entries(taken).filter(([name, flags]) => [...flags].sort().join() !== [...mapTypeFlags(name)].sort().join());
for (const [name, flags] of differ) console.log(`${name}\n  kernel  ${flags.join(" ")}\n  catalog ${mapTypeFlags(name).join(" ")}`);
console.log(`${Object.keys(taken).length} types, ${differ.length} differ`);
if (process.argv.includes("--write"))
  writeFileSync(join(root, "test/fixtures/machine/map-flags.json"), `${JSON.stringify(taken, undefined, 1)}\n`);
process.exit(differ.length ? 1 : 0);
