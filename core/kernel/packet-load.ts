// Legacy loads from the packet, LD_ABS and LD_IND (net/core/filter.c, bpf_skb_load_helper_*, 6.18). It changes nothing.
import { type Machine, trap } from "../vm/index.ts";
import type { SimKernel } from "./kernel.ts";

const NET_OFF = -0x100000,
  LL_OFF = -0x200000;

/** Loads `size` bytes in network order at `off` of the packet into `vm.lo`; negative offsets count from the network or link header. */
export function packetLoad(kernel: SimKernel, vm: Machine, off: number, size: number): boolean {
  const { skb } = kernel.run;
  if (!skb) trap("unsupported-access", "a legacy packet load in a program without a socket buffer");
  let at = skb.packet.data + off;
  if (off < 0) {
    if (off >= NET_OFF) at = skb.networkHeader + off - NET_OFF;
    else if (off >= LL_OFF) at = skb.macHeader + off - LL_OFF;
    else return false;
    if (at < skb.packet.head) return false;
  }
  if (at + size > skb.packet.end) return false;
  const { view, u8 } = kernel.memory;
  vm.lo = size === 1 ? u8[at]! : size === 2 ? view.getUint16(at, false) : view.getInt32(at, false);
  return true;
}
