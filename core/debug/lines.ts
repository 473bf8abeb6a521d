// Source lines of programs from BTF line info, both ways. It reads no files.
import type { LineInfo } from "../object/index.ts";
import type { Program } from "../vm/index.ts";

const cache = new WeakMap<Program, readonly (LineInfo | undefined)[]>();

/** The line record in force at each slot: the last one at or before it, within the subprogram. */
function table(program: Program): readonly (LineInfo | undefined)[] {
  let t = cache.get(program);
  if (!t) {
    const at = new Map((program.source.lineInfo ?? []).map((l) => [l.insnIdx, l]));
    const starts = new Set(program.subprogStarts);
    let now: LineInfo | undefined;
    t = program.insns.map((_, i) => (now = at.get(i) ?? (starts.has(i) ? undefined : now)));
    cache.set(program, t);
  }
  return t;
}
export const lineAt = (program: Program, slot: number): LineInfo | undefined => table(program)[slot];

/** Whether two paths may mean one file: equal, or one ends with the other. */
export function sameFile(a: string, b: string): boolean {
  const clean = (p: string): string => p.replace(/\\/g, "/").replace(/^(\.\/)+/, "");
  const [x, y] = [clean(a), clean(b)];
  return x === y || x.endsWith(`/${y}`) || y.endsWith(`/${x}`) || x.split("/").at(-1) === y.split("/").at(-1);
}

/** Slots where code of a line begins; the next line with code when this one has none. */
export function slotsOfLine(program: Program, file: string, line: number): { line: number; slots: number[] } | undefined {
  const t = table(program);
  const lines = new Set(t.filter((l): l is LineInfo => l !== undefined && sameFile(l.file, file) && l.line >= line).map((l) => l.line));
  if (lines.size === 0) return undefined;
  const found = Math.min(...lines);
  const slots: number[] = [];
  t.forEach((l, i) => {
    if (!l || l.line !== found || !sameFile(l.file, file)) return;
    const before = t[i - 1];
    if (!before || before.line !== found || !sameFile(before.file, file) || program.subprogStarts.includes(i)) slots.push(i);
  });
  return { line: found, slots };
}

/** Name of the subprogram that a slot lies in. */
export function functionAt(program: Program, slot: number): { name: string; start: number } {
  const start = program.subprogStarts.findLast((s) => s <= slot) ?? 0;
  return { start, name: start === 0 ? program.source.name : (program.source.subprogNames?.get(start) ?? `subprog_${start}`) };
}
