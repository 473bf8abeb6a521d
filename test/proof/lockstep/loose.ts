// Follows, along one concrete run, which scalars a covering state left open. It looks at states and instructions only, never at values.
import * as op from "../../../core/isa/index.ts";
import type { Insn } from "../../../core/isa/index.ts";
import { linkId, type Reg } from "../../../core/verifier/domain/reg.ts";
import { PTR_TO_STACK, SCALAR_VALUE } from "../../../core/verifier/domain/reg-types.ts";
import { IMPRECISE, type Loose, type Node } from "./trace.ts";

/*
 * Why this is the right criterion. A state that a kept state K covered ends there; the run goes on among the states that K led to. For those the
 * verifier vouches only as far as it compared: a scalar of K without precision mark may hold anything (regsafe), a slot or register that nobody
 * reads any more was not looked at. Such a part stays loose until it is overwritten, and whatever is computed from it is loose as well: the
 * forward image of what backtrack_insn follows backwards. If a loose scalar mattered, mark_chain_precision would have marked it in K, which makes
 * it tight. So a tight value outside its state, a pointer outside its state (pointers are never loose), or a path without a state is a wrong
 * answer of the verifier, and nothing else is. Precision marks are taken as they are after the verification: they only grow, and a state that
 * is covered inside a loop is compared with all its scalars, marked or not (RANGE_WITHIN).
 */

interface Draft {
  regs: number[];
  slots: (Map<number, number> | null)[];
}
const draft = (l: Loose): Draft => ({ regs: l.regs.slice(), slots: l.slots.map((m) => m && new Map(m)) });
const isEmpty = (d: Draft): boolean => d.regs.every((r) => r === 0) && d.slots.every((m) => !m || m.size === 0);

/** Offset from its frame of a stack access through `ptr`, or null when it varies or goes elsewhere. `isConst` tells whether a scalar is one value. */
function fixedSlot(ptr: Reg, off: number, constant: (r: Reg) => number | null): number | null {
  if (ptr.type !== PTR_TO_STACK) return null;
  const c = constant(ptr);
  return c === null ? null : ptr.off + c + off;
}
const spiOf = (off: number): number => (-off - 1) >> 3;
function bytesAt(off: number, size: number): number {
  let bits = 0;
  for (let i = 0; i < size; i++) bits |= 1 << ((-off - 1 - i) & 7);
  return bits;
}
const isLoad = (insn: Insn): boolean =>
  (insn.code & 7) === op.BPF_LDX ||
  ((insn.code & 7) === op.BPF_STX && (insn.code & 0xe0) === op.BPF_ATOMIC && insn.imm === op.BPF_LOAD_ACQ);

/** What is loose in `kid`, reached from `node` by `insn`, when `before` is loose in `node`. */
export function stepLoose(before: Loose, insn: Insn, node: Node, kid: Node, constant: (r: Reg) => number | null): Loose | null {
  const d = draft(before);
  const f = node.frames.length - 1;
  const cls = insn.code & 7;
  if (isLoad(insn)) load(d, insn, node, f, constant);
  else if (cls === op.BPF_ALU || cls === op.BPF_ALU64) alu(d, insn, f);
  else if (cls === op.BPF_ST || cls === op.BPF_STX) store(d, insn, node, kid, { f, constant });
  else if (cls === op.BPF_LD) d.regs[f]! &= insn.code === op.BPF_LD_IMM64 ? ~(1 << insn.dst) : ~0x3f;
  else if ((insn.code & 0xf0) === op.BPF_CALL) call(d, insn, f, kid);
  else if ((insn.code & 0xf0) === op.BPF_EXIT) leave(d, node, f);
  else if ((insn.code & 0xf0) !== op.BPF_JA && (insn.code & 0xf0) !== op.BPF_JCOND) jump(d, insn, node, f);
  d.regs.length = Math.min(d.regs.length, kid.frames.length);
  d.slots.length = Math.min(d.slots.length, kid.frames.length);
  return isEmpty(d) ? null : d;
}

function alu(d: Draft, insn: Insn, f: number): void {
  const from = insn.code & op.BPF_X && (insn.code & 0xf0) !== op.BPF_END ? (d.regs[f]! >>> insn.src) & 1 : 0;
  if ((insn.code & 0xf0) === op.BPF_MOV) d.regs[f]! &= ~(1 << insn.dst);
  if (from) d.regs[f]! |= 1 << insn.dst;
}

function load(d: Draft, insn: Insn, node: Node, f: number, constant: (r: Reg) => number | null): void {
  const ptr = node.frames[f]!.regs[insn.src]!;
  const off = fixedSlot(ptr, insn.off, constant);
  const frame = ptr.frameno;
  const loose = off !== null && ((d.slots[frame]?.get(spiOf(off)) ?? 0) & IMPRECISE) !== 0;
  d.regs[f]! &= ~(1 << insn.dst);
  if (loose) d.regs[f]! |= 1 << insn.dst;
}

function store(d: Draft, insn: Insn, node: Node, kid: Node, at: { f: number; constant: (r: Reg) => number | null }): void {
  const { f } = at;
  const ptr = node.frames[f]!.regs[insn.dst]!;
  const off = fixedSlot(ptr, insn.off, at.constant);
  const atomic = (insn.code & 0xe0) === op.BPF_ATOMIC && insn.imm !== op.BPF_STORE_REL;
  let before = false;
  if (off !== null) {
    const spi = spiOf(off);
    before = ((d.slots[ptr.frameno]?.get(spi) ?? 0) & IMPRECISE) !== 0;
    const value = (insn.code & 7) === op.BPF_STX && !atomic && (d.regs[f]! >>> insn.src) & 1 ? IMPRECISE : 0;
    const old = d.slots[ptr.frameno]?.get(spi) ?? 0;
    const spilled = kid.frames[ptr.frameno]?.stack[spi]?.isSpilledScalar ?? false;
    const mark = (old & 255 & ~bytesAt(off, op.accessSize(insn.code))) | (spilled ? value : 0);
    if (mark) (d.slots[ptr.frameno] ??= new Map()).set(spi, mark);
    else d.slots[ptr.frameno]?.delete(spi);
  }
  if (!atomic || !(insn.imm & op.BPF_FETCH)) return;
  const into = 1 << (insn.imm === op.BPF_CMPXCHG ? 0 : insn.src);
  d.regs[f]! &= ~into;
  if (before) d.regs[f]! |= into;
}

function call(d: Draft, insn: Insn, f: number, kid: Node): void {
  const args = d.regs[f]! & 0x3e;
  d.regs[f]! &= ~0x3f;
  if (kid.frames.length !== f + 2) return;
  // A callback finds the caller's R3 as its own context, in one of its registers.
  d.regs[f + 1] = insn.src === op.BPF_PSEUDO_CALL ? args : args & 8 ? 0x3e : 0;
  d.slots[f + 1] = null;
}

function leave(d: Draft, node: Node, f: number): void {
  if (f === 0) return;
  const r0 = d.regs[f]! & 1;
  d.regs[f - 1]! &= ~0x3f;
  if (!node.frames[f]!.inCallback) d.regs[f - 1]! |= r0;
}

/** A comparison teaches both its sides and everything linked to them: if one of all these is loose, what was learned is. */
function jump(d: Draft, insn: Insn, node: Node, f: number): void {
  const regs = node.frames[f]!.regs;
  const sides = insn.code & op.BPF_X ? [insn.dst, insn.src] : [insn.dst];
  const scalars = sides.filter((n) => regs[n]!.type === SCALAR_VALUE);
  if (scalars.length < sides.length) return;
  const ids = new Set(scalars.map((n) => linkId(regs[n]!.id)).filter((id) => id !== 0));
  const linked = (r: Reg): boolean => r.type === SCALAR_VALUE && ids.has(linkId(r.id));
  let some = scalars.some((n) => (d.regs[f]! >>> n) & 1);
  node.frames.forEach((frame, fr) => {
    frame.regs.forEach((r, i) => (some ||= linked(r) && ((d.regs[fr]! >>> i) & 1) === 1));
    frame.stack.forEach((s, i) => (some ||= s.isSpilledScalar && linked(s.reg) && ((d.slots[fr]?.get(i) ?? 0) & IMPRECISE) !== 0));
  });
  if (!some) return;
  for (const n of scalars) d.regs[f]! |= 1 << n;
  node.frames.forEach((frame, fr) => {
    frame.regs.forEach((r, i) => linked(r) && (d.regs[fr]! |= 1 << i));
    frame.stack.forEach((s, i) => {
      if (s.isSpilledScalar && linked(s.reg)) (d.slots[fr] ??= new Map()).set(i, (d.slots[fr]?.get(i) ?? 0) | IMPRECISE);
    });
  });
}

/**
 * What is loose where a state was covered by ranges, as inside loops. They were compared, so a scalar is only if it was before and is not precise in `by`;
 * what nobody read any more before nobody reads now, though `by`, which is not cleaned yet, may still speak of it.
 */
export function meetLoose(before: Loose | null, by: Loose): Loose | null {
  const d: Draft = {
    regs: by.regs.map((bits, f) => bits & (before?.regs[f] ?? 0)),
    slots: by.slots.map((marks, f) => {
      const out = new Map<number, number>();
      const old = before?.slots[f];
      for (const spi of new Set([...(marks?.keys() ?? []), ...(old?.keys() ?? [])])) {
        const [now, then] = [marks?.get(spi) ?? 0, old?.get(spi) ?? 0];
        const mark = ((now | then) & 255) | (now & then & IMPRECISE);
        if (mark) out.set(spi, mark);
      }
      return out;
    }),
  };
  return isEmpty(d) ? null : d;
}
