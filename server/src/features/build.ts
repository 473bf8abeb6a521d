// Builds the object of a document for the debugger, in a folder of the server's own. It verifies nothing.
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { helperByName, PROG_TYPE_NAMES } from "../../../core/catalog/index.ts";
import { assemble } from "../../../core/isa/index.ts";
import { loadObject } from "../../../core/object/index.ts";
import type { BuildResult } from "../../protocol/index.ts";
import { kindOf, pathOf } from "../documents.ts";
import type { Compile } from "./compile.ts";

export class Builder {
  readonly #compile: Compile;
  #folder: string | undefined;

  constructor(compile: Compile) {
    this.#compile = compile;
  }

  async build(doc: TextDocument): Promise<BuildResult> {
    const made = await this.#object(doc);
    if (!made.bytes) return { error: made.error ?? "nothing was built", programs: [] };
    this.#folder ??= mkdtempSync(join(tmpdir(), "beeline-"));
    const object = join(this.#folder, `${basename(pathOf(doc.uri) ?? "untitled").replace(/(\.bpf)?\.[cs]$/, "")}.bpf.o`);
    await writeFile(object, made.bytes);
    const programs = loadObject(made.bytes).programs.map((p) => ({
      name: p.name,
      section: p.section,
      type: PROG_TYPE_NAMES[p.type] ?? String(p.type),
    }));
    return { object, programs };
  }

  async #object(doc: TextDocument): Promise<{ bytes?: Uint8Array | undefined; error?: string | undefined }> {
    if (kindOf(doc) === "asm") {
      const { object, diagnostics } = assemble(doc.getText(), { helperId: (name) => helperByName(name)?.id });
      const first = diagnostics[0];
      return { bytes: object, error: first && `line ${first.line + 1}: ${first.message}` };
    }
    const path = pathOf(doc.uri);
    if (path === undefined) return { error: "save the file first" };
    const compiled = await this.#compile(path, doc.getText(), new AbortController().signal);
    const first = compiled.diagnostics.find((d) => d.severity === "error");
    return { bytes: compiled.object, error: first ? `line ${first.line}: ${first.message}` : compiled.failure };
  }

  async dispose(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
