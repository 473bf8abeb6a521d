// Finds the line of a document that a verifier's finding belongs to. It reads reports and texts and publishes nothing.
import { basename, isAbsolute, resolve, dirname } from "node:path";
import type { Range } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { InsnPlace, Listing, ProgramReport, SourceSpot } from "../../../core/analysis/index.ts";
import type { Assembled } from "../../../core/isa/index.ts";
import type { CSyntax } from "../syntax/c-syntax.ts";
import { pathOf } from "../documents.ts";

/** Lines of one document for findings; both answer a 0-based range or undefined. */
export interface SpotFinder {
  /** Where an instruction of the program stands; the report itself is the place at which verification stopped. */
  insn(report: ProgramReport, place?: InsnPlace): Range | undefined;
  /** Where the program begins. */
  heading(report: ProgramReport): Range | undefined;
}

/** A line without its blanks and its comment at both ends, from `column` (0-based) on if that lies inside. */
export function lineRange(doc: TextDocument, line: number, column = 0): Range {
  const last = Math.min(Math.max(line, 0), doc.lineCount - 1);
  const text = doc
    .getText({ start: { line: last, character: 0 }, end: { line: last + 1, character: 0 } })
    .replace(/\s+(#|\/\/|\/\*).*$/s, "")
    .trimEnd();
  const first = Math.max(text.search(/\S/), 0);
  const start = column > first && column < text.length ? column : first;
  return { start: { line: last, character: start }, end: { line: last, character: Math.max(text.length, start + 1) } };
}

/** Whether a file name of the line info means this document. */
function isDocument(doc: TextDocument, file: string): boolean {
  const path = pathOf(doc.uri);
  if (path === undefined) return basename(file) === basename(doc.uri);
  return (isAbsolute(file) ? file : resolve(dirname(path), file)) === path || (!isAbsolute(file) && basename(file) === basename(path));
}

/** For C, by line info; the program's own place by the syntax tree. */
export function cSpots(doc: TextDocument, syntax: CSyntax): SpotFinder {
  const at = (spot: SourceSpot | undefined): Range | undefined =>
    spot && spot.line > 0 && isDocument(doc, spot.file) ? lineRange(doc, spot.line - 1) : undefined;
  return {
    insn: (r, place = r) => at(place.source),
    heading: (r) => {
      const f = syntax.functions.find((x) => x.name === r.name);
      return f ? lineRange(doc, f.at.line) : at(r.start);
    },
  };
}

/** For assembly, by the assembler's own table of lines. */
export function asmSpots(doc: TextDocument, assembled: Assembled): SpotFinder {
  const lineOf = new Map(assembled.lines.map((l) => [`${l.section}+${l.offBytes}`, l.line]));
  const definitions = new Map(assembled.definitions.map((d) => [d.name, d]));
  const place = (func: string, slot: number): Range | undefined => {
    const d = definitions.get(func);
    const line = d && lineOf.get(`${d.section ?? ""}+${d.offBytes + 8 * slot}`);
    return line === undefined ? undefined : lineRange(doc, line);
  };
  return {
    insn: (r, at = r) => (at.insn < 0 ? undefined : place(at.func, at.funcOffset)),
    heading: (r) => {
      const d = definitions.get(r.name);
      return d && lineRange(doc, d.line);
    },
  };
}

/** For the listing of an object. */
export function listingSpots(doc: TextDocument, listing: Listing): SpotFinder {
  const lines = new Map(listing.instructions.map((l) => [`${l.program}+${l.insn}`, l.line]));
  const headings = new Map(listing.headings.map((h) => [h.program, h.line]));
  const at = (line: number | undefined): Range | undefined => (line === undefined ? undefined : lineRange(doc, line));
  return {
    insn: (r, place = r) => at(lines.get(`${r.name}+${place.insn}`)),
    heading: (r) => at(headings.get(r.name)),
  };
}
