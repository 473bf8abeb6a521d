// Helpers of XDP and TC programs on the packet (net/core/filter.c, 6.18). They know no devices; redirects are only recorded.
import type { Machine } from "../../vm/index.ts";
import type { Packet } from "../contexts/packet.ts";
import type { SkBuff } from "../contexts/skb.ts";
import { SHARED_INFO, XDP_FRAME, XDP_FRAME_STRUCT } from "../contexts/xdp.ts";
import { EACCES, EFAULT, EINVAL, ENODEV, ENOMEM } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { skbOf, u32Arg, xdpOf } from "./args.ts";
import { add, fold, replace, sumWords } from "./checksum.ts";
import { moveBytes } from "./skb.ts";
import type { HelperImpl, HelperTable } from "./types.ts";

/** r1 context, r2 offset, r3 buffer, r4 length: copies out of the packet; the buffer is cleared on failure. */
function loadBytes(vm: Machine, packet: Packet): void {
  const off = u32Arg(vm, 2),
    size = vm.u32(4);
  const to = vm.argMem(3, size, true);
  if (off > 0x7fffffff || off + size > packet.length) {
    vm.memory.write(to, new Uint8Array(size));
    return vm.ret(-EFAULT);
  }
  vm.memory.write(to, packet.memory.read(packet.data + off, size));
  vm.ret(0);
}

function skbStore(k: SimKernel, vm: Machine): void {
  const { packet } = skbOf(k);
  const off = u32Arg(vm, 2),
    size = vm.u32(4);
  if (vm.u64(5) & ~3n) return vm.ret(-EINVAL);
  if (off > 0x7fffffff || off + size > packet.length) return vm.ret(-EFAULT);
  vm.memory.write(packet.data + off, vm.memory.read(vm.argMem(3, size), size));
  vm.ret(0);
}

const relativeLoad: HelperImpl = (k, vm) => {
  const skb = skbOf(k);
  const off = u32Arg(vm, 2),
    size = vm.u32(4);
  const to = vm.argMem(3, size, true);
  const start = vm.u64(5) === 0n ? skb.macHeader : vm.u64(5) === 1n ? skb.networkHeader : 0;
  if (off > 0xffff || start === 0 || start + off + size > skb.packet.end) {
    vm.memory.write(to, new Uint8Array(size));
    return vm.ret(-EFAULT);
  }
  vm.memory.write(to, vm.memory.read(start + off, size));
  vm.ret(0);
};

function csumDiff(_k: SimKernel, vm: Machine): void {
  const fromSize = vm.u32(2),
    toSize = vm.u32(4);
  const part = (reg: number, size: number): Uint8Array => (size ? vm.memory.read(vm.argMem(reg, size), size) : new Uint8Array(0));
  const from = part(1, fromSize),
    to = part(3, toSize),
    seed = vm.u32(5);
  let sum = seed;
  if (toSize) sum = add(sumWords(to, seed), fromSize ? ~sumWords(from) >>> 0 : 0);
  else if (fromSize) sum = ~sumWords(from, ~seed >>> 0) >>> 0;
  vm.ret(fold(sum));
}

/** Replaces 2 or 4 bytes' worth in the checksum at `at`; size 0 takes `to` as a difference. */
function replaceAt(vm: Machine, at: number, size: number, from: number, to: number): boolean {
  const { view } = vm.memory;
  const field = view.getUint16(at, true);
  let result: number;
  if (size === 0) result = ~fold(add(~field & 0xffff, to)) & 0xffff;
  else if (size === 2) result = replace(field, from & 0xffff, to & 0xffff);
  else if (size === 4) result = replace(field, from, to);
  else return false;
  view.setUint16(at, result, true);
  vm.memory.markDirty(at, 2);
  return true;
}
function l3CsumReplace(k: SimKernel, vm: Machine): void {
  const { packet } = skbOf(k);
  const off = u32Arg(vm, 2),
    flags = vm.u64(5);
  if (flags & ~0xfn || (flags === 0n && vm.u64(3) !== 0n)) return vm.ret(-EINVAL);
  if (off > 0xffff || off & 1 || off + 2 > packet.length) return vm.ret(-EFAULT);
  vm.ret(replaceAt(vm, packet.data + off, Number(flags & 0xfn), vm.u32(3), vm.u32(4)) ? 0 : -EINVAL);
}
function l4CsumReplace(k: SimKernel, vm: Machine): void {
  const { packet } = skbOf(k);
  const off = u32Arg(vm, 2),
    flags = vm.u64(5);
  const size = Number(flags & 0xfn),
    zeroMeans = (flags & 0x20n) !== 0n,
    force = (flags & 0x40n) !== 0n;
  if (flags & ~0xffn || (size === 0 && vm.u64(3) !== 0n)) return vm.ret(-EINVAL);
  if (off > 0xffff || off & 1 || off + 2 > packet.length) return vm.ret(-EFAULT);
  const at = packet.data + off;
  if (zeroMeans && !force && vm.memory.view.getUint16(at, true) === 0) return vm.ret(0);
  if (!replaceAt(vm, at, size, vm.u32(3), vm.u32(4))) return vm.ret(-EINVAL);
  if (zeroMeans && vm.memory.view.getUint16(at, true) === 0) vm.memory.view.setUint16(at, 0xffff, true);
  vm.ret(0);
}

/** Moves the start of a packet; `delta` below 0 makes room. */
function xdpAdjustHead(k: SimKernel, vm: Machine): void {
  const { packet } = xdpOf(k);
  const delta = vm.s32(2);
  const metaLength = packet.meta > packet.data ? 0 : packet.data - packet.meta;
  const data = packet.data + delta;
  if (data < packet.head + XDP_FRAME_STRUCT + metaLength || data > packet.end - 14) return vm.ret(-EINVAL);
  if (metaLength) {
    packet.memory.u8.copyWithin(packet.meta + delta, packet.meta, packet.meta + metaLength);
    packet.memory.markDirty(packet.meta + delta, metaLength);
  }
  packet.meta += delta;
  packet.data = data;
  packet.sync();
  vm.ret(0);
}
function xdpAdjustTail(k: SimKernel, vm: Machine): void {
  const { packet, fragments, fragmentBytes } = xdpOf(k);
  if (fragments && fragmentBytes) return vm.ret(xdpOf(k).moveTail(vm.s32(2)) ? 0 : -EINVAL);
  const end = packet.end + vm.s32(2);
  if (end > packet.head + XDP_FRAME - SHARED_INFO || end < packet.data + 14) return vm.ret(-EINVAL);
  if (end > packet.end) {
    packet.memory.u8.fill(0, packet.end, end);
    packet.memory.markDirty(packet.end, end - packet.end);
  }
  packet.end = end;
  packet.sync();
  vm.ret(0);
}
function xdpAdjustMeta(k: SimKernel, vm: Machine): void {
  const { packet } = xdpOf(k);
  const meta = packet.meta + vm.s32(2);
  const length = packet.data - meta;
  if (meta < packet.head + XDP_FRAME_STRUCT || meta > packet.data) return vm.ret(-EINVAL);
  if (length & 3 || length > 252) return vm.ret(-EACCES);
  packet.meta = meta;
  packet.sync();
  vm.ret(0);
}

function xdpStore(k: SimKernel, vm: Machine): void {
  const xdp = xdpOf(k);
  const off = u32Arg(vm, 2),
    size = vm.u32(4);
  if (off + size > xdp.length) return vm.ret(-EINVAL);
  xdp.store(off, vm.memory.read(vm.argMem(3, size), size));
  vm.ret(0);
}
function xdpLoad(k: SimKernel, vm: Machine): void {
  const xdp = xdpOf(k);
  const off = u32Arg(vm, 2),
    size = vm.u32(4);
  if (off + size > xdp.length) return vm.ret(-EINVAL);
  vm.memory.write(vm.argMem(3, size, true), xdp.bytes(off, size));
  vm.ret(0);
}

function skbChangeTail(k: SimKernel, vm: Machine): void {
  const { packet } = skbOf(k);
  const length = vm.u32(2);
  if (vm.u64(3) !== 0n || length < 14 || length > 65535) return vm.ret(-EINVAL);
  if (length > packet.length) skbOf(k).makeRoom(0, length - packet.length);
  if (packet.data + length > packet.end) {
    packet.memory.u8.fill(0, packet.end, packet.data + length);
    packet.memory.markDirty(packet.end, packet.data + length - packet.end);
  }
  packet.end = packet.data + length;
  packet.sync();
  vm.ret(0);
}
/** As {@link moveBytes}, for what stands before the network header: the link header begins where the packet does. */
function moveHead(skb: SkBuff, off: number, n: number): boolean {
  if (!moveBytes(skb, off, n)) return false;
  skb.macHeader = skb.packet.data;
  return true;
}
function vlanPush(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const proto = vm.u32(2) & 0xffff,
    tci = vm.u32(3) & 0xffff;
  const inOrder = proto === 0x0081 || proto === 0xa888;
  const wire = inOrder ? proto : 0x0081;
  if (skb.vlanPresent) {
    if (!moveHead(skb, 12, 4)) return vm.ret(-ENOMEM);
    const { view } = vm.memory;
    view.setUint16(skb.packet.data + 12, skb.vlanProto, true);
    view.setUint16(skb.packet.data + 14, skb.vlanTci, false);
    skb.protocol = skb.vlanProto;
  }
  skb.vlanPresent = true;
  skb.vlanProto = wire;
  skb.vlanTci = tci;
  vm.ret(0);
}
function vlanPop(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  const { view } = vm.memory;
  const inner = (): number => view.getUint16(skb.packet.data + 12, true);
  const isVlan = (p: number): boolean => p === 0x0081 || p === 0xa888;
  const take = (): void => {
    skb.vlanProto = inner();
    skb.vlanTci = view.getUint16(skb.packet.data + 14, false);
    moveHead(skb, 12, -4);
    skb.protocol = inner();
  };
  if (skb.vlanPresent) skb.vlanPresent = false;
  else if (skb.length >= 18 && isVlan(inner())) take();
  else return vm.ret(0);
  if (skb.length >= 18 && isVlan(inner())) {
    take();
    skb.vlanPresent = true;
  }
  vm.ret(0);
}

function redirect(k: SimKernel, vm: Machine, kind: "device" | "peer" | "neigh"): void {
  const bad = kind === "device" ? (k.run.xdp ? vm.u64(2) !== 0n : (vm.u64(2) & ~1n) !== 0n) : vm.u64(kind === "peer" ? 2 : 4) !== 0n;
  if (bad) return vm.ret(k.run.xdp ? 0 : 2);
  k.run.redirect = { ifindex: vm.s32(1), flags: vm.u32(2), kind };
  vm.ret(k.run.xdp ? 4 : 7);
}
/** bpf_redirect_map: the low two bits of flags are the answer when the map has nothing at the index. */
function redirectMap(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 1);
  const flags = vm.u64(3),
    index = vm.u32(2);
  const broadcast = (flags & 8n) !== 0n;
  if (flags & ~(broadcast ? 0x1bn : 3n)) return vm.ret(0);
  const target = map as unknown as { has?(index: number): boolean };
  if (!broadcast && !target.has?.(index)) return vm.ret(Number(flags & 3n));
  k.run.redirect = { ifindex: 0, flags: vm.u32(3), map, index, kind: "map" };
  vm.ret(4);
}
function cloneRedirect(k: SimKernel, vm: Machine): void {
  if (vm.u64(3) & ~1n) return vm.ret(-EINVAL);
  const nic = k.hardware.nic(vm.u32(2));
  if (!nic) return vm.ret(-EINVAL);
  if (vm.u64(3) & 1n) nic.receive(skbOf(k).packet.bytes());
  else nic.transmit(skbOf(k).packet.bytes());
  vm.ret(0);
}
function pullData(k: SimKernel, vm: Machine): void {
  vm.ret(vm.u32(2) > skbOf(k).length ? -ENOMEM : 0);
}
function checkMtu(k: SimKernel, vm: Machine): void {
  const nic = k.hardware.nic(vm.u32(2) || (k.run.skb?.ifindex ?? k.run.xdp?.ifindex ?? 1));
  if (vm.u64(5) & ~1n) return vm.ret(-EINVAL);
  if (!nic) return vm.ret(-ENODEV);
  // BPF_MTU_CHK_SEGS is for packets of several segments, and without a change of length.
  if (vm.u64(5) & 1n && k.run.skb && (vm.s32(4) !== 0 || k.run.skb.gsoSize === 0)) return vm.ret(-EINVAL);
  const at = vm.argMem(3, 4, true);
  const asked = vm.memory.view.getUint32(at, true);
  const packet = (k.run.skb?.packet ?? xdpOf(k).packet).length;
  const length = (asked ? asked + 14 : packet) + vm.s32(4);
  vm.memory.view.setUint32(at, nic.mtu, true);
  vm.memory.markDirty(at, 4);
  vm.ret(length <= nic.mtu + 14 ? 0 : 1);
}

export const PACKET_HELPERS: HelperTable = {
  9: skbStore,
  10: l3CsumReplace,
  11: l4CsumReplace,
  13: cloneRedirect,
  18: vlanPush,
  19: vlanPop,
  23: (k, vm) => redirect(k, vm, "device"),
  24: (_k, vm) => vm.ret(0),
  26: (k, vm) => {
    if (!skbOf(k).flowKeys) return loadBytes(vm, skbOf(k).packet);
    // A flow dissector that runs on bare bytes has no socket buffer behind them.
    vm.memory.write(vm.argMem(3, vm.u32(4), true), new Uint8Array(vm.u32(4)));
    vm.ret(-EFAULT);
  },
  28: csumDiff,
  32: (k, vm) => {
    const skb = skbOf(k);
    if (skb.pktType > 3 || vm.u32(2) > 3) return vm.ret(-EINVAL);
    skb.pktType = vm.u32(2);
    vm.ret(0);
  },
  38: skbChangeTail,
  39: pullData,
  41: (k, vm) => {
    skbOf(k).hash = 0;
    vm.ret(0);
  },
  43: (k, vm) => {
    const n = vm.u32(2);
    if (vm.u64(3) !== 0n || n > 65535) return vm.ret(-EINVAL);
    vm.ret(moveHead(skbOf(k), 0, n) ? 0 : -ENOMEM);
  },
  44: xdpAdjustHead,
  48: (k, vm) => {
    skbOf(k).hash = vm.u32(2);
    vm.ret(0);
  },
  51: redirectMap,
  54: xdpAdjustMeta,
  65: xdpAdjustTail,
  68: relativeLoad,
  152: (k, vm) => redirect(k, vm, "neigh"),
  155: (k, vm) => redirect(k, vm, "peer"),
  163: checkMtu,
  188: (k, vm) => vm.ret(xdpOf(k).length),
  189: xdpLoad,
  190: xdpStore,
};
