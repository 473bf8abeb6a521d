// The connection to the language server: how it starts and which documents it sees. It holds no feature.
import * as vscode from "vscode";
import { LanguageClient, TransportKind, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";
import { OBJECT_SCHEME, type InitializationOptions } from "../../server/protocol/index.ts";

function initializationOptions(): InitializationOptions {
  const settings = vscode.workspace.getConfiguration("beeline");
  return {
    clang: settings.get<string>("clang.path") ?? "",
    includePaths: settings.get<string[]>("clang.includePaths") ?? [],
    flags: settings.get<string[]>("clang.flags") ?? [],
    capabilities: settings.get<string>("verifier.capabilities") ?? "full",
    roots: (vscode.workspace.workspaceFolders ?? []).map((f) => f.uri.fsPath),
    trusted: vscode.workspace.isTrusted,
  };
}

/** The client, not yet started. It restarts when the workspace becomes trusted or a setting that the server starts with changes. */
export function startClient(context: vscode.ExtensionContext): LanguageClient {
  const module = vscode.Uri.joinPath(context.extensionUri, "dist", "server.js").fsPath;
  const server: ServerOptions = { module, transport: TransportKind.ipc };
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "c" },
      { scheme: "file", language: "bpf-asm" },
      { scheme: "untitled", language: "bpf-asm" },
      { scheme: OBJECT_SCHEME },
    ],
    initializationOptions,
  };
  const client = new LanguageClient("beeline", "Beeline", server, options);
  const restart = (): void => void client.restart();
  context.subscriptions.push(
    client,
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration((e) => {
      if (e.affectsConfiguration("beeline.clang") || e.affectsConfiguration("beeline.verifier")) restart();
    }),
  );
  return client;
}
