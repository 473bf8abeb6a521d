// Values by their C types, wherever they lie: children and text. It reads memory through the caller and changes nothing.
import { elementType, strip, typeText, type CType } from "../object/index.ts";
import { KERNEL_HI } from "../vm/index.ts";

/** Bytes at an offset of linear memory as a program would read them; undefined where it could not. */
export type Peek = (at: number, size: number) => Uint8Array | undefined;

/** Bytes that are not in memory: a register, a constant, or several parts put together. */
export interface Held {
  readonly bytes: Uint8Array;
  /** 1 for each byte that the compiler kept. */
  readonly kept: Uint8Array;
  /** Sets the whole value; absent when it cannot be set. */
  readonly set?: ((value: bigint) => void) | undefined;
}
/** A value of a type, at an offset of linear memory or held elsewhere. */
export interface TypedValue {
  readonly name: string;
  readonly type: CType;
  readonly in: number | Held;
  /** Bit field: first bit from the start of `in`, and number of bits. */
  readonly bits?: { readonly off: number; readonly size: number } | undefined;
}

const MOST_ELEMENTS = 256;
/** Machine address of an offset in linear memory. */
export const addressOf = (at: number): bigint => (BigInt(KERNEL_HI >>> 0) << 32n) | BigInt(at);
/** Offset in linear memory of a machine address; undefined for other numbers. */
export const offsetOf = (address: bigint): number | undefined =>
  BigInt.asUintN(32, address >> 32n) === BigInt(KERNEL_HI >>> 0) ? Number(address & 0xffffffffn) : undefined;

const part = (from: number | Held, off: number, size: number): number | Held =>
  typeof from === "number" ? from + off : { bytes: from.bytes.subarray(off, off + size), kept: from.kept.subarray(off, off + size) };

/** Members of a struct, elements of an array, what a pointer points at. */
export function childrenOf(peek: Peek, v: TypedValue): TypedValue[] {
  const type = strip(v.type);
  switch (type.kind) {
    case "struct":
    case "union":
      return type.members.flatMap((m): TypedValue[] => {
        const off = m.bitOffset >> 3;
        const bits = m.bitSize ? { off: m.bitOffset & 7, size: m.bitSize } : undefined;
        const size = bits ? Math.ceil((bits.off + bits.size) / 8) : m.type.size;
        const member: TypedValue = { name: m.name, type: m.type, in: part(v.in, off, size), bits };
        return m.name === "" ? childrenOf(peek, member) : [member];
      });
    case "array": {
      const element = elementType(type);
      const { size } = element;
      return Array.from({ length: Math.min(type.dimensions[0] ?? 0, MOST_ELEMENTS) }, (_, i) => ({
        name: `[${i}]`,
        type: element,
        in: part(v.in, i * size, size),
      }));
    }
    case "pointer": {
      const to = rawValue(peek, v);
      const at = to === undefined ? undefined : offsetOf(to);
      const target = strip(type.target);
      const hasValue = target.kind !== "void" && target.kind !== "function";
      return at !== undefined && hasValue && peek(at, 1) ? [{ name: `*${v.name}`, type: type.target, in: at }] : [];
    }
    default:
      return [];
  }
}

/** The value as a person reads it. */
export function textOf(peek: Peek, v: TypedValue): string {
  const type = strip(v.type);
  if (type.kind === "void") return "";
  const bytes = bytesOf(peek, v);
  if (typeof bytes === "string") return bytes;
  if (type.kind === "array") return arrayText(type, bytes);
  if (type.kind === "struct" || type.kind === "union") return typeText(v.type);
  const raw = number(bytes, v.bits);
  switch (type.kind) {
    case "base":
      return integerText(type, raw, v.bits?.size ?? 8 * type.size);
    case "enum": {
      const named = type.enumerators.find((e) => BigInt.asUintN(8 * type.size, e.value) === raw);
      return named ? `${named.name} (${raw})` : raw.toString();
    }
    default:
      return `0x${raw.toString(16)}`;
  }
}
/** The bytes of a value, or why there are none. */
function bytesOf(peek: Peek, v: TypedValue): Uint8Array | string {
  const size = v.bits ? Math.ceil((v.bits.off + v.bits.size) / 8) : v.type.size;
  if (typeof v.in === "number") return peek(v.in, size) ?? "<not there>";
  return v.in.kept.every((k) => k === 1) && v.in.bytes.length >= size ? v.in.bytes.subarray(0, size) : "<optimized out>";
}
function number(bytes: Uint8Array, bits: TypedValue["bits"]): bigint {
  const n = bytes.subarray(0, 16).reduceRight((sum, b) => (sum << 8n) | BigInt(b), 0n);
  return bits ? BigInt.asUintN(bits.size, n >> BigInt(bits.off)) : n;
}
/** Unsigned bits of a scalar; undefined when they are not known. */
export function rawValue(peek: Peek, v: TypedValue): bigint | undefined {
  const bytes = bytesOf(peek, v);
  return typeof bytes === "string" ? undefined : number(bytes, v.bits);
}
/** The number that a scalar stands for, with its sign; undefined when it is not known or no scalar. */
export function numberIn(peek: Peek, v: TypedValue): bigint | undefined {
  const type = strip(v.type);
  if (type.kind === "struct" || type.kind === "union" || type.kind === "array" || type.kind === "void") return undefined;
  const raw = rawValue(peek, v);
  return raw !== undefined && isSigned(type) ? BigInt.asIntN(v.bits?.size ?? 8 * type.size, raw) : raw;
}
const isSigned = (type: CType): boolean =>
  type.kind === "base" && (type.encoding === "signed" || type.encoding === "char") && type.size <= 8;

function integerText(type: CType, raw: bigint, bits: number): string {
  if (type.encoding === "bool") return raw ? "true" : "false";
  const value = isSigned(type) ? BigInt.asIntN(bits, raw) : raw;
  return raw > 9n && value >= 0n ? `${value} (0x${raw.toString(16)})` : `${value}`;
}
function arrayText(type: CType, bytes: Uint8Array): string {
  const element = strip(elementType(type));
  return element.kind === "base" && element.encoding === "char" ? quoted(bytes) : `{${type.dimensions[0] ?? 0} elements}`;
}
function quoted(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  return `"${[...text].map((b) => (b >= 32 && b < 127 && b !== 34 && b !== 92 ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, "0")}`)).join("")}"`;
}
