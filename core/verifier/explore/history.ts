// The recorded steps of a path: jumps, stack accesses, linked registers. It records; back-tracking reads.
import type { Env } from "../env.ts";
import type { HistoryEntry, LinkedReg, VState } from "../domain/state.ts";

type Flags = Partial<Pick<HistoryEntry, "frameno" | "spi" | "srcRegStack" | "dstRegStack" | "linked">>;
const NOTHING: Flags = {};

/** push_jmp_history: a new entry for the current instruction, or more knowledge for the one that it already has. */
export function pushHistory(env: Env, state: VState, flags: Flags = NOTHING): void {
  const old = env.curHistEnt;
  const prev = old ? old.prev : state.history;
  state.history = env.curHistEnt = {
    prev,
    count: prev ? prev.count + 1 : 1,
    idx: old ? old.idx : env.insnIdx,
    prevIdx: old ? old.prevIdx : env.prevInsnIdx,
    frameno: flags.frameno ?? (old ? old.frameno : -1),
    spi: flags.spi ?? (old ? old.spi : -1),
    srcRegStack: flags.srcRegStack === true || (old !== null && old.srcRegStack),
    dstRegStack: flags.dstRegStack === true || (old !== null && old.dstRegStack),
    linked: flags.linked ?? null,
    trackedRegs: 0,
    trackedLo: 0,
    trackedHi: 0,
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
