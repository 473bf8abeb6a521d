// A hash table from names to types over the bytes of a BTF blob, without making strings. It decodes no type.
import { utf8Bytes } from "../../base/index.ts";
import type { BtfLayout } from "./reader.ts";

export interface NameIndex {
  /** Positions (0-based within the blob) of the types with this name, ascending. */
  lookup(name: string): number[];
}

const step = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);
const SEED = 0x811c9dc5 | 0;

/** `strStart` is the joint offset of the blob's first string; names at smaller offsets are read through `baseString`. */
export function buildNameIndex(
  bytes: Uint8Array,
  offsets: Uint32Array,
  layout: BtfLayout,
  strStart: number,
  baseString: (off: number) => string,
): NameIndex {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = Math.max(4, Math.ceil(Math.log2(offsets.length + 1)));
  const mask = (1 << bits) - 1;
  const heads = new Int32Array(1 << bits).fill(-1);
  const next = new Int32Array(offsets.length);
  const strEnd = layout.strOff + layout.strLen;
  const inBase = new Map<string, number[]>();
  const start = (i: number): number => {
    const off = view.getUint32(offsets[i]!, layout.littleEndian) - strStart;
    return off < 0 || off >= layout.strLen ? -1 : layout.strOff + off;
  };
  for (let i = offsets.length - 1; i >= 0; i--) {
    const at = start(i);
    const nameOff = view.getUint32(offsets[i]!, layout.littleEndian);
    if (at < 0 && nameOff > 0 && nameOff < strStart) inBase.set(baseString(nameOff), [i, ...(inBase.get(baseString(nameOff)) ?? [])]);
    if (at < 0 || bytes[at] === 0) continue;
    let hash = SEED;
    for (let k = at; k < strEnd && bytes[k] !== 0; k++) hash = step(hash, bytes[k]!);
    next[i] = heads[hash & mask]!;
    heads[hash & mask] = i;
  }
  const same = (at: number, name: Uint8Array): boolean => {
    for (let k = 0; k < name.length; k++) if (bytes[at + k] !== name[k]) return false;
    return bytes[at + name.length] === 0;
  };
  return {
    lookup(text) {
      const name = utf8Bytes(text);
      if (name.length === 0) return [];
      const found: number[] = [];
      const hash = name.reduce(step, SEED);
      for (let i = heads[hash & mask]!; i >= 0; i = next[i]!) if (same(start(i), name)) found.push(i);
      const more = inBase.get(text);
      return more === undefined ? found : [...found, ...more].sort((a, b) => a - b);
    },
  };
}
