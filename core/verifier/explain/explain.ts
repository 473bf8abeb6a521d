// Why a program was rejected, as data: the register or slot at fault, what was known of it, and where that knowledge came from. It judges nothing.
import * as op from "../../isa/index.ts";
import type { Env } from "../env.ts";
import type { CheckId } from "../check-ids.ts";
import { PTR_TO_STACK } from "../domain/reg-types.ts";
import { MAX_BPF_STACK } from "../domain/stack.ts";
import { regText } from "../log/print-state.ts";
import type { BranchTest, Explanation } from "../types.ts";
import { pathBack } from "./path.ts";
import { effectOf, isTestOf, register, stackSlot, type Place } from "./place.ts";

/** Comparisons of a value that an explanation names, the newest ones. */
const MAX_TESTS = 8;

/** Explains the rejection that `error`, the last words of the log, states; the state is the one in which the walk stopped. */
export function explain(env: Env, check: CheckId, error: readonly string[]): Explanation {
  const place = subjectOf(env, error);
  if (!place) return { check };
  const state = knownOf(env, place);
  return { check, subject: nameOf(env, place), ...(state === undefined ? {} : { state }), ...historyOf(env, place) };
}

/** Words about bytes of the stack: the pointer's register where it is named, the offset, and which byte from there. */
const STACK_READ = /read from stack (?:R(\d+) )?off[ =](-\d+)(?:\+(\d+))?/;

/** The slot or register that the words name, else the pointer that the instruction goes through. */
function subjectOf(env: Env, error: readonly string[]): Place | undefined {
  const { curframe } = env.cur;
  const words = error.findLast((line) => STACK_READ.test(line) || /\bR\d+\b/.test(line)) ?? "";
  const stack = STACK_READ.exec(words);
  const insn = env.insns[env.lastInsn];
  const cls = insn && op.insnClass(insn);
  const pointer = cls === op.BPF_LDX ? insn!.src : cls === op.BPF_ST || cls === op.BPF_STX ? insn!.dst : undefined;
  const off = stack ? Number(stack[2]) + Number(stack[3] ?? 0) : 0;
  if (stack && off >= -MAX_BPF_STACK && off < 0) {
    const reg = env.regs[Number(stack[1] ?? pointer ?? 10)];
    return stackSlot(reg?.type === PTR_TO_STACK ? reg.frameno : curframe, (-off - 1) >> 3);
  }
  const named = Number(/\bR(\d+)\b/.exec(words)?.[1] ?? pointer ?? -1);
  return named >= 0 && named <= 10 ? register(curframe, named) : undefined;
}

const nameOf = (env: Env, place: Place): string => {
  const frame = place.frameno === env.cur.curframe ? "" : `frame${place.frameno}:`;
  return place.isReg ? `${frame}R${place.at}` : `${frame}fp-${8 * (place.at + 1)}`;
};

/** What is known of the place, in the log's notation; undefined when it was never written. */
function knownOf(env: Env, place: Place): string | undefined {
  const frame = env.cur.frames[place.frameno];
  const slot = place.isReg ? undefined : frame?.stack[place.at];
  if (!frame || (!place.isReg && !slot)) return undefined;
  const bytes = slot ? slot.chars() : "r";
  if (slot && !slot.isSpilled) return slot.types === 0 ? undefined : bytes;
  const reg = slot ? slot.reg : frame.regs[place.at]!;
  const precise = place.isReg ? ((frame.preciseRegs >>> place.at) & 1) === 1 : frame.isSlotPrecise(place.at);
  return reg.isInit ? bytes.slice(0, bytes.indexOf("r")) + regText(env, frame, reg, precise) : undefined;
}

/** Who wrote the value last, where it came from through moves, spills and fills, and which comparisons it met since. */
function historyOf(env: Env, subject: Place): Pick<Explanation, "lastWrite" | "origin" | "tests"> {
  let place = subject;
  let lastWrite: number | undefined;
  let origin: number | undefined;
  const tests: BranchTest[] = [];
  for (const step of pathBack(env)) {
    const insn = env.insns[step.insnIdx]!;
    if (isTestOf(insn, step, place) && tests.length < MAX_TESTS)
      tests.push({ insnIdx: step.insnIdx, taken: insn.off !== 0 && step.nextIdx === step.insnIdx + 1 + insn.off });
    const effect = effectOf(insn, step, place);
    if (effect === "none") continue;
    if ("before" in effect) {
      place = effect.before;
      continue;
    }
    lastWrite ??= step.insnIdx;
    origin = step.insnIdx;
    if (!effect.writtenFrom) break;
    place = effect.writtenFrom;
  }
  return { ...(lastWrite === undefined ? {} : { lastWrite }), ...(origin === undefined ? {} : { origin }), tests };
}
