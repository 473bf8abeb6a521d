// The working state of one verification (struct bpf_verifier_env). It holds data and the way to reject; it decides nothing.
import { NEVER_CANCELLED, type CancelToken } from "../base/index.ts";
import { capabilitiesOf, type Btf, type Capabilities, type Caps } from "../object/index.ts";
import type { Insn } from "../isa/index.ts";
import { disassemble } from "../isa/index.ts";
import { helperById } from "../catalog/index.ts";
import { Reg } from "./domain/reg.ts";
import { NOT_INIT, PTR_TO_STACK, SCALAR_VALUE } from "./domain/reg-types.ts";
import { Scalars } from "./domain/scalars.ts";
import { Slot, BPF_REG_SIZE } from "./domain/stack.ts";
import { FuncState, mapRegs, type ExploredEntry, type HistoryEntry, type VState } from "./domain/state.ts";
import { Log } from "./log/log.ts";
import type { MapInfo } from "./maps/map-info.ts";
import type { StackLiveness } from "./explore/stack-liveness.ts";
import type { SccVisits } from "./explore/scc-visits.ts";
import type { Backtrack } from "./explore/backtrack.ts";
import type { KfuncTable } from "./btf/kfuncs.ts";
import type { AttachInfo } from "./prepare/attach.ts";
import type { CheckId } from "./check-ids.ts";
import type { VerifyObserver } from "./observer.ts";
import type { VerifyInput, VerifyOptions } from "./types.ts";

/** errno values that the verifier returns. */
export const EPERM = 1,
  ENOENT = 2,
  E2BIG = 7,
  EAGAIN = 11,
  ENOMEM = 12,
  EACCES = 13,
  EFAULT = 14,
  EBUSY = 16,
  EINVAL = 22,
  ERANGE = 34;
export const EPROTO = 71,
  EOPNOTSUPP = 95,
  ENOTSUPP = 524;

/** A rejection on its way out; the words already stand in the log. */
export class Reject extends Error {
  readonly errno: number;
  readonly check: CheckId;
  constructor(errno: number, check: CheckId) {
    super(check);
    this.errno = errno;
    this.check = check;
  }
}
/** Something that this verifier does not know yet: no verdict is given. `feature` is from the closed list in unsupported.ts. */
export class Unsupported extends Error {
  readonly feature: string;
  constructor(feature: string) {
    super(feature);
    this.feature = feature;
  }
}

/** One function of the program (struct bpf_subprog_info). */
export interface Subprog {
  start: number;
  /** First slot after it. */
  end: number;
  exitIdx: number;
  postorderStart: number;
  stackDepth: number;
  hasTailCall: boolean;
  hasLdAbs: boolean;
  isCb: boolean;
  isAsyncCb: boolean;
  isExceptionCb: boolean;
  changesPktData: boolean;
  mightSleep: boolean;
  fastcallStackOff: number;
  keepFastcallStack: boolean;
  name: string;
  isGlobal: boolean;
  typeId: number;
  called: boolean;
  verified: boolean;
  unreliable: boolean;
  argsPrepared: boolean;
  args: SubprogArg[];
}
export interface SubprogArg {
  readonly argType: number;
  readonly memSize: number;
  readonly btfId: number;
}

/** What is noted of each instruction (struct bpf_insn_aux_data). */
export interface InsnAux {
  prunePoint: boolean;
  jmpPoint: boolean;
  forceCheckpoint: boolean;
  callsCallback: boolean;
  isIterNext: boolean;
  scc: number;
  liveRegs: number;
  /** Type of the pointer that the instruction went through, to refuse mixing. */
  ptrType: number;
  nospec: boolean;
  nospecResult: boolean;
  aluState: number;
  aluLimit: number;
  seen: boolean;
  fastcallPattern: boolean;
  fastcallSpillsNum: number;
  /** For ld_imm64: the map and the offset into its value; or the kernel variable. */
  map: MapInfo | null;
  mapOff: number;
  btfVarType: number;
  btfVarSize: number;
  btfVarId: number;
  loopInlineInit: boolean;
  loopFitForInline: boolean;
  loopCallback: number;
  /** Slots that control may go to next; set by the control-flow check where they differ from the code's own (tail calls), else when first asked for. */
  successors: readonly number[] | null;
  /** The immediate operand as a register, once it was asked for. */
  immediate: Reg | null;
}

interface StackElem {
  readonly st: VState;
  readonly insnIdx: number;
  readonly prevInsnIdx: number;
  readonly logPos: number;
}

export class Env {
  readonly prog: VerifyInput;
  readonly insns: readonly Insn[];
  readonly caps: Caps;
  readonly may: Capabilities;
  readonly kernelBtf: Btf | undefined;
  readonly cancel: CancelToken;
  readonly kernelVersion: string;
  readonly log: Log;
  readonly D = Scalars.forVerification();
  readonly observer: VerifyObserver | undefined;
  readonly closeGaps: boolean;

  // Privileges.
  readonly bpfCapable: boolean;
  readonly allowPtrLeaks: boolean;
  readonly allowUninitStack: boolean;
  readonly bypassSpecV1: boolean;
  readonly bypassSpecV4: boolean;
  strictAlignment: boolean;
  readonly testStateFreq: boolean;

  // The program taken apart.
  aux: InsnAux[] = [];
  subprogs: Subprog[] = [];
  maps: MapInfo[] = [];
  usedMaps: MapInfo[] = [];
  postorder: number[] = [];
  exceptionCallbackSubprog = 0;
  /** The map of each tail call, null where paths bring different ones (aux->map_ptr_state). */
  readonly tailCallMaps = new Map<number, MapInfo | null>();
  arena: MapInfo | null = null;
  kfuncs!: KfuncTable;
  attach!: AttachInfo;
  gplCompatible: boolean;
  sleepable: boolean;

  // Exploration.
  cur!: VState;
  insnIdx = 0;
  prevInsnIdx = -1;
  stack: StackElem[] = [];
  explored: ExploredEntry[][] = [];
  /** The instruction that was looked at last, -1 before any: where a refusal stands in the log. */
  lastInsn = -1;
  curHistEnt: HistoryEntry | null = null;
  idGen = 0;
  liveness!: StackLiveness;
  scc!: SccVisits;
  bt!: Backtrack;
  exploreAluLimits = false;

  // Counters.
  insnProcessed = 0;
  jmpsProcessed = 0;
  prevInsnProcessed = 0;
  prevJmpsProcessed = 0;
  totalStates = 0;
  exploredStatesSize = 0;
  freeListSize = 0;
  numBackedges = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;

  // Log bookkeeping.
  scratchedRegs = 0;
  scratchedSlotsLo = 0;
  scratchedSlotsHi = 0;
  prevLogPos = 0;
  prevInsnPrintLen = 0;
  prevLine: { file: string; line: number } | null = null;
  /** Text written through {@link say} since the current instruction began. */
  said = "";
  /** Instruction at which the words in `said` were spoken; -1 before the exploration. */
  saidAt = -1;

  readonly notInit: Reg;
  readonly emptySlot: Slot;

  constructor(prog: VerifyInput, options: VerifyOptions) {
    this.prog = prog;
    this.insns = prog.insns;
    this.caps = options.caps ?? "full";
    this.may = capabilitiesOf(this.caps);
    this.kernelBtf = options.kernelBtf;
    this.cancel = options.cancel ?? NEVER_CANCELLED;
    this.kernelVersion = options.kernelVersion ?? "6.18";
    this.observer = options.observer;
    this.closeGaps = options.closeGaps ?? false;
    this.log = new Log(options.logLevel, options.logBytes ?? 16 << 20);
    const { bpf, perfmon } = this.may;
    this.bpfCapable = bpf;
    this.allowPtrLeaks = perfmon;
    this.allowUninitStack = perfmon;
    this.bypassSpecV1 = perfmon;
    this.bypassSpecV4 = perfmon;
    this.strictAlignment = (prog.flags & 1) !== 0 && (prog.flags & 2) === 0;
    this.testStateFreq = bpf && (prog.flags & 8) !== 0;
    this.sleepable = (prog.flags & 16) !== 0;
    this.gplCompatible = GPL_LICENSES.has(prog.license);
    this.notInit = new Reg(NOT_INIT, this.D.UNKNOWN);
    this.emptySlot = new Slot(this.notInit, 0);
  }

  // ---------------------------------------------------------------- registers

  get frame(): FuncState {
    return this.cur.cur;
  }
  get regs(): Reg[] {
    return this.cur.cur.regs;
  }
  reg(n: number): Reg {
    return this.cur.cur.regs[n]!;
  }
  /** The frame that a stack pointer points into (func()). */
  frameOf(reg: Reg): FuncState {
    return this.cur.frames[reg.frameno]!;
  }
  get curAux(): InsnAux {
    return this.aux[this.insnIdx]!;
  }
  scalar(h: number): Reg {
    return new Reg(SCALAR_VALUE, h);
  }
  /** The immediate operand of the current instruction: one register for all visits, never to be changed. */
  immediate(insn: Insn): Reg {
    return (this.aux[this.insnIdx]!.immediate ??= this.scalar(this.D.ops.imm(insn.imm)));
  }
  unknownScalar(): Reg {
    return new Reg(SCALAR_VALUE, this.D.UNKNOWN);
  }
  /** A pointer of `type` at offset 0 (mark_reg_known_zero and a type). */
  pointer(type: number): Reg {
    return new Reg(type, this.D.ZERO);
  }
  newFrame(callsite: number, frameno: number, subprogno: number): FuncState {
    const regs: Reg[] = new Array<Reg>(11).fill(this.notInit);
    const fp = this.pointer(PTR_TO_STACK);
    fp.frameno = frameno;
    regs[10] = fp;
    this.scratchAll();
    return new FuncState(regs, [], callsite, frameno, subprogno);
  }
  eachReg(state: VState, change: (reg: Reg, frame: FuncState) => Reg): void {
    mapRegs(state, change, (slot, reg) => new Slot(reg, slot.types));
  }
  subprogAt(insnIdx: number): number {
    let l = 0;
    let r = this.subprogs.length - 1;
    while (l < r) {
      const m = l + ((r - l + 1) >> 1);
      if (this.subprogs[m]!.start <= insnIdx) l = m;
      else r = m - 1;
    }
    return l;
  }
  /** find_subprog: the function that starts exactly there, or -1. */
  findSubprog(start: number): number {
    if (start < 0 || start >= this.insns.length || this.subprogs.length === 0) return -1;
    const i = this.subprogAt(start);
    return this.subprogs[i]!.start === start ? i : -1;
  }
  inSleepable(): boolean {
    return this.cur.inSleepable;
  }
  /** grow_stack_state: at least `size` bytes of stack below the frame pointer. */
  growStack(frame: FuncState, size: number): void {
    const slots = Math.ceil(size / BPF_REG_SIZE);
    while (frame.stack.length < slots) frame.stack.push(this.emptySlot);
    const sub = this.subprogs[frame.subprogno]!;
    if (sub.stackDepth < slots * 8) sub.stackDepth = slots * 8;
  }

  // ---------------------------------------------------------------- speaking

  /** Adds words of the kernel to the log (verbose()); they are the error if the program is rejected now. */
  say(text: string): void {
    this.log.write(text);
    if (this.saidAt !== this.insnIdx) {
      this.said = "";
      this.saidAt = this.insnIdx;
    }
    this.said += text;
  }
  /** Log text that is never an error: states, back-tracking. */
  trace(text: string): void {
    this.log.write(text);
  }
  /** Says `text` and rejects. `check` names the rule for docs and explanations. */
  fail(check: CheckId, errno: number, text: string): never {
    this.say(text.endsWith("\n") ? text : `${text}\n`);
    throw new Reject(errno, check);
  }

  /** Rejects for reasons that stand in the log already. */
  reject(check: CheckId, errno: number): never {
    throw new Reject(errno, check);
  }

  scratchReg(n: number): void {
    this.scratchedRegs |= 1 << n;
  }
  scratchSlot(spi: number): void {
    if (spi < 32) this.scratchedSlotsLo |= 1 << spi;
    else this.scratchedSlotsHi |= 1 << (spi - 32);
  }
  scratchAll(): void {
    this.scratchedRegs = -1;
    this.scratchedSlotsLo = -1;
    this.scratchedSlotsHi = -1;
  }
  scratchNone(): void {
    this.scratchedRegs = 0;
    this.scratchedSlotsLo = 0;
    this.scratchedSlotsHi = 0;
  }
  insnText(idx: number): string {
    return disassemble(this.insns[idx]!, this.insns[idx + 1], {
      helper: (id) => helperById(id)?.name,
      kfunc: (insn) => this.kfuncs.name(insn.imm),
    });
  }
  updatePeak(): void {
    const now = this.exploredStatesSize + this.freeListSize + this.numBackedges;
    if (now > this.peakStates) this.peakStates = now;
  }
}

/** Licenses that make a program GPL compatible (license_is_gpl_compatible). */
const GPL_LICENSES = new Set(["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"]);
