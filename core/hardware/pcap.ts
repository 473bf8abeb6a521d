// Capture files: packets out of a pcap or pcapng stream, piece by piece, and into a pcap file. It knows no protocols and reads no files.
import { CodedError } from "../base/index.ts";

const MAGIC = 0xa1b2c3d4,
  MAGIC_NS = 0xa1b23c4d,
  NEXT_GENERATION = 0x0a0d0d0a;
const LINKTYPE_ETHERNET = 1;
const MICROSECONDS = 1_000_000n;
/** No record or block of a capture is larger; what says so is broken. */
const MOST_BYTES = 1 << 26;

/** Bytes that are looked at through a view which may be another one after each packet. */
export interface ByteSource {
  readonly view: DataView;
}

/** Takes a capture in pieces of any size and gives its packets; it holds no more than one record. */
export class PcapReader {
  /** Offset in the file of what is looked at next. */
  #offset = 0;
  /** Bytes that there are of the record there, from the last piece. */
  #left = 0;
  #format: "pcap" | "pcapng" | undefined;
  #little = true;
  #length = 0;
  #wanted = 0;
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

  /**
   * Gives `take` place and length of each packet whose record lies whole in bytes [from, end) of the source; where the first record begins that does not,
   * from which the next call goes on. Throws CodedError `pcap-format`.
   */
  scan(source: ByteSource, from: number, end: number, take: (at: number, length: number) => void): number {
    let at = from;
    this.#wanted = 0;
    if (!this.#format) at = this.#skip(at, this.#begin(source.view, from, end));
    while (this.#format) {
      const size = this.#sizeAt(source.view, at, end);
      if (size === 0) break;
      if (at + size > end) {
        this.#wanted = size;
        break;
      }
      const packet = this.#packetIn(source.view, at, size);
      if (packet) {
        this.#first ??= { seconds: this.#seconds, nanos: this.#nanos };
        take(packet, this.#length);
      }
      at = this.#skip(at, size);
    }
    this.#left = end - at;
    return at;
  }
  /** Bytes of the record at which the last scan ended, where that is known; else 0. */
  get wanted(): number {
    return this.#wanted;
  }
  #skip(at: number, bytes: number): number {
    this.#offset += bytes;
    return at + bytes;
  }
  /** Call after the last piece. Throws CodedError `pcap-truncated` when a record was cut, `pcap-format` when it was no capture. */
  end(): void {
    if (!this.#format) throw new CodedError("pcap-format", "this is neither a pcap nor a pcapng file");
    if (this.#left) throw new CodedError("pcap-truncated", `pcap: the file ends inside a record (offset ${this.#offset})`);
  }

  /** Finds out the format; bytes of the file's header that are passed over. */
  #begin(view: DataView, at: number, end: number): number {
    if (end - at < 4) return 0;
    const magic = view.getUint32(at, true);
    if (magic === NEXT_GENERATION) {
      if (end - at < 12) return 0;
      this.#format = "pcapng";
      this.#little = view.getUint32(at + 8, true) === 0x1a2b3c4d;
      return 0;
    }
    const swapped = view.getUint32(at, false);
    this.#little = magic === MAGIC || magic === MAGIC_NS;
    if (!this.#little && swapped !== MAGIC && swapped !== MAGIC_NS)
      throw new CodedError("pcap-format", "this is neither a pcap nor a pcapng file");
    if (end - at < 24) return 0;
    if (magic === MAGIC_NS || swapped === MAGIC_NS) this.#fractionNs = 1;
    this.#format = "pcap";
    return 24;
  }
  /** Bytes of the record or block at `at`; 0 while its head is not there. */
  #sizeAt(view: DataView, at: number, end: number): number {
    const isClassic = this.#format === "pcap";
    if (at + (isClassic ? 16 : 8) > end) return 0;
    const size = isClassic ? 16 + view.getUint32(at + 8, this.#little) : view.getUint32(at + 4, this.#little);
    if (size > MOST_BYTES || (!isClassic && (size < 12 || size % 4)))
      throw new CodedError("pcap-format", `pcap: offset ${this.#offset}: a record of ${size} bytes`);
    return size;
  }
  /** Where the packet in a record begins, its length being #length; 0 when the record holds none. */
  #packetIn(view: DataView, at: number, size: number): number {
    const bytes = (from: number, length: number): number => {
      if (length > size - from) throw new CodedError("pcap-format", `pcap: offset ${this.#offset}: a packet longer than its record`);
      this.#length = length;
      return at + from;
    };
    const word = (from: number): number => view.getUint32(at + from, this.#little);
    if (this.#format === "pcap") {
      this.#seconds = word(0);
      this.#nanos = word(4) * this.#fractionNs;
      return bytes(16, size - 16);
    }
    const type = word(0);
    if (type === NEXT_GENERATION) this.#ticks = [];
    if (type === 1 && size >= 20) this.#ticks.push(this.#resolution(view, at + 16, at + size - 4));
    if (type === 6 && size >= 32) {
      this.#stamp(word(8), (BigInt(word(12)) << 32n) | BigInt(word(16)));
      return bytes(28, word(20));
    }
    if (type === 3 && size >= 16) return bytes(12, Math.min(word(8), size - 16));
    return 0;
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

/** Packets of a capture with their times in nanoseconds since the first. Throws CodedError `pcap-format` and `pcap-truncated`. */
export function timedPacketsOf(bytes: Uint8Array): { readonly packet: Uint8Array; readonly atNs: bigint }[] {
  const reader = new PcapReader();
  const packets: { packet: Uint8Array; atNs: bigint }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  reader.scan({ view }, 0, bytes.length, (at, length) =>
    packets.push({ packet: bytes.subarray(at, at + length), atNs: BigInt(Math.max(0, reader.sinceFirstNs)) }),
  );
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
