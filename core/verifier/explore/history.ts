// The recorded steps of a path: jumps, stack accesses, linked registers. It records; back-tracking reads.
import type { Env } from "../env.ts";
import type { HistoryEntry, LinkedReg, StepFacts, VState } from "../domain/state.ts";

const NOTHING: StepFacts = { frameno: -1, spi: -1, srcRegStack: false, dstRegStack: false, linked: null };

/** push_jmp_history: a new entry for the current instruction, or more knowledge for the one that it already has. */
export function pushHistory(env: Env, state: VState, facts?: Partial<StepFacts>): void {
  const old = env.curHistEnt;
  const prev = old ? old.prev : state.history;
  state.history = env.curHistEnt = {
    prev,
    count: prev ? prev.count + 1 : 1,
    idx: old ? old.idx : env.insnIdx,
    prevIdx: old ? old.prevIdx : env.prevInsnIdx,
    facts: facts || old ? together(old ? old.facts : NOTHING, facts ?? {}) : NOTHING,
    trackedRegs: 0,
    trackedLo: 0,
    trackedHi: 0,
  };
}

function together(old: StepFacts, more: Partial<StepFacts>): StepFacts {
  return {
    frameno: more.frameno ?? old.frameno,
    spi: more.spi ?? old.spi,
    srcRegStack: more.srcRegStack === true || old.srcRegStack,
    dstRegStack: more.dstRegStack === true || old.dstRegStack,
    linked: more.linked ?? null,
  };
}
export const pushStackAccess = (env: Env, frameno: number, spi: number): void => pushHistory(env, env.cur, { frameno, spi });
export const pushLinked = (env: Env, linked: readonly LinkedReg[]): void => pushHistory(env, env.cur, { linked });

/** Where a walk backwards over a state's history stands: the newest entry that it has not passed. */
export interface HistoryCursor {
  at: HistoryEntry | null;
}
/** The entry of instruction `i`, where the walk has come to, or null. */
export const entryAt = (cursor: HistoryCursor, i: number): HistoryEntry | null => (cursor.at?.idx === i ? cursor.at : null);

/** get_prev_insn_idx: the instruction that was run before `i`, or null where the state begins. */
export function prevInsn(state: VState, i: number, cursor: HistoryCursor): number | null {
  const { at } = cursor;
  if (i === state.firstInsnIdx && (!at || (at.count === 1 && at.idx === i))) return null;
  if (at?.idx !== i) return i - 1;
  cursor.at = at.prev;
  return at.prevIdx;
}
