// The kernel's own structures behind packets: sk_buff, xdp_buff, nf_hook_state, laid out by its BTF. They are copies for reading; programs change packets by helpers.
import type { Region } from "../../vm/index.ts";
import type { SimKernel } from "../kernel.ts";
import { keepForRun, type RunState } from "../run-state.ts";
import { addressOf } from "../objects/index.ts";
import { XDP_FRAME, type XdpContext } from "./xdp.ts";
import type { SkBuff } from "./skb.ts";

function device(kernel: SimKernel, state: RunState, ifindex: number): Region | undefined {
  const nic = kernel.hardware.nic(ifindex);
  const { store } = kernel.objects;
  return (
    nic && store.fill(keepForRun(state, store.make("net_device")), "net_device", { ifindex: nic.ifindex, name: nic.name, mtu: nic.mtu })
  );
}
/** struct sk_buff of a packet. */
export function kernelSkb(kernel: SimKernel, state: RunState, skb: SkBuff): Region {
  const { store } = kernel.objects;
  const dev = device(kernel, state, skb.ifindex);
  const off = (at: number): number => Math.max(0, at - skb.packet.head);
  return store.fill(keepForRun(state, store.make("sk_buff", { owner: skb })), "sk_buff", {
    len: skb.length,
    mark: skb.mark,
    priority: skb.priority,
    hash: skb.hash,
    protocol: skb.protocol,
    vlan_proto: skb.vlanProto,
    vlan_tci: skb.vlanTci,
    queue_mapping: skb.queueMapping,
    skb_iif: skb.ingressIfindex,
    tstamp: skb.tstamp,
    head: addressOf(skb.packet.head),
    data: addressOf(skb.packet.data),
    tail: off(skb.packet.end),
    end: off(skb.packet.limit),
    mac_header: off(skb.macHeader),
    network_header: off(skb.networkHeader),
    transport_header: off(skb.transportHeader),
    ...(dev ? { dev } : {}),
  });
}
/** struct xdp_buff of a packet. */
export function kernelXdp(kernel: SimKernel, state: RunState, xdp: XdpContext): Region {
  const { store } = kernel.objects;
  const dev = device(kernel, state, xdp.ifindex);
  const queue = store.fill(keepForRun(state, store.make("xdp_rxq_info")), "xdp_rxq_info", {
    queue_index: xdp.queue,
    ...(dev ? { dev } : {}),
  });
  return store.fill(keepForRun(state, store.make("xdp_buff", { owner: xdp })), "xdp_buff", {
    data: addressOf(xdp.packet.data),
    data_end: addressOf(xdp.packet.end),
    data_meta: addressOf(xdp.packet.meta),
    data_hard_start: addressOf(xdp.packet.head),
    frame_sz: XDP_FRAME,
    rxq: queue,
  });
}
/** struct nf_hook_state of a hook (NF_INET_*) of a protocol family (NFPROTO_*). */
export function hookState(kernel: SimKernel, state: RunState, family: number, hook: number): Region {
  const { store } = kernel.objects;
  return store.fill(keepForRun(state, store.make("nf_hook_state")), "nf_hook_state", { pf: family, hook });
}
