// Which stack slots may still be read, found from the marks that exploration leaves (kernel/bpf/liveness.c, 6.18). It never changes a state.
import { insnSlots, jumpOffset, BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, type Insn } from "../../isa/index.ts";
import type { Env } from "../env.ts";
import type { VState } from "../domain/state.ts";
import { stackMask } from "../log/format.ts";

/** Slots that control may go to after `idx` (bpf_insn_successors); for use after the control-flow check. */
export function successors(env: Env, idx: number): readonly number[] {
  return (env.aux[idx]!.successors ??= ownSuccessors(env.insns[idx]!, idx));
}
function ownSuccessors(insn: Insn, idx: number): readonly number[] {
  const cls = insn.code & 7;
  if (cls === BPF_JMP || cls === BPF_JMP32) {
    const op = insn.code & 0xf0;
    if (op === BPF_EXIT) return [];
    if (op === BPF_JA) return [idx + jumpOffset(insn) + 1];
    if (op !== BPF_CALL && op <= 0xe0) return [idx + 1, idx + jumpOffset(insn) + 1];
  }
  return [idx + insnSlots(insn)];
}

const MAY_READ = 0,
  MUST_WRITE = 2,
  LIVE_BEFORE = 4,
  WRITE_ACC = 6,
  WORDS = 8;

/** Marks of one function as called along one chain of call sites. Masks are pairs of 32-bit words (slots 0-31, 32-63). */
class FuncInstance {
  readonly callsites: readonly number[];
  readonly starts: readonly number[];
  readonly frames: (Uint32Array | undefined)[] = [];
  readonly mustWriteSet: Uint8Array;
  readonly insnCnt: number;
  updated = false;
  mustWriteDropped = false;
  constructor(callsites: readonly number[], starts: readonly number[], insnCnt: number) {
    this.callsites = callsites;
    this.starts = starts;
    this.insnCnt = insnCnt;
    this.mustWriteSet = new Uint8Array(insnCnt);
  }
  get curframe(): number {
    return this.callsites.length - 1;
  }
  get start(): number {
    return this.starts[this.starts.length - 1]!;
  }
  masks(frame: number): Uint32Array {
    return (this.frames[frame] ??= new Uint32Array(this.insnCnt * WORDS));
  }
}

export class StackLiveness {
  readonly #env: Env;
  readonly #instances = new Map<string, FuncInstance>();
  /** Those of functions that nobody called, by their start. */
  readonly #roots: (FuncInstance | undefined)[] = [];
  #current: FuncInstance | null = null;
  #writeLo = new Uint32Array(8);
  #writeHi = new Uint32Array(8);
  #writeInsn = 0;
  #query: { instances: FuncInstance[]; insnIdx: number } = { instances: [], insnIdx: 0 };

  constructor(env: Env) {
    this.#env = env;
  }

  #lookup(state: VState, frameno: number): FuncInstance {
    if (frameno === 0 && state.curframe === 0) {
      const { start } = this.#env.subprogs[state.frames[0]!.subprogno]!;
      return (this.#roots[start] ??= this.#find([start], [start]));
    }
    const callsites: number[] = [];
    const starts: number[] = [];
    for (let i = 0; i <= frameno; i++) {
      starts.push(this.#env.subprogs[state.frames[i]!.subprogno]!.start);
      callsites.push(i < state.curframe ? state.frames[i + 1]!.callsite : 0);
    }
    callsites[frameno] = starts[frameno]!;
    return this.#find(callsites, starts);
  }
  #find(callsites: readonly number[], starts: readonly number[]): FuncInstance {
    const key = callsites.join(",");
    let found = this.#instances.get(key);
    if (!found) {
      const sub = this.#env.subprogs[this.#env.subprogAt(starts[starts.length - 1]!)]!;
      found = new FuncInstance(callsites, starts, sub.end - sub.start);
      this.#instances.set(key, found);
    }
    return found;
  }
  #ensure(): FuncInstance {
    return (this.#current ??= this.#lookup(this.#env.cur, this.#env.cur.curframe));
  }

  /** bpf_reset_live_stack_callchain: the call chain has changed. */
  resetCallchain(): void {
    this.#current = null;
  }
  /** bpf_mark_stack_read: `insnIdx` may read slot `spi` of `frame`. */
  markRead(frame: number, insnIdx: number, spi: number): void {
    this.#markRead(this.#ensure(), frame, insnIdx, spi < 32 ? 1 << spi : 0, spi < 32 ? 0 : 1 << (spi - 32));
  }
  #markRead(inst: FuncInstance, frame: number, insnIdx: number, lo: number, hi: number): void {
    const m = inst.masks(frame);
    const at = (insnIdx - inst.start) * WORDS;
    const newLo = (m[at + MAY_READ]! | lo) >>> 0;
    const newHi = (m[at + MAY_READ + 1]! | hi) >>> 0;
    const changes = newLo !== m[at + MAY_READ] || newHi !== m[at + MAY_READ + 1];
    if (changes && ((newLo & ~m[at + LIVE_BEFORE]!) !== 0 || (newHi & ~m[at + LIVE_BEFORE + 1]!) !== 0)) inst.updated = true;
    m[at + MAY_READ] = newLo;
    m[at + MAY_READ + 1] = newHi;
  }
  /** bpf_reset_stack_write_marks: writes from now on belong to `insnIdx`. */
  beginWrites(insnIdx: number): void {
    this.#begin(this.#ensure(), insnIdx);
  }
  #begin(inst: FuncInstance, insnIdx: number): void {
    this.#writeInsn = insnIdx;
    for (let i = 0; i <= inst.curframe; i++) this.#writeLo[i] = this.#writeHi[i] = 0;
  }
  /** bpf_mark_stack_write: the whole slot is overwritten. */
  markWrite(frame: number, spi: number): void {
    if (spi < 32) this.#writeLo[frame]! |= 1 << spi;
    else this.#writeHi[frame]! |= 1 << (spi - 32);
  }
  /** bpf_commit_stack_write_marks. */
  commitWrites(): void {
    if (this.#current) this.#commit(this.#current);
  }
  #commit(inst: FuncInstance): void {
    const idx = this.#writeInsn - inst.start;
    for (let frame = 0; frame <= inst.curframe; frame++) {
      let lo = this.#writeLo[frame]!;
      let hi = this.#writeHi[frame]!;
      const set = inst.mustWriteSet[idx] === 1;
      if (lo === 0 && hi === 0 && !set) continue;
      const m = inst.masks(frame);
      const at = idx * WORDS + MUST_WRITE;
      // The kernel keeps the old mask in 32 bits, so upper slots count as not written before.
      const oldLo = m[at]!;
      if (set) {
        lo &= oldLo;
        hi = 0;
      }
      lo >>>= 0;
      if (oldLo !== lo || hi !== 0) {
        m[at] = lo;
        m[at + 1] = hi;
        inst.updated = true;
      }
      if (oldLo & ~lo) inst.mustWriteDropped = true;
    }
    inst.mustWriteSet[idx] = 1;
    this.#writeInsn = 0;
  }

  /** bpf_update_live_stack: carries new marks through all functions of the current call chain. */
  update(): void {
    this.resetCallchain();
    const state = this.#env.cur;
    for (let frame = state.curframe; frame >= 0; frame--) {
      const inst = this.#lookup(state, frame);
      if (!inst.updated) continue;
      this.#updateInstance(inst);
      inst.updated = false;
      inst.mustWriteDropped = false;
    }
  }
  #updateInstance(inst: FuncInstance): void {
    const env = this.#env;
    if (inst.mustWriteDropped) {
      for (const m of inst.frames)
        if (m) for (let i = 0; i < inst.insnCnt; i++) m[i * WORDS + WRITE_ACC] = m[i * WORDS + WRITE_ACC + 1] = 0;
    }
    const sub = env.subprogAt(inst.start);
    const from = env.subprogs[sub]!.postorderStart;
    const to = env.subprogs[sub + 1]?.postorderStart ?? env.postorder.length;
    let rounds = 0;
    let changed: boolean;
    do {
      rounds++;
      changed = false;
      for (let frame = 0; frame <= inst.curframe; frame++) {
        const m = inst.frames[frame];
        if (!m) continue;
        for (let i = from; i < to; i++) if (this.#updateInsn(inst, frame, m, env.postorder[i]!)) changed = true;
      }
    } while (changed);
    if (env.log.level2) env.trace(`(${inst.callsites.join(",")}) live stack update done in ${rounds} iterations\n`);
    if (inst.curframe > 0) this.#toOuter(inst);
  }
  #updateInsn(inst: FuncInstance, frame: number, m: Uint32Array, insnIdx: number): boolean {
    const succ = successors(this.#env, insnIdx);
    if (succ.length === 0) return false;
    let afterLo = 0;
    let afterHi = 0;
    let accLo = -1;
    let accHi = -1;
    for (let k = 0; k < succ.length; k++) {
      const at = (succ[k]! - inst.start) * WORDS;
      afterLo |= m[at + LIVE_BEFORE]!;
      afterHi |= m[at + LIVE_BEFORE + 1]!;
      accLo &= m[at + WRITE_ACC]!;
      accHi &= m[at + WRITE_ACC + 1]!;
    }
    const at = (insnIdx - inst.start) * WORDS;
    accLo = (accLo | m[at + MUST_WRITE]!) >>> 0;
    accHi = (accHi | m[at + MUST_WRITE + 1]!) >>> 0;
    const lo = ((afterLo & ~m[at + MUST_WRITE]!) | m[at + MAY_READ]!) >>> 0;
    const hi = ((afterHi & ~m[at + MUST_WRITE + 1]!) | m[at + MAY_READ + 1]!) >>> 0;
    const changed =
      lo !== m[at + LIVE_BEFORE] || hi !== m[at + LIVE_BEFORE + 1] || accLo !== m[at + WRITE_ACC] || accHi !== m[at + WRITE_ACC + 1];
    if (this.#env.log.level2 && changed) this.#logChange(inst, frame, m, insnIdx, [lo, hi, accLo, accHi]);
    m[at + LIVE_BEFORE] = lo;
    m[at + LIVE_BEFORE + 1] = hi;
    m[at + WRITE_ACC] = accLo;
    m[at + WRITE_ACC + 1] = accHi;
    return changed;
  }
  #logChange(inst: FuncInstance, frame: number, m: Uint32Array, insnIdx: number, now: readonly [number, number, number, number]): void {
    const at = (insnIdx - inst.start) * WORDS;
    const marked = m[at]! | m[at + 1]! | m[at + 2]! | m[at + 3]!;
    if (!marked && insnIdx !== inst.start && !this.#env.aux[insnIdx]!.prunePoint) return;
    const line = (prefix: string, oldLo: number, oldHi: number, lo: number, hi: number): void => {
      if (oldLo === lo && oldHi === hi) return;
      let out = `(${inst.callsites.join(",")}) frame ${frame} insn ${insnIdx} `;
      if (lo & ~oldLo || hi & ~oldHi) out += `+${prefix} ${stackMask(lo & ~oldLo, hi & ~oldHi)} `;
      if (oldLo & ~lo || oldHi & ~hi) out += `-${prefix} ${stackMask(oldLo & ~lo, oldHi & ~hi)}`;
      this.#env.trace(`${out}\n`);
    };
    line("live", m[at + LIVE_BEFORE]!, m[at + LIVE_BEFORE + 1]!, now[0], now[1]);
    line("written", m[at + WRITE_ACC]!, m[at + WRITE_ACC + 1]!, now[2], now[3]);
  }
  /** What the callee reads and writes of its callers' stacks becomes a mark of the call itself. */
  #toOuter(inst: FuncInstance): void {
    const callsites = inst.callsites.slice(0, -1);
    const starts = inst.starts.slice(0, -1);
    const callsite = inst.callsites[inst.curframe - 1]!;
    callsites[callsites.length - 1] = starts[starts.length - 1]!;
    const outer = this.#find(callsites, starts);
    this.#begin(outer, callsite);
    for (let frame = 0; frame < inst.curframe; frame++) {
      const m = inst.frames[frame];
      if (!m) continue;
      this.#writeLo[frame]! |= m[WRITE_ACC]!;
      this.#writeHi[frame]! |= m[WRITE_ACC + 1]!;
      this.#markRead(outer, frame, callsite, m[LIVE_BEFORE]!, m[LIVE_BEFORE + 1]!);
    }
    this.#commit(outer);
  }

  /** bpf_live_stack_query_init: following questions are about `state`. */
  ask(state: VState): void {
    const instances: FuncInstance[] = [];
    for (let i = 0; i < state.frames.length; i++) instances.push(this.#lookup(state, i));
    this.#query = { instances, insnIdx: state.insnIdx };
  }
  /** bpf_stack_slot_alive: may slot `spi` of frame `frameno` still be read? */
  isAlive(frameno: number, spi: number): boolean {
    const { instances, insnIdx } = this.#query;
    const curframe = instances.length - 1;
    const cur = instances[curframe]!;
    if (liveBefore(cur, insnIdx, frameno, spi)) return true;
    for (let i = frameno; i < curframe; i++) {
      const callsite = cur.callsites[i]!;
      const at = this.#env.aux[callsite]!.callsCallback ? callsite : callsite + 1;
      if (liveBefore(instances[i]!, at, frameno, spi)) return true;
    }
    return false;
  }
}

function liveBefore(inst: FuncInstance, insnIdx: number, frameno: number, spi: number): boolean {
  const m = inst.frames[frameno];
  if (!m) return false;
  const word = m[(insnIdx - inst.start) * WORDS + LIVE_BEFORE + (spi < 32 ? 0 : 1)]!;
  return ((word >>> (spi & 31)) & 1) === 1;
}
