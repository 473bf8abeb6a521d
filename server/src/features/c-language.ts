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
import { HELPERS } from "../../../core/catalog/index.ts";
import { functionAt, readC } from "../syntax/c-syntax.ts";
import { helperMarkdown, helperNamed, parameter, prototype, refusal } from "./helper-text.ts";

/** The identifier around an offset. */
function wordAt(text: string, offset: number): { word: string; start: number; end: number } {
  let start = offset;
  let end = offset;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  while (end < text.length && /\w/.test(text[end]!)) end++;
  return { word: text.slice(start, end), start, end };
}

/** What a helper is, where the mouse rests on one. */
export async function hoverC(doc: TextDocument, at: Position): Promise<Hover | null> {
  const text = doc.getText();
  const { word, start, end } = wordAt(text, doc.offsetAt(at));
  const helper = helperNamed(word);
  if (!helper) return null;
  const def = functionAt(await readC(text), start)?.def;
  return {
    contents: { kind: MarkupKind.Markdown, value: helperMarkdown(helper, def) },
    range: { start: doc.positionAt(start), end: doc.positionAt(end) },
  };
}

/** Helpers whose names begin like the word before the cursor; those that the program may not call come last, struck through. */
export async function completeC(doc: TextDocument, at: Position): Promise<CompletionItem[]> {
  const text = doc.getText();
  const offset = doc.offsetAt(at);
  const { start } = wordAt(text, offset);
  const prefix = text.slice(start, offset);
  if (prefix.length < 2 || !"bpf_".startsWith(prefix.slice(0, 4))) return [];
  const def = functionAt(await readC(text), offset)?.def;
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
  const { calls } = await readC(doc.getText());
  return calls.flatMap((call) => {
    const helper = helperNamed(call.name);
    const refused = helper && refusal(helper, call.caller?.def);
    if (!refused) return [];
    const message = `${refused} (section "${call.caller?.section ?? ""}")`;
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
