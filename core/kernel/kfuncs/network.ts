// Kfuncs on what network devices and IPsec know of a packet (net/core/xdp.c, net/xfrm/xfrm_state_bpf.c, 6.18).
import type { Machine } from "../../vm/index.ts";
import { EINVAL, ENODATA, ENOENT, EOPNOTSUPP } from "../errno.ts";
import { xdpOf } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

function put(vm: Machine, reg: number, size: number, value: bigint): void {
  const at = vm.argMem(reg, size, true);
  for (let i = 0; i < size; i++) vm.memory.u8[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  vm.memory.markDirty(at, size);
}
const meta = (k: SimKernel) => k.run.hook.rxMetadata;

function rxHash(k: SimKernel, vm: Machine): void {
  const hash = meta(k)?.hash;
  if (hash === undefined) return retInt(vm, meta(k) ? -ENODATA : -EOPNOTSUPP);
  put(vm, 2, 4, BigInt(hash));
  put(vm, 3, 4, BigInt(meta(k)!.hashType ?? 0));
  retInt(vm, 0);
}
function rxTimestamp(k: SimKernel, vm: Machine): void {
  const timestamp = meta(k)?.timestamp;
  if (timestamp === undefined) return retInt(vm, meta(k) ? -ENODATA : -EOPNOTSUPP);
  put(vm, 2, 8, timestamp);
  retInt(vm, 0);
}
function rxVlan(k: SimKernel, vm: Machine): void {
  const tci = meta(k)?.vlanTci;
  if (tci === undefined) return retInt(vm, meta(k) ? -ENODATA : -EOPNOTSUPP);
  const proto = meta(k)!.vlanProto ?? 0x8100;
  put(vm, 2, 2, BigInt(((proto & 255) << 8) | (proto >> 8)));
  put(vm, 3, 2, BigInt(tci));
  retInt(vm, 0);
}
function pullData(k: SimKernel, vm: Machine): void {
  retInt(vm, xdpOf(k).pull(vm.u32(2)) ? 0 : -EINVAL);
}
/** bpf_xdp_get_xfrm_state: there is no IPsec state; the error goes into the first word of struct bpf_xfrm_state_opts. */
function xfrmState(_k: SimKernel, vm: Machine): void {
  put(vm, 2, 4, BigInt.asUintN(32, BigInt(-ENOENT)));
  vm.retPtr(0);
}

export const NETWORK_KFUNCS: KfuncTable = {
  bpf_xdp_metadata_rx_hash: rxHash,
  bpf_xdp_metadata_rx_timestamp: rxTimestamp,
  bpf_xdp_metadata_rx_vlan_tag: rxVlan,
  bpf_xdp_pull_data: pullData,
  bpf_xdp_get_xfrm_state: xfrmState,
  bpf_xdp_xfrm_state_release: () => {},
};
