// Captures in pieces: pcap and pcapng in both byte orders, whole, byte by byte, cut and broken.
import { describe, expect, it } from "vitest";
import { pcapHeader, pcapRecord, timedPacketsOf } from "../../core/hardware/index.ts";
import { packetsInPieces, packetsOf } from "./captures.ts";

const PACKETS = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(300).fill(7)];
const classic = (little: boolean): Uint8Array => {
  const out = Buffer.concat([pcapHeader(), ...PACKETS.map(pcapRecord)]);
  if (little) return out;
  // The same file as a machine of the other byte order writes it.
  for (const at of [0, 16, 20]) out.subarray(at, at + 4).reverse();
  for (const at of [4, 6]) out.subarray(at, at + 2).reverse();
  let at = 24;
  for (const p of PACKETS) {
    for (let k = 0; k < 16; k += 4) out.subarray(at + k, at + k + 4).reverse();
    at += 16 + p.length;
  }
  return out;
};
const nextGeneration = (little: boolean): Uint8Array => {
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    const words = [type, padded.length + 12].map((n) => u32(n));
    return Buffer.concat([...words, padded, u32(padded.length + 12)]);
  };
  const u32 = (n: number): Buffer => {
    const b = Buffer.alloc(4);
    if (little) b.writeUInt32LE(n);
    else b.writeUInt32BE(n);
    return b;
  };
  const enhanced = (p: Uint8Array): Buffer => block(6, Buffer.concat([u32(0), u32(0), u32(0), u32(p.length), u32(p.length), p]));
  const simple = (p: Uint8Array): Buffer => block(3, Buffer.concat([u32(p.length), p]));
  const section = block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u32(0x00010000), u32(0xffffffff), u32(0xffffffff)]));
  const device = block(1, Buffer.concat([u32(1), u32(65535)]));
  return Buffer.concat([section, device, enhanced(PACKETS[0]!), simple(PACKETS[1]!), enhanced(PACKETS[2]!)]);
};

describe.each([
  ["pcap", classic],
  ["pcapng", nextGeneration],
] as const)("%s", (_name, file) => {
  it.each([true, false])("gives its packets, whole and byte by byte; little endian: %s", (little) => {
    const bytes = file(little);
    expect(packetsOf(bytes).map((p) => Buffer.from(p).toString("hex"))).toEqual(PACKETS.map((p) => Buffer.from(p).toString("hex")));
    const seen = packetsInPieces(bytes, 1).map((p) => Buffer.from(p).toString("hex"));
    expect(seen).toEqual(PACKETS.map((p) => Buffer.from(p).toString("hex")));
  });
  it("says that it is cut", () => {
    const bytes = file(true);
    for (const cut of [1, 7, 200]) expect(() => packetsOf(bytes.subarray(0, bytes.length - cut))).toThrow("ends inside a record");
  });
  it("names the offset of a record that cannot be", () => {
    const bytes = Uint8Array.from(file(true));
    new DataView(bytes.buffer).setUint32(file === classic ? 24 + 8 : 4, 0xfffffff0, true);
    expect(() => packetsOf(bytes)).toThrow(/offset \d+: a record of/);
  });
});
it("refuses other files", () => {
  for (const text of ["", "abc", "hello, world, this is text"])
    expect(() => packetsOf(Buffer.from(text))).toThrow("neither a pcap nor a pcapng");
});

describe("times", () => {
  const record = (seconds: number, fraction: number): Buffer => {
    const head = Buffer.alloc(16);
    [seconds, fraction, 1, 1].forEach((n, i) => head.writeUInt32LE(n, 4 * i));
    return Buffer.concat([head, Buffer.of(1)]);
  };
  const times = (bytes: Uint8Array): bigint[] => timedPacketsOf(bytes).map((p) => p.atNs);
  it("of a pcap count from the first packet, in microseconds or nanoseconds", () => {
    const records = [record(1_700_000_000, 999_999), record(1_700_000_001, 1), record(1_699_999_999, 0), record(1_700_000_100, 999_999)];
    expect(times(Buffer.concat([pcapHeader(), ...records]))).toEqual([0n, 2000n, 0n, 100_000_000_000n]);
    const nanos = Buffer.from(pcapHeader());
    nanos.writeUInt32LE(0xa1b23c4d, 0);
    expect(times(Buffer.concat([nanos, ...records]))).toEqual([0n, 999_000_002n, 0n, 100_000_000_000n]);
  });
  it.each([
    ["without a resolution", [], 1000n],
    ["in nanoseconds", [9, 0, 1, 0, 9, 0, 0, 0], 1n],
    ["in parts of two", [9, 0, 1, 0, 0x80 | 10, 0, 0, 0], 976563n],
  ] as const)("of a pcapng %s", (_name, option, unit) => {
    const u32 = (n: number): Buffer => {
      const b = Buffer.alloc(4);
      b.writeUInt32LE(n);
      return b;
    };
    const block = (type: number, body: Buffer): Buffer => Buffer.concat([u32(type), u32(body.length + 12), body, u32(body.length + 12)]);
    const packet = (time: number): Buffer => block(6, Buffer.concat([u32(0), u32(1), u32(time), u32(4), u32(4), u32(7)]));
    const section = block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u32(1), u32(0xffffffff), u32(0xffffffff)]));
    const device = block(1, Buffer.concat([u32(1), u32(65535), Buffer.from(option)]));
    expect(times(Buffer.concat([section, device, packet(5), packet(6)]))).toEqual([0n, unit]);
  });
});
