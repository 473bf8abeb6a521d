// Helpers that rebuild a packet or ask what the kernel knows of it (net/core/filter.c, 6.18). They know no devices.
import type { Machine } from "../../vm/index.ts";
import type { SkBuff } from "../contexts/skb.ts";
import { EACCES, EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP, EOPNOTSUPP } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { putArg, skbOf, room } from "./args.ts";
import { replace, sumWords } from "./checksum.ts";
import type { HelperTable } from "./types.ts";

/** ETH_P_IP and ETH_P_IPV6 as they stand in a little-endian word. */
const IP = 0x0008,
  IPV6 = 0xdd86;
const IP_BYTES = 20,
  IPV6_BYTES = 40;
const MOST_SHIFT = 0xfff;
/** SKB_MAX_ALLOC. */
const MOST_BYTES = 16064;
const ADJ = {
  FIXED_GSO: 1n,
  ENCAP_IPV4: 2n,
  ENCAP_IPV6: 4n,
  GRE: 8n,
  UDP: 16n,
  NO_CSUM_RESET: 32n,
  L2_ETH: 64n,
  DECAP_IPV4: 128n,
  DECAP_IPV6: 256n,
};
const ADJ_ENCAP = ADJ.ENCAP_IPV4 | ADJ.ENCAP_IPV6 | ADJ.GRE | ADJ.UDP | ADJ.L2_ETH | (0xffn << 56n),
  ADJ_DECAP = ADJ.DECAP_IPV4 | ADJ.DECAP_IPV6;
const ADJ_ALL = ADJ_ENCAP | ADJ_DECAP | ADJ.FIXED_GSO | ADJ.NO_CSUM_RESET;

/** Makes `n` bytes of room `off` bytes into the packet (n below 0 removes) by moving what lies before. False without room. */
export function moveBytes(skb: SkBuff, off: number, n: number): boolean {
  const { packet } = skb;
  if (n > 0) skb.makeRoom(n, 0);
  const data = packet.data - n;
  if (data > packet.end) return false;
  packet.memory.u8.copyWithin(data, packet.data, packet.data + off);
  if (n > 0) packet.memory.u8.fill(0, data + off, data + off + n);
  packet.memory.markDirty(Math.min(data, packet.data), Math.abs(n) + off);
  packet.data = packet.meta = data;
  packet.sync();
  return true;
}
/** As {@link moveBytes}, and the headers' places with it. */
export function moveHeaders(skb: SkBuff, off: number, n: number): boolean {
  if (!moveBytes(skb, off, n)) return false;
  skb.macHeader -= n;
  skb.networkHeader -= n;
  return true;
}
function changeProto(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const proto = vm.u32(2) & 0xffff;
  if (vm.u64(3) !== 0n) return vm.ret(-EINVAL);
  const to6 = skb.protocol === IP && proto === IPV6;
  if (!to6 && !(skb.protocol === IPV6 && proto === IP)) return vm.ret(-ENOTSUPP);
  const off = skb.networkHeader - skb.macHeader;
  if (!moveHeaders(skb, off, to6 ? IPV6_BYTES - IP_BYTES : IP_BYTES - IPV6_BYTES)) return vm.ret(-ENOMEM);
  skb.protocol = proto;
  skb.hash = 0;
  vm.ret(0);
}

const BPF_ADJ_ROOM_NET = 0,
  BPF_ADJ_ROOM_MAC = 1;
function adjustRoom(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const diff = vm.s32(2),
    mode = vm.u32(3),
    flags = vm.u64(4);
  const shrink = diff < 0;
  if (flags & ~ADJ_ALL) return vm.ret(-EINVAL);
  if (Math.abs(diff) > MOST_SHIFT) return vm.ret(-EFAULT);
  if (skb.protocol !== IP && skb.protocol !== IPV6) return vm.ret(-ENOTSUPP);
  const base = skb.protocol === IP ? IP_BYTES : IPV6_BYTES;
  const off = skb.networkHeader - skb.macHeader + (mode === BPF_ADJ_ROOM_NET ? base : 0);
  if (mode !== BPF_ADJ_ROOM_NET && mode !== BPF_ADJ_ROOM_MAC) return vm.ret(-ENOTSUPP);
  let least = base;
  if (flags & ADJ_DECAP) {
    if (!shrink || (flags & ADJ_DECAP) === ADJ_DECAP) return vm.ret(-EINVAL);
    least = flags & ADJ.DECAP_IPV4 ? IP_BYTES : IPV6_BYTES;
  }
  const current = skb.packet.end - skb.networkHeader;
  if (shrink ? -diff >= current || current + diff < least : skb.length + diff > MOST_BYTES) return vm.ret(-ENOTSUPP);
  const error = shrink ? shrinkRoom(skb, off, -diff, flags) : growRoom(skb, off, diff, flags);
  if (!error && !(flags & ADJ.NO_CSUM_RESET) && skb.ipSummed === 1) skb.ipSummed = skb.csumLevel = 0;
  vm.ret(error);
}
function shrinkRoom(skb: SkBuff, off: number, n: number, flags: bigint): number {
  if (flags & ~(ADJ.FIXED_GSO | ADJ_DECAP | ADJ.NO_CSUM_RESET)) return -EINVAL;
  if (!moveHeaders(skb, off, -n)) return -ENOMEM;
  if (flags & ADJ.DECAP_IPV4) skb.protocol = IP;
  if (flags & ADJ.DECAP_IPV6) skb.protocol = IPV6;
  return 0;
}
function growRoom(skb: SkBuff, off: number, n: number, flags: bigint): number {
  const encap = (flags & (ADJ.ENCAP_IPV4 | ADJ.ENCAP_IPV6)) !== 0n;
  const innerMac = Number((flags >> 56n) & 0xffn);
  const macLength = skb.networkHeader - skb.macHeader;
  if (encap) {
    const both = ADJ.ENCAP_IPV4 | ADJ.ENCAP_IPV6,
      tunnels = ADJ.GRE | ADJ.UDP;
    if ((flags & both) === both || (flags & tunnels) === tunnels) return -EINVAL;
    if (flags & ADJ.L2_ETH && innerMac < 14) return -EINVAL;
    if (skb.encapsulated) return -EALREADY;
    if (innerMac > n) return -EINVAL;
  }
  if (!moveHeaders(skb, off, n)) return -ENOMEM;
  if (!encap) return 0;
  skb.encapsulated = true;
  skb.networkHeader = skb.macHeader + macLength;
  skb.protocol = flags & ADJ.ENCAP_IPV4 ? IP : IPV6;
  return 0;
}

/** bpf_skb_ecn_set_ce: 1 when the packet says "congestion experienced" now. */
function ecnSetCe(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const { view } = vm.memory;
  const at = skb.networkHeader;
  if (skb.protocol === IP && at + IP_BYTES <= skb.packet.end) {
    const tos = view.getUint8(at + 1);
    if (!((tos + 1) & 2)) return vm.ret((tos & 3) === 3 ? 1 : 0);
    const old = view.getUint16(at, true);
    view.setUint8(at + 1, tos | 3);
    view.setUint16(at + 10, replace(view.getUint16(at + 10, true), old, view.getUint16(at, true)), true);
    vm.memory.markDirty(at, 12);
    return vm.ret(1);
  }
  if (skb.protocol === IPV6 && at + IPV6_BYTES <= skb.packet.end) {
    const ecn = (view.getUint8(at + 1) >> 4) & 3;
    if (ecn === 0) return vm.ret(0);
    view.setUint8(at + 1, view.getUint8(at + 1) | 0x30);
    vm.memory.markDirty(at, 2);
    return vm.ret(1);
  }
  vm.ret(0);
}
/** The flow's hash: as with the kernel's random key, equal flows have equal hashes and nothing else is promised. */
function hashRecalc(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  if (skb.hash === 0) {
    const start = skb.protocol === IP ? 12 : 8;
    const length = skb.protocol === IP ? 12 : 36;
    const from = Math.min(skb.networkHeader + start, skb.packet.end);
    const sum = sumWords(vm.memory.read(from, Math.min(length, skb.packet.end - from)), k.hardware.seed);
    skb.hash = (Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> 0) | 1;
  }
  vm.ret(skb.hash);
}
function csumLevel(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const unnecessary = skb.ipSummed === 1;
  switch (vm.u64(2)) {
    case 0n:
      return vm.ret(unnecessary ? skb.csumLevel : -EACCES);
    case 1n:
      if (unnecessary) skb.csumLevel = Math.min(3, skb.csumLevel + 1);
      else if (skb.ipSummed === 0) [skb.ipSummed, skb.csumLevel] = [1, 0];
      return vm.ret(0);
    case 2n:
      if (unnecessary && skb.csumLevel === 0) skb.ipSummed = 0;
      else if (unnecessary) skb.csumLevel--;
      return vm.ret(0);
    case 3n:
      if (unnecessary) skb.ipSummed = skb.csumLevel = 0;
      return vm.ret(0);
    default:
      return vm.ret(-EINVAL);
  }
}
function setTstamp(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const tstamp = vm.u64(2),
    type = vm.u32(3);
  if (skb.protocol !== IP && skb.protocol !== IPV6) return vm.ret(-EOPNOTSUPP);
  if (type > 2 || (type !== 0 && tstamp === 0n)) return vm.ret(-EINVAL);
  skb.tstamp = BigInt.asIntN(64, tstamp);
  skb.tstampType = type;
  vm.ret(0);
}
export const SKB_HELPERS: HelperTable = {
  31: changeProto,
  34: hashRecalc,
  40: (k, vm) => vm.ret(skbOf(k).ipSummed === 2 ? vm.u32(2) : -ENOTSUPP),
  50: adjustRoom,
  66: (_k, vm) => {
    putArg(vm, 3, room(vm, 3, vm.u32(4)));
    vm.ret(-EINVAL);
  },
  97: ecnSetCe,
  135: csumLevel,
  151: (_k, vm) => vm.ret(0),
  192: setTstamp,
};
