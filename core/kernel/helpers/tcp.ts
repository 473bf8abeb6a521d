// SYN cookies and acknowledgements of TCP (net/ipv4/syncookies.c, net/core/filter.c, 6.18). The kernel's secret is made from the machine's seed.
import type { Machine } from "../../vm/index.ts";
import { EACCES, EINVAL, ENOENT, EPROTONOSUPPORT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { siphashU32, type SipKey } from "../siphash.ts";
import { bytesArg, socketArg } from "./args.ts";
import type { HelperTable } from "./types.ts";

const MSS4 = [536, 1300, 1440, 1460],
  MSS6 = [1220, 1420, 1440, 8940];
const DEFAULT_MSS = 536,
  DEFAULT_MSS6 = 1220;
const TCP_BYTES = 20;
const COOKIE_BITS = 24,
  COOKIE_MASK = (1 << COOKIE_BITS) - 1;
/** A cookie is good for this many counts of 64 seconds or so (MAX_SYNCOOKIE_AGE). */
const MOST_AGE = 2;
const COUNT_NS = 60_000_000_000n;
const FIN = 1,
  SYN = 2,
  RST = 4,
  ACK = 16;
const LISTEN = 10,
  PROTO_TCP = 6;

/** Addresses and TCP header of a packet, in host order where they are numbers. */
interface Segment {
  readonly addresses: readonly number[];
  readonly header: Uint8Array;
}
const be16 = (b: Uint8Array, at: number): number => (b[at]! << 8) | b[at + 1]!;
const be32 = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at, false);
const le32s = (b: Uint8Array, at: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => new DataView(b.buffer, b.byteOffset).getUint32(at + 4 * i, true));
const flagsOf = (s: Segment): number => s.header[13]!;

function secret(k: SimKernel, which: number): SipKey {
  const seed = BigInt(k.hardware.seed >>> 0);
  return [seed * 0x9e3779b97f4a7c15n + BigInt(which), seed ^ 0xd1b54a32d192ed03n].map((x) => BigInt.asUintN(64, x)) as unknown as SipKey;
}
function hash(k: SimKernel, s: Segment, count: number, which: number): number {
  const ports = ((be16(s.header, 0) << 16) | be16(s.header, 2)) >>> 0;
  return Number(BigInt.asUintN(32, siphashU32([...s.addresses, ports, count], secret(k, which))));
}
const counter = (k: SimKernel): number => Number((k.hardware.nowNs / COUNT_NS) & 0xffffffffn);

/** The cookie for a SYN whose peer takes `mss` bytes, and the size that it stands for. */
function cookieFor(k: SimKernel, s: Segment, mss: number): { cookie: number; mss: number } {
  const table = s.addresses.length === 2 ? MSS4 : MSS6;
  const index = Math.max(
    0,
    table.findLastIndex((m) => mss >= m),
  );
  const count = counter(k);
  const base = hash(k, s, 0, 0) + be32(s.header, 4) + (count & 255) * 2 ** COOKIE_BITS;
  const tail = (hash(k, s, count, 1) + index) & COOKIE_MASK;
  return { cookie: Number(BigInt.asUintN(32, BigInt(base) + BigInt(tail))), mss: table[index]! };
}
/** The segment size that the cookie in an ACK stands for, 0 when it is none of ours. */
function checkCookie(k: SimKernel, s: Segment): number {
  const sequence = (be32(s.header, 4) - 1) | 0;
  const count = counter(k);
  const value = (be32(s.header, 8) - 1 - hash(k, s, 0, 0) - sequence) | 0;
  const age = (count - (value >>> COOKIE_BITS)) & 255;
  if (age >= MOST_AGE) return 0;
  const index = (value - hash(k, s, count - age, 1)) & COOKIE_MASK;
  return (s.addresses.length === 2 ? MSS4 : MSS6)[index] ?? 0;
}
/** The MSS option of a header, or 0. */
function mssOption(header: Uint8Array): number {
  for (let at = TCP_BYTES; at + 1 < header.length;) {
    const kind = header[at]!;
    if (kind === 0) return 0;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = header[at + 1]!;
    if (length < 2 || at + length > header.length) return 0;
    if (kind === 2 && length === 4) return be16(header, at + 2);
    at += length;
  }
  return 0;
}
const addressesOf = (ip: Uint8Array, version: number): number[] => (version === 4 ? le32s(ip, 12, 2) : le32s(ip, 8, 8));
/** r0 = cookie with the segment size above it. */
function give(vm: Machine, c: { cookie: number; mss: number }): void {
  vm.setR0(c.cookie | 0, c.mss);
}

function rawGenerate(version: 4 | 6) {
  return (k: SimKernel, vm: Machine): void => {
    const length = vm.u32(3);
    const ip = bytesArg(vm, 1, version === 4 ? 20 : 40);
    const header = bytesArg(vm, 2, length);
    if (length < TCP_BYTES || length !== (header[12]! >> 4) * 4) return vm.ret(-EINVAL);
    const mss = mssOption(header) || (version === 4 ? DEFAULT_MSS : DEFAULT_MSS6);
    give(vm, cookieFor(k, { addresses: addressesOf(ip, version), header }, mss));
  };
}
function rawCheck(version: 4 | 6) {
  return (k: SimKernel, vm: Machine): void => {
    const ip = bytesArg(vm, 1, version === 4 ? 20 : 40);
    const header = bytesArg(vm, 2, TCP_BYTES);
    vm.ret(checkCookie(k, { addresses: addressesOf(ip, version), header }) ? 0 : -EACCES);
  };
}
/** The segment of bpf_tcp_check_syncookie and _gen_: socket, IP header, its size, TCP header, its size; or a negative errno. */
function segment(k: SimKernel, vm: Machine, exact: boolean): Segment | number {
  const socket = socketArg(k, vm, 1);
  const ipSize = vm.u32(3),
    size = vm.u32(5);
  const ip = bytesArg(vm, 2, ipSize);
  const header = bytesArg(vm, 4, size);
  if (size < TCP_BYTES || (exact && size !== (header[12]! >> 4) * 4)) return -EINVAL;
  if (socket?.protocol !== PROTO_TCP || socket.state !== LISTEN) return -EINVAL;
  const flags = header[13]!;
  if (exact && (!(flags & SYN) || flags & (ACK | FIN | RST))) return -EINVAL;
  if (!exact && (!(flags & ACK) || flags & (RST | SYN))) return -ENOENT;
  if (ipSize < 20) return -EINVAL;
  const version = ip[0]! >> 4;
  if (version !== 4 && version !== 6) return -EPROTONOSUPPORT;
  if (version === 6 && (ipSize < 40 || socket.family !== 10)) return -EINVAL;
  return { addresses: addressesOf(ip, version), header };
}
function generate(k: SimKernel, vm: Machine): void {
  const s = segment(k, vm, true);
  if (typeof s === "number") return vm.ret(s);
  give(vm, cookieFor(k, s, mssOption(s.header) || (s.addresses.length === 2 ? DEFAULT_MSS : DEFAULT_MSS6)));
}
function check(k: SimKernel, vm: Machine): void {
  const s = segment(k, vm, false);
  if (typeof s === "number") return vm.ret(s);
  vm.ret(flagsOf(s) & ACK && checkCookie(k, s) ? 0 : -ENOENT);
}

export const TCP_HELPERS: HelperTable = {
  100: check,
  110: generate,
  // The simulated network carries no segment of the kernel's own: an acknowledgement is sent and gone.
  116: (_k, vm) => vm.ret(0),
  204: rawGenerate(4),
  205: rawGenerate(6),
  206: rawCheck(4),
  207: rawCheck(6),
};
