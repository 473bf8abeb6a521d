// Rebuilds the corpus of kernel selftests for tests: C text from Debian's package linux-source-6.12, compiled with clang-19 against the
// bundled 6.18 types, into .cache/corpus (never committed: the text is GPL). It fetches nothing; a missing package is named with its install command.
//   node scripts/selftest-corpus.mjs [--all | --only REGEX] [--out DIR] [--jobs N] [--clang clang-14]      default: progs/verifier_*.c only; --all: every progs/*.c
// Another compiler than clang-19 writes into a folder of its own, DIR/objects-NAME.
// Prints `corpus: N objects in DIR (N built now, N did not compile)`; the names that did not compile stand in DIR/failed.txt with clang's first error.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const out = resolve(option("--out", join(root, ".cache/corpus")));
const jobs = Number(option("--jobs", "2"));
const clang = option("--clang", "clang-19");
const folder = clang === "clang-19" ? "objects" : `objects-${clang}`;
const archive = "/usr/src/linux-source-6.12.tar.xz";
const top = "linux-source-6.12";
const tools = join(out, top, "tools");
const selftests = join(tools, "testing/selftests/bpf");
const NO_STRICT_ALIASING = new Set(
  "bind4_prog bind6_prog dynptr_fail linked_list_fail map_kptr_fail syscall test_pkt_md_access test_sk_lookup timer_crash test_global_func9 verifier_nocsr".split(
    " ",
  ),
);
const NO_INLINE = new Set(["test_l4lb_noinline", "test_xdp_noinline"]);

function need(path, pkg) {
  if (!existsSync(path)) {
    console.error(`corpus: ${path} is missing; install it with: apt-get install ${pkg}`);
    process.exit(2);
  }
}

function run(command, argv, options = {}) {
  const result = spawnSync(command, argv, { maxBuffer: 1 << 28, ...options });
  if (result.status !== 0) {
    console.error(`corpus: ${command} ${argv.join(" ")} failed: ${result.error?.message ?? result.stderr}`);
    process.exit(2);
  }
  return result.stdout;
}

function unpack() {
  if (existsSync(join(out, "unpacked"))) return;
  mkdirSync(out, { recursive: true });
  const wanted = [
    "tools/lib/bpf/*",
    "tools/include/*",
    "tools/arch/x86/include/*",
    "tools/testing/selftests/bpf/*",
    "include/uapi/*",
    "scripts/bpf_doc.py",
  ];
  run("tar", ["-xJf", archive, "-C", out, "--wildcards", ...wanted.map((w) => `${top}/${w}`)]);
  writeFileSync(join(out, "unpacked"), "");
}

function headers() {
  const inc = join(out, "include");
  mkdirSync(join(inc, "bpf"), { recursive: true });
  for (const name of readdirSync(join(tools, "lib/bpf")).filter((n) => n.endsWith(".h"))) {
    const link = join(inc, "bpf", name);
    if (!existsSync(link)) symlinkSync(join(tools, "lib/bpf", name), link);
  }
  const defs = join(inc, "bpf/bpf_helper_defs.h");
  if (!existsSync(defs))
    writeFileSync(
      defs,
      run("python3", [join(out, top, "scripts/bpf_doc.py"), "--header", "--file", join(tools, "include/uapi/linux/bpf.h")]),
    );
  const vmlinux = join(inc, "vmlinux.h");
  if (!existsSync(vmlinux)) {
    const btf = join(out, "vmlinux.btf");
    writeFileSync(btf, brotliDecompressSync(readFileSync(join(root, "assets/vmlinux.btf.br"))));
    writeFileSync(vmlinux, run("bpftool", ["btf", "dump", "file", btf, "format", "c"]));
  }
  return inc;
}

/** The include folders that clang uses for the host, searched last, as the selftests' makefile does. */
function systemIncludes() {
  const text = spawnSync(clang, ["-v", "-E", "-"], { input: "" }).stderr.toString();
  const list = /search starts here:\n([^]*?)End of search list/.exec(text.slice(text.indexOf("#include <...>")))?.[1] ?? "";
  return list
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean)
    .flatMap((dir) => ["-idirafter", dir]);
}

function compile(name, inc, sys) {
  const object = join(out, folder, `${name}.o`);
  const flags = [
    "-O2",
    "-g",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-mlittle-endian",
    "-D__TARGET_ARCH_x86",
    "-Wno-everything",
    "-I",
    inc,
    "-I",
    selftests,
    "-I",
    join(tools, "include/uapi"),
    "-I",
    join(tools, "include"),
    ...sys,
  ];
  if (NO_STRICT_ALIASING.has(name)) flags.push("-fno-strict-aliasing");
  if (NO_INLINE.has(name)) flags.push("-fno-inline");
  return new Promise((done) => {
    const child = spawn(clang, [...flags, "-c", `progs/${name}.c`, "-o", object], {
      cwd: selftests,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    child.stderr.on("data", (d) => (err += d));
    child.on("close", (status) =>
      done(status === 0 ? undefined : (err.split("\n").find((l) => l.includes("error:")) ?? `status ${status}`)),
    );
  });
}

need(archive, "linux-source-6.12");
need(`/usr/bin/${clang}`, clang);
need("/usr/sbin/bpftool", "bpftool");
unpack();
const inc = headers();
const sys = systemIncludes();
mkdirSync(join(out, folder), { recursive: true });
const pattern = args.includes("--all") ? /\.c$/ : new RegExp(option("--only", "^verifier_.*\\.c$"));
const names = readdirSync(join(selftests, "progs"))
  .filter((n) => pattern.test(n))
  .map((n) => n.slice(0, -2))
  .sort();
const failedFile = join(out, folder === "objects" ? "failed.txt" : `failed-${clang}.txt`);
const known = new Map(
  existsSync(failedFile)
    ? readFileSync(failedFile, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((l) => l.split("\t"))
    : [],
);
const todo = names.filter((n) => !existsSync(join(out, folder, `${n}.o`)) && !known.has(n));
let built = 0;
async function worker() {
  for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
    const error = await compile(name, inc, sys);
    if (error === undefined) built++;
    else known.set(name, error);
  }
}
await Promise.all(Array.from({ length: jobs }, worker));
writeFileSync(failedFile, [...known].map(([n, e]) => `${n}\t${e}\n`).join(""));
console.log(
  `corpus: ${readdirSync(join(out, folder)).length} objects in ${join(out, folder)} (${built} built now, ${names.filter((n) => known.has(n)).length} of ${names.length} did not compile: failed.txt)`,
);
