// Damages files in repeatable ways: the same seed and number give the same mutant. It knows no format beyond 32-bit fields and the spans that a caller names.

/** A stretch of a file where damage is wanted, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Numbers from 0 to `n` - 1; mulberry32. */
export function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const EXTREMES = [0, 1, 2, 4, 8, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];

/** Mutant number `n` of `bytes` under `seed`: one to four changes, each a flipped bit, a new byte or field, two fields swapped, a copied stretch, or a cut. */
export function mutant(bytes: Uint8Array, seed: number, n: number, spans: readonly Span[]): Uint8Array {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  let out: Uint8Array = bytes.slice();
  for (let changes = 1 + next(4); changes > 0; changes--) out = change(out, next, spans);
  return out;
}

function change(bytes: Uint8Array, next: (n: number) => number, spans: readonly Span[]): Uint8Array {
  const span = spans[next(spans.length)]!;
  const end = Math.min(span.end, bytes.length);
  const size = end - span.start;
  if (size < 8) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (): number => span.start + next((size / 4) | 0) * 4;
  const at = field();
  const put = (value: number): void => void (at + 4 <= end && view.setUint32(at, value >>> 0, true));
  switch (next(10)) {
    case 0:
    case 1:
      bytes[span.start + next(size)]! ^= 1 << next(8);
      break;
    case 2:
      bytes[span.start + next(size)] = next(256);
      break;
    case 3:
    case 4:
      put(EXTREMES[next(EXTREMES.length)]!);
      break;
    case 5:
      put(next(64));
      break;
    case 6:
      put(view.getUint32(at, true) + next(9) - 4);
      break;
    case 7: {
      const other = field();
      if (at + 4 > end || other + 4 > end) break;
      const value = view.getUint32(other, true);
      view.setUint32(other, view.getUint32(at, true), true);
      view.setUint32(at, value, true);
      break;
    }
    case 8: {
      const from = field();
      const length = 4 * (1 + next(16));
      bytes.copyWithin(at, from, Math.min(from + length, end - Math.max(0, at - from)));
      break;
    }
    default:
      return next(4) === 0 ? bytes.slice(0, span.start + next(size)) : bytes;
  }
  return bytes;
}

/** Where mutant number `n` of a BTF blob is damaged: its types, in every eighth also its header or its strings. */
export function btfSpans(btf: Uint8Array, n: number): Span[] {
  const types = { start: 24, end: 24 + new DataView(btf.buffer, btf.byteOffset).getUint32(12, true) };
  if (n % 16 === 3) return [{ start: 0, end: 24 }, types];
  return n % 16 === 7 ? [{ start: types.end, end: btf.length }, types] : [types];
}
