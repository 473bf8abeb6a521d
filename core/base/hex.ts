// Hex text to bytes and back. It accepts blanks between bytes and nothing else.
import { CodedError } from "./coded-error.ts";

/** Parses hex digits, two a byte, blanks allowed between bytes. Throws CodedError `bad-hex` with the character's offset. */
export function hexToBytes(text: string): Uint8Array {
  const clean = text.replace(/\s+/g, "");
  const bad = clean.search(/[^0-9a-fA-F]/);
  if (bad >= 0 || clean.length % 2)
    throw new CodedError("bad-hex", `not hex bytes: ${bad >= 0 ? `character ${bad + 1} is not a hex digit` : "odd number of digits"}`, {
      offBytes: Math.max(bad, 0),
    });
  const out = new Uint8Array(clean.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(clean.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const DIGITS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
export function bytesToHex(bytes: Uint8Array): string {
  let out = "";
  for (const b of bytes) out += DIGITS[b]!;
  return out;
}
