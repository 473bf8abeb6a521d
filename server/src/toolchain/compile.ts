// Compiles one C file for BPF with the user's clang, unsaved texts included. It runs nothing but clang, writes only private files and the cache of vmlinux.h.
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { DIAGNOSTIC_FLAGS, parseDiagnostics } from "./diagnostics.ts";
import { findClang, type Clang } from "./find-clang.ts";
import { flagsFor, type FileFlags } from "./flags.ts";
import { installHint } from "./hints.ts";
import { openWorkbench, type Workbench } from "./overlay.ts";
import { run, type RunResult } from "./run.ts";
import { makeVmlinux, vmlinuxDir } from "./vmlinux.ts";
import type { CompileDiagnostic, CompileRequest, CompileResult, ToolchainSettings } from "./types.ts";

const TIMEOUT_MS = 20_000;
const MAX_MESSAGES = 4 << 20;
const MAX_OBJECT = 64 << 20;

/** Compiles `request.file`. All failures are diagnostics; it rejects only for faults of the host (no temporary folder). */
export async function compileC(request: CompileRequest): Promise<CompileResult> {
  const file = resolve(request.file);
  const search = await findClang(request.settings.clangPath);
  if (search.clang === undefined) {
    const message = `${search.why}; C programs need clang with the BPF target: ${installHint("clang")} (or set the path of clang in the settings)`;
    return { ok: false, missing: "clang", diagnostics: [whole(file, message)], command: [] };
  }
  const texts = new Map([...(request.overlays ?? [])].map(([path, text]) => [resolve(path), text]));
  if (request.text !== undefined) texts.set(file, request.text);
  const bench = openWorkbench(file, texts);
  try {
    return await attempt({ request, file, clang: search.clang, bench, flags: flagsFor(file, request.settings) }, true);
  } finally {
    bench.remove();
  }
}

interface Job {
  readonly request: CompileRequest;
  readonly file: string;
  readonly clang: Clang;
  readonly bench: Workbench;
  readonly flags: FileFlags;
}

async function attempt(job: Job, mayMakeVmlinux: boolean): Promise<CompileResult> {
  const { settings, signal } = job.request;
  const args = [
    ...job.flags.flags,
    ...job.bench.flags,
    ...fallbacks(settings),
    ...DIAGNOSTIC_FLAGS,
    "-c",
    job.bench.inputPath,
    "-o",
    job.bench.objectPath,
  ];
  const command = [job.clang.path, ...args];
  const cwd = existsSync(job.flags.cwd) ? job.flags.cwd : job.bench.dir;
  const result = await run(job.clang.path, args, { cwd, timeoutMs: settings.timeoutMs ?? TIMEOUT_MS, maxOutput: MAX_MESSAGES, signal });
  if (result.stopped === "cancelled") return { ok: false, cancelled: true, diagnostics: [], command };
  const diagnostics = parseDiagnostics(result.stderr, cwd, job.file).map((d) => withoutStub(d, job));
  if (mayMakeVmlinux && settings.vmlinux && settings.cacheDir && diagnostics.some((d) => missingHeader(d) === "vmlinux.h")) {
    makeVmlinux(settings.cacheDir, settings.vmlinux);
    return attempt(job, false);
  }
  const object = result.status === 0 ? readObject(job.bench.objectPath) : undefined;
  if (object !== undefined) return { ok: true, object, diagnostics, command };
  const advised = diagnostics.map(advise);
  if (!advised.some((d) => d.severity === "error")) advised.push(whole(job.file, failure(result, job.clang)));
  return { ok: false, diagnostics: advised, command };
}

/** Our own one-line file is no place to show. */
function withoutStub(d: CompileDiagnostic, { bench, file }: Job): CompileDiagnostic {
  if (bench.inputPath === file) return d;
  const at = d.file === bench.inputPath ? { file, line: 1, column: 1 } : {};
  return { ...d, ...at, notes: d.notes.filter((n) => n.file !== bench.inputPath) };
}

/** Searched after everything that the project and the system offer. */
function fallbacks(settings: ToolchainSettings): string[] {
  const multiarch = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((t) => `/usr/include/${t}`).filter(existsSync);
  return [
    ...multiarch.slice(0, 1),
    settings.headersDir,
    settings.cacheDir && settings.vmlinux && vmlinuxDir(settings.cacheDir, settings.vmlinux),
  ].flatMap((dir) => (dir ? ["-idirafter", dir] : []));
}

function readObject(path: string): Uint8Array | undefined {
  if (!existsSync(path) || statSync(path).size > MAX_OBJECT) return undefined;
  return new Uint8Array(readFileSync(path));
}

const whole = (file: string, message: string): CompileDiagnostic => ({ file, line: 1, column: 1, severity: "error", message, notes: [] });
const missingHeader = (d: CompileDiagnostic): string | undefined => /^'([^']+)' file not found/.exec(d.message)?.[1];

/** Says what to do about a missing header. */
function advise(d: CompileDiagnostic): CompileDiagnostic {
  const header = missingHeader(d);
  if (header === undefined) return d;
  const system = header.startsWith("bpf/")
    ? installHint("libbpf")
    : /^(linux|asm|asm-generic)\//.test(header)
      ? installHint("kernel-headers")
      : undefined;
  const how = system
    ? `${system}, or add its folder to the include paths`
    : "add its folder to the include paths in the settings, or to compile_flags.txt";
  return { ...d, message: `${d.message}; ${how}` };
}

function failure(result: RunResult, clang: Clang): string {
  if (result.stopped === "timeout") return "clang took too long and was stopped; raise the time limit in the settings";
  if (result.stopped === "output") return "clang printed too much and was stopped";
  if (result.stopped === "not-started") return `${clang.path} could not be started`;
  return `clang failed (status ${result.status}): ${result.stderr.trim().split("\n").at(-1) ?? ""}`;
}
