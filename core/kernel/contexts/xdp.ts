// struct xdp_md over a simulated xdp_buff (net/core/filter.c, xdp_convert_ctx_access, 6.18). It runs no program.
import { type Memory, type Region, SHOWN } from "../../vm/index.ts";
import { FieldContext, fieldTable, narrow, pointer, type Field } from "./context.ts";
import { Packet, type PacketState } from "./packet.ts";

/** Room before the packet (XDP_PACKET_HEADROOM), size of a frame, and what skb_shared_info takes at its end. */
export const XDP_HEADROOM = 256,
  XDP_FRAME = 4096,
  SHARED_INFO = 320;
/** sizeof(struct xdp_frame), which keeps programs from using the start of the headroom. */
export const XDP_FRAME_STRUCT = 40;

/** Bytes that one fragment can have. */
export const FRAGMENT = 4096;
export interface XdpState {
  readonly packet: PacketState;
  readonly fragments: Region | undefined;
  readonly fragmentBytes: number;
}

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
  /** What does not fit in the first piece, one fragment after the other. */
  fragments: Region | undefined;
  fragmentBytes = 0;
  readonly #memory: Memory;

  constructor(memory: Memory, packet: Packet, from: { ifindex: number; queue: number }) {
    super(memory, "xdp_md", 24, TABLE);
    this.#memory = memory;
    this.packet = packet;
    this.ifindex = from.ifindex;
    this.queue = from.queue;
    packet.showAt(this.region.start + SHOWN);
    const shown = (off: number): number => this.region.start + SHOWN + 2 * off;
    for (const { off, get } of FIELDS) memory.view.setInt32(shown(off), get(this).lo, true);
    memory.markDirty(shown(0), 2 * 24);
  }
  /** Puts bytes behind the first piece. The region has room for fragments that grow. */
  setFragments(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.fragments = this.#memory.alloc("packet", "fragments of the packet", Math.ceil(bytes.length / FRAGMENT) * FRAGMENT);
    this.#memory.write(this.fragments.start, bytes);
    this.#resize(bytes.length);
  }
  #resize(bytes: number): void {
    this.fragmentBytes = bytes;
    if (this.fragments) this.#memory.setBounds(this.fragments, this.fragments.start, this.fragments.start + bytes);
  }
  /** Bytes of the whole packet. */
  get length(): number {
    return this.packet.length + this.fragmentBytes;
  }
  /** Copies bytes of the whole packet; they must lie inside. */
  bytes(off = 0, size = this.length): Uint8Array {
    const linear = this.packet.length;
    const first = this.#memory.read(this.packet.data + off, Math.max(0, Math.min(size, linear - off)));
    const out = new Uint8Array(size);
    out.set(first);
    if (first.length < size)
      out.set(this.#memory.read(this.fragments!.start + off + first.length - linear, size - first.length), first.length);
    return out;
  }
  store(off: number, bytes: Uint8Array): void {
    const first = Math.max(0, Math.min(bytes.length, this.packet.length - off));
    this.#memory.write(this.packet.data + off, bytes.subarray(0, first));
    if (first < bytes.length) this.#memory.write(this.fragments!.start + off + first - this.packet.length, bytes.subarray(first));
  }
  /** Address of bytes that lie in one piece, else 0 (bpf_xdp_pointer). */
  piece(off: number, size: number): number {
    const linear = this.packet.length;
    if (off + size <= linear) return this.packet.data + off;
    if (off < linear || !this.fragments) return 0;
    const at = off - linear;
    return Math.floor(at / FRAGMENT) === Math.floor((at + size - 1) / FRAGMENT) ? this.fragments.start + at : 0;
  }
  /** Makes the packet longer or shorter at the end of its fragments; false when that cannot be. */
  moveTail(delta: number): boolean {
    if (delta > 0) {
      const room = Math.ceil(this.fragmentBytes / FRAGMENT) * FRAGMENT - this.fragmentBytes;
      if (delta > room) return false;
      const end = this.fragments!.start + this.fragmentBytes;
      this.#memory.write(end, new Uint8Array(delta));
      this.#resize(this.fragmentBytes + delta);
      return true;
    }
    if (this.length + delta < 14) return false;
    const fromFragments = Math.min(-delta, this.fragmentBytes);
    this.#resize(this.fragmentBytes - fromFragments);
    this.packet.end += delta + fromFragments;
    this.packet.sync();
    return true;
  }
  /** Moves bytes of the fragments into the first piece until that has `length`; false without room (bpf_xdp_pull_data). */
  pull(length: number): boolean {
    const { packet } = this;
    const delta = length - packet.length;
    if (delta <= 0) return true;
    if (delta > this.fragmentBytes) return false;
    const room = packet.head + XDP_FRAME - SHARED_INFO - packet.end;
    const shift = Math.max(0, delta - room);
    const start = Math.min(packet.meta, packet.data);
    if (start - shift < packet.head + XDP_FRAME_STRUCT) return false;
    const moved = this.#memory.read(start, packet.end - start);
    const pulled = this.#memory.read(this.fragments!.start, delta);
    const rest = this.#memory.read(this.fragments!.start + delta, this.fragmentBytes - delta);
    packet.meta -= shift;
    packet.data -= shift;
    packet.end += delta - shift;
    packet.sync();
    this.#memory.write(start - shift, moved);
    this.#memory.write(packet.end - delta, pulled);
    this.#memory.write(this.fragments!.start, rest);
    this.#resize(rest.length);
    return true;
  }
  save(): XdpState {
    return { packet: this.packet.save(), fragments: this.fragments, fragmentBytes: this.fragmentBytes };
  }
  restore(s: XdpState): void {
    this.packet.restore(s.packet);
    this.fragments = s.fragments;
    this.fragmentBytes = s.fragmentBytes;
  }
  protected target(): XdpFields {
    return this;
  }
}
