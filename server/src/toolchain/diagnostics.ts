// Reads clang's messages (text form, no colours, no carets) into structured diagnostics. It knows nothing of BPF.
import { isAbsolute, resolve } from "node:path";
import type { CompileDiagnostic, CompileNote, Severity } from "./types.ts";

/** Flags that make clang print one message a line. */
export const DIAGNOSTIC_FLAGS: readonly string[] = [
  "-fno-color-diagnostics",
  "-fno-caret-diagnostics",
  "-fdiagnostics-show-option",
  "-ferror-limit=50",
];

const MESSAGE = /^(.+?):(\d+):(\d+): (fatal error|error|warning|note|remark): (.*)$/;
const INCLUDED = /^(?:In file included from|\s+from) (.+):(\d+)[:,]$/;
const BARE = /^(?:clang[^:]*|ld\.lld|fatal error): ?(?:(fatal error|error|warning): )?(.*)$/;
const FLAG = /^(.*) \[(-W[^\],]*)[^\]]*\]$/;
const LIMIT = 500;

/** `cwd` makes relative names absolute; `file` takes messages that name none. */
export function parseDiagnostics(text: string, cwd: string, file: string): CompileDiagnostic[] {
  const out: {
    -readonly [K in keyof CompileDiagnostic]: CompileDiagnostic[K] extends readonly CompileNote[] ? CompileNote[] : CompileDiagnostic[K];
  }[] = [];
  let includes: CompileNote[] = [];
  const absolute = (name: string): string => (isAbsolute(name) || name.startsWith("<") ? name : resolve(cwd, name));
  for (const line of text.split(/\r?\n/)) {
    if (out.length >= LIMIT) break;
    const included = INCLUDED.exec(line);
    if (included) {
      includes.push({ file: absolute(included[1]!), line: Number(included[2]), column: 1, message: "included from here" });
      continue;
    }
    const m = MESSAGE.exec(line);
    const bare = m ? null : BARE.exec(line);
    if (m) {
      const place = { file: absolute(m[1]!), line: Number(m[2]), column: Number(m[3]) };
      const last = out.at(-1);
      if ((m[4] === "note" || m[4] === "remark") && last) last.notes.push({ ...place, message: m[5]! });
      else out.push({ ...place, ...splitFlag(m[5]!), severity: severity(m[4]!), notes: includes });
      includes = [];
    } else if (bare?.[1] && !/linker command failed/.test(bare[2]!)) {
      out.push({ file, line: 1, column: 1, ...splitFlag(bare[2]!), severity: severity(bare[1]), notes: [] });
    } else if (/^error: /.test(line)) out.push({ file, line: 1, column: 1, message: line.slice(7), severity: "error", notes: [] });
  }
  return out;
}

const severity = (word: string): Severity => (word.endsWith("error") ? "error" : word === "warning" ? "warning" : "note");

function splitFlag(message: string): { message: string; flag?: string } {
  const m = FLAG.exec(message);
  return m ? { message: m[1]!, flag: m[2]! } : { message };
}
