// Turns BPF assembly into sections and symbols: one pass places, a second fills in symbols. It writes no object file and reads no other file.
import { encodeInsns, type Insn } from "../insn.ts";
import { Cursor, type Expr } from "./cursor.ts";
import { DIRECTIVES } from "./directives.ts";
import { parseInstruction } from "./instruction.ts";
import { AsmFault, lex, type Statement, type Token } from "./lexer.ts";
import { Section, SHF, SHT, STB, STT, type AsmSymbol, type Fixup } from "./output.ts";
import { resolve } from "./resolve.ts";

/** A fault with its place: 0-based line, 0-based columns [start, end). */
export interface AsmDiagnostic {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly message: string;
}
/** Where an instruction came from. `slots` is 2 for ld_imm64. */
export interface AsmLine {
  readonly section: string;
  readonly offBytes: number;
  readonly line: number;
}
/** A use of a symbol in the text. */
export interface AsmReference {
  readonly name: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

export interface AssembleOptions {
  /** Byte order of the object; true when left out. */
  readonly littleEndian?: boolean;
  /**
   * Number of a helper by name. `call NAME` of a name that the file does not define then calls the helper, where clang would leave
   * an external symbol that no loader resolves.
   */
  readonly helperId?: (name: string) => number | undefined;
}

/** Defaults of well-known section names, as LLVM has them. */
const KNOWN_SECTIONS: Readonly<Record<string, readonly [type: number, flags: number]>> = {
  ".text": [SHT.PROGBITS, SHF.ALLOC | SHF.EXECINSTR],
  ".data": [SHT.PROGBITS, SHF.ALLOC | SHF.WRITE],
  ".bss": [SHT.NOBITS, SHF.ALLOC | SHF.WRITE],
  ".rodata": [SHT.PROGBITS, SHF.ALLOC],
};

/** State of one assembly. Directives and the second pass work through it; users call {@link assemble}. */
export class Assembler {
  readonly options: AssembleOptions;
  readonly littleEndian: boolean;
  readonly sections = new Map<string, Section>();
  readonly symbols = new Map<string, AsmSymbol>();
  readonly diagnostics: AsmDiagnostic[] = [];
  readonly lines: AsmLine[] = [];
  readonly references: AsmReference[] = [];
  readonly files: string[] = [];
  #current: Section;
  #previous: Section;
  readonly #stack: Section[] = [];
  #statement: Statement | undefined;
  /** Times that each numeric label was defined. */
  readonly #numeric = new Map<string, number>();
  #anonymous = 0;

  constructor(options: AssembleOptions) {
    this.options = options;
    this.littleEndian = options.littleEndian ?? true;
    this.#current = this.#previous = this.#section(".text", {});
    this.#current.align = 4;
  }

  report(line: number, at: { start: number; end: number }, message: string): void {
    this.diagnostics.push({ line, start: at.start, end: at.end, message });
  }

  run(source: string): void {
    for (const statement of lex(source, (line, fault) => this.report(line, fault, fault.message))) {
      this.#statement = statement;
      try {
        this.#read(new Cursor(statement));
      } catch (error) {
        if (!(error instanceof AsmFault)) throw error;
        this.report(statement.line, error, error.message);
      }
    }
    resolve(this);
    this.diagnostics.sort((a, b) => a.line - b.line || a.start - b.start);
  }

  #read(c: Cursor): void {
    while (!c.done && c.is(":", 1) && c.peek().text !== ":") this.#label(c);
    const first = c.peek();
    if (c.done) return;
    if (first.kind === "id" && c.is("=", 1) && !/^[rw]\d+$/.test(first.text)) {
      c.take();
      c.take();
      return this.assign(first, c);
    }
    if (first.kind === "id" && first.text.startsWith(".")) return this.#directive(c);
    const { insns, fixup } = parseInstruction(c);
    this.#place(insns, fixup && { kind: fixup.kind, target: this.#noted(fixup.target) });
  }

  #label(c: Cursor): void {
    const token = c.take();
    c.take();
    let name = token.kind === "str" ? token.text.slice(1, -1) : token.text;
    if (token.kind === "num") {
      const times = (this.#numeric.get(name) ?? 0) + 1;
      this.#numeric.set(name, times);
      name = `.L\u0001${name}.${times}`;
    } else if (token.kind !== "id" && token.kind !== "str") c.fail("a label", token);
    const symbol = this.symbol(name);
    if (symbol.section || symbol.absolute || symbol.common) throw new AsmFault(`'${name}' is defined twice`, token);
    symbol.section = this.#current;
    symbol.offBytes = this.#current.size;
    symbol.definition = { line: this.#statement!.line, start: token.start, end: token.end };
  }

  #directive(c: Cursor): void {
    const token = c.take();
    const name = token.text.slice(1);
    if (!Object.hasOwn(DIRECTIVES, name)) throw new AsmFault(`unknown directive '${token.text}'`, token);
    DIRECTIVES[name]!(c, this);
    c.expectEnd();
  }

  #place(insns: readonly Insn[], fixup: { kind: Fixup["kind"]; target: Expr } | undefined): void {
    const section = this.#current;
    if (section.type === SHT.NOBITS)
      throw new AsmFault(`'${section.name}' holds no bytes, so no instructions`, this.#statement!.tokens[0]!);
    const offBytes = section.size;
    this.lines.push({ section: section.name, offBytes, line: this.#statement!.line });
    section.append(encodeInsns(insns, this.littleEndian));
    if (fixup) this.#fixup({ offBytes, size: 8, ...fixup });
  }
  #fixup(f: Pick<Fixup, "offBytes" | "kind" | "size" | "target">): void {
    const place = f.target.plus[0] ?? this.#statement!.tokens[0]!;
    this.#current.fixups.push({ ...f, line: this.#statement!.line, start: place.start, end: place.end });
  }

  /** Directional labels (`1b`, `1f`) and `.` become temporary names; all others count as used. */
  #noted(e: Expr): Expr {
    const refs = (list: Expr["plus"]): Expr["plus"] =>
      list.map((ref) => {
        const name = ref.name === "." ? this.#here() : this.#directional(ref.name);
        this.symbol(name).referenced = true;
        this.references.push({ name, line: this.#statement!.line, start: ref.start, end: ref.end });
        return { ...ref, name };
      });
    return { constant: e.constant, plus: refs(e.plus), minus: refs(e.minus) };
  }
  #directional(name: string): string {
    const m = /^(\d+)([bf])$/.exec(name);
    if (!m) return name;
    return `.L\u0001${m[1]!}.${(this.#numeric.get(m[1]!) ?? 0) + (m[2] === "f" ? 1 : 0)}`;
  }
  #here(): string {
    const name = `.L\u0001here.${this.#anonymous++}`;
    Object.assign(this.symbol(name), { section: this.#current, offBytes: this.#current.size });
    return name;
  }

  expression(c: Cursor): Expr {
    return this.#noted(c.expr());
  }
  here(): Section {
    return this.#current;
  }
  symbol(name: string): AsmSymbol {
    let found = this.symbols.get(name);
    if (!found) {
      found = {
        name,
        section: undefined,
        offBytes: 0,
        absolute: undefined,
        binding: undefined,
        type: STT.NOTYPE,
        size: undefined,
        visibility: 0,
        common: undefined,
        definition: undefined,
        referenced: false,
      };
      this.symbols.set(name, found);
    }
    return found;
  }
  assign(name: Token, c: Cursor): void {
    const symbol = this.symbol(name.text);
    if (symbol.section) throw new AsmFault(`'${name.text}' is already a label`, name);
    symbol.absolute = this.expression(c);
    symbol.definition = { line: this.#statement!.line, start: name.start, end: name.end };
  }

  #section(name: string, given: { flags?: number | undefined; type?: number | undefined; entSize?: number }): Section {
    let section = this.sections.get(name);
    if (!section) {
      const known =
        KNOWN_SECTIONS[name] ??
        (name.startsWith(".rodata.")
          ? KNOWN_SECTIONS[".rodata"]
          : name.startsWith(".bss.")
            ? KNOWN_SECTIONS[".bss"]
            : name.startsWith(".data.")
              ? KNOWN_SECTIONS[".data"]
              : undefined);
      section = new Section(name, given.type ?? known?.[0] ?? SHT.PROGBITS, given.flags ?? known?.[1] ?? 0, given.entSize ?? 0);
      this.sections.set(name, section);
    }
    return section;
  }
  switchSection(name: string, given: { flags?: number | undefined; type?: number | undefined; entSize?: number }, push: boolean): void {
    if (push) this.#stack.push(this.#current);
    this.#previous = this.#current;
    this.#current = this.#section(name, given);
  }
  popSection(): void {
    const back = this.#stack.pop();
    if (!back) throw new AsmFault("no .pushsection comes before this", this.#statement!.tokens[0]!);
    this.#current = back;
  }
  previousSection(): void {
    [this.#current, this.#previous] = [this.#previous, this.#current];
  }

  align(bytes: number, value: number): void {
    const section = this.#current;
    section.align = Math.max(section.align, bytes);
    section.fill((bytes - (section.size % bytes)) % bytes, value);
  }
  /** `value` in `size` bytes of this object's order. */
  encode(value: bigint, size: number): number[] {
    const out: number[] = [];
    for (let i = 0; i < size; i++) out.push(Number((value >> BigInt(8 * i)) & 255n));
    return this.littleEndian ? out : out.reverse();
  }
  data(c: Cursor, size: number): void {
    const at = c.peek();
    const value = this.expression(c);
    const symbolic = value.plus.length + value.minus.length > 0;
    if (!symbolic && (value.constant < -(1n << BigInt(8 * size - 1)) || value.constant >= 1n << BigInt(8 * size)))
      throw new AsmFault(`${value.constant} does not fit ${size} bytes`, at);
    if (this.#current.type === SHT.NOBITS) return void this.#current.fill(size, 0);
    if (symbolic) this.#fixup({ offBytes: this.#current.size, kind: "data", size, target: value });
    this.#current.append(this.encode(symbolic ? 0n : value.constant, size));
  }
  leb(c: Cursor, signed: boolean): void {
    const at = c.peek();
    const e = this.expression(c);
    let value = e.constant;
    for (const [list, sign] of [
      [e.plus, 1n],
      [e.minus, -1n],
    ] as const) {
      for (const ref of list) {
        const symbol = this.symbol(ref.name);
        if (!symbol.section) throw new AsmFault("a LEB128 needs labels that are already defined", at);
        value += sign * BigInt(symbol.offBytes);
      }
    }
    if (!signed && value < 0n) throw new AsmFault("an unsigned LEB128 cannot be negative", at);
    const out: number[] = [];
    for (;;) {
      const low = Number(value & 127n);
      value >>= 7n;
      const last = signed ? (value === 0n && low < 64) || (value === -1n && low >= 64) : value === 0n;
      out.push(last ? low : low | 128);
      if (last) break;
    }
    this.#current.append(out);
  }
  /** Local commons live in .bss; others stay common symbols. */
  common(name: Token, size: number, alignment: number): void {
    const symbol = this.symbol(name.text);
    if (symbol.section || symbol.common) throw new AsmFault(`'${name.text}' is defined twice`, name);
    symbol.definition = { line: this.#statement!.line, start: name.start, end: name.end };
    symbol.type = STT.OBJECT;
    symbol.size ??= { constant: BigInt(size), plus: [], minus: [] };
    if (symbol.binding !== STB.LOCAL) {
      symbol.common = { size, align: alignment };
      symbol.binding ??= STB.GLOBAL;
      return;
    }
    const bss = this.#section(".bss", {});
    bss.align = Math.max(bss.align, alignment);
    bss.fill((alignment - (bss.size % alignment)) % alignment, 0);
    symbol.section = bss;
    symbol.offBytes = bss.size;
    bss.fill(size, 0);
  }
  sourceFile(name: string): void {
    this.files.push(name);
  }
  comment(bytes: readonly number[]): void {
    const section = this.#section(".comment", { flags: SHF.MERGE | SHF.STRINGS, entSize: 1 });
    if (!section.size) section.append([0]);
    section.append([...bytes, 0]);
  }
}
