// Captures through one program: whatever the engine, the pieces and the packets, each packet is run as if it were the only one.
import { expect, it } from "vitest";
import { MAP_TYPE, PROG_TYPE } from "../../core/catalog/index.ts";
import { pcapHeader, pcapRecord } from "../../core/hardware/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { CaptureFeed, SimKernel, type EngineName } from "../../core/kernel/index.ts";
import { call, dice, EXIT, i, kcall, map, wide } from "../vm/programs.ts";

/** By byte 13 of the packet: 1 moves the packet's start, 2 its end, 3 throws 300; of all others it is the result, which a map counts too. */
const PROGRAM: readonly Insn[] = ((): Insn[] => {
  const counted = [i(0x63, 10, 7, -4), ...wide(1, 0n, 1), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -4), call(1), i(0x15, 0, 0, 3)];
  counted.push(i(0xb7, 1, 0, 0, 1), i(0xdb, 0, 1, 0), i(0x05, 0, 0, 0), i(0xbf, 0, 7), EXIT);
  // r0 = byte before the old start, which is 0 for every packet, + length; leaves 0xff there.
  const head = [i(0xbf, 1, 6), i(0xb7, 2, 0, 0, -8), call(44), i(0x61, 2, 6, 0), i(0x61, 3, 6, 4), i(0x71, 0, 2, 0), i(0x72, 2, 0, 0, 255)];
  head.push(i(0x1f, 3, 2), i(0x0f, 0, 3), EXIT);
  // r0 = length after the packet has become 5 bytes longer, + what is at its end
  const tail = [i(0xbf, 1, 6), i(0xb7, 2, 0, 0, 5), call(65), i(0x61, 2, 6, 0), i(0x61, 3, 6, 4), i(0x71, 0, 3, -1), i(0x72, 3, 0, -1, 9)];
  tail.push(i(0x1f, 3, 2), i(0x0f, 0, 3), EXIT);
  const thrown = [i(0xb7, 1, 0, 0, 300), kcall("bpf_throw"), i(0xb7, 0), EXIT];
  const begin = [i(0xbf, 6, 1), i(0x61, 2, 6, 0), i(0x71, 7, 2, 13)];
  const [h, t] = [head.length, tail.length];
  const cases = [i(0x15, 7, 0, 3, 1), i(0x15, 7, 0, 2 + h, 2), i(0x15, 7, 0, 1 + h + t, 3), i(0x05, 0, 0, h + t + thrown.length)];
  return [...begin, ...cases, ...head, ...tail, ...thrown, ...counted];
})();
const SPECIAL = PROGRAM.flatMap((insn, slot) => (insn.code === 0x61 ? [slot] : []));

function capture(seed: number): { bytes: Uint8Array; packets: Uint8Array[] } {
  const roll = dice(seed);
  const packets = Array.from({ length: 600 }, () => {
    const packet = new Uint8Array(roll(40) === 0 ? 3600 + roll(5000) : 14 + roll(300)).map(() => roll(256));
    packet[13] = roll(2) ? roll(12) : 4;
    return packet;
  });
  return { bytes: Uint8Array.from(Buffer.concat([pcapHeader(), ...packets.map(pcapRecord)])), packets };
}
function fed(engine: EngineName, bytes: Uint8Array, piece: number, insns = PROGRAM): unknown {
  const kernel = new SimKernel({ maxBytes: 1 << 24, engine });
  const fd = kernel.createMap(map(MAP_TYPE.ARRAY, 8, 16));
  const spec = { name: "t", type: PROG_TYPE.XDP, expectedAttachType: 0, insns: [...insns], license: "GPL", special: SPECIAL };
  const program = kernel.programByFd(kernel.loadProgram(spec, [fd]))!;
  const feed = new CaptureFeed(kernel, program, (trap, packet) => {
    throw new Error(`packet ${packet}: ${trap.message}`);
  });
  for (let at = 0; at < bytes.length;) {
    const room = feed.room();
    const part = bytes.subarray(at, at + Math.min(piece, room.length));
    room.set(part);
    feed.took(part.length);
    at += part.length;
  }
  feed.end();
  const counted = Array.from({ length: 16 }, (_, n) =>
    Buffer.from(kernel.mapLookup(fd, Uint8Array.of(n, 0, 0, 0)) as Uint8Array).toString("hex"),
  );
  return { packets: feed.packets, results: [...feed.results].sort(([a], [b]) => a - b), counted };
}
/** What each packet alone must give. */
function expected(packets: readonly Uint8Array[]): Map<number, number> {
  const results = new Map<number, number>();
  for (const packet of packets) {
    const kind = packet[13]!;
    const result = kind === 1 ? packet.length + 8 : kind === 2 ? packet.length + 5 : kind === 3 ? 300 : kind;
    results.set(result, (results.get(result) ?? 0) + 1);
  }
  return results;
}

it.each(["interpreter", "stoppable", "wasm"] as const)("every packet is the only one: %s", (engine) => {
  for (const [seed, piece] of [
    [1, 1 << 20],
    [2, 700],
    [3, 33],
  ] as const) {
    const { bytes, packets } = capture(seed);
    // Packets of more than a page have fragments, whose length data_end does not tell.
    const small = packets.filter((p) => p.length < 3000 || ![1, 2].includes(p[13]!));
    const file = small.length === packets.length ? bytes : Uint8Array.from(Buffer.concat([pcapHeader(), ...small.map(pcapRecord)]));
    const got = fed(engine, file, piece) as { packets: number; results: [number, number][] };
    expect([seed, got.packets, new Map(got.results)]).toEqual([seed, small.length, expected(small)]);
    expect([seed, fed(engine, bytes, piece)]).toEqual([seed, fed("interpreter", bytes, 1 << 20)]);
  }
});

it.each(["interpreter", "stoppable", "wasm"] as const)("a trap says at which packet: %s", (engine) => {
  const { bytes, packets } = capture(4);
  const bad = [i(0xbf, 6, 1), i(0x61, 2, 6, 0), i(0x71, 0, 2, 13), i(0x55, 0, 0, 1, 11), call(9999), EXIT];
  const first = 1 + packets.findIndex((p) => p[13] === 11);
  expect(first).toBeGreaterThan(1);
  expect(() => fed(engine, bytes, 5000, bad)).toThrow(`packet ${first}: helper #9999`);
});

it("a record larger than the room makes the room larger", () => {
  const packets = [100, 600_000, 100].map((n) => new Uint8Array(n).fill(4));
  const bytes = Uint8Array.from(Buffer.concat([pcapHeader(), ...packets.map(pcapRecord)]));
  expect(fed("wasm", bytes, 50_000)).toMatchObject({ packets: 3, results: [[4, 3]] });
});
