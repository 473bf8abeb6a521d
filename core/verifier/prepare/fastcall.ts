// Spills and fills around calls that clobber little, which need no stack in the end (mark_fastcall_patterns, 6.18).
import * as op from "../../isa/index.ts";
import { helperAvailable, helperFor } from "../../catalog/index.ts";
import type { Env, Subprog } from "../env.ts";
import type { FuncState } from "../domain/state.ts";
import { FUNC, isHelperCall, isKfuncCall } from "./callbacks.ts";

const ALL_CALLER_SAVED = 0x3f;
/** Helpers that x86-64 inlines (verifier_inlines_helper_call, bpf_jit_inlines_helper_call). */
const INLINED: ReadonlySet<number> = new Set([FUNC.get_smp_processor_id, FUNC.get_current_task_btf, FUNC.get_current_task]);

export interface CallSummary {
  readonly params: number;
  readonly isVoid: boolean;
  readonly fastcall: boolean;
}

/** get_call_summary: what a helper or kfunc reads and returns; undefined when it may not be called anyway. */
export function callSummary(env: Env, insn: op.Insn): CallSummary | undefined {
  if (isHelperCall(insn)) {
    const { type, expectedAttachType } = env.prog;
    if (!helperAvailable(insn.imm, type, expectedAttachType)) return undefined;
    const fn = helperFor(insn.imm, type, expectedAttachType)!;
    return { params: fn.args.length, isVoid: fn.ret === "RET_VOID", fastcall: fn.allowFastcall && INLINED.has(insn.imm) };
  }
  return isKfuncCall(insn) ? env.kfuncs.summary(env, insn) : undefined;
}

function markCall(env: Env, sub: Subprog, at: number, lowest: number): void {
  const summary = callSummary(env, env.insns[at]!);
  if (!summary) return;
  const clobbered = ((1 << (summary.params + 1)) - 1) & (summary.isVoid ? ~1 : -1);
  let expected = ~clobbered & ALL_CALLER_SAVED;
  let i = 1;
  let off = lowest;
  for (; i <= 6; i++, off += 8) {
    const stx = env.insns[at - i];
    const ldx = env.insns[at + i];
    if (!stx || !ldx) break;
    if (stx.code !== (op.BPF_STX | op.BPF_MEM | op.BPF_DW) || ldx.code !== (op.BPF_LDX | op.BPF_MEM | op.BPF_DW)) break;
    if (stx.dst !== op.BPF_REG_FP || ldx.src !== op.BPF_REG_FP || stx.src !== ldx.dst) break;
    if (((1 << stx.src) & expected) === 0 || stx.off !== off || ldx.off !== off) break;
    expected &= ~(1 << stx.src);
    env.aux[at - i]!.fastcallPattern = true;
    env.aux[at + i]!.fastcallPattern = true;
  }
  if (i === 1) return;
  if (summary.fastcall) env.aux[at]!.fastcallSpillsNum = i - 1;
  else sub.keepFastcallStack = true;
  sub.fastcallStackOff = Math.min(sub.fastcallStackOff, off);
}

export function markFastcallPatterns(env: Env): void {
  for (const sub of env.subprogs) {
    let lowest = 0;
    for (let i = sub.start; i < sub.end; i++) {
      const insn = env.insns[i]!;
      if (insn.code === (op.BPF_STX | op.BPF_MEM | op.BPF_DW) && insn.dst === op.BPF_REG_FP) lowest = Math.min(lowest, insn.off);
    }
    for (let i = sub.start; i < sub.end; i++) if (env.insns[i]!.code === (op.BPF_JMP | op.BPF_CALL)) markCall(env, sub, i, lowest);
  }
}

const S16_MIN = -32768;
/** check_fastcall_stack_contract: another access to those slots voids the pattern. */
export function checkFastcallContract(env: Env, frame: FuncState, insnIdx: number, off: number): void {
  const sub = env.subprogs[frame.subprogno]!;
  if (sub.fastcallStackOff <= off || env.aux[insnIdx]!.fastcallPattern) return;
  sub.fastcallStackOff = S16_MIN;
  for (let i = sub.start; i < sub.end; i++) {
    env.aux[i]!.fastcallSpillsNum = 0;
    env.aux[i]!.fastcallPattern = false;
  }
}

/** remove_fastcall_spills_fills: stack that only such patterns use is given back. */
export function removeFastcallStack(env: Env): void {
  for (const sub of env.subprogs) {
    let modified = false;
    for (let i = sub.start; i < sub.end; i++) if (env.aux[i]!.fastcallSpillsNum > 0) modified = true;
    if (modified && !sub.keepFastcallStack) sub.stackDepth = -sub.fastcallStackOff;
  }
}
