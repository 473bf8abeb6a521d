// Finds which earlier scalars a value depends on, so that pruning compares them exactly (backtrack_insn and __mark_chain_precision, 6.18).
import * as op from "../../isa/index.ts";
import { EFAULT, type Env } from "../env.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import { BPF_MAIN_FUNC, MAX_CALL_FRAMES, type HistoryEntry, type VState } from "../domain/state.ts";
import { regMask, stackMask } from "../log/format.ts";
import { printState } from "../log/print-state.ts";
import { FUNC, isSyncCallbackCall } from "../prepare/callbacks.ts";
import { entryAt, prevInsn, type HistoryCursor } from "./history.ts";

const ARGS = 0x3e;
const FUNC_TAIL_CALL = 12;

/** The set of registers and slots wanted precise, by frame (struct backtrack_state). */
export class Backtrack {
  frame = 0;
  readonly regs = new Int32Array(MAX_CALL_FRAMES);
  readonly slotsLo = new Int32Array(MAX_CALL_FRAMES);
  readonly slotsHi = new Int32Array(MAX_CALL_FRAMES);
  /** Entries to which the walk under way added what it wants. */
  readonly #noted: HistoryEntry[] = [];

  /** Nothing is wanted; frames above the current one never hold anything. */
  reset(): void {
    for (let i = this.frame; i >= 0; i--) this.regs[i] = this.slotsLo[i] = this.slotsHi[i] = 0;
    this.frame = 0;
  }
  isEmpty(): boolean {
    for (let i = 0; i <= this.frame; i++) if (this.regs[i] || this.slotsLo[i] || this.slotsHi[i]) return false;
    return true;
  }
  has(reg: number): boolean {
    return ((this.regs[this.frame]! >>> reg) & 1) === 1;
  }
  set(reg: number): void {
    this.regs[this.frame]! |= 1 << reg;
  }
  clear(reg: number): void {
    this.regs[this.frame]! &= ~(1 << reg);
  }
  hasSlot(frame: number, spi: number): boolean {
    return (((spi < 32 ? this.slotsLo[frame]! : this.slotsHi[frame]!) >>> (spi & 31)) & 1) === 1;
  }
  setSlot(frame: number, spi: number): void {
    if (spi < 32) this.slotsLo[frame]! |= 1 << spi;
    else this.slotsHi[frame]! |= 1 << (spi - 32);
  }
  clearSlot(frame: number, spi: number): void {
    if (spi < 32) this.slotsLo[frame]! &= ~(1 << spi);
    else this.slotsHi[frame]! &= ~(1 << (spi - 32));
  }
  /** Whether `hist`, the entry of the instruction before which this is wanted, knows of all of it; what it did not know is added. */
  wasTracked(hist: HistoryEntry): boolean {
    const f = this.frame;
    for (let i = 0; i < f; i++) if (this.regs[i] || this.slotsLo[i] || this.slotsHi[i]) return false;
    const more = (this.regs[f]! & ~hist.trackedRegs) | (this.slotsLo[f]! & ~hist.trackedLo) | (this.slotsHi[f]! & ~hist.trackedHi);
    if (more === 0) return true;
    hist.trackedRegs |= this.regs[f]!;
    hist.trackedLo |= this.slotsLo[f]!;
    hist.trackedHi |= this.slotsHi[f]!;
    this.#noted.push(hist);
    return false;
  }
  /** A walk begins. */
  begin(frame: number): void {
    this.frame = frame;
    this.#noted.length = 0;
  }
  /** The walk could not go on: what marks everything now, below as above, is to be met again by walks from further on. */
  forget(): void {
    for (const hist of this.#noted) hist.trackedRegs = hist.trackedLo = hist.trackedHi = 0;
    this.reset();
  }
  get stackEmpty(): boolean {
    return (this.slotsLo[this.frame]! | this.slotsHi[this.frame]!) === 0;
  }
}

const verifierBug = (env: Env, what: string): never => env.fail("verifier-bug", EFAULT, `verifier bug: ${what}`);

function syncLinked(bt: Backtrack, hist: HistoryEntry | null): void {
  if (!hist?.facts.linked) return;
  const some = hist.facts.linked.some((e) => (e.isReg ? ((bt.regs[e.frameno]! >>> e.at) & 1) === 1 : bt.hasSlot(e.frameno, e.at)));
  if (!some) return;
  for (const e of hist.facts.linked) {
    if (e.isReg) bt.regs[e.frameno]! |= 1 << e.at;
    else bt.setSlot(e.frameno, e.at);
  }
}

/** One instruction backwards. Returns false where tracking is not supported and everything must become precise. */
function backtrackInsn(env: Env, bt: Backtrack, idx: number, subseq: number, hist: HistoryEntry | null): boolean {
  const insn = env.insns[idx]!;
  if (insn.code === 0) return true;
  if (env.log.level2) {
    const f = bt.frame;
    env.trace(
      `mark_precise: frame${f}: regs=${regMask(bt.regs[f]!)} stack=${stackMask(bt.slotsLo[f]!, bt.slotsHi[f]!)} before ${idx}: ${env.insnText(idx)}\n`,
    );
  }
  syncLinked(bt, hist);
  const done = step(env, bt, idx, subseq, hist);
  if (done === "stop") return true;
  if (done === "unsupported") return false;
  syncLinked(bt, hist);
  return true;
}

/** `stop`: nothing more to do for this instruction, not even for linked registers. */
type Step = "stop" | "unsupported" | "on";

function step(env: Env, bt: Backtrack, idx: number, subseq: number, hist: HistoryEntry | null): Step {
  const insn = env.insns[idx]!;
  const cls = insn.code & 7;
  if (cls === op.BPF_ALU || cls === op.BPF_ALU64) return stepAlu(bt, insn);
  const acquireLoad = cls === op.BPF_STX && (insn.code & 0xe0) === op.BPF_ATOMIC && insn.imm === op.BPF_LOAD_ACQ;
  if (cls === op.BPF_LDX || acquireLoad) {
    if (!bt.has(insn.dst)) return "stop";
    bt.clear(insn.dst);
    if (!hist || hist.facts.spi < 0) return "stop";
    bt.setSlot(hist.facts.frameno, hist.facts.spi);
    return "on";
  }
  if (cls === op.BPF_STX || cls === op.BPF_ST) {
    // A wanted scalar cannot be a store's address.
    if (bt.has(insn.dst)) return "unsupported";
    if (env.closeGaps && fetchFill(bt, insn, hist)) return "on";
    if (!hist || hist.facts.spi < 0 || !bt.hasSlot(hist.facts.frameno, hist.facts.spi)) return "stop";
    bt.clearSlot(hist.facts.frameno, hist.facts.spi);
    if (cls === op.BPF_STX) bt.set(insn.src);
    return "on";
  }
  if (cls === op.BPF_JMP || cls === op.BPF_JMP32) return stepJmp(env, bt, idx, subseq, hist);
  if (!bt.has(insn.dst)) return "stop";
  bt.clear(insn.dst);
  const mode = insn.code & 0xe0;
  return mode === op.BPF_IND || mode === op.BPF_ABS ? "unsupported" : "on";
}

/** Gap atomic-fetch-precision: what an atomic instruction fetches comes from the slot, as of a load. */
function fetchFill(bt: Backtrack, insn: op.Insn, hist: HistoryEntry | null): boolean {
  if ((insn.code & 0xe0) !== op.BPF_ATOMIC || !(insn.imm & op.BPF_FETCH)) return false;
  const filled = insn.imm === op.BPF_CMPXCHG ? 0 : insn.src;
  if (!bt.has(filled) || !hist || hist.facts.spi < 0) return false;
  bt.clear(filled);
  bt.setSlot(hist.facts.frameno, hist.facts.spi);
  return true;
}

function stepAlu(bt: Backtrack, insn: op.Insn): Step {
  if (!bt.has(insn.dst)) return "stop";
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_END || kind === op.BPF_NEG) return "stop";
  const fromReg = (insn.code & op.BPF_X) !== 0;
  if (kind === op.BPF_MOV) bt.clear(insn.dst);
  if (fromReg && insn.src !== op.BPF_REG_FP) bt.set(insn.src);
  return "on";
}

function stepJmp(env: Env, bt: Backtrack, idx: number, subseq: number, hist: HistoryEntry | null): Step {
  const insn = env.insns[idx]!;
  const kind = insn.code & 0xf0;
  const isCall = insn.code === (op.BPF_JMP | op.BPF_CALL);
  if (isCall && insn.src === op.BPF_PSEUDO_CALL) return stepSubprogCall(env, bt, idx, subseq);
  if (isSyncCallbackCall(env, insn) && idx !== subseq - 1) {
    if (bt.regs[bt.frame]! & ~ARGS) verifierBug(env, `callback unexpected regs ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
    if (!bt.stackEmpty) verifierBug(env, "callback leftover stack slots");
    for (let i = 1; i <= 5; i++) bt.clear(i);
    leaveSubprog(env, bt);
    return "stop";
  }
  if (kind === op.BPF_CALL) {
    if (insn.src === op.BPF_PSEUDO_KFUNC_CALL && insn.imm === 0) return "unsupported";
    bt.clear(0);
    if (bt.regs[bt.frame]! & ARGS) verifierBug(env, `backtracking call unexpected regs ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
    if (insn.src === 0 && insn.imm === FUNC_TAIL_CALL && subseq - idx !== 1) enterSubprog(env, bt);
    return "on";
  }
  if (kind === op.BPF_EXIT) return stepExit(env, bt, subseq);
  if (insn.code & op.BPF_X) {
    if (!bt.has(insn.dst) && !bt.has(insn.src)) return "stop";
    if (!hist?.facts.srcRegStack) bt.set(insn.src);
    if (!hist?.facts.dstRegStack) bt.set(insn.dst);
  }
  return "on";
}

function stepSubprogCall(env: Env, bt: Backtrack, idx: number, subseq: number): Step {
  const sub = env.findSubprog(idx + env.insns[idx]!.imm + 1);
  if (env.subprogs[sub]!.isGlobal) {
    if (idx + 1 !== subseq) verifierBug(env, "extra insn from subprog");
    if (bt.regs[bt.frame]! & ARGS) verifierBug(env, `global subprog unexpected regs ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
    bt.clear(0);
    return "stop";
  }
  if (bt.regs[bt.frame]! & ~ARGS) verifierBug(env, `static subprog unexpected regs ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
  if (!bt.stackEmpty) verifierBug(env, "static subprog leftover stack slots");
  for (let i = 1; i <= 5; i++) {
    if (!bt.has(i)) continue;
    bt.clear(i);
    bt.regs[bt.frame - 1]! |= 1 << i;
  }
  leaveSubprog(env, bt);
  return "stop";
}

function stepExit(env: Env, bt: Backtrack, subseq: number): Step {
  // Gap loop-count-precision: the rounds of bpf_loop are those of the call that the callback returns to.
  const rounds = env.closeGaps && subseq >= 0 && isBpfLoop(env.insns[subseq]!) && bt.has(1);
  if (subseq >= 0 && env.aux[subseq]!.callsCallback) for (let i = rounds ? 2 : 1; i <= 5; i++) bt.clear(i);
  if (bt.regs[bt.frame]! & ARGS & (rounds ? ~2 : -1))
    verifierBug(env, `backtracking exit unexpected regs ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
  const before = env.insns[subseq - 1];
  const isCall = before !== undefined && before.code === (op.BPF_JMP | op.BPF_CALL) && before.src === op.BPF_PSEUDO_CALL;
  const r0Precise = isCall && bt.has(0);
  bt.clear(0);
  enterSubprog(env, bt);
  if (r0Precise) bt.set(0);
  return "stop";
}

const isBpfLoop = (insn: op.Insn): boolean => insn.src === 0 && insn.imm === FUNC.loop;

function enterSubprog(env: Env, bt: Backtrack): void {
  if (bt.frame === MAX_CALL_FRAMES - 1) verifierBug(env, "subprog enter from frame 7");
  bt.frame++;
}
function leaveSubprog(env: Env, bt: Backtrack): void {
  if (bt.frame === 0) verifierBug(env, "subprog exit from frame 0");
  bt.frame--;
}

/** mark_all_scalars_precise: the costly but safe answer, for every state that `from` came through. */
export function markAllPrecise(env: Env, from: VState): void {
  if (env.log.level2) env.trace(`mark_precise: frame${from.curframe}: falling back to forcing all scalars precise\n`);
  for (let st = from.parent; st; st = st.parent) {
    st.frames.forEach((frame, i) => {
      for (let j = 0; j < 10; j++) {
        if (frame.regs[j]!.type !== SCALAR_VALUE || (frame.preciseRegs >>> j) & 1) continue;
        frame.preciseRegs |= 1 << j;
        if (env.log.level2) env.trace(`force_precise: frame${i}: forcing r${j} to be precise\n`);
      }
      frame.stack.forEach((slot, j) => {
        if (!slot.isSpilledScalar || frame.isSlotPrecise(j)) return;
        frame.setSlotPrecise(j);
        if (env.log.level2) env.trace(`force_precise: frame${i}: forcing fp${-(j + 1) * 8} to be precise\n`);
      });
    });
  }
}

/** mark_chain_precision for register `regno` of the current frame. */
export function markPrecise(env: Env, regno: number): void {
  markChain(env, env.cur, regno, null);
}

/**
 * __mark_chain_precision: what `start` wants precise (register `regno`, or what already stands in env.bt when -1)
 * is carried back through its parents. Sets `out.changed` when a parent learned something.
 * The kernel walks all the way each time. What a walk does to a union of wants is the union of what it does to each, and kept
 * states never become imprecise again; so a walk may end where earlier ones that came to their end have wanted as much.
 */
export function markChain(env: Env, start: VState, regno: number, out: { changed: boolean } | null): void {
  if (!env.bpfCapable) return;
  const bt = env.bt;
  bt.begin(start.curframe);
  if (regno >= 0) {
    if (start.cur.regs[regno]!.type !== SCALAR_VALUE) verifierBug(env, "backtracking misuse");
    bt.set(regno);
  }
  if (bt.isEmpty()) return;
  let st: VState = start;
  let firstIdx = st.firstInsnIdx;
  let lastIdx = start.insnIdx;
  let subseq = -1;
  let skipFirst = true;
  // The log tells every step.
  const shortcut = !env.log.level2;
  for (;;) {
    if (env.log.level2) env.trace(`mark_precise: frame${bt.frame}: last_idx ${lastIdx} first_idx ${firstIdx} subseq_idx ${subseq} \n`);
    if (lastIdx < 0) return atEntry(env, st, out);
    const cursor: HistoryCursor = { at: st.history };
    for (let i = lastIdx; ;) {
      const hist = entryAt(cursor, i);
      if (skipFirst) skipFirst = false;
      else if (!backtrackInsn(env, bt, i, subseq, hist)) {
        markAllPrecise(env, start);
        bt.forget();
        return;
      }
      if (bt.isEmpty()) return;
      if (hist && shortcut && bt.wasTracked(hist)) {
        bt.reset();
        return;
      }
      subseq = i;
      const prev = prevInsn(st, i, cursor);
      if (prev === null) break;
      i = prev;
      if (i < 0 || i >= env.insns.length) verifierBug(env, `backtracking idx ${i}`);
    }
    if (!st.parent) break;
    st = st.parent;
    markState(env, st, out);
    if (bt.isEmpty()) return;
    subseq = firstIdx;
    lastIdx = st.lastInsnIdx;
    firstIdx = st.firstInsnIdx;
  }
  markAllPrecise(env, start);
  bt.forget();
}

/** Nothing lies before `st`: arguments of a function that is verified on its own are simply precise. */
function atEntry(env: Env, st: VState, out: { changed: boolean } | null): void {
  const bt = env.bt;
  const frame = st.frames[0]!;
  if (st.curframe === 0 && frame.subprogno > 0 && frame.callsite === BPF_MAIN_FUNC && bt.stackEmpty && (bt.regs[bt.frame]! & ~ARGS) === 0) {
    for (let i = 1; i <= 5; i++) {
      if (!bt.has(i)) continue;
      bt.clear(i);
      if (frame.regs[i]!.type !== SCALAR_VALUE) continue;
      frame.preciseRegs |= 1 << i;
      if (out) out.changed = true;
    }
    return;
  }
  verifierBug(env, `backtracking func entry subprog ${frame.subprogno} reg_mask ${(bt.regs[bt.frame]! >>> 0).toString(16)}`);
}

const lowestBit = (mask: number): number => 31 - Math.clz32(mask & -mask);

/** Marks what is wanted in a kept state; what is precise there already needs no further tracking. */
function markState(env: Env, st: VState, out: { changed: boolean } | null): void {
  const bt = env.bt;
  for (let fr = bt.frame; fr >= 0; fr--) {
    const frame = st.frames[fr]!;
    for (let left = bt.regs[fr]!; left; left &= left - 1) {
      const i = lowestBit(left);
      if (frame.regs[i]!.type !== SCALAR_VALUE || (frame.preciseRegs >>> i) & 1) bt.regs[fr]! &= ~(1 << i);
      else {
        frame.preciseRegs |= 1 << i;
        if (out) out.changed = true;
      }
    }
    const slots = bt.slotsLo[fr]! | bt.slotsHi[fr]! ? 64 : 0;
    for (let i = 0; i < slots; i++) {
      if (!bt.hasSlot(fr, i)) continue;
      const slot = frame.stack[i];
      if (!slot) verifierBug(env, `stack slot ${i}, total slots ${frame.stack.length}`);
      else if (!slot.isSpilledScalar || frame.isSlotPrecise(i)) bt.clearSlot(fr, i);
      else {
        frame.setSlotPrecise(i);
        if (out) out.changed = true;
      }
    }
    if (env.log.level2) {
      env.trace(
        `mark_precise: frame${fr}: parent state regs=${regMask(bt.regs[fr]!)} stack=${stackMask(bt.slotsLo[fr]!, bt.slotsHi[fr]!)}: `,
      );
      printState(env, st, fr, true);
    }
  }
}
