// The debug sections of an object with their relocations: where an address stands, which section it lies in. It parses no DWARF.
import { SHT, type Elf } from "../elf/elf.ts";
import { Cursor } from "./cursor.ts";

/** An address of an object that is not linked: a section and an offset in it. */
export interface Place {
  readonly section: number;
  readonly offBytes: number;
}

export interface DebugSection {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Section that the 8-byte address at an offset points into. */
  readonly targets: ReadonlyMap<number, number>;
}
const EMPTY: DebugSection = { name: "", bytes: new Uint8Array(0), targets: new Map() };
/** R_BPF_64_ABS64 (and R_BPF_64_64, which old clang used in data). */
const WIDE: ReadonlySet<number> = new Set([1, 2]);

export class DebugSections {
  readonly littleEndian: boolean;
  readonly #elf: Elf;
  readonly #known = new Map<string, DebugSection>();
  constructor(elf: Elf) {
    this.#elf = elf;
    this.littleEndian = elf.littleEndian;
  }

  /** The section by its name without `.debug_`; empty when there is none. */
  get(name: string): DebugSection {
    let section = this.#known.get(name);
    if (section === undefined) {
      section = this.#relocate(name);
      this.#known.set(name, section);
    }
    return section;
  }

  cursor(name: string, at = 0): Cursor {
    return new Cursor(this.get(name).bytes, this.littleEndian, at);
  }

  #relocate(name: string): DebugSection {
    const section = this.#elf.sections.find((s) => s.name === `.debug_${name}`);
    if (section === undefined) return EMPTY;
    const rel = this.#elf.sections.find((s) => (s.type === SHT.REL || s.type === SHT.RELA) && s.info === section.index);
    const targets = new Map<number, number>();
    if (rel === undefined) return { name, bytes: section.data, targets };
    const bytes = section.data.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const r of this.#elf.relocs(rel)) {
      const sym = this.#elf.symbols[r.symbol];
      const size = WIDE.has(r.type) ? 8 : 4;
      if (sym === undefined || r.offset + size > bytes.length) continue;
      targets.set(r.offset, sym.shndx);
      const add = sym.value + r.addend;
      if (add === 0) continue;
      if (size === 8)
        view.setBigUint64(r.offset, BigInt.asUintN(64, view.getBigUint64(r.offset, this.littleEndian) + BigInt(add)), this.littleEndian);
      else view.setUint32(r.offset, (view.getUint32(r.offset, this.littleEndian) + add) >>> 0, this.littleEndian);
    }
    return { name, bytes, targets };
  }

  /** The address at `at` of section `name`: 8 bytes, section 0 when no relocation names one. */
  place(name: string, at: number): Place {
    const s = this.get(name);
    return { section: s.targets.get(at) ?? 0, offBytes: new Cursor(s.bytes, this.littleEndian, at).uint(8) };
  }
}
