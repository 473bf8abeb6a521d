// Addresses of functions that dead code elimination takes away (jit_subprogs, 6.18, which then has nothing to compile). It changes nothing.
import { EFAULT, type Env, type Subprog } from "../env.ts";
import { isPseudoFunc } from "../prepare/subprogs.ts";

const lives = (env: Env, sub: Subprog): boolean => env.aux.slice(sub.start, sub.end).some((a) => a.seen);

/**
 * Rejects a program whose live code takes the address of a function that no path runs, if it has other functions at all and the address does
 * not happen to be that of another one when the dead instructions are gone.
 * The kernel names the function's place after its rewriting of the program, which is not done here: its number may be another.
 */
export function checkFunctionAddresses(env: Env): void {
  const live = env.subprogs.filter((s) => lives(env, s));
  if (live.length < 2) return;
  env.insns.forEach((insn, i) => {
    if (!isPseudoFunc(insn) || !env.aux[i]!.seen) return;
    const at = i + insn.imm + 1;
    if (lives(env, env.subprogs[env.findSubprog(at)]!)) return;
    const gone = deadRanges(env);
    const left = addressAfter(gone, at);
    if (live.some((s) => s.start - countBefore(gone, s.start) === left)) return;
    env.fail("callback-dead", EFAULT, `verifier bug: No program to jit at insn ${at} (subprog < 0)`);
  });
}

interface Range {
  readonly from: number;
  readonly count: number;
}
/** Runs of instructions that no path came to, as opt_remove_dead_code takes them away one after the other. */
function deadRanges(env: Env): Range[] {
  const out: Range[] = [];
  for (let i = 0; i < env.insns.length; i++) {
    const from = i;
    while (i < env.insns.length && !env.aux[i]!.seen) i++;
    if (i > from) out.push({ from, count: i - from });
  }
  return out;
}
const countBefore = (gone: readonly Range[], at: number): number => gone.reduce((n, r) => n + (r.from < at ? r.count : 0), 0);

/**
 * Where a relative address points when the ranges are gone (bpf_adj_delta_to_imm): one into a range that
 * goes is left as it is, so that it means what has moved there.
 */
function addressAfter(gone: readonly Range[], target: number): number {
  let at = target;
  let removed = 0;
  for (const { from, count } of gone) {
    if (at >= from - removed + count) at -= count;
    removed += count;
  }
  return at;
}
