// Every check of the verifier against a program that it rejects and a neighbour that it does not, with the words of Linux 6.18.44. A check without a program needs a reason.
import { describe, expect, it } from "vitest";
import { CHECK_IDS, verify, type CheckId, type VerifyResult } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { ANSWERS, NAMED, UNPRIVILEGED } from "./checks/index.ts";
import { build, type Fixture } from "./checks/program.ts";

/** Checks that no program here can reach, and why. */
const ELSEWHERE: Partial<Record<CheckId, string>> = {
  "attach-target": "no kernel that answers lets fentry, fmod_ret or LSM programs in; attach-target.test.ts has the words of its source",
  "needs-linux": "it speaks of kernels older than 6.18.44, which cannot be asked; behaviour.test.ts has it",
  "set-retval": "it speaks of LSM programs, which the reference machine refuses before it verifies them",
  "verifier-bug": "the kernel's own faults: for those the answer is `error`, no verdict",
};

const answer = (f: Fixture, neighbour: boolean): { got: VerifyResult; fault: number } => {
  const { input, fault, setting } = build(f, neighbour);
  return { got: verify(input, { logLevel: 0, kernelBtf: kernelBtf(), caps: setting.caps ?? "full" }), fault };
};

describe("each check", () => {
  it.each(NAMED)("%s rejects its program at its instruction and lets the neighbour pass", (name, f) => {
    const { got, fault } = answer(f, false);
    const want = ANSWERS[name]!;
    expect([got.explanation?.check, got.insn, got.errno, got.error.at(-1) ?? ""]).toEqual([f.check, fault, want.errno, want.words]);
    expect(answer(f, true).got.verdict).toBe("accept");
  });
});

describe("each check of loaders without CAP_BPF", () => {
  it.each(UNPRIVILEGED.map((u) => [u.fixture.check, u] as const))("%s rejects its program and lets the neighbour pass", (check, u) => {
    const { got, fault } = answer(u.fixture, false);
    expect([got.explanation?.check, got.insn, got.errno, got.error.at(-1) ?? ""]).toEqual([check, fault, u.errno, u.words]);
    expect(answer(u.fixture, true).got.verdict).toBe("accept");
  });
});

it("every check has a program or a reason, not both", () => {
  const covered = new Set([...NAMED.map(([, f]) => f), ...UNPRIVILEGED.map((u) => u.fixture)].map((f) => f.check));
  expect(CHECK_IDS.filter((id) => covered.has(id) === (ELSEWHERE[id] !== undefined))).toEqual([]);
});
it("each answer of the kernel belongs to a fixture", () => {
  expect(Object.keys(ANSWERS).sort()).toEqual(NAMED.map(([name]) => name).sort());
});
