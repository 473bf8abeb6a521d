// A moving read position over bytes, with DWARF's variable-length numbers. It never reads outside.
import { ByteReader, CodedError } from "../../base/index.ts";

export class Cursor {
  readonly r: ByteReader;
  at: number;
  constructor(bytes: Uint8Array, littleEndian: boolean, at = 0) {
    this.r = new ByteReader(bytes, littleEndian, "dwarf");
    this.at = at;
  }

  #take(size: number): number {
    const at = this.at;
    this.at += size;
    return at;
  }
  u8(): number {
    return this.r.u8(this.#take(1));
  }
  u16(): number {
    return this.r.u16(this.#take(2));
  }
  u24(): number {
    const [a, b, c] = [this.u8(), this.u8(), this.u8()];
    return this.r.littleEndian ? a | (b << 8) | (c << 16) : (a << 16) | (b << 8) | c;
  }
  u32(): number {
    return this.r.u32(this.#take(4));
  }
  u64(): bigint {
    return this.r.u64(this.#take(8));
  }
  /** A number of 1, 2, 4 or 8 bytes. */
  uint(size: number): number {
    return size === 1 ? this.u8() : size === 2 ? this.u16() : size === 4 ? this.u32() : this.r.u64n(this.#take(8));
  }
  bytes(size: number): Uint8Array {
    return this.r.slice(this.#take(size), size);
  }
  cstr(): string {
    const end = this.r.bytes.indexOf(0, this.at);
    const text = this.r.cstr(this.at);
    this.at = end + 1;
    return text;
  }
  uleb(): number {
    const v = this.uleb64();
    return v > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(v);
  }
  uleb64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const b = this.u8();
      value |= BigInt(b & 127) << shift;
      if (b < 128) return BigInt.asUintN(64, value);
    }
    throw new CodedError("dwarf-leb", `DWARF: a number of more than 64 bits (offset ${this.at})`, { offBytes: this.at });
  }
  sleb64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n;) {
      const b = this.u8();
      value |= BigInt(b & 127) << shift;
      shift += 7n;
      if (b < 128) return BigInt.asIntN(64, b & 64 ? value - (1n << shift) : value);
    }
    throw new CodedError("dwarf-leb", `DWARF: a number of more than 64 bits (offset ${this.at})`, { offBytes: this.at });
  }
  sleb(): number {
    return Number(this.sleb64());
  }
}
