// The BPF instruction set: numbers, slots, text. Everything above builds on it; it knows no program types and no kernel.
export * from "./opcodes.ts";
export * from "./insn.ts";
export { disassemble, type DisasmNames } from "./disasm.ts";
export {
  assemble,
  isGeneratedLabel,
  type AsmDefinition,
  type AsmDiagnostic,
  type AsmLine,
  type AsmReference,
  type Assembled,
  type AssembleOptions,
} from "./asm/index.ts";
