// Addresses of functions that dead code elimination takes away (bpf_adj_branches and jit_subprogs, 6.18, which may find nothing to compile). It changes nothing.
import { EFAULT, type Env, type Subprog } from "../env.ts";
import { isPseudoFunc } from "../prepare/subprogs.ts";

/** For each slot where it stands, or where what refers to it points, when the slots that no path reaches are gone. */
function placesAfterRemoval(env: Env): number[] {
  const places: number[] = [];
  let kept = 0;
  let inRun = 0;
  for (const aux of env.aux) {
    // Inside a stretch that goes, a reference keeps its distance from the start of the stretch.
    places.push(kept + inRun);
    if (aux.seen) {
      kept++;
      places[places.length - 1] = kept - 1;
      inRun = 0;
    } else inRun++;
  }
  return places;
}

/**
 * Rejects a program whose live code takes the address of a function that no path runs, if it has other functions at all and none of them
 * begins where the address then points. The kernel names the place after all its rewriting, which is not done here: its number may be another.
 */
export function checkFunctionAddresses(env: Env): void {
  const live = env.subprogs.filter((sub: Subprog) => env.aux[sub.start]!.seen);
  if (live.length < 2) return;
  const places = placesAfterRemoval(env);
  const starts = new Set(live.map((sub) => places[sub.start]!));
  env.insns.forEach((insn, i) => {
    const at = i + insn.imm + 1;
    if (!isPseudoFunc(insn) || !env.aux[i]!.seen || starts.has(places[at]!)) return;
    env.fail("callback-dead", EFAULT, `verifier bug: No program to jit at insn ${places[at]!} (subprog < 0)`);
  });
}
