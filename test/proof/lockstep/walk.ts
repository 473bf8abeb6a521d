// Follows one run of the machine through the tree of the verifier's states: after each instruction some state must hold what the machine holds.
// It finds violations; it neither makes programs nor repairs anything. Why the criterion is the right one stands in loose.ts.
import * as op from "../../../core/isa/index.ts";
import type { Insn } from "../../../core/isa/index.ts";
import { SCALAR_VALUE, NOT_INIT } from "../../../core/verifier/domain/reg-types.ts";
import type { Reg } from "../../../core/verifier/domain/reg.ts";
import { STACK_ZERO, type Slot } from "../../../core/verifier/domain/stack.ts";
import { meetLoose, stepLoose } from "./loose.ts";
import { IMPRECISE, spillBytes, type Loose, type Node, type Trace } from "./trace.ts";
import { hex64, regSays, type View } from "./view.ts";

/** A state that holds the machine's, with what of it is loose; `base` is the machine's depth of its first frame, `up` the caller of a global function. */
interface Item {
  readonly node: Node;
  readonly loose: Loose | null;
  readonly base: number;
  readonly up: Item | null;
}
/** What was wrong with the state that came closest. */
export interface Violation {
  readonly insnIdx: number;
  readonly what: string;
  readonly state: string;
  readonly value: string;
}
type Failure = Pick<Violation, "what" | "state" | "value">;
/** More states at once are never followed; the first ones found do. */
const MAX_ITEMS = 32;
/** Registers that a call keeps. */
const SAVED = 0x3c0;

export class Walk {
  readonly #trace: Trace;
  readonly #view: View;
  readonly #insns: readonly Insn[];
  #items: Item[] = [];
  #found: Item[] = [];
  #failure: Failure | null = null;
  readonly #constant = (r: Reg): number | null => this.#view.words.constant(r.s);

  constructor(trace: Trace, view: View, insns: readonly Insn[]) {
    this.#trace = trace;
    this.#view = view;
    this.#insns = insns;
  }
  /** The machine stands before the program's first instruction. */
  start(): Violation | null {
    const root = this.#trace.roots.get(0)!;
    this.#found = [];
    this.#accept(root, { node: root, loose: null, base: this.#view.machine.depth, up: null }, null, -1);
    return this.#settle(0, null);
  }
  /** The machine has run the instruction at `pc` in the frame at `depth` and goes on at its own pc. */
  step(pc: number, depth: number): Violation | null {
    this.#found = [];
    this.#failure = null;
    for (const item of this.#items) this.#advance(item, this.#insns[pc]!, pc, depth);
    return this.#settle(this.#view.machine.pc, pc);
  }
  #settle(pc: number, from: number | null): Violation | null {
    this.#items = this.#found;
    if (this.#items.length > 0) return null;
    if (this.#failure) return { insnIdx: pc, ...this.#failure };
    const value = from === null ? "the start" : `the machine came from instruction ${from}`;
    return { insnIdx: pc, what: "path", state: "no state leads here", value };
  }

  #advance(item: Item, insn: Insn, pc: number, depth: number): void {
    const { machine } = this.#view;
    const { node } = item;
    const cls = insn.code & 7;
    const kind = insn.code & 0xf0;
    if (insn.code === (op.BPF_JMP | op.BPF_CALL) && insn.src === op.BPF_PSEUDO_CALL) {
      const subprog = this.#trace.watched.subprogAt(pc + 1 + insn.imm);
      if (this.#trace.watched.isGlobal(subprog)) {
        const root = this.#trace.roots.get(subprog);
        if (root) this.#accept(root, { node: root, loose: null, base: machine.depth, up: item }, null, -1);
        return;
      }
    }
    if (machine.depth < item.base) return this.#leaveGlobal(item);
    const frame = node.frames[node.frames.length - 1]!;
    if (cls === op.BPF_JMP && kind === op.BPF_EXIT && frame.inCallback && depth > item.base) return this.#leaveCallback(item, insn);
    for (const kid of node.kids) this.#follow(item, insn, kid, node);
  }
  /** Takes `kid` where the machine is at it. */
  #follow(item: Item, insn: Insn, kid: Node, before: Node | null): void {
    const { machine } = this.#view;
    if (kid.idx !== machine.pc || item.base + kid.frames.length - 1 !== machine.depth) return;
    const loose = item.loose && stepLoose(item.loose, insn, item.node, kid, this.#constant);
    this.#accept(kid, { node: kid, loose, base: item.base, up: item.up }, before, -1, insn);
  }
  /** A global function ends: its caller goes on as after any call, knowing nothing of R0. */
  #leaveGlobal(item: Item): void {
    const { up } = item;
    if (!up) return;
    const insn = this.#insns[up.node.idx]!;
    for (const kid of up.node.kids) this.#follow(up, insn, kid, null);
  }
  /** A callback ends: the verifier looks at the call again, the machine at what follows it. */
  #leaveCallback(item: Item, insn: Insn): void {
    const outer = this.#found;
    this.#found = [];
    for (const kid of item.node.kids) {
      const loose = item.loose && stepLoose(item.loose, insn, item.node, kid, this.#constant);
      this.#accept(kid, { node: kid, loose, base: item.base, up: item.up }, null, SAVED);
    }
    const atCall = this.#found;
    this.#found = outer;
    for (const call of atCall) for (const kid of call.node.kids) this.#follow(call, this.#insns[call.node.idx]!, kid, null);
  }

  /** Adds the state if it holds the machine's; where it was covered, the state that covered it must as well. */
  #accept(node: Node, item: Item, before: Node | null, mask: number, insn?: Insn): void {
    if (this.#found.length >= MAX_ITEMS || this.#found.some((o) => o.node === node && o.up === item.up && !o.loose)) return;
    const failure = this.#refuses(node, item, { before, mask, insn });
    if (failure) {
      this.#failure = failure;
      return;
    }
    if (node.by) {
      const to = this.#trace.nodeOf(node.by)!;
      const by = this.#trace.looseOf(node.by, to);
      const loose = node.within ? meetLoose(item.loose, by) : by;
      return this.#accept(to, { ...item, node: to, loose }, null, mask);
    }
    this.#found.push(item);
    // A value of 0 or -1 that is masked next is followed as two states before the same instruction.
    const cls = this.#insns[node.idx]!.code & 7;
    if (cls !== op.BPF_ALU && cls !== op.BPF_ALU64) return;
    for (const kid of node.kids) if (kid.idx === node.idx) this.#accept(kid, { ...item, node: kid }, null, mask);
  }

  #refuses(node: Node, item: Item, how: { before: Node | null; mask: number; insn: Insn | undefined }): Failure | null {
    const last = node.frames.length - 1;
    const same = how.before !== null && how.before.frames.length === node.frames.length;
    const cls = how.insn ? how.insn.code & 7 : op.BPF_JMP;
    const mayWrite = !same || cls === op.BPF_ST || cls === op.BPF_STX || (cls === op.BPF_JMP && (how.insn!.code & 0xf0) === op.BPF_CALL);
    for (let f = last; f >= 0; f--) {
      const old = same ? how.before!.frames[f]! : null;
      const frame = node.frames[f]!;
      if (old === frame && !mayWrite && f < last) continue;
      const at = f === last ? node.idx : node.frames[f + 1]!.callsite;
      let live = this.#trace.watched.liveRegs(at) & (f === last ? how.mask : SAVED) & 0x3ff;
      if (item.loose) live &= ~looseScalars(frame.regs, item.loose.regs[f] ?? 0);
      const bad = this.#registers(frame.regs, { old: old?.regs ?? null, live, f, item, written: how.insn ? written(how.insn) : -1 });
      if (bad) return bad;
      if (old?.stack === frame.stack && !mayWrite) continue;
      const slot = this.#slots(frame.stack, { old: mayWrite ? null : (old?.stack ?? null), f, item });
      if (slot) return slot;
    }
    return null;
  }
  #registers(
    regs: readonly Reg[],
    at: { old: readonly Reg[] | null; live: number; f: number; item: Item; written: number },
  ): Failure | null {
    const { i32 } = this.#view.machine.memory;
    for (let i = 0; i < 10; i++) {
      if (!((at.live >>> i) & 1)) continue;
      const r = regs[i]!;
      if (at.old && at.old[i] === r && !((at.written >>> i) & 1)) continue;
      const w = this.#view.regWord(at.item.base + at.f, i);
      const what = this.#view.refuses(r, i32[w]!, i32[w + 1]!, at.item.base);
      if (what) return this.#says(`R${i} of frame ${at.f}: ${what}`, r, hex64(i32[w]!, i32[w + 1]!));
    }
    return null;
  }
  #says(what: string, r: Reg, value: string): Failure {
    return { what, state: regSays(this.#trace.watched.scalars, r), value };
  }
  #slots(stack: readonly Slot[], at: { old: readonly Slot[] | null; f: number; item: Item }): Failure | null {
    const end = this.#view.frameEnd(at.item.base + at.f);
    const marks = at.item.loose?.slots[at.f];
    for (let spi = 0; spi < stack.length; spi++) {
      const slot = stack[spi]!;
      if (slot.types === 0 || (at.old && at.old[spi] === slot)) continue;
      const mark = marks?.get(spi) ?? 0;
      const bad = this.#slot(slot, { mark, address: end - 8 * (spi + 1), item: at.item });
      if (bad) return { ...bad, what: `fp${-8 * (spi + 1)} of frame ${at.f}: ${bad.what}` };
    }
    return null;
  }
  #slot(slot: Slot, at: { mark: number; address: number; item: Item }): Failure | null {
    const { u8, view } = this.#view.machine.memory;
    for (let b = 0; b < 8; b++) {
      if (slot.type(b) !== STACK_ZERO || (at.mark >>> b) & 1) continue;
      // Byte 7 of a slot has the lowest address.
      const byte = u8[at.address + 7 - b]!;
      if (byte) return { what: "not zero", state: slot.chars(), value: `byte ${7 - b} is ${byte}` };
    }
    if (!slot.isSpilled) return null;
    const bytes = spillBytes(slot);
    if (at.mark & bytes || (at.mark & IMPRECISE && slot.reg.type === SCALAR_VALUE)) return null;
    let lo = view.getInt32(at.address, true);
    let hi = view.getInt32(at.address + 4, true);
    if (bytes !== 255) {
      if (slot.reg.type !== SCALAR_VALUE) return null;
      const whole = this.#narrowSpill(slot, bytes, lo, hi);
      if (whole === null) return null;
      [lo, hi] = whole;
    }
    const what = this.#view.refuses(slot.reg, lo, hi, at.item.base);
    return what ? this.#says(what, slot.reg, hex64(lo, hi)) : null;
  }
  /** The number that a spill of less than 8 bytes stands for; null when the register may be wider than the spill, which then says less. */
  #narrowSpill(slot: Slot, bytes: number, lo: number, hi: number): readonly [number, number] | null {
    const size = 8 - Math.log2((bytes & -bytes) >>> 0);
    const { ops } = this.#trace.watched.scalars;
    if (ops.umax(slot.reg.s) >= 2 ** (8 * size)) return null;
    if (size > 4) return [lo, hi & (2 ** (8 * (size - 4)) - 1)];
    return [size === 4 ? lo : lo & (2 ** (8 * size) - 1), 0];
  }
}

function looseScalars(regs: readonly Reg[], bits: number): number {
  let out = 0;
  for (let i = 0; i < 10; i++) if ((bits >>> i) & 1 && (regs[i]!.type === SCALAR_VALUE || regs[i]!.type === NOT_INIT)) out |= 1 << i;
  return out;
}

/** Registers that an instruction may write, as bits. */
function written(insn: Insn): number {
  switch (insn.code & 7) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
    case op.BPF_LDX:
      return 1 << insn.dst;
    case op.BPF_LD:
      return insn.code === op.BPF_LD_IMM64 ? 1 << insn.dst : -1;
    case op.BPF_ST:
      return 0;
    case op.BPF_STX:
      return (insn.code & 0xe0) === op.BPF_ATOMIC ? (1 << insn.dst) | (1 << insn.src) | 1 : 0;
    default:
      return (insn.code & 0xf0) === op.BPF_CALL || (insn.code & 0xf0) === op.BPF_EXIT ? -1 : 0;
  }
}
