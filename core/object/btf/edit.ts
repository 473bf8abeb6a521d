// Changes single fields of a BTF blob in place, on a copy that the loader owns, and appends types. It checks nothing.
import { openBtf, type BtfBlob } from "./reader.ts";

/** Writes the 32-bit field at `at` bytes of the blob. Types already decoded are not refreshed: reopen with {@link reopened} after a batch of edits. */
export function putU32(btf: BtfBlob, at: number, value: number): void {
  new DataView(btf.bytes.buffer, btf.bytes.byteOffset, btf.bytes.byteLength).setUint32(at, value >>> 0, btf.layout.littleEndian);
}

/** The blob read afresh after edits. */
export const reopened = (btf: BtfBlob): BtfBlob => openBtf(btf.bytes, btf.base);

/** A copy with a type of `words` (32-bit each) and, when given, a string behind the others; name fields equal to -1 get its offset. */
export function appendType(btf: BtfBlob, words: readonly number[], name: string): BtfBlob {
  const { typeOff, typeLen, strOff, strLen, littleEndian } = btf.layout;
  const nameBytes = Uint8Array.from(name, (c) => c.charCodeAt(0) & 127);
  const hdr = 24;
  const out = new Uint8Array(hdr + typeLen + words.length * 4 + strLen + nameBytes.length + 1);
  const view = new DataView(out.buffer);
  out.set(btf.bytes.subarray(0, hdr));
  out.set(btf.bytes.subarray(typeOff, typeOff + typeLen), hdr);
  const nameOff = btf.strEnd;
  words.forEach((w, i) => view.setUint32(hdr + typeLen + i * 4, (w === -1 ? nameOff : w) >>> 0, littleEndian));
  const newStr = hdr + typeLen + words.length * 4;
  out.set(btf.bytes.subarray(strOff, strOff + strLen), newStr);
  out.set(nameBytes, newStr + strLen);
  [hdr, 0, typeLen + words.length * 4, newStr - hdr, strLen + nameBytes.length + 1].forEach((v, i) =>
    view.setUint32(4 + i * 4, v, littleEndian),
  );
  return openBtf(out, btf.base);
}
