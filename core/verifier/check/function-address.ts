// Addresses of functions that dead code elimination takes away (jit_subprogs, 6.18, which then has nothing to compile). It changes nothing.
import { EFAULT, type Env, type Subprog } from "../env.ts";
import { isPseudoFunc } from "../prepare/subprogs.ts";

const lives = (env: Env, sub: Subprog): boolean => env.aux.slice(sub.start, sub.end).some((a) => a.seen);

/**
 * Rejects a program whose live code takes the address of a function that no path runs, if it has other functions at all and none of them
 * comes after it: where one does, the address is that one's once the code between is gone, and the kernel says nothing.
 * The kernel names the function's place after its rewriting of the program, which is not done here: its number may be another.
 */
export function checkFunctionAddresses(env: Env): void {
  if (env.subprogs.filter((s) => lives(env, s)).length < 2) return;
  env.insns.forEach((insn, i) => {
    if (!isPseudoFunc(insn) || !env.aux[i]!.seen) return;
    const at = i + insn.imm + 1;
    if (env.subprogs.slice(env.findSubprog(at)).some((s) => lives(env, s))) return;
    env.fail("callback-dead", EFAULT, `verifier bug: No program to jit at insn ${at} (subprog < 0)`);
  });
}
