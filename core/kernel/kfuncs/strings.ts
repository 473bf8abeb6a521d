// Kfuncs on text in memory that may not be there (kernel/bpf/helpers.c, bpf_str*, 6.18). They change nothing.
import { KERNEL_HI, R_READ, type Machine } from "../../vm/index.ts";
import { E2BIG, EFAULT, ENOENT, ERANGE } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** Longest text that is looked at (XATTR_SIZE_MAX). */
const MOST = 65536;

/** Characters of a text one by one; a negative errno where one cannot be read. */
class Text {
  readonly #k: SimKernel;
  readonly #at: number;
  readonly #bad: number;
  constructor(k: SimKernel, vm: Machine, reg: number) {
    this.#k = k;
    this.#at = vm.u32(reg);
    // User addresses and NULL lie outside the range that the kernel lets these functions read.
    this.#bad = vm.hi32(reg) >= 0 ? -ERANGE : vm.hi32(reg) === KERNEL_HI ? 0 : -EFAULT;
  }
  /** Why the text cannot be read at all, or 0. */
  get bad(): number {
    return this.#bad;
  }
  char(i: number): number {
    return this.#k.memory.allowed(this.#at + i, KERNEL_HI, 1, R_READ) ? this.#k.memory.u8[this.#at + i]! : -EFAULT;
  }
}
const lower = (c: number): number => (c >= 65 && c <= 90 ? c + 32 : c);
type Answer = (t: Text, vm: Machine) => number;

const one =
  (answer: Answer) =>
  (k: SimKernel, vm: Machine): void => {
    const t = new Text(k, vm, 1);
    retInt(vm, t.bad || answer(t, vm));
  };
const two =
  (answer: (a: Text, b: Text, vm: Machine) => number) =>
  (k: SimKernel, vm: Machine): void => {
    const a = new Text(k, vm, 1),
      b = new Text(k, vm, 2);
    retInt(vm, a.bad || b.bad || answer(a, b, vm));
  };

function compare(a: Text, b: Text, fold: (c: number) => number): number {
  for (let i = 0; i < MOST; i++) {
    const x = a.char(i);
    if (x < 0) return x;
    const y = b.char(i);
    if (y < 0) return y;
    if (fold(x) !== fold(y)) return fold(x) < fold(y) ? -1 : 1;
    if (x === 0) return 0;
  }
  return -E2BIG;
}
/** Index of a character within `count`; with `orEnd` that of the NUL when it is not there. */
function find(t: Text, wanted: number, count: number, orEnd: boolean): number {
  for (let i = 0; i < Math.min(count, MOST); i++) {
    const c = t.char(i);
    if (c < 0) return c;
    if (c === wanted || (c === 0 && orEnd)) return i;
    if (c === 0) return -ENOENT;
  }
  return count <= MOST ? -ENOENT : -E2BIG;
}
function last(t: Text, wanted: number): number {
  let found = -ENOENT;
  for (let i = 0; i < MOST; i++) {
    const c = t.char(i);
    if (c < 0) return c;
    if (c === wanted) found = i;
    if (c === 0) return found;
  }
  return -E2BIG;
}
function length(t: Text, count: number): number {
  for (let i = 0; i < Math.min(count, MOST); i++) {
    const c = t.char(i);
    if (c < 0) return c;
    if (c === 0) return i;
  }
  return count <= MOST ? count : -E2BIG;
}
/** A text as far as it can be read, at most `most` characters, and what comes behind: 0 its NUL, 1 more characters, or a negative errno. */
function whole(t: Text, most: number): { chars: number[]; end: number } {
  const chars: number[] = [];
  while (chars.length < most) {
    const c = t.char(chars.length);
    if (c <= 0) return { chars, end: c };
    chars.push(c);
  }
  return { chars, end: 1 };
}
const textOf = (chars: readonly number[]): string => chars.map((c) => String.fromCharCode(c)).join("");
/** How many characters at the start are (or are not) among those of `set`. */
function span(t: Text, set: Text, among: boolean): number {
  const { chars, end } = whole(set, MOST);
  const members = new Set(chars);
  for (let i = 0; i < MOST; i++) {
    const c = t.char(i);
    if (c < 0) return c;
    if (c === 0) return i;
    if (end < 0 && !members.has(c)) return end;
    if (members.has(c) !== among) return i;
  }
  return -E2BIG;
}
/** Index of text `b` in the first `count` characters of `a`. */
function search(a: Text, b: Text, count: number): number {
  const wanted = whole(b, MOST);
  if (wanted.end < 0) return wanted.end;
  if (wanted.end > 0) return -E2BIG;
  const { chars, end } = whole(a, Math.min(count, MOST));
  const at = textOf(chars).indexOf(textOf(wanted.chars));
  if (at >= 0) return at;
  return end < 0 ? end : end > 0 && count > MOST ? -E2BIG : -ENOENT;
}
const ALL = Number.MAX_SAFE_INTEGER;
const countArg = (vm: Machine, reg: number): number => Number(vm.u64(reg) > BigInt(ALL) ? BigInt(ALL) : vm.u64(reg));
const charArg = (vm: Machine, reg: number): number => vm.u32(reg) & 255;

export const STRING_KFUNCS: KfuncTable = {
  bpf_strcmp: two((a, b) => compare(a, b, (c) => c)),
  bpf_strcasecmp: two((a, b) => compare(a, b, lower)),
  bpf_strchr: one((t, vm) => find(t, charArg(vm, 2), ALL, false)),
  bpf_strchrnul: one((t, vm) => find(t, charArg(vm, 2), ALL, true)),
  bpf_strnchr: one((t, vm) => find(t, charArg(vm, 3), countArg(vm, 2), false)),
  bpf_strrchr: one((t, vm) => last(t, charArg(vm, 2))),
  bpf_strlen: one((t) => length(t, ALL)),
  bpf_strnlen: one((t, vm) => length(t, countArg(vm, 2))),
  bpf_strspn: two((a, b) => span(a, b, true)),
  bpf_strcspn: two((a, b) => span(a, b, false)),
  bpf_strstr: two((a, b) => search(a, b, ALL)),
  bpf_strnstr: two((a, b, vm) => search(a, b, countArg(vm, 3))),
};
