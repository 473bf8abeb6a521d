// The command lsp: the language server on standard input and output, for any editor. It ends when the editor does.
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { clangCompiler } from "../features/clang.ts";
import { serve } from "../server.ts";

/** `lsp --stdio`; the option is accepted because editors pass it. */
export function run(_args: string[]): Promise<number> {
  serve(createConnection(ProposedFeatures.all, process.stdin, process.stdout), clangCompiler);
  return new Promise<number>((resolve) => process.stdin.on("end", () => resolve(0)));
}
