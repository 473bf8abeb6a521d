// Types as their 32-bit words, and which of them are ids and strings; a growing BTF made of such types. It checks no meaning.
import { CodedError, FieldWriter, StringTable, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K } from "./btf.ts";
import type { BtfBlob } from "./reader.ts";

/** Words of one type: name, info, size or type, then what its kind adds. */
export type RawType = Uint32Array;
export const NAME = 0,
  INFO = 1,
  REF = 2,
  TAIL = 3;

export const rawKind = (t: RawType): number => (t[INFO]! >>> 24) & 31;
export const rawVlen = (t: RawType): number => t[INFO]! & 0xffff;
export const rawKflag = (t: RawType): boolean => t[INFO]! >>> 31 === 1;
/** The info word of a type. */
export const rawInfo = (kind: number, vlen = 0, kflag = false): number => ((kflag ? 1 << 31 : 0) | (kind << 24) | vlen) >>> 0;

/** `head`: the third word is a type. Elements of `stride` words hold types and strings at these places. */
interface Shape {
  readonly head: boolean;
  readonly stride: number;
  readonly ids: readonly number[];
  readonly strings: readonly number[];
}
const shape = (head: boolean, stride = 0, ids: readonly number[] = [], strings: readonly number[] = []): Shape => ({
  head,
  stride,
  ids,
  strings,
});
const PLAIN = shape(false);
const REFERENCE = shape(true);
const COMPOSITE = shape(false, 3, [1], [0]);
const SHAPES: Readonly<Record<number, Shape>> = {
  [K.PTR]: REFERENCE,
  [K.TYPEDEF]: REFERENCE,
  [K.VOLATILE]: REFERENCE,
  [K.CONST]: REFERENCE,
  [K.RESTRICT]: REFERENCE,
  [K.FUNC]: REFERENCE,
  [K.VAR]: REFERENCE,
  [K.DECL_TAG]: REFERENCE,
  [K.TYPE_TAG]: REFERENCE,
  [K.STRUCT]: COMPOSITE,
  [K.UNION]: COMPOSITE,
  [K.ENUM]: shape(false, 2, [], [0]),
  [K.ENUM64]: shape(false, 3, [], [0]),
  [K.FUNC_PROTO]: shape(true, 2, [1], [0]),
  [K.DATASEC]: shape(false, 3, [0]),
};
const shapeOf = (t: RawType): Shape => SHAPES[rawKind(t)] ?? PLAIN;

function places(t: RawType, s: Shape, offsets: readonly number[]): number[] {
  const out: number[] = [];
  if (s.stride > 0 && offsets.length > 0) for (let at = TAIL; at < t.length; at += s.stride) for (const o of offsets) out.push(at + o);
  return out;
}

/** Indexes of the words that hold type ids, in order; an array's element stands before its index. */
export function idSlots(t: RawType): number[] {
  if (rawKind(t) === K.ARRAY) return [TAIL, TAIL + 1];
  const s = shapeOf(t);
  return s.head ? [REF, ...places(t, s, s.ids)] : places(t, s, s.ids);
}

/** Indexes of the words that hold string offsets, the type's own name first. */
export function stringSlots(t: RawType): number[] {
  const s = shapeOf(t);
  return [NAME, ...places(t, s, s.strings)];
}

/** BTF_MAX_TYPE of the kernel. */
const MAX_TYPES = 0x000fffff;

/** A BTF to which types and strings are added; id 0 is void. */
export class BtfBuilder {
  types: RawType[] = [new Uint32Array(TAIL)];
  readonly strings = new StringTable();
  readonly littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  /** Adds a type whose strings are already this BTF's. Throws CodedError `btf-too-large`. */
  add(t: RawType): BtfId {
    if (this.types.length > MAX_TYPES) throw new CodedError("btf-too-large", `BTF: more than ${MAX_TYPES} types`);
    return this.types.push(t) - 1;
  }

  /** Adds a copy of a type of another BTF with its strings; its type ids stay those of the other. */
  copy(from: BtfBlob, id: BtfId): BtfId {
    const t = from.words(id);
    for (const i of stringSlots(t)) t[i] = this.string(from, t[i]!);
    return this.add(t);
  }

  /** Offset here of the string at `off` of another BTF. */
  string(from: BtfBlob, off: number): number {
    return off === 0 ? 0 : this.strings.atBytes(from.stringBytes(off));
  }

  /** The blob as it stands in an object. */
  bytes(): Uint8Array {
    const words = this.types.slice(1);
    const typeLen = words.reduce((n, t) => n + t.length * 4, 0);
    const text = this.strings.bytes;
    const head = new FieldWriter(24 + typeLen, this.littleEndian).u16(0xeb9f).u8(1).u8(0).u32(24);
    head.u32(0).u32(typeLen).u32(typeLen).u32(text.length);
    for (const t of words) for (const w of t) head.u32(w);
    const out = new Uint8Array(head.bytes.length + text.length);
    out.set(head.bytes);
    out.set(text, head.bytes.length);
    return out;
  }
}
