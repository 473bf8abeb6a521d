// Entry point of the language server: over stdio with --stdio, else over the channel that the editor's client opened.
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { clangCompiler } from "./features/clang.ts";
import { serve } from "./server.ts";

serve(createConnection(ProposedFeatures.all), clangCompiler);
