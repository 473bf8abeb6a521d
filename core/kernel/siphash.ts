// SipHash-2-4 and the kernel's jhash2, on 32-bit words (lib/siphash.c and include/linux/jhash.h define them for 6.18). Pure arithmetic.

const MASK = (1n << 64n) - 1n;
const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & MASK;

/** Key of 128 bits. */
export type SipKey = readonly [bigint, bigint];

/** SipHash-2-4 of 64-bit words that stand for `bytes` bytes. */
export function siphash(words: readonly bigint[], bytes: number, key: SipKey): bigint {
  let v0 = 0x736f6d6570736575n ^ key[0],
    v1 = 0x646f72616e646f6dn ^ key[1],
    v2 = 0x6c7967656e657261n ^ key[0],
    v3 = 0x7465646279746573n ^ key[1];
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v1 = rotl(v1, 13n) ^ v0;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotl(v1, 17n) ^ v2;
    v2 = rotl(v2, 32n);
  };
  const last = BigInt(bytes & 255) << 56n;
  const rest = bytes % 8 ? words.at(-1)! : 0n;
  const whole = bytes % 8 ? words.slice(0, -1) : words;
  for (const m of [...whole, last | rest]) {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}
/** SipHash of 32-bit numbers, two a word, the first in the low half. */
export function siphashU32(values: readonly number[], key: SipKey): bigint {
  const words: bigint[] = [];
  for (let i = 0; i < values.length; i += 2) words.push(BigInt(values[i]! >>> 0) | (BigInt((values[i + 1] ?? 0) >>> 0) << 32n));
  return siphash(words, 4 * values.length, key);
}

const rol = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
/** jhash2 of 32-bit words (Bob Jenkins' lookup3). */
export function jhash2(words: readonly number[], initial: number): number {
  let a = (0xdeadbeef + (words.length << 2) + initial) | 0,
    b = a,
    c = a;
  let at = 0;
  for (; words.length - at > 3; at += 3) {
    a = (a + words[at]!) | 0;
    b = (b + words[at + 1]!) | 0;
    c = (c + words[at + 2]!) | 0;
    a = ((a - c) ^ rol(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rol(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rol(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rol(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rol(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rol(b, 4)) | 0;
    b = (b + a) | 0;
  }
  const left = words.length - at;
  if (left === 0) return c >>> 0;
  if (left > 2) c = (c + words[at + 2]!) | 0;
  if (left > 1) b = (b + words[at + 1]!) | 0;
  a = (a + words[at]!) | 0;
  c = ((c ^ b) - rol(b, 14)) | 0;
  a = ((a ^ c) - rol(c, 11)) | 0;
  b = ((b ^ a) - rol(a, 25)) | 0;
  c = ((c ^ b) - rol(b, 16)) | 0;
  a = ((a ^ c) - rol(c, 4)) | 0;
  b = ((b ^ a) - rol(a, 14)) | 0;
  c = ((c ^ b) - rol(b, 24)) | 0;
  return c >>> 0;
}
