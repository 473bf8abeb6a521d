// Debugging: completes launch configurations, builds what is to be run, and starts the debug adapter. It runs no program itself.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { BUILD, type BuildParams, type BuildResult } from "../../server/protocol/index.ts";

/** A packet for programs that get one: Ethernet, IPv4, UDP port 53, four bytes of payload. */
const DEFAULT_PACKET = "ffffffffffff02000000000108004500002000010000401166ca0a0000010a00000230390035000c000064617461";
const PACKET_TYPES = new Set([
  "xdp",
  "sched_cls",
  "sched_act",
  "socket_filter",
  "cgroup_skb",
  "lwt_in",
  "lwt_out",
  "lwt_xmit",
  "lwt_seg6local",
  "sk_skb",
  "flow_dissector",
]);

class Configurations implements vscode.DebugConfigurationProvider {
  readonly #client: LanguageClient;
  constructor(client: LanguageClient) {
    this.#client = client;
  }

  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [{ type: "beeline", request: "launch", name: "BPF: this file", program: "${file}", stopOnEntry: true }];
  }

  /** F5 without launch.json runs the file in front. */
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    const editor = vscode.window.activeTextEditor;
    if (config.type || config.request || config.name || !editor) return config;
    return { type: "beeline", request: "launch", name: "BPF: this file", program: editor.document.uri.fsPath, stopOnEntry: true };
  }

  /** Sources become objects; a program and a packet are chosen where none are given. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const file = String(config["program"] ?? "").replace(/\.bpf-listing$/, "");
    if (!/\.[csS]$/.test(file)) return { ...config, program: file };
    const built = await this.#build(file);
    if (built.object === undefined) {
      void vscode.window.showErrorMessage(`${file.split("/").at(-1)!} cannot be built: ${built.error ?? "unknown reason"}`);
      return undefined;
    }
    const chosen = config["entry"] === undefined ? await choose(built) : built.programs.find((p) => p.name === config["entry"]);
    if (!chosen) return undefined;
    const event =
      PACKET_TYPES.has(chosen.type) && config["packet"] === undefined && config["ctx"] === undefined && config["pcap"] === undefined
        ? { packet: DEFAULT_PACKET }
        : {};
    return { stopOnEntry: true, ...event, ...config, program: built.object, source: file, entry: chosen.name };
  }

  async #build(file: string): Promise<BuildResult> {
    const document = await vscode.workspace.openTextDocument(file);
    return this.#client.sendRequest<BuildResult>(BUILD, {
      uri: this.#client.code2ProtocolConverter.asUri(document.uri),
    } satisfies BuildParams);
  }
}

/** The only program, or the one that the user picks. */
async function choose({ programs }: BuildResult): Promise<BuildResult["programs"][number] | undefined> {
  if (programs.length < 2) return programs[0];
  const picked = await vscode.window.showQuickPick(
    programs.map((p) => ({ label: p.name, description: `${p.section} (${p.type})`, p })),
    { placeHolder: "Which program?" },
  );
  return picked?.p;
}

/** The adapter runs in a process of its own, on the Node that runs the extension: a long run never holds up the editor. */
function adapter(context: vscode.ExtensionContext): vscode.DebugAdapterDescriptorFactory {
  const script = vscode.Uri.joinPath(context.extensionUri, "dist", "debug-adapter.js").fsPath;
  const options = { env: { ELECTRON_RUN_AS_NODE: "1" } };
  return { createDebugAdapterDescriptor: () => new vscode.DebugAdapterExecutable(process.execPath, [script], options) };
}

export function registerDebugging(context: vscode.ExtensionContext, client: LanguageClient): void {
  const provider = new Configurations(client);
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider("beeline", provider),
    vscode.debug.registerDebugAdapterDescriptorFactory("beeline", adapter(context)),
  );
}
