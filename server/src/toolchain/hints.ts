// Advice on what to install, for the system at hand. It looks at os-release and runs nothing.
import { readFileSync } from "node:fs";

type Need = "clang" | "libbpf" | "kernel-headers";
const PACKAGES: Readonly<Record<string, Readonly<Record<Need, string>>>> = {
  debian: { clang: "apt-get install clang", libbpf: "apt-get install libbpf-dev", "kernel-headers": "apt-get install linux-libc-dev" },
  fedora: { clang: "dnf install clang", libbpf: "dnf install libbpf-devel", "kernel-headers": "dnf install kernel-headers" },
  arch: { clang: "pacman -S clang", libbpf: "pacman -S libbpf", "kernel-headers": "pacman -S linux-api-headers" },
  alpine: { clang: "apk add clang", libbpf: "apk add libbpf-dev", "kernel-headers": "apk add linux-headers" },
  suse: { clang: "zypper install clang", libbpf: "zypper install libbpf-devel", "kernel-headers": "zypper install linux-glibc-devel" },
  darwin: {
    clang: "brew install llvm (Apple's own clang has no BPF target)",
    libbpf: "include vmlinux.h instead",
    "kernel-headers": "include vmlinux.h instead",
  },
  win32: { clang: "winget install LLVM.LLVM", libbpf: "include vmlinux.h instead", "kernel-headers": "include vmlinux.h instead" },
};
const LIKE: readonly (readonly [RegExp, string])[] = [
  [/debian|ubuntu/, "debian"],
  [/fedora|rhel|centos/, "fedora"],
  [/arch/, "arch"],
  [/alpine/, "alpine"],
  [/suse/, "suse"],
];

/** Family of this system, a key of the table above. */
function system(): string {
  if (process.platform !== "linux") return process.platform;
  let text = "";
  try {
    text = readFileSync("/etc/os-release", "utf8");
  } catch {
    return "debian";
  }
  const ids = [...text.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map((m) => m[1]!).join(" ");
  return LIKE.find(([like]) => like.test(ids))?.[1] ?? "debian";
}

/** The command that installs `need`, for a named family of systems or for this one. */
export function installHint(need: Need, family = system()): string {
  return (PACKAGES[family] ?? PACKAGES["debian"]!)[need];
}
