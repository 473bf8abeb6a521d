// The recorded steps of a path: jumps, stack accesses, linked registers. It records; back-tracking reads.
import type { Env } from "../env.ts";
import type { HistoryEntry, LinkedReg, VState } from "../domain/state.ts";

type Flags = Partial<Pick<HistoryEntry, "frameno" | "spi" | "srcRegStack" | "dstRegStack" | "linked">>;

/** push_jmp_history: a new entry for the current instruction, or more knowledge for the one that it already has. */
export function pushHistory(env: Env, state: VState, flags: Flags): void {
  const old = env.curHistEnt;
  const entry: HistoryEntry = old
    ? {
        ...old,
        ...flags,
        srcRegStack: old.srcRegStack || !!flags.srcRegStack,
        dstRegStack: old.dstRegStack || !!flags.dstRegStack,
        linked: flags.linked ?? null,
      }
    : { idx: env.insnIdx, prevIdx: env.prevInsnIdx, frameno: -1, spi: -1, srcRegStack: false, dstRegStack: false, linked: null, ...flags };
  if (old) state.history[state.history.length - 1] = entry;
  else state.history.push(entry);
  env.curHistEnt = entry;
}
export const pushStackAccess = (env: Env, frameno: number, spi: number): void => pushHistory(env, env.cur, { frameno, spi });
export const pushLinked = (env: Env, linked: readonly LinkedReg[]): void => pushHistory(env, env.cur, { linked });

/** get_prev_insn_idx; `cursor.left` counts entries not yet walked. Returns null where the state begins. */
export function prevInsn(state: VState, i: number, cursor: { left: number }): number | null {
  const n = cursor.left;
  if (i === state.firstInsnIdx) {
    if (n === 0) return null;
    if (n === 1 && state.history[0]!.idx === i) return null;
  }
  if (n && state.history[n - 1]!.idx === i) {
    cursor.left--;
    return state.history[n - 1]!.prevIdx;
  }
  return i - 1;
}
