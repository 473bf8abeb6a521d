// The BPF instruction set: numbers, slots, text. Everything above builds on it; it knows no program types and no kernel.
export * from "./opcodes.ts";
export * from "./insn.ts";
export { disassemble, type DisasmNames } from "./disasm.ts";
