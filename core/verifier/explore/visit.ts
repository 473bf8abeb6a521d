// At a pruning point: is the current state covered by a kept one, and is it kept itself? (is_state_visited, 6.18)
import { EINVAL, Reject, type Env } from "../env.ts";
import { BPF_JCOND, BPF_JMP } from "../../isa/index.ts";
import { BPF_ITER_STATE_ACTIVE } from "../btf/iter-states.ts";
import { Slot, STACK_ITER } from "../domain/stack.ts";
import type { ExploredEntry, VState } from "../domain/state.ts";
import { printLine, printState } from "../log/print-state.ts";
import { EXACT, frameInsnIdx, maybeLooping, NOT_EXACT, RANGE_WITHIN, statesEqual } from "./equal.ts";
import { pushHistory } from "./history.ts";
import { propagatePrecision } from "./propagate.ts";

const STATES_LIMIT_UNPRIV = 64;

/** explored_state: kept states of an instruction, oldest first, hashed together with the call site as the kernel does. */
export function exploredAt(env: Env, insnIdx: number): ExploredEntry[] {
  const size = env.insns.length;
  const key = ((insnIdx ^ env.cur.cur.callsite) >>> 0) % size;
  return (env.explored[key] ??= []);
}

export function sameCallsites(a: VState, b: VState): boolean {
  return a.curframe === b.curframe && a.frames.every((f, i) => f.callsite === b.frames[i]!.callsite);
}

/** clean_live_states: what nobody reads any more is forgotten in kept states that are fully explored. */
function cleanLiveStates(env: Env, list: readonly ExploredEntry[], insnIdx: number): void {
  for (let i = list.length - 1; i >= 0; i--) {
    const st = list[i]!.state;
    if (st.branches || st.insnIdx !== insnIdx || st.cleaned || !sameCallsites(st, env.cur) || env.scc.isIncomplete(st)) continue;
    env.liveness.ask(st);
    st.cleaned = true;
    for (let f = 0; f <= st.curframe; f++) {
      const frame = st.frames[f]!;
      const live = env.aux[frameInsnIdx(st, f)]!.liveRegs;
      for (let r = 0; r < 10; r++) if (!((live >>> r) & 1)) frame.regs[r] = env.notInit;
      for (let s = 0; s < frame.stack.length; s++) if (!env.liveness.isAlive(f, s)) frame.stack[s] = env.emptySlot;
    }
  }
}

function iterDepthsDiffer(old: VState, cur: VState): boolean {
  return old.frames.some((frame, fr) =>
    frame.stack.some((slot: Slot, i) => {
      if (slot.type(0) !== STACK_ITER || (slot.reg.u2 & 3) !== BPF_ITER_STATE_ACTIVE) return false;
      return cur.frames[fr]!.stack[i]!.reg.u2 >>> 2 !== slot.reg.u2 >>> 2;
    }),
  );
}

/** `hit-within`: covered by ranges, precise or not; `hit-loop`: so, and inside a loop whose precision may still grow. */
type Answer = "miss" | "miss-no-new" | "hit" | "hit-within" | "hit-loop";

/** Compares with a kept state that still has paths to explore: only loops may end here. */
function compareOpen(env: Env, insnIdx: number, old: VState): Answer {
  const cur = env.cur;
  const frame = old.cur;
  if (frame.inAsyncCallbackFn && frame.asyncEntryCnt !== cur.cur.asyncEntryCnt) return "miss-no-new";
  if (env.aux[insnIdx]!.isIterNext) {
    if (statesEqual(env, old, cur, RANGE_WITHIN)) {
      const iterReg = cur.cur.regs[1]!;
      const spi = (-(iterReg.off + env.D.constNumber(iterReg.s)) - 1) >> 3;
      if ((env.frameOf(iterReg).stack[spi]!.reg.u2 & 3) === BPF_ITER_STATE_ACTIVE) return "hit-loop";
    }
    return "miss-no-new";
  }
  const insn = env.insns[insnIdx]!;
  if (insn.code === (BPF_JMP | BPF_JCOND) && old.mayGotoDepth !== cur.mayGotoDepth && statesEqual(env, old, cur, RANGE_WITHIN))
    return "hit-loop";
  if (env.aux[insnIdx]!.callsCallback) return statesEqual(env, old, cur, RANGE_WITHIN) ? "hit-within" : "miss-no-new";
  if (
    maybeLooping(old, cur) &&
    statesEqual(env, old, cur, EXACT) &&
    !iterDepthsDiffer(old, cur) &&
    old.mayGotoDepth === cur.mayGotoDepth &&
    old.callbackUnrollDepth === cur.callbackUnrollDepth
  )
    rejectLoop(env, insnIdx, old);
  return "miss-no-new";
}

function rejectLoop(env: Env, insnIdx: number, old: VState): never {
  printLine(env, insnIdx, "; ");
  env.say(`infinite loop detected at insn ${insnIdx}\n`);
  for (const [name, st] of [
    ["cur", env.cur],
    ["old", old],
  ] as const) {
    const from = env.log.end;
    env.trace(`${name} state:`);
    printState(env, st, env.cur.curframe, true);
    env.said += env.log.since(from);
  }
  throw new Reject(EINVAL, "infinite-loop");
}

/** is_state_visited. True: the current path is covered and ends. */
export function isStateVisited(env: Env, insnIdx: number): boolean {
  const cur = env.cur;
  const aux = env.aux[insnIdx]!;
  const force = env.testStateFreq || aux.forceCheckpoint || (cur.history !== null && cur.history.count > 40);
  let addNew = force || (env.jmpsProcessed - env.prevJmpsProcessed >= 2 && env.insnProcessed - env.prevInsnProcessed >= 8);
  const list = exploredAt(env, insnIdx);
  cleanLiveStates(env, list, insnIdx);
  let seen = 0;
  for (let i = list.length - 1; i >= 0; i--) {
    const entry = list[i]!;
    const old = entry.state;
    seen++;
    if (old.insnIdx !== insnIdx) continue;
    let answer: Answer;
    if (old.branches) answer = compareOpen(env, insnIdx, old);
    else {
      const loop = env.scc.isIncomplete(old);
      answer = statesEqual(env, old, cur, loop ? RANGE_WITHIN : NOT_EXACT) ? (loop ? "hit-loop" : "hit") : "miss";
    }
    if (answer === "hit" || answer === "hit-within" || answer === "hit-loop") {
      env.observer?.covered(cur, old, answer !== "hit");
      covered(env, insnIdx, entry, answer === "hit-loop");
      return true;
    }
    if (
      answer === "miss-no-new" &&
      !force &&
      env.jmpsProcessed - env.prevJmpsProcessed < 20 &&
      env.insnProcessed - env.prevInsnProcessed < 100
    )
      addNew = false;
    if (addNew) entry.missCnt++;
    const patience = aux.forceCheckpoint && old.branches > 0 ? 64 : 3;
    if (entry.missCnt > entry.hitCnt * patience + patience) drop(env, list, i);
  }
  if (env.maxStatesPerInsn < seen) env.maxStatesPerInsn = seen;
  if (!env.bpfCapable && seen > STATES_LIMIT_UNPRIV) return false;
  if (addNew) keep(env, insnIdx, list);
  return false;
}

function covered(env: Env, insnIdx: number, entry: ExploredEntry, loop: boolean): void {
  const cur = env.cur;
  entry.hitCnt++;
  if (env.aux[env.insnIdx]!.jmpPoint) pushHistory(env, cur);
  propagatePrecision(env, entry.state, cur, null);
  if (!loop) return;
  const edge = cur.copy();
  edge.equalState = entry.state;
  edge.insnIdx = insnIdx;
  env.scc.addBackedge(entry.state, edge);
}

function drop(env: Env, list: ExploredEntry[], i: number): void {
  const entry = list[i]!;
  entry.inFreeList = true;
  list.splice(i, 1);
  env.freeListSize++;
  env.exploredStatesSize--;
  maybeFree(env, entry);
}
/** maybe_free_verifier_state: a dropped state counts until its last path is explored. */
export function maybeFree(env: Env, entry: ExploredEntry): void {
  if (!entry.inFreeList || entry.state.branches !== 0) return;
  entry.inFreeList = false;
  env.freeListSize--;
}

function keep(env: Env, insnIdx: number, list: ExploredEntry[]): void {
  const cur = env.cur;
  env.totalStates++;
  env.exploredStatesSize++;
  env.updatePeak();
  env.prevJmpsProcessed = env.jmpsProcessed;
  env.prevInsnProcessed = env.insnProcessed;
  // Precision is found again from here on, by those who need it.
  if (env.bpfCapable) for (const frame of cur.frames) frame.setImprecise();
  const kept = cur.copy();
  kept.insnIdx = insnIdx;
  const entry: ExploredEntry = { state: kept, hitCnt: 0, missCnt: 0, inFreeList: false };
  kept.listEntry = entry;
  env.scc.enter(kept);
  cur.parent = kept;
  cur.firstInsnIdx = insnIdx;
  cur.dfsDepth = kept.dfsDepth + 1;
  cur.history = null;
  list.push(entry);
}

/** find_prev_entry: the newest kept state above `cur` at this instruction that is still being explored. */
export function findPrevEntry(env: Env, cur: VState, insnIdx: number): VState | null {
  const list = exploredAt(env, insnIdx);
  for (let i = list.length - 1; i >= 0; i--) {
    const st = list[i]!.state;
    if (st.insnIdx === insnIdx && st.branches && sameCallsites(st, cur) && st.dfsDepth < cur.dfsDepth) return st;
  }
  return null;
}
