// The bytes of a packet in the machine's memory, with room before and after. It knows no protocol.
import { KERNEL_HI, type Memory, type Region } from "../../vm/index.ts";

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
  /** Where a context shows the addresses of data, end and meta to compiled code, 8 bytes each; 0 for nowhere. */
  #shownAt = 0;
  /** Nothing below it was ever accessible since the packet came. */
  #lowest = 0xffffffff;

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
  /** Holds from now on the packet of `length` bytes at offset `from` of linear memory, `head` bytes after the start of the room, which are zero. */
  refill(head: number, from: number, length: number): void {
    this.clear(head);
    this.end = this.data + length;
    this.memory.u8.copyWithin(this.data, from, from + length);
    this.memory.markDirty(this.data, length);
    this.sync();
  }
  /** Holds no bytes, `head` zeros after the start of the room. */
  clear(head: number): void {
    const data = this.region.start + head;
    if (this.#lowest < data) {
      this.memory.u8.fill(0, this.#lowest, data);
      this.memory.markDirty(this.#lowest, data - this.#lowest);
    }
    this.data = this.meta = this.end = this.#lowest = data;
  }
  /** Holds the packet that the context shows: compiled code has put it there. */
  takeShown(): void {
    const { i32 } = this.memory;
    const word = this.#shownAt >> 2;
    this.data = i32[word]!;
    this.end = i32[word + 2]!;
    this.meta = i32[word + 4]!;
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
    const first = Math.min(this.meta, this.data);
    if (first < this.#lowest) this.#lowest = first;
    this.memory.setBounds(this.region, first, this.end);
    if (!this.#shownAt) return;
    const { i32, dirty } = this.memory;
    const word = this.#shownAt >> 2;
    i32[word] = this.data;
    i32[word + 2] = this.end;
    i32[word + 4] = this.meta;
    dirty[this.#shownAt >>> 12] = dirty[(this.#shownAt + 20) >>> 12] = 1;
  }
  /** From now on the packet's addresses stand at `at` too. */
  showAt(at: number): void {
    this.#shownAt = at;
    for (let word = (at >> 2) + 1; word <= (at >> 2) + 5; word += 2) this.memory.i32[word] = KERNEL_HI;
    this.sync();
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
