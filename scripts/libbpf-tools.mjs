// Builds small programs of ours (test/kernel/libbpf-*.c) with libbpf 1.5 from the corpus's copy of Debian's kernel source. It runs none of them and copies none of its text.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.mjs";

/** Output of a command; a command that fails ends the script. */
export function run(command, argv, options = {}) {
  const r = spawnSync(command, argv, { maxBuffer: 1 << 30, ...options });
  if (r.status !== 0) {
    console.error(`${command} ${argv.slice(0, 4).join(" ")} ... failed: ${r.error?.message ?? r.stderr}`);
    process.exit(2);
  }
  return r.stdout.toString();
}

/** Path of the program made of test/kernel/NAME.c; needs gcc, libelf-dev and zlib1g-dev. */
export function libbpfTool(corpus, name, flags = []) {
  const lib = join(corpus, "linux-source-6.12/tools/lib/bpf");
  const out = join(corpus, "libbpf");
  const tool = join(out, name);
  const source = join(root, `test/kernel/${name}.c`);
  if (existsSync(tool) && statSync(tool).mtimeMs > statSync(source).mtimeMs) return tool;
  mkdirSync(out, { recursive: true });
  if (!existsSync(join(out, "bpf"))) symlinkSync(lib, join(out, "bpf"));
  const cc = ["-O1", "-g", "-D_GNU_SOURCE", `-I${lib}`, `-I${join(lib, "../../include")}`, `-I${join(lib, "../../include/uapi")}`];
  const objects = readdirSync(lib)
    .filter((n) => n.endsWith(".c"))
    .map((n) => [join(lib, n), join(out, n.replace(/\.c$/, ".o"))]);
  for (const [c, o] of objects) if (!existsSync(o)) run("gcc", [...cc, "-c", c, "-o", o]);
  const libs = [...flags, ...objects.map(([, o]) => o), "-lelf", "-lz"];
  run("gcc", ["-O1", "-o", tool, `-I${out}`, `-I${join(lib, "../../include/uapi")}`, source, ...libs]);
  return tool;
}
