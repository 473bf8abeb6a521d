// How C would lay a struct out, and where BTF says it lies: alignment, packing, gaps. It prints nothing.
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfMember, type BtfType } from "./btf.ts";

const MAX_DEPTH = 64;

/** Alignments in bytes that types have as we write them (gaps are bytes, packed structs align to 1). */
export class CLayout {
  readonly #btf: Btf;
  readonly #align = new Map<BtfId, number>();
  readonly #packed = new Map<BtfId, boolean>();
  constructor(btf: Btf) {
    this.#btf = btf;
  }

  align(id: BtfId, depth = 0): number {
    const t = this.#btf.type(this.#btf.resolve(id));
    if (depth > MAX_DEPTH) return 1;
    switch (t.kind) {
      case K.PTR:
        return 8;
      case K.INT:
      case K.FLOAT:
        return Math.min(16, Math.max(1, t.size));
      case K.ENUM:
      case K.ENUM64:
        return Math.min(8, Math.max(1, t.size));
      case K.ARRAY:
        return this.align(t.type, depth + 1);
      case K.STRUCT:
      case K.UNION:
        return this.packed(t, depth) ? 1 : this.#widest(t, depth);
      default:
        return 1;
    }
  }

  #widest(t: BtfType, depth: number): number {
    const known = this.#align.get(t.id);
    if (known !== undefined) return known;
    this.#align.set(t.id, 1);
    const widest = t.members.reduce((max, m) => Math.max(max, this.align(m.type, depth + 1)), 1);
    this.#align.set(t.id, widest);
    return widest;
  }

  /** True when no natural layout can put the members where they are. */
  packed(t: BtfType, depth = 0): boolean {
    const known = this.#packed.get(t.id);
    if (known !== undefined) return known;
    this.#packed.set(t.id, false);
    const widest = this.#widest(t, depth);
    const off = t.members.some((m) => (m.bitSize > 0 ? this.#crosses(m) : m.bitOffset % (8 * this.align(m.type, depth + 1)) !== 0));
    const packed = off || t.size % widest !== 0;
    this.#packed.set(t.id, packed);
    return packed;
  }

  /** A bit field that lies across two storage units of its type. */
  #crosses(m: BtfMember): boolean {
    const unit = 8 * this.#btf.sizeOf(m.type);
    return unit === 0 || Math.floor(m.bitOffset / unit) !== Math.floor((m.bitOffset + m.bitSize - 1) / unit);
  }

  /** Bit where C would put `m` when the bits before `offBits` are taken. */
  natural(m: BtfMember, offBits: number, packed: boolean): number {
    const up = (to: number): number => Math.ceil(offBits / to) * to;
    if (m.bitSize === 0) return up(packed ? 8 : 8 * this.align(m.type));
    const unit = 8 * this.#btf.sizeOf(m.type);
    if (packed || unit === 0) return offBits;
    return Math.floor(offBits / unit) === Math.floor((offBits + m.bitSize - 1) / unit) ? offBits : up(unit);
  }
}
