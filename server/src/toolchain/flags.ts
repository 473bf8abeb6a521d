// Decides the flags for one file: what the project says (compile_commands.json, .clangd, compile_flags.txt), settings, and defaults. It runs nothing.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
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

/** `CompileFlags: Add:` of a .clangd file, written as a list in brackets or as lines with dashes. */
function fromClangd(path: string): string[] {
  const lines = (readText(path) ?? "").split(/\r?\n/).map((l) => l.replace(/\s+#.*$/, ""));
  const out: string[] = [];
  let inside = false;
  let adding = false;
  for (const line of lines) {
    if (/^\S/.test(line)) inside = /^CompileFlags:\s*$/.test(line);
    if (!inside) continue;
    const add = /^\s+Add:\s*(.*)$/.exec(line);
    if (add) adding = true;
    else if (/^\s+\w+:/.test(line)) adding = false;
    if (!adding) continue;
    const list = (add?.[1] ?? line).trim().replace(/^\[|\]$/g, "");
    const items = add || !list.startsWith("-") ? list.split(",") : [list.replace(/^-\s+/, "")];
    out.push(...items.map((s) => s.trim().replace(/^(["'])(.*)\1$/, "$2")).filter(Boolean));
  }
  return out;
}

/** All flags but those that name the input, the output and our fallbacks. */
export function flagsFor(file: string, settings: ToolchainSettings): FileFlags {
  const folders = foldersUp(file, settings.workspaceRoots ?? []);
  const project = projectFlags(file, folders);
  const clangd = folders
    .map((d) => join(d, ".clangd"))
    .filter(existsSync)
    .slice(0, 1)
    .flatMap(fromClangd);
  const own = [...project.flags, ...cleanFlags(clangd, file)];
  const given = targetsBpf(own) ? own : portable(own);
  const extra = [
    ...(settings.includePaths ?? []).flatMap((p) => ["-I", isAbsolute(p) ? p : resolve(settings.workspaceRoots?.[0] ?? project.cwd, p)]),
    ...(settings.extraFlags ?? []),
  ];
  return { ...project, flags: withDefaults([...given, ...extra]) };
}

function projectFlags(file: string, folders: readonly string[]): FileFlags {
  for (const dir of folders) {
    for (const place of [dir, join(dir, "build"), join(dir, "out")]) {
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
