// The assembler as one call: text in, object and diagnostics out. It reads no files.
import { Assembler, type AsmDiagnostic, type AsmLine, type AsmReference, type AssembleOptions } from "./assembler.ts";
import { writeElf } from "./elf-writer.ts";
import { isTemporary } from "./output.ts";
export type { AsmDiagnostic, AsmLine, AsmReference, AssembleOptions } from "./assembler.ts";

/** A named place of the source. Lines and columns are 0-based; `section` is undefined for plain values. */
export interface AsmDefinition {
  readonly name: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly section: string | undefined;
  readonly offBytes: number;
}

export interface Assembled {
  /** The ELF object; undefined when there are diagnostics. */
  readonly object: Uint8Array | undefined;
  readonly diagnostics: readonly AsmDiagnostic[];
  /** Source line of every instruction. */
  readonly lines: readonly AsmLine[];
  readonly definitions: readonly AsmDefinition[];
  readonly references: readonly AsmReference[];
}

/**
 * Assembles LLVM's BPF assembly, or instructions as the kernel's log prints them, into the object that clang 19 makes of it
 * (line tables and frames for debuggers left out). Never throws for a faulty text: every fault is a diagnostic.
 */
export function assemble(source: string, options: AssembleOptions = {}): Assembled {
  const a = new Assembler(options);
  a.run(source);
  const definitions = [...a.symbols.values()].flatMap((s) =>
    s.definition && !s.name.includes("\u0001") ? [{ name: s.name, ...s.definition, section: s.section?.name, offBytes: s.offBytes }] : [],
  );
  const references = a.references.filter((r) => !r.name.includes("\u0001"));
  return { object: a.diagnostics.length ? undefined : writeElf(a), diagnostics: a.diagnostics, lines: a.lines, definitions, references };
}

/** Whether a label is one that compilers make and readers need not see. */
export const isGeneratedLabel = (name: string): boolean => isTemporary(name) || /^LBB\d+_\d+$/.test(name);
