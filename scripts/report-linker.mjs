// Compares our linker with libbpf 1.5's (bpf_linker) on the selftest corpus, xdp-tools and our fixtures: every object alone, the selftests that are made of
// several files, and pairs of neighbours (--keep: our results, for report-loader.mjs --also). Prints how many results are the same file byte for byte, how many both refuse, and how many differ.
//   node scripts/report-linker.mjs [--corpus DIR] [--only REGEX] [--show N] [--pairs N] [--keep DIR]      needs gcc, libelf-dev, zlib1g-dev
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { bundle, root } from "./bundle.mjs";
import { libbpfTool } from "./libbpf-tools.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const corpus = resolve(option("--corpus", join(root, ".cache/corpus")));
const only = new RegExp(option("--only", ""));
const EXPORTS =
  'export * from "./core/object/index.ts"; export { openElf } from "./core/object/elf/elf.ts"; export { CodedError } from "./core/base/index.ts";';
const { btfOfFile, linkObjects, loadObject, openElf, CodedError } = await import(await bundle("report-linker.mjs", EXPORTS));
const tool = libbpfTool(corpus, "libbpf-link");
const dir = mkdtempSync(join(tmpdir(), "beeline-link-"));

/** Selftests that the kernel's own makefile links from several files. */
const MANY = [
  ["test_static_linked1", "test_static_linked2"],
  ["linked_funcs1", "linked_funcs2"],
  ["linked_vars1", "linked_vars2"],
  ["linked_maps1", "linked_maps2"],
  ["test_subskeleton_lib2", "test_subskeleton_lib", "test_subskeleton"],
  ["test_subskeleton_lib2", "test_subskeleton_lib"],
  ["test_usdt", "test_usdt_multispec"],
];
const listed = (folder) =>
  (existsSync(folder) ? readdirSync(folder) : []).filter((n) => n.endsWith(".o") && !n.endsWith(".be.o")).map((n) => join(folder, n));
const selftests = listed(join(corpus, "objects")).sort();
const others = [
  ...listed("/usr/lib/x86_64-linux-gnu/bpf"),
  ...listed(join(root, "test/fixtures/object")),
  ...listed(join(root, "test/fixtures/link")),
];
const many = MANY.map((names) => names.map((n) => join(corpus, "objects", `${n}.o`))).filter((files) => files.every(existsSync));
const pairs = selftests.slice(1).map((file, i) => [selftests[i], file]);
const step = Math.max(1, Math.floor(pairs.length / Number(option("--pairs", "300"))));
const groups = {
  "selftests of several files": many,
  "fixtures of several files": JSON.parse(readFileSync(join(root, "test/fixtures/link/linked.json"), "utf8"))
    .map((r) => r.files.map((n) => join(root, "test/fixtures/link", n)))
    .filter((files) => files.length > 1),
  "objects alone": [...selftests, ...others].map((f) => [f]),
  "pairs of neighbours": pairs.filter((_, i) => i % step === 0),
};

function ours(files) {
  try {
    return { bytes: linkObjects(files.map((name) => ({ name, bytes: new Uint8Array(readFileSync(name)) }))) };
  } catch (e) {
    if (!(e instanceof CodedError)) throw Object.assign(e, { message: `${files.join(" ")}: ${e.message}` });
    return { error: `${e.code}: ${e.message}` };
  }
}

function libbpfs(files) {
  const out = join(dir, "linked.o");
  rmSync(out, { force: true });
  const r = spawnSync(tool, [out, ...files]);
  if (r.status === 0) return { bytes: new Uint8Array(readFileSync(out)) };
  const lines = r.stderr.toString().trim().split("\n");
  return { error: `status ${r.status}: ${lines.at(-1)}` };
}

/** libbpf's object with the offsets of variables completed from their symbols: it leaves that of a declaration in another file. */
function completed(object) {
  const bytes = object.slice();
  const elf = openElf(bytes);
  const section = elf.sections.find((s) => s.name === ".BTF");
  if (section === undefined) return bytes;
  const btf = btfOfFile(bytes);
  const view = new DataView(bytes.buffer);
  const values = new Map(elf.symbols.filter((s) => s.type === 1 && s.bind > 0).map((s) => [s.name, s.value]));
  for (let id = 1; id < btf.typeCount; id++)
    btf.type(id).vars.forEach((v, i) => {
      const value = values.get(btf.type(v.type).name);
      if (value !== undefined && btf.type(v.type).linkage === 1)
        view.setUint32(section.offset + btf.offsetOf(id) + 16 + i * 12, value, true);
    });
  return bytes;
}

const same = (a, b) => Buffer.compare(a, b) === 0;

/** The first section that differs, or what else does. */
function difference(a, b) {
  const [x, y] = [openElf(a), openElf(b)];
  const names = (elf) => elf.sections.map((s) => s.name).join(" ");
  if (names(x) !== names(y)) return `sections ${names(x)} instead of ${names(y)}`;
  const s = x.sections.find((t, i) => !same(t.data, y.sections[i].data));
  if (s === undefined) return "layout only";
  const at = s.data.findIndex((byte, i) => byte !== y.sections[s.index].data[i]);
  return `section ${s.name} at byte ${at} of ${s.data.length} (${y.sections[s.index].data.length})`;
}

const keep = option("--keep", "");
if (keep) mkdirSync(keep, { recursive: true });
/** All that a loader hands on of an object; ids of types are the file's own affair. */
function meaning(bytes) {
  const { programs, maps, btf } = loadObject(bytes, { fileName: "linked.o" });
  const named = (id) => btf?.type(id).name;
  return JSON.stringify([
    programs.map((p) => [p.name, p.type, p.insns, p.lineInfo, p.funcInfo.map((f) => [f.insnIdx, named(f.typeId)])]),
    maps.map((m) => [
      m.name,
      m.type,
      m.keySize,
      m.valueSize,
      m.maxEntries,
      m.flags,
      named(m.btfKeyTypeId),
      named(m.btfValueTypeId),
      m.initial && [...m.initial],
    ]),
  ]);
}

/** bpftool's own linking, where it is installed: equal programs, maps and debug information after loading. */
function bpftools(lists) {
  const bpftool = "/usr/sbin/bpftool";
  if (!existsSync(bpftool)) return;
  const count = { equal: 0, unloadable: 0, unaccepted: 0, refused: 0, differ: [] };
  for (const files of lists) {
    const out = join(dir, "bpftool.o");
    rmSync(out, { force: true });
    const mine = ours(files);
    const r = spawnSync(bpftool, ["gen", "object", out, ...files]);
    if (r.status !== 0 || mine.error) {
      if (r.status !== 0 && mine.error) count.refused++;
      else count.differ.push(files.map((f) => basename(f)).join(" + "));
      continue;
    }
    try {
      const refusedTypes = loadObject(new Uint8Array(readFileSync(out))).btfRefusal !== undefined;
      if (refusedTypes && loadObject(mine.bytes).btfRefusal === undefined) count.unaccepted++;
      else if (meaning(mine.bytes) === meaning(new Uint8Array(readFileSync(out)))) count.equal++;
      else count.differ.push(files.map((f) => basename(f)).join(" + "));
    } catch (e) {
      if (!(e instanceof CodedError)) throw e;
      count.unloadable++;
    }
  }
  const version = spawnSync(bpftool, ["version"]).stdout.toString().split("\n").slice(0, 2).join(", ");
  console.log(
    `programs after ${version}: ${count.equal} equal, ${count.unloadable} that a loader refuses before they are linked once more, ${count.unaccepted} whose types the kernel refuses there and not here, ${count.refused} refused as by it, ${count.differ.length} differ${count.differ.map((d) => `\n   ${d}`).join("")}`,
  );
}

let differing = 0;
for (const [name, list] of Object.entries(groups)) {
  const count = { same: 0, completed: 0, refused: 0, differs: 0 };
  const shown = [];
  for (const files of list.filter((g) => g.some((f) => only.test(f)))) {
    const [mine, theirs] = [ours(files), libbpfs(files)];
    if (keep && mine.bytes && files.length > 1)
      writeFileSync(join(keep, files.map((f) => basename(f, ".o")).join("+") + ".linked.o"), mine.bytes);
    const title = files.map((f) => basename(f)).join(" + ");
    if (mine.bytes && theirs.bytes && same(mine.bytes, theirs.bytes)) count.same++;
    else if (mine.bytes && theirs.bytes && same(mine.bytes, completed(theirs.bytes))) count.completed++;
    else if (mine.error && theirs.error) {
      count.refused++;
      if (args.includes("--reasons")) console.log(`refused: ${title}\n   libbpf: ${theirs.error}\n   ours:   ${mine.error}`);
    } else {
      count.differs++;
      shown.push(
        `${title}: ${mine.error ?? theirs.error ?? difference(mine.bytes, theirs.bytes)}${mine.error ? " (libbpf links it)" : theirs.error ? " (only we link it)" : ""}`,
      );
    }
  }
  for (const line of shown.slice(0, Number(option("--show", "10")))) console.log(`differs: ${line}`);
  console.log(
    `${name}: ${count.same} the same file as libbpf's, ${count.completed} so but for offsets that libbpf leaves open, ${count.refused} refused as by libbpf, ${count.differs} differ`,
  );
  differing += count.differs;
}
bpftools([...many, ...groups["fixtures of several files"]].filter((g) => g.some((f) => only.test(f))));
rmSync(dir, { recursive: true, force: true });
process.exit(differing > 0 ? 1 : 0);
