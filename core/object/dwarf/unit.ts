// Compilation units of .debug_info: abbreviations, and entries (DIEs) as a tree, parsed when a unit is first asked for. It interprets no tags.
import { CodedError } from "../../base/index.ts";
import { AT, FORM } from "./constants.ts";
import { Cursor } from "./cursor.ts";
import type { DebugSections, Place } from "./sections.ts";

interface AbbrevAttr {
  readonly at: number;
  readonly form: number;
  readonly implicit: number;
}
interface Abbrev {
  readonly tag: number;
  readonly children: boolean;
  readonly attrs: readonly AbbrevAttr[];
}

/** Decoded by the form's class; list indexes and string indexes are resolved when read through the unit. */
export type AttrValue =
  | { readonly kind: "number"; readonly value: number; readonly form: number }
  | { readonly kind: "big"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "string-index" | "address-index" | "loclist-index" | "rnglist-index"; readonly value: number }
  | { readonly kind: "address"; readonly value: Place }
  | { readonly kind: "bytes"; readonly value: Uint8Array; readonly expr: boolean }
  /** Offset of another entry in .debug_info. */
  | { readonly kind: "ref"; readonly value: number };

export interface Die {
  readonly offset: number;
  readonly tag: number;
  readonly attrs: ReadonlyMap<number, AttrValue>;
  readonly children: readonly Die[];
}

const MAX_DEPTH = 256;

export interface UnitHeader {
  readonly offset: number;
  readonly end: number;
  readonly version: number;
  readonly offSize: 4 | 8;
  readonly abbrevOff: number;
  readonly firstDie: number;
}

/** Headers of all units; stops at the first that can't be read. */
export function readUnitHeaders(sections: DebugSections): UnitHeader[] {
  const out: UnitHeader[] = [];
  const c = sections.cursor("info");
  const size = sections.get("info").bytes.length;
  while (c.at + 11 <= size) {
    const offset = c.at;
    let length = c.u32();
    const offSize = length === 0xffffffff ? 8 : 4;
    if (offSize === 8) length = c.uint(8);
    const end = Math.min(size, c.at + length);
    const version = c.u16();
    if (version < 2 || version > 5)
      throw new CodedError("dwarf-version", `DWARF: version ${version} is not known (offset ${offset})`, { offBytes: offset });
    let abbrevOff: number;
    if (version === 5) {
      const unitType = c.u8();
      c.u8();
      abbrevOff = c.uint(offSize);
      if (unitType === 4 || unitType === 5) c.at += 8;
      else if (unitType === 2 || unitType === 6) c.at += 8 + offSize;
    } else {
      abbrevOff = c.uint(offSize);
      c.u8();
    }
    out.push({ offset, end, version, offSize, abbrevOff, firstDie: c.at });
    if (end <= offset) break;
    c.at = end;
  }
  return out;
}

function readAbbrevs(sections: DebugSections, at: number): Map<number, Abbrev> {
  const out = new Map<number, Abbrev>();
  const c = sections.cursor("abbrev", at);
  for (let code = c.uleb(); code !== 0; code = c.uleb()) {
    const tag = c.uleb();
    const children = c.u8() !== 0;
    const attrs: AbbrevAttr[] = [];
    for (;;) {
      const attr = { at: c.uleb(), form: c.uleb(), implicit: 0 };
      if (attr.at === 0 && attr.form === 0) break;
      attrs.push(attr.form === FORM.implicit_const ? { ...attr, implicit: c.sleb() } : attr);
    }
    out.set(code, { tag, children, attrs });
  }
  return out;
}

/** One unit; its tree is built on first use. */
export class Unit {
  readonly header: UnitHeader;
  readonly sections: DebugSections;
  #root: Die | undefined;
  #byOffset = new Map<number, Die>();

  constructor(sections: DebugSections, header: UnitHeader) {
    this.sections = sections;
    this.header = header;
  }

  get root(): Die {
    return (this.#root ??= this.#parse());
  }

  /** The entry at an offset of .debug_info, if it lies in this unit. */
  at(offset: number): Die | undefined {
    void this.root;
    return this.#byOffset.get(offset);
  }

  #parse(): Die {
    const c = this.sections.cursor("info", this.header.firstDie);
    const abbrevs = readAbbrevs(this.sections, this.header.abbrevOff);
    const stack: { children: Die[] }[] = [];
    let root: Die | undefined;
    while (c.at < this.header.end) {
      const offset = c.at;
      const code = c.uleb();
      if (code === 0) {
        stack.pop();
        if (stack.length === 0) break;
        continue;
      }
      const abbrev = abbrevs.get(code);
      if (abbrev === undefined)
        throw new CodedError("dwarf-abbrev", `DWARF: abbreviation ${code} is not defined (offset ${offset})`, { offBytes: offset });
      const attrs = new Map<number, AttrValue>();
      for (const a of abbrev.attrs) attrs.set(a.at, this.#value(c, a.form, a.implicit));
      const die = { offset, tag: abbrev.tag, attrs, children: [] as Die[] };
      this.#byOffset.set(offset, die);
      stack.at(-1)?.children.push(die);
      root ??= die;
      if (abbrev.children) stack.push(die);
      if (stack.length > MAX_DEPTH)
        throw new CodedError("dwarf-depth", `DWARF: entries are nested more than ${MAX_DEPTH} deep`, { offBytes: offset });
      if (stack.length === 0) break;
    }
    return root ?? { offset: this.header.firstDie, tag: 0, attrs: new Map(), children: [] };
  }

  #value(c: Cursor, form: number, implicit: number): AttrValue {
    const number = (value: number): AttrValue => ({ kind: "number", value, form });
    const bytes = (size: number, expr = false): AttrValue => ({ kind: "bytes", value: c.bytes(size), expr });
    const ref = (value: number): AttrValue => ({ kind: "ref", value: this.header.offset + value });
    const { offSize } = this.header;
    switch (form) {
      case FORM.addr: {
        const value = this.sections.place("info", c.at);
        c.at += 8;
        return { kind: "address", value };
      }
      case FORM.data1:
      case FORM.flag:
        return number(c.u8());
      case FORM.data2:
        return number(c.u16());
      case FORM.data4:
        return number(c.u32());
      case FORM.data8:
        return { kind: "big", value: c.u64() };
      case FORM.data16:
        return bytes(16);
      case FORM.sdata:
        return { kind: "big", value: c.sleb64() };
      case FORM.udata:
        return { kind: "big", value: c.uleb64() };
      case FORM.implicit_const:
        return number(implicit);
      case FORM.flag_present:
        return number(1);
      case FORM.string:
        return { kind: "string", value: c.cstr() };
      case FORM.strp:
        return { kind: "string", value: this.sections.cursor("str", c.uint(offSize)).cstr() };
      case FORM.line_strp:
        return { kind: "string", value: this.sections.cursor("line_str", c.uint(offSize)).cstr() };
      case FORM.strx:
        return { kind: "string-index", value: c.uleb() };
      case FORM.strx1:
        return { kind: "string-index", value: c.u8() };
      case FORM.strx2:
        return { kind: "string-index", value: c.u16() };
      case FORM.strx3:
        return { kind: "string-index", value: c.u24() };
      case FORM.strx4:
        return { kind: "string-index", value: c.u32() };
      case FORM.addrx:
        return { kind: "address-index", value: c.uleb() };
      case FORM.addrx1:
        return { kind: "address-index", value: c.u8() };
      case FORM.addrx2:
        return { kind: "address-index", value: c.u16() };
      case FORM.addrx3:
        return { kind: "address-index", value: c.u24() };
      case FORM.addrx4:
        return { kind: "address-index", value: c.u32() };
      case FORM.loclistx:
        return { kind: "loclist-index", value: c.uleb() };
      case FORM.rnglistx:
        return { kind: "rnglist-index", value: c.uleb() };
      case FORM.exprloc:
        return bytes(c.uleb(), true);
      case FORM.block:
        return bytes(c.uleb());
      case FORM.block1:
        return bytes(c.u8());
      case FORM.block2:
        return bytes(c.u16());
      case FORM.block4:
        return bytes(c.u32());
      case FORM.ref1:
        return ref(c.u8());
      case FORM.ref2:
        return ref(c.u16());
      case FORM.ref4:
        return ref(c.u32());
      case FORM.ref8:
        return ref(c.uint(8));
      case FORM.ref_udata:
        return ref(c.uleb());
      case FORM.ref_addr:
        return { kind: "ref", value: c.uint(offSize) };
      case FORM.sec_offset:
        return number(c.uint(offSize));
      case FORM.indirect:
        return this.#value(c, c.uleb(), 0);
      default:
        throw new CodedError("dwarf-form", `DWARF: form 0x${form.toString(16)} is not known (offset ${c.at})`, { offBytes: c.at });
    }
  }

  #base(at: number, fallback: number): number {
    const v = this.root.attrs.get(at);
    return v?.kind === "number" ? v.value : fallback;
  }

  /** Number of an attribute; undefined when it is absent or of another class. */
  number(die: Die, at: number): number | undefined {
    const v = die.attrs.get(at);
    return v?.kind === "number" ? v.value : v?.kind === "big" ? Number(v.value) : undefined;
  }
  string(die: Die, at: number): string | undefined {
    const v = die.attrs.get(at);
    if (v?.kind === "string") return v.value;
    if (v?.kind !== "string-index") return undefined;
    const { offSize } = this.header;
    const entry = this.sections.cursor("str_offsets", this.#base(AT.str_offsets_base, 2 * offSize) + v.value * offSize);
    return this.sections.cursor("str", entry.uint(offSize)).cstr();
  }
  address(die: Die, at: number): Place | undefined {
    const v = die.attrs.get(at);
    return v?.kind === "address" ? v.value : v?.kind === "address-index" ? this.indexedAddress(v.value) : undefined;
  }
  /** Entry `index` of this unit's part of .debug_addr. */
  indexedAddress(index: number): Place {
    return this.sections.place("addr", this.#base(AT.addr_base, 8) + index * 8);
  }
  /** Offset in .debug_loclists or .debug_rnglists of entry `index` of its table of offsets. */
  listOffset(which: "loclists" | "rnglists", index: number): number {
    const base = this.#base(which === "loclists" ? AT.loclists_base : AT.rnglists_base, this.header.offSize === 4 ? 12 : 20);
    return base + this.sections.cursor(which, base + index * this.header.offSize).uint(this.header.offSize);
  }
  ref(die: Die, at: number): number | undefined {
    const v = die.attrs.get(at);
    return v?.kind === "ref" ? v.value : undefined;
  }
}
