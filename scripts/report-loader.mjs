// Compares our loader with libbpf 1.5 on every object of the selftest corpus and of xdp-tools, program by program: instructions, debug info,
// types, flags, attach targets, maps. Prints counts loaded / failed-as-libbpf / differs; it loads no program into the kernel.
//   node scripts/report-loader.mjs [--corpus DIR] [--only REGEX] [--show N] [--truth FILE] [--also DIR,DIR]     needs gcc, libelf-dev, zlib1g-dev and root (maps are created)
// libbpf is compiled from the corpus's own copy of Debian's kernel source (scripts/selftest-corpus.mjs --all makes it).
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { bundle, root } from "./bundle.mjs";
import { libbpfTool, run } from "./libbpf-tools.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const corpus = resolve(option("--corpus", join(root, ".cache/corpus")));
const only = new RegExp(option("--only", ""));
const show = Number(option("--show", "10"));

const LOADER =
  'export * from "./core/object/index.ts"; export { encodeInsns } from "./core/isa/index.ts"; export { CodedError } from "./core/base/index.ts"; export { embeddedObjects } from "./test/parity/embedded.ts";';
const loader = async () => import(await bundle("report-loader.mjs", LOADER));

const { loadObject, openBtf, encodeInsns, embeddedObjects, CodedError } = await loader();
// libbpf looks its kernel types up in the running kernel; a recorded truth was made with those that are bundled.
const hostBtf = "/sys/kernel/btf/vmlinux";
const kernelBytes =
  option("--truth", "") || !existsSync(hostBtf)
    ? brotliDecompressSync(readFileSync(join(root, "assets/vmlinux.btf.br")))
    : readFileSync(hostBtf);
const kernelBtf = openBtf(new Uint8Array(kernelBytes));
const xdpDir = "/usr/lib/x86_64-linux-gnu/bpf";
const embedded = join(corpus, "embedded");
mkdirSync(embedded, { recursive: true });
for (const [name, bytes] of embeddedObjects()) writeFileSync(join(embedded, `${name}.o`), bytes);
const NAMES = new Map([
  [join(corpus, "objects"), "selftests"],
  [xdpDir, "xdp-tools"],
  [embedded, "xdp-tools (inside its commands)"],
]);
const objects = [
  ...NAMES.keys(),
  ...option("--also", "")
    .split(",")
    .filter(Boolean)
    .map((d) => resolve(d)),
]
  .filter(existsSync)
  .flatMap((dir) =>
    readdirSync(dir)
      .filter((n) => n.endsWith(".o"))
      .map((n) => join(dir, n)),
  )
  .filter((n) => only.test(n))
  .sort();
const kconfig = existsSync("/proc/config.gz") ? run("zcat", ["/proc/config.gz"]) : "";
const syscallWrapper = existsSync("/sys/bus/event_source/devices/kprobe");
const kallsyms = new Map(
  readFileSync("/proc/kallsyms", "utf8")
    .split("\n")
    .map((l) => l.split(/\s+/))
    .filter((f) => f.length >= 3)
    .map(([a, , n]) => [n, BigInt(`0x${a}`)])
    .reverse(),
);

const hex = (b) => Buffer.from(b.buffer, b.byteOffset, b.byteLength).toString("hex");
const funcHex = (info) => hex(new Uint8Array(Uint32Array.from(info.flatMap((f) => [f.insnIdx, f.typeId])).buffer));

/** Line records without the offsets of their strings: slots, lines and columns. */
const lineKeys = (text, rec) => {
  const b = Buffer.from(text, "hex");
  return Array.from({ length: rec ? b.length / rec : 0 }, (_, i) => `${b.readUInt32LE(i * rec)}:${b.readUInt32LE(i * rec + 12)}`).join(" ");
};

/** Objects of commands are sized by these: their maps get two entries where they state none. */
const isSized = (object) => dirname(object) === embedded;

function differences(ours, truth, { maps, btfRefusal }, sized) {
  const out = [];
  const check = (what, a, b) => a !== b && out.push(`${what}: ${String(a).slice(0, 120)} instead of ${String(b).slice(0, 120)}`);
  const insns = hex(
    encodeInsns(ours.insns.map((i) => (i.code === 0x18 && (i.src === 1 || i.src === 2) && i.imm < 0 ? { ...i, imm: -1 } : i))),
  );
  if (insns !== truth.insns) {
    const at = [...Array(Math.max(insns.length, truth.insns.length) / 16).keys()].find(
      (i) => insns.slice(i * 16, i * 16 + 16) !== truth.insns.slice(i * 16, i * 16 + 16),
    );
    out.push(`insn ${at}: ${insns.slice(at * 16, at * 16 + 16)} instead of ${truth.insns.slice(at * 16, at * 16 + 16)}`);
  }
  check("type", ours.type, truth.type);
  check("expected_attach_type", ours.expectedAttachType, truth.expected_attach_type);
  check("flags", ours.flags, truth.flags);
  check("attach_btf_id", ours.attachBtfId, truth.attach_btf_id);
  check("license", ours.license, truth.license);
  check("BTF taken", btfRefusal === undefined, truth.btf);
  check("func_info", funcHex(btfRefusal ? [] : ours.funcInfo), truth.func_info);
  check(
    "line_info",
    (btfRefusal ? [] : ours.lineInfo).map((l) => `${l.insnIdx}:${((l.line << 10) | l.column) >>> 0}`).join(" "),
    lineKeys(truth.line_info, truth.line_info_rec),
  );
  const key = (m) => JSON.stringify(m);
  const mine = maps.map((m) =>
    key([
      m.name,
      m.type,
      m.keySize,
      m.valueSize,
      m.maxEntries || (sized && m.keySize > 0 ? 2 : 0),
      m.flags,
      String(m.mapExtra),
      m.type === 26 ? 0 : m.btfKeyTypeId,
      m.type === 26 ? 0 : m.btfValueTypeId,
      m.type === 26 ? "" : hex(m.initial ?? new Uint8Array(0)),
    ]),
  );
  const theirs = truth.maps.map((m) =>
    key([
      m.name.slice(0, 15),
      m.type,
      m.key,
      m.value,
      m.max,
      m.flags,
      String(m.extra),
      m.type === 26 || !truth.btf ? 0 : m.btf_key,
      m.type === 26 || !truth.btf ? 0 : m.btf_value,
      m.data,
    ]),
  );
  // libbpf gives the bytes of mapped maps only.
  for (let i = 0; i < Math.max(mine.length, theirs.length); i++)
    check(`map ${i}`, truth.maps[i]?.data === "" ? mine[i]?.replace(/"[0-9a-f]*"\]$/, '""]') : mine[i], theirs[i]);
  return out;
}

const total = { loaded: 0, failed: 0, differs: 0 };
const byCorpus = new Map();
const shown = [];
const reasons = new Map();
function count(object, kind) {
  total[kind]++;
  const name = NAMES.get(dirname(object)) ?? basename(dirname(object));
  const row = byCorpus.get(name) ?? { loaded: 0, failed: 0, differs: 0, objects: new Set(), objectsDiffering: new Set() };
  row[kind]++;
  row.objects.add(object);
  if (kind === "differs") row.objectsDiffering.add(object);
  byCorpus.set(name, row);
}

const tool = option("--truth", "")
  ? ""
  : libbpfTool(corpus, "libbpf-insns", ["-Wl,--wrap=bpf_prog_load,--wrap=bpf_btf_load,--wrap=feat_supported"]);
const truthText = option("--truth", "") ? readFileSync(option("--truth"), "utf8") : "";
const truthBy = new Map();
for (const line of truthText.split("\n").filter(Boolean)) {
  const t = JSON.parse(line);
  truthBy.set(t.object, [...(truthBy.get(t.object) ?? []), t]);
}
for (const object of objects) {
  const truths = tool
    ? run(tool, [object], { env: { ...process.env, ...(isSized(object) ? { LIBBPF_SIZE: "1" } : {}) } })
        .split("\n")
        .filter(Boolean)
        .map((l) => JSON.parse(l))
    : (truthBy.get(object) ?? []);
  let spec;
  let openError;
  try {
    spec = loadObject(new Uint8Array(readFileSync(object)), {
      kernelBtf,
      fileName: basename(object),
      kconfig,
      kallsyms,
      syscallWrapper,
      sizesAreFinal: !isSized(object),
    });
  } catch (e) {
    if (!(e instanceof CodedError)) throw Object.assign(e, { message: `${object}: ${e.message}` });
    openError = e.message;
  }
  const note = (t, kind, why) => {
    count(object, kind);
    if (kind === "differs") shown.push(`${basename(object)} ${t.program}: ${why}`);
    if (kind === "failed") reasons.set(`libbpf: ${t.error.replace(/^libbpf: /, "").trim()}\n      ours:   ${why}`, basename(object));
  };
  const left = [...(spec?.programs ?? [])];
  for (const t of truths) {
    const at = left.findIndex((p) => p.name === t.program);
    const p = at >= 0 ? left.splice(at, 1)[0] : undefined;
    if (t.stage === "open") note(t, openError ? "failed" : "differs", openError ?? `libbpf refuses to open it: ${t.error}`);
    else if (openError !== undefined) note(t, t.stage ? "failed" : "differs", `${openError}${t.stage ? "" : " (libbpf opens it)"}`);
    else if (p === undefined) note(t, "differs", "program is missing");
    else if (t.stage) note(t, p.error ? "failed" : "differs", p.error?.message ?? `libbpf fails: ${t.error}`);
    else {
      const diff = p.error ? [`error ${p.error.message}`] : differences(p, t, spec, isSized(object));
      note(t, diff.length ? "differs" : "loaded", diff.join("; "));
    }
  }
  for (const p of left) note({ program: p.name }, "differs", "libbpf knows no such program");
}
for (const line of shown.slice(0, show)) console.log(`differs: ${line}`);
if (args.includes("--reasons")) for (const [text, object] of reasons) console.log(`failed: ${object}\n      ${text}`);
for (const [name, r] of byCorpus)
  console.log(
    `${name}: ${r.objects.size} objects (${r.objectsDiffering.size} differ), programs: ${r.loaded} loaded, ${r.failed} failed-as-libbpf, ${r.differs} differ (${((100 * r.differs) / (r.loaded + r.failed + r.differs)).toFixed(2)} %)`,
  );
writeFileSync(join(corpus, "report-loader.txt"), shown.join("\n") + "\n");
process.exit(total.differs > 0 ? 1 : 0);
