// Decides the flags for one file: what the project says (compile_commands.json, .clangd, compile_flags.txt), settings, and defaults. It runs nothing.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { clangdConfig, withoutRemoved, type ClangdConfig } from "./clangd-config.ts";
import type { ToolchainSettings } from "./types.ts";

export interface FileFlags {
  /** Folder that relative paths in `flags` start from. */
  readonly cwd: string;
  readonly flags: readonly string[];
  /** Where the flags came from, for messages. */
  readonly source: string;
}

const MAX_BYTES = 64 << 20;
/** Flags with a separate value that do not belong into our command; the value goes too. */
const DROP_WITH_VALUE: ReadonlySet<string> = new Set([
  "-o",
  "-MF",
  "-MT",
  "-MQ",
  "-MJ",
  "-x",
  "-arch",
  "-Xlinker",
  "-T",
  "-fplugin",
  "-load",
  "--serialize-diagnostics",
  "-serialize-diagnostics",
  "-dependency-file",
  "-wrapper",
  "-specs",
  "--config",
  "-add-plugin",
  "-plugin",
]);
/** Single flags that write files, load code, or choose another output. */
const DROP =
  /^(-c|-S|-E|-M[DMGPV]*|-fsyntax-only|-emit-llvm|-flto.*|-save-temps.*|-ftime-trace.*|-fplugin.*|-fpass-plugin.*|-B.*|-ccc.*|--config.*|-o.+|-MF.+|-fdiagnostics.*|-fcolor.*|-ivfsoverlay.*|-specs.*|@.*|-v|-###|-Wp,.*|-Wl,.*|-Wa,.*|-x.+)$/;
/** Of a command for another target only these say anything about the source. */
const PORTABLE =
  /^(-I|-D|-U|-isystem|-iquote|-idirafter|-include|-imacros|-std=|-W|-f(no-)?(strict-aliasing|builtin|common|signed-char|unsigned-char|short-enums))/;
const WITH_VALUE: ReadonlySet<string> = new Set([
  "-I",
  "-D",
  "-U",
  "-isystem",
  "-iquote",
  "-idirafter",
  "-include",
  "-imacros",
  "-target",
  "--target",
  "-mcpu",
  "-Xclang",
  "-mllvm",
  "--sysroot",
  "-isysroot",
]);

function readText(path: string): string | undefined {
  try {
    return statSync(path).size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** Splits a command as a POSIX shell would, without doing anything else that a shell does. */
export function splitCommand(text: string): string[] {
  const out: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote === "'") {
      if (c === "'") quote = "";
      else word += c;
    } else if (c === "\\" && i + 1 < text.length) word = (word ?? "") + text[++i]!;
    else if (quote === '"') {
      if (c === '"') quote = "";
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) out.push(word);
      word = undefined;
    } else word = (word ?? "") + c;
  }
  if (word !== undefined) out.push(word);
  return out;
}

/** Removes what must not reach our command: outputs, inputs, plug-ins, response files. */
export function cleanFlags(flags: readonly string[], file: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    if (flag === "--") break;
    if (DROP_WITH_VALUE.has(flag)) i++;
    else if (flag === "-Xclang" && /plugin|^-load$|^-o$|dependency/.test(flags[i + 1] ?? "")) i++;
    else if (WITH_VALUE.has(flag)) out.push(flag, ...flags.slice(++i, i + 1));
    else if (!DROP.test(flag) && (flag.startsWith("-") || !isInput(flag, file))) {
      if (flag.startsWith("-")) out.push(flag);
    }
  }
  return out;
}

const isInput = (flag: string, file: string): boolean => basename(flag) === basename(file) || /\.(c|o|s|S)$/.test(flag);

export const targetsBpf = (flags: readonly string[]): boolean =>
  flags.some((f, i) => /^--?target=bpf/.test(f) || ((f === "-target" || f === "--target") && /^bpf/.test(flags[i + 1] ?? "")));

function portable(flags: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    const value = WITH_VALUE.has(flag) ? flags[++i] : undefined;
    if (PORTABLE.test(flag)) out.push(flag, ...(value === undefined ? [] : [value]));
  }
  return out;
}

/** Folders from the file's own up to (and with) the innermost workspace root above it, or up to the root of the disk. */
function foldersUp(file: string, roots: readonly string[]): string[] {
  const out: string[] = [];
  const stops = new Set(roots.map((r) => resolve(r)));
  for (let dir = dirname(resolve(file)); ; dir = dirname(dir)) {
    out.push(dir);
    if (stops.has(dir) || dirname(dir) === dir) return out;
  }
}

interface DbEntry {
  readonly directory?: unknown;
  readonly file?: unknown;
  readonly command?: unknown;
  readonly arguments?: unknown;
}

/** Flags of `file` in a compile_commands.json; undefined when it is not listed or the file can't be read. */
function fromDatabase(path: string, file: string): FileFlags | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(entries)) return undefined;
  for (const e of entries as DbEntry[]) {
    if (typeof e !== "object" || e === null || typeof e.file !== "string") continue;
    const cwd = resolve(dirname(path), typeof e.directory === "string" ? e.directory : ".");
    if (resolve(cwd, e.file) !== resolve(file)) continue;
    const words = Array.isArray(e.arguments) ? e.arguments.map(String) : typeof e.command === "string" ? splitCommand(e.command) : [];
    return { cwd, flags: cleanFlags(words.slice(1), file), source: path };
  }
  return undefined;
}

const NO_CONFIG: ClangdConfig = { edits: [], database: undefined };

/** The innermost .clangd above a file, and its folder. */
function nearestClangd(file: string, folders: readonly string[]): { dir: string; config: ClangdConfig } {
  const dir = folders.find((d) => existsSync(join(d, ".clangd")));
  if (dir === undefined) return { dir: dirname(resolve(file)), config: NO_CONFIG };
  const path = relative(dir, resolve(file)).replaceAll("\\", "/");
  return { dir, config: clangdConfig(readText(join(dir, ".clangd")) ?? "", path) };
}

/** All flags but those that name the input, the output and our fallbacks. */
export function flagsFor(file: string, settings: ToolchainSettings): FileFlags {
  const folders = foldersUp(file, settings.workspaceRoots ?? []);
  const { dir, config } = nearestClangd(file, folders);
  const named = config.database !== undefined && config.database !== "Ancestors";
  const database = named && config.database !== "None" ? resolve(dir, config.database!) : undefined;
  const listed = database === undefined ? undefined : fromDatabase(join(database, "compile_commands.json"), file);
  const project = listed ?? projectFlags(file, folders, !named);
  const takesValue = (flag: string): boolean => WITH_VALUE.has(flag);
  const own = config.edits.reduce(
    (flags: readonly string[], edit) => [...withoutRemoved(flags, edit.remove, takesValue), ...cleanFlags(edit.add, file)],
    project.flags,
  );
  const given = targetsBpf(own) ? own : portable(own);
  const extra = [
    ...(settings.includePaths ?? []).flatMap((p) => ["-I", isAbsolute(p) ? p : resolve(settings.workspaceRoots?.[0] ?? project.cwd, p)]),
    ...(settings.extraFlags ?? []),
  ];
  return { ...project, flags: withDefaults([...given, ...extra]) };
}

/** From the innermost folder that has a compilation database with the file (when those count) or a compile_flags.txt. */
function projectFlags(file: string, folders: readonly string[], databases: boolean): FileFlags {
  for (const dir of folders) {
    for (const place of databases ? [dir, join(dir, "build"), join(dir, "out")] : []) {
      const found = fromDatabase(join(place, "compile_commands.json"), file);
      if (found) return found;
    }
    const text = readText(join(dir, "compile_flags.txt"));
    if (text !== undefined)
      return {
        cwd: dir,
        flags: cleanFlags(
          text
            .split(/\r?\n/)
            .map((l) => l.trim())
            .filter(Boolean),
          file,
        ),
        source: join(dir, "compile_flags.txt"),
      };
  }
  return { cwd: dirname(resolve(file)), flags: [], source: "defaults" };
}

/** `-O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86`, each only where nothing else was said. */
function withDefaults(flags: readonly string[]): string[] {
  const has = (re: RegExp): boolean => flags.some((f) => re.test(f));
  const out = [...flags];
  if (!has(/^-O/)) out.unshift("-O2");
  if (!has(/^-g/)) out.unshift("-g");
  if (!targetsBpf(flags)) out.unshift("-target", "bpf");
  if (!has(/^-mcpu/)) out.unshift("-mcpu=v3");
  if (!has(/^(-D)?__TARGET_ARCH_/)) out.unshift("-D__TARGET_ARCH_x86");
  return out;
}
