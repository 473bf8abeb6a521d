// Reads the part of a .clangd file that says how C is compiled: Add, Remove, CompilationDatabase, for the files that its If admits. It applies nothing.

/** What the fragments of a .clangd say about one file. */
export interface ClangdConfig {
  /** One after the other: flags to be taken away (a `*` at the end stands for anything), then flags to be added. */
  readonly edits: readonly { readonly remove: readonly string[]; readonly add: readonly string[] }[];
  /** Folder of compile_commands.json, as written; `None` for none. */
  readonly database: string | undefined;
}

/** One `key: values` at a depth of two: `CompileFlags.Add`. */
type Fragment = ReadonlyMap<string, readonly string[]>;

/** The configuration for a file at `path`, relative to the folder of the .clangd, with forward slashes. */
export function clangdConfig(text: string, path: string): ClangdConfig {
  const fragments = text
    .split(/^---.*$/m)
    .map(parseFragment)
    .filter((f) => applies(f, path));
  return {
    edits: fragments.map((f) => ({ remove: f.get("CompileFlags.Remove") ?? [], add: f.get("CompileFlags.Add") ?? [] })),
    database: fragments.flatMap((f) => f.get("CompileFlags.CompilationDatabase") ?? []).at(-1),
  };
}

/** Lists in brackets, lists of lines with dashes, and single values. */
function parseFragment(text: string): Fragment {
  const out = new Map<string, string[]>();
  let [section, key] = ["", ""];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/(^|\s)#.*$/, "");
    const top = /^(\w+):\s*$/.exec(line);
    const inner = /^\s+(\w+):\s*(.*)$/.exec(line);
    if (top) [section, key] = [top[1]!, ""];
    else if (/^\S/.test(line)) [section, key] = ["", ""];
    else if (inner) {
      key = inner[1]!;
      push(out, `${section}.${key}`, inner[2]!);
    } else if (key !== "") push(out, `${section}.${key}`, line.trim().replace(/^-\s+/, ""), !/^\s*-\s/.test(line));
  }
  return out;
}

function push(out: Map<string, string[]>, key: string, text: string, list = true): void {
  const items = list ? text.replace(/^\[|\]$/g, "").split(",") : [text];
  const values = items.map((s) => s.trim().replace(/^(["'])(.*)\1$/, "$2")).filter(Boolean);
  out.set(key, [...(out.get(key) ?? []), ...values]);
}

/** `PathMatch` and `PathExclude` are regular expressions for the whole path; one that is none admits nothing. */
function applies(fragment: Fragment, path: string): boolean {
  const some = (patterns: readonly string[]): boolean =>
    patterns.some((p) => {
      try {
        return new RegExp(`^(?:${p})$`).test(path);
      } catch {
        return false;
      }
    });
  const wanted = fragment.get("If.PathMatch") ?? [];
  return (wanted.length === 0 || some(wanted)) && !some(fragment.get("If.PathExclude") ?? []);
}

/** `flags` without those that a configuration takes away: exact ones, and prefixes that end in `*`; values that stand apart go with their flag. */
export function withoutRemoved(flags: readonly string[], remove: readonly string[], takesValue: (flag: string) => boolean): string[] {
  const gone = (flag: string): boolean => remove.some((r) => (r.endsWith("*") ? flag.startsWith(r.slice(0, -1)) : flag === r));
  const out: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const words = takesValue(flags[i]!) ? flags.slice(i, i + 2) : [flags[i]!];
    i += words.length - 1;
    if (!gone(words[0]!)) out.push(...words);
  }
  return out;
}
