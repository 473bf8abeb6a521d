// Programs that no verifier has seen, at random, in the stepping gear: each ends in a result or a trap and none harms the process. BEELINE_UNVERIFIED sets how many.
import { expect, it } from "vitest";
import { MAP_TYPE, PROG_TYPE } from "../../core/catalog/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { prepareEvent, SimKernel, SIMULATED_HELPERS } from "../../core/kernel/index.ts";
import type { MapSpec } from "../../core/object/index.ts";

const COUNT = Number(process.env["BEELINE_UNVERIFIED"] ?? 2000);
const map = (type: number, keySize: number, valueSize: number, maxEntries: number): MapSpec => ({
  name: "m",
  type,
  keySize,
  valueSize,
  maxEntries,
  flags: 0,
  mapExtra: 0n,
  btfKeyTypeId: 0,
  btfValueTypeId: 0,
});
const MAPS = [
  map(MAP_TYPE.ARRAY, 4, 16, 4),
  map(MAP_TYPE.HASH, 4, 8, 4),
  map(MAP_TYPE.RINGBUF, 0, 0, 4096),
  map(MAP_TYPE.PROG_ARRAY, 4, 4, 2),
  map(MAP_TYPE.LPM_TRIE, 8, 8, 4),
];
MAPS[4] = { ...MAPS[4]!, flags: 1 };

let state = 0x2545f491;
const roll = (n: number): number => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};
const helpers = [...SIMULATED_HELPERS];
const number = (): number => [0, 1, -1, 8, -8, 64, 0x7fffffff, -0x80000000, roll(512) - 256][roll(9)]!;

function insn(at: number, length: number): Insn[] {
  const [dst, src] = [roll(11), roll(11)];
  const jump = roll(length) - at;
  switch (roll(10)) {
    case 0:
      return [{ code: roll(256), dst: roll(16), src: roll(16), off: (roll(65536) << 16) >> 16, imm: number() }];
    case 1:
      return [
        { code: 0x18, dst, src: roll(5), off: 0, imm: roll(6) },
        { code: 0, dst: 0, src: 0, off: 0, imm: roll(40) },
      ];
    case 2:
      return [{ code: 0x85, dst: 0, src: 0, off: 0, imm: roll(8) ? helpers[roll(helpers.length)]! : roll(230) }];
    case 3:
      return [{ code: 0x85, dst: 0, src: 1, off: 0, imm: jump }];
    case 4:
    case 5:
      return [
        { code: [0x61, 0x69, 0x71, 0x79, 0x91, 0x63, 0x6b, 0x73, 0x7b, 0x7a, 0xdb, 0xc3][roll(12)]!, dst, src, off: roll(64) - 48, imm: 0 },
      ];
    case 6:
      return [{ code: [0x05, 0x15, 0x2d, 0x55, 0xc6, 0xe5][roll(6)]!, dst, src: 0, off: jump, imm: number() }];
    default:
      return [{ code: (roll(2) ? 7 : 4) | (roll(13) << 4) | (roll(2) << 3), dst, src, off: 0, imm: number() }];
  }
}

it(`${COUNT} programs at random end in a result or a trap`, () => {
  const ends: Record<string, number> = {};
  for (let n = 0; n < COUNT; n++) {
    const length = 4 + roll(40);
    const insns: Insn[] = [{ code: 0xbf, dst: 6, src: 10, off: 0, imm: 0 }];
    while (insns.length < length) insns.push(...insn(insns.length, length));
    const kernel = new SimKernel({ maxBytes: 1 << 22, budget: 3000, hardware: { seed: n } });
    const fds = MAPS.map((m) => kernel.createMap(m));
    const type = [PROG_TYPE.XDP, PROG_TYPE.SCHED_CLS, PROG_TYPE.KPROBE][roll(3)]!;
    const spec = {
      name: "t",
      type,
      expectedAttachType: 0,
      insns: [...insns, { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 }],
      license: "GPL",
    };
    const program = kernel.programByFd(kernel.loadProgram(spec, fds))!;
    const run = prepareEvent(kernel, program, type === PROG_TYPE.KPROBE ? {} : { packet: new Uint8Array(64) });
    kernel.begin(program, run.state);
    const stop = kernel.finish();
    const end = stop.kind === "trap" ? stop.trap.cause : stop.kind;
    ends[end] = (ends[end] ?? 0) + 1;
    run.finish(stop);
  }
  console.log(`unverified programs: ${JSON.stringify(ends)}`);
  expect(Object.values(ends).reduce((a, b) => a + b)).toBe(COUNT);
  expect(Object.keys(ends)).toEqual(
    expect.arrayContaining(["exit", "unmapped", "out-of-bounds", "bad-instruction", "limit", "bad-argument"]),
  );
  expect(ends["budget"]).toBeUndefined();
}, 1_200_000);
