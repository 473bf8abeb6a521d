// Helpers on the metadata of tunnels (net/core/filter.c, bpf_skb_{get,set}_tunnel_*, 6.18). They encapsulate nothing.
import type { Machine } from "../../vm/index.ts";
import type { Tunnel } from "../contexts/skb.ts";
import { EINVAL, ENOENT, ENOMEM, EPROTO } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { bytesArg, putArg, skbOf, room } from "./args.ts";
import type { HelperTable } from "./types.ts";

/**
 * struct bpf_tunnel_key:
 * ```
 *  0   4           20   21   22         24     28          44
 *  id  remote (16) tos  ttl  ext/flags  label  local (16)
 * ```
 */
const KEY_BYTES = 44,
  WITHOUT_LOCAL = 28,
  WITHOUT_LABEL = 24,
  WITHOUT_EXT = 22,
  ONLY_IPV4 = 8;
const IPV6 = 1n,
  TUNINFO_FLAGS = 16n;
const SET_ALL = 31n,
  ZERO_CSUM = 2n,
  DONT_FRAGMENT = 4n,
  SEQ_NUMBER = 8n,
  NO_KEY = 16n;
/** IP_TUNNEL_*_BIT masks of the flags that a program can set. */
const BIT_CSUM = 1,
  BIT_SEQ = 8,
  BIT_KEY = 4,
  BIT_DF = 256,
  BIT_NOCACHE = 0x2000;
const MOST_OPTIONS = 255;

function getKey(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3),
    flags = vm.u64(4);
  const { tunnel } = skbOf(k);
  const clear = (errno: number): void => {
    putArg(vm, 2, room(vm, 2, size));
    vm.ret(-errno);
  };
  if (!tunnel || flags & ~(IPV6 | TUNINFO_FLAGS)) return clear(EINVAL);
  const isV6 = (flags & IPV6) !== 0n;
  if ((tunnel.source.length === 16) !== isV6) return clear(EPROTO);
  const sizes = [KEY_BYTES, WITHOUT_LOCAL, WITHOUT_LABEL, WITHOUT_EXT, ...(isV6 ? [] : [ONLY_IPV4])];
  if (!sizes.includes(size)) return clear(EINVAL);
  const out = new Uint8Array(KEY_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(0, tunnel.id, true);
  out.set(tunnel.source, 4);
  out[20] = tunnel.tos;
  out[21] = tunnel.ttl;
  if (flags & TUNINFO_FLAGS) view.setUint16(22, tunnel.flags, true);
  if (isV6) view.setUint32(24, tunnel.label, true);
  out.set(tunnel.destination, 28);
  putArg(vm, 2, out.subarray(0, size));
  vm.ret(0);
}
function setKey(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3),
    flags = vm.u64(4);
  const given = bytesArg(vm, 2, size);
  const isV6 = (flags & IPV6) !== 0n;
  if (flags & ~SET_ALL || ![KEY_BYTES, WITHOUT_LOCAL, WITHOUT_LABEL, WITHOUT_EXT, ONLY_IPV4].includes(size)) return vm.ret(-EINVAL);
  const key = new Uint8Array(KEY_BYTES);
  key.set(given);
  const view = new DataView(key.buffer);
  const label = view.getUint32(24, true);
  if ((!isV6 && label) || view.getUint16(22, true)) return vm.ret(-EINVAL);
  const length = isV6 ? 16 : 4;
  const bits = (flags & DONT_FRAGMENT ? BIT_DF : 0) | (flags & ZERO_CSUM ? 0 : BIT_CSUM) | (flags & SEQ_NUMBER ? BIT_SEQ : 0);
  const tunnel: Tunnel = {
    id: view.getUint32(0, true),
    source: key.slice(28, 28 + length),
    destination: key.slice(4, 4 + length),
    tos: key[20]!,
    ttl: key[21]!,
    label: isV6 ? label & 0xfffff : 0,
    flags: bits | (flags & NO_KEY ? 0 : BIT_KEY) | BIT_NOCACHE,
    own: true,
  };
  skbOf(k).tunnel = tunnel;
  vm.ret(0);
}
function getOptions(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const options = skbOf(k).tunnel?.options;
  const out = room(vm, 2, size);
  const error = !options ? -ENOENT : size < options.length ? -ENOMEM : 0;
  if (!error) out.set(options!);
  putArg(vm, 2, out);
  vm.ret(error || options!.length);
}
function setOptions(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const skb = skbOf(k);
  if (!skb.tunnel?.own || size & 3) return vm.ret(-EINVAL);
  if (size > MOST_OPTIONS) return vm.ret(-ENOMEM);
  skb.tunnel = { ...skb.tunnel, options: bytesArg(vm, 2, size) };
  vm.ret(0);
}

export const TUNNEL_HELPERS: HelperTable = { 20: getKey, 21: setKey, 29: getOptions, 30: setOptions };
