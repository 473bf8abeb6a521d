// Reads ELF64 relocatable objects of either byte order: sections, symbols, relocations. It applies none and knows no BPF beyond the machine number.
import { ByteReader, CodedError } from "../../base/index.ts";

export const EM_BPF = 247;
export const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9 } as const;
export const SHF_ALLOC = 2,
  SHF_EXECINSTR = 4;
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4 } as const;
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;
export const STV = { DEFAULT: 0, INTERNAL: 1, HIDDEN: 2, PROTECTED: 3 } as const;
export const SHN_UNDEF = 0,
  SHN_LORESERVE = 0xff00;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly size: number;
  readonly offset: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entSize: number;
  /** The bytes; empty for NOBITS. */
  readonly data: Uint8Array;
}
export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly bind: number;
  readonly visibility: number;
  /** Section index, or SHN_UNDEF, or a reserved index. */
  readonly shndx: number;
}
export interface ElfReloc {
  /** Bytes from the start of the section that it changes. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  readonly addend: number;
}
export interface Elf {
  readonly littleEndian: boolean;
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** Index of the symbol table, 0 when there is none. */
  readonly symtabIndex: number;
  /** Entries of a SHT_REL or SHT_RELA section. */
  relocs(section: ElfSection): ElfReloc[];
}

const fail = (code: string, why: string, offBytes: number): never => {
  throw new CodedError(code, `ELF: ${why}`, { offBytes });
};

/** Opens an object. Throws CodedError `elf-not-elf`, `elf-unsupported`, `elf-truncated`, `elf-format`. */
export function openElf(bytes: Uint8Array): Elf {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46)
    fail(
      "elf-not-elf",
      bytes.length === 0 ? "the file is empty" : "no ELF magic; give an object that a compiler made for BPF (clang -target bpf -c)",
      0,
    );
  if (bytes.length < 64) fail("elf-truncated", `the header takes 64 bytes, the file has ${bytes.length}`, bytes.length);
  if (bytes[4] !== 2) fail("elf-unsupported", "32-bit objects are not BPF objects", 4);
  if (bytes[5] !== 1 && bytes[5] !== 2) fail("elf-format", `unknown byte order ${bytes[5]}`, 5);
  const littleEndian = bytes[5] === 1;
  const r = new ByteReader(bytes, littleEndian, "elf");
  const machine = r.u16(18);
  const sections = readSections(r);
  const symtabs = sections.filter((s) => s.type === SHT.SYMTAB);
  if (symtabs.length > 1) fail("elf-format", "more than one symbol table", symtabs[1]!.offset);
  const symtab = symtabs[0];
  const symbols = symtab === undefined ? [] : readSymbols(r, symtab, sections);
  return { littleEndian, machine, sections, symbols, symtabIndex: symtab?.index ?? 0, relocs: (s) => readRelocs(s, littleEndian) };
}

function readSections(r: ByteReader): ElfSection[] {
  const shoff = r.u64n(40);
  const entSize = r.u16(58);
  if (shoff === 0) return [];
  if (entSize !== 64) fail("elf-format", `section headers of ${entSize} bytes, 64 expected`, 58);
  let count = r.u16(60);
  if (count === 0) count = r.u64n(shoff + 32);
  if (count > r.length / 64) fail("elf-truncated", `${count} section headers do not fit the file`, 60);
  let strndx = r.u16(62);
  if (strndx === 0xffff) strndx = r.u32(shoff + 40);
  const header = (i: number): number => shoff + i * 64;
  if (strndx >= count) fail("elf-format", `section names are said to be in section ${strndx} of ${count}`, 62);
  const names = contents(r, header(strndx));
  return Array.from({ length: count }, (_, index) => {
    const at = header(index);
    return {
      index,
      name: index === 0 ? "" : stringAt(names, r.u32(at), at),
      type: r.u32(at + 4),
      flags: Number(r.u64(at + 8) & 0xffffffffn),
      offset: r.u64n(at + 24),
      size: r.u64n(at + 32),
      link: r.u32(at + 40),
      info: r.u32(at + 44),
      align: r.u64n(at + 48),
      entSize: r.u64n(at + 56),
      data: index === 0 ? new Uint8Array(0) : contents(r, at),
    };
  });
}

function contents(r: ByteReader, header: number): Uint8Array {
  const type = r.u32(header + 4);
  if (type === SHT.NOBITS || type === 0) return new Uint8Array(0);
  return r.slice(r.u64n(header + 24), r.u64n(header + 32));
}

/** A NUL-terminated name in a string table; `from` is where the reference stands. */
function stringAt(table: Uint8Array, off: number, from: number): string {
  if (off === 0 && table.length === 0) return "";
  if (off >= table.length) fail("elf-format", `a name at ${off} lies behind its string table (${table.length} bytes)`, from);
  return new ByteReader(table, true, "elf").cstr(off);
}

function readSymbols(r: ByteReader, symtab: ElfSection, sections: readonly ElfSection[]): ElfSymbol[] {
  if (symtab.entSize !== 24 || symtab.size % 24 !== 0) fail("elf-format", `symbols of ${symtab.entSize} bytes, 24 expected`, symtab.offset);
  const strings = sections[symtab.link];
  if (strings === undefined || strings.type !== SHT.STRTAB) fail("elf-format", "the symbol table has no string table", symtab.offset);
  const out: ElfSymbol[] = new Array<ElfSymbol>(symtab.size / 24);
  for (let index = 0; index < out.length; index++) {
    const at = symtab.offset + index * 24;
    const info = r.u8(at + 4);
    out[index] = {
      index,
      name: stringAt(strings!.data, r.u32(at), at),
      type: info & 15,
      bind: info >> 4,
      visibility: r.u8(at + 5) & 3,
      shndx: r.u16(at + 6),
      value: r.u64n(at + 8),
      size: r.u64n(at + 16),
    };
  }
  return out;
}

function readRelocs(section: ElfSection, littleEndian: boolean): ElfReloc[] {
  const size = section.type === SHT.RELA ? 24 : 16;
  if (section.entSize !== size)
    fail("elf-format", `relocations of ${section.entSize} bytes in '${section.name}', ${size} expected`, section.offset);
  const r = new ByteReader(section.data, littleEndian, "elf");
  return Array.from({ length: Math.floor(section.data.length / size) }, (_, i) => {
    const info = r.u64(i * size + 8);
    return {
      offset: r.u64n(i * size),
      type: Number(info & 0xffffffffn),
      symbol: Number(info >> 32n),
      addend: size === 24 ? Number(BigInt.asIntN(64, r.u64(i * size + 16))) : 0,
    };
  });
}
