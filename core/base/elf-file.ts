// Lays out an ELF64 relocatable file from sections that are ready: string tables, fields in either byte order, headers. It knows no section's meaning.

const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SHT_NOBITS = 8;
const ET_REL = 1;

/** UTF-8 of a text; lone surrogates become what three bytes make of them. */
export function utf8Bytes(text: string): Uint8Array {
  const out: number[] = [];
  for (const ch of text) {
    const cp = ch.codePointAt(0)!;
    if (cp < 0x80) out.push(cp);
    else if (cp < 0x800) out.push(0xc0 | (cp >> 6), 0x80 | (cp & 63));
    else if (cp < 0x10000) out.push(0xe0 | (cp >> 12), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63));
    else out.push(0xf0 | (cp >> 18), 0x80 | ((cp >> 12) & 63), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63));
  }
  return Uint8Array.from(out);
}

/** A string table that begins with the empty string; equal strings stand in it once. */
export class StringTable {
  readonly #offsets = new Map<string, number>([["", 0]]);
  #bytes = new Uint8Array(256);
  #length = 1;

  /** Offset of a text. */
  at(text: string): number {
    return this.atBytes(utf8Bytes(text));
  }
  /** Offset of a string of any bytes but NUL. */
  atBytes(bytes: Uint8Array): number {
    let key = "";
    for (const b of bytes) key += String.fromCharCode(b);
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.#length;
    const end = offset + bytes.length + 1;
    if (end > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    this.#bytes.set(bytes, offset);
    this.#length = end;
    this.#offsets.set(key, offset);
    return offset;
  }
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Writes fields one after the other, in little- or big-endian order, into bytes of a fixed size. */
export class FieldWriter {
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

/** A section that is ready to be written; `size` counts for NOBITS, whose `bytes` are empty. */
export interface ElfFileSection {
  /** Offset of its name in the table of names. */
  readonly nameOff: number;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  /** A power of two, or 0. */
  readonly align: number;
  readonly entSize: number;
}

export interface ElfFileOptions {
  readonly littleEndian: boolean;
  readonly machine: number;
  /** Index of the section that holds the names of sections. */
  readonly namesIndex: number;
}

/** The file: header, contents in order of the sections (whose indexes start at 1), section headers. */
export function elfFile(sections: readonly ElfFileSection[], options: ElfFileOptions): Uint8Array {
  const little = options.littleEndian;
  const offsets: number[] = [];
  let at = EHDR_SIZE;
  for (const s of sections) {
    const align = Math.max(1, s.align);
    at = Math.ceil(at / align) * align;
    offsets.push(at);
    if (s.type !== SHT_NOBITS) at += s.bytes.length;
  }
  const table = Math.ceil(at / 8) * 8;
  const out = new Uint8Array(table + SHDR_SIZE * (sections.length + 1));
  out.set(header(table, sections.length + 1, options));
  sections.forEach((s, i) => {
    out.set(s.bytes, offsets[i]!);
    const f = new FieldWriter(SHDR_SIZE, little).u32(s.nameOff).u32(s.type).u64(s.flags).u64(0);
    out.set(f.u64(offsets[i]!).u64(s.size).u32(s.link).u32(s.info).u64(s.align).u64(s.entSize).bytes, table + SHDR_SIZE * (i + 1));
  });
  return out;
}

function header(table: number, count: number, { littleEndian, machine, namesIndex }: ElfFileOptions): Uint8Array {
  const f = new FieldWriter(EHDR_SIZE, littleEndian);
  for (const b of [0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1, 0]) f.u8(b);
  f.u64(0).u16(ET_REL).u16(machine).u32(1).u64(0).u64(0).u64(table).u32(0);
  return f.u16(EHDR_SIZE).u16(0).u16(0).u16(SHDR_SIZE).u16(count).u16(namesIndex).bytes;
}
