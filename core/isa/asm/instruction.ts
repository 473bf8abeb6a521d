// Reads one instruction in LLVM's BPF syntax or in that of the kernel's log. It places nothing and resolves no symbol.
import type { Insn } from "../insn.ts";
import * as op from "../opcodes.ts";
import type { Cursor, Expr } from "./cursor.ts";
import { AsmFault, type Token } from "./lexer.ts";

/** What a symbol in an instruction is for: a jump, a call, the 64-bit address of ld_imm64. */
export type FixupKind = "jump16" | "jump32" | "call" | "imm64";

export interface ParsedInsn {
  /** One slot, or two for ld_imm64. */
  readonly insns: readonly Insn[];
  readonly fixup?: { readonly kind: FixupKind; readonly target: Expr };
}

interface Register {
  readonly index: number;
  /** `w` registers are the low halves. */
  readonly wide: boolean;
  readonly token: Token;
}

const REGISTER = /^(r|w)(\d+)$/;
const ALU: Readonly<Record<string, readonly [opcode: number, off: number]>> = {
  "+=": [op.BPF_ADD, 0],
  "-=": [op.BPF_SUB, 0],
  "*=": [op.BPF_MUL, 0],
  "/=": [op.BPF_DIV, 0],
  "|=": [op.BPF_OR, 0],
  "&=": [op.BPF_AND, 0],
  "<<=": [op.BPF_LSH, 0],
  ">>=": [op.BPF_RSH, 0],
  "%=": [op.BPF_MOD, 0],
  "^=": [op.BPF_XOR, 0],
  "s>>=": [op.BPF_ARSH, 0],
  "s/=": [op.BPF_DIV, 1],
  "s%=": [op.BPF_MOD, 1],
};
const COMPARE: Readonly<Record<string, number>> = {
  "==": op.BPF_JEQ,
  ">": op.BPF_JGT,
  ">=": op.BPF_JGE,
  "&": op.BPF_JSET,
  "!=": op.BPF_JNE,
  "s>": op.BPF_JSGT,
  "s>=": op.BPF_JSGE,
  "<": op.BPF_JLT,
  "<=": op.BPF_JLE,
  "s<": op.BPF_JSLT,
  "s<=": op.BPF_JSLE,
};
const SIZES: Readonly<Record<string, number>> = { u8: op.BPF_B, u16: op.BPF_H, u32: op.BPF_W, u64: op.BPF_DW };
const SIGNED_SIZES: Readonly<Record<string, number>> = { s8: op.BPF_B, s16: op.BPF_H, s32: op.BPF_W, s64: op.BPF_DW };
const LOCKED: Readonly<Record<string, number>> = { "+=": op.BPF_ADD, "|=": op.BPF_OR, "&=": op.BPF_AND, "^=": op.BPF_XOR };
const FETCH: Readonly<Record<string, number>> = { add: op.BPF_ADD, or: op.BPF_OR, and: op.BPF_AND, xor: op.BPF_XOR };
const SWAP = /^(be|le|bswap)(16|32|64)$/;

const insn = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
const one = (...fields: Parameters<typeof insn>): ParsedInsn => ({ insns: [insn(...fields)] });

function registerAt(c: Cursor, ahead = 0): Register | undefined {
  const token = c.peek(ahead);
  const m = token.kind === "id" ? REGISTER.exec(token.text) : null;
  if (!m) return undefined;
  if (Number(m[2]) > 10) throw new AsmFault(`there is no register '${token.text}'; they are r0 to r10 and w0 to w10`, token);
  return { index: Number(m[2]), wide: m[1] === "r", token };
}
function register(c: Cursor, wide?: boolean): Register {
  const r = registerAt(c);
  if (!r) return c.fail("a register");
  if (wide !== undefined && r.wide !== wide)
    throw new AsmFault(`a register of the same width is needed: ${wide ? "r" : "w"}${r.index}`, r.token);
  c.take();
  return r;
}

/** A number that fits the 32-bit immediate, signed or unsigned. */
function imm32(c: Cursor): number {
  const at = c.peek();
  const value = c.number();
  if (value < -(1n << 31n) || value >= 1n << 32n) throw new AsmFault(`${value} does not fit the 32-bit immediate`, at);
  return Number(BigInt.asIntN(32, value));
}
function int16(value: bigint, at: Token): number {
  if (value < -32768n || value > 32767n) throw new AsmFault(`${value} does not fit the 16-bit offset`, at);
  return Number(value);
}

/** `+ 4`, `- 4`, `+4` or nothing. */
function displacement(c: Cursor): number {
  const at = c.peek();
  if (!c.is("+") && !c.is("-")) return 0;
  return int16(c.number(), at);
}

/** `(u32 *)` with its size code; `signed` types only when allowed. */
function pointerType(c: Cursor, signed: boolean): { size: number; sign: boolean } {
  c.expect("(");
  const type = c.identifier("u8, u16, u32 or u64");
  const size = SIZES[type.text];
  const sign = signed ? SIGNED_SIZES[type.text] : undefined;
  if (size === undefined && sign === undefined)
    throw new AsmFault(`'${type.text}' is no access size; u8, u16, u32 and u64 are${signed ? ", and s8, s16, s32" : ""}`, type);
  c.expect("*");
  c.expect(")");
  return { size: size ?? sign!, sign: size === undefined };
}
/** `(r1 + 4)`. */
function address(c: Cursor): { base: number; off: number } {
  c.expect("(");
  const place = bareAddress(c);
  c.expect(")");
  return place;
}
function bareAddress(c: Cursor): { base: number; off: number } {
  const base = register(c, true);
  return { base: base.index, off: displacement(c) };
}

/** The target of a jump: a label, `+3`, or the log's `pc+3`. */
function jump(c: Cursor, slot: Insn, kind: "jump16" | "jump32"): ParsedInsn {
  const at = c.peek();
  if (c.is("pc") && (c.is("+", 1) || c.is("-", 1))) c.take();
  const target = c.expr();
  if (target.plus.length || target.minus.length) return { insns: [slot], fixup: { kind, target } };
  if (kind === "jump16") return { insns: [{ ...slot, off: int16(target.constant, at) }] };
  return { insns: [{ ...slot, imm: Number(BigInt.asIntN(32, target.constant)) }] };
}

function conditional(c: Cursor): ParsedInsn {
  const left = register(c);
  const compare = c.take();
  const code = COMPARE[compare.text];
  if (code === undefined)
    throw new AsmFault(`'${compare.text}' does not compare; ==, !=, <, <=, >, >=, s<, s<=, s>, s>= and & do`, compare);
  const cls = left.wide ? op.BPF_JMP : op.BPF_JMP32;
  const right = registerAt(c) ? register(c, left.wide).index : undefined;
  const imm = right === undefined ? imm32(c) : 0;
  c.expect("goto");
  return jump(c, insn(cls | code | (right === undefined ? op.BPF_K : op.BPF_X), left.index, right ?? 0, 0, imm), "jump16");
}

function call(c: Cursor): ParsedInsn {
  if (c.is("pc") && (c.is("+", 1) || c.is("-", 1))) {
    c.take();
    return one(op.BPF_JMP | op.BPF_CALL, 0, op.BPF_PSEUDO_CALL, 0, imm32(c));
  }
  const target = c.expr();
  const known = c.statement.fromLog && c.accept("#") ? Number(c.number()) : undefined;
  if (known !== undefined) return one(op.BPF_JMP | op.BPF_CALL, 0, 0, 0, known);
  if (target.plus.length) return { insns: [insn(op.BPF_JMP | op.BPF_CALL, 0, op.BPF_PSEUDO_CALL, 0, -1)], fixup: { kind: "call", target } };
  return one(op.BPF_JMP | op.BPF_CALL, 0, 0, 0, Number(BigInt.asIntN(32, target.constant)));
}

/** `*(u32 *)(r1 + 4) = ...`. */
function store(c: Cursor): ParsedInsn {
  c.expect("*");
  const { size } = pointerType(c, false);
  const { base, off } = address(c);
  c.expect("=");
  if (registerAt(c)) return one(op.BPF_STX | op.BPF_MEM | size, base, register(c).index, off);
  return one(op.BPF_ST | op.BPF_MEM | size, base, 0, off, imm32(c));
}

function locked(c: Cursor): ParsedInsn {
  c.expect("*");
  const { size } = pointerType(c, false);
  const { base, off } = address(c);
  const operator = c.take();
  const imm = LOCKED[operator.text];
  if (imm === undefined) throw new AsmFault(`'${operator.text}' is not atomic; +=, |=, &= and ^= are`, operator);
  return one(op.BPF_STX | op.BPF_ATOMIC | size, base, register(c).index, off, imm);
}

/** `skb[12]`, `skb[r1]`, `skb[r1 + 12]`. */
function packetLoad(c: Cursor, size: number): ParsedInsn {
  c.expect("skb");
  c.expect("[");
  let result: ParsedInsn;
  if (registerAt(c)) {
    const src = register(c).index;
    result = one(op.BPF_LD | op.BPF_IND | size, 0, src, 0, c.is("+") || c.is("-") ? imm32(c) : 0);
  } else result = one(op.BPF_LD | op.BPF_ABS | size, 0, 0, 0, imm32(c));
  c.expect("]");
  return result;
}

function load(c: Cursor, dst: Register): ParsedInsn {
  c.expect("*");
  const { size, sign } = pointerType(c, true);
  if (c.is("skb")) return packetLoad(c, size);
  const { base, off } = address(c);
  return one(op.BPF_LDX | (sign ? op.BPF_MEMSX : op.BPF_MEM) | size, dst.index, base, off);
}

/** `atomic_fetch_add((u64 *)(r1 + 0), r2)` and the log's `atomic64_...` forms. */
function fetching(c: Cursor, dst: Register, name: string): ParsedInsn {
  const what = /^atomic(?:64)?_(?:fetch_)?(\w+)$/.exec(name)![1]!;
  c.expect("(");
  const { size } = pointerType(c, false);
  const { base, off } = address(c);
  c.expect(",");
  const atomic = (imm: number, src: number): ParsedInsn => one(op.BPF_STX | op.BPF_ATOMIC | size, base, src, off, imm);
  const src = register(c, dst.wide).index;
  if (what === "cmpxchg") {
    c.expect(",");
    const value = register(c, dst.wide).index;
    c.expect(")");
    return atomic(op.BPF_CMPXCHG, value);
  }
  c.expect(")");
  return atomic(what === "xchg" ? op.BPF_XCHG : FETCH[what]! | op.BPF_FETCH, src);
}

/** LLVM's `xchg_64(r1 + 0, r2)`, `cmpxchg32_32(r1 + 0, w0, w2)`. */
function exchange(c: Cursor, dst: Register, name: string): ParsedInsn {
  const size = name.endsWith("64") ? op.BPF_DW : op.BPF_W;
  c.expect("(");
  const { base, off } = bareAddress(c);
  c.expect(",");
  let value = register(c, dst.wide).index;
  const compare = name.startsWith("cmp");
  if (compare) {
    c.expect(",");
    value = register(c, dst.wide).index;
  }
  c.expect(")");
  return one(op.BPF_STX | op.BPF_ATOMIC | size, base, value, off, compare ? op.BPF_CMPXCHG : op.BPF_XCHG);
}

function loadAcquire(c: Cursor, dst: Register): ParsedInsn {
  c.expect("(");
  const { size } = pointerType(c, false);
  const { base, off } = address(c);
  c.expect(")");
  return one(op.BPF_STX | op.BPF_ATOMIC | size, dst.index, base, off, op.BPF_LOAD_ACQ);
}
function storeRelease(c: Cursor): ParsedInsn {
  c.expect("(");
  const { size } = pointerType(c, false);
  const { base, off } = address(c);
  c.expect(",");
  const src = register(c).index;
  c.expect(")");
  return one(op.BPF_STX | op.BPF_ATOMIC | size, base, src, off, op.BPF_STORE_REL);
}

function addressSpaceCast(c: Cursor, dst: Register): ParsedInsn {
  c.expect("(");
  const src = register(c, true).index;
  c.expect(",");
  const to = Number(c.number());
  c.expect(",");
  const from = Number(c.number());
  c.expect(")");
  return one(op.BPF_ALU64 | op.BPF_MOV | op.BPF_X, dst.index, src, op.BPF_ADDR_SPACE_CAST, (to << 16) | from);
}

/** `r1 = (s8)r2`; undefined when a parenthesised expression follows instead. */
function signExtension(c: Cursor, dst: Register): ParsedInsn | undefined {
  const bits = c.is("(") && c.is(")", 2) ? /^s(8|16|32)$/.exec(c.peek(1).text) : null;
  if (!bits) return undefined;
  c.take();
  c.take();
  c.take();
  const src = register(c, dst.wide);
  return one((dst.wide ? op.BPF_ALU64 : op.BPF_ALU) | op.BPF_MOV | op.BPF_X, dst.index, src.index, Number(bits[1]));
}

function byteSwap(c: Cursor, dst: Register, swap: RegExpExecArray): ParsedInsn {
  c.take();
  const src = register(c);
  if (src.index !== dst.index) throw new AsmFault("a byte swap changes its register in place: both must be the same", src.token);
  const bits = Number(swap[2]);
  const code = swap[1] === "bswap" ? op.BPF_ALU64 | op.BPF_END : op.BPF_ALU | op.BPF_END | (swap[1] === "be" ? op.BPF_TO_BE : op.BPF_TO_LE);
  return one(code, dst.index, 0, 0, bits);
}

/** A constant or symbol, with `ll` a 64-bit one. */
function constant(c: Cursor, dst: Register): ParsedInsn {
  const at = c.peek();
  const value = c.expr();
  if (!c.accept("ll")) {
    if (value.plus.length || value.minus.length) throw new AsmFault("the address of a symbol needs 64 bits: write 'll' after it", at);
    if (value.constant < -(1n << 31n) || value.constant >= 1n << 32n)
      throw new AsmFault(`${value.constant} needs 64 bits: write 'll' after it`, at);
    return one((dst.wide ? op.BPF_ALU64 : op.BPF_ALU) | op.BPF_MOV | op.BPF_K, dst.index, 0, 0, Number(BigInt.asIntN(32, value.constant)));
  }
  const symbolic = value.plus.length + value.minus.length > 0;
  const bits = BigInt.asUintN(64, symbolic ? 0n : value.constant);
  const insns = [
    insn(op.BPF_LD_IMM64, dst.index, 0, 0, Number(BigInt.asIntN(32, bits))),
    insn(0, 0, 0, 0, Number(BigInt.asIntN(32, bits >> 32n))),
  ];
  return symbolic ? { insns, fixup: { kind: "imm64", target: value } } : { insns };
}

/** Right side of `dst = ...`. */
function assignment(c: Cursor, dst: Register): ParsedInsn {
  const cls = dst.wide ? op.BPF_ALU64 : op.BPF_ALU;
  if (c.is("*")) return load(c, dst);
  if (registerAt(c)) {
    // `r1 = w2` is how clang prints a 32-bit move whose result is used as 64 bits.
    const low = dst.wide && !registerAt(c)!.wide;
    return one((low ? op.BPF_ALU : cls) | op.BPF_MOV | op.BPF_X, dst.index, register(c, low ? false : dst.wide).index);
  }
  const negated = c.is("-") ? registerAt(c, 1) : undefined;
  if (negated) {
    c.take();
    if (register(c, dst.wide).index !== dst.index)
      throw new AsmFault("a negation changes its register in place: both must be the same", negated.token);
    return one(cls | op.BPF_NEG, dst.index);
  }
  const extended = signExtension(c, dst);
  if (extended) return extended;
  const name = c.peek();
  if (name.kind === "id" && c.is("(", 1)) {
    if (/^atomic(64)?_(fetch_(add|or|and|xor)|xchg|cmpxchg)$/.test(name.text)) return fetching(c, dst, c.take().text);
    if (/^(cmp)?xchg(_64|32_32)$/.test(name.text)) return exchange(c, dst, c.take().text);
    if (c.accept("load_acquire")) return loadAcquire(c, dst);
    if (c.accept("addr_space_cast")) return addressSpaceCast(c, dst);
  }
  const swap = registerAt(c, 1) ? SWAP.exec(name.text) : null;
  return swap ? byteSwap(c, dst, swap) : constant(c, dst);
}

function arithmetic(c: Cursor): ParsedInsn {
  const dst = register(c);
  const operator = c.take();
  if (operator.text === "=") return assignment(c, dst);
  const alu = ALU[operator.text];
  if (!alu)
    throw new AsmFault(operator.kind === "end" ? "an operator is expected here" : `'${operator.text}' is no operator here`, operator);
  const cls = dst.wide ? op.BPF_ALU64 : op.BPF_ALU;
  if (registerAt(c)) return one(cls | alu[0] | op.BPF_X, dst.index, register(c, dst.wide).index, alu[1]);
  return one(cls | alu[0] | op.BPF_K, dst.index, 0, alu[1], imm32(c));
}

const JA = op.BPF_JMP | op.BPF_JA;
const KEYWORDS: Readonly<Record<string, (c: Cursor) => ParsedInsn>> = {
  if: conditional,
  goto: (c) => jump(c, insn(JA), "jump16"),
  gotol: (c) => jump(c, insn(op.BPF_JMP32 | op.BPF_JA), "jump32"),
  may_goto: (c) => jump(c, insn(op.BPF_JMP | op.BPF_JCOND), "jump16"),
  call,
  callx: (c) => one(op.BPF_JMP | op.BPF_CALL | op.BPF_X, register(c, true).index),
  exit: () => one(op.BPF_JMP | op.BPF_EXIT),
  lock: locked,
  store_release: storeRelease,
};

/** Reads the instruction under the cursor to the end of the statement. Throws {@link AsmFault}. */
export function parseInstruction(c: Cursor): ParsedInsn {
  const first = c.peek();
  const keyword = first.kind === "id" && Object.hasOwn(KEYWORDS, first.text) ? KEYWORDS[first.text] : undefined;
  let result: ParsedInsn;
  if (keyword) {
    c.take();
    result = keyword(c);
  } else if (c.is("*")) result = store(c);
  else if (registerAt(c)) result = arithmetic(c);
  else if (first.kind === "id" && /^[rw]\d+/.test(first.text)) throw new AsmFault(`there is no register '${first.text}'`, first);
  else throw new AsmFault(`'${first.text}' begins no instruction`, first);
  c.expectEnd();
  return result;
}
