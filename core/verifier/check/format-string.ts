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

const isPrintable = (b: number): boolean => b >= 0x20 && b < 0x7f;
const isSpace = (b: number): boolean => b === 0x20 || (b >= 9 && b <= 13);
const chr = (b: number | undefined): string => (b === undefined ? "" : String.fromCharCode(b));

/** Every conversion is one that bpf_bprintf_prepare knows, and there are arguments for all. */
export function isFormat(fmt: Uint8Array, args: number): boolean {
  let used = 0;
  for (let i = 0; i < fmt.length; i++) {
    const b = fmt[i]!;
    if (!isPrintable(b) && !isSpace(b)) return false;
    if (b !== 0x25) continue;
    if (fmt[i + 1] === 0x25) {
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

/** Index of the last character of the conversion that begins at `i`, -1 when it is none. */
function conversion(fmt: Uint8Array, start: number): number {
  let i = start;
  while (/[-+ #0]/.test(chr(fmt[i]))) i++;
  while (/[0-9]/.test(chr(fmt[i]))) i++;
  const c = chr(fmt[i]);
  const n = chr(fmt[i + 1]);
  if (c === "p") {
    const two = n + chr(fmt[i + 2]);
    if (two === "ks" || two === "us") {
      const after = fmt[i + 3];
      return after === undefined || isSpace(after) || /[^A-Za-z0-9]/.test(chr(after)) ? i + 2 : -1;
    }
    if (n === "" || isSpace(fmt[i + 1]!) || /[^A-Za-z0-9]/.test(n) || n === "K" || n === "x" || n === "s" || n === "S" || n === "B") {
      return n === "K" || n === "x" || n === "s" || n === "S" || n === "B" ? i + 1 : i;
    }
    if ((n === "i" || n === "I") && /[46]/.test(chr(fmt[i + 2]))) return i + 2;
    return -1;
  }
  if (c === "s" || c === "c") return i;
  while (chr(fmt[i]) === "l") i++;
  return /[diuxX]/.test(chr(fmt[i])) ? i : -1;
}
