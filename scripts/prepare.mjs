// Sets up what build and tests need: npm packages and, on Debian as root, system packages. It says what it could not set up.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Debian packages by what they give; `present` says whether they are needed at all. */
const SYSTEM = [
  { packages: ["clang-19", "llvm-19"], what: "clang for BPF", present: () => ["clang-19", "clang"].some(runs) },
  { packages: ["libbpf-dev", "linux-libc-dev"], what: "headers of libbpf", present: () => existsSync("/usr/include/bpf/bpf_helpers.h") },
  { packages: ["bpftool"], what: "bpftool", present: () => runs("bpftool") || existsSync("/usr/sbin/bpftool") },
  {
    packages: ["xdp-tools"],
    what: "the objects of xdp-tools",
    present: () => existsSync("/usr/lib/x86_64-linux-gnu/bpf") || existsSync("/usr/lib/bpf") || runs("xdp-loader"),
  },
  { packages: ["chromium", "fonts-dejavu-core"], what: "chromium", present: () => existsSync("/usr/bin/chromium") },
  { packages: ["linux-source-6.12"], what: "the kernel's selftests", present: () => existsSync("/usr/src/linux-source-6.12.tar.xz") },
  {
    packages: ["gcc", "libc6-dev", "libelf-dev", "zlib1g-dev"],
    what: "gcc and libelf (for comparisons with libbpf)",
    present: () => runs("gcc") && existsSync("/usr/include/libelf.h") && existsSync("/usr/include/zlib.h"),
  },
  { packages: ["brotli"], what: "brotli", present: () => runs("brotli") },
];

function runs(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}
const release = () => (existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "");

/** Installs the packages of the lock file when they are not there. */
export function npmPackages() {
  if (existsSync(join(root, "node_modules", "esbuild"))) return;
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, stdio: "inherit" });
}

/** Installs missing system packages where it can. Answers what is still missing, in words. */
export function systemPackages() {
  const wanted = SYSTEM.filter((s) => !s.present());
  const debian = /^ID(_LIKE)?=.*\b(debian)\b/m.test(release());
  if (!wanted.length || !debian || process.getuid?.() !== 0) return wanted.map((s) => s.what);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], { env, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  apt("update", "-qq");
  // One by one: a package that this release does not have must not keep the others away.
  for (const { packages } of wanted) for (const p of packages) apt("install", "-y", "-qq", "--no-install-recommends", p);
  return wanted.filter((s) => !s.present()).map((s) => s.what);
}
