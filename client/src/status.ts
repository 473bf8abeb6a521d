// The verdict of the file in front, in the status bar. It shows what the server said and asks nothing.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { STATUS, type StatusParams } from "../../server/protocol/index.ts";

function summary({ state, programs, message }: StatusParams): { text: string; tooltip: string } {
  const bad = programs.filter((p) => p.verdict !== "accept").length;
  const tooltip = programs.map((p) => `${p.name} (${p.type}): ${p.text}`).join("\n") || message || "";
  if (state === "working") return { text: "$(loading~spin) BPF", tooltip: "verifying" };
  if (state === "failed") return { text: "$(warning) BPF: not verified", tooltip: tooltip || "not verified" };
  if (programs.length === 0) return { text: "", tooltip };
  const n = `${programs.length} program${programs.length === 1 ? "" : "s"}`;
  return { text: bad ? `$(error) BPF: ${bad} of ${n} rejected` : `$(pass) BPF: ${n} verified`, tooltip };
}

export function registerStatus(context: vscode.ExtensionContext, client: LanguageClient): void {
  const item = vscode.window.createStatusBarItem("beeline.status", vscode.StatusBarAlignment.Left, 10);
  item.name = "BPF verifier";
  item.command = "workbench.actions.view.problems";
  const known = new Map<string, StatusParams>();
  const show = (): void => {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const params = uri && known.get(client.code2ProtocolConverter.asUri(uri));
    const { text, tooltip } = params ? summary(params) : { text: "", tooltip: "" };
    item.text = text;
    item.tooltip = tooltip;
    if (text) item.show();
    else item.hide();
  };
  client.onNotification(STATUS, (params: StatusParams) => {
    known.set(params.uri, params);
    show();
  });
  context.subscriptions.push(
    item,
    vscode.window.onDidChangeActiveTextEditor(show),
    vscode.workspace.onDidCloseTextDocument((d) => known.delete(d.uri.toString())),
  );
}
