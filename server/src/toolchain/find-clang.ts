// Finds a clang that can compile for BPF: the setting, then the PATH, then versioned names. It compiles nothing.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

export interface Clang {
  readonly path: string;
  /** `19.1.7`. */
  readonly version: string;
}
export type ClangSearch = { readonly clang: Clang } | { readonly clang?: undefined; readonly why: string };

const NEWEST = 21;
const OLDEST = 10;
const SUFFIX = process.platform === "win32" ? ".exe" : "";
const NAMES = ["clang", ...Array.from({ length: NEWEST - OLDEST + 1 }, (_, i) => `clang-${NEWEST - i}`)].map((n) => n + SUFFIX);
/** Where LLVM puts itself without being on the PATH. */
const USUAL = ["/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin", "C:\\Program Files\\LLVM\\bin"];

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const known = new Map<string, Promise<Clang | string>>();

/** Version and BPF target of one clang; a text says what is wrong with it. Asked once per path and change of the file. */
function inspect(path: string): Promise<Clang | string> {
  const key = `${path}:${statSync(path).mtimeMs}`;
  const found = known.get(key) ?? ask(path);
  known.set(key, found);
  return found;
}

async function ask(path: string): Promise<Clang | string> {
  const options = { timeoutMs: 10_000, maxOutput: 1 << 16 };
  const version = /version (\d+(?:\.\d+)*)/.exec((await run(path, ["--version"], options)).stdout)?.[1];
  if (version === undefined) return `${path} is not clang`;
  if (Number.parseInt(version, 10) < OLDEST) return `${path} is clang ${version}; ${OLDEST} or newer is needed`;
  const targets = await run(path, ["-print-targets"], options);
  const able =
    targets.status === 0
      ? /^\s*bpf\b/m.test(targets.stdout)
      : (await run(path, ["-target", "bpf", "-x", "c", "-c", "-o", "-", "-"], { ...options, input: "" })).status === 0;
  return able ? { path, version } : `${path} (clang ${version}) has no BPF target`;
}

/** The first usable clang. A setting that does not work is an error, not a reason to take another one. */
export async function findClang(setting?: string, searchPath = process.env["PATH"] ?? ""): Promise<ClangSearch> {
  if (setting) {
    if (!executable(setting)) return { why: `the configured clang '${setting}' does not exist or can't be run` };
    const found = await inspect(setting);
    return typeof found === "string" ? { why: found } : { clang: found };
  }
  const folders = [...searchPath.split(delimiter).filter(Boolean), ...(searchPath === process.env["PATH"] ? USUAL : [])];
  let why = "clang was not found";
  for (const name of NAMES) {
    for (const path of folders.map((f) => join(f, name)).filter(executable)) {
      const found = await inspect(path);
      if (typeof found !== "string") return { clang: found };
      why = found;
    }
  }
  return { why };
}
