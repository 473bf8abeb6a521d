// Opens and checks one object for linking, by the rules of libbpf 1.5's bpf_linker__add_file: sections, symbols, relocations, types. It links nothing.
import { ByteReader, CodedError } from "../../base/index.ts";
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type BtfSecVar } from "../btf/btf.ts";
import { idSlots, stringSlots } from "../btf/raw.ts";
import { openBtf, type BtfBlob } from "../btf/reader.ts";
import { EM_BPF, openElf, SHF_EXECINSTR, SHN_LORESERVE, SHN_UNDEF, SHT, STB, STT, STV } from "../elf/elf.ts";
import type { Elf, ElfReloc, ElfSection, ElfSymbol } from "../elf/elf.ts";
import { EXT_PART, extRuns, openBtfExt } from "../load/btf-ext.ts";
import type { OutSection } from "./output.ts";

/** A file to link; its name stands in messages only. */
export interface LinkFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A section of an input, or (without `elf`) one that exists in its types only: `.kconfig`, `.ksyms`. */
export interface InSection {
  readonly name: string;
  readonly elf: ElfSection | undefined;
  /** Left out of the result. */
  skipped: boolean;
  /** Where its contents went, and at which byte. */
  out: OutSection | undefined;
  outOff: number;
  /** Variables of its DATASEC, offsets completed; undefined without one. */
  vars: readonly BtfSecVar[] | undefined;
}

export interface LinkInput {
  readonly name: string;
  readonly elf: Elf;
  /** By ELF index first, then those of the types only. */
  readonly sections: InSection[];
  readonly btf: BtfBlob | undefined;
  readonly ext: ByteReader | undefined;
  /** Index in the result by index of the symbol here; 0 for those left out. */
  readonly symMap: number[];
  /** Id in the result by id of the type here. */
  readonly typeMap: Uint32Array;
}

const ET_REL = 1;
const SHT_LLVM_ADDRSIG = 0x6fff4c03;
/** R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_ABS32, R_BPF_64_32. */
const RELOC_TYPES: ReadonlySet<number> = new Set([1, 2, 3, 10]);
const KNOWN_TYPES: ReadonlySet<number> = new Set([SHT.SYMTAB, SHT.STRTAB, SHT.PROGBITS, SHT.NOBITS, SHT.REL, SHT_LLVM_ADDRSIG]);
const MAX_ALIGN = 1 << 16;

/** Throws the coded error of a place in an input. */
export function fail(input: { readonly name: string }, code: string, why: string, offBytes: number): never {
  throw new CodedError(code, why, { file: input.name, offBytes });
}

/** Runs a step; a fault that names no file is one of `name`, its offset counts from `base`. */
export function within<T>(name: string, base: number, step: () => T): T {
  try {
    return step();
  } catch (e) {
    if (!(e instanceof CodedError) || e.at.file !== undefined) throw e;
    throw new CodedError(e.code, e.message, { ...e.at, file: name, offBytes: base + (e.at.offBytes ?? 0) });
  }
}

const isDwarf = (name: string): boolean => name.startsWith(".debug_") || name.startsWith(".rel.debug_");

function isIgnored(s: ElfSection): boolean {
  if (s.type === SHT.STRTAB || s.type === SHT_LLVM_ADDRSIG || isDwarf(s.name)) return true;
  if (s.name === ".text" && s.type === SHT.PROGBITS && s.size === 0) return true;
  return s.name === ".rel.BTF" || s.name === ".rel.BTF.ext" || s.name === ".BTF" || s.name === ".BTF.ext";
}

/** Throws CodedError `link-...`, or those of the readers of ELF and BTF, with file and offset. */
export function openInput(file: LinkFile): LinkInput {
  const elf = within(file.name, 0, () => openElf(file.bytes));
  const type = within(file.name, 0, () => new ByteReader(file.bytes, elf.littleEndian, "elf").u16(16));
  if (type !== ET_REL) fail(file, "link-not-object", `ELF: a file of type ${type}, not a relocatable object; compile with -c`, 16);
  if (elf.machine !== EM_BPF)
    fail(file, "elf-not-bpf", `ELF: made for machine ${elf.machine}, not for BPF (${EM_BPF}); compile with -target bpf`, 18);
  if (elf.symtabIndex === 0) fail(file, "elf-no-symbols", "ELF: no symbol table, a stripped object file?", 0);
  const sections = elf.sections.map((s): InSection => ({
    name: s.name,
    elf: s,
    skipped: s.index === 0 || isIgnored(s),
    out: undefined,
    outOff: 0,
    vars: undefined,
  }));
  checkSections(file, elf);
  const part = (name: string): ElfSection | undefined => elf.sections.find((s) => s.name === name && s.type === SHT.PROGBITS);
  const types = part(".BTF");
  const extSection = part(".BTF.ext");
  const btf = types && within(file.name, types.offset, () => checkedBtf(types.data));
  if (extSection && !btf) fail(file, "btf-ext", "BTF.ext: there is no .BTF that it could speak of", extSection.offset);
  const ext = extSection && within(file.name, extSection.offset, () => checkedExt(extSection.data, btf!));
  const input: LinkInput = {
    name: file.name,
    elf,
    sections,
    btf,
    ext,
    symMap: new Array<number>(elf.symbols.length).fill(0),
    typeMap: new Uint32Array(btf?.typeCount ?? 0),
  };
  if (btf) within(file.name, types!.offset, () => completeDatasecs(input, btf));
  return input;
}

function checkSections(file: LinkFile, elf: Elf): void {
  for (const s of elf.sections.slice(1)) {
    const header = s.offset;
    if (!KNOWN_TYPES.has(s.type) && !isDwarf(s.name))
      fail(file, "link-section", `ELF: section #${s.index} (${s.name}) is of the unknown type ${s.type}`, header);
    if (s.name === "") fail(file, "link-section", `ELF: section #${s.index} has no name`, header);
    if (isDwarf(s.name)) continue;
    if (s.align > MAX_ALIGN || (s.align & (s.align - 1)) !== 0)
      fail(file, "link-align", `ELF: section '${s.name}' is aligned to ${s.align}, which is no power of two up to ${MAX_ALIGN}`, header);
    if (s.type === SHT.PROGBITS && s.flags & SHF_EXECINSTR && s.size % 8)
      fail(file, "link-section", `ELF: section '${s.name}' holds code of ${s.size} bytes, no multiple of 8`, header);
    if (s.type === SHT.SYMTAB) elf.symbols.forEach((sym) => checkSymbol(file, elf, s, sym));
    if (s.type === SHT.REL) checkRelocs(file, elf, s);
  }
}

function checkSymbol(file: LinkFile, elf: Elf, table: ElfSection, s: ElfSymbol): void {
  const bad = (why: string): never => fail(file, "link-symbol", `ELF: symbol #${s.index} '${s.name}' ${why}`, table.offset + s.index * 24);
  if (s.index === 0) {
    if (s.name !== "" || s.type || s.bind || s.visibility || s.shndx || s.value || s.size) bad("is the first and not empty");
    return;
  }
  if (s.bind > STB.WEAK) bad(`has the unsupported binding ${s.bind}`);
  if (s.visibility !== STV.DEFAULT && s.visibility !== STV.HIDDEN) bad(`has the unsupported visibility ${s.visibility}`);
  if (s.shndx === SHN_UNDEF) {
    if (s.type !== STT.NOTYPE || s.bind === STB.LOCAL || s.value !== 0 || s.size !== 0) bad("is no proper extern");
    return;
  }
  if (s.shndx < SHN_LORESERVE && s.shndx >= elf.sections.length) bad(`is in section ${s.shndx}, which is missing`);
  if (s.type === STT.SECTION && s.value !== 0) bad("stands for a section but has a value");
}

function checkRelocs(file: LinkFile, elf: Elf, s: ElfSection): void {
  const bad = (why: string, offBytes = s.offset): never => fail(file, "link-reloc", `ELF: relocations '${s.name}': ${why}`, offBytes);
  if (s.link !== elf.symtabIndex) bad(`section ${s.link} is not the symbol table`);
  const target = s.info === 0 ? undefined : elf.sections[s.info];
  if (target === undefined) return bad(`section ${s.info}, which they change, is missing`);
  if (s.name !== `.rel${target.name}`) bad(`they change '${target.name}', which their name does not say`);
  if (isIgnored(target)) return;
  if (target.type !== SHT.PROGBITS && target.type !== SHT.NOBITS) bad(`section '${target.name}' holds no data`);
  const relocs: ElfReloc[] = within(file.name, 0, () => elf.relocs(s));
  relocs.forEach((r, i) => {
    const at = s.offset + i * s.entSize;
    if (!RELOC_TYPES.has(r.type)) bad(`#${i} is of the unknown type ${r.type}`, at);
    if (r.symbol === 0 || r.symbol >= elf.symbols.length) bad(`#${i} names symbol ${r.symbol}, which does not exist`, at);
    if (r.offset + 8 > target.size) bad(`#${i} changes byte ${r.offset} of ${target.size}`, at);
    if (target.flags & SHF_EXECINSTR && r.offset % 8) bad(`#${i} changes byte ${r.offset}, where no instruction starts`, at);
  });
}

/** Types whose references and strings all exist. */
function checkedBtf(bytes: Uint8Array): BtfBlob {
  const btf = openBtf(bytes);
  for (let id = 1; id < btf.typeCount; id++) {
    const words = btf.words(id);
    const offBytes = btf.offsetOf(id);
    for (const i of idSlots(words))
      if (words[i]! >= btf.typeCount)
        throw new CodedError("btf-bad-id", `BTF: type [${id}] refers to type ${words[i]}, the last one is ${btf.typeCount - 1}`, {
          offBytes,
        });
    for (const i of stringSlots(words)) btf.stringBytes(words[i]!);
  }
  return btf;
}

function checkedExt(bytes: Uint8Array, btf: BtfBlob): ByteReader {
  const r = openBtfExt(bytes, btf.layout.littleEndian);
  const id = (at: number): void => {
    if (r.u32(at) >= btf.typeCount) throw new CodedError("btf-ext", `BTF.ext: type ${r.u32(at)} does not exist`, { offBytes: at });
  };
  const records = (field: number, check: (at: number) => void): void => {
    for (const run of extRuns(r, field)) {
      btf.stringBytes(run.nameOff);
      for (let i = 0; i < run.count; i++) check(run.at + i * run.recSize);
    }
  };
  records(EXT_PART.func, (at) => id(at + 4));
  records(EXT_PART.line, (at) => void [btf.stringBytes(r.u32(at + 4)), btf.stringBytes(r.u32(at + 8))]);
  records(EXT_PART.core, (at) => void [id(at + 4), btf.stringBytes(r.u32(at + 8))]);
  return r;
}

/** Gives the variables of each DATASEC the offsets of their symbols, and a section to DATASECs that ELF does not know. */
function completeDatasecs(input: LinkInput, btf: BtfBlob): void {
  const { sections, elf } = input;
  const places = new Map<string, ElfSymbol>();
  for (const s of elf.symbols) {
    const key = `${s.shndx} ${s.name}`;
    if (s.type === STT.OBJECT && !places.has(key)) places.set(key, s);
  }
  for (let id: BtfId = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== K.DATASEC) continue;
    const t = btf.type(id);
    let section = sections.find((s, i) => i > 0 && s.name === t.name);
    // Externs that stand in no special section are left to the other files.
    if (section === undefined && t.name === ".extern") continue;
    if (section === undefined) {
      if (t.name === "") throw new CodedError("btf-datasec", `BTF: section type [${id}] has no name`, { offBytes: btf.offsetOf(id) });
      section = { name: t.name, elf: undefined, skipped: false, out: undefined, outOff: 0, vars: undefined };
      sections.push(section);
    }
    const index = section.elf?.index ?? SHN_UNDEF;
    section.vars = t.vars.map((v) => {
      const target = btf.type(v.type);
      if (target.kind !== K.VAR || target.linkage !== 1) return v;
      const sym = places.get(`${index} ${target.name}`);
      if (sym === undefined)
        throw new CodedError("link-symbol", `failed to find symbol for variable '${target.name}' in section '${t.name}'`, {
          offBytes: btf.offsetOf(v.type),
        });
      return { ...v, offset: sym.value };
    });
  }
}
