// Hover, completion, signature help and the marking of helpers in C. It reads syntax only and never compiles.
import {
  CompletionItemKind,
  CompletionItemTag,
  DiagnosticSeverity,
  MarkupKind,
  type CompletionItem,
  type Diagnostic,
  type Hover,
  type Position,
  type SignatureHelp,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import {
  contextFields,
  HELPERS,
  MAP_TYPE_DOCS,
  mapTypeErrors,
  mapTypeFlags,
  PROG_TYPE_NAMES,
  PROGRAM_TYPE_DOCS,
} from "../../../core/catalog/index.ts";
import { findSection } from "../../../core/object/index.ts";
import { readC, sectionAt } from "../syntax/c-syntax.ts";
import { errorLines, helperMarkdown, helperNamed, parameter, prototype, refusal } from "./helper-text.ts";

/** The identifier around an offset. */
function wordAt(text: string, offset: number): { word: string; start: number; end: number } {
  let start = offset;
  let end = offset;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  while (end < text.length && /\w/.test(text[end]!)) end++;
  return { word: text.slice(start, end), start, end };
}

/** What a helper is, where the mouse rests on one. */
export function hoverC(doc: TextDocument, at: Position): Hover | null {
  const text = doc.getText();
  const { word, start, end } = wordAt(text, doc.offsetAt(at));
  const helper = helperNamed(word);
  if (!helper) return hoverName(doc, word, start);
  const def = sectionAt(text, start)?.def;
  return {
    contents: { kind: MarkupKind.Markdown, value: helperMarkdown(helper, def) },
    range: { start: doc.positionAt(start), end: doc.positionAt(end) },
  };
}

/** A map type's description, flags and errors; undefined for a name that is none. */
function mapTypeText(name: string): string | undefined {
  const doc = MAP_TYPE_DOCS[name];
  if (doc === undefined) return undefined;
  const flags = mapTypeFlags(name).map((f) => `\`${f}\``);
  const errors = mapTypeErrors(name).map((e) => ({ errno: e.errno, when: `${e.operation}: ${e.when}` }));
  return [doc, "", `Flags: ${flags.join(", ")}`, "", ...errorLines(errors)].join("\n");
}

/** Map types by their constant, program types by the section that names them. */
function hoverName(doc: TextDocument, word: string, start: number): Hover | null {
  const markdown = (title: string, text: string | undefined): Hover | null =>
    text === undefined ? null : { contents: { kind: MarkupKind.Markdown, value: `**${title}**\n\n${text}` } };
  const mapType = /^BPF_MAP_TYPE_(\w+)$/.exec(word)?.[1]?.toLowerCase();
  if (mapType !== undefined) return markdown(word, mapTypeText(mapType));
  const line = doc.positionAt(start).line;
  const text = doc.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });
  const section = /\bSEC\s*\(\s*"\??([^"]*)"/.exec(text);
  const column = doc.positionAt(start).character;
  if (!section || column < section.index || column > section.index + section[0].length) return null;
  const def = findSection(section[1]!);
  if (!def) return null;
  const type = PROG_TYPE_NAMES[def.progType] ?? "";
  const context = contextFields(def.progType, def.attachType);
  const fields = context ? `\n\nContext: \`struct ${context.struct}\` with ${context.fields.map(([f]) => `\`${f}\``).join(", ")}.` : "";
  return markdown(`Program of type ${type}`, `${PROGRAM_TYPE_DOCS[type] ?? ""}${fields}`);
}

/** Helpers whose names begin like the word before the cursor; those that the program may not call come last, struck through. */
export function completeC(doc: TextDocument, at: Position): CompletionItem[] {
  const text = doc.getText();
  const offset = doc.offsetAt(at);
  const { start } = wordAt(text, offset);
  const prefix = text.slice(start, offset);
  if (prefix.length < 2 || !"bpf_".startsWith(prefix.slice(0, 4))) return [];
  const def = sectionAt(text, offset)?.def;
  return HELPERS.filter((h) => h.name.startsWith(prefix)).map((h) => {
    const refused = refusal(h, def);
    return {
      label: h.name,
      kind: CompletionItemKind.Function,
      detail: prototype(h),
      documentation: { kind: MarkupKind.Markdown, value: helperMarkdown(h, def) },
      sortText: `${refused ? 1 : 0}${h.name}`,
      ...(refused ? { tags: [CompletionItemTag.Deprecated] } : {}),
    };
  });
}

/** The prototype of the helper whose arguments the cursor is in. */
export async function signatureC(doc: TextDocument, at: Position): Promise<SignatureHelp | null> {
  const offset = doc.offsetAt(at);
  const { calls } = await readC(doc.getText());
  const inside = calls
    .filter((c) => offset >= c.argsStart && offset <= c.argsEnd && helperNamed(c.name))
    .sort((a, b) => b.argsStart - a.argsStart)[0];
  const helper = inside && helperNamed(inside.name);
  if (!inside || !helper) return null;
  const active = inside.commas.filter((c) => c < offset).length;
  return {
    signatures: [
      {
        label: prototype(helper),
        documentation: { kind: MarkupKind.Markdown, value: helper.doc },
        parameters: helper.args.map((a) => ({ label: parameter(a) })),
      },
    ],
    activeSignature: 0,
    activeParameter: Math.min(active, Math.max(helper.args.length - 1, 0)),
  };
}

/** Calls of helpers that the program's type may not use, straight from the syntax. */
export async function refusedCalls(doc: TextDocument): Promise<Diagnostic[]> {
  const text = doc.getText();
  const { calls } = await readC(text);
  return calls.flatMap((call) => {
    const helper = helperNamed(call.name);
    const section = helper && sectionAt(text, call.startOffset);
    const refused = helper && refusal(helper, section?.def);
    if (!section || !refused) return [];
    const message = `${refused} (section "${section.name}")`;
    return [
      {
        range: { start: call.start, end: call.end },
        severity: DiagnosticSeverity.Warning,
        source: "beeline",
        code: "helper-not-allowed",
        message,
      },
    ];
  });
}
