// Debug information of an object for a debugger: lines, scopes, variables and types at an instruction. Parsed when asked; it knows no debugger.
import { CodedError } from "../../base/index.ts";
import { openElf } from "../elf/elf.ts";
import { AT, TAG } from "./constants.ts";
import { readLineProgram, type LineProgram, type LineRow } from "./line.ts";
import { contains, locationsOf, rangesOf, type LocationEntry, type Range } from "./lists.ts";
import { DebugSections, type Place } from "./sections.ts";
import type { CType } from "../ctype.ts";
import { typeOf, type FindDie } from "./types.ts";
import { readUnitHeaders, Unit, type AttrValue, type Die } from "./unit.ts";

export interface DwarfScope {
  readonly kind: "function" | "inlined" | "block";
  /** Name of the function (of the enclosing one for blocks). */
  readonly name: string;
  readonly declFile: string;
  readonly declLine: number;
  /** inlined: where the call stands. */
  readonly callFile: string;
  readonly callLine: number;
  readonly callColumn: number;
  readonly ranges: readonly Range[];
  readonly variables: readonly DwarfVariable[];
}

export interface DwarfVariable {
  readonly name: string;
  readonly parameter: boolean;
  readonly declFile: string;
  readonly declLine: number;
  readonly type: CType;
  /** Location expression at the asked place; undefined when the variable has none there (optimized out). */
  readonly location: Uint8Array | undefined;
  /** Value that the compiler folded, instead of a location. */
  readonly constant: bigint | Uint8Array | undefined;
  /** A global variable's place in a section of the object. */
  readonly place: Place | undefined;
  readonly external: boolean;
}

/** A function whose code an instruction is, be it called or inlined. */
export interface DwarfFrame {
  readonly name: string;
  readonly inlined: boolean;
  /** inlined: where the frame that it was inlined into stands. */
  readonly callFile: string;
  readonly callLine: number;
  readonly callColumn: number;
  /** Innermost block first; inner names hide outer ones. */
  readonly variables: readonly DwarfVariable[];
}

export interface Dwarf {
  readonly littleEndian: boolean;
  /** Rows of all units for one section of code, by offset. */
  lineTable(section: number): readonly LineRow[];
  /** The row that an instruction belongs to. */
  lineAt(place: Place): LineRow | undefined;
  /** Places where code of a source line begins; `file` is compared by its end (`dir/name.c`). */
  placesOf(file: string, line: number): readonly Place[];
  /** Scopes around an instruction, outermost (the function) first. */
  scopesAt(place: Place): readonly DwarfScope[];
  /** The function around an instruction after all that are inlined into it there, innermost first. */
  framesAt(place: Place): readonly DwarfFrame[];
  /** Global and static variables of all units. */
  globals(): readonly DwarfVariable[];
  /** Frame base expression of the function around an instruction. */
  frameBase(place: Place): Uint8Array | undefined;
  /** Entry `index` of the address table of the unit around an instruction (for DW_OP_addrx). */
  indexedAddress(place: Place, index: number): Place;
  /** Names of all source files. */
  files(): readonly string[];
}

/** Opens the debug information of an object; undefined when it has none. Throws CodedError `elf-*`, `dwarf-*`. */
export function openDwarf(bytes: Uint8Array): Dwarf | undefined {
  const elf = openElf(bytes);
  const sections = new DebugSections(elf);
  return sections.get("info").bytes.length === 0 ? undefined : new DwarfReader(sections);
}

const MAX_ORIGINS = 8;

class DwarfReader implements Dwarf {
  readonly littleEndian: boolean;
  readonly #units: Unit[];
  readonly #lines = new Map<Unit, LineProgram>();
  #table: Map<number, LineRow[]> | undefined;

  constructor(sections: DebugSections) {
    this.littleEndian = sections.littleEndian;
    this.#units = readUnitHeaders(sections).map((h) => new Unit(sections, h));
  }

  readonly #find: FindDie = (offset) => {
    for (const unit of this.#units) {
      if (offset < unit.header.offset || offset >= unit.header.end) continue;
      const die = unit.at(offset);
      return die && { unit, die };
    }
    return undefined;
  };

  #lineProgram(unit: Unit): LineProgram {
    let program = this.#lines.get(unit);
    if (program === undefined) {
      const at = unit.number(unit.root, AT.stmt_list);
      program = at === undefined ? { files: [], rows: [] } : readLineProgram(unit.sections, at, unit.string(unit.root, AT.comp_dir) ?? "");
      this.#lines.set(unit, program);
    }
    return program;
  }

  lineTable(section: number): readonly LineRow[] {
    if (this.#table === undefined) {
      this.#table = new Map();
      for (const unit of this.#units) {
        for (const row of this.#lineProgram(unit).rows) {
          const list = this.#table.get(row.section);
          if (list === undefined) this.#table.set(row.section, [row]);
          else list.push(row);
        }
      }
      // A sequence's end sorts before the start of the next one at the same offset.
      for (const list of this.#table.values())
        list.sort((a, b) => a.offBytes - b.offBytes || Number(b.endSequence) - Number(a.endSequence));
    }
    return this.#table.get(section) ?? [];
  }

  lineAt(place: Place): LineRow | undefined {
    const rows = this.lineTable(place.section);
    let lo = 0;
    let hi = rows.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (rows[mid]!.offBytes <= place.offBytes) lo = mid + 1;
      else hi = mid;
    }
    const row = rows[lo - 1];
    return row === undefined || row.endSequence ? undefined : row;
  }

  placesOf(file: string, line: number): readonly Place[] {
    const out: Place[] = [];
    for (const unit of this.#units) {
      let before: LineRow | undefined;
      for (const row of this.#lineProgram(unit).rows) {
        const begins = row.line === line && !row.endSequence && row.isStmt && sameFile(row.file, file);
        if (begins && !(before?.line === line && before.file === row.file && !before.endSequence))
          out.push({ section: row.section, offBytes: row.offBytes });
        before = row;
      }
    }
    return out;
  }

  /** The function around a place: its unit and entry. */
  #functionAt(place: Place): { unit: Unit; die: Die } | undefined {
    for (const unit of this.#units) {
      const die = unit.root.children.find((d) => d.tag === TAG.subprogram && rangesOf(unit, d).some((r) => contains(r, place)));
      if (die) return { unit, die };
    }
    return undefined;
  }

  scopesAt(place: Place): readonly DwarfScope[] {
    const found = this.#functionAt(place);
    if (found === undefined) return [];
    const out: DwarfScope[] = [];
    let name = "";
    for (let die: Die | undefined = found.die; die !== undefined;) {
      const scope: DwarfScope = this.#scope(found.unit, die, place, name);
      out.push(scope);
      name = scope.name;
      die = die.children.find(
        (d) => (d.tag === TAG.lexical_block || d.tag === TAG.inlined_subroutine) && rangesOf(found.unit, d).some((r) => contains(r, place)),
      );
    }
    return out;
  }

  #scope(unit: Unit, die: Die, place: Place, outer: string): DwarfScope {
    const kind = die.tag === TAG.subprogram ? "function" : die.tag === TAG.inlined_subroutine ? "inlined" : "block";
    return {
      kind,
      name: kind === "block" ? outer : (this.#inherited(unit, die, (u, d) => u.string(d, AT.name)) ?? ""),
      ...this.#declared(unit, die),
      callFile: this.#file(unit, unit.number(die, AT.call_file)),
      callLine: unit.number(die, AT.call_line) ?? 0,
      callColumn: unit.number(die, AT.call_column) ?? 0,
      ranges: rangesOf(unit, die),
      variables: die.children
        .filter((d) => d.tag === TAG.variable || d.tag === TAG.formal_parameter)
        .map((d) => this.#variable(unit, d, place)),
    };
  }

  /** An attribute of an entry or of the entry that it is a copy of. */
  #inherited<T>(unit: Unit, die: Die, get: (unit: Unit, die: Die) => T | undefined): T | undefined {
    let at: { unit: Unit; die: Die } | undefined = { unit, die };
    for (let i = 0; at !== undefined && i < MAX_ORIGINS; i++) {
      const value = get(at.unit, at.die);
      if (value !== undefined) return value;
      const origin: number | undefined = at.unit.ref(at.die, AT.abstract_origin) ?? at.unit.ref(at.die, AT.specification);
      at = origin === undefined ? undefined : this.#find(origin);
    }
    return undefined;
  }

  #file(unit: Unit, index: number | undefined): string {
    return index === undefined ? "" : (this.#lineProgram(unit).files[index] ?? "");
  }

  #declared(unit: Unit, die: Die): { declFile: string; declLine: number } {
    const file = this.#inherited(unit, die, (u, d) => {
      const n = u.number(d, AT.decl_file);
      return n === undefined ? undefined : this.#file(u, n);
    });
    return { declFile: file ?? "", declLine: this.#inherited(unit, die, (u, d) => u.number(d, AT.decl_line)) ?? 0 };
  }

  #variable(unit: Unit, die: Die, place: Place | undefined): DwarfVariable {
    const owner = this.#inherited(unit, die, (u, d) => (u.ref(d, AT.type) === undefined ? undefined : { u, d }));
    const location = pick(locationsOf(unit, die), place);
    return {
      name: this.#inherited(unit, die, (u, d) => u.string(d, AT.name)) ?? "",
      parameter: die.tag === TAG.formal_parameter,
      ...this.#declared(unit, die),
      type: owner === undefined ? typeOf(unit, die, this.#find) : typeOf(owner.u, owner.d, this.#find),
      location,
      constant: constantOf(this.#inherited(unit, die, (_, d) => d.attrs.get(AT.const_value))),
      place: location && staticPlace(unit, location),
      external: this.#inherited(unit, die, (u, d) => u.number(d, AT.external)) === 1,
    };
  }

  framesAt(place: Place): readonly DwarfFrame[] {
    const frames: DwarfFrame[] = [];
    let blocks: DwarfScope[] = [];
    for (const scope of this.scopesAt(place).slice().reverse()) {
      blocks.push(scope);
      if (scope.kind === "block") continue;
      const { name, callFile, callLine, callColumn } = scope;
      frames.push({ name, inlined: scope.kind === "inlined", callFile, callLine, callColumn, variables: visible(blocks) });
      blocks = [];
    }
    return frames;
  }

  globals(): readonly DwarfVariable[] {
    return this.#units.flatMap((unit) =>
      unit.root.children
        .filter((d) => d.tag === TAG.variable)
        .map((d) => this.#variable(unit, d, undefined))
        .filter((v) => v.name !== ""),
    );
  }

  frameBase(place: Place): Uint8Array | undefined {
    const v = this.#functionAt(place)?.die.attrs.get(AT.frame_base);
    return v?.kind === "bytes" ? v.value : undefined;
  }

  indexedAddress(place: Place, index: number): Place {
    const unit = this.#functionAt(place)?.unit ?? this.#units[0];
    if (unit === undefined) throw new CodedError("dwarf-unit", "DWARF: no unit");
    return unit.indexedAddress(index);
  }

  files(): readonly string[] {
    return [...new Set(this.#units.flatMap((u) => this.#lineProgram(u).files.filter(Boolean)))];
  }
}

function sameFile(a: string, b: string): boolean {
  const [x, y] = [a.replaceAll("\\", "/"), b.replaceAll("\\", "/")];
  return x === y || x.endsWith(`/${y.replace(/^\.\//, "")}`) || y.endsWith(`/${x.replace(/^\.\//, "")}`);
}

/** Variables of blocks, innermost first, without those that an inner block hides. */
function visible(blocks: readonly DwarfScope[]): DwarfVariable[] {
  const hidden = new Set<string>();
  return blocks.flatMap(({ variables }) => {
    const shown = variables.filter((v) => v.name !== "" && !hidden.has(v.name));
    for (const v of variables) hidden.add(v.name);
    return shown;
  });
}

function pick(entries: readonly LocationEntry[], place: Place | undefined): Uint8Array | undefined {
  const found =
    entries.find((e) => e.range !== undefined && place !== undefined && contains(e.range, place)) ??
    entries.find((e) => e.range === undefined);
  return found === undefined || found.expr.length === 0 ? undefined : found.expr;
}

const constantOf = (v: AttrValue | undefined): bigint | Uint8Array | undefined =>
  v?.kind === "big" ? v.value : v?.kind === "number" ? BigInt(v.value) : v?.kind === "bytes" ? v.value : undefined;

/** Place of a variable whose location is one address (DW_OP_addr, DW_OP_addrx). */
function staticPlace(unit: Unit, expr: Uint8Array): Place | undefined {
  if (expr[0] === 0xa1) {
    let index = 0;
    for (let i = 1; i < expr.length && i < 6; i++) index |= (expr[i]! & 127) << (7 * (i - 1));
    return unit.indexedAddress(index);
  }
  if (expr[0] !== 0x03 || expr.length !== 9) return undefined;
  const info = unit.sections.get("info");
  return unit.sections.place("info", expr.byteOffset - info.bytes.byteOffset + 1);
}
