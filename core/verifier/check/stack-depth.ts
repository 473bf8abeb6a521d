// Stack used along every chain of calls (check_max_stack_depth, 6.18, with the x86-64 JIT).
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { E2BIG, EACCES, EINVAL, type Env } from "../env.ts";
import { MAX_BPF_STACK } from "../domain/stack.ts";
import { MAX_CALL_FRAMES } from "../domain/state.ts";
import { isKfuncCall } from "../prepare/callbacks.ts";
import { isPseudoCall, isPseudoFunc } from "../prepare/subprogs.ts";

const TAIL_CALL_STACK = 256;
/** From this size on a function gets a stack of its own, where the program type allows it. */
const PRIV_STACK_MIN = 64;
const PRIV_STACK_TYPES: ReadonlySet<number> = new Set([PT.KPROBE, PT.TRACEPOINT, PT.PERF_EVENT, PT.RAW_TRACEPOINT]);

/** bpf_enable_priv_stack: these programs may nest on one CPU. */
function wantsPrivateStack(env: Env): boolean {
  if (env.subprogs.some((s) => s.hasTailCall)) return false;
  const { type, expectedAttachType: at } = env.prog;
  if (PRIV_STACK_TYPES.has(type)) return true;
  if (type === PT.TRACING) return at !== AT.TRACE_ITER;
  return type === PT.LSM && at !== AT.LSM_MAC;
}

const roundUp = (depth: number): number => Math.ceil(depth / 16) * 16;

export function checkMaxStackDepth(env: Env): void {
  const own = wantsPrivateStack(env);
  for (let i = env.subprogs.length - 1; i >= 0; i--) if (i === 0 || env.subprogs[i]!.isAsyncCb) checkFrom(env, i, i === 0 && own);
}

function checkFrom(env: Env, first: number, own: boolean): void {
  const { subprogs, insns } = env;
  const returns: { insn: number; idx: number }[] = [];
  const privateStacks = new Set<number>();
  let idx = first;
  let depth = 0;
  let i = subprogs[idx]!.start;
  let tailCall = false;
  const enter = (): void => {
    const sub = subprogs[idx]!;
    if (idx && sub.hasTailCall && depth >= TAIL_CALL_STACK)
      env.fail("tail-call-stack", EACCES, `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`);
    const size = roundUp(sub.stackDepth);
    if (own && (returns.length === 0 || size >= PRIV_STACK_MIN || privateStacks.has(idx))) privateStacks.add(idx);
    if (privateStacks.has(idx)) {
      if (size > MAX_BPF_STACK) env.fail("stack-depth", EACCES, `stack size of subprog ${idx} is ${size}. Too large`);
      return;
    }
    depth += size;
    if (depth > MAX_BPF_STACK) env.fail("stack-depth", EACCES, `combined stack size of ${returns.length + 1} calls is ${depth}. Too large`);
  };
  enter();
  for (;;) {
    const call = nextCall(env, i, idx, returns);
    if (call < 0) {
      if (tailCall && returns.some((r) => subprogs[r.idx]!.isExceptionCb))
        env.fail("tail-call-exception", EINVAL, "cannot tail call within exception cb");
      const back = returns.pop();
      if (!back) return;
      if (!privateStacks.has(idx)) depth -= roundUp(subprogs[idx]!.stackDepth);
      i = back.insn;
      idx = back.idx;
      continue;
    }
    returns.push({ insn: call + 1, idx });
    i = call + insns[call]!.imm + 1;
    idx = env.findSubprog(i);
    if (subprogs[idx]!.hasTailCall) tailCall = true;
    if (returns.length >= MAX_CALL_FRAMES) env.fail("call-depth", E2BIG, `the call stack of ${returns.length} frames is too deep !`);
    enter();
  }
}

/** The next instruction of function `idx` from `from` on that enters another function on this stack, or -1. */
function nextCall(env: Env, from: number, idx: number, returns: readonly { idx: number }[]): number {
  const { subprogs, insns } = env;
  for (let i = from; i < subprogs[idx]!.end; i++) {
    const insn = insns[i]!;
    if (isKfuncCall(insn) && insn.off === 0) {
      const inCallback = subprogs[idx]!.isCb || returns.some((r) => subprogs[r.idx]!.isCb);
      if (env.kfuncs.name(insn.imm) === "bpf_throw" && inCallback)
        env.fail("throw-in-callback", EINVAL, `bpf_throw kfunc (insn ${i}) cannot be called from callback subprog ${idx}`);
      continue;
    }
    if (!isPseudoCall(insn) && !isPseudoFunc(insn)) continue;
    const callee = subprogs[env.findSubprog(i + insn.imm + 1)]!;
    if (callee.isAsyncCb) {
      if (!isPseudoCall(insn)) continue;
      if (callee.isExceptionCb) env.fail("exception-callback", EINVAL, `insn ${i} cannot call exception cb directly`);
    }
    return i;
  }
  return -1;
}
