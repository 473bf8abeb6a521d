// Second pass of the assembler: fills symbols into the code, or leaves relocations as LLVM 19 does. It parses nothing.
import type { Assembler } from "./assembler.ts";
import type { Expr } from "./cursor.ts";
import * as op from "../opcodes.ts";
import { isTemporary, R_BPF, Section, SHF, STB, STT, type AsmSymbol, type Fixup } from "./output.ts";

/** A symbol plus a number, or a plain number. */
interface Value {
  readonly symbol: AsmSymbol | undefined;
  readonly constant: bigint;
}

class Unresolved extends Error {}

/** Reduces an expression; differences of labels of one section are numbers. */
function evaluate(a: Assembler, e: Expr, depth = 0, budget = { steps: 10000 }): Value {
  if (depth > 64 || --budget.steps < 0) throw new Unresolved("this symbol is defined by itself, or by too long a chain");
  let constant = e.constant;
  const plus: AsmSymbol[] = [];
  const minus: AsmSymbol[] = [];
  for (const [list, into, sign] of [
    [e.plus, plus, 1n],
    [e.minus, minus, -1n],
  ] as const) {
    for (const ref of list) {
      const symbol = a.symbol(ref.name);
      if (!symbol.absolute) {
        into.push(symbol);
        continue;
      }
      const value = evaluate(a, symbol.absolute, depth + 1, budget);
      constant += sign * value.constant;
      if (value.symbol) into.push(value.symbol);
    }
  }
  for (const m of minus) {
    const i = plus.findIndex((p) => p.section !== undefined && p.section === m.section);
    if (i < 0) throw new Unresolved(`'${m.name}' can only be subtracted from a label of its own section`);
    constant += BigInt(plus[i]!.offBytes - m.offBytes);
    plus.splice(i, 1);
  }
  if (plus.length > 1) throw new Unresolved("a sum of two symbols cannot be expressed in an object");
  return { symbol: plus[0], constant };
}

const isLocal = (s: AsmSymbol): boolean => s.section !== undefined && (s.binding === undefined || s.binding === STB.LOCAL);

/** The relocation type of a 4-byte datum (BPFELFObjectWriter::getRelocType, LLVM 19). */
function type32(symbol: AsmSymbol): number {
  const flags = symbol.section?.flags ?? 0;
  if (!(flags & SHF.ALLOC)) return R_BPF.ABS32;
  if (isTemporary(symbol.name)) return flags & SHF.EXECINSTR ? R_BPF.NODYLD32 : R_BPF.ABS32;
  return flags & SHF.WRITE ? R_BPF.NODYLD32 : R_BPF.ABS32;
}

/** Adds a relocation against `symbol`, or its section when it is local; answers what must stand in the code. */
function relocate(section: Section, f: Fixup, type: number, value: Value): bigint {
  const symbol = value.symbol!;
  const mergeable =
    symbol.section !== undefined && (symbol.section.flags & SHF.MERGE) !== 0 && value.constant !== 0n && !isTemporary(symbol.name);
  if (isLocal(symbol) && !mergeable) {
    section.relocations.push({ offBytes: f.offBytes, type, symbol: symbol.section! });
    return value.constant + BigInt(symbol.offBytes);
  }
  symbol.referenced = true;
  section.relocations.push({ offBytes: f.offBytes, type, symbol });
  return value.constant;
}

function put(a: Assembler, section: Section, offBytes: number, value: bigint, size: number): void {
  section.bytes.set(a.encode(value, size), offBytes);
}

/** Distance in slots from the instruction after `f` to the target; undefined when that is in another section or unknown. */
function distance(section: Section, f: Fixup, value: Value): bigint | undefined {
  if (value.symbol?.section !== section) return undefined;
  return (BigInt(value.symbol.offBytes - f.offBytes) + value.constant - 8n) / 8n;
}

function applyJump(a: Assembler, section: Section, f: Fixup, value: Value): void {
  const slots = distance(section, f, value);
  if (slots === undefined)
    throw new Unresolved(value.symbol?.section ? "a jump stays in its section" : `'${value.symbol?.name ?? ""}' is not defined`);
  if (f.kind === "jump32") return put(a, section, f.offBytes + 4, slots, 4);
  if (slots < -32768n || slots > 32767n)
    throw new Unresolved(`the target is ${slots} instructions away; a jump reaches 32767 (gotol reaches further)`);
  put(a, section, f.offBytes + 2, slots, 2);
}

function applyCall(a: Assembler, section: Section, f: Fixup, value: Value): void {
  const symbol = value.symbol!;
  const helper = symbol.section || symbol.binding !== undefined ? undefined : a.options.helperId?.(symbol.name);
  if (helper !== undefined) {
    section.bytes[f.offBytes + 1] = 0;
    symbol.referenced = false;
    return put(a, section, f.offBytes + 4, BigInt(helper), 4);
  }
  const slots = isLocal(symbol) ? distance(section, f, value) : undefined;
  if (slots !== undefined) return put(a, section, f.offBytes + 4, slots, 4);
  const rest = relocate(section, f, R_BPF.R64_32, value);
  put(a, section, f.offBytes + 4, rest / 8n - 1n, 4);
}

function applyImm64(a: Assembler, section: Section, f: Fixup, value: Value): void {
  const bits = value.symbol ? relocate(section, f, R_BPF.R64_64, value) : value.constant;
  put(a, section, f.offBytes + 4, bits & 0xffffffffn, 4);
  put(a, section, f.offBytes + 12, value.symbol ? 0n : (bits >> 32n) & 0xffffffffn, 4);
}

function applyData(a: Assembler, section: Section, f: Fixup, value: Value): void {
  let bits = value.constant;
  if (value.symbol) {
    if (f.size < 4) throw new Unresolved(`an address takes 4 or 8 bytes, not ${f.size}`);
    bits = relocate(section, f, f.size === 8 ? R_BPF.ABS64 : type32(value.symbol), value);
  }
  put(a, section, f.offBytes, bits, f.size);
}

function apply(a: Assembler, section: Section, f: Fixup): void {
  const value = evaluate(a, f.target);
  if (value.symbol && !value.symbol.section && isTemporary(value.symbol.name)) {
    throw new Unresolved(value.symbol.name.includes("\u0001") ? "there is no such numeric label" : `'${value.symbol.name}' is not defined`);
  }
  if (f.kind === "jump16" || f.kind === "jump32")
    return value.symbol ? applyJump(a, section, f, value) : applyAbsoluteJump(a, section, f, value);
  if (f.kind === "call") return value.symbol ? applyCall(a, section, f, value) : put(a, section, f.offBytes + 4, value.constant, 4);
  if (f.kind === "imm64") return applyImm64(a, section, f, value);
  applyData(a, section, f, value);
}

/** A jump by a number that a symbol stands for. */
function applyAbsoluteJump(a: Assembler, section: Section, f: Fixup, value: Value): void {
  if (f.kind === "jump32" || (section.bytes[f.offBytes]! & 7) === op.BPF_JMP32) return put(a, section, f.offBytes + 4, value.constant, 4);
  put(a, section, f.offBytes + 2, value.constant, 2);
}

/** A name that nothing defines but that a section has stands for that section. */
function bindSectionNames(a: Assembler): void {
  for (const symbol of a.symbols.values()) {
    const section = symbol.section || symbol.absolute || symbol.common ? undefined : a.sections.get(symbol.name);
    if (section) Object.assign(symbol, { section, offBytes: 0, binding: STB.LOCAL, type: STT.SECTION });
  }
}

/** Fills every fixup of every section; those that cannot be are reported. */
export function resolve(a: Assembler): void {
  bindSectionNames(a);
  for (const section of a.sections.values()) {
    for (const f of section.fixups) {
      try {
        apply(a, section, f);
      } catch (error) {
        if (!(error instanceof Unresolved)) throw error;
        a.report(f.line, f, error.message);
      }
    }
  }
}

/** A symbol's size in bytes, 0 when it cannot be told. */
export function symbolSize(a: Assembler, symbol: AsmSymbol): number {
  if (!symbol.size) return 0;
  try {
    const value = evaluate(a, symbol.size);
    return value.symbol ? 0 : Number(BigInt.asUintN(53, value.constant));
  } catch (error) {
    if (error instanceof Unresolved) return 0;
    throw error;
  }
}

/** Section and offset of a symbol defined by `.set`, or its plain value. */
export function symbolValue(a: Assembler, symbol: AsmSymbol): { section: Section | undefined; value: bigint } | undefined {
  if (!symbol.absolute) return symbol.section ? { section: symbol.section, value: BigInt(symbol.offBytes) } : undefined;
  try {
    const value = evaluate(a, symbol.absolute);
    return { section: value.symbol?.section, value: value.constant + BigInt(value.symbol?.offBytes ?? 0) };
  } catch (error) {
    if (error instanceof Unresolved) return undefined;
    throw error;
  }
}
