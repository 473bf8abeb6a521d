// Turns reports of programs into diagnostics and lenses. It finds no lines by itself and runs nothing.
import {
  DiagnosticSeverity,
  type CodeLens,
  type Diagnostic,
  type DiagnosticRelatedInformation,
  type Range,
} from "vscode-languageserver/node";
import type { InsnPlace, ProgramReport } from "../../../core/analysis/index.ts";
import { PROG_TYPE_NAMES } from "../../../core/catalog/index.ts";
import type { ProgramStatus } from "../../protocol/index.ts";
import { meaningOf } from "./meaning.ts";
import type { SpotFinder } from "./spots.ts";

const TOP: Range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };

function related(uri: string, report: ProgramReport, range: Range, spots: SpotFinder): DiagnosticRelatedInformation[] {
  const e = report.explanation;
  const out: DiagnosticRelatedInformation[] = [];
  const meaning = e && meaningOf(e.check);
  if (meaning) out.push({ location: { uri, range }, message: meaning });
  out.push(...knowledge(uri, report, spots));
  if (report.source && !spots.insn(report)) {
    out.push({ location: { uri, range }, message: `at ${report.source.file}:${report.source.line}: ${report.source.text.trim()}` });
  }
  return out;
}

/** Where the value at fault was written, where it came from, and which comparisons it met on the way. */
function knowledge(uri: string, report: ProgramReport, spots: SpotFinder): DiagnosticRelatedInformation[] {
  const { explanation: e, knowledge: k } = report;
  if (!e?.subject || !k) return [];
  const note = (place: InsnPlace | undefined, message: string): DiagnosticRelatedInformation[] => {
    const range = place && spots.insn(report, place);
    return range ? [{ location: { uri, range }, message }] : [];
  };
  const held = e.state === undefined ? "" : `; it held ${e.state}`;
  const moved = k.origin !== undefined && k.origin.insn !== k.lastWrite?.insn;
  return [
    ...note(k.lastWrite, `${e.subject} was last written here${held}`),
    ...(moved ? note(k.origin, `the value of ${e.subject} was made here`) : []),
    ...k.tests.slice(0, MAX_TESTS).flatMap((t) => note(t, `compared here; on this path the jump was ${t.taken ? "" : "not "}taken`)),
  ];
}
/** Comparisons that are shown. */
const MAX_TESTS = 3;

/** The message: the kernel's words, then where the program stood. */
function message(report: ProgramReport): string {
  if (report.verdict === "error") {
    const why = { unsupported: "not supported", limit: "gave up", internal: "fault of Beeline", "load-error": "cannot be loaded" }[
      report.reason ?? "load-error"
    ];
    return `program '${report.name}' ${why}: ${report.message ?? "no reason given"}`;
  }
  const place = report.insn < 0 ? "" : `\n${report.insn}: ${report.insnText}`;
  return `${report.error.join("\n") || `rejected with errno ${report.errno}`}${place} [program ${report.name}]`;
}

/** A diagnostic for each program that was not accepted. */
export function diagnosticsOf(uri: string, reports: readonly ProgramReport[], spots: SpotFinder): Diagnostic[] {
  return reports.flatMap((report) => {
    if (report.verdict === "accept") return [];
    const range = spots.insn(report) ?? spots.heading(report) ?? TOP;
    const severity = report.verdict === "reject" || report.reason === "load-error" ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
    const code = report.explanation?.check ?? report.reason;
    return [
      {
        range,
        severity,
        source: "beeline",
        message: message(report),
        relatedInformation: related(uri, report, range, spots),
        ...(code === undefined ? {} : { code }),
      },
    ];
  });
}

/** The verdict in a few words. */
export function verdictText(report: ProgramReport): string {
  if (report.verdict === "accept") return `verified: ${report.processed} instructions processed`;
  if (report.verdict === "reject") return `rejected: ${report.error.at(-1) ?? `errno ${report.errno}`}`;
  return `no verdict: ${report.message ?? report.reason ?? ""}`;
}

/** A lens over each program with its verdict; a click shows the log. */
export function lensesOf(uri: string, reports: readonly ProgramReport[], spots: SpotFinder): CodeLens[] {
  return reports.map((report) => {
    const range = spots.heading(report) ?? TOP;
    const mark = { accept: "$(pass)", reject: "$(error)", error: "$(warning)" }[report.verdict];
    return { range, command: { title: `${mark} ${verdictText(report)}`, command: "beeline.showLog", arguments: [uri, report.name] } };
  });
}

export function statusOf(reports: readonly ProgramReport[], spots: SpotFinder): ProgramStatus[] {
  return reports.map((r) => ({
    name: r.name,
    section: r.section,
    type: PROG_TYPE_NAMES[r.type] ?? String(r.type),
    verdict: r.verdict,
    text: verdictText(r),
    line: spots.heading(r)?.start.line ?? -1,
  }));
}
