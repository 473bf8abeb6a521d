// A message of sk_msg programs: bytes in one piece, and struct sk_msg_md that shows them. It knows no socket.
import { KERNEL_HI, type Memory, type Region } from "../../vm/index.ts";
import { Packet, type PacketState } from "./packet.ts";

/** Places of data, data_end and size in struct sk_msg_md. */
const DATA = 0,
  DATA_END = 8,
  SIZE = 68;
/** Room for what a program inserts. */
const ROOM = 65536;

export class Message {
  readonly packet: Packet;
  readonly #ctx: Region;
  readonly #memory: Memory;
  constructor(memory: Memory, bytes: Uint8Array, ctx: Region) {
    this.#memory = memory;
    this.#ctx = ctx;
    this.packet = new Packet(memory, bytes, { head: 0, tail: ROOM });
    this.show(0, bytes.length);
  }
  /** Makes bytes [start, end) what the context shows. */
  show(start: number, end: number): void {
    this.#pointer(DATA, this.packet.data + start);
    this.#pointer(DATA_END, this.packet.data + end);
    this.#memory.view.setUint32(this.#ctx.start + SIZE, this.packet.length, true);
    this.#memory.markDirty(this.#ctx.start, SIZE + 4);
  }
  #pointer(off: number, at: number): void {
    this.#memory.view.setUint32(this.#ctx.start + off, at, true);
    this.#memory.view.setInt32(this.#ctx.start + off + 4, KERNEL_HI, true);
  }
  /** Makes room of zeros at `start`; false when there is none. */
  insert(start: number, length: number): boolean {
    const { packet } = this;
    if (packet.end + length > packet.limit) return false;
    const from = packet.data + start;
    this.#memory.u8.copyWithin(from + length, from, packet.end);
    this.#memory.u8.fill(0, from, from + length);
    this.#resize(packet.end + length);
    return true;
  }
  remove(start: number, length: number): void {
    const from = this.packet.data + start;
    this.#memory.u8.copyWithin(from, from + length, this.packet.end);
    this.#resize(this.packet.end - length);
  }
  #resize(end: number): void {
    this.#memory.markDirty(this.packet.data, Math.max(end, this.packet.end) - this.packet.data);
    this.packet.end = end;
    this.packet.sync();
    this.show(0, this.packet.length);
  }
  save(): PacketState {
    return this.packet.save();
  }
  restore(state: PacketState): void {
    this.packet.restore(state);
  }
}
