// Captures for tests: all packets at once, and in pieces as a stream gives them. It writes none.
import { PcapReader, timedPacketsOf } from "../../core/hardware/index.ts";

/** All packets of a capture. Throws as timedPacketsOf. */
export const packetsOf = (bytes: Uint8Array): Uint8Array[] => timedPacketsOf(bytes).map(({ packet }) => packet);

/** All packets of a capture that comes in pieces of `size` bytes: what is left of one stands in front of the next. */
export function packetsInPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const reader = new PcapReader();
  const packets: Uint8Array[] = [];
  let rest: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = new Uint8Array(Buffer.concat([rest, bytes.subarray(at, at + size)]));
    const used = reader.scan({ view: new DataView(piece.buffer) }, 0, piece.length, (from, length) =>
      packets.push(piece.slice(from, from + length)),
    );
    rest = piece.subarray(used);
  }
  reader.end();
  return packets;
}
