// Helpers that print, read foreign memory and send events to user space (kernel/trace/bpf_trace.c, kernel/bpf/ringbuf.c, 6.18).
import { utf8 } from "../../base/index.ts";
import { KERNEL_HI, type Machine } from "../../vm/index.ts";
import { E2BIG, EINVAL, EOPNOTSUPP, ERANGE } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { RingbufMap } from "../maps/ringbuf.ts";
import { formatText } from "./format.ts";
import { probeRead, probeReadStr, readStringBytes } from "./memory-access.ts";
import type { HelperTable } from "./types.ts";

const BPF_F_INDEX_MASK = 0xffffffffn,
  BPF_F_CURRENT_CPU = 0xffffffffn;

export function textOf(vm: Machine, reg: number, size: number): string {
  const bytes = vm.memory.read(vm.argMem(reg, size), size);
  const end = bytes.indexOf(0);
  return utf8(end < 0 ? bytes : bytes.subarray(0, end));
}
export function words(vm: Machine, reg: number, bytes: number): bigint[] {
  if (bytes === 0) return [];
  const at = vm.argMem(reg, bytes);
  return Array.from({ length: bytes / 8 }, (_, i) => vm.memory.view.getBigUint64(at + 8 * i, true));
}
function print(k: SimKernel, vm: Machine, format: string, args: readonly bigint[]): void {
  const text = formatText(k, format, args);
  if (typeof text === "number") return vm.ret(text);
  k.emit({ kind: "trace", text });
  vm.ret(text.length);
}
function vprintk(k: SimKernel, vm: Machine): void {
  const size = vm.u32(4);
  if (size % 8 || size > 96) return vm.ret(-EINVAL);
  print(k, vm, textOf(vm, 1, vm.u32(2)), words(vm, 3, size));
}
function snprintf(k: SimKernel, vm: Machine): void {
  const room = vm.u32(2),
    size = vm.u32(5);
  if (size % 8 || size > 96) return vm.ret(-EINVAL);
  const format = readStringBytes(k, vm.u64(3), 4096);
  const text = format ? formatText(k, utf8(format), words(vm, 4, size)) : -EINVAL;
  if (typeof text === "number") return vm.ret(text);
  if (room > 0) {
    const out = new Uint8Array(Math.min(text.length, room - 1) + 1);
    for (let i = 0; i < out.length - 1; i++) out[i] = text.charCodeAt(i);
    vm.memory.write(vm.argMem(1, room, true), out);
  }
  vm.ret(text.length + 1);
}

/** bpf_perf_event_output and its kin: context, map, flags, data, size. The upper half of flags appends bytes of the packet. */
function perfOutput(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 2);
  const flags = vm.u64(3);
  const size = vm.u32(5);
  const data = vm.memory.read(vm.argMem(4, size), size);
  const index = flags & BPF_F_INDEX_MASK;
  const extra = Number((flags >> 32n) & 0xfffffn);
  // Of XDP, all fragments count.
  const packet = k.run.skb?.packet ?? k.run.xdp;
  if (flags >> 52n || (extra && !packet)) return vm.ret(-EINVAL);
  if (packet && extra > packet.length) return vm.ret(-14);
  const cpu = index === BPF_F_CURRENT_CPU ? k.cpu() : Number(index);
  if (cpu >= map.spec.maxEntries) return vm.ret(-E2BIG);
  if (cpu !== k.cpu()) return vm.ret(-EOPNOTSUPP);
  const all = new Uint8Array(size + extra);
  all.set(data);
  if (packet && extra) all.set(packet.bytes().subarray(0, extra), size);
  k.emit({ kind: "perf", map: map.name, data: all });
  vm.ret(0);
}

function ringbuf(k: SimKernel, vm: Machine): RingbufMap | undefined {
  const map = k.mapArg(vm, 1);
  return map instanceof RingbufMap ? map : undefined;
}
function ringbufOutput(k: SimKernel, vm: Machine): void {
  const map = ringbuf(k, vm);
  const size = vm.u32(3);
  if (!map || vm.u64(4) & ~3n) return vm.ret(-EINVAL);
  const data = vm.memory.read(vm.argMem(2, size), size);
  const record = map.reserve(size);
  if (!record) return vm.ret(-11);
  map.drop(record);
  k.emit({ kind: "ringbuf", map: map.name, data });
  vm.ret(0);
}
function ringbufReserve(k: SimKernel, vm: Machine): void {
  const map = ringbuf(k, vm);
  vm.retPtr(map && vm.u64(3) === 0n && vm.hi32(2) === 0 ? (map.reserve(vm.u32(2))?.start ?? 0) : 0);
}
/** Gives a reserved record up; with `submit` it is sent. */
function ringbufEnd(k: SimKernel, vm: Machine, submit: boolean): void {
  // A record may have no bytes.
  const at = vm.argMem(1, 0);
  const region = vm.memory.regionAt(at);
  const map = region?.owner;
  if (!(map instanceof RingbufMap) || region!.start !== at || vm.hi32(1) !== KERNEL_HI) return vm.ret(-EINVAL);
  if (submit) k.emit({ kind: "ringbuf", map: map.name, data: vm.memory.read(at, vm.memory.end[region!.id]! - at) });
  map.drop(region!);
  vm.ret(0);
}

/** bpf_strtol and bpf_strtoul: text, its length, base in flags, result. */
function parseNumber(k: SimKernel, vm: Machine, signed: boolean): void {
  const size = vm.u32(2),
    base = vm.u64(3);
  const out = vm.argMem(4, 8, true);
  if (![0n, 8n, 10n, 16n].includes(base) || size === 0) return vm.ret(-EINVAL);
  const bytes = readStringBytes(k, vm.u64(1), size);
  const parsed = bytes && parseText(utf8(bytes), Number(base), signed);
  if (!parsed) return vm.ret(-EINVAL);
  const { value, length } = parsed;
  if (signed ? BigInt.asIntN(64, value) !== value : value >= 1n << 64n) return vm.ret(-ERANGE);
  vm.memory.view.setBigUint64(out, BigInt.asUintN(64, value), true);
  vm.memory.markDirty(out, 8);
  vm.ret(length);
}
/** The number at the start of a text and how many characters it took; 0x goes with base 16 alone, and needs a digit behind it in base 0. */
function parseText(text: string, given: number, signed: boolean): { value: bigint; length: number } | undefined {
  const [lead, sign] = [/^\s*/.exec(text)![0], /^\s*(-?)/.exec(text)![1]!];
  if (sign && !signed) return undefined;
  let rest = text.slice(lead.length + sign.length);
  let base = given;
  if (base === 0) base = /^0x[0-9a-f]/i.test(rest) ? 16 : rest.startsWith("0") ? 8 : 10;
  if (base === 16 && /^0x/i.test(rest)) rest = rest.slice(2);
  const digits = (base === 16 ? /^[0-9a-f]*/i : base === 10 ? /^[0-9]*/ : /^[0-7]*/).exec(rest)![0];
  if (!digits) return undefined;
  let value = 0n;
  for (const c of digits) value = value * BigInt(base) + BigInt(parseInt(c, 16));
  return { value: sign ? -value : value, length: text.length - rest.length + digits.length };
}
function strncmp(k: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const a = vm.memory.read(vm.argMem(1, size), size);
  const b = readStringBytes(k, vm.u64(3), size) ?? new Uint8Array(0);
  for (let i = 0; i < size; i++) {
    const d = a[i]! - (b[i] ?? 0);
    if (d || a[i] === 0) return vm.ret(d < 0 ? -1 : d > 0 ? 1 : 0);
  }
  vm.ret(0);
}

export const TRACE_HELPERS: HelperTable = {
  4: probeRead("any"),
  6: (k, vm) => print(k, vm, textOf(vm, 1, vm.u32(2)), [vm.u64(3), vm.u64(4), vm.u64(5)]),
  25: perfOutput,
  45: probeReadStr("any"),
  105: (k, vm) => parseNumber(k, vm, true),
  106: (k, vm) => parseNumber(k, vm, false),
  111: perfOutput,
  112: probeRead("user"),
  113: probeRead("kernel"),
  114: probeReadStr("user"),
  115: probeReadStr("kernel"),
  121: perfOutput,
  130: ringbufOutput,
  131: ringbufReserve,
  132: (k, vm) => ringbufEnd(k, vm, true),
  133: (k, vm) => ringbufEnd(k, vm, false),
  134: (k, vm) => vm.ret(ringbuf(k, vm)?.query(Number(vm.u64(2))) ?? 0),
  148: probeRead("user"),
  165: snprintf,
  177: vprintk,
  182: strncmp,
  183: (k, vm) => {
    const value = k.run.args[Number(vm.u64(2))];
    if (value === undefined) return vm.ret(-EINVAL);
    vm.memory.view.setBigUint64(vm.argMem(3, 8, true), BigInt.asUintN(64, value), true);
    vm.memory.markDirty(vm.u32(3), 8);
    vm.ret(0);
  },
  185: (k, vm) => vm.ret(k.run.args.length),
};
