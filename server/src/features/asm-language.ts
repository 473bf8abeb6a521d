// Hover, definition, references, symbols and completion in BPF assembly, from the assembler's own tables. It verifies nothing.
import {
  CompletionItemKind,
  MarkupKind,
  SymbolKind,
  type CompletionItem,
  type DocumentSymbol,
  type Hover,
  type Location,
  type Position,
  type Range,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { HELPERS, helperById, helperByName } from "../../../core/catalog/index.ts";
import { assemble, isGeneratedLabel } from "../../../core/isa/index.ts";
import { helperMarkdown, prototype } from "./helper-text.ts";
import { lineRange } from "./spots.ts";

const read = (doc: TextDocument) => assemble(doc.getText(), { helperId: (name) => helperByName(name)?.id });
const rangeOf = (p: { line: number; start: number; end: number }): Range => ({
  start: { line: p.line, character: p.start },
  end: { line: p.line, character: p.end },
});
const lineText = (doc: TextDocument, line: number): string =>
  doc.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });

/** The helper that the line under the cursor calls, by number or name. */
export function hoverAsm(doc: TextDocument, at: Position): Hover | null {
  const text = lineText(doc, at.line);
  const m = /\bcall\s+(?:(\d+)|(bpf_\w+))/.exec(text);
  if (!m || at.character < m.index || at.character > m.index + m[0].length) return null;
  const helper = m[1] === undefined ? helperByName(m[2]!) : helperById(Number(m[1]));
  if (!helper) return null;
  return {
    contents: { kind: MarkupKind.Markdown, value: helperMarkdown(helper, undefined) },
    range: rangeOf({ line: at.line, start: m.index, end: m.index + m[0].length }),
  };
}

function nameAt(doc: TextDocument, at: Position): string {
  const text = lineText(doc, at.line);
  const before = /[\w.$]*$/.exec(text.slice(0, at.character))![0];
  return before + /^[\w.$]*/.exec(text.slice(at.character))![0];
}

export function definitionAsm(doc: TextDocument, at: Position): Location | null {
  const found = read(doc).definitions.find((d) => d.name === nameAt(doc, at));
  return found ? { uri: doc.uri, range: rangeOf(found) } : null;
}

export function referencesAsm(doc: TextDocument, at: Position): Location[] {
  const name = nameAt(doc, at);
  const { references, definitions } = read(doc);
  return [...definitions, ...references].filter((r) => r.name === name).map((r) => ({ uri: doc.uri, range: rangeOf(r) }));
}

export function symbolsAsm(doc: TextDocument): DocumentSymbol[] {
  return read(doc)
    .definitions.filter((d) => !isGeneratedLabel(d.name))
    .map((d) => ({
      name: d.name,
      detail: d.section ?? "",
      kind: d.section ? SymbolKind.Function : SymbolKind.Constant,
      range: lineRange(doc, d.line),
      selectionRange: rangeOf(d),
    }));
}

/** Helper names after `call`. */
export function completeAsm(doc: TextDocument, at: Position): CompletionItem[] {
  const before = lineText(doc, at.line).slice(0, at.character);
  if (!/\bcall\s+\w*$/.test(before)) return [];
  return HELPERS.map((h) => ({
    label: h.name,
    kind: CompletionItemKind.Function,
    detail: prototype(h),
    documentation: { kind: MarkupKind.Markdown, value: helperMarkdown(h, undefined) },
  }));
}
