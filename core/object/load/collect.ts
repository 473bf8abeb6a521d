// Collects functions and special sections of an object as libbpf 1.5 does (bpf_object__elf_collect, bpf_object__add_programs). It relocates nothing.
import { CodedError, utf8 } from "../../base/index.ts";
import { decodeInsns } from "../../isa/index.ts";
import { EM_BPF, openElf, SHF_EXECINSTR, SHT, STB, STT, STV, type Elf, type ElfSection } from "../elf/elf.ts";
import { openBtf, type BtfBlob } from "../btf/reader.ts";
import { refuse, type Func, type ObjectState } from "./model.ts";
import { findSection } from "./sections.ts";

const STRUCT_OPS_SECTIONS: ReadonlySet<string> = new Set([".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link"]);
export const isStructOpsSection = (s: ElfSection): boolean => s.type === SHT.PROGBITS && s.size > 0 && STRUCT_OPS_SECTIONS.has(s.name);
const named = (s: ElfSection, stem: string): boolean => s.name === stem || s.name.startsWith(`${stem}.`);

/** What a data section becomes, if anything. */
export function dataKind(s: ElfSection): "data" | "rodata" | "bss" | undefined {
  if (s.type === SHT.NOBITS) return named(s, ".bss") ? "bss" : undefined;
  if (s.type !== SHT.PROGBITS || s.size === 0 || s.flags & SHF_EXECINSTR) return undefined;
  return named(s, ".data") ? "data" : named(s, ".rodata") ? "rodata" : undefined;
}

/** The name that libbpf gives an object opened from a file: its base name, 15 characters, up to the first dot. */
export function objectName(fileName: string): string {
  const base = fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1).slice(0, 15);
  const dot = base.indexOf(".");
  return dot < 0 ? base : base.slice(0, dot);
}

const isDebug = (name: string): boolean => name.startsWith(".debug_") || name.startsWith(".rel.debug_");

/** Opens an object and collects its parts. Throws CodedError when libbpf would refuse to open it. */
export function collect(bytes: Uint8Array, fileName: string, allowLegacyMaps: boolean): ObjectState {
  const elf = openElf(bytes);
  if (elf.machine !== EM_BPF && elf.machine !== 0)
    refuse("elf-not-bpf", `ELF: made for machine ${elf.machine}, not for BPF (${EM_BPF}); compile with -target bpf`, 18);
  if (elf.symtabIndex === 0) refuse("elf-no-symbols", "ELF: couldn't find symbol table, stripped object file?", 0);
  const sections = elf.sections.filter((s) => !isDebug(s.name));
  const legacy = sections.find((s) => s.name === "maps");
  if (legacy && !allowLegacyMaps)
    refuse(
      "legacy-maps",
      "legacy map definitions in 'maps' section are not supported by libbpf v1.0+; define maps in SEC(\".maps\")",
      legacy.offset,
    );
  const code = sections.filter((s) => s.type === SHT.PROGBITS && s.flags & SHF_EXECINSTR && s.size > 0);
  const license = sections.find((s) => s.name === "license");
  const btf = readBtf(sections);
  return {
    elf,
    name: objectName(fileName),
    btf,
    btfExt: btf && sections.find((s) => s.name === ".BTF.ext")?.data,
    funcs: code.flatMap((s) => functionsOf(elf, s)).sort((a, b) => a.secIdx - b.secIdx || a.secInsnOff - b.secInsnOff),
    maps: [],
    externs: [],
    textIdx: code.find((s) => s.name === ".text")?.index ?? 0,
    mapsIdx: sections.find((s) => s.name === ".maps")?.index ?? -1,
    arenaSection: sections.find((s) => s.name === ".addr_space.1" && s.type === SHT.PROGBITS && s.size > 0),
    license: license === undefined ? "" : cString(license.data),
    fault: undefined,
  };
}

function cString(data: Uint8Array): string {
  const end = data.indexOf(0);
  return utf8(data.subarray(0, Math.min(63, end < 0 ? data.length : end)));
}

/** BTF that cannot be read is dropped unless maps or struct_ops need it, as libbpf does. */
function readBtf(sections: readonly ElfSection[]): BtfBlob | undefined {
  const s = sections.find((x) => x.name === ".BTF");
  const needed = sections.some((x) => x.name === ".maps" || isStructOpsSection(x));
  if (s === undefined) {
    if (needed) refuse("btf-missing", "BTF is required, but is missing or corrupted; compile with -g", 0);
    return undefined;
  }
  try {
    return openBtf(s.data.slice());
  } catch (e) {
    if (needed || !(e instanceof CodedError)) throw e;
    return undefined;
  }
}

function functionsOf(elf: Elf, section: ElfSection): Func[] {
  const optional = section.name.startsWith("?");
  const secName = optional ? section.name.slice(1) : section.name;
  const def = section.name === ".text" ? undefined : findSection(secName);
  const out: Func[] = [];
  for (const sym of elf.symbols) {
    if (sym.shndx !== section.index || sym.type !== STT.FUNC) continue;
    if (sym.value + sym.size > section.data.length)
      refuse("elf-program-bounds", `sec '${section.name}': program at offset ${sym.value} crosses section boundary`, section.offset);
    if (section.name !== ".text" && sym.bind === STB.LOCAL)
      refuse("static-program", `sec '${section.name}': program '${sym.name}' is static and not supported`, section.offset + sym.value);
    if (sym.size === 0 || sym.size % 8 || sym.value % 8)
      refuse(
        "elf-program-size",
        `sec '${section.name}': corrupted program '${sym.name}', offset ${sym.value}, size ${sym.size}`,
        section.offset,
      );
    out.push({
      name: sym.name,
      secIdx: section.index,
      secName,
      optional,
      secInsnOff: sym.value / 8,
      insns: decodeInsns(section.data.subarray(sym.value, sym.value + sym.size), elf.littleEndian),
      global: sym.bind !== STB.LOCAL,
      hidden: sym.bind !== STB.LOCAL && (sym.visibility === STV.HIDDEN || sym.visibility === STV.INTERNAL),
      def,
      relocs: new Map(),
      coreError: undefined,
    });
  }
  return out;
}

/** The function that contains slot `insnIdx` of section `secIdx`. */
export function funcAt(funcs: readonly Func[], secIdx: number, insnIdx: number): Func | undefined {
  let lo = 0;
  let hi = funcs.length - 1;
  while (lo < hi) {
    const mid = lo + ((hi - lo + 1) >> 1);
    const f = funcs[mid]!;
    if (f.secIdx < secIdx || (f.secIdx === secIdx && f.secInsnOff <= insnIdx)) lo = mid;
    else hi = mid - 1;
  }
  const f = funcs[lo];
  return f !== undefined && f.secIdx === secIdx && insnIdx >= f.secInsnOff && insnIdx < f.secInsnOff + f.insns.length ? f : undefined;
}
