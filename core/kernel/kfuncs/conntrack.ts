// Kfuncs on tracked connections (net/netfilter/nf_conntrack_bpf.c, nf_nat_bpf.c, 6.18).
import { trap, type Machine } from "../../vm/index.ts";
import { EAFNOSUPPORT, EBUSY, EEXIST, EINVAL, ENOENT, ENOMEM, ENONET, EPROTO } from "../errno.ts";
import { bytesArg, pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import type { CtEntry, CtTuple } from "../objects/index.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** Places in struct bpf_ct_opts, and its two sizes. */
const OPT = { netns: 0, error: 4, protocol: 8, direction: 9, zone: 10, zoneDirection: 12, reserved: 13 } as const;
const OPTS_BYTES = 16,
  OLD_OPTS_BYTES = 12;

const IPS_CONFIRMED = 8,
  IPS_SEEN_REPLY = 2,
  IPS_ASSURED = 4,
  IPS_UNCHANGEABLE = 0x7fff & ~(IPS_SEEN_REPLY | IPS_ASSURED | 0x2000);

/** The tuple and zone that a call is about, or a negative errno; the errors come in the kernel's order. */
function asked(vm: Machine): { tuple: CtTuple; zone: number; opts: number } | number {
  const size = vm.u32(5);
  const opts = vm.argMem(4, size, true);
  const { u8, view } = vm.memory;
  if (size !== OPTS_BYTES && size !== OLD_OPTS_BYTES) return -EINVAL;
  const zone = view.getUint16(opts + OPT.zone, true);
  const reserved = size === OPTS_BYTES ? [0, 1, 2].some((i) => u8[opts + OPT.reserved + i] !== 0) : zone !== 0;
  if (reserved) return -EINVAL;
  const protocol = u8[opts + OPT.protocol]!;
  if (protocol !== 6 && protocol !== 17) return -EPROTO;
  const netns = view.getInt32(opts + OPT.netns, true);
  if (netns < -1) return -EINVAL;
  const length = { 12: 4, 36: 16 }[vm.u32(3)];
  if (length === undefined) return -EAFNOSUPPORT;
  if (netns >= 0) return -ENONET;
  const bytes = bytesArg(vm, 2, vm.u32(3));
  const port = (at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
  const tuple = {
    protocol,
    source: bytes.slice(0, length),
    destination: bytes.slice(length, 2 * length),
    sourcePort: port(2 * length),
    destinationPort: port(2 * length + 2),
  };
  return { tuple, zone: size === OPTS_BYTES ? zone : 0, opts };
}
/** NULL with the error where the options keep it. */
function refuse(vm: Machine, error: number): void {
  if (vm.u32(5) >= OPT.error + 4) {
    vm.memory.view.setInt32(vm.u32(4) + OPT.error, error, true);
    vm.memory.markDirty(vm.u32(4), OPTS_BYTES);
  }
  vm.retPtr(0);
}
function lookup(k: SimKernel, vm: Machine): void {
  const query = asked(vm);
  if (typeof query === "number") return refuse(vm, query);
  const found = k.objects.conntrack.find(query.tuple, query.zone);
  if (!found) return refuse(vm, -ENOENT);
  vm.memory.u8[query.opts + OPT.direction] = found.direction;
  vm.memory.markDirty(query.opts, OPTS_BYTES);
  vm.retPtr(found.entry.region.start);
}
const DEFAULT_TIMEOUT_MS = 10_000;
function alloc(k: SimKernel, vm: Machine): void {
  const query = asked(vm);
  if (typeof query === "number") return refuse(vm, query);
  const entry = k.objects.conntrack.create(query.tuple, query.zone, DEFAULT_TIMEOUT_MS);
  if (!entry) return refuse(vm, -ENOMEM);
  vm.retPtr(entry.region.start);
}
const entryArg = (k: SimKernel, vm: Machine): CtEntry =>
  k.objects.conntrack.at(pointerArg(vm, 1)) ?? trap("bad-argument", "R1 of the call is no connection of this machine");

function insert(k: SimKernel, vm: Machine): void {
  const entry = entryArg(k, vm);
  if (k.objects.conntrack.find(entry.tuple, entry.zone)) return vm.retPtr(0);
  vm.retPtr(k.objects.conntrack.change(entry, { inserted: true, status: entry.status | IPS_CONFIRMED }).region.start);
}
const setTimeout = (k: SimKernel, vm: Machine): void => void k.objects.conntrack.change(entryArg(k, vm), { timeoutMs: vm.u32(2) });
/** Bits may be added to what a connection is, and only some (nf_ct_change_status_common). */
function setStatus(k: SimKernel, vm: Machine): void {
  const entry = entryArg(k, vm);
  const status = vm.u32(2);
  const changed = entry.status ^ status;
  if (changed & (IPS_UNCHANGEABLE & ~IPS_CONFIRMED)) return retInt(vm, -EBUSY);
  if (changed & IPS_SEEN_REPLY && !(status & IPS_SEEN_REPLY)) return retInt(vm, -EBUSY);
  if (changed & IPS_ASSURED && !(status & IPS_ASSURED)) return retInt(vm, -EBUSY);
  k.objects.conntrack.change(entry, { status: entry.status | (status & ~IPS_UNCHANGEABLE) });
  retInt(vm, 0);
}
/** NF_NAT_MANIP_SRC 0, _DST 1. */
function natInfo(k: SimKernel, vm: Machine): void {
  const entry = entryArg(k, vm);
  const manip = vm.u32(4);
  if (manip > 1) return retInt(vm, -EINVAL);
  const done = manip === 0 ? 128 : 256;
  if (entry.status & done) return retInt(vm, -EEXIST);
  k.objects.conntrack.change(entry, { status: entry.status | done });
  retInt(vm, 0);
}

export const CONNTRACK_KFUNCS: KfuncTable = {
  bpf_xdp_ct_lookup: lookup,
  bpf_skb_ct_lookup: lookup,
  bpf_xdp_ct_alloc: alloc,
  bpf_skb_ct_alloc: alloc,
  bpf_ct_insert_entry: insert,
  bpf_ct_release: () => {},
  bpf_ct_set_timeout: setTimeout,
  bpf_ct_change_timeout: (k, vm) => {
    setTimeout(k, vm);
    retInt(vm, 0);
  },
  bpf_ct_set_status: setStatus,
  bpf_ct_change_status: setStatus,
  bpf_ct_set_nat_info: natInfo,
};
