// States of the exploration: frames, references, locks and how a state was reached. Copies are shallow over immutable parts.
import type { Reg } from "./reg.ts";
import type { Slot } from "./stack.ts";

export const MAX_CALL_FRAMES = 8;
/** callsite of a main program. */
export const BPF_MAIN_FUNC = -1;

/** Kinds of acquired references (enum ref_state_type). */
export const REF_TYPE_PTR = 2,
  REF_TYPE_IRQ = 4,
  REF_TYPE_LOCK = 8,
  REF_TYPE_RES_LOCK = 16,
  REF_TYPE_RES_LOCK_IRQ = 32;
export interface RefState {
  readonly type: number;
  readonly id: number;
  readonly insnIdx: number;
  readonly ptr: object | null;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** One call frame. `regs` and `stack` are owned by the frame, their elements are shared. */
export class FuncState {
  regs: Reg[];
  /** Slots from the frame pointer downwards; length is allocated_stack / 8. */
  stack: Slot[];
  callsite: number;
  frameno: number;
  subprogno: number;
  asyncEntryCnt = 0;
  callbackRetRange: Range = { min: 0, max: 0 };
  callbackDepth = 0;
  inCallbackFn = false;
  inAsyncCallbackFn = false;
  inExceptionCallbackFn = false;
  /** Bits of registers and slots whose scalar must be compared exactly (the kernel's reg->precise). */
  preciseRegs = 0;
  preciseSlotsLo = 0;
  preciseSlotsHi = 0;

  constructor(regs: Reg[], stack: Slot[], callsite: number, frameno: number, subprogno: number) {
    this.regs = regs;
    this.stack = stack;
    this.callsite = callsite;
    this.frameno = frameno;
    this.subprogno = subprogno;
  }

  copy(): FuncState {
    const f = new FuncState(this.regs.slice(), this.stack.slice(), this.callsite, this.frameno, this.subprogno);
    f.asyncEntryCnt = this.asyncEntryCnt;
    f.callbackRetRange = this.callbackRetRange;
    f.callbackDepth = this.callbackDepth;
    f.inCallbackFn = this.inCallbackFn;
    f.inAsyncCallbackFn = this.inAsyncCallbackFn;
    f.inExceptionCallbackFn = this.inExceptionCallbackFn;
    f.preciseRegs = this.preciseRegs;
    f.preciseSlotsLo = this.preciseSlotsLo;
    f.preciseSlotsHi = this.preciseSlotsHi;
    return f;
  }

  get allocatedStack(): number {
    return this.stack.length * 8;
  }
  isSlotPrecise(spi: number): boolean {
    return ((spi < 32 ? this.preciseSlotsLo >>> spi : this.preciseSlotsHi >>> (spi - 32)) & 1) === 1;
  }
  setSlotPrecise(spi: number): void {
    if (spi < 32) this.preciseSlotsLo |= 1 << spi;
    else this.preciseSlotsHi |= 1 << (spi - 32);
  }
  setImprecise(): void {
    this.preciseRegs = 0;
    this.preciseSlotsLo = 0;
    this.preciseSlotsHi = 0;
  }
}

/** A register or slot that shares an id with others at a conditional jump. */
export interface LinkedReg {
  readonly frameno: number;
  readonly isReg: boolean;
  /** Register number or slot index. */
  readonly at: number;
}

/** What the code alone does not tell of a step. */
export interface StepFacts {
  /** Stack access: frame and slot, or -1. */
  readonly frameno: number;
  readonly spi: number;
  readonly srcRegStack: boolean;
  readonly dstRegStack: boolean;
  readonly linked: readonly LinkedReg[] | null;
}

/** One step of the path that back-tracking cannot derive from the code alone. Entries are shared and immutable but for `tracked*`; each knows the one before. */
export interface HistoryEntry {
  readonly prev: HistoryEntry | null;
  /** Entries up to this one. */
  readonly count: number;
  readonly idx: number;
  readonly prevIdx: number;
  readonly facts: StepFacts;
  /** What back-tracking has wanted here, before the instruction, in its frame: whoever wants no more than that finds everything above marked. */
  trackedRegs: number;
  trackedLo: number;
  trackedHi: number;
}

const NO_REFS: readonly RefState[] = [];

/** struct bpf_verifier_state. */
export class VState {
  frames: FuncState[];
  parent: VState | null = null;
  branches = 0;
  insnIdx = 0;
  firstInsnIdx = 0;
  lastInsnIdx = -1;
  /** The newest recorded step since `firstInsnIdx`. */
  history: HistoryEntry | null = null;
  refs: readonly RefState[] = NO_REFS;
  activeLocks = 0;
  activePreemptLocks = 0;
  activeRcuLocks = 0;
  activeIrqId = 0;
  activeLockId = 0;
  activeLockPtr: object | null = null;
  speculative = false;
  inSleepable = false;
  cleaned = false;
  dfsDepth = 0;
  callbackUnrollDepth = 0;
  mayGotoDepth = 0;
  equalState: VState | null = null;
  /** Its place on the explored list, when it stands there. */
  listEntry: ExploredEntry | null = null;

  constructor(frames: FuncState[]) {
    this.frames = frames;
  }

  get curframe(): number {
    return this.frames.length - 1;
  }
  get cur(): FuncState {
    return this.frames[this.frames.length - 1]!;
  }

  /** copy_verifier_state: everything but the place on the explored list. */
  copy(): VState {
    const { frames } = this;
    const s = new VState(frames.length === 1 ? [frames[0]!.copy()] : frames.map((f) => f.copy()));
    s.parent = this.parent;
    s.branches = this.branches;
    s.insnIdx = this.insnIdx;
    s.firstInsnIdx = this.firstInsnIdx;
    s.lastInsnIdx = this.lastInsnIdx;
    s.history = this.history;
    s.refs = this.refs;
    s.activeLocks = this.activeLocks;
    s.activePreemptLocks = this.activePreemptLocks;
    s.activeRcuLocks = this.activeRcuLocks;
    s.activeIrqId = this.activeIrqId;
    s.activeLockId = this.activeLockId;
    s.activeLockPtr = this.activeLockPtr;
    s.speculative = this.speculative;
    s.inSleepable = this.inSleepable;
    s.cleaned = this.cleaned;
    s.dfsDepth = this.dfsDepth;
    s.callbackUnrollDepth = this.callbackUnrollDepth;
    s.mayGotoDepth = this.mayGotoDepth;
    s.equalState = this.equalState;
    return s;
  }
}

/** A kept state with the counts that decide when it is dropped. */
export interface ExploredEntry {
  readonly state: VState;
  hitCnt: number;
  missCnt: number;
  inFreeList: boolean;
}

/** Runs `change` on every register and spilled register of all frames; a returned register replaces the old one (bpf_for_each_reg_in_vstate). */
export function mapRegs(state: VState, change: (reg: Reg, frame: FuncState) => Reg, wrap: (slot: Slot, reg: Reg) => Slot): void {
  for (const frame of state.frames) {
    for (let i = 0; i < frame.regs.length; i++) {
      const reg = frame.regs[i]!;
      const next = change(reg, frame);
      if (next !== reg) frame.regs[i] = next;
    }
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.stack[i]!;
      if (!slot.isSpilled) continue;
      const next = change(slot.reg, frame);
      if (next !== slot.reg) frame.stack[i] = wrap(slot, next);
    }
  }
}
