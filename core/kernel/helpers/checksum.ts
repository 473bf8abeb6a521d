// Internet checksums as the kernel computes them (RFC 1071; bpf_csum_diff, bpf_l3/l4_csum_replace of net/core/filter.c, 6.18). Pure arithmetic.

/** Folds a 32-bit sum to 16 bits with end-around carry. */
export function fold(sum: number): number {
  let s = sum >>> 0;
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  return s;
}
/** One's complement addition of 32-bit sums. */
export function add(a: number, b: number): number {
  const s = (a >>> 0) + (b >>> 0);
  return s > 0xffffffff ? (s % 4294967296) + 1 : s;
}
/** 32-bit sum of little-endian 16-bit words, as csum_partial on x86 gives it up to folding. */
export function sumWords(bytes: Uint8Array, start = 0): number {
  let s = start >>> 0;
  for (let i = 0; i + 3 < bytes.length; i += 4)
    s = add(s, (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) >>> 0);
  const rest = bytes.length & 3;
  const at = bytes.length - rest;
  let tail = 0;
  for (let i = 0; i < rest; i++) tail |= bytes[at + i]! << (8 * i);
  return add(s, tail >>> 0);
}
/** A checksum field after 32-bit words `from` became `to` (csum_replace4). */
export function replace(field: number, from: number, to: number): number {
  return ~fold(add(add(~field & 0xffff, ~from >>> 0), to)) & 0xffff;
}
