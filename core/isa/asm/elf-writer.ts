// Writes the assembler's sections and symbols as an ELF64 relocatable BPF object. It changes none of them.
import type { Assembler } from "./assembler.ts";
import { isTemporary, Section, SHT, STB, STT, type AsmSymbol } from "./output.ts";
import { symbolSize, symbolValue } from "./resolve.ts";

const EM_BPF = 247;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
const SYM_SIZE = 24;
const SHDR_SIZE = 64;

/** A string table: text to offset. */
class Strings {
  readonly #offsets = new Map<string, number>([["", 0]]);
  readonly #bytes: number[] = [0];
  at(text: string): number {
    let offset = this.#offsets.get(text);
    if (offset === undefined) {
      offset = this.#bytes.length;
      this.#offsets.set(text, offset);
      for (const ch of text) for (const b of utf8(ch.codePointAt(0)!)) this.#bytes.push(b);
      this.#bytes.push(0);
    }
    return offset;
  }
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
function utf8(cp: number): number[] {
  if (cp < 0x80) return [cp];
  if (cp < 0x800) return [0xc0 | (cp >> 6), 0x80 | (cp & 63)];
  if (cp < 0x10000) return [0xe0 | (cp >> 12), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63)];
  return [0xf0 | (cp >> 18), 0x80 | ((cp >> 12) & 63), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63)];
}

/** Appends little- or big-endian fields. */
class Fields {
  readonly #view: DataView;
  readonly #little: boolean;
  #at = 0;
  readonly bytes: Uint8Array;
  constructor(size: number, little: boolean) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
    this.#little = little;
  }
  u8(v: number): this {
    this.#view.setUint8(this.#at++, v);
    return this;
  }
  u16(v: number): this {
    this.#view.setUint16(this.#at, v, this.#little);
    this.#at += 2;
    return this;
  }
  u32(v: number): this {
    this.#view.setUint32(this.#at, v, this.#little);
    this.#at += 4;
    return this;
  }
  u64(v: number | bigint): this {
    this.#view.setBigUint64(this.#at, BigInt.asUintN(64, BigInt(v)), this.#little);
    this.#at += 8;
    return this;
  }
}

interface Header {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entSize: number;
}

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

function encodeSymbols(rows: readonly SymbolRow[], strings: Strings, little: boolean): Uint8Array {
  const f = new Fields(rows.length * SYM_SIZE, little);
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
  const f = new Fields(sorted.length * 16, little);
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
function headers(a: Assembler, strings: Strings): Header[] {
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
  const strings = new Strings();
  const list = headers(a, strings);
  const offsets: number[] = [];
  let at = 64;
  for (const h of list) {
    at = Math.ceil(at / h.align) * h.align;
    offsets.push(at);
    at += h.bytes.length;
  }
  const table = Math.ceil(at / 8) * 8;
  const out = new Uint8Array(table + SHDR_SIZE * (list.length + 1));
  const little = a.littleEndian;
  const head = new Fields(64, little)
    .u8(0x7f)
    .u8(0x45)
    .u8(0x4c)
    .u8(0x46)
    .u8(2)
    .u8(little ? 1 : 2)
    .u8(1)
    .u8(0)
    .u64(0);
  head
    .u16(1)
    .u16(EM_BPF)
    .u32(1)
    .u64(0)
    .u64(0)
    .u64(table)
    .u32(0)
    .u16(64)
    .u16(0)
    .u16(0)
    .u16(SHDR_SIZE)
    .u16(list.length + 1)
    .u16(list.length);
  out.set(head.bytes);
  list.forEach((h, i) => {
    out.set(h.bytes, offsets[i]!);
    const f = new Fields(SHDR_SIZE, little).u32(strings.at(h.name)).u32(h.type).u64(h.flags).u64(0);
    out.set(f.u64(offsets[i]!).u64(h.size).u32(h.link).u32(h.info).u64(h.align).u64(h.entSize).bytes, table + SHDR_SIZE * (i + 1));
  });
  return out;
}
