// Entry point of the extension: starts the language client and registers what belongs to it. It verifies and runs nothing itself.
import * as vscode from "vscode";
import { startClient } from "./language-client.ts";
import { registerCommands } from "./commands.ts";
import { registerDebugging } from "./debugging.ts";
import { registerObjectView } from "./object-view.ts";
import { registerStatus } from "./status.ts";

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const client = startClient(context);
  registerObjectView(context, client);
  registerStatus(context, client);
  registerCommands(context, client);
  registerDebugging(context, client);
  await client.start();
}
