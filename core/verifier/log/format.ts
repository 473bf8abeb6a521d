// Numbers and masks in the notation of the kernel's verifier log (kernel/bpf/log.c, 6.18). Pure text, no state.
import type { ScalarFields } from "../domain/scalars.ts";

const U64 = (v: bigint): bigint => BigInt.asUintN(64, v);
export const hex = (v: bigint | number): string => `0x${(typeof v === "number" ? BigInt(v) : U64(v)).toString(16)}`;
/** verbose_unum: decimal up to 16 bits, else hex. */
export const unum = (v: bigint): string => (U64(v) <= 0xffffn ? U64(v).toString() : hex(v));
/** verbose_snum. */
export const snum = (v: bigint): string => {
  const s = BigInt.asIntN(64, v);
  return s >= -32768n && s <= 32767n ? s.toString() : hex(v);
};
/** tnum_strn. */
export const tnumStr = (f: ScalarFields): string => (f.mask === 0n ? unum(f.value) : `(${hex(f.value)}; ${hex(f.mask)})`);
export const signed = (n: number): string => (n < 0 ? String(n) : `+${n}`);

const U64_MAX = 0xffffffffffffffffn;
const S64_MIN = -0x8000000000000000n;
const S64_MAX = 0x7fffffffffffffffn;

interface Bound {
  readonly name: string;
  readonly val: bigint;
  omit: boolean;
}

/** print_scalar_ranges: bounds that say something, equal ones joined as `smin=umin=5`. */
export function scalarRanges(f: ScalarFields): string[] {
  const s32 = (v: number): bigint => (v >= -32768 && v <= 32767 ? BigInt(v) : BigInt(v >>> 0));
  const all: Bound[] = [
    { name: "smin", val: f.smin, omit: f.smin === S64_MIN },
    { name: "smax", val: f.smax, omit: f.smax === S64_MAX },
    { name: "umin", val: f.umin, omit: f.umin === 0n },
    { name: "umax", val: f.umax, omit: f.umax === U64_MAX },
    { name: "smin32", val: s32(f.s32min), omit: f.s32min === -0x80000000 },
    { name: "smax32", val: s32(f.s32max), omit: f.s32max === 0x7fffffff },
    { name: "umin32", val: BigInt(f.u32min), omit: f.u32min === 0 },
    { name: "umax32", val: BigInt(f.u32max), omit: f.u32max === 0xffffffff },
  ];
  const negative = (b: Bound): boolean => b.name[0] === "s" && BigInt.asIntN(64, b.val) < 0n;
  const out: string[] = [];
  all.forEach((first, i) => {
    if (first.omit) return;
    let text = `${first.name}=`;
    for (let k = i + 2; k < all.length; k += 2) {
      const other = all[k]!;
      if (other.omit || U64(other.val) !== U64(first.val) || negative(other) !== negative(first)) continue;
      other.omit = true;
      text += `${other.name}=`;
    }
    out.push(text + (first.name[0] === "s" ? snum(first.val) : unum(first.val)));
  });
  return out;
}

/** fmt_reg_mask: `r1,r2`. */
export function regMask(mask: number): string {
  const out: string[] = [];
  for (let i = 0; i < 32; i++) if ((mask >>> i) & 1) out.push(`r${i}`);
  return out.join(",");
}
/** bpf_fmt_stack_mask: `-8,-16`. */
export function stackMask(lo: number, hi: number): string {
  const out: string[] = [];
  for (let i = 0; i < 64; i++) if (((i < 32 ? lo >>> i : hi >>> (i - 32)) & 1) === 1) out.push(String(-(i + 1) * 8));
  return out.join(",");
}
