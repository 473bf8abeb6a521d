// The object under construction: sections that grow, symbols, names, types. It decides nothing.
import { CodedError, elfFile, FieldWriter, StringTable, type BtfId, type ElfFileSection } from "../../base/index.ts";
import { BtfBuilder } from "../btf/raw.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { EM_BPF, SHT } from "../elf/elf.ts";

const SHF_STRINGS = 0x20;
/** No map of the kernel and no program is larger. */
const MAX_SECTION = 1 << 28;

/** Records of .BTF.ext of one section: blocks of words, one record of `recSize` bytes behind the other. */
export interface ExtRecords {
  recSize: number;
  readonly blocks: Uint32Array[];
}
export interface SecVar {
  readonly type: BtfId;
  offset: number;
  size: number;
}

export interface OutSection {
  readonly name: string;
  /** Index in the ELF file; 0 while it exists in the types only. */
  index: number;
  nameOff: number;
  type: number;
  flags: number;
  entSize: number;
  align: number;
  size: number;
  data: Uint8Array;
  link: number;
  info: number;
  /** Its STT_SECTION symbol, 0 when there is none. */
  symbol: number;
  /** An input describes it by a DATASEC. */
  hasBtf: boolean;
  readonly vars: SecVar[];
  readonly funcs: ExtRecords;
  readonly lines: ExtRecords;
  readonly relos: ExtRecords;
}

export interface OutSymbol {
  readonly name: number;
  type: number;
  bind: number;
  visibility: number;
  shndx: number;
  value: number;
  size: number;
}

/** A symbol that files share: defined by one, or still an extern of all that name it. */
export interface GlobalSymbol {
  readonly name: string;
  readonly symIdx: number;
  section: OutSection | undefined;
  isExtern: boolean;
  isWeak: boolean;
  /** Its VAR or FUNC in the result, 0 before its types are there. */
  btfId: BtfId;
  /** VAR or FUNC of the file that describes it. */
  origin: { readonly btf: BtfBlob; readonly id: BtfId };
  /** The type behind its VAR or FUNC is to be that of the file under way. */
  retype: boolean;
  /** Index in the variables of its section, -1 when it is in none. */
  varIdx: number;
}

/** Everything that inputs add to. */
export class Output {
  readonly littleEndian: boolean;
  readonly names = new StringTable();
  readonly sections: OutSection[] = [];
  readonly symbols: OutSymbol[] = [{ name: 0, type: 0, bind: 0, visibility: 0, shndx: 0, value: 0, size: 0 }];
  readonly globals = new Map<string, GlobalSymbol>();
  readonly btf: BtfBuilder;
  /** Sections that have a place in the ELF file, in its order, from index 1. */
  readonly #placed: OutSection[] = [];
  readonly #byName = new Map<string, OutSection>();
  readonly #strtab: OutSection;
  readonly #symtab: OutSection;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
    this.btf = new BtfBuilder(littleEndian);
    this.#strtab = this.addSection(".strtab");
    this.place(this.#strtab, { type: SHT.STRTAB, flags: SHF_STRINGS, align: 1, entSize: 0 });
    this.#symtab = this.addSection(".symtab");
    this.place(this.#symtab, { type: SHT.SYMTAB, flags: 0, align: 8, entSize: 24 });
  }

  get symtabIndex(): number {
    return this.#symtab.index;
  }
  find(name: string): OutSection | undefined {
    return this.#byName.get(name);
  }

  addSection(name: string): OutSection {
    const none = (): ExtRecords => ({ recSize: 0, blocks: [] });
    const section: OutSection = {
      name,
      index: 0,
      nameOff: 0,
      type: 0,
      flags: 0,
      entSize: 0,
      align: 0,
      size: 0,
      data: new Uint8Array(0),
      link: 0,
      info: 0,
      symbol: 0,
      hasBtf: false,
      vars: [],
      funcs: none(),
      lines: none(),
      relos: none(),
    };
    this.sections.push(section);
    this.#byName.set(name, section);
    return section;
  }

  /** Gives a section its place in the ELF file. */
  place(section: OutSection, like: { type: number; flags: number; align: number; entSize: number }): void {
    section.nameOff = this.names.at(section.name);
    section.type = like.type;
    section.flags = like.flags;
    section.align = like.align;
    section.entSize = like.entSize;
    section.index = this.#placed.push(section);
  }

  /** Appends bytes (or only their number, for NOBITS) at the next aligned offset, which it returns. */
  append(section: OutSection, data: Uint8Array | undefined, size: number, align: number): number {
    section.align = Math.max(1, section.align, align);
    const at = Math.ceil(section.size / section.align) * section.align;
    const end = at + size;
    if (end > MAX_SECTION)
      throw new CodedError("link-too-large", `section '${section.name}' would take ${end} bytes, ${MAX_SECTION} are the limit`);
    if (data !== undefined) {
      const whole = new Uint8Array(end);
      whole.set(section.data);
      whole.set(data, at);
      section.data = whole;
    }
    section.size = end;
    return at;
  }

  /** Adds a section of bytes that are ready. */
  addData(name: string, data: Uint8Array, align: number): void {
    const section = this.addSection(name);
    this.place(section, { type: SHT.PROGBITS, flags: 0, align, entSize: 0 });
    section.data = data;
    section.size = data.length;
  }

  bytes(): Uint8Array {
    const table = new FieldWriter(this.symbols.length * 24, this.littleEndian);
    for (const s of this.symbols)
      table.u32(s.name).u8((s.bind << 4) | s.type).u8(s.visibility).u16(s.shndx).u64(s.value).u64(s.size); // prettier-ignore
    this.#symtab.data = table.bytes;
    this.#symtab.link = this.#strtab.index;
    this.#strtab.data = this.names.bytes;
    for (const s of [this.#symtab, this.#strtab]) s.size = s.data.length;
    return elfFile(
      this.#placed.map((s): ElfFileSection => ({ ...s, bytes: s.data })),
      { littleEndian: this.littleEndian, machine: EM_BPF, namesIndex: this.#strtab.index },
    );
  }
}
