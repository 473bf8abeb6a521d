// Writes the assembler's sections and symbols as an ELF64 relocatable BPF object. It changes none of them.
import { elfFile, FieldWriter, StringTable, type ElfFileSection } from "../../base/index.ts";
import type { Assembler } from "./assembler.ts";
import { isTemporary, Section, SHT, STB, STT, type AsmSymbol } from "./output.ts";
import { symbolSize, symbolValue } from "./resolve.ts";

const EM_BPF = 247;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
const SYM_SIZE = 24;

/** A section whose name has no place yet. */
type Header = Omit<ElfFileSection, "nameOff"> & { readonly name: string };

interface SymbolRow {
  readonly name: string;
  readonly info: number;
  readonly other: number;
  readonly index: number;
  readonly value: bigint;
  readonly size: number;
  readonly key: AsmSymbol | Section | undefined;
}

const bindingOf = (s: AsmSymbol): number => s.binding ?? (s.section || s.absolute ? STB.LOCAL : STB.GLOBAL);

function symbolRow(a: Assembler, symbol: AsmSymbol, indexOf: Map<Section, number>): SymbolRow | undefined {
  if (isTemporary(symbol.name) || symbol.type === STT.SECTION) return undefined;
  const value = symbolValue(a, symbol);
  if (!value && !symbol.common && !symbol.referenced && symbol.binding === undefined) return undefined;
  const index = symbol.common ? SHN_COMMON : value ? (value.section ? indexOf.get(value.section)! : SHN_ABS) : 0;
  return {
    name: symbol.name,
    info: (bindingOf(symbol) << 4) | symbol.type,
    other: symbol.visibility,
    index,
    value: symbol.common ? BigInt(symbol.common.align) : (value?.value ?? 0n),
    size: symbol.common?.size ?? symbolSize(a, symbol),
    key: symbol,
  };
}

/** Rows of the symbol table, local ones first, and how many are local. */
function symbolTable(a: Assembler, sections: readonly Section[], indexOf: Map<Section, number>): { rows: SymbolRow[]; locals: number } {
  const row = (name: string, type: number, index: number, key?: Section): SymbolRow => ({
    name,
    info: type,
    other: 0,
    index,
    value: 0n,
    size: 0,
    key,
  });
  const used = new Set(sections.flatMap((s) => s.relocations.map((r) => r.symbol)).filter((s) => s instanceof Section));
  const all = [...a.symbols.values()].map((s) => symbolRow(a, s, indexOf)).filter((r) => r !== undefined);
  const locals = [
    row("", STT.NOTYPE, 0),
    ...a.files.map((f) => row(f, STT.FILE, SHN_ABS)),
    ...sections.filter((s) => used.has(s)).map((s) => row("", STT.SECTION, indexOf.get(s)!, s)),
    ...all.filter((r) => r.info >> 4 === STB.LOCAL),
  ];
  return { rows: [...locals, ...all.filter((r) => r.info >> 4 !== STB.LOCAL)], locals: locals.length };
}

function encodeSymbols(rows: readonly SymbolRow[], strings: StringTable, little: boolean): Uint8Array {
  const f = new FieldWriter(rows.length * SYM_SIZE, little);
  for (const r of rows) f.u32(strings.at(r.name)).u8(r.info).u8(r.other).u16(r.index).u64(r.value).u64(r.size);
  return f.bytes;
}

function relocationHeader(
  section: Section,
  index: number,
  symtab: number,
  symbolIndex: Map<AsmSymbol | Section, number>,
  little: boolean,
): Header {
  const sorted = [...section.relocations].sort((x, y) => x.offBytes - y.offBytes);
  const f = new FieldWriter(sorted.length * 16, little);
  for (const r of sorted) f.u64(r.offBytes).u64((BigInt(symbolIndex.get(r.symbol)!) << 32n) | BigInt(r.type));
  return {
    name: `.rel${section.name}`,
    type: SHT.REL,
    flags: 0x40,
    bytes: f.bytes,
    size: f.bytes.length,
    link: symtab,
    info: index,
    align: 8,
    entSize: 16,
  };
}

/** All section headers after the null one: contents, their relocations, symbols, strings. */
function headers(a: Assembler, strings: StringTable): Header[] {
  const sections = [...a.sections.values()];
  const indexOf = new Map<Section, number>();
  let next = 1;
  for (const s of sections) {
    indexOf.set(s, next);
    next += s.relocations.length ? 2 : 1;
  }
  const { rows, locals } = symbolTable(a, sections, indexOf);
  const symbolIndex = new Map<AsmSymbol | Section, number>();
  rows.forEach((r, i) => r.key && symbolIndex.set(r.key, i));
  const out: Header[] = [];
  for (const s of sections) {
    out.push({
      name: s.name,
      type: s.type,
      flags: s.flags,
      bytes: s.bytes,
      size: s.size,
      link: 0,
      info: 0,
      align: s.align,
      entSize: s.entSize,
    });
    if (s.relocations.length) out.push(relocationHeader(s, indexOf.get(s)!, next, symbolIndex, a.littleEndian));
  }
  const symbols = encodeSymbols(rows, strings, a.littleEndian);
  out.push({
    name: ".symtab",
    type: SHT.SYMTAB,
    flags: 0,
    bytes: symbols,
    size: symbols.length,
    link: next + 1,
    info: locals,
    align: 8,
    entSize: SYM_SIZE,
  });
  for (const h of out) strings.at(h.name);
  strings.at(".strtab");
  const text = strings.bytes;
  out.push({ name: ".strtab", type: SHT.STRTAB, flags: 0, bytes: text, size: text.length, link: 0, info: 0, align: 1, entSize: 0 });
  return out;
}

/** The object file. Section names and symbols share one string table, as LLVM writes them. */
export function writeElf(a: Assembler): Uint8Array {
  const strings = new StringTable();
  const list = headers(a, strings);
  return elfFile(
    list.map((h) => ({ ...h, nameOff: strings.at(h.name) })),
    { littleEndian: a.littleEndian, machine: EM_BPF, namesIndex: list.length },
  );
}
