// Bounds-checked reads from hostile bytes, in either byte order. It never reads outside and never copies unasked.
import { CodedError } from "./coded-error.ts";

/** A view of `bytes` that throws {@link CodedError} `what`-truncated instead of reading out of bounds. All offsets are in bytes. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  readonly #what: string;

  constructor(bytes: Uint8Array, littleEndian: boolean, what: string) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get length(): number {
    return this.bytes.length;
  }

  #need(offBytes: number, size: number): void {
    if (!(offBytes >= 0 && offBytes + size <= this.bytes.length))
      this.fail(offBytes, `${size} bytes wanted, the data ends at ${this.bytes.length}`);
  }

  /** Throws the coded error of this reader for `offBytes`. */
  fail(offBytes: number, why: string): never {
    throw new CodedError(`${this.#what}-truncated`, `${this.#what}: ${why} (offset ${offBytes})`, { offBytes });
  }

  u8(offBytes: number): number {
    this.#need(offBytes, 1);
    return this.#view.getUint8(offBytes);
  }
  u16(offBytes: number): number {
    this.#need(offBytes, 2);
    return this.#view.getUint16(offBytes, this.littleEndian);
  }
  i16(offBytes: number): number {
    this.#need(offBytes, 2);
    return this.#view.getInt16(offBytes, this.littleEndian);
  }
  u32(offBytes: number): number {
    this.#need(offBytes, 4);
    return this.#view.getUint32(offBytes, this.littleEndian);
  }
  i32(offBytes: number): number {
    this.#need(offBytes, 4);
    return this.#view.getInt32(offBytes, this.littleEndian);
  }
  u64(offBytes: number): bigint {
    this.#need(offBytes, 8);
    return this.#view.getBigUint64(offBytes, this.littleEndian);
  }
  /** A 64-bit field that must fit a JavaScript number (file offsets, sizes); larger values clamp to 2^53 and so fail the next bounds check. */
  u64n(offBytes: number): number {
    const v = this.u64(offBytes);
    return v > 0x1fffffffffffffn ? Number.MAX_SAFE_INTEGER : Number(v);
  }
  /** A sub-range that shares memory. */
  slice(offBytes: number, size: number): Uint8Array {
    this.#need(offBytes, size);
    return this.bytes.subarray(offBytes, offBytes + size);
  }
  /** A NUL-terminated Latin-1/UTF-8 string. */
  cstr(offBytes: number): string {
    this.#need(offBytes, 1);
    const end = this.bytes.indexOf(0, offBytes);
    if (end < 0) this.fail(offBytes, "string without end");
    return utf8(this.bytes.subarray(offBytes, end));
  }
}

/** Decodes UTF-8 without the host's TextDecoder; malformed bytes become U+FFFD. */
export function utf8(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i++]!;
    if (b < 0x80) {
      out += String.fromCharCode(b);
      continue;
    }
    const extra = b >= 0xf0 && b < 0xf8 ? 3 : b >= 0xe0 ? 2 : b >= 0xc0 ? 1 : -1;
    let cp = extra === 3 ? b & 7 : extra === 2 ? b & 15 : b & 31;
    let ok = extra > 0 && b < 0xf8;
    for (let k = 0; ok && k < extra; k++) {
      const c = bytes[i];
      if (c === undefined || (c & 0xc0) !== 0x80) ok = false;
      else {
        cp = (cp << 6) | (c & 63);
        i++;
      }
    }
    out += ok && cp <= 0x10ffff ? String.fromCodePoint(cp) : "\ufffd";
  }
  return out;
}
