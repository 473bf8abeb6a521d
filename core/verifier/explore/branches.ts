// The stack of paths yet to explore and the counts of open paths per kept state (push_stack, pop_stack, update_branch_counts, 6.18).
import { EFAULT, type Env } from "../env.ts";
import { BPF_MAIN_FUNC, VState } from "../domain/state.ts";
import { maybeFree } from "./visit.ts";

const COMPLEXITY_LIMIT_JMP_SEQ = 8192;

/**
 * push_stack: a copy of the current state that will go on at `insnIdx`. With too many of them the program is rejected with `errno`, which is
 * the caller's in 6.18; with 0, as after a tail call, it only says so.
 */
export function pushPath(env: Env, insnIdx: number, prevInsnIdx: number, speculative: boolean, errno = EFAULT): VState {
  const st = env.cur.copy();
  env.stack.push({ st, insnIdx, prevInsnIdx, logPos: env.log.end });
  st.speculative ||= speculative;
  env.observer?.fork(env.cur, st);
  if (env.stack.length > COMPLEXITY_LIMIT_JMP_SEQ) {
    env.say(`The sequence of ${env.stack.length} jumps is too complex.\n`);
    if (errno) env.reject("jump-sequence", errno);
    return st;
  }
  if (st.parent) st.parent.branches++;
  return st;
}

/** push_async_cb: a callback that runs later, from a fresh frame. */
export function pushAsyncCallback(env: Env, insnIdx: number, prevInsnIdx: number, subprog: number, sleepable: boolean): VState {
  const st = new VState([env.newFrame(BPF_MAIN_FUNC, 0, subprog)]);
  env.stack.push({ st, insnIdx, prevInsnIdx, logPos: env.log.end });
  if (env.stack.length > COMPLEXITY_LIMIT_JMP_SEQ)
    env.fail("jump-sequence", EFAULT, `The sequence of ${env.stack.length} jumps is too complex for async cb.`);
  st.branches = 1;
  st.inSleepable = sleepable;
  env.observer?.fork(env.cur, st);
  return st;
}

/** update_branch_counts: the current path is done; loops whose last path this was are closed. */
export function pathDone(env: Env): void {
  let st: VState | null = env.cur;
  while (st) {
    if (--st.branches) break;
    env.scc.exit(st);
    if (st.listEntry) maybeFree(env, st.listEntry);
    st = st.parent;
  }
}
