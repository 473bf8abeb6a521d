// The path that led to the current instruction, walked backwards over the recorded steps of a state and its parents. It changes no state.
import { BPF_CALL, BPF_EXIT, BPF_JMP, BPF_PSEUDO_CALL } from "../../isa/index.ts";
import type { Env } from "../env.ts";
import type { HistoryEntry } from "../domain/state.ts";
import { entryAt, prevInsn, type HistoryCursor } from "../explore/history.ts";
import { isSyncCallbackCall } from "../prepare/callbacks.ts";

/** One instruction of the path. */
export interface PathStep {
  readonly insnIdx: number;
  /** The instruction that was run after it. */
  readonly nextIdx: number;
  /** Frame that it ran in. */
  readonly frameno: number;
  readonly hist: HistoryEntry | null;
}

/** Steps before the current instruction, newest first; it ends where the function that is verified begins, or after `limit` steps. */
export function* pathBack(env: Env, limit = 1_000_000): Generator<PathStep> {
  let st = env.cur;
  let frameno = st.curframe;
  let nextIdx = -1;
  let idx = st.insnIdx;
  for (let steps = 0; ;) {
    const cursor: HistoryCursor = { at: st.history };
    for (let i: number | null = idx; i !== null && i >= 0 && i < env.insns.length; i = prevInsn(st, i, cursor)) {
      if (nextIdx >= 0) {
        frameno += frameChange(env, i, nextIdx);
        if (frameno < 0 || ++steps > limit) return;
        yield { insnIdx: i, nextIdx, frameno, hist: entryAt(cursor, i) };
      }
      nextIdx = i;
    }
    if (!st.parent) return;
    idx = st.parent.lastInsnIdx;
    st = st.parent;
  }
}

/** By how much the frame of the instruction at `idx` lies above that of the one which ran after it. */
function frameChange(env: Env, idx: number, nextIdx: number): number {
  const { code, src, imm } = env.insns[idx]!;
  if (code === (BPF_JMP | BPF_EXIT)) return 1;
  if (code !== (BPF_JMP | BPF_CALL)) return 0;
  const entersFunction = src === BPF_PSEUDO_CALL && nextIdx === idx + imm + 1 && nextIdx !== idx + 1;
  const entersCallback = nextIdx !== idx + 1 && isSyncCallbackCall(env, env.insns[idx]!);
  return entersFunction || entersCallback ? -1 : 0;
}
