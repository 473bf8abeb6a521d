// The walk over all paths of one function (do_check and do_check_common, 6.18). What an instruction means is not decided here.
import { Cancelled } from "../../base/index.ts";
import { E2BIG, EACCES, EINVAL, EPERM, Reject, type Env } from "../env.ts";
import { VState, BPF_MAIN_FUNC } from "../domain/state.ts";
import type { Watched } from "../observer.ts";
import { printInsnState, printLine, printState } from "../log/print-state.ts";
import { checkInsn } from "../transfer/insn.ts";
import { setupEntryRegs } from "../transfer/entry.ts";
import { pathDone } from "./branches.ts";
import { pushHistory } from "./history.ts";
import { isStateVisited } from "./visit.ts";

const COMPLEXITY_LIMIT_INSNS = 1_000_000;

/** Verifies function `subprog` from its start. */
export function checkFunction(env: Env, subprog: number): void {
  env.prevLine = null;
  const state = new VState([env.newFrame(BPF_MAIN_FUNC, 0, subprog)]);
  state.branches = 1;
  state.inSleepable = env.sleepable;
  env.cur = state;
  env.insnIdx = env.subprogs[subprog]!.start;
  state.firstInsnIdx = env.insnIdx;
  state.lastInsnIdx = -1;
  env.saidAt = -1;
  env.lastInsn = -1;
  setupEntryRegs(env, state, subprog);
  env.observer?.begin(watched(env), subprog);
  walk(env);
  if (!env.log.level2) env.log.reset(0);
  env.explored = [];
  env.stack = [];
}

const watched = (env: Env): Watched => ({
  scalars: env.D,
  liveRegs: (insnIdx) => env.aux[insnIdx]!.liveRegs,
  subprogAt: (insnIdx) => env.findSubprog(insnIdx),
  isGlobal: (subprog) => env.subprogs[subprog]!.isGlobal,
});

function walk(env: Env): void {
  let printFrom = false;
  let prev = -1;
  for (;;) {
    env.curHistEnt = null;
    env.prevInsnIdx = prev;
    const idx = env.insnIdx;
    if (++env.insnProcessed > COMPLEXITY_LIMIT_INSNS) tooLarge(env);
    if ((env.insnProcessed & 0x3ff) === 0 && env.cancel.cancelled) throw new Cancelled();
    const state = env.cur;
    const aux = env.aux[idx]!;
    state.lastInsnIdx = prev;
    state.insnIdx = idx;
    let done = aux.prunePoint && isStateVisited(env, idx);
    if (done) {
      if (env.log.wantsStates) logSafe(env, printFrom);
    } else {
      env.observer?.visit(state);
      if (aux.jmpPoint) pushHistory(env, state);
      if (env.log.level2 && printFrom) {
        env.trace(`\nfrom ${prev} to ${idx}${state.speculative ? " (speculative execution)" : ""}:`);
        printState(env, state, state.curframe, true);
        printFrom = false;
      }
      if (env.log.wantsStates) logInsn(env);
      if (!state.speculative) aux.seen = true;
      prev = idx;
      env.lastInsn = idx;
      if (state.speculative && aux.nospec) done = true;
      else {
        const outcome = runInsn(env);
        done = outcome === "exit";
        if (outcome === "returned") printFrom = true;
        if (!done && env.cur.speculative && aux.nospecResult) done = true;
      }
    }
    if (!done) continue;
    env.scratchAll();
    pathDone(env);
    env.liveness.update();
    const next = env.stack.pop();
    if (!next) return;
    if (!env.log.level2) env.log.reset(next.logPos);
    env.cur = next.st;
    env.insnIdx = next.insnIdx;
    prev = next.prevInsnIdx;
    printFrom = true;
  }
}

function tooLarge(env: Env): never {
  return env.fail("insn-limit", E2BIG, `BPF program is too large. Processed ${env.insnProcessed} insn`);
}

/** Runs the current instruction. On a speculative path a refusal only puts a barrier there. */
function runInsn(env: Env): "on" | "exit" | "returned" {
  env.liveness.beginWrites(env.insnIdx);
  const at = env.insnIdx;
  let outcome: "on" | "exit" | "returned";
  try {
    outcome = checkInsn(env);
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    const recoverable = e.errno === EPERM || e.errno === EACCES || e.errno === EINVAL;
    if (!recoverable || !env.cur.speculative) throw e;
    env.liveness.commitWrites();
    env.aux[at]!.nospec = true;
    env.aux[at]!.aluState = 0;
    return "exit";
  }
  env.liveness.commitWrites();
  return outcome;
}

function logSafe(env: Env, printFrom: boolean): void {
  if (printFrom) env.trace(`\nfrom ${env.prevInsnIdx} to ${env.insnIdx}${env.cur.speculative ? " (speculative execution)" : ""}: safe\n`);
  else env.trace(`${env.insnIdx}: safe\n`);
}

function logInsn(env: Env): void {
  const state = env.cur;
  if (env.scratchedRegs | env.scratchedSlotsLo | env.scratchedSlotsHi) printInsnState(env, state, state.curframe);
  printLine(env, env.insnIdx, "; ");
  const line = `${env.insnIdx}: ${env.insnText(env.insnIdx)}\n`;
  env.trace(line);
  env.prevInsnPrintLen = line.length;
  env.prevLogPos = env.log.end;
}
