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
