// The verifier's abstract scalars, compiled to WebAssembly: tnum and 64/32-bit bounds, interned, every operation pure.
// It never sees registers, pointers or text. Behaviour follows kernel/bpf/verifier.c and tnum.c of Linux 6.18.

/** 64 bytes: the value known bit by bit (tnum) and its four ranges. A handle is the address of an interned, immutable record. */
@unmanaged
class Scalar {
  value: u64;
  mask: u64;
  smin: i64;
  smax: i64;
  umin: u64;
  umax: u64;
  s32min: i32;
  s32max: i32;
  u32min: u32;
  u32max: u32;
}

const SIZE: usize = 64;
const S64_MIN: i64 = i64.MIN_VALUE;
const S64_MAX: i64 = i64.MAX_VALUE;
const U64_MAX: u64 = u64.MAX_VALUE;
const S32_MIN: i32 = i32.MIN_VALUE;
const S32_MAX: i32 = i32.MAX_VALUE;
const U32_MAX: u32 = u32.MAX_VALUE;

// ---------------------------------------------------------------- interning

let table: usize = 0;
let tableMask: u32 = 0;
let count: u32 = 0;
let chunk: usize = 0;
let chunkEnd: usize = 0;

const A = changetype<Scalar>(heap.alloc(SIZE));
const B = changetype<Scalar>(heap.alloc(SIZE));
const C = changetype<Scalar>(heap.alloc(SIZE));
const D = changetype<Scalar>(heap.alloc(SIZE));
const KEEP = changetype<Scalar>(heap.alloc(SIZE));
/** Results of operations that yield several handles. */
const OUT: usize = heap.alloc(16);

/**
 * The eight words times odd constants of their own: products that do not wait for each other, mixed once at the end.
 * A known number is told by its value alone; numbers that follow each other, as counters do, share a line of the table.
 */
function hash(p: usize): u32 {
  if (!load<u64>(p, 8)) {
    const value = load<u64>(p);
    const line = (value >> 3) * 0x9e3779b97f4a7c15;
    return (<u32>(line >> 32) & ~7) | (<u32>value & 7);
  }
  const low: u64 =
    load<u64>(p) * 0x9e3779b97f4a7c15 + load<u64>(p, 8) * 0xbf58476d1ce4e5b9 + load<u64>(p, 16) * 0x94d049bb133111eb + load<u64>(p, 24) * 0xd6e8feb86659fd93;
  const high: u64 =
    load<u64>(p, 32) * 0xa0761d6478bd642f + load<u64>(p, 40) * 0xe7037ed1a0b428db + load<u64>(p, 48) * 0x8ebc6af09c88c6e3 + load<u64>(p, 56) * 0x589965cc75374cc3;
  const h: u64 = (low ^ (low >> 32)) * 0xbf58476d1ce4e5b9 + (high ^ (high >> 29));
  return <u32>(h ^ (h >> 32));
}

function same(p: usize, q: usize): bool {
  return (
    load<u64>(p) == load<u64>(q) &&
    load<u64>(p, 8) == load<u64>(q, 8) &&
    load<u64>(p, 16) == load<u64>(q, 16) &&
    load<u64>(p, 24) == load<u64>(q, 24) &&
    load<u64>(p, 32) == load<u64>(q, 32) &&
    load<u64>(p, 40) == load<u64>(q, 40) &&
    load<u64>(p, 48) == load<u64>(q, 48) &&
    load<u64>(p, 56) == load<u64>(q, 56)
  );
}

/** Slots of the table: the record's hash in the upper half, its address in the lower; 0 is free. */
@inline
function slot(at: u32): usize {
  return table + (<usize>at << 3);
}

function growTable(): void {
  const old = table;
  const oldMask = tableMask;
  tableMask = old ? oldMask * 2 + 1 : 4095;
  const bytes = (<usize>tableMask + 1) << 3;
  table = heap.alloc(bytes);
  memory.fill(table, 0, bytes);
  if (!old) return;
  for (let i: u32 = 0; i <= oldMask; i++) {
    const entry = load<u64>(old + (<usize>i << 3));
    if (!entry) continue;
    let at = <u32>(entry >> 32) & tableMask;
    while (load<u64>(slot(at))) at = (at + 1) & tableMask;
    store<u64>(slot(at), entry);
  }
}

/** The handle of the interned record equal to `s`. */
function intern(s: Scalar): usize {
  if (count * 2 >= tableMask) growTable();
  const p = changetype<usize>(s);
  const key = hash(p);
  let at = key & tableMask;
  for (;;) {
    const entry = load<u64>(slot(at));
    if (!entry) break;
    const known = <usize>(<u32>entry);
    if (<u32>(entry >> 32) == key && same(p, known)) return known;
    at = (at + 1) & tableMask;
  }
  if (chunk == chunkEnd) {
    chunk = heap.alloc(SIZE * 1024);
    chunkEnd = chunk + SIZE * 1024;
  }
  const fresh = chunk;
  chunk += SIZE;
  memory.copy(fresh, p, SIZE);
  store<u64>(slot(at), (<u64>key << 32) | <u64>fresh);
  count++;
  return fresh;
}

@inline
function copy(to: Scalar, from: Scalar): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), SIZE);
}
@inline
function at(h: usize): Scalar {
  return changetype<Scalar>(h);
}

// ---------------------------------------------------------------- tnum (kernel/bpf/tnum.c); results in tv, tm

let tv: u64 = 0;
let tm: u64 = 0;

@inline
function tnum(value: u64, mask: u64): void {
  tv = value;
  tm = mask;
}
function tnumRange(min: u64, max: u64): void {
  const chi = min ^ max;
  const bits: u64 = 64 - clz(chi);
  if (bits > 63) return tnum(0, U64_MAX);
  const delta = ((<u64>1) << bits) - 1;
  tnum(min & ~delta, delta);
}
function tnumAdd(av: u64, am: u64, bv: u64, bm: u64): void {
  const sm = am + bm;
  const sv = av + bv;
  const mu = ((sm + sv) ^ sv) | am | bm;
  tnum(sv & ~mu, mu);
}
function tnumSub(av: u64, am: u64, bv: u64, bm: u64): void {
  const dv = av - bv;
  const mu = ((dv + am) ^ (dv - bm)) | am | bm;
  tnum(dv & ~mu, mu);
}
function tnumAnd(av: u64, am: u64, bv: u64, bm: u64): void {
  const v = av & bv;
  tnum(v, (av | am) & (bv | bm) & ~v);
}
function tnumOr(av: u64, am: u64, bv: u64, bm: u64): void {
  const v = av | bv;
  tnum(v, (am | bm) & ~v);
}
function tnumXor(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = am | bm;
  tnum((av ^ bv) & ~mu, mu);
}
function tnumIntersect(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = am & bm;
  tnum((av | bv) & ~mu, mu);
}
function tnumUnion(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = (av ^ bv) | am | bm;
  tnum(av & bv & ~mu, mu);
}
/** Long multiplication: an unknown bit of `a` joins the sums with and without `b`. */
function tnumMul(av: u64, am: u64, bv: u64, bm: u64): void {
  let v: u64 = 0;
  let m: u64 = 0;
  while (av | am) {
    if (av & 1) {
      tnumAdd(v, m, bv, bm);
      v = tv;
      m = tm;
    } else if (am & 1) {
      tnumAdd(v, m, bv, bm);
      tnumUnion(v, m, tv, tm);
      v = tv;
      m = tm;
    }
    av >>= 1;
    am >>= 1;
    bv <<= 1;
    bm <<= 1;
  }
  tnum(v, m);
}

/** tnum_step: the smallest member above `z`, or the largest member when there is none above. */
function tnumStep(v: u64, m: u64, z: u64): u64 {
  const top = v | m;
  if (z >= top) return top;
  if (z < v) return v;
  const j = v | (z & m);
  if (j > z) {
    // The highest known 1 where z has 0 decides: above it as z, below it the smallest.
    const k = highBit(~z & v & ~m);
    const q = k > 63 ? 0 : U64_MAX << k;
    return (q & z) | (~q & v);
  }
  // The highest known 0 where z has 1: carry into the unknown bits above it.
  const k = highBit(z & ~v & ~m);
  const q = k > 63 ? 0 : U64_MAX << k;
  const u = ((q & m & z) | (q & ~m)) + (k > 63 ? 0 : (<u64>1) << k);
  return (u & m) | v;
}
/** fls64. */
@inline
function highBit(x: u64): u64 {
  return 64 - clz(x);
}

// ---------------------------------------------------------------- bounds

@inline
function unbounded64(s: Scalar): void {
  s.smin = S64_MIN;
  s.smax = S64_MAX;
  s.umin = 0;
  s.umax = U64_MAX;
}
@inline
function unbounded32(s: Scalar): void {
  s.s32min = S32_MIN;
  s.s32max = S32_MAX;
  s.u32min = 0;
  s.u32max = U32_MAX;
}
function setUnknown(s: Scalar): void {
  s.value = 0;
  s.mask = U64_MAX;
  unbounded64(s);
  unbounded32(s);
}
/** ___mark_reg_known. */
function setKnown(s: Scalar, v: u64): void {
  s.value = v;
  s.mask = 0;
  s.smin = s.smax = <i64>v;
  s.umin = s.umax = v;
  s.s32min = s.s32max = <i32>v;
  s.u32min = s.u32max = <u32>v;
}
/** __mark_reg32_known. */
function setKnown32(s: Scalar, v: u64): void {
  s.value = (s.value & ~(<u64>U32_MAX)) | (v & U32_MAX);
  s.mask = s.mask & ~(<u64>U32_MAX);
  s.s32min = s.s32max = <i32>v;
  s.u32min = s.u32max = <u32>v;
}

function updateBounds32(s: Scalar): void {
  const v = <u32>s.value;
  const m = <u32>s.mask;
  s.s32min = max<i32>(s.s32min, <i32>(v | (m & 0x80000000)));
  s.s32max = min<i32>(s.s32max, <i32>(v | (m & 0x7fffffff)));
  s.u32min = max<u32>(s.u32min, v);
  s.u32max = min<u32>(s.u32max, v | m);
}
function updateBounds64(s: Scalar): void {
  s.smin = max<i64>(s.smin, <i64>(s.value | (s.mask & <u64>S64_MIN)));
  s.smax = min<i64>(s.smax, <i64>(s.value | (s.mask & <u64>S64_MAX)));
  s.umin = max<u64>(s.umin, s.value);
  s.umax = min<u64>(s.umax, s.value | s.mask);
  // The range and the tnum may have a single value in common.
  const top = s.value | s.mask;
  const next = tnumStep(s.value, s.mask, s.umin);
  const inTnum = (s.umin & ~s.mask) == s.value;
  if (inTnum && next > s.umax) setKnown(s, s.umin);
  else if (!inTnum && next == top) setKnown(s, top);
  else if (!inTnum && next <= s.umax && tnumStep(s.value, s.mask, next) > s.umax) setKnown(s, next);
}
function updateBounds(s: Scalar): void {
  updateBounds32(s);
  updateBounds64(s);
}

/** __reg32_deduce_bounds: what the 64-bit ranges and the other sign say about the low half. */
function deduce32(s: Scalar): void {
  if (s.umin >> 32 == s.umax >> 32) {
    s.u32min = max<u32>(s.u32min, <u32>s.umin);
    s.u32max = min<u32>(s.u32max, <u32>s.umax);
    if (<i32>s.umin <= <i32>s.umax) {
      s.s32min = max<i32>(s.s32min, <i32>s.umin);
      s.s32max = min<i32>(s.s32max, <i32>s.umax);
    }
  }
  if (s.smin >> 32 == s.smax >> 32) {
    if (<u32>s.smin <= <u32>s.smax) {
      s.u32min = max<u32>(s.u32min, <u32>s.smin);
      s.u32max = min<u32>(s.u32max, <u32>s.smax);
    }
    if (<i32>s.smin <= <i32>s.smax) {
      s.s32min = max<i32>(s.s32min, <i32>s.smin);
      s.s32max = min<i32>(s.s32max, <i32>s.smax);
    }
  }
  // The upper halves are neighbours and the low half runs from negative to non-negative.
  if (<u32>(s.umin >> 32) + 1 == <u32>(s.umax >> 32) && <i32>s.umin < 0 && <i32>s.umax >= 0) {
    s.s32min = max<i32>(s.s32min, <i32>s.umin);
    s.s32max = min<i32>(s.s32max, <i32>s.umax);
  }
  if (<u32>(s.smin >> 32) + 1 == <u32>(s.smax >> 32) && <i32>s.smin < 0 && <i32>s.smax >= 0) {
    s.s32min = max<i32>(s.s32min, <i32>s.smin);
    s.s32max = min<i32>(s.s32max, <i32>s.smax);
  }
  if (<i32>s.u32min <= <i32>s.u32max) {
    s.s32min = max<i32>(s.s32min, <i32>s.u32min);
    s.s32max = min<i32>(s.s32max, <i32>s.u32max);
  }
  if (<u32>s.s32min <= <u32>s.s32max) {
    s.u32min = max<u32>(<u32>s.s32min, s.u32min);
    s.u32max = min<u32>(<u32>s.s32max, s.u32max);
  } else if (s.u32max < <u32>s.s32min) {
    s.s32min = <i32>s.u32min;
    s.u32max = min<u32>(s.u32max, <u32>s.s32max);
  } else if (<u32>s.s32max < s.u32min) {
    s.s32max = <i32>s.u32max;
    s.u32min = max<u32>(s.u32min, <u32>s.s32min);
  }
}

/** __reg64_deduce_bounds: signed and unsigned ranges tell each other. */
function deduce64(s: Scalar): void {
  if (<i64>s.umin <= <i64>s.umax) {
    s.smin = max<i64>(s.smin, <i64>s.umin);
    s.smax = min<i64>(s.smax, <i64>s.umax);
  }
  if (<u64>s.smin <= <u64>s.smax) {
    s.umin = max<u64>(<u64>s.smin, s.umin);
    s.umax = min<u64>(<u64>s.smax, s.umax);
  } else if (s.umax < <u64>s.smin) {
    s.smin = <i64>s.umin;
    s.umax = min<u64>(s.umax, <u64>s.smax);
  } else if (<u64>s.smax < s.umin) {
    s.smax = <i64>s.umax;
    s.umin = max<u64>(s.umin, <u64>s.smin);
  }
}

const HI: u64 = 0xffffffff00000000;

/** __reg_deduce_mixed_bounds: what the 32-bit ranges say about the 64-bit ones. */
function deduceMixed(s: Scalar): void {
  s.umin = max<u64>(s.umin, (s.umin & HI) | <u64>s.u32min);
  s.umax = min<u64>(s.umax, (s.umax & HI) | <u64>s.u32max);
  s.smin = max<i64>(s.smin, <i64>((<u64>s.smin & HI) | <u64>s.u32min));
  s.smax = min<i64>(s.smax, <i64>((<u64>s.smax & HI) | <u64>s.u32max));
  if (s.s32min >= 0 && s.smin >= <i64>S32_MIN && s.smax <= <i64>S32_MAX) {
    s.smin = s.s32min;
    s.smax = s.s32max;
    s.umin = <u64>s.s32min;
    s.umax = <u64>s.s32max;
    tnumRange(<u64>s.smin, <u64>s.smax);
    tnumIntersect(s.value, s.mask, tv, tm);
    s.value = tv;
    s.mask = tm;
  }
}

function boundOffset(s: Scalar): void {
  tnumRange(s.umin, s.umax);
  tnumIntersect(s.value, s.mask, tv, tm);
  const v64 = tv;
  const m64 = tm;
  tnumRange(s.u32min, s.u32max);
  tnumIntersect(v64 & U32_MAX, m64 & U32_MAX, tv, tm);
  tnumOr(v64 & HI, m64 & HI, tv, tm);
  s.value = tv;
  s.mask = tm;
}

/** reg_bounds_sync. The kernel deduces three times; a pass without a change is a fixpoint, so stopping there is exact. */
function sync(s: Scalar): void {
  updateBounds(s);
  for (let i = 0; i < 3; i++) {
    copy(KEEP, s);
    deduce32(s);
    deduce64(s);
    deduceMixed(s);
    if (same(changetype<usize>(KEEP), changetype<usize>(s))) break;
  }
  boundOffset(s);
  updateBounds(s);
}

/** reg_bounds_sanity_check: contradictory knowledge becomes no bounds at all (the tnum stays). */
function sane(s: Scalar): void {
  let ok = s.umin <= s.umax && s.smin <= s.smax && s.u32min <= s.u32max && s.s32min <= s.s32max;
  if (ok && s.mask == 0) ok = s.umin == s.value && s.umax == s.value && s.smin == <i64>s.value && s.smax == <i64>s.value;
  if (ok && <u32>s.mask == 0) {
    const v = <u32>s.value;
    ok = s.u32min == v && s.u32max == v && s.s32min == <i32>v && s.s32max == <i32>v;
  }
  if (ok) return;
  unbounded64(s);
  unbounded32(s);
}

function assign32into64(s: Scalar): void {
  s.umin = s.u32min;
  s.umax = s.u32max;
  if (s.s32min >= 0 && s.s32max >= 0) {
    s.smin = s.s32min;
    s.smax = s.s32max;
  } else {
    s.smin = 0;
    s.smax = U32_MAX;
  }
}
/** zext_32_to_64. */
function zext(s: Scalar): void {
  s.value &= U32_MAX;
  s.mask &= U32_MAX;
  assign32into64(s);
}

// ---------------------------------------------------------------- arithmetic on `d` with `s`

@inline
function addOverflow64(a: i64, b: i64, r: i64): bool {
  return ((a ^ r) & (b ^ r)) < 0;
}
@inline
function subOverflow64(a: i64, b: i64, r: i64): bool {
  return ((a ^ b) & (a ^ r)) < 0;
}

function add64(d: Scalar, s: Scalar): void {
  const smin = d.smin + s.smin;
  const smax = d.smax + s.smax;
  if (addOverflow64(d.smin, s.smin, smin) || addOverflow64(d.smax, s.smax, smax)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  const umin = d.umin + s.umin;
  const umax = d.umax + s.umax;
  // Both or neither overflow: the range stays a range.
  if (umin >= s.umin && umax < s.umax) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin = umin;
    d.umax = umax;
  }
}
function add32(d: Scalar, s: Scalar): void {
  const smin = <i64>d.s32min + <i64>s.s32min;
  const smax = <i64>d.s32max + <i64>s.s32max;
  if (smin < S32_MIN || smin > S32_MAX || smax < S32_MIN || smax > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>smin;
    d.s32max = <i32>smax;
  }
  const umin = <u64>d.u32min + <u64>s.u32min;
  const umax = <u64>d.u32max + <u64>s.u32max;
  if (umin <= U32_MAX && umax > U32_MAX) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min = <u32>umin;
    d.u32max = <u32>umax;
  }
}
function sub64(d: Scalar, s: Scalar): void {
  const smin = d.smin - s.smax;
  const smax = d.smax - s.smin;
  if (subOverflow64(d.smin, s.smax, smin) || subOverflow64(d.smax, s.smin, smax)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  const minUnder = d.umin < s.umax;
  const maxUnder = d.umax < s.umin;
  d.umin = d.umin - s.umax;
  d.umax = d.umax - s.umin;
  if (minUnder && !maxUnder) {
    d.umin = 0;
    d.umax = U64_MAX;
  }
}
function sub32(d: Scalar, s: Scalar): void {
  const smin = <i64>d.s32min - <i64>s.s32max;
  const smax = <i64>d.s32max - <i64>s.s32min;
  if (smin < S32_MIN || smin > S32_MAX || smax < S32_MIN || smax > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>smin;
    d.s32max = <i32>smax;
  }
  const minUnder = d.u32min < s.u32max;
  const maxUnder = d.u32max < s.u32min;
  d.u32min = d.u32min - s.u32max;
  d.u32max = d.u32max - s.u32min;
  if (minUnder && !maxUnder) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  }
}

@inline
function umulOverflow(a: u64, b: u64): bool {
  return a != 0 && b > U64_MAX / a;
}
let smulResult: i64 = 0;
/** Multiplies into smulResult; true on signed overflow. */
function smulOverflow(a: i64, b: i64): bool {
  smulResult = a * b;
  if (a == 0 || b == 0) return false;
  const negative = a < 0 != b < 0;
  const ua: u64 = a < 0 ? 0 - <u64>a : <u64>a;
  const ub: u64 = b < 0 ? 0 - <u64>b : <u64>b;
  if (umulOverflow(ua, ub)) return true;
  const limit: u64 = negative ? 0x8000000000000000 : <u64>S64_MAX;
  return ua * ub > limit;
}
function mul64(d: Scalar, s: Scalar): void {
  const umaxOver = umulOverflow(d.umax, s.umax);
  if (umaxOver || umulOverflow(d.umin, s.umin)) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin = d.umin * s.umin;
    d.umax = d.umax * s.umax;
  }
  let over = smulOverflow(d.smin, s.smin);
  const p0 = smulResult;
  over = over || smulOverflow(d.smin, s.smax);
  const p1 = smulResult;
  over = over || smulOverflow(d.smax, s.smin);
  const p2 = smulResult;
  over = over || smulOverflow(d.smax, s.smax);
  const p3 = smulResult;
  if (over) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = min<i64>(min<i64>(p0, p1), min<i64>(p2, p3));
    d.smax = max<i64>(max<i64>(p0, p1), max<i64>(p2, p3));
  }
}
function mul32(d: Scalar, s: Scalar): void {
  const umax = <u64>d.u32max * <u64>s.u32max;
  const umin = <u64>d.u32min * <u64>s.u32min;
  if (umax > U32_MAX || umin > U32_MAX) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min = <u32>umin;
    d.u32max = <u32>umax;
  }
  const p0 = <i64>d.s32min * <i64>s.s32min;
  const p1 = <i64>d.s32min * <i64>s.s32max;
  const p2 = <i64>d.s32max * <i64>s.s32min;
  const p3 = <i64>d.s32max * <i64>s.s32max;
  const lo = min<i64>(min<i64>(p0, p1), min<i64>(p2, p3));
  const hi = max<i64>(max<i64>(p0, p1), max<i64>(p2, p3));
  if (lo < S32_MIN || hi > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>lo;
    d.s32max = <i32>hi;
  }
}

/** Signed ranges after a bit operation: those of the unsigned range when it does not cross the sign. */
@inline
function signedFromUnsigned32(d: Scalar): void {
  const keep = <i32>d.u32min <= <i32>d.u32max;
  d.s32min = keep ? <i32>d.u32min : S32_MIN;
  d.s32max = keep ? <i32>d.u32max : S32_MAX;
}
@inline
function signedFromUnsigned64(d: Scalar): void {
  const keep = <i64>d.umin <= <i64>d.umax;
  d.smin = keep ? <i64>d.umin : S64_MIN;
  d.smax = keep ? <i64>d.umax : S64_MAX;
}
/** The bit operations; the tnum of `d` is already the result's. `kind` 0 and, 1 or, 2 xor. */
function bits32(d: Scalar, s: Scalar, kind: i32): void {
  const v = <u32>d.value;
  const m = <u32>d.mask;
  if (<u32>s.mask == 0 && m == 0) return setKnown32(d, v);
  if (kind == 0) {
    d.u32min = v;
    d.u32max = min<u32>(d.u32max, s.u32max);
  } else {
    d.u32min = kind == 1 ? max<u32>(d.u32min, s.u32min) : v;
    d.u32max = v | m;
  }
  signedFromUnsigned32(d);
}
function bits64(d: Scalar, s: Scalar, kind: i32): void {
  if (s.mask == 0 && d.mask == 0) return setKnown(d, d.value);
  if (kind == 0) {
    d.umin = d.value;
    d.umax = min<u64>(d.umax, s.umax);
  } else {
    d.umin = kind == 1 ? max<u64>(d.umin, s.umin) : d.value;
    d.umax = d.value | d.mask;
  }
  signedFromUnsigned64(d);
  updateBounds(d);
}

function lshRange32(d: Scalar, lo: u64, hi: u64): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  if (hi > 31 || <u64>d.u32max > (<u64>1) << (31 - hi)) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min <<= <u32>lo;
    d.u32max <<= <u32>hi;
  }
}
function lsh32(d: Scalar, s: Scalar): void {
  const lo = s.u32min;
  lshRange32(d, lo, s.u32max);
  d.value = <u64>(<u32>d.value << lo);
  d.mask = <u64>(<u32>d.mask << lo);
  unbounded64(d);
  updateBounds32(d);
}
function lsh64(d: Scalar, s: Scalar): void {
  const lo = s.umin;
  const hi = s.umax;
  // The common sign extension by a pair of shifts keeps the signed low half.
  if (lo == 32 && hi == 32) {
    d.smax = (<i64>d.s32max) << 32;
    d.smin = (<i64>d.s32min) << 32;
  } else {
    d.smax = S64_MAX;
    d.smin = S64_MIN;
  }
  if (d.umax > (<u64>1) << (63 - hi)) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin <<= lo;
    d.umax <<= hi;
  }
  lshRange32(d, lo, hi);
  d.value <<= lo;
  d.mask <<= lo;
  updateBounds(d);
}
function rsh32(d: Scalar, s: Scalar): void {
  const lo = s.u32min;
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  d.value = (d.value & U32_MAX) >> lo;
  d.mask = (d.mask & U32_MAX) >> lo;
  d.u32min >>= s.u32max;
  d.u32max >>= lo;
  unbounded64(d);
  updateBounds32(d);
}
function rsh64(d: Scalar, s: Scalar): void {
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  d.value >>= s.umin;
  d.mask >>= s.umin;
  d.umin >>= s.umax;
  d.umax >>= s.umin;
  unbounded32(d);
  updateBounds(d);
}
function arsh32(d: Scalar, s: Scalar): void {
  const n = <i32>s.u32min;
  d.s32min >>= n;
  d.s32max >>= n;
  d.value = <u64>(<u32>(<i32>d.value >> n));
  d.mask = <u64>(<u32>(<i32>d.mask >> n));
  d.u32min = 0;
  d.u32max = U32_MAX;
  unbounded64(d);
  updateBounds32(d);
}
function arsh64(d: Scalar, s: Scalar): void {
  const n = <i64>s.umin;
  d.smin >>= n;
  d.smax >>= n;
  d.value = <u64>(<i64>d.value >> n);
  d.mask = <u64>(<i64>d.mask >> n);
  d.umin = 0;
  d.umax = U64_MAX;
  unbounded32(d);
  updateBounds(d);
}

function coerce(s: Scalar, size: i32): void {
  const keep: u64 = ((<u64>1) << (<u64>size * 8)) - 1;
  s.value &= keep;
  s.mask &= keep;
  if ((s.umin & ~keep) == (s.umax & ~keep)) {
    s.umin &= keep;
    s.umax &= keep;
  } else {
    s.umin = 0;
    s.umax = keep;
  }
  s.smin = <i64>s.umin;
  s.smax = <i64>s.umax;
  if (size < 4) unbounded32(s);
  sync(s);
}

function bswap16of(v: u64): u64 {
  return ((v & 0xff) << 8) | ((v >> 8) & 0xff);
}
function byteSwap(d: Scalar, bits: i32): void {
  if (bits == 16) {
    d.value = bswap16of(d.value);
    d.mask = bswap16of(d.mask);
  } else if (bits == 32) {
    d.value = <u64>bswap<u32>(<u32>d.value);
    d.mask = <u64>bswap<u32>(<u32>d.mask);
  } else {
    d.value = bswap<u64>(d.value);
    d.mask = bswap<u64>(d.mask);
  }
  unbounded64(d);
  unbounded32(d);
}

/** is_safe_to_compute_dst_reg_range for operations that need a constant operand. */
function constOperand(s: Scalar, is64: bool): bool {
  return is64
    ? s.mask == 0 && s.smin == s.smax && s.umin == s.umax
    : <u32>s.mask == 0 && s.s32min == s.s32max && s.u32min == s.u32max;
}

/**
 * adjust_scalar_min_max_vals: `code` is the instruction's opcode, `param` its off (division) or imm (byte swaps).
 * Returns the handle of the result.
 */
export function alu(code: i32, param: i32, dst: usize, src: usize): usize {
  const is64 = (code & 7) == 7;
  const op = code & 0xf0;
  const s = at(src);
  const d = A;
  // Division and modulo are not tracked in 6.18.
  if (op == 0x30 || op == 0x90) return unknown();
  if (op == 0x60 || op == 0x70 || op == 0xc0) {
    if (!constOperand(s, is64) || s.umax >= (is64 ? 64 : 32)) return unknown();
  }
  copy(d, at(dst));
  switch (op) {
    case 0x00:
      add32(d, s);
      add64(d, s);
      tnumAdd(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      break;
    case 0x10:
      sub32(d, s);
      sub64(d, s);
      tnumSub(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      break;
    case 0x80: {
      copy(B, d);
      setKnown(d, 0);
      sub32(d, B);
      sub64(d, B);
      tnumSub(0, 0, B.value, B.mask);
      d.value = tv;
      d.mask = tm;
      break;
    }
    case 0x20:
      tnumMul(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      mul32(d, s);
      mul64(d, s);
      break;
    case 0x50:
      tnumAnd(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      bits32(d, s, 0);
      bits64(d, s, 0);
      break;
    case 0x40:
      tnumOr(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      bits32(d, s, 1);
      bits64(d, s, 1);
      break;
    case 0xa0:
      tnumXor(d.value, d.mask, s.value, s.mask);
      d.value = tv;
      d.mask = tm;
      bits32(d, s, 2);
      bits64(d, s, 2);
      break;
    case 0x60:
      if (is64) lsh64(d, s);
      else lsh32(d, s);
      break;
    case 0x70:
      if (is64) rsh64(d, s);
      else rsh32(d, s);
      break;
    case 0xc0:
      if (is64) arsh64(d, s);
      else arsh32(d, s);
      break;
    case 0xd0: {
      // The machine is little-endian: bswap and to-big-endian swap, to-little-endian only truncates.
      if (is64 || code & 8) byteSwap(d, param);
      if (param < 64) coerce(d, param / 8);
      break;
    }
    default:
      return unknown();
  }
  if (!is64 && op != 0xd0) zext(d);
  sync(d);
  sane(d);
  return intern(d);
}

// ---------------------------------------------------------------- making and casting

export function unknown(): usize {
  setUnknown(D);
  return intern(D);
}
export function known(lo: u32, hi: u32): usize {
  setKnown(D, ((<u64>hi) << 32) | <u64>lo);
  return intern(D);
}
/** A 32-bit signed immediate, sign-extended. */
export function imm(v: i32): usize {
  setKnown(D, <u64>(<i64>v));
  return intern(D);
}
/** Low half known, upper half as before (__mark_reg32_known). */
export function known32(h: usize, v: u32): usize {
  copy(D, at(h));
  setKnown32(D, v);
  return intern(D);
}
/** Bounds of a 64-bit signed range, everything else unknown, then synced (return values of helpers). */
export function signedRange(lo: i32, hi: i32): usize {
  setUnknown(D);
  D.smin = lo;
  D.smax = hi;
  D.s32min = lo;
  D.s32max = hi;
  sync(D);
  return intern(D);
}
/** `h` with its signed maxima capped (do_refine_retval_range); lower bounds -4095 when `errno`. */
export function capSigned(h: usize, smin: i32, smax: i32): usize {
  copy(D, at(h));
  D.smin = smin;
  D.s32min = smin;
  D.smax = smax;
  D.s32max = smax;
  sync(D);
  sane(D);
  return intern(D);
}
/** Unsigned maximum set to `umax` and synced (do_refine_retval_range of bpf_get_smp_processor_id). */
export function upTo(umax: u32): usize {
  setUnknown(D);
  D.umax = umax;
  D.u32max = umax;
  D.smax = umax;
  D.s32max = <i32>umax;
  D.umin = 0;
  D.u32min = 0;
  D.smin = 0;
  D.s32min = 0;
  sync(D);
  sane(D);
  return intern(D);
}
/** __mark_reg_s32_range. */
export function s32Range(h: usize, lo: i32, hi: i32): usize {
  copy(D, at(h));
  D.s32min = max<i32>(D.s32min, lo);
  D.s32max = min<i32>(D.s32max, hi);
  D.smin = max<i64>(D.smin, lo);
  D.smax = min<i64>(D.smax, hi);
  sync(D);
  sane(D);
  return intern(D);
}
/** coerce_reg_to_size: zero extension from `size` bytes. */
export function zeroExtend(h: usize, size: i32): usize {
  copy(A, at(h));
  coerce(A, size);
  return intern(A);
}
/** zext_32_to_64 of a 32-bit move, synced when the kernel syncs. */
export function zext32(h: usize): usize {
  copy(A, at(h));
  zext(A);
  return intern(A);
}
export function synced(h: usize): usize {
  copy(A, at(h));
  sync(A);
  return intern(A);
}
/** set_sext64_default_val / coerce_reg_to_size_sx. */
export function signExtend64(h: usize, size: i32): usize {
  const s = A;
  copy(s, at(h));
  const bits = <u64>size * 8;
  const sh = 64 - bits;
  if (s.mask == 0) {
    const v = <i64>(s.value << sh) >> sh;
    setKnown(s, <u64>v);
    return intern(s);
  }
  const topMin = <u64>s.smin >> bits << bits;
  const topMax = <u64>s.smax >> bits << bits;
  if (topMin == topMax) {
    let a = <i64>(<u64>s.smin << sh) >> sh;
    let b = <i64>(<u64>s.smax << sh) >> sh;
    const lo = min<i64>(a, b);
    const hi = max<i64>(a, b);
    if ((lo >= 0) == (hi >= 0)) {
      s.smin = lo;
      s.smax = hi;
      s.umin = <u64>lo;
      s.umax = <u64>hi;
      s.s32min = <i32>lo;
      s.s32max = <i32>hi;
      s.u32min = <u32>lo;
      s.u32max = <u32>hi;
      tnumRange(<u64>lo, <u64>hi);
      s.value = tv;
      s.mask = tm;
      return intern(s);
    }
  }
  const limit: i64 = (<i64>1) << (<i64>bits - 1);
  s.smin = -limit;
  s.smax = limit - 1;
  s.s32min = <i32>-limit;
  s.s32max = <i32>(limit - 1);
  s.umin = 0;
  s.umax = U64_MAX;
  s.u32min = 0;
  s.u32max = U32_MAX;
  s.value = 0;
  s.mask = U64_MAX;
  return intern(s);
}
/** coerce_subreg_to_size_sx: sign extension within the low half, upper half zero is left to zext32. */
export function signExtend32(h: usize, size: i32): usize {
  const s = A;
  copy(s, at(h));
  const sh: i32 = 32 - size * 8;
  if (<u32>s.mask == 0) {
    const v = <i32>(<u32>s.value << sh) >> sh;
    s.s32min = s.s32max = v;
    s.u32min = s.u32max = <u32>v;
    s.value = (s.value & HI) | <u64>(<u32>v);
    s.mask = s.mask & HI;
    return intern(s);
  }
  const bits: u32 = <u32>size * 8;
  const topMin = <u32>s.s32min >> bits << bits;
  const topMax = <u32>s.s32max >> bits << bits;
  if (topMin == topMax) {
    const a = <i32>(<u32>s.s32min << sh) >> sh;
    const b = <i32>(<u32>s.s32max << sh) >> sh;
    const lo = min<i32>(a, b);
    const hi = max<i32>(a, b);
    if ((lo >= 0) == (hi >= 0)) {
      s.s32min = lo;
      s.s32max = hi;
      s.u32min = <u32>lo;
      s.u32max = <u32>hi;
      tnumRange(<u64>(<u32>lo), <u64>(<u32>hi));
      s.value = tv & U32_MAX;
      s.mask = tm & U32_MAX;
      return intern(s);
    }
  }
  const limit: i32 = 1 << (size * 8 - 1);
  s.s32min = -limit;
  s.s32max = limit - 1;
  s.u32min = 0;
  s.u32max = U32_MAX;
  s.value = 0;
  s.mask = U32_MAX;
  return intern(s);
}
/** Adds `to - from` to a value that is linked by constants (sync_linked_regs); a 32-bit link wraps at 32 bits. */
export function addDelta(h: usize, to: i32, from: i32, is32: bool): usize {
  setKnown(B, <u64>(<i64>to - <i64>from));
  copy(A, at(h));
  add32(A, B);
  add64(A, B);
  tnumAdd(A.value, A.mask, B.value, B.mask);
  A.value = tv;
  A.mask = tm;
  if (is32) zext(A);
  sync(A);
  return intern(A);
}

// ---------------------------------------------------------------- pointers' variable parts

/** Variable part of pointer + scalar (adjust_ptr_min_max_vals): 64-bit bounds only. */
export function ptrAdd(ptr: usize, off: usize): usize {
  const p = at(ptr);
  const o = at(off);
  const d = A;
  copy(d, p);
  unbounded32(d);
  add64ptr(d, p, o);
  tnumAdd(p.value, p.mask, o.value, o.mask);
  d.value = tv;
  d.mask = tm;
  sync(d);
  return intern(d);
}
function add64ptr(d: Scalar, p: Scalar, o: Scalar): void {
  const smin = p.smin + o.smin;
  const smax = p.smax + o.smax;
  if (addOverflow64(p.smin, o.smin, smin) || addOverflow64(p.smax, o.smax, smax)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  const umin = p.umin + o.umin;
  const umax = p.umax + o.umax;
  if (umin < p.umin || umax < p.umax) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin = umin;
    d.umax = umax;
  }
}
/** Variable part of pointer - scalar. */
export function ptrSub(ptr: usize, off: usize): usize {
  const p = at(ptr);
  const o = at(off);
  const d = A;
  copy(d, p);
  unbounded32(d);
  const smin = p.smin - o.smax;
  const smax = p.smax - o.smin;
  if (subOverflow64(p.smin, o.smax, smin) || subOverflow64(p.smax, o.smin, smax)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  if (p.umin < o.umax) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin = p.umin - o.umax;
    d.umax = p.umax - o.umin;
  }
  tnumSub(p.value, p.mask, o.value, o.mask);
  d.value = tv;
  d.mask = tm;
  sync(d);
  return intern(d);
}
/** `h` with 32-bit bounds forgotten and synced (pointer arithmetic with a constant offset). */
export function ptrSame(h: usize): usize {
  copy(A, at(h));
  unbounded32(A);
  sync(A);
  return intern(A);
}

/** `h` without 32-bit bounds, not synced: what a speculative path sees of a pointer that is being moved. */
export function forget32(h: usize): usize {
  copy(A, at(h));
  unbounded32(A);
  return intern(A);
}
/** True when the low 32 bits are known and their bounds say something else (reg_bounds_sanity_check). */
export function outOfSync32(h: usize): bool {
  const s = at(h);
  const v = <u32>s.value;
  if (<u32>s.mask) return false;
  return s.u32min != v || s.u32max != v || s.s32min != <i32>v || s.s32max != <i32>v;
}
/** The known bits of `h` without any bounds (__mark_reg_unbounded). */
export function unbounded(h: usize): usize {
  copy(A, at(h));
  A.smin = S64_MIN;
  A.smax = S64_MAX;
  A.umin = 0;
  A.umax = U64_MAX;
  unbounded32(A);
  return intern(A);
}

// ---------------------------------------------------------------- comparisons

/** is_scalar_branch_taken: 1 always, 0 never, -1 unknown. */
export function branchTaken(h1: usize, h2: usize, op: i32, is32: bool): i32 {
  const a = at(h1);
  const b = at(h2);
  const v1: u64 = is32 ? a.value & U32_MAX : a.value;
  const m1: u64 = is32 ? a.mask & U32_MAX : a.mask;
  const v2: u64 = is32 ? b.value & U32_MAX : b.value;
  const m2: u64 = is32 ? b.mask & U32_MAX : b.mask;
  const umin1: u64 = is32 ? <u64>a.u32min : a.umin;
  const umax1: u64 = is32 ? <u64>a.u32max : a.umax;
  const smin1: i64 = is32 ? <i64>a.s32min : a.smin;
  const smax1: i64 = is32 ? <i64>a.s32max : a.smax;
  const umin2: u64 = is32 ? <u64>b.u32min : b.umin;
  const umax2: u64 = is32 ? <u64>b.u32max : b.umax;
  const smin2: i64 = is32 ? <i64>b.s32min : b.smin;
  const smax2: i64 = is32 ? <i64>b.s32max : b.smax;
  switch (op) {
    case 0x10:
    case 0x50: {
      const eq = op == 0x10 ? 1 : 0;
      const ne = 1 - eq;
      if (m1 == 0 && m2 == 0) return v1 == v2 ? eq : ne;
      const mu = ~m1 & ~m2;
      if ((v1 & mu) != (v2 & mu)) return ne;
      if (umin1 > umax2 || umax1 < umin2) return ne;
      if (smin1 > smax2 || smax1 < smin2) return ne;
      if (!is32) {
        if (a.u32min > b.u32max || a.u32max < b.u32min) return ne;
        if (a.s32min > b.s32max || a.s32max < b.s32min) return ne;
      }
      return -1;
    }
    case 0x40: {
      let tvv = v1;
      let tmm = m1;
      let c = v2;
      if (m2 != 0) {
        if (m1 != 0) return -1;
        tvv = v2;
        tmm = m2;
        c = v1;
      }
      if (~tmm & tvv & c) return 1;
      return (tmm | tvv) & c ? -1 : 0;
    }
    case 0x20:
      return umin1 > umax2 ? 1 : umax1 <= umin2 ? 0 : -1;
    case 0x60:
      return smin1 > smax2 ? 1 : smax1 <= smin2 ? 0 : -1;
    case 0xa0:
      return umax1 < umin2 ? 1 : umin1 >= umax2 ? 0 : -1;
    case 0xc0:
      return smax1 < smin2 ? 1 : smin1 >= smax2 ? 0 : -1;
    case 0x30:
      return umin1 >= umax2 ? 1 : umax1 < umin2 ? 0 : -1;
    case 0x70:
      return smin1 >= smax2 ? 1 : smax1 < smin2 ? 0 : -1;
    case 0xb0:
      return umax1 <= umin2 ? 1 : umin1 > umax2 ? 0 : -1;
    case 0xd0:
      return smax1 <= smin2 ? 1 : smin1 > smax2 ? 0 : -1;
    default:
      return -1;
  }
}

/** The opposite condition (rev_opcode); the opposite of JSET is spelled 0x48. */
function reverse(op: i32): i32 {
  switch (op) {
    case 0x10:
      return 0x50;
    case 0x50:
      return 0x10;
    case 0x40:
      return 0x48;
    case 0x30:
      return 0xa0;
    case 0x20:
      return 0xb0;
    case 0xb0:
      return 0x20;
    case 0xa0:
      return 0x30;
    case 0x70:
      return 0xc0;
    case 0x60:
      return 0xd0;
    case 0xd0:
      return 0x60;
    case 0xc0:
      return 0x70;
    default:
      return 0;
  }
}
function flip(op: i32): i32 {
  switch (op) {
    case 0x30:
      return 0xb0;
    case 0x20:
      return 0xa0;
    case 0x70:
      return 0xd0;
    case 0x60:
      return 0xc0;
    default:
      return op;
  }
}
@inline
function isConst(s: Scalar, is32: bool): bool {
  return is32 ? <u32>s.mask == 0 : s.mask == 0;
}

/** regs_refine_cond_op: `x op y` holds. */
function refineCond(x: Scalar, y: Scalar, op: i32, is32: bool): void {
  let a = x;
  let b = y;
  const f = flip(op);
  if (f != op) {
    op = f;
    a = y;
    b = x;
  }
  switch (op) {
    case 0x10:
      refineEq(a, b, is32);
      return;
    case 0x50:
    case 0x40:
    case 0x48:
      if (!isConst(b, is32)) {
        const t = a;
        a = b;
        b = t;
      }
      if (isConst(b, is32)) refineConst(a, is32 ? b.value & U32_MAX : b.value, op, is32);
      return;
    case 0xb0:
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max);
        b.u32min = max<u32>(a.u32min, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax);
        b.umin = max<u64>(a.umin, b.umin);
      }
      return;
    case 0xa0:
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max - 1);
        b.u32min = max<u32>(a.u32min + 1, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax - 1);
        b.umin = max<u64>(a.umin + 1, b.umin);
      }
      return;
    case 0xd0:
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max);
        b.s32min = max<i32>(a.s32min, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax);
        b.smin = max<i64>(a.smin, b.smin);
      }
      return;
    case 0xc0:
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max - 1);
        b.s32min = max<i32>(a.s32min + 1, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax - 1);
        b.smin = max<i64>(a.smin + 1, b.smin);
      }
      return;
    default:
      return;
  }
}
function refineEq(a: Scalar, b: Scalar, is32: bool): void {
  if (is32) {
    a.u32min = b.u32min = max<u32>(a.u32min, b.u32min);
    a.u32max = b.u32max = min<u32>(a.u32max, b.u32max);
    a.s32min = b.s32min = max<i32>(a.s32min, b.s32min);
    a.s32max = b.s32max = min<i32>(a.s32max, b.s32max);
    tnumIntersect(a.value & U32_MAX, a.mask & U32_MAX, b.value & U32_MAX, b.mask & U32_MAX);
    const v = tv & U32_MAX;
    const m = tm & U32_MAX;
    tnumOr(a.value & HI, a.mask & HI, v, m);
    a.value = tv;
    a.mask = tm;
    tnumOr(b.value & HI, b.mask & HI, v, m);
    b.value = tv;
    b.mask = tm;
    return;
  }
  a.umin = b.umin = max<u64>(a.umin, b.umin);
  a.umax = b.umax = min<u64>(a.umax, b.umax);
  a.smin = b.smin = max<i64>(a.smin, b.smin);
  a.smax = b.smax = min<i64>(a.smax, b.smax);
  tnumIntersect(a.value, a.mask, b.value, b.mask);
  a.value = b.value = tv;
  a.mask = b.mask = tm;
}
function refineConst(a: Scalar, v: u64, op: i32, is32: bool): void {
  if (op == 0x50) {
    if (is32) {
      if (a.u32min == <u32>v) a.u32min++;
      if (a.u32max == <u32>v) a.u32max--;
      if (a.s32min == <i32>v) a.s32min++;
      if (a.s32max == <i32>v) a.s32max--;
    } else {
      if (a.umin == v) a.umin++;
      if (a.umax == v) a.umax--;
      if (a.smin == <i64>v) a.smin++;
      if (a.smax == <i64>v) a.smax--;
    }
    return;
  }
  if (op == 0x40) {
    // Only one bit tells which bit is set.
    if (v == 0 || v & (v - 1)) return;
    if (is32) {
      tnumOr(a.value & U32_MAX, a.mask & U32_MAX, v, 0);
      tnumOr(a.value & HI, a.mask & HI, tv & U32_MAX, tm & U32_MAX);
    } else tnumOr(a.value, a.mask, v, 0);
  } else {
    // The bits are clear; the ranges are found anew from the tnum.
    unbounded64(a);
    unbounded32(a);
    if (is32) {
      tnumAnd(a.value & U32_MAX, a.mask & U32_MAX, ~v, 0);
      tnumOr(a.value & HI, a.mask & HI, tv & U32_MAX, tm & U32_MAX);
    } else tnumAnd(a.value, a.mask, ~v, 0);
  }
  a.value = tv;
  a.mask = tm;
}

/**
 * reg_set_min_max for two scalars: what both are when `h1 op h2` holds and when it does not.
 * Returns the address of four handles: true1, true2, false1, false2.
 */
export function refine(h1: usize, h2: usize, op: i32, is32: bool): usize {
  copy(A, at(h1));
  copy(B, at(h2));
  refineCond(A, B, reverse(op), is32);
  sync(A);
  sync(B);
  copy(C, at(h1));
  copy(D, at(h2));
  refineCond(C, D, op, is32);
  sync(C);
  sync(D);
  sane(C);
  sane(D);
  sane(A);
  sane(B);
  store<u32>(OUT, <u32>intern(C));
  store<u32>(OUT, <u32>intern(D), 4);
  store<u32>(OUT, <u32>intern(A), 8);
  store<u32>(OUT, <u32>intern(B), 12);
  return OUT;
}

/** As {@link refine} for a register compared with itself. Returns the address of two handles: true, false. */
export function refineSelf(h: usize, op: i32, is32: bool): usize {
  copy(A, at(h));
  refineCond(A, A, reverse(op), is32);
  sync(A);
  copy(C, at(h));
  refineCond(C, C, op, is32);
  sync(C);
  sane(C);
  sane(A);
  store<u32>(OUT, <u32>intern(C));
  store<u32>(OUT, <u32>intern(A), 4);
  return OUT;
}

/** range_within and tnum_in: every value of `cur` is one of `old`. */
export function within(old: usize, cur: usize): bool {
  if (old == cur) return true;
  const o = at(old);
  const c = at(cur);
  return (
    o.umin <= c.umin &&
    o.umax >= c.umax &&
    o.smin <= c.smin &&
    o.smax >= c.smax &&
    o.u32min <= c.u32min &&
    o.u32max >= c.u32max &&
    o.s32min <= c.s32min &&
    o.s32max >= c.s32max &&
    tnumIn(o, c)
  );
}
function tnumIn(o: Scalar, c: Scalar): bool {
  if (c.mask & ~o.mask) return false;
  return o.value == (c.value & ~o.mask);
}

/** tnum_is_aligned of (tnum + constant). */
export function aligned(h: usize, add: i32, size: i32): bool {
  const s = at(h);
  tnumAdd(s.value, s.mask, <u64>(<i64>add), 0);
  return ((tv | tm) & (<u64>size - 1)) == 0;
}

// Bounds as doubles: exact up to 2^53, monotone beyond, for comparisons with limits.
export function smin(h: usize): f64 {
  return <f64>at(h).smin;
}
export function smax(h: usize): f64 {
  return <f64>at(h).smax;
}
export function umin(h: usize): f64 {
  return <f64>at(h).umin;
}
export function umax(h: usize): f64 {
  return <f64>at(h).umax;
}
/** Number of distinct scalars so far, for statistics. */
export function internedCount(): u32 {
  return count;
}
