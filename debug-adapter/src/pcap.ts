// Capture files: the packets of a pcap or pcapng file. It knows no protocols.
import { ByteReader, CodedError } from "../../core/base/index.ts";

/** All packets in order. Throws CodedError `pcap-format` and `pcap-truncated`. */
export function packetsOf(bytes: Uint8Array): Uint8Array[] {
  return [...packets(bytes)];
}
/** The packets one by one. */
export function* packets(bytes: Uint8Array): Generator<Uint8Array> {
  const magic = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
  if (magic === 0xa1b2c3d4 || magic === 0xa1b23c4d) yield* classic(new ByteReader(bytes, true, "pcap"));
  else if (magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1) yield* classic(new ByteReader(bytes, false, "pcap"));
  else if (magic === 0x0a0d0d0a) yield* nextGeneration(bytes);
  else throw new CodedError("pcap-format", "this is neither a pcap nor a pcapng file");
}
function* classic(r: ByteReader): Generator<Uint8Array> {
  for (let at = 24; at < r.length;) {
    const size = r.u32(at + 8);
    yield r.slice(at + 16, size);
    at += 16 + size;
  }
}
function* nextGeneration(bytes: Uint8Array): Generator<Uint8Array> {
  const r = new ByteReader(bytes, new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true) === 0x1a2b3c4d, "pcap");
  for (let at = 0; at < r.length;) {
    const type = r.u32(at),
      length = r.u32(at + 4);
    if (length < 12 || length % 4) r.fail(at, `a block of ${length} bytes`);
    if (type === 6) yield r.slice(at + 28, r.u32(at + 20));
    else if (type === 3) yield r.slice(at + 12, Math.min(r.u32(at + 8), length - 16));
    at += length;
  }
}
