// Values in memory by their BTF types: children and text. It reads the machine's memory and changes nothing.
import { BTF_KIND, type Btf, type BtfType } from "../object/index.ts";
import { KERNEL_HI, type Memory } from "../vm/index.ts";

/** A value of a type at an offset in linear memory. */
export interface TypedValue {
  readonly name: string;
  readonly type: number;
  readonly at: number;
  /** Bit field: first bit from `at` and number of bits. */
  readonly bits?: { readonly off: number; readonly size: number } | undefined;
}

/** The C name of a type: `struct ethhdr *`. */
export function typeName(btf: Btf, id: number): string {
  if (id === 0) return "void";
  const t = btf.type(id);
  switch (t.kind) {
    case BTF_KIND.PTR:
      return `${typeName(btf, t.type)} *`;
    case BTF_KIND.ARRAY:
      return `${typeName(btf, t.type)}[${t.nelems}]`;
    case BTF_KIND.CONST:
      return `const ${typeName(btf, t.type)}`;
    case BTF_KIND.VOLATILE:
      return `volatile ${typeName(btf, t.type)}`;
    case BTF_KIND.RESTRICT:
    case BTF_KIND.TYPE_TAG:
      return typeName(btf, t.type);
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return `${t.kind === BTF_KIND.STRUCT ? "struct" : "union"} ${t.name || "{...}"}`;
    case BTF_KIND.FUNC_PROTO:
      return "function";
    default:
      return t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64 ? `enum ${t.name}` : t.name;
  }
}

const resolved = (btf: Btf, id: number): BtfType => btf.type(btf.resolve(id));
const MOST_ELEMENTS = 256;

/** Members of a struct, elements of an array, what a pointer points at. */
export function childrenOf(btf: Btf, memory: Memory, v: TypedValue): TypedValue[] {
  if (v.type === 0) return [];
  const t = resolved(btf, v.type);
  switch (t.kind) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return t.members.flatMap((m): TypedValue[] => {
        const member = {
          name: m.name,
          type: m.type,
          at: v.at + (m.bitOffset >> 3),
          bits: m.bitSize ? { off: m.bitOffset & 7, size: m.bitSize } : undefined,
        };
        return m.name === "" ? childrenOf(btf, memory, member) : [member];
      });
    case BTF_KIND.ARRAY: {
      const size = btf.sizeOf(t.type);
      return Array.from({ length: Math.min(t.nelems, MOST_ELEMENTS) }, (_, i) => ({ name: `[${i}]`, type: t.type, at: v.at + i * size }));
    }
    case BTF_KIND.PTR: {
      const target = pointee(memory, v.at);
      return target && t.type && resolved(btf, t.type).kind !== BTF_KIND.FUNC_PROTO
        ? [{ name: `*${v.name}`, type: t.type, at: target }]
        : [];
    }
    default:
      return [];
  }
}
function pointee(memory: Memory, at: number): number | undefined {
  if (at + 8 > memory.size || memory.view.getInt32(at + 4, true) !== KERNEL_HI) return undefined;
  const target = memory.view.getUint32(at, true);
  return memory.regionAt(target) ? target : undefined;
}

/** The value as a person reads it. */
export function textOf(btf: Btf, memory: Memory, v: TypedValue): string {
  if (v.type === 0) return "";
  const t = resolved(btf, v.type);
  const size = t.kind === BTF_KIND.PTR ? 8 : btf.sizeOf(v.type);
  if (v.at + size > memory.size) return "<not there>";
  switch (t.kind) {
    case BTF_KIND.INT:
      return integerText(t, rawValue(memory, v, size));
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64: {
      const raw = rawValue(memory, v, size);
      const named = t.values.find((e) => BigInt.asUintN(8 * size, e.value) === raw);
      return named ? `${named.name} (${raw})` : raw.toString();
    }
    case BTF_KIND.PTR:
      return `0x${rawValue(memory, v, 8).toString(16)}`;
    case BTF_KIND.ARRAY:
      return isChar(btf, t.type) ? quoted(memory.read(v.at, t.nelems)) : `{${t.nelems} elements}`;
    default:
      return typeName(btf, v.type);
  }
}
/** Unsigned bits of a scalar. */
export function rawValue(memory: Memory, v: TypedValue, size: number): bigint {
  const bytes = memory.read(v.at, Math.min(8, v.bits ? Math.ceil((v.bits.off + v.bits.size) / 8) : size));
  let n = 0n;
  bytes.forEach((b, i) => (n |= BigInt(b) << BigInt(8 * i)));
  return v.bits ? BigInt.asUintN(v.bits.size, n >> BigInt(v.bits.off)) : n;
}
function integerText(t: BtfType, raw: bigint): string {
  const bits = 8 * t.size;
  if (t.encoding & 4) return raw ? "true" : "false";
  const signed = t.encoding & 1 ? BigInt.asIntN(Math.min(bits, 64), raw) : raw;
  return raw > 9n && signed >= 0n ? `${signed} (0x${raw.toString(16)})` : `${signed}`;
}
const isChar = (btf: Btf, id: number): boolean => {
  const t = resolved(btf, id);
  return t.kind === BTF_KIND.INT && t.size === 1 && (t.name === "char" || (t.encoding & 2) !== 0);
};
function quoted(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const part = end < 0 ? bytes : bytes.subarray(0, end);
  return `"${[...part].map((b) => (b >= 32 && b < 127 && b !== 34 && b !== 92 ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, "0")}`)).join("")}"`;
}
