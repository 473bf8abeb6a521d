// Commands of the palette and of the lenses. They ask the server and show what it answers.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { LOG, type LogParams } from "../../server/protocol/index.ts";

const LOG_SCHEME = "beeline-log";

/** The verifier's logs as documents: `beeline-log:/PROGRAM.bpf-log?LEVEL,URI`. */
class Logs implements vscode.TextDocumentContentProvider {
  readonly #client: LanguageClient;
  constructor(client: LanguageClient) {
    this.#client = client;
  }
  provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const comma = uri.query.indexOf(",");
    const params: LogParams = {
      uri: uri.query.slice(comma + 1),
      program: uri.path.slice(1).replace(/\.bpf-log$/, ""),
      level: Number(uri.query.slice(0, comma)),
    };
    return this.#client.sendRequest<string>(LOG, params);
  }
}

/** Opens the log of a program, at the given level. */
async function showLog(uri: string, program: string, level: number): Promise<void> {
  const target = vscode.Uri.from({ scheme: LOG_SCHEME, path: `/${program}.bpf-log`, query: `${level},${uri}` });
  const document = await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(target), "bpf-log");
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

export function registerCommands(context: vscode.ExtensionContext, client: LanguageClient): void {
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(LOG_SCHEME, new Logs(client)),
    vscode.commands.registerCommand("beeline.showLog", (uri: string, program: string) => showLog(uri, program, 2)),
    vscode.commands.registerCommand("beeline.restartServer", () => client.restart()),
  );
}
