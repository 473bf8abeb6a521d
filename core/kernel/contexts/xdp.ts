// struct xdp_md over a simulated xdp_buff (net/core/filter.c, xdp_convert_ctx_access, 6.18). It runs no program.
import type { Memory } from "../../vm/index.ts";
import { FieldContext, fieldTable, narrow, pointer, type Field } from "./context.ts";
import { Packet } from "./packet.ts";

/** Room before the packet (XDP_PACKET_HEADROOM), size of a frame, and what skb_shared_info takes at its end. */
export const XDP_HEADROOM = 256,
  XDP_FRAME = 4096,
  SHARED_INFO = 320;
/** sizeof(struct xdp_frame), which keeps programs from using the start of the headroom. */
export const XDP_FRAME_STRUCT = 40;

interface XdpFields {
  readonly packet: Packet;
  readonly ifindex: number;
  readonly queue: number;
  readonly egress: number;
}

const FIELDS: readonly Field<XdpFields>[] = [
  { name: "data", off: 0, size: 4, get: (x) => pointer(x.packet.data) },
  { name: "data_end", off: 4, size: 4, get: (x) => pointer(x.packet.end) },
  { name: "data_meta", off: 8, size: 4, get: (x) => pointer(x.packet.meta) },
  { name: "ingress_ifindex", off: 12, size: 4, get: (x) => narrow(x.ifindex) },
  { name: "rx_queue_index", off: 16, size: 4, get: (x) => narrow(x.queue) },
  { name: "egress_ifindex", off: 20, size: 4, get: (x) => narrow(x.egress) },
];
const TABLE = fieldTable(FIELDS);

/** An XDP buff and the context that programs see. */
export class XdpContext extends FieldContext<XdpFields> implements XdpFields {
  readonly packet: Packet;
  readonly ifindex: number;
  readonly queue: number;
  readonly egress = 0;

  constructor(memory: Memory, packet: Packet, from: { ifindex: number; queue: number }) {
    super(memory, "xdp_md", 24, TABLE);
    this.packet = packet;
    this.ifindex = from.ifindex;
    this.queue = from.queue;
  }
  protected target(): XdpFields {
    return this;
  }
}
