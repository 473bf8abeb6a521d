// Range lists and location lists of DWARF 4 (.debug_ranges, .debug_loc) and 5 (.debug_rnglists, .debug_loclists). It evaluates no expression.
import { AT } from "./constants.ts";
import type { Cursor } from "./cursor.ts";
import type { Place } from "./sections.ts";
import type { Die, Unit } from "./unit.ts";

/** Half-open, in bytes of one section. */
export interface Range {
  readonly section: number;
  readonly start: number;
  readonly end: number;
}
export interface LocationEntry {
  /** Undefined: valid wherever no other entry is. */
  readonly range: Range | undefined;
  readonly expr: Uint8Array;
}

export const contains = (r: Range, p: Place): boolean => r.section === p.section && p.offBytes >= r.start && p.offBytes < r.end;
const MAX_ENTRIES = 1 << 16;

/** What one entry of a version-5 list says. */
type Step =
  | { readonly kind: "end" }
  | { readonly kind: "base"; readonly base: Place }
  | { readonly kind: "default" }
  | { readonly kind: "range"; readonly range: Range };

/** Entry kinds of both version-5 lists; a location list has one more (default) and so other numbers. */
function step(unit: Unit, c: Cursor, section: "rnglists" | "loclists", base: Place): Step {
  const code = c.u8();
  const kind = section === "loclists" ? code : code > 4 ? code + 1 : code;
  const address = (): Place => {
    const place = unit.sections.place(section, c.at);
    c.at += 8;
    return place;
  };
  const from = (p: Place, end: number): Step => ({ kind: "range", range: { section: p.section, start: p.offBytes, end } });
  switch (kind) {
    case 1:
      return { kind: "base", base: unit.indexedAddress(c.uleb()) };
    case 2: {
      const start = unit.indexedAddress(c.uleb());
      return from(start, unit.indexedAddress(c.uleb()).offBytes);
    }
    case 3: {
      const start = unit.indexedAddress(c.uleb());
      return from(start, start.offBytes + c.uleb());
    }
    case 4: {
      const start = base.offBytes + c.uleb();
      return from({ section: base.section, offBytes: start }, base.offBytes + c.uleb());
    }
    case 5:
      return { kind: "default" };
    case 6:
      return { kind: "base", base: address() };
    case 7: {
      const start = address();
      return from(start, address().offBytes);
    }
    case 8: {
      const start = address();
      return from(start, start.offBytes + c.uleb());
    }
    default:
      return { kind: "end" };
  }
}

function list5(unit: Unit, section: "rnglists" | "loclists", at: number): LocationEntry[] {
  const out: LocationEntry[] = [];
  const c = unit.sections.cursor(section, at);
  let base = unitBase(unit);
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const s = step(unit, c, section, base);
    if (s.kind === "end") break;
    if (s.kind === "base") base = s.base;
    else
      out.push({ range: s.kind === "range" ? s.range : undefined, expr: section === "loclists" ? c.bytes(c.uleb()) : new Uint8Array(0) });
  }
  return out;
}

/** Pairs of addresses, ended by two zeros; a first address of all ones sets the base. */
function list4(unit: Unit, section: "ranges" | "loc", at: number): LocationEntry[] {
  const out: LocationEntry[] = [];
  const c = unit.sections.cursor(section, at);
  let base = unitBase(unit);
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const relocated = unit.sections.get(section).targets.has(c.at);
    const start = unit.sections.place(section, c.at);
    const all = c.u64();
    const end = unit.sections.place(section, c.at);
    const last = c.u64();
    if (all === 0n && last === 0n && !relocated) break;
    if (all === 0xffffffffffffffffn) {
      base = end;
      continue;
    }
    const range = relocated
      ? { section: start.section, start: start.offBytes, end: end.offBytes }
      : { section: base.section, start: base.offBytes + start.offBytes, end: base.offBytes + end.offBytes };
    out.push({ range, expr: section === "loc" ? c.bytes(c.u16()) : new Uint8Array(0) });
  }
  return out;
}

const unitBase = (unit: Unit): Place => unit.address(unit.root, AT.low_pc) ?? { section: 0, offBytes: 0 };

/** Code that an entry covers. */
export function rangesOf(unit: Unit, die: Die): Range[] {
  const low = unit.address(die, AT.low_pc);
  const high = die.attrs.get(AT.high_pc);
  if (low !== undefined && high !== undefined) {
    const end =
      high.kind === "address"
        ? high.value.offBytes
        : high.kind === "number"
          ? low.offBytes + high.value
          : high.kind === "big"
            ? low.offBytes + Number(high.value)
            : low.offBytes;
    return [{ section: low.section, start: low.offBytes, end }];
  }
  const ranges = die.attrs.get(AT.ranges);
  if (ranges === undefined) return [];
  const entries =
    ranges.kind === "rnglist-index"
      ? list5(unit, "rnglists", unit.listOffset("rnglists", ranges.value))
      : ranges.kind !== "number"
        ? []
        : unit.header.version >= 5
          ? list5(unit, "rnglists", ranges.value)
          : list4(unit, "ranges", ranges.value);
  return entries.flatMap((e) => (e.range === undefined ? [] : [e.range]));
}

/** Locations of a variable; one entry without range when it has the same place everywhere. */
export function locationsOf(unit: Unit, die: Die): LocationEntry[] {
  const v = die.attrs.get(AT.location);
  if (v === undefined) return [];
  if (v.kind === "bytes") return [{ range: undefined, expr: v.value }];
  if (v.kind === "loclist-index") return list5(unit, "loclists", unit.listOffset("loclists", v.value));
  if (v.kind !== "number") return [];
  return unit.header.version >= 5 ? list5(unit, "loclists", v.value) : list4(unit, "loc", v.value);
}
