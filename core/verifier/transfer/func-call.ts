// Calls between functions of the program (check_func_call, prepare_func_exit, btf_check_subprog_call, 6.18).
import type { Insn } from "../../isa/index.ts";
import { E2BIG, EACCES, EFAULT, EINVAL, Reject, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { MAX_CALL_FRAMES, type FuncState, type VState } from "../domain/state.ts";
import { printState } from "../log/print-state.ts";
import { checkSubprogArgs } from "../btf/func-args.ts";
import { clearCallerSaved } from "../check/regs.ts";
import { invalidScalar, withinRange } from "../check/return-code.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { findPrevEntry } from "../explore/visit.ts";
import { widenImprecise } from "../explore/widen.ts";
import { clearPacketPointers } from "./helper-call.ts";

/** setup_func_entry: a frame for `subprog` on top of `st`. */
export function enterFunction(
  env: Env,
  st: VState,
  subprog: number,
  callsite: number,
  setArgs: (caller: FuncState, callee: FuncState) => void,
): void {
  if (st.curframe + 1 >= MAX_CALL_FRAMES) env.fail("call-depth", E2BIG, `the call stack of ${st.curframe + 2} frames is too deep`);
  const caller = st.cur;
  const callee = env.newFrame(callsite, st.curframe + 1, subprog);
  setArgs(caller, callee);
  st.frames.push(callee);
}

/** btf_check_subprog_call: the arguments fit the function's BTF prototype. Throws Reject EINVAL when they do not, or when there is none. */
export function callMatches(env: Env, subprog: number): void {
  const sub = env.subprogs[subprog]!;
  if (env.prog.funcInfo.length === 0 || sub.unreliable) throw new Reject(EINVAL, "subprog-args");
  if (!sub.typeId) throw new Reject(EFAULT, "subprog-args");
  try {
    checkSubprogArgs(env, subprog);
  } catch (e) {
    if (e instanceof Reject) sub.unreliable = true;
    throw e;
  }
}

export function checkFuncCall(env: Env, insn: Insn): void {
  const subprog = env.findSubprog(env.insnIdx + insn.imm + 1);
  let mismatch: Reject | null = null;
  try {
    callMatches(env, subprog);
  } catch (e) {
    if (!(e instanceof Reject) || e.errno === EFAULT) throw e;
    mismatch = e;
  }
  const sub = env.subprogs[subprog]!;
  if (sub.isGlobal) return callGlobal(env, subprog, mismatch);
  const st = env.cur;
  enterFunction(env, st, subprog, env.insnIdx, (caller, callee) => {
    for (let i = 1; i <= 5; i++) callee.regs[i] = caller.regs[i]!;
  });
  const caller = st.frames[st.curframe - 1]!;
  clearCallerSaved(env, caller.regs);
  env.insnIdx = sub.start - 1;
  env.liveness.resetCallchain();
  if (!env.log.wantsStates) return;
  env.trace("caller:\n");
  printState(env, st, caller.frameno, true);
  env.trace("callee:\n");
  printState(env, st, st.curframe, true);
}

/** A global function is verified on its own; here only its arguments count. */
function callGlobal(env: Env, subprog: number, mismatch: Reject | null): void {
  const sub = env.subprogs[subprog]!;
  const st = env.cur;
  if (st.activeLocks)
    env.fail("global-under-lock", EINVAL, "global function calls are not allowed while holding a lock,\nuse static function instead");
  if (sub.mightSleep && (st.activeRcuLocks || st.activePreemptLocks || st.activeIrqId || !env.inSleepable()))
    env.fail(
      "global-sleeps",
      EINVAL,
      "global functions that may sleep are not allowed in non-sleepable context,\ni.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context",
    );
  if (mismatch) env.fail("global-args", mismatch.errno, `Caller passes invalid args into func#${subprog} ('${sub.name}')`);
  if (env.log.wantsStates) env.trace(`Func#${subprog} ('${sub.name}') is global and assumed valid.\n`);
  if (sub.changesPktData) clearPacketPointers(env);
  sub.called = true;
  clearCallerSaved(env, env.regs);
  env.regs[0] = env.unknownScalar();
}

/** prepare_func_exit: back to the caller, or to the call that runs this callback. Sets env.insnIdx to the next instruction. */
export function functionExit(env: Env): void {
  env.liveness.update();
  const st = env.cur;
  const callee = st.cur;
  const r0 = callee.regs[0]!;
  if (r0.type === T.PTR_TO_STACK) env.fail("return-stack-pointer", EINVAL, "cannot return stack pointer to the caller");
  const caller = st.frames[st.curframe - 1]!;
  if (callee.inCallbackFn) {
    if (r0.type !== T.SCALAR_VALUE) env.fail("callback-return", EACCES, "R0 not a scalar value");
    markPrecise(env, 0);
    if (!withinRange(env, callee.callbackRetRange, r0, false)) invalidScalar(env, r0, callee.callbackRetRange, "At callback return", "R0");
  } else caller.regs[0] = r0;
  env.insnIdx = callee.inCallbackFn ? callee.callsite : callee.callsite + 1;
  if (env.log.wantsStates) {
    env.trace("returning from callee:\n");
    printState(env, st, callee.frameno, true);
    env.trace(`to caller at ${env.insnIdx}:\n`);
    printState(env, st, caller.frameno, true);
  }
  st.frames.pop();
  const prev = callee.inCallbackFn ? findPrevEntry(env, st, env.insnIdx) : null;
  if (prev) widenImprecise(env, prev, st);
}
