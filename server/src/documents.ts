// What kind of document a text is for us. It opens nothing.
import { fileURLToPath } from "node:url";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { OBJECT_SCHEME } from "../protocol/index.ts";
import { looksLikeBpf } from "./syntax/c-syntax.ts";

export type DocumentKind = "c" | "asm" | "object" | "other";

/** C counts only when it looks like BPF. */
export function kindOf(doc: TextDocument): DocumentKind {
  if (doc.uri.startsWith(`${OBJECT_SCHEME}:`)) return "object";
  if (doc.languageId === "bpf-asm") return "asm";
  return doc.languageId === "c" && looksLikeBpf(doc.getText()) ? "c" : "other";
}

/** File path of a document or of the object behind one; undefined for untitled ones. */
export function pathOf(uri: string): string | undefined {
  const file = uri.startsWith(`${OBJECT_SCHEME}:`) ? uri.replace(/^[^:]*:/, "file:").replace(/\.bpf-listing$/, "") : uri;
  return file.startsWith("file:") ? fileURLToPath(file) : undefined;
}

/** A header of C. */
export const isHeader = (doc: TextDocument): boolean => (doc.languageId === "c" || doc.languageId === "cpp") && /\.h$/i.test(doc.uri);

/** Texts of open headers by path, but for `path`: they may differ from what is on disk. */
export function openTexts(open: readonly TextDocument[], path: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const doc of open) {
    const at = isHeader(doc) ? pathOf(doc.uri) : undefined;
    if (at !== undefined && at !== path) out.set(at, doc.getText());
  }
  return out;
}
