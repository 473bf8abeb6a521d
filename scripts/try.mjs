// `npm run try`: sets up, builds, and shows the main job on the examples; then packages the extension and opens it where VS Code is. It tests nothing.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { npmPackages, root } from "./prepare.mjs";

npmPackages();
const cli = join(root, "dist", "cli.js");
const examples = join(root, "examples");
const PACKET = "ffffffffffff02000000000108004500002000010000401166ca0a0000010a00000230390035000c000064617461";
const say = (text) => console.log(`\n\x1b[1m${text}\x1b[0m`);
const beeline = (...args) => spawnSync(process.execPath, [cli, ...args], { cwd: examples, encoding: "utf8" });
const clang = ["clang", ...[22, 21, 20, 19, 18, 17, 16, 15].map((v) => `clang-${v}`)].some(
  (c) => spawnSync(c, ["--version"], { stdio: "ignore" }).status === 0,
);

/** Prints each verdict with the line that it is about. */
function verify(files) {
  const { stdout, stderr } = beeline("verify", "--format", "json", ...files);
  process.stderr.write(stderr);
  for (const row of stdout
    .split("\n")
    .filter(Boolean)
    .map((l) => JSON.parse(l))) {
    const verdict =
      row.verdict === "accept"
        ? `accepted, ${row.processed} instructions processed`
        : `${row.verdict === "reject" ? "REJECTED" : "no verdict"}: ${(row.error?.length ? row.error : [row.message]).join(" / ")}`;
    console.log(`  ${row.object.split("/").at(-1)} ${row.program}: ${verdict}`);
    if (row.verdict !== "accept" && row.source) console.log(`      at ${row.source.file}:${row.source.line}`);
  }
}

/** An object of the example for the run: compiled when there is a compiler, else the one that is shipped. */
function runExample() {
  const { stdout, stderr, status } = beeline(
    "run",
    clang ? "xdp_parse.bpf.c" : "xdp_parse.bpf.o",
    "--program",
    "xdp_parse",
    "--packet",
    PACKET,
  );
  process.stdout.write(`  xdp_parse on a DNS query of 46 bytes:\n${(status === 0 ? stdout : stderr).replace(/^/gm, "    ")}\n`);
}

say("Building");
execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, stdio: "inherit" });
const hint =
  process.platform === "darwin"
    ? "brew install llvm"
    : process.platform === "win32"
      ? "winget install LLVM.LLVM"
      : "apt-get install clang libbpf-dev";
if (!clang) console.log(`No clang here, so the shipped objects and assembly are used; '${hint}' gets one.`);
say("Verifying the examples");
const all = readdirSync(examples).sort();
verify(all.filter((f) => (clang ? /\.bpf\.[cs]$/ : /\.bpf\.[os]$/).test(f)));
say("Running an example");
runExample();
say("Packaging the extension");
execFileSync(process.execPath, [join(root, "scripts", "package.mjs")], { cwd: root, stdio: "inherit" });
const code = spawnSync("code", ["--version"], { stdio: "ignore", shell: process.platform === "win32" }).status === 0;
if (code && existsSync(join(root, "beeline.vsix"))) {
  spawnSync("code", ["--install-extension", join(root, "beeline.vsix")], { stdio: "inherit", shell: process.platform === "win32" });
  spawnSync("code", [examples], { stdio: "ignore", shell: process.platform === "win32" });
} else
  say(
    "VS Code is not here. Install beeline.vsix with 'Extensions: Install from VSIX...' or 'code --install-extension beeline.vsix', then open the folder examples/.",
  );
