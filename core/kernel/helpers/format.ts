// The formats of bpf_trace_printk, bpf_snprintf and their kin (kernel/bpf/helpers.c, bpf_bprintf_prepare, 6.18). It writes text, nothing else.
import { EINVAL } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { readCString } from "./memory-access.ts";

const SPEC = /%(%|([-+ 0#]*)(\d*)(?:\.(\d+))?((?:ll|l|hh|h)?[diuxXcs]|p(?:ks|us|x|K|s|S|B|i4|I4|i6|I6)?))/g;

/** Widest field (lib/vsprintf.c). */
const FIELD_WIDTH_MAX = (1 << 23) - 1;

/** The text, or a negative errno when the format is none that the kernel takes. `args` are 64-bit values. */
export function formatText(kernel: SimKernel, format: string, args: readonly bigint[]): string | number {
  if (format.replace(SPEC, "").includes("%")) return -EINVAL;
  let next = 0;
  let missing = false;
  const text = format.replace(SPEC, (_all, kind: string, flags: string, width: string, _precision: string, conversion: string) => {
    if (kind === "%") return "%";
    const value = args[next++];
    if (value === undefined) missing = true;
    return pad(convert(kernel, conversion, value ?? 0n, flags ?? ""), flags ?? "", Math.min(Number(width || 0), FIELD_WIDTH_MAX));
  });
  return missing ? -EINVAL : text;
}

function pad(text: string, flags: string, width: number): string {
  if (text.length >= width) return text;
  if (flags.includes("-")) return text.padEnd(width);
  return flags.includes("0") ? text.padStart(width, "0") : text.padStart(width);
}

function convert(kernel: SimKernel, c: string, value: bigint, flags: string): string {
  if (c[0] === "p") return pointerText(kernel, c, value);
  const kind = c.at(-1)!;
  if (kind === "c") return String.fromCharCode(Number(value & 255n));
  if (kind === "s") return readCString(kernel, value, 4096) ?? "";
  const bits = c.startsWith("l") ? 64 : c.startsWith("hh") ? 8 : c.startsWith("h") ? 16 : 32;
  if (kind === "d" || kind === "i") {
    const n = BigInt.asIntN(bits, value);
    return `${n < 0n ? "" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : ""}${n}`;
  }
  const n = BigInt.asUintN(bits, value);
  const hex = `${flags.includes("#") ? "0x" : ""}${n.toString(16)}`;
  return kind === "u" ? n.toString() : kind === "x" ? hex : hex.toUpperCase();
}

function pointerText(kernel: SimKernel, c: string, value: bigint): string {
  const bytes = (n: number): number[] => {
    const at = Number(value & 0xffffffffn);
    return kernel.memory.allowed(at, Number(BigInt.asIntN(32, value >> 32n)), n, 1)
      ? [...kernel.memory.read(at, n)]
      : new Array<number>(n).fill(0);
  };
  switch (c) {
    case "pks":
    case "pus":
      return readCString(kernel, value, 512) ?? "";
    case "pi4":
    case "pI4":
      return bytes(4)
        .map((b) => (c === "pi4" ? String(b).padStart(3, "0") : String(b)))
        .join(".");
    case "pi6":
    case "pI6": {
      const hex = bytes(16)
        .map((b) => b.toString(16).padStart(2, "0"))
        .join("");
      return c === "pi6" ? hex : hex.match(/.{4}/g)!.join(":");
    }
    default:
      return value.toString(16).padStart(16, "0");
  }
}
