// AES (FIPS 197) with the chaining that the kernel's crypto API names ecb and cbc. For programs under test; it takes no care to hide keys from anyone.

const SBOX = new Uint8Array(256),
  INVERSE = new Uint8Array(256);
const double = (x: number): number => ((x << 1) ^ (x & 0x80 ? 0x11b : 0)) & 255;
/** Product in the field of AES. */
function times(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y; y >>= 1, x = double(x)) if (y & 1) product ^= x;
  return product;
}
for (let p = 1, q = 1, i = 0; i < 255; i++) {
  // p runs through powers of 3, q through those of its inverse.
  p ^= double(p);
  q ^= q << 1;
  q ^= q << 2;
  q ^= q << 4;
  q &= 255;
  if (q & 0x80) q ^= 9;
  const rotated = (n: number): number => ((q << n) | (q >> (8 - n))) & 255;
  SBOX[p] = q ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63;
}
SBOX[0] = 0x63;
SBOX.forEach((s, i) => (INVERSE[s] = i));

export const BLOCK_BYTES = 16;

/** A key made ready; 16, 24 or 32 bytes. */
export class Aes {
  readonly #rounds: number;
  readonly #keys: Uint8Array;
  constructor(key: Uint8Array) {
    this.#rounds = key.length / 4 + 6;
    this.#keys = expand(key, (this.#rounds + 1) * BLOCK_BYTES);
  }
  #addKey(state: Uint8Array, round: number): void {
    for (let i = 0; i < BLOCK_BYTES; i++) state[i]! ^= this.#keys[round * BLOCK_BYTES + i]!;
  }
  encryptBlock(block: Uint8Array): Uint8Array {
    let state = block.slice();
    this.#addKey(state, 0);
    for (let round = 1; round <= this.#rounds; round++) {
      state = shifted(
        state.map((b) => SBOX[b]!),
        1,
      );
      if (round < this.#rounds) mix(state, [2, 3, 1, 1]);
      this.#addKey(state, round);
    }
    return state;
  }
  decryptBlock(block: Uint8Array): Uint8Array {
    let state = block.slice();
    this.#addKey(state, this.#rounds);
    for (let round = this.#rounds - 1; round >= 0; round--) {
      state = shifted(state, -1).map((b) => INVERSE[b]!);
      this.#addKey(state, round);
      if (round > 0) mix(state, [14, 11, 13, 9]);
    }
    return state;
  }
}
function expand(key: Uint8Array, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(key);
  let constant = 1;
  for (let at = key.length; at < bytes; at += 4) {
    let word = [...out.subarray(at - 4, at)];
    if (at % key.length === 0) {
      word = [word[1]!, word[2]!, word[3]!, word[0]!].map((b) => SBOX[b]!);
      word[0]! ^= constant;
      constant = double(constant);
    } else if (key.length > 24 && at % key.length === 16) word = word.map((b) => SBOX[b]!);
    word.forEach((b, i) => (out[at + i] = out[at + i - key.length]! ^ b));
  }
  return out;
}
/** Row `r` of the state turned by `r` columns. */
function shifted(state: Uint8Array, direction: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => state[(i + 4 * direction * (i % 4) + 64) % BLOCK_BYTES]!);
}
function mix(state: Uint8Array, factors: readonly number[]): void {
  for (let column = 0; column < BLOCK_BYTES; column += 4) {
    const old = state.slice(column, column + 4);
    for (let row = 0; row < 4; row++) state[column + row] = old.reduce((sum, b, i) => sum ^ times(b, factors[(i - row + 4) % 4]!), 0);
  }
}

export type Chaining = "ecb" | "cbc";
const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((x, i) => x ^ b[i]!);

/** Runs whole blocks through the cipher. `iv` has 16 bytes but for ecb. */
export function runCipher(aes: Aes, chaining: Chaining, data: { iv: Uint8Array; input: Uint8Array }, decrypt: boolean): Uint8Array {
  const { iv, input } = data;
  const out = new Uint8Array(input.length);
  let last: Uint8Array = iv;
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = input.subarray(at, at + BLOCK_BYTES);
    let done: Uint8Array;
    if (decrypt) {
      done = aes.decryptBlock(block);
      if (chaining === "cbc") [done, last] = [xor(done, last), block.slice()];
    } else {
      done = aes.encryptBlock(chaining === "cbc" ? xor(block, last) : block);
      last = done.slice();
    }
    out.set(done, at);
  }
  return out;
}
