// Helpers as the editor shows them: signature, description, who may call them. Markdown only; it decides nothing.
import {
  helperAvailable,
  helperByName,
  helperErrors,
  helperProgramTypes,
  PROG_TYPE_NAMES,
  type ErrorRow,
  type HelperRecord,
} from "../../../core/catalog/index.ts";
import type { SectionDef } from "../../../core/object/index.ts";

const declaration = (ctype: string, name: string): string => (ctype.endsWith("*") || name === "" ? `${ctype}${name}` : `${ctype} ${name}`);

/** One argument as C writes it. */
export const parameter = (a: HelperRecord["args"][number]): string => (a.name === "..." ? "..." : declaration(a.ctype, a.name));

/** The C prototype. */
export function prototype(h: HelperRecord): string {
  return `${declaration(h.returns, h.name)}(${h.args.map(parameter).join(", ") || "void"})`;
}

/** Why programs of a section may not call a helper; undefined when they may or when the section is unknown. */
export function refusal(h: HelperRecord, def: SectionDef | undefined): string | undefined {
  if (!def || helperAvailable(h.id, def.progType, def.attachType)) return undefined;
  return `program of type ${PROG_TYPE_NAMES[def.progType] ?? def.progType} cannot use helper ${h.name}#${h.id}`;
}

/** Markdown of a list of errors; nothing for none. */
export const errorLines = (errors: readonly ErrorRow[]): string[] =>
  errors.length ? ["Errors:", ...errors.map((e) => `- \`-${e.errno}\`: ${e.when}`), ""] : [];

/** Markdown for hover and completion. */
export function helperMarkdown(h: HelperRecord, def: SectionDef | undefined): string {
  const refused = refusal(h, def);
  const types = helperProgramTypes(h.id);
  const facts = [
    `Helper #${h.id}`,
    `since Linux ${h.since}`,
    ...(h.gplOnly ? ["GPL-compatible programs only"] : []),
    ...(h.mightSleep ? ["may sleep"] : []),
  ];
  return [
    "```c",
    prototype(h),
    "```",
    ...(refused ? [`**Not here:** ${refused}.`, ""] : []),
    h.doc,
    "",
    ...errorLines(helperErrors(h.name)),
    `${facts.join(" · ")}`,
    "",
    `Program types: ${types.length === 33 ? "all" : types.map((t) => `\`${t}\``).join(", ") || "none of those measured on 6.18"}`,
  ].join("\n");
}

/** The helper behind a word of C, with or without `bpf_`. */
export const helperNamed = (word: string): HelperRecord | undefined => (word.startsWith("bpf_") ? helperByName(word) : undefined);
