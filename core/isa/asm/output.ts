// What the assembler has placed: sections, symbols, fixups. It reads no source and writes no file.
import type { Expr } from "./cursor.ts";
import type { FixupKind } from "./instruction.ts";
import { AsmFault } from "./lexer.ts";

/** ELF numbers that assembler and object writer need. */
export const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, NOBITS: 8, REL: 9 } as const;
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, MERGE: 0x10, STRINGS: 0x20, EXCLUDE: 0x80000000 } as const;
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4 } as const;
/** Relocation types of BPF (include/llvm/BinaryFormat/ELFRelocs/BPF.def, LLVM 19). */
export const R_BPF = { R64_64: 1, ABS64: 2, ABS32: 3, NODYLD32: 4, R64_32: 10 } as const;

/** A place in a section that is filled when all symbols are known. `data` fixups are `size` bytes wide. */
export interface Fixup {
  readonly offBytes: number;
  readonly kind: FixupKind | "data" | "uleb";
  readonly size: number;
  readonly target: Expr;
  /** 0-based source line, for messages. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** More is surely a mistake or an attack. */
const MAX_SECTION_BYTES = 1 << 26;

/** A section with a growing body. */
export class Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly entSize: number;
  align = 1;
  size = 0;
  readonly fixups: Fixup[] = [];
  readonly relocations: Relocation[] = [];
  #bytes = new Uint8Array(256);

  constructor(name: string, type: number, flags: number, entSize: number) {
    this.name = name;
    this.type = type;
    this.flags = flags;
    this.entSize = entSize;
  }
  /** Everything placed so far; shares memory with the section. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.type === SHT.NOBITS ? 0 : this.size);
  }
  append(bytes: Uint8Array | readonly number[]): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.size);
    this.size += bytes.length;
  }
  /** Appends `unit` `times` times. */
  repeat(unit: Uint8Array | readonly number[], times: number): void {
    const total = unit.length * times;
    if (total === 0) return;
    this.#reserve(total);
    this.#bytes.set(unit, this.size);
    for (let done = unit.length; done < total; done *= 2)
      this.#bytes.copyWithin(this.size + done, this.size, this.size + Math.min(done, total - done));
    this.size += total;
  }
  fill(count: number, value: number): void {
    if (this.type !== SHT.NOBITS) {
      this.#reserve(count);
      this.#bytes.fill(value, this.size, this.size + count);
    }
    this.size += count;
  }
  #reserve(count: number): void {
    const wanted = this.size + count;
    if (wanted > MAX_SECTION_BYTES)
      throw new AsmFault(`section '${this.name}' would be larger than ${MAX_SECTION_BYTES} bytes`, { start: 0, end: 1 });
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#bytes = grown;
  }
}

export interface Relocation {
  readonly offBytes: number;
  readonly type: number;
  /** A symbol, or the section itself. */
  readonly symbol: AsmSymbol | Section;
}

/** A label or other name. `.L` names are temporary: they never reach the object. */
export interface AsmSymbol {
  readonly name: string;
  section: Section | undefined;
  offBytes: number;
  /** Set by `.set`/`=`. */
  absolute: Expr | undefined;
  binding: number | undefined;
  type: number;
  size: Expr | undefined;
  visibility: number;
  /** Alignment of a common symbol. */
  common: { readonly size: number; readonly align: number } | undefined;
  /** 0-based line and columns of the definition. */
  definition: { readonly line: number; readonly start: number; readonly end: number } | undefined;
  referenced: boolean;
}

export const isTemporary = (name: string): boolean => name.startsWith(".L");
