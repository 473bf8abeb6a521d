// Format strings of bpf_snprintf, known while verifying (check_bpf_snprintf_call, bpf_bprintf_prepare, 6.18).
import { EINVAL, type Env } from "../env.ts";
import type { MapInfo } from "../maps/map-info.ts";

/** R3 points to the format, R5 is the size of the argument array. */
export function checkFormat(env: Env): void {
  const fmt = env.reg(3);
  const size = env.D.constNumber(env.reg(5).s);
  if (size % 8) env.reject("snprintf-format", EINVAL);
  const map = fmt.obj as MapInfo;
  const off = fmt.off + env.D.constNumber(fmt.s);
  const bytes = map.constantBytes(off, map.valueSize - off);
  const end = bytes.indexOf(0);
  if (!isFormat(bytes.subarray(0, end < 0 ? bytes.length : end), size / 8)) env.fail("snprintf-format", EINVAL, "Invalid format string");
}

const PERCENT = 0x25;
const char = (b: number | undefined): string => (b === undefined ? "" : String.fromCharCode(b));
/** ASCII control characters; a byte above ASCII may stand in plain text. */
const isControl = (b: number): boolean => b < 9 || (b > 13 && b < 0x20) || b === 0x7f;
/** Nothing, white space or punctuation as the kernel's table (lib/ctype.c) knows them in Latin-1: what may follow a pointer or string. */
const ends = (c: string): boolean => /^[\t-\r\x21-\x2f:-@[-`{-~\xa0-\xbf\xd7\xf7 ]?$/.test(c);

/** Every conversion is one that bpf_bprintf_prepare knows, and there are arguments for all. */
export function isFormat(fmt: Uint8Array, args: number): boolean {
  let used = 0;
  for (let i = 0; i < fmt.length; i++) {
    if (isControl(fmt[i]!)) return false;
    if (fmt[i] !== PERCENT) continue;
    if (fmt[i + 1] === PERCENT) {
      i++;
      continue;
    }
    if (used >= args) return false;
    const next = conversion(fmt, i + 1);
    if (next < 0) return false;
    i = next;
    used++;
  }
  return true;
}

/** Index of the last character of the conversion that begins at `start`, -1 when it is none. */
function conversion(fmt: Uint8Array, start: number): number {
  let i = start;
  while (/[-+ 0]/.test(char(fmt[i]))) i++;
  while (/[0-9]/.test(char(fmt[i]))) i++;
  const c = char(fmt[i]);
  if (c === "p") return pointer(fmt, i);
  if (c === "s") return ends(char(fmt[i + 1])) ? i : -1;
  if (c === "c") return i;
  for (let longs = 0; longs < 2 && char(fmt[i]) === "l"; longs++) i++;
  return /[diuxX]/.test(char(fmt[i])) ? i : -1;
}

/** As {@link conversion}, of the `p` at `i`. */
function pointer(fmt: Uint8Array, i: number): number {
  const [a, b] = [char(fmt[i + 1]), char(fmt[i + 2])];
  if (ends(a)) return i;
  if (/[ku]/.test(a) && b === "s") return ends(char(fmt[i + 3])) ? i + 2 : -1;
  if (/[KxsSB]/.test(a)) return i + 1;
  return /[iI]/.test(a) && /[46]/.test(b) ? i + 2 : -1;
}
