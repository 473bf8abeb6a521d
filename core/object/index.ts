// Loaders of BPF's own formats: ELF, BTF, BTF.ext, DWARF, relocations, CO-RE, static linking. Their result is inert data.
export * from "./spec.ts";
export * from "./btf/btf.ts";
