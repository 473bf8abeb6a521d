// The directives of GNU as and LLVM that BPF sources use. It knows no instruction.
import type { Assembler } from "./assembler.ts";
import type { Cursor } from "./cursor.ts";
import { AsmFault } from "./lexer.ts";
import { SHF, SHT, STB, STT } from "./output.ts";

type Directive = (c: Cursor, a: Assembler) => void;

const FLAG_LETTERS: Readonly<Record<string, number>> = {
  a: SHF.ALLOC,
  w: SHF.WRITE,
  x: SHF.EXECINSTR,
  M: SHF.MERGE,
  S: SHF.STRINGS,
  e: SHF.EXCLUDE,
};
const SYMBOL_TYPES: Readonly<Record<string, number>> = {
  function: STT.FUNC,
  object: STT.OBJECT,
  notype: STT.NOTYPE,
  STT_FUNC: STT.FUNC,
  STT_OBJECT: STT.OBJECT,
};
const SECTION_TYPES: Readonly<Record<string, number>> = { progbits: SHT.PROGBITS, nobits: SHT.NOBITS, note: 7 };

/** The largest fill that is taken at its word; more is surely a mistake or an attack. */
const MAX_FILL = 1 << 28;

function list(c: Cursor, each: () => void): void {
  if (c.done) return;
  do each();
  while (c.accept(","));
}
function count(c: Cursor, what: string): number {
  const at = c.peek();
  const value = c.number();
  if (value < 0n || value > BigInt(MAX_FILL)) throw new AsmFault(`${what} must lie between 0 and ${MAX_FILL}`, at);
  return Number(value);
}
const ignore: Directive = (c) => {
  while (!c.done) c.take();
};

/** `@progbits`, `%progbits` or `"progbits"`. */
function kindWord(c: Cursor, what: string): string {
  c.accept("%");
  return c.identifier(what).text.replace(/^@/, "");
}

function sectionFlags(c: Cursor): number | undefined {
  if (!c.accept(",")) return undefined;
  const token = c.peek();
  if (token.kind !== "str") return c.fail('section flags such as "ax"');
  c.take();
  let flags = 0;
  for (const letter of token.text.slice(1, -1)) {
    if (FLAG_LETTERS[letter] === undefined) throw new AsmFault(`unknown section flag '${letter}'`, token);
    flags += FLAG_LETTERS[letter];
  }
  return flags;
}

/** The name of a section may hold slashes, dots and more without quotes. */
function sectionName(c: Cursor): string {
  const first = c.take();
  if (first.kind === "str") return first.text.slice(1, -1);
  if (first.kind === "end" || first.text === ",") return c.fail("the name of a section", first);
  let text = first.text;
  let end = first.end;
  while (!c.done && !c.is(",") && c.peek().start === end) {
    text += c.peek().text;
    end = c.take().end;
  }
  return text;
}

function section(c: Cursor, a: Assembler, push: boolean): void {
  const name = sectionName(c);
  const flags = sectionFlags(c);
  let type: number | undefined;
  let entSize = 0;
  if (c.accept(",")) {
    const at = c.peek();
    const word = kindWord(c, "a section type such as @progbits");
    type = SECTION_TYPES[word];
    if (type === undefined) {
      if (!/^(llvm_|0x)/.test(word)) throw new AsmFault(`unknown section type '${word}'`, at);
      type = SHT.PROGBITS;
    }
    if (c.accept(",")) entSize = count(c, "the size of entries");
  }
  a.switchSection(name, { flags, type, entSize }, push);
}

const data =
  (size: number): Directive =>
  (c, a) =>
    list(c, () => a.data(c, size));

function string(terminated: boolean): Directive {
  return (c, a) =>
    list(c, () => {
      const token = c.take();
      if (token.kind !== "str") c.fail("a string", token);
      a.here().append(terminated ? [...token.bytes!, 0] : token.bytes!);
    });
}

function align(toBytes: (n: number) => number): Directive {
  return (c, a) => {
    const at = c.peek();
    const bytes = toBytes(count(c, "an alignment"));
    if (bytes > 1 << 20 || (bytes & (bytes - 1)) !== 0) throw new AsmFault("an alignment is a power of two up to 2^20", at);
    const value = c.accept(",") && !c.is(",") ? count(c, "the fill value") : 0;
    if (c.accept(",")) c.number();
    a.align(Math.max(bytes, 1), value);
  };
}

const bind =
  (binding: number): Directive =>
  (c, a) =>
    list(c, () => {
      a.symbol(c.identifier("a symbol").text).binding = binding;
    });

function fillBytes(c: Cursor, a: Assembler): void {
  const n = count(c, "a number of bytes");
  a.here().fill(n, c.accept(",") ? Number(BigInt.asUintN(8, c.number())) : 0);
}

function fill(c: Cursor, a: Assembler): void {
  const repeat = count(c, "a repetition");
  const size = c.accept(",") ? count(c, "a size") : 1;
  const value = c.accept(",") ? c.number() : 0n;
  if (size > 8 || repeat * size > MAX_FILL) c.fail("at most 8 bytes an element");
  a.here().repeat(a.encode(value, size), repeat);
}

function type(c: Cursor, a: Assembler): void {
  const symbol = a.symbol(c.identifier("a symbol").text);
  c.expect(",");
  const at = c.peek();
  const word = kindWord(c, "@function or @object");
  const known = SYMBOL_TYPES[word];
  if (known === undefined) throw new AsmFault(`unknown symbol type '${word}'; @function and @object are known`, at);
  symbol.type = known;
}

function size(c: Cursor, a: Assembler): void {
  const symbol = a.symbol(c.identifier("a symbol").text);
  c.expect(",");
  const at = c.peek();
  symbol.size = a.expression(c);
  if (symbol.size.plus.length !== symbol.size.minus.length) throw new AsmFault("a size is a number or the difference of two labels", at);
}

function common(c: Cursor, a: Assembler): void {
  const name = c.identifier("a symbol");
  c.expect(",");
  const bytes = count(c, "a size");
  const alignment = c.accept(",") ? count(c, "an alignment") : 1;
  a.common(name, bytes, Math.max(alignment, 1));
}

function set(c: Cursor, a: Assembler): void {
  const name = c.identifier("a symbol");
  c.expect(",");
  a.assign(name, c);
}

/** LEB128 of numbers, and of label differences where they are already known. */
function leb(signed: boolean): Directive {
  return (c, a) => list(c, () => a.leb(c, signed));
}

function file(c: Cursor, a: Assembler): void {
  if (c.peek().kind === "str") a.sourceFile(c.take().text.slice(1, -1));
  ignore(c, a);
}

function ident(c: Cursor, a: Assembler): void {
  const token = c.take();
  if (token.kind !== "str") c.fail("a string", token);
  a.comment(token.bytes!);
}

/** By name without the dot. Line tables and frames (.loc, .cfi_*) are debugger's data that the kernel does not read: skipped. */
export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  text: (_, a) => a.switchSection(".text", {}, false),
  data: (_, a) => a.switchSection(".data", {}, false),
  bss: (_, a) => a.switchSection(".bss", {}, false),
  section: (c, a) => section(c, a, false),
  pushsection: (c, a) => section(c, a, true),
  popsection: (_, a) => a.popSection(),
  previous: (_, a) => a.previousSection(),
  globl: bind(STB.GLOBAL),
  global: bind(STB.GLOBAL),
  weak: bind(STB.WEAK),
  local: bind(STB.LOCAL),
  extern: ignore,
  hidden: (c, a) => list(c, () => void (a.symbol(c.identifier("a symbol").text).visibility = 2)),
  protected: (c, a) => list(c, () => void (a.symbol(c.identifier("a symbol").text).visibility = 3)),
  internal: (c, a) => list(c, () => void (a.symbol(c.identifier("a symbol").text).visibility = 1)),
  type,
  size,
  set,
  equ: set,
  comm: common,
  file,
  ident,
  fill,
  p2align: align((n) => 2 ** Math.min(n, 21)),
  align: align((n) => n),
  balign: align((n) => n),
  byte: data(1),
  short: data(2),
  hword: data(2),
  "2byte": data(2),
  long: data(4),
  int: data(4),
  word: data(4),
  "4byte": data(4),
  quad: data(8),
  "8byte": data(8),
  ascii: string(false),
  asciz: string(true),
  string: string(true),
  zero: fillBytes,
  skip: fillBytes,
  space: fillBytes,
  uleb128: leb(false),
  sleb128: leb(true),
  loc: ignore,
  cfi_sections: ignore,
  cfi_startproc: ignore,
  cfi_endproc: ignore,
  cfi_def_cfa_offset: ignore,
  cfi_offset: ignore,
  cfi_def_cfa: ignore,
  addrsig: ignore,
  addrsig_sym: ignore,
};
