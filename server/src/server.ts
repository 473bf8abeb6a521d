// The language server over any connection: which request goes to which feature. It holds no feature of its own.
import { readFile } from "node:fs/promises";
import { TextDocuments, TextDocumentSyncKind, type Connection, type InitializeResult } from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import {
  BUILD,
  DISASSEMBLY,
  LOG,
  type BuildParams,
  type BuildResult,
  type DisassemblyParams,
  type InitializationOptions,
  type LogParams,
} from "../protocol/index.ts";
import { capsByName } from "../../core/object/index.ts";
import { isHeader, kindOf, openTexts, pathOf } from "./documents.ts";
import { completeAsm, definitionAsm, hoverAsm, referencesAsm, symbolsAsm } from "./features/asm-language.ts";
import { Builder } from "./features/build.ts";
import { completeC, hoverC, signatureC } from "./features/c-language.ts";
import { compiler, type CompileWith } from "./features/compile.ts";
import { pageOf } from "./features/meaning.ts";
import { Verification } from "./features/verification.ts";
import { Scheduler } from "./scheduler.ts";
import { VerifierThread } from "./worker/client.ts";

/** Pauses before work begins, in milliseconds: the compiler is the expensive part. */
const DELAY_MS = { c: 350, asm: 120, object: 0, other: 350 } as const;

const CAPABILITIES: InitializeResult["capabilities"] = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  hoverProvider: true,
  completionProvider: { triggerCharacters: ["_", " "] },
  signatureHelpProvider: { triggerCharacters: ["(", ","] },
  codeLensProvider: {},
  definitionProvider: true,
  referencesProvider: true,
  documentSymbolProvider: true,
};

/** Starts serving. `trusted` makes the compile function of a workspace whose programs may be run. */
export function serve(connection: Connection, trusted: (options: InitializationOptions) => CompileWith): void {
  const documents = new TextDocuments(TextDocument);
  const thread = new VerifierThread();
  const scheduler = new Scheduler((key, error) => connection.console.error(`${key}: ${(error as Error).message}`));
  let verification: Verification | undefined;
  let builder: Builder | undefined;

  connection.onInitialize((params): InitializeResult => {
    const options = (params.initializationOptions ?? {}) as InitializationOptions;
    thread.caps = capsByName(options.capabilities ?? "") ?? "full";
    const compile = compiler(options, trusted, (path) => openTexts(documents.all(), path));
    const related = params.capabilities.textDocument?.publishDiagnostics?.relatedInformation === true;
    verification = new Verification(connection, thread, compile, related);
    builder = new Builder(compile);
    return { capabilities: CAPABILITIES, serverInfo: { name: "beeline" } };
  });
  const schedule = (document: TextDocument): void =>
    scheduler.schedule(document.uri, DELAY_MS[kindOf(document)], async (ticket) => verification?.refresh(document, ticket));
  documents.onDidChangeContent(({ document }) => {
    schedule(document);
    // Any C file may include a header that is open.
    if (isHeader(document))
      documents
        .all()
        .filter((d) => kindOf(d) === "c" && d !== document)
        .forEach(schedule);
  });
  documents.onDidClose(({ document }) => {
    scheduler.drop(document.uri);
    verification?.close(document.uri);
  });
  language(connection, documents, () => verification);
  requests(connection, documents, thread, () => builder);
  connection.onShutdown(async () => {
    scheduler.dispose();
    thread.dispose();
    await builder?.dispose();
  });
  documents.listen(connection);
  connection.listen();
}

/** The requests of the protocol, by kind of document. */
function language(connection: Connection, documents: TextDocuments<TextDocument>, verification: () => Verification | undefined): void {
  const on = <T>(uri: string, c: (d: TextDocument) => T, asm: (d: TextDocument) => T): T | null => {
    const doc = documents.get(uri);
    if (!doc) return null;
    if (doc.languageId === "c") return c(doc);
    return kindOf(doc) === "other" ? null : asm(doc);
  };
  connection.onHover(async ({ textDocument: { uri }, position }) => {
    const helper = await on(
      uri,
      (d) => Promise.resolve(hoverC(d, position)),
      (d) => Promise.resolve(hoverAsm(d, position)),
    );
    const check = helper ? undefined : verification()?.checkAt(uri, position);
    const page = check === undefined ? undefined : pageOf(check);
    return page === undefined ? helper : { contents: { kind: "markdown" as const, value: page } };
  });
  connection.onCompletion(({ textDocument: { uri }, position }) =>
    on(
      uri,
      (d) => Promise.resolve(completeC(d, position)),
      (d) => Promise.resolve(completeAsm(d, position)),
    ),
  );
  connection.onSignatureHelp(({ textDocument: { uri }, position }) =>
    on(
      uri,
      (d) => signatureC(d, position),
      () => Promise.resolve(null),
    ),
  );
  connection.onDefinition(({ textDocument: { uri }, position }) =>
    on(
      uri,
      () => null,
      (d) => definitionAsm(d, position),
    ),
  );
  connection.onReferences(({ textDocument: { uri }, position }) =>
    on(
      uri,
      () => [],
      (d) => referencesAsm(d, position),
    ),
  );
  connection.onDocumentSymbol(({ textDocument: { uri } }) =>
    on(
      uri,
      () => null,
      (d) => symbolsAsm(d),
    ),
  );
  connection.onCodeLens(({ textDocument: { uri } }) => verification()?.lenses(uri) ?? []);
}

/** Requests of our own. */
function requests(
  connection: Connection,
  documents: TextDocuments<TextDocument>,
  thread: VerifierThread,
  builder: () => Builder | undefined,
): void {
  connection.onRequest(DISASSEMBLY, async ({ uri }: DisassemblyParams): Promise<string> => {
    const path = pathOf(uri);
    if (path === undefined) return "; this document has no file";
    try {
      return (await thread.run({ kind: "listing", file: uri, bytes: await readFile(path) })).text;
    } catch (error) {
      return `; ${(error as Error).message}`;
    }
  });
  connection.onRequest(
    LOG,
    async ({ uri, program, level }: LogParams): Promise<string> =>
      (await thread.run({ kind: "log", file: uri, program, level })) ?? `; no log: '${program}' has not been verified`,
  );
  connection.onRequest(BUILD, ({ uri }: BuildParams): Promise<BuildResult> => {
    const doc = documents.get(uri);
    const made = doc && builder()?.build(doc);
    return made ?? Promise.resolve({ error: "the document is not open", programs: [] });
  });
}
