// Runs the line-number programs of .debug_line (DWARF 2 to 5): which source line each instruction belongs to. It reads no source.
import { CodedError } from "../../base/index.ts";
import { FORM } from "./constants.ts";
import type { Cursor } from "./cursor.ts";
import type { DebugSections, Place } from "./sections.ts";

/** One row of the table; holds until the next row of its sequence. Lines and columns are 1-based, 0 means unknown. */
export interface LineRow extends Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly isStmt: boolean;
  readonly prologueEnd: boolean;
  /** The first byte behind the sequence; belongs to no line. */
  readonly endSequence: boolean;
}
export interface LineProgram {
  readonly files: readonly string[];
  readonly rows: readonly LineRow[];
}

const MAX_ROWS = 1 << 22;
const join = (dir: string, name: string): string => (name.startsWith("/") || dir === "" ? name : `${dir.replace(/\/$/, "")}/${name}`);

/** The program at `at` of .debug_line. `compDir` is where relative names start. Throws CodedError `dwarf-line`. */
export function readLineProgram(sections: DebugSections, at: number, compDir: string): LineProgram {
  const c = sections.cursor("line", at);
  let length = c.u32();
  const offSize = length === 0xffffffff ? 8 : 4;
  if (offSize === 8) length = c.uint(8);
  const end = Math.min(sections.get("line").bytes.length, c.at + length);
  const version = c.u16();
  if (version < 2 || version > 5)
    throw new CodedError("dwarf-line", `DWARF: line table of version ${version} (offset ${at})`, { offBytes: at });
  if (version === 5) c.at += 2;
  const headerLength = c.uint(offSize);
  const start = c.at + headerLength;
  const minInsn = c.u8();
  if (version >= 4) c.u8();
  const defaultStmt = c.u8() !== 0;
  const lineBase = (c.u8() << 24) >> 24;
  const lineRange = c.u8();
  if (lineRange === 0) throw new CodedError("dwarf-line", `DWARF: line table without a line range (offset ${at})`, { offBytes: at });
  const opcodeBase = c.u8();
  const lengths = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => c.u8());
  const files = version === 5 ? files5(sections, c, offSize, compDir) : files4(c, compDir);
  c.at = start;
  const machine = new LineMachine({ sections, files, minInsn, defaultStmt, lineBase, lineRange, opcodeBase, lengths });
  while (c.at < end) machine.step(c);
  return { files, rows: machine.rows };
}

/** Before version 5 file 1 is the first; entry 0 stays empty. */
function files4(c: Cursor, compDir: string): string[] {
  const dirs = [compDir];
  for (let name = c.cstr(); name !== ""; name = c.cstr()) dirs.push(join(compDir, name));
  const files = [""];
  for (let name = c.cstr(); name !== ""; name = c.cstr()) {
    files.push(join(dirs[c.uleb()] ?? compDir, name));
    c.uleb();
    c.uleb();
  }
  return files;
}

function files5(sections: DebugSections, c: Cursor, offSize: number, compDir: string): string[] {
  const table = (): { path: string; dir: number }[] => {
    const formats = Array.from({ length: c.u8() }, () => [c.uleb(), c.uleb()] as const);
    const count = c.uleb();
    if (count > 1 << 16 || (formats.length === 0 && count > 0))
      throw new CodedError("dwarf-line", `DWARF: a table of ${count} names (offset ${c.at})`, { offBytes: c.at });
    return Array.from({ length: count }, () => {
      const entry = { path: "", dir: 0 };
      for (const [content, form] of formats) {
        const value = lineForm(sections, c, form, offSize);
        if (content === 1 && typeof value === "string") entry.path = value;
        if (content === 2 && typeof value === "number") entry.dir = value;
      }
      return entry;
    });
  };
  const dirs = table().map((d) => join(compDir, d.path));
  return table().map((f) => join(dirs[f.dir] ?? compDir, f.path));
}

function lineForm(sections: DebugSections, c: Cursor, form: number, offSize: number): string | number | undefined {
  switch (form) {
    case FORM.string:
      return c.cstr();
    case FORM.line_strp:
      return sections.cursor("line_str", c.uint(offSize)).cstr();
    case FORM.strp:
      return sections.cursor("str", c.uint(offSize)).cstr();
    case FORM.udata:
      return c.uleb();
    case FORM.data1:
      return c.u8();
    case FORM.data2:
      return c.u16();
    case FORM.data4:
      return c.u32();
    case FORM.data8:
      return c.uint(8);
    case FORM.data16:
      c.bytes(16);
      return undefined;
    case FORM.block:
      c.bytes(c.uleb());
      return undefined;
    default:
      throw new CodedError("dwarf-form", `DWARF: form 0x${form.toString(16)} in a line table (offset ${c.at})`, { offBytes: c.at });
  }
}

interface LineHeader {
  readonly sections: DebugSections;
  readonly files: readonly string[];
  readonly minInsn: number;
  readonly defaultStmt: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly lengths: readonly number[];
}

class LineMachine {
  readonly rows: LineRow[] = [];
  readonly #h: LineHeader;
  #at: Place = { section: 0, offBytes: 0 };
  #file = 1;
  #line = 1;
  #column = 0;
  #isStmt: boolean;
  #prologueEnd = false;

  constructor(header: LineHeader) {
    this.#h = header;
    this.#isStmt = header.defaultStmt;
  }

  #emit(endSequence: boolean): void {
    if (this.rows.length >= MAX_ROWS) throw new CodedError("dwarf-line", "DWARF: too many rows in a line table");
    this.rows.push({
      ...this.#at,
      file: this.#h.files[this.#file] ?? "",
      line: this.#line,
      column: this.#column,
      isStmt: this.#isStmt,
      prologueEnd: this.#prologueEnd,
      endSequence,
    });
    this.#prologueEnd = false;
  }
  #advance(steps: number): void {
    this.#at = { ...this.#at, offBytes: this.#at.offBytes + steps * this.#h.minInsn };
  }

  step(c: Cursor): void {
    const op = c.u8();
    if (op === 0) this.#extended(c);
    else if (op >= this.#h.opcodeBase) {
      const adjusted = op - this.#h.opcodeBase;
      this.#advance(Math.floor(adjusted / this.#h.lineRange));
      this.#line += this.#h.lineBase + (adjusted % this.#h.lineRange);
      this.#emit(false);
    } else this.#standard(op, c);
  }

  #standard(op: number, c: Cursor): void {
    switch (op) {
      case 1:
        return this.#emit(false);
      case 2:
        return this.#advance(c.uleb());
      case 3:
        this.#line += c.sleb();
        return;
      case 4:
        this.#file = c.uleb();
        return;
      case 5:
        this.#column = c.uleb();
        return;
      case 6:
        this.#isStmt = !this.#isStmt;
        return;
      case 8:
        return this.#advance(Math.floor((255 - this.#h.opcodeBase) / this.#h.lineRange));
      case 9:
        this.#at = { ...this.#at, offBytes: this.#at.offBytes + c.u16() };
        return;
      case 10:
        this.#prologueEnd = true;
        return;
      default:
        for (let i = 0; i < (this.#h.lengths[op - 1] ?? 0); i++) c.uleb();
    }
  }

  #extended(c: Cursor): void {
    const size = c.uleb();
    const next = c.at + size;
    const op = size === 0 ? 0 : c.u8();
    if (op === 1) {
      this.#emit(true);
      [this.#file, this.#line, this.#column, this.#isStmt] = [1, 1, 0, this.#h.defaultStmt];
      this.#at = { section: 0, offBytes: 0 };
    } else if (op === 2) this.#at = this.#h.sections.place("line", c.at);
    c.at = next;
  }
}
