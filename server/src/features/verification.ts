// Keeps the findings of every open document current: compiles or assembles, verifies, publishes. It parses no request.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import {
  DiagnosticSeverity,
  type CodeLens,
  type Connection,
  type Diagnostic,
  type DiagnosticRelatedInformation,
  type Position,
  type Range,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { helperByName } from "../../../core/catalog/index.ts";
import { assemble } from "../../../core/isa/index.ts";
import { STATUS, type StatusParams } from "../../protocol/index.ts";
import { kindOf, pathOf } from "../documents.ts";
import type { Ticket } from "../scheduler.ts";
import { readC } from "../syntax/c-syntax.ts";
import { JobCancelled, JobFailed, type VerifierThread } from "../worker/client.ts";
import { refusedCalls } from "./c-language.ts";
import type { Compile, CompilerMessage } from "./compile.ts";
import { diagnosticsOf, lensesOf, statusOf } from "./findings.ts";
import { asmSpots, cSpots, lineRange, listingSpots, type SpotFinder } from "./spots.ts";

/** An object to verify and how to find lines for it, or what is wrong before that. */
interface Prepared {
  readonly bytes: Uint8Array | undefined;
  readonly spots: SpotFinder;
  readonly diagnostics: Diagnostic[];
  readonly failure?: string;
}

/** A note of the compiler at its own place. */
function related({ file, line, column, message }: CompilerMessage["notes"][number]): DiagnosticRelatedInformation {
  const start = { line: Math.max(0, line - 1), character: Math.max(0, column - 1) };
  return { location: { uri: pathToFileURL(file).href, range: { start, end: start } }, message };
}

const NOWHERE: SpotFinder = { insn: () => undefined, heading: () => undefined };

export class Verification {
  readonly #connection: Connection;
  readonly #thread: VerifierThread;
  readonly #compile: Compile;
  readonly #lenses = new Map<string, CodeLens[]>();
  readonly #diagnostics = new Map<string, Diagnostic[]>();
  readonly #related: boolean;

  /** `related`: the client shows information that belongs to a diagnostic. */
  constructor(connection: Connection, thread: VerifierThread, compile: Compile, related: boolean) {
    this.#connection = connection;
    this.#thread = thread;
    this.#compile = compile;
    this.#related = related;
  }

  lenses(uri: string): CodeLens[] {
    return this.#lenses.get(uri) ?? [];
  }

  /** Id of the check behind the finding at a place, if one is there. */
  checkAt(uri: string, at: Position): string | undefined {
    const inside = (r: Range): boolean => r.start.line === at.line && r.start.character <= at.character && at.character <= r.end.character;
    const found = this.#diagnostics.get(uri)?.find((d) => d.source === "beeline" && inside(d.range));
    return found?.code === undefined ? undefined : String(found.code);
  }

  /** Redoes everything about a document and publishes it, unless a newer run has taken over. */
  async refresh(doc: TextDocument, { signal }: Ticket): Promise<void> {
    if (kindOf(doc) === "other") return this.#publish(doc, [], [], { state: "done", programs: [] });
    this.#status(doc, { state: "working", programs: [] });
    const prepared = await this.#prepare(doc, signal);
    if (signal.aborted) return;
    if (!prepared.bytes) {
      return this.#publish(doc, prepared.diagnostics, this.lenses(doc.uri), {
        state: "failed",
        programs: [],
        ...(prepared.failure === undefined ? {} : { message: prepared.failure }),
      });
    }
    await this.#verify(doc, prepared, prepared.bytes, signal);
  }

  async #verify(doc: TextDocument, prepared: Prepared, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      const report = await this.#thread.run({ kind: "analyse", file: doc.uri, bytes }, signal);
      if (signal.aborted) return;
      const found = report.fault
        ? [atTop(doc, report.fault.message, report.fault.code)]
        : diagnosticsOf(doc.uri, report.programs, prepared.spots);
      const programs = statusOf(report.programs, prepared.spots);
      this.#publish(doc, [...withoutDoubles(prepared.diagnostics, found), ...found], lensesOf(doc.uri, report.programs, prepared.spots), {
        state: report.fault ? "failed" : "done",
        programs,
      });
    } catch (error) {
      if (error instanceof JobCancelled || signal.aborted) return;
      if (!(error instanceof JobFailed)) throw error;
      const text = error.internal ? `fault of Beeline while verifying: ${error.message}` : error.message;
      this.#publish(doc, [...prepared.diagnostics, atTop(doc, text, "internal")], [], { state: "failed", message: text, programs: [] });
    }
  }

  #prepare(doc: TextDocument, signal: AbortSignal): Promise<Prepared> {
    const kind = kindOf(doc);
    if (kind === "c") return this.#prepareC(doc, signal);
    return kind === "asm" ? Promise.resolve(prepareAsm(doc)) : this.#prepareObject(doc);
  }

  async #prepareC(doc: TextDocument, signal: AbortSignal): Promise<Prepared> {
    const text = doc.getText();
    const [syntax, refused] = [await readC(text), await refusedCalls(doc)];
    const path = pathOf(doc.uri);
    if (path === undefined)
      return { bytes: undefined, spots: NOWHERE, diagnostics: refused, failure: "save the file first: the compiler needs its folder" };
    const compiled = await this.#compile(path, text, signal);
    const diagnostics = compiled.diagnostics.map((d): Diagnostic => {
      const severity =
        d.severity === "error"
          ? DiagnosticSeverity.Error
          : d.severity === "warning"
            ? DiagnosticSeverity.Warning
            : DiagnosticSeverity.Information;
      const range = lineRange(doc, d.line - 1, d.column - 1);
      const relatedInformation = this.#related ? d.notes.map(related) : [];
      return { range, severity, source: "clang", message: d.message, ...(relatedInformation.length > 0 ? { relatedInformation } : {}) };
    });
    const failure = compiled.failure;
    if (failure !== undefined && !diagnostics.some((d) => d.severity === DiagnosticSeverity.Error))
      diagnostics.push(atTop(doc, failure, "compiler", DiagnosticSeverity.Warning));
    return {
      bytes: compiled.object,
      spots: cSpots(doc, syntax),
      diagnostics: [...diagnostics, ...refused],
      ...(failure === undefined ? {} : { failure }),
    };
  }

  async #prepareObject(doc: TextDocument): Promise<Prepared> {
    const path = pathOf(doc.uri);
    try {
      const bytes = await readFile(path ?? "");
      const listing = await this.#thread.run({ kind: "listing", file: doc.uri, bytes });
      return { bytes, spots: listingSpots(doc, listing), diagnostics: [] };
    } catch (error) {
      const text = (error as Error).message;
      return { bytes: undefined, spots: NOWHERE, diagnostics: [atTop(doc, text, "object")], failure: text };
    }
  }

  #publish(doc: TextDocument, diagnostics: Diagnostic[], lenses: CodeLens[], status: Omit<StatusParams, "uri">): void {
    this.#lenses.set(doc.uri, lenses);
    this.#diagnostics.set(doc.uri, diagnostics);
    void this.#connection.sendDiagnostics({ uri: doc.uri, version: doc.version, diagnostics });
    this.#status(doc, status);
    void this.#connection.sendRequest("workspace/codeLens/refresh").catch(() => undefined);
  }
  #status(doc: TextDocument, status: Omit<StatusParams, "uri">): void {
    void this.#connection.sendNotification(STATUS, { uri: doc.uri, ...status } satisfies StatusParams);
  }

  /** Forgets a closed document. */
  close(uri: string): void {
    this.#lenses.delete(uri);
    this.#diagnostics.delete(uri);
    void this.#connection.sendDiagnostics({ uri, diagnostics: [] });
    void this.#thread.run({ kind: "forget", file: uri }).catch(() => undefined);
  }
}

/** What the verifier says of a helper call makes the syntax's own remark on that line needless. */
function withoutDoubles(before: Diagnostic[], found: Diagnostic[]): Diagnostic[] {
  const lines = new Set(found.filter((d) => d.code === "helper-not-available").map((d) => d.range.start.line));
  return before.filter((d) => d.code !== "helper-not-allowed" || !lines.has(d.range.start.line));
}

function atTop(doc: TextDocument, message: string, code: string, severity: DiagnosticSeverity = DiagnosticSeverity.Error): Diagnostic {
  return { range: lineRange(doc, 0), severity, source: "beeline", message, code };
}

/** Faults of a file that are shown; the rest is mostly their echo. */
const MAX_FAULTS = 200;

function prepareAsm(doc: TextDocument): Prepared {
  const assembled = assemble(doc.getText(), { helperId: (name) => helperByName(name)?.id });
  const diagnostics = assembled.diagnostics.slice(0, MAX_FAULTS).map((d): Diagnostic => ({
    range: { start: { line: d.line, character: d.start }, end: { line: d.line, character: d.end } },
    severity: DiagnosticSeverity.Error,
    source: "beeline",
    code: "asm",
    message: d.message,
  }));
  const failure = assembled.object ? {} : { failure: `${diagnostics.length} faults in the assembly` };
  return { bytes: assembled.object, spots: asmSpots(doc, assembled), diagnostics, ...failure };
}
