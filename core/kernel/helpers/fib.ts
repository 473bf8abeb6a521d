// bpf_fib_lookup over the simulated routes and neighbours (net/core/filter.c, bpf_ipv4_fib_lookup and bpf_ipv6_fib_lookup, 6.18). It forwards nothing.
import type { Nic } from "../../hardware/index.ts";
import type { Machine } from "../../vm/index.ts";
import { EAFNOSUPPORT, EINVAL, ENODEV } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import type { Route } from "../objects/index.ts";
import type { HelperTable } from "./types.ts";

const RESULT = {
  SUCCESS: 0,
  BLACKHOLE: 1,
  UNREACHABLE: 2,
  PROHIBIT: 3,
  NOT_FWDED: 4,
  FWD_DISABLED: 5,
  NO_NEIGH: 7,
  FRAG_NEEDED: 8,
  NO_SRC_ADDR: 9,
} as const;
const FLAG = { DIRECT: 1, OUTPUT: 2, SKIP_NEIGH: 4, TBID: 8, SRC: 16, MARK: 32 } as const;
const ALL_FLAGS = 63;
const PARAM_BYTES = 64;
/** Places in struct bpf_fib_lookup. */
const OFF = { family: 0, totLen: 6, ifindex: 8, metric: 12, src: 16, dst: 32, tbid: 48, smac: 52, dmac: 58 } as const;
const AF_INET = 2,
  AF_INET6 = 10;
const ETH_HLEN = 14;

/** The parameters of one look-up in linear memory. */
class Params {
  readonly at: number;
  readonly vm: Machine;
  readonly bytes: number;
  readonly flags: number;
  constructor(vm: Machine, at: number, flags: number) {
    this.vm = vm;
    this.at = at;
    this.flags = flags;
    this.bytes = this.family === AF_INET ? 4 : 16;
  }
  get family(): number {
    return this.vm.memory.u8[this.at + OFF.family]!;
  }
  u16(off: number): number {
    return this.vm.memory.view.getUint16(this.at + off, true);
  }
  u32(off: number): number {
    return this.vm.memory.view.getUint32(this.at + off, true);
  }
  read(off: number): Uint8Array {
    return this.vm.memory.read(this.at + off, this.bytes);
  }
  write(off: number, bytes: Uint8Array): void {
    this.vm.memory.write(this.at + off, bytes);
  }
  setU16(off: number, value: number): void {
    this.vm.memory.view.setUint16(this.at + off, value, true);
    this.vm.memory.markDirty(this.at, PARAM_BYTES);
  }
  setU32(off: number, value: number): void {
    this.vm.memory.view.setUint32(this.at + off, value, true);
    this.vm.memory.markDirty(this.at, PARAM_BYTES);
  }
}

function fibLookup(k: SimKernel, vm: Machine): void {
  const size = vm.s32(3),
    flags = vm.u32(4);
  if (size < PARAM_BYTES || flags & ~ALL_FLAGS) return vm.ret(-EINVAL);
  const p = new Params(vm, vm.argMem(2, size, true), flags);
  if (p.family !== AF_INET && p.family !== AF_INET6) return vm.ret(-EAFNOSUPPORT);
  const asked = p.u16(OFF.totLen);
  const result = route(k, p);
  const packet = k.run.skb?.packet ?? k.run.xdp?.packet;
  // Without a length in the parameters, the packet's own is held against the device.
  if (result === RESULT.SUCCESS && asked === 0 && k.run.skb && packet) {
    const nic = k.hardware.nic(p.u32(OFF.ifindex));
    if (nic && packet.length > nic.mtu + ETH_HLEN + 4) {
      p.setU16(OFF.totLen, nic.mtu);
      return vm.ret(RESULT.FRAG_NEEDED);
    }
    if (nic) p.setU16(OFF.totLen, nic.mtu & 0xffff);
  }
  vm.ret(result);
}
function route(k: SimKernel, p: Params): number {
  const nic = k.hardware.nic(p.u32(OFF.ifindex));
  if (!nic) return -ENODEV;
  const { routes } = k.objects;
  if (!routes.forwards(nic.ifindex)) return RESULT.FWD_DISABLED;
  let table: number | undefined;
  if (p.flags & FLAG.DIRECT) {
    table = p.flags & FLAG.TBID ? p.u32(OFF.tbid) : 254;
    if (!routes.hasTable(table)) return RESULT.NOT_FWDED;
  }
  const found = routes.find(p.read(OFF.dst), table);
  if (!found) return RESULT.NOT_FWDED;
  switch (found.kind ?? "unicast") {
    case "unicast":
      return toward(k, p, found);
    case "blackhole":
      return RESULT.BLACKHOLE;
    case "unreachable":
      return RESULT.UNREACHABLE;
    case "prohibit":
      return RESULT.PROHIBIT;
    default:
      return RESULT.NOT_FWDED;
  }
}
/** What a unicast route says: device, next hop, MTU, then its neighbour's address. */
function toward(k: SimKernel, p: Params, found: Route): number {
  const out = k.hardware.nic(found.ifindex);
  if (!out) return RESULT.NOT_FWDED;
  const mtu = found.mtu ?? out.mtu;
  if (p.u16(OFF.totLen) > mtu) {
    p.setU16(OFF.totLen, mtu);
    return RESULT.FRAG_NEEDED;
  }
  if (p.u16(OFF.totLen)) p.setU16(OFF.totLen, mtu & 0xffff);
  p.setU32(OFF.ifindex, out.ifindex);
  p.setU32(OFF.metric, found.metric ?? 0);
  if (p.flags & FLAG.SRC) {
    if (!found.source) return RESULT.NO_SRC_ADDR;
    p.write(OFF.src, found.source);
  }
  const hop = found.gateway ?? p.read(OFF.dst);
  if (found.gateway) {
    if (hop.length !== p.bytes) p.vm.memory.u8[p.at + OFF.family] = hop.length === 4 ? AF_INET : AF_INET6;
    p.write(OFF.dst, hop);
  }
  if (!(p.flags & FLAG.SKIP_NEIGH) && !neighbour(k, p, out, hop)) return RESULT.NO_NEIGH;
  p.setU32(OFF.tbid, 0);
  return RESULT.SUCCESS;
}
function neighbour(k: SimKernel, p: Params, out: Nic, hop: Uint8Array): boolean {
  const found = k.objects.routes.neighbour(out.ifindex, hop);
  if (!found) return false;
  p.write(OFF.dmac, found.mac);
  p.write(OFF.smac, out.mac);
  return true;
}

export const FIB_HELPERS: HelperTable = { 69: fibLookup };
