// Lists and trees of allocated objects: what their callbacks may not do (6.18).
import type { Env } from "../env.ts";
import { isKfuncCall } from "../prepare/callbacks.ts";

/** in_rbtree_lock_required_cb: inside the comparison of bpf_rbtree_add. */
export function inRbtreeCallback(env: Env): boolean {
  const frame = env.frame;
  if (env.cur.curframe === 0 || !frame.inCallbackFn) return false;
  const insn = env.insns[frame.callsite]!;
  return isKfuncCall(insn) && env.kfuncs.name(insn.imm) === "bpf_rbtree_add_impl";
}
