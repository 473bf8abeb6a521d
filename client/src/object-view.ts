// Object files as text: opening one shows its instructions in a read-only document that the server puts its findings on.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { DISASSEMBLY, OBJECT_SCHEME, type DisassemblyParams } from "../../server/protocol/index.ts";

const listingOf = (file: vscode.Uri): vscode.Uri => file.with({ scheme: OBJECT_SCHEME, path: `${file.path}.bpf-listing` });
const objectOf = (listing: vscode.Uri): vscode.Uri => listing.with({ scheme: "file", path: listing.path.replace(/\.bpf-listing$/, "") });

/** Text of the listing documents; it changes when the object does. */
class Listings implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #client: LanguageClient;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #watchers = new Map<string, vscode.FileSystemWatcher>();
  readonly onDidChange = this.#changed.event;

  constructor(client: LanguageClient) {
    this.#client = client;
  }
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    this.#watch(uri);
    if (!this.#client.isRunning()) await this.#client.start();
    return this.#client.sendRequest<string>(DISASSEMBLY, {
      uri: this.#client.code2ProtocolConverter.asUri(uri),
    } satisfies DisassemblyParams);
  }
  #watch(uri: vscode.Uri): void {
    if (this.#watchers.has(uri.toString())) return;
    const file = objectOf(uri);
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.joinPath(file, ".."), file.path.split("/").at(-1)!),
    );
    const changed = (): void => this.#changed.fire(uri);
    watcher.onDidChange(changed);
    watcher.onDidCreate(changed);
    this.#watchers.set(uri.toString(), watcher);
  }
  dispose(): void {
    for (const w of this.#watchers.values()) w.dispose();
    this.#changed.dispose();
  }
}

/** A page of text: nothing is loaded and nothing runs. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`;

/** Stands in for the binary editor: it closes itself and opens the listing instead. */
const redirect: vscode.CustomReadonlyEditorProvider = {
  openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
  resolveCustomEditor: async (document, panel) => {
    panel.webview.html = `${POLICY}<p>Opening the instructions of this object …</p>`;
    const column = panel.viewColumn ?? vscode.ViewColumn.Active;
    const text = await vscode.workspace.openTextDocument(listingOf(document.uri));
    await vscode.window.showTextDocument(await vscode.languages.setTextDocumentLanguage(text, "bpf-asm"), {
      viewColumn: column,
      preview: false,
    });
    // The workbench still works on the panel until this function has returned.
    setTimeout(() => panel.dispose(), 200);
  },
};

export function registerObjectView(context: vscode.ExtensionContext, client: LanguageClient): void {
  const listings = new Listings(client);
  context.subscriptions.push(
    listings,
    vscode.workspace.registerTextDocumentContentProvider(OBJECT_SCHEME, listings),
    vscode.window.registerCustomEditorProvider("beeline.object", redirect),
    vscode.commands.registerCommand("beeline.showObject", async (uri?: vscode.Uri) => {
      const target = uri ?? (await vscode.window.showOpenDialog({ filters: { "BPF objects": ["o"] } }))?.[0];
      if (target) await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(listingOf(target)));
    }),
  );
}
