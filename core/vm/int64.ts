// 64-bit arithmetic on pairs of 32-bit words inside an Int32Array. It allocates nothing and knows no instructions.

export function lsh64(r: Int32Array, d: number, count: number): void {
  const n = count & 63;
  if (n === 0) return;
  const lo = r[d]!;
  if (n >= 32) {
    r[d + 1] = lo << (n - 32);
    r[d] = 0;
  } else {
    r[d + 1] = (r[d + 1]! << n) | (lo >>> (32 - n));
    r[d] = lo << n;
  }
}

export function rsh64(r: Int32Array, d: number, count: number): void {
  const n = count & 63;
  if (n === 0) return;
  const hi = r[d + 1]!;
  if (n >= 32) {
    r[d] = hi >>> (n - 32);
    r[d + 1] = 0;
  } else {
    r[d] = (r[d]! >>> n) | (hi << (32 - n));
    r[d + 1] = hi >>> n;
  }
}

export function arsh64(r: Int32Array, d: number, count: number): void {
  const n = count & 63;
  if (n === 0) return;
  const hi = r[d + 1]!;
  if (n >= 32) {
    r[d] = hi >> (n - 32);
    r[d + 1] = hi >> 31;
  } else {
    r[d] = (r[d]! >>> n) | (hi << (32 - n));
    r[d + 1] = hi >> n;
  }
}

const TWO32 = 4294967296;
const pair = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

function put(r: Int32Array, d: number, v: bigint): void {
  r[d] = Number(BigInt.asIntN(32, v));
  r[d + 1] = Number(BigInt.asIntN(32, v >> 32n));
}

/** Unsigned division; by zero gives 0, modulo zero leaves the dividend (kernel/bpf/verifier.c, do_misc_fixups, 6.18). */
export function divmod64(r: Int32Array, d: number, s: number, modulo: boolean): void {
  const al = r[d]!,
    ah = r[d + 1]!,
    bl = r[s]!,
    bh = r[s + 1]!;
  if ((bl | bh) === 0) {
    if (!modulo) r[d] = r[d + 1] = 0;
    return;
  }
  if (ah >>> 0 < 0x200000 && bh >>> 0 < 0x200000) {
    const a = (ah >>> 0) * TWO32 + (al >>> 0),
      b = (bh >>> 0) * TWO32 + (bl >>> 0);
    const rest = a % b;
    const v = modulo ? rest : (a - rest) / b;
    r[d] = v | 0;
    r[d + 1] = (v / TWO32) | 0;
    return;
  }
  put(r, d, modulo ? pair(al, ah) % pair(bl, bh) : pair(al, ah) / pair(bl, bh));
}

/** Signed division that truncates; the smallest number divided by -1 gives itself, modulo -1 gives 0. */
export function sdivmod64(r: Int32Array, d: number, s: number, modulo: boolean): void {
  if ((r[s]! | r[s + 1]!) === 0) {
    if (!modulo) r[d] = r[d + 1] = 0;
    return;
  }
  const a = BigInt.asIntN(64, pair(r[d]!, r[d + 1]!)),
    b = BigInt.asIntN(64, pair(r[s]!, r[s + 1]!));
  put(r, d, modulo ? a % b : a / b);
}

/** Swaps the bytes of the low `bits` of words `d`, `d+1`; the rest becomes 0. */
export function swapBytes(r: Int32Array, d: number, bits: number): void {
  const lo = r[d]!,
    hi = r[d + 1]!;
  r[d + 1] = bits === 64 ? swap32(lo) : 0;
  r[d] = bits === 64 ? swap32(hi) : bits === 32 ? swap32(lo) : ((lo & 0xff) << 8) | ((lo >>> 8) & 0xff);
}

const swap32 = (v: number): number => (v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);

/** Keeps the low `bits` of words `d`, `d+1`. */
export function truncate(r: Int32Array, d: number, bits: number): void {
  if (bits === 64) return;
  r[d + 1] = 0;
  if (bits === 16) r[d] = r[d]! & 0xffff;
}
