// The bytes of a packet in the machine's memory, with room before and after. It knows no protocol.
import type { Memory, Region } from "../../vm/index.ts";

export interface PacketState {
  readonly region: Region;
  readonly limit: number;
  readonly data: number;
  readonly end: number;
  readonly meta: number;
}

/** A linear packet: [head ... meta | data ... end ... limit). All members but the region are offsets in linear memory. */
export class Packet {
  readonly memory: Memory;
  region: Region;
  limit: number;
  data: number;
  end: number;
  meta: number;

  constructor(memory: Memory, bytes: Uint8Array, room: { head: number; tail: number }) {
    this.memory = memory;
    const size = room.head + bytes.length + room.tail;
    this.region = memory.alloc("packet", "packet", size);
    this.limit = this.region.start + size;
    this.data = this.meta = this.region.start + room.head;
    this.end = this.data + bytes.length;
    memory.write(this.data, bytes);
    this.sync();
  }
  /** Holds another packet from now on, `head` bytes after the start of the room. */
  refill(head: number, bytes: Uint8Array): void {
    this.data = this.meta = this.region.start + head;
    this.end = this.data + bytes.length;
    this.memory.write(this.data, bytes);
    this.sync();
  }
  get head(): number {
    return this.region.allocStart;
  }
  get length(): number {
    return this.end - this.data;
  }
  /** Makes exactly [meta, end) accessible. */
  sync(): void {
    this.memory.setBounds(this.region, Math.min(this.meta, this.data), this.end);
  }
  /** Moves the packet to a larger place with `head` and `tail` bytes around it; how far its addresses moved (pskb_expand_head). */
  expand(head: number, tail: number): number {
    const bytes = this.bytes();
    const meta = this.data - this.meta;
    const size = head + bytes.length + tail;
    const old = this.data;
    this.memory.free(this.region);
    this.region = this.memory.alloc("packet", "packet", size);
    this.limit = this.region.start + size;
    this.data = this.region.start + head;
    this.meta = this.data - meta;
    this.end = this.data + bytes.length;
    this.memory.write(this.data, bytes);
    this.sync();
    return this.data - old;
  }
  bytes(): Uint8Array {
    return this.memory.read(this.data, this.length);
  }
  save(): PacketState {
    return { region: this.region, limit: this.limit, data: this.data, end: this.end, meta: this.meta };
  }
  restore(s: PacketState): void {
    this.region = s.region;
    this.limit = s.limit;
    this.data = s.data;
    this.end = s.end;
    this.meta = s.meta;
  }
}
