// Segment routing over IPv6 (net/core/filter.c, bpf_lwt_seg6_*, net/ipv6/seg6_iptunnel.c, 6.18). The next hop is asked of the simulated routes.
import { PROG_TYPE } from "../../catalog/index.ts";
import type { Machine } from "../../vm/index.ts";
import type { SkBuff } from "../contexts/skb.ts";
import { EBADMSG, EFAULT, EINVAL, ENETUNREACH } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { bytesArg, skbOf, u32Arg } from "./args.ts";
import { fold, sumWords } from "./checksum.ts";
import { moveHeaders } from "./skb.ts";
import type { HelperTable } from "./types.ts";

const IPV6_BYTES = 40,
  SRH_BYTES = 8,
  SEGMENT_BYTES = 16;
const NEXTHDR_ROUTING = 43,
  NEXTHDR_IPV6 = 41,
  SRH_TYPE = 4;
/** Places in struct ipv6_sr_hdr. */
const SRH = { next: 0, length: 1, type: 2, left: 3, first: 4, flags: 5 } as const;
const IPV6 = { payload: 4, next: 6, hops: 7, source: 8, destination: 24 } as const;
const IPV6_PROTO = 0xdd86;
const ACTION = { END_X: 2, END_T: 3, END_DT6: 7, END_B6: 9, END_B6_ENCAP: 10 } as const;

/** Where the packet's segment routing header lies, and its bytes; undefined without one that has segments left to visit. */
function header(vm: Machine, skb: SkBuff): { at: number; bytes: number } | undefined {
  const { u8 } = vm.memory;
  const at = skb.networkHeader + IPV6_BYTES;
  if (skb.protocol !== IPV6_PROTO || at + SRH_BYTES > skb.packet.end || u8[skb.networkHeader + IPV6.next] !== NEXTHDR_ROUTING)
    return undefined;
  const bytes = (u8[at + SRH.length]! + 1) * 8;
  return u8[at + SRH.type] === SRH_TYPE && at + bytes <= skb.packet.end ? { at, bytes } : undefined;
}
/** Whether bytes are a header that the kernel takes (seg6_validate_srh without its TLVs). */
function valid(srh: Uint8Array): boolean {
  if (srh.length < SRH_BYTES + SEGMENT_BYTES || srh[SRH.type] !== SRH_TYPE || (srh[SRH.length]! + 1) * 8 !== srh.length) return false;
  const most = Math.floor(srh[SRH.length]! / 2) - 1;
  return srh[SRH.first]! <= most && srh[SRH.left]! <= srh[SRH.first]!;
}
function setPayload(vm: Machine, skb: SkBuff): void {
  vm.memory.view.setUint16(skb.networkHeader + IPV6.payload, skb.packet.end - skb.networkHeader - IPV6_BYTES, false);
  vm.memory.markDirty(skb.networkHeader, IPV6_BYTES);
}
/** Finds a route for the packet's destination, or for `hop`; 0 or a negative errno (seg6_lookup_nexthop). */
function nextHop(k: SimKernel, vm: Machine, skb: SkBuff, hop?: Uint8Array, table?: number): number {
  const address = hop ?? vm.memory.read(skb.networkHeader + IPV6.destination, SEGMENT_BYTES);
  const found = k.objects.routes.find(address, table);
  if (found) k.run.redirect = { ifindex: found.ifindex, flags: 0, kind: "neigh" };
  return found ? 0 : -ENETUNREACH;
}

/** Puts a segment routing header into the packet: behind its IPv6 header, or with a new one before it. */
export function pushSegments(k: SimKernel, vm: Machine, srh: Uint8Array, inline: boolean): number {
  const skb = skbOf(k);
  if (!valid(srh)) return -EINVAL;
  if (inline && skb.protocol !== IPV6_PROTO) return -EBADMSG;
  const { memory } = vm;
  const old = memory.read(skb.networkHeader, IPV6_BYTES);
  const segment = SRH_BYTES + SEGMENT_BYTES * srh[SRH.first]!;
  const put = srh.slice();
  const outer = inline ? old.slice() : new Uint8Array(IPV6_BYTES);
  if (inline) {
    put[SRH.next] = old[IPV6.next]!;
    put.set(old.subarray(IPV6.destination), SRH_BYTES);
  } else {
    put[SRH.next] = NEXTHDR_IPV6;
    outer[0] = 0x60;
    outer[IPV6.hops] = 64;
  }
  outer[IPV6.next] = NEXTHDR_ROUTING;
  outer.set(srh.subarray(segment, segment + SEGMENT_BYTES), IPV6.destination);
  const mac = skb.networkHeader - skb.packet.data;
  if (!moveHeaders(skb, mac + (inline ? IPV6_BYTES : 0), inline ? put.length : put.length + IPV6_BYTES)) return -EINVAL;
  skb.networkHeader = skb.packet.data + mac;
  memory.write(skb.networkHeader, outer);
  memory.write(skb.networkHeader + IPV6_BYTES, put);
  if (!inline) skb.encapsulated = true;
  skb.protocol = IPV6_PROTO;
  setPayload(vm, skb);
  return nextHop(k, vm, skb);
}

function storeBytes(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const srh = skb.hasSegments ? header(vm, skb) : undefined;
  if (!srh) return vm.ret(-EINVAL);
  const bytes = bytesArg(vm, 3, vm.u32(4));
  const from = skb.packet.data + u32Arg(vm, 2),
    to = from + bytes.length;
  const tlvs = srh.at + SRH_BYTES + SEGMENT_BYTES * (vm.memory.u8[srh.at + SRH.first]! + 1);
  const inTlvs = from >= tlvs && to <= srh.at + srh.bytes,
    inFlags = from >= srh.at + SRH.flags && to <= srh.at + SRH_BYTES;
  if (!inTlvs && !inFlags) return vm.ret(-EFAULT);
  vm.memory.write(from, bytes);
  vm.ret(0);
}
function adjust(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const srh = skb.hasSegments ? header(vm, skb) : undefined;
  if (!srh) return vm.ret(-EINVAL);
  const off = u32Arg(vm, 2),
    change = vm.s32(3);
  const at = skb.packet.data + off;
  const tlvs = srh.at + SRH_BYTES + SEGMENT_BYTES * (vm.memory.u8[srh.at + SRH.first]! + 1);
  const end = srh.at + srh.bytes;
  if (at < tlvs || at > end || (change < 0 && at - change > end)) return vm.ret(-EFAULT);
  if (change !== 0 && !moveHeaders(skb, off, change)) return vm.ret(-EINVAL);
  const moved = header(vm, skb)?.at ?? skb.networkHeader + IPV6_BYTES;
  vm.memory.u8[moved + SRH.length] = (srh.bytes + change) / 8 - 1;
  setPayload(vm, skb);
  vm.ret(0);
}
function action(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  if (!skb.hasSegments || !header(vm, skb)) return vm.ret(-EBADMSG);
  const size = vm.u32(4);
  const param = bytesArg(vm, 3, size);
  const table = size === 4 ? new DataView(param.buffer).getInt32(0, true) : 0;
  switch (vm.u32(2)) {
    case ACTION.END_X:
      return vm.ret(size === SEGMENT_BYTES ? nextHop(k, vm, skb, param) : -EINVAL);
    case ACTION.END_T:
      return vm.ret(size === 4 ? nextHop(k, vm, skb, undefined, table) : -EINVAL);
    case ACTION.END_DT6:
      return vm.ret(size === 4 ? decapsulate(k, vm, table) : -EINVAL);
    case ACTION.END_B6:
      return vm.ret(pushSegments(k, vm, param, true));
    case ACTION.END_B6_ENCAP:
      return vm.ret(pushSegments(k, vm, param, false));
    default:
      return vm.ret(-EINVAL);
  }
}
/** Takes the outer header and its segments off. */
function decapsulate(k: SimKernel, vm: Machine, table: number): number {
  const skb = skbOf(k);
  const srh = header(vm, skb)!;
  if (vm.memory.u8[srh.at + SRH.next] !== NEXTHDR_IPV6) return -EBADMSG;
  const mac = skb.networkHeader - skb.packet.data;
  if (!moveHeaders(skb, mac, -(IPV6_BYTES + srh.bytes))) return -EBADMSG;
  skb.hasSegments = false;
  return nextHop(k, vm, skb, undefined, table);
}

const ENCAP = { SEG6: 0, SEG6_INLINE: 1, IP: 2 } as const;
/** bpf_lwt_push_encap: an outer IP header, or segments. */
function pushEncap(k: SimKernel, vm: Machine): void {
  const outer = bytesArg(vm, 3, vm.u32(4));
  const type = vm.u32(2);
  if (type === ENCAP.IP) return vm.ret(pushIp(k, vm, outer));
  // The prototype of outgoing routes takes IP only, that of incoming ones segments too.
  if (type > ENCAP.SEG6_INLINE || vm.program.source.type === PROG_TYPE.LWT_XMIT) return vm.ret(-EINVAL);
  vm.ret(pushSegments(k, vm, outer, type === ENCAP.SEG6_INLINE));
}
/** An IPv4 header whose checksum is 0 gets the right one. */
function withChecksum(outer: Uint8Array, bytes: number): Uint8Array {
  if (outer[0]! >> 4 !== 4 || outer[10] || outer[11]) return outer;
  const out = outer.slice();
  const sum = ~fold(sumWords(outer.subarray(0, bytes))) & 0xffff;
  out.set([sum & 255, sum >> 8], 10);
  return out;
}
/** LWT_BPF_MAX_HEADROOM. */
const MOST_HEADER = 256;
function pushIp(k: SimKernel, vm: Machine, outer: Uint8Array): number {
  const skb = skbOf(k);
  const version = (outer[0] ?? 0) >> 4;
  const own = version === 4 ? (outer[0]! & 15) * 4 : IPV6_BYTES;
  if (outer.length < 20 || outer.length > MOST_HEADER) return -EINVAL;
  if (version === 4 ? (outer[0]! & 15) < 5 || outer.length < own : version !== 6 || outer.length < own) return -EINVAL;
  if (!moveHeaders(skb, 0, outer.length)) return -EINVAL;
  vm.memory.write(skb.packet.data, withChecksum(outer, own));
  skb.networkHeader = skb.macHeader = skb.packet.data;
  skb.protocol = version === 4 ? 0x0008 : IPV6_PROTO;
  skb.encapsulated = true;
  return 0;
}

export const SEG6_HELPERS: HelperTable = { 73: pushEncap, 74: storeBytes, 75: adjust, 76: action };
