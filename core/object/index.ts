// Loaders of BPF's own formats: ELF, BTF, BTF.ext, DWARF, relocations, CO-RE, static linking. Their result is inert data.
export * from "./spec.ts";
export * from "./btf/btf.ts";
export { openBtf } from "./btf/reader.ts";
export { loadObject, DEFAULT_KERNEL_VERSION, DEFAULT_POSSIBLE_CPUS, type LoadOptions } from "./load/load.ts";
export { kernelVersionNumber } from "./features.ts";
export { findSection, nearestSections, SECTION_DEFS, type SectionDef } from "./load/sections.ts";
export { checkMap } from "./load/map-check.ts";
export { C_DUMP_REVISION, dumpC } from "./btf/c-dump.ts";
export { dumpText } from "./btf/text-dump.ts";
export { btfOfFile } from "./btf/of-file.ts";
export { openDwarf, type Dwarf, type DwarfFrame, type DwarfScope, type DwarfVariable } from "./dwarf/dwarf.ts";
export { evaluate, type ExprContext, type ValuePlace } from "./dwarf/expr.ts";
export { elementType, strip, typeText, VOID, type CMember, type CType } from "./ctype.ts";
export { ctypeOf, functionText } from "./btf/ctype.ts";
export type { LineRow } from "./dwarf/line.ts";
export type { Place } from "./dwarf/sections.ts";
export { linkObjects } from "./link/link.ts";
export type { LinkFile } from "./link/input.ts";
