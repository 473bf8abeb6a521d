// Capture files: packets out of a pcap or pcapng stream, piece by piece, and into a pcap file. It knows no protocols and reads no files.
import { CodedError } from "../base/index.ts";

const MAGIC = 0xa1b2c3d4,
  MAGIC_NS = 0xa1b23c4d,
  NEXT_GENERATION = 0x0a0d0d0a;
const LINKTYPE_ETHERNET = 1;
const MICROSECONDS = 1_000_000n;
/** No record or block of a capture is larger; what says so is broken. */
const MOST_BYTES = 1 << 26;

/** Takes a capture in pieces of any size and gives its packets; it holds no more than one record. */
export class PcapReader {
  #rest = new Uint8Array(0);
  #offset = 0;
  #format: "pcap" | "pcapng" | undefined;
  #little = true;
  /** Nanoseconds of the unit that a classic record's fraction counts in. */
  #fractionNs = 1000;
  /** Ticks a second of each interface of a pcapng file. */
  #ticks: bigint[] = [];
  #seconds = 0;
  #nanos = 0;
  #first: { readonly seconds: number; readonly nanos: number } | undefined;

  /** When the packet given last was captured, in nanoseconds since the first one; negative when it was before that. Exact for 100 days. */
  get sinceFirstNs(): number {
    return this.#first ? (this.#seconds - this.#first.seconds) * 1e9 + this.#nanos - this.#first.nanos : 0;
  }

  /** Packets that are complete with this piece. They are views that stay good only until the next call. Throws CodedError `pcap-format`. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    let bytes = piece;
    if (this.#rest.length) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = this.#format ? 0 : this.#begin(view);
    while (this.#format) {
      const size = this.#sizeAt(view, at);
      if (size === undefined || at + size > bytes.length) break;
      const packet = this.#packetIn(view, at, size);
      if (packet) {
        this.#first ??= { seconds: this.#seconds, nanos: this.#nanos };
        yield packet;
      }
      at += size;
    }
    this.#offset += at;
    this.#rest = bytes.slice(at);
  }
  /** Call after the last piece. Throws CodedError `pcap-truncated` when a record was cut, `pcap-format` when it was no capture. */
  end(): void {
    if (!this.#format) throw new CodedError("pcap-format", "this is neither a pcap nor a pcapng file");
    if (this.#rest.length) throw new CodedError("pcap-truncated", `pcap: the file ends inside a record (offset ${this.#offset})`);
  }

  /** Finds out the format; bytes of the file's header that are passed over. */
  #begin(view: DataView): number {
    if (view.byteLength < 4) return 0;
    const magic = view.getUint32(0, true);
    if (magic === NEXT_GENERATION) {
      if (view.byteLength < 12) return 0;
      this.#format = "pcapng";
      this.#little = view.getUint32(8, true) === 0x1a2b3c4d;
      return 0;
    }
    const swapped = view.getUint32(0, false);
    this.#little = magic === MAGIC || magic === MAGIC_NS;
    if (!this.#little && swapped !== MAGIC && swapped !== MAGIC_NS)
      throw new CodedError("pcap-format", "this is neither a pcap nor a pcapng file");
    if (view.byteLength < 24) return 0;
    if (magic === MAGIC_NS || swapped === MAGIC_NS) this.#fractionNs = 1;
    this.#format = "pcap";
    return 24;
  }
  /** Bytes of the record or block at `at`; undefined while its head is not there. */
  #sizeAt(view: DataView, at: number): number | undefined {
    const isClassic = this.#format === "pcap";
    if (at + (isClassic ? 16 : 8) > view.byteLength) return undefined;
    const size = isClassic ? 16 + view.getUint32(at + 8, this.#little) : view.getUint32(at + 4, this.#little);
    if (size > MOST_BYTES || (!isClassic && (size < 12 || size % 4)))
      throw new CodedError("pcap-format", `pcap: offset ${this.#offset + at}: a record of ${size} bytes`);
    return size;
  }
  #packetIn(view: DataView, at: number, size: number): Uint8Array | undefined {
    const bytes = (from: number, length: number): Uint8Array => {
      if (length > size - (from - at))
        throw new CodedError("pcap-format", `pcap: offset ${this.#offset + at}: a packet longer than its record`);
      return new Uint8Array(view.buffer, view.byteOffset + from, length);
    };
    const word = (from: number): number => view.getUint32(from, this.#little);
    if (this.#format === "pcap") {
      this.#seconds = word(at);
      this.#nanos = word(at + 4) * this.#fractionNs;
      return bytes(at + 16, size - 16);
    }
    const type = word(at);
    if (type === NEXT_GENERATION) this.#ticks = [];
    if (type === 1 && size >= 20) this.#ticks.push(this.#resolution(view, at + 16, at + size - 4));
    if (type === 6 && size >= 32) this.#stamp(word(at + 8), (BigInt(word(at + 12)) << 32n) | BigInt(word(at + 16)));
    if (type === 6 && size >= 32) return bytes(at + 28, view.getUint32(at + 20, this.#little));
    if (type === 3 && size >= 16) return bytes(at + 12, Math.min(view.getUint32(at + 8, this.#little), size - 16));
    return undefined;
  }
  #stamp(device: number, time: bigint): void {
    const ticks = this.#ticks[device] ?? MICROSECONDS;
    this.#seconds = Number(time / ticks);
    this.#nanos = Number(((time % ticks) * 1_000_000_000n) / ticks);
  }
  /** Ticks a second by the option if_tsresol of an interface's block; microseconds without one. */
  #resolution(view: DataView, from: number, end: number): bigint {
    for (let at = from; at + 5 <= end;) {
      const code = view.getUint16(at, this.#little),
        length = view.getUint16(at + 2, this.#little);
      if (code === 0) break;
      if (code === 9) {
        const power = view.getUint8(at + 4);
        return power & 0x80 ? 1n << BigInt(power & 0x7f) : 10n ** BigInt(power);
      }
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return MICROSECONDS;
  }
}

/** Packets of a capture with their times in nanoseconds since the first. Throws as {@link packetsOf}. */
export function timedPacketsOf(bytes: Uint8Array): { readonly packet: Uint8Array; readonly atNs: bigint }[] {
  const reader = new PcapReader();
  const packets: { packet: Uint8Array; atNs: bigint }[] = [];
  for (const packet of reader.push(bytes)) packets.push({ packet, atNs: BigInt(Math.max(0, reader.sinceFirstNs)) });
  reader.end();
  return packets;
}

/** All packets of a capture. Throws CodedError `pcap-format` and `pcap-truncated`. */
export function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new PcapReader();
  const packets = [...reader.push(bytes)];
  reader.end();
  return packets;
}

/** The head of a pcap file of Ethernet frames. */
export function pcapHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 65535, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  return new Uint8Array(view.buffer);
}
/** A record with a packet; `seconds` is its time. */
export function pcapRecord(packet: Uint8Array, seconds: number): Uint8Array {
  const out = new Uint8Array(16 + packet.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, seconds, true);
  view.setUint32(8, packet.length, true);
  view.setUint32(12, packet.length, true);
  out.set(packet, 16);
  return out;
}
