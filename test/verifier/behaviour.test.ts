// How the verifier behaves whatever the program: it can be stopped, repeats itself to the byte, holds to the kernel version asked for. What it answers is tested in test/parity.
import { describe, expect, it } from "vitest";
import { Cancelled } from "../../core/base/index.ts";
import { kfuncByName, MAP_TYPE, PROG_TYPE } from "../../core/catalog/index.ts";
import type { Insn } from "../../core/isa/index.ts";
import { verify, type VerifyInput } from "../../core/verifier/index.ts";
import { generate, inputOf } from "../proof/generator/index.ts";
import { kernelBtf } from "../parity/corpora.ts";

const insn = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
const EXIT = insn(0x95);
const MOV0 = insn(0xb7);
const kcall = (name: string): Insn => insn(0x85, 0, 2, 0, kfuncByName(name)!.btfId);
const program = (insns: Insn[], more: Partial<VerifyInput> = {}): VerifyInput => ({
  ...{
    name: "p",
    type: PROG_TYPE.XDP,
    expectedAttachType: 0,
    attachBtfId: 0,
    flags: 0,
    license: "GPL",
    maps: [],
    funcInfo: [],
    lineInfo: [],
  },
  insns,
  ...more,
});
/** Counts to two thousand million: only the limit or a cancellation ends it. */
const ENDLESS = program([MOV0, insn(0x07, 0, 0, 0, 1), insn(0xa5, 0, 0, -2, 0x7fffffff), EXIT]);

describe("cancellation", () => {
  /** A token that turns on when it has been asked `after` times. */
  const token = (after: number): { asked: number; readonly cancelled: boolean } => ({
    asked: 0,
    get cancelled(): boolean {
      return ++this.asked > after;
    },
  });
  it("stops at the next of the thousand questions that a million instructions ask", () => {
    const cancel = token(3);
    expect(() => verify(ENDLESS, { logLevel: 0, cancel })).toThrow(Cancelled);
    expect(cancel.asked).toBe(4);
    const never = token(Infinity);
    expect(verify(ENDLESS, { logLevel: 0, cancel: never }).error).toEqual(["BPF program is too large. Processed 1000001 insn"]);
    expect(never.asked).toBeGreaterThan(900);
  });
  it("leaves nothing behind for the next verification", () => {
    const before = verify(program([MOV0, EXIT]), { logLevel: 2 }).log;
    expect(() => verify(ENDLESS, { logLevel: 2, cancel: token(0) })).toThrow(Cancelled);
    expect(verify(program([MOV0, EXIT]), { logLevel: 2 }).log).toBe(before);
  });
});

describe("repetition", () => {
  const log = (seed: number): string => verify(inputOf(generate(seed)), { logLevel: 2, kernelBtf: kernelBtf() }).log;
  it("gives the same log to the last byte, whatever was verified in between", () => {
    const seeds = Array.from({ length: 60 }, (_, i) => 100 + i);
    const first = seeds.map(log);
    expect(seeds.reverse().map(log).reverse()).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(50);
  });
});

describe("kernel version", () => {
  const answer = (input: VerifyInput, kernelVersion: string): string => {
    const { verdict, error, message } = verify(input, { logLevel: 0, kernelVersion, kernelBtf: kernelBtf() });
    return verdict === "accept" ? verdict : `${verdict} ${message ?? error.at(-1)}`;
  };
  const cases: [string, VerifyInput, string, string][] = [
    ["a helper", program([insn(0x85, 0, 0, 0, 125), EXIT]), "5.7", "bpf_ktime_get_boot_ns#125 needs Linux 5.8"],
    ["an atomic fetch", program([insn(0x7a, 10, 0, -8, 1), insn(0xb7, 0), insn(0xdb, 10, 0, -8, 1), EXIT]), "5.11", "needs Linux 5.12"],
    ["signed division", program([MOV0, insn(0x37, 0, 0, 1, 3), EXIT]), "6.5", "signed division needs Linux 6.6"],
    ["may_goto", program([MOV0, insn(0xe5), EXIT]), "6.8", "may_goto needs Linux 6.9"],
    ["a program type", program([MOV0, EXIT], { type: PROG_TYPE.NETFILTER }), "6.3", "program type netfilter needs Linux 6.4"],
    [
      "a kfunc",
      program([kcall("bpf_rcu_read_lock"), kcall("bpf_rcu_read_unlock"), MOV0, EXIT]),
      "6.1",
      "bpf_rcu_read_lock needs Linux 6.2",
    ],
    [
      "a map type",
      program([insn(0x18, 1, 1), insn(0), MOV0, EXIT], {
        maps: [
          {
            ...{ name: "rb", type: MAP_TYPE.RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0, mapExtra: 0n },
            ...{ btfKeyTypeId: 0, btfValueTypeId: 0 },
          },
        ],
      }),
      "5.7",
      "map type ringbuf of 'rb' needs Linux 5.8",
    ],
  ];
  it.each(cases)("says which one %s needs", (_, input, tooOld, words) => {
    expect(answer(input, tooOld)).toContain(words);
    const [since] = /\d+\.\d+$/.exec(words)!;
    expect(answer(input, since!)).toBe("accept");
    expect(answer(input, "6.18")).toBe("accept");
  });
  it("answers for no kfunc whose first version is not on record", () => {
    expect(answer(program([kcall("bpf_modify_return_test_tp"), MOV0, EXIT]), "6.1")).toContain("bpf_modify_return_test_tp on Linux 6.1");
  });
  it("answers for no kernel that it does not know", () => {
    expect(answer(program([MOV0, EXIT]), "4.19")).toContain("kernel 4.19");
    expect(answer(program([MOV0, EXIT]), "7.1")).toContain("kernel 7.1");
  });
});
