// Conditional jumps: which way can be known, what each way teaches (check_cond_jmp_op, 6.18).
import * as op from "../../isa/index.ts";
import { EACCES, EINVAL, ENOMEM, type Env } from "../env.ts";
import { AT_PKT_END, BEYOND_PKT_END, Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import type { LinkedReg, VState } from "../domain/state.ts";
import { printInsnState } from "../log/print-state.ts";
import { isPointerValue, readReg } from "../check/regs.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { pushPath } from "../explore/branches.ts";
import { pushHistory, pushLinked } from "../explore/history.ts";
import { findPrevEntry } from "../explore/visit.ts";
import { widenImprecise } from "../explore/widen.ts";
import { isTrustedReg } from "../btf/trust.ts";
import { collectLinked, syncLinked } from "./linked.ts";
import { markPtrOrNull, notNull } from "./null-check.ts";
import { pushSpeculative } from "./sanitize.ts";

const MAX_PACKET_OFF = 0xffff;
const FLIPPED: Record<number, number> = {
  [op.BPF_JGE]: op.BPF_JLE,
  [op.BPF_JGT]: op.BPF_JLT,
  [op.BPF_JLE]: op.BPF_JGE,
  [op.BPF_JLT]: op.BPF_JGT,
  [op.BPF_JSGE]: op.BPF_JSLE,
  [op.BPF_JSGT]: op.BPF_JSLT,
  [op.BPF_JSLE]: op.BPF_JSGE,
  [op.BPF_JSLT]: op.BPF_JSGT,
};

/** Leaves env.insnIdx at the instruction before the one to go on with. */
export function checkCondJump(env: Env, insn: op.Insn): void {
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_JCOND) return mayGoto(env, insn);
  const fromReg = (insn.code & op.BPF_X) !== 0;
  readReg(env, insn.dst);
  if (fromReg ? insn.imm !== 0 : insn.src !== 0) env.fail("reserved-fields", EINVAL, "BPF_JMP/JMP32 uses reserved fields");
  if (fromReg) {
    const src = readReg(env, insn.src);
    if (!(T.isPktPointerAny(env.reg(insn.dst).type) && T.isPktPointerAny(src.type)) && isPointerValue(env, insn.src))
      env.fail("pointer-comparison", EACCES, `R${insn.src} pointer comparison prohibited`);
  }
  const dst = env.reg(insn.dst);
  const src = fromReg ? env.reg(insn.src) : env.immediate(insn);
  const srcRegStack = fromReg && src.type === T.PTR_TO_STACK;
  const dstRegStack = dst.type === T.PTR_TO_STACK;
  if (srcRegStack || dstRegStack) pushHistory(env, env.cur, { srcRegStack, dstRegStack });
  const is32 = (insn.code & 7) === op.BPF_JMP32;
  const taken = branchTaken(env, dst, src, kind, is32);
  if (taken >= 0) {
    if (dst.type === T.SCALAR_VALUE) markPrecise(env, insn.dst);
    if (fromReg && src.type === T.SCALAR_VALUE) markPrecise(env, insn.src);
    if (!env.bypassSpecV1) pushSpeculative(env, insn, env.insnIdx + 1 + (taken ? 0 : insn.off), env.insnIdx);
    if (env.log.wantsStates) printInsnState(env, env.cur, env.cur.curframe);
    if (taken) env.insnIdx += insn.off;
    return;
  }
  bothWays(env, insn, kind, is32, fromReg);
}

/** may_goto: the loop may end here at any time. */
function mayGoto(env: Env, insn: op.Insn): void {
  if (insn.code !== (op.BPF_JMP | op.BPF_JCOND) || insn.src !== op.BPF_MAY_GOTO || insn.dst || insn.imm)
    env.fail("may-goto", EINVAL, `invalid may_goto imm ${insn.imm}`);
  const idx = env.insnIdx;
  const prev = env.cur.parent ? findPrevEntry(env, env.cur.parent, idx) : null;
  const queued = pushPath(env, idx + 1, idx, false, ENOMEM);
  queued.mayGotoDepth++;
  if (prev) widenImprecise(env, prev, queued);
  env.insnIdx += insn.off;
}

function bothWays(env: Env, insn: op.Insn, kind: number, is32: boolean, fromReg: boolean): void {
  const here = env.cur;
  const linked: LinkedReg[] = [];
  const id = (n: number): number => (env.reg(n).type === T.SCALAR_VALUE ? env.reg(n).id : 0);
  if (fromReg && id(insn.src)) collectLinked(env, here, id(insn.src), linked);
  if (id(insn.dst)) collectLinked(env, here, id(insn.dst), linked);
  if (linked.length > 1) pushLinked(env, linked);
  const other = pushPath(env, env.insnIdx + insn.off + 1, env.insnIdx, false);
  const regs = here.cur.regs;
  const otherRegs = other.cur.regs;
  const imm = fromReg ? null : env.immediate(insn);
  refineBoth(env, insn, kind, is32, other, imm);
  if (fromReg && regs[insn.src]!.type === T.SCALAR_VALUE && regs[insn.src]!.id) {
    syncLinked(env, here, regs[insn.src]!, linked);
    syncLinked(env, other, otherRegs[insn.src]!, linked);
  }
  if (regs[insn.dst]!.type === T.SCALAR_VALUE && regs[insn.dst]!.id) {
    syncLinked(env, here, regs[insn.dst]!, linked);
    syncLinked(env, other, otherRegs[insn.dst]!, linked);
  }
  const dst = regs[insn.dst]!;
  if (fromReg && !is32) equalPointersNotNull(insn, kind, here, other);
  const isNullTest = !is32 && !fromReg && insn.imm === 0 && (kind === op.BPF_JEQ || kind === op.BPF_JNE) && T.mayBeNull(dst.type);
  if (isNullTest) {
    markPtrOrNull(env, here, insn.dst, kind === op.BPF_JNE);
    markPtrOrNull(env, other, insn.dst, kind === op.BPF_JEQ);
  } else if (!matchPacketPointers(env, insn, kind, is32, here, other) && isPointerValue(env, insn.dst))
    env.fail("pointer-comparison", EACCES, `R${insn.dst} pointer comparison prohibited`);
  if (env.log.wantsStates) printInsnState(env, here, here.curframe);
}

/** reg_set_min_max. */
function refineBoth(env: Env, insn: op.Insn, kind: number, is32: boolean, other: VState, imm: Reg | null): void {
  const regs = env.regs;
  const a = regs[insn.dst]!;
  const b = imm ?? regs[insn.src]!;
  if (a.type !== T.SCALAR_VALUE || b.type !== T.SCALAR_VALUE) return;
  if (!imm && insn.dst === insn.src) {
    // The kernel refines a register against itself, which can only lose impossible values of the path.
    const self = env.D.ops.refineSelf(a.s, kind, is32 ? 1 : 0);
    other.cur.regs[insn.dst] = other.cur.regs[insn.dst]!.withScalar(env.D.refined(self, 0));
    regs[insn.dst] = a.withScalar(env.D.refined(self, 1));
    return;
  }
  // Four handles: both values where the jump is taken, then both where it is not.
  const both = env.D.ops.refine(a.s, b.s, kind, is32 ? 1 : 0);
  other.cur.regs[insn.dst] = other.cur.regs[insn.dst]!.withScalar(env.D.refined(both, 0));
  regs[insn.dst] = a.withScalar(env.D.refined(both, 2));
  if (imm) return;
  other.cur.regs[insn.src] = other.cur.regs[insn.src]!.withScalar(env.D.refined(both, 1));
  regs[insn.src] = b.withScalar(env.D.refined(both, 3));
}

/** Of two equal pointers neither is NULL when one is known not to be. */
function equalPointersNotNull(insn: op.Insn, kind: number, here: VState, other: VState): void {
  const src = here.cur.regs[insn.src]!;
  const dst = here.cur.regs[insn.dst]!;
  if (src.type === T.SCALAR_VALUE || dst.type === T.SCALAR_VALUE || T.mayBeNull(src.type) === T.mayBeNull(dst.type)) return;
  if (T.baseType(src.type) === T.PTR_TO_BTF_ID || T.baseType(dst.type) === T.PTR_TO_BTF_ID) return;
  const equal = kind === op.BPF_JEQ ? other : kind === op.BPF_JNE ? here : null;
  if (!equal) return;
  const n = T.mayBeNull(src.type) ? insn.src : insn.dst;
  equal.cur.regs[n] = notNull(equal.cur.regs[n]!);
}

// ---------------------------------------------------------------- prediction

/** reg_not_null. */
function isNotNull(reg: Reg): boolean {
  if (T.mayBeNull(reg.type)) return false;
  switch (T.baseType(reg.type)) {
    case T.PTR_TO_SOCKET:
    case T.PTR_TO_TCP_SOCK:
    case T.PTR_TO_MAP_VALUE:
    case T.PTR_TO_MAP_KEY:
    case T.PTR_TO_SOCK_COMMON:
    case T.CONST_PTR_TO_MAP:
      return true;
    case T.PTR_TO_BTF_ID:
      return isTrustedReg(reg);
    case T.PTR_TO_MEM:
      return (reg.type & T.PTR_UNTRUSTED) === 0;
    default:
      return false;
  }
}

/** is_branch_taken: 1 yes, 0 no, -1 unknown. */
function branchTaken(env: Env, dst: Reg, src: Reg, kind: number, is32: boolean): number {
  if (T.isPktPointerAny(dst.type) && T.isPktPointerAny(src.type) && !is32) return packetBranch(dst, src, kind);
  if (dst.type === T.SCALAR_VALUE && src.type === T.SCALAR_VALUE) return env.D.ops.branchTaken(dst.s, src.s, kind, is32 ? 1 : 0);
  const isConst = (r: Reg): boolean => r.type === T.SCALAR_VALUE && (is32 ? env.D.isConst32(r.s) : env.D.isConst(r.s));
  const [ptr, num] = isConst(src) ? [dst, src] : [src, dst];
  if (!isConst(num) || !isNotNull(ptr)) return -1;
  const zero = is32 ? env.D.valueLo(num.s) === 0 : env.D.isZero(num.s);
  if (!zero) return -1;
  return kind === op.BPF_JEQ ? 0 : kind === op.BPF_JNE ? 1 : -1;
}

/** is_pkt_ptr_branch_taken: an earlier comparison has decided this one. */
function packetBranch(dst: Reg, src: Reg, kind: number): number {
  let pkt: Reg;
  let k = kind;
  if (src.type === T.PTR_TO_PACKET_END) pkt = dst;
  else if (dst.type === T.PTR_TO_PACKET_END) {
    pkt = src;
    k = FLIPPED[kind] ?? kind;
  } else return -1;
  if (pkt.u1 >= 0) return -1;
  if ((k === op.BPF_JLE || k === op.BPF_JGT) && pkt.u1 === BEYOND_PKT_END) return k === op.BPF_JGT ? 1 : 0;
  if ((k === op.BPF_JLT || k === op.BPF_JGE) && (pkt.u1 === BEYOND_PKT_END || pkt.u1 === AT_PKT_END)) return k === op.BPF_JGE ? 1 : 0;
  return -1;
}

// ---------------------------------------------------------------- packet ranges

/** find_good_pkt_pointers: all pointers of the same origin may be read up to here. */
function setRange(env: Env, st: VState, ptr: Reg, rightOpen: boolean): void {
  if (ptr.off < 0 || (ptr.off === 0 && rightOpen)) return;
  const umax = env.D.ops.umax(ptr.s);
  if (umax > MAX_PACKET_OFF || umax + ptr.off > MAX_PACKET_OFF) return;
  const range = ptr.off + (rightOpen ? 1 : 0);
  env.eachReg(st, (reg) => {
    if (reg.type !== ptr.type || reg.id !== ptr.id || reg.u1 >= range) return reg;
    const r = reg.copy();
    r.u1 = range;
    return r;
  });
}

/** mark_pkt_end. */
function setEnd(st: VState, regno: number, open: boolean): void {
  const reg = st.cur.regs[regno]!;
  if (reg.type !== T.PTR_TO_PACKET) return;
  const r = reg.copy();
  r.u1 = open ? BEYOND_PKT_END : AT_PKT_END;
  st.cur.regs[regno] = r;
}

/** try_match_pkt_pointers. True when the comparison was one of a packet pointer with the packet's end. */
function matchPacketPointers(env: Env, insn: op.Insn, kind: number, is32: boolean, here: VState, other: VState): boolean {
  if ((insn.code & op.BPF_X) === 0 || is32) return false;
  const { isZero } = env.D;
  const isStart = (r: Reg): boolean => r.type === T.PTR_TO_PACKET && r.id === 0 && r.off === 0 && isZero.call(env.D, r.s);
  const dst = here.cur.regs[insn.dst]!;
  const src = here.cur.regs[insn.src]!;
  const bounded = (p: Reg, end: Reg): boolean =>
    (p.type === T.PTR_TO_PACKET && end.type === T.PTR_TO_PACKET_END) || (p.type === T.PTR_TO_PACKET_META && isStart(end));
  const straight = bounded(dst, src);
  if (!straight && !bounded(src, dst)) return false;
  const k = straight ? kind : FLIPPED[kind]!;
  const ptr = straight ? dst : src;
  const regno = straight ? insn.dst : insn.src;
  // Now the question is `ptr k end`; where it is true the path goes on in `other`.
  switch (k) {
    case op.BPF_JGT:
      setRange(env, here, ptr, false);
      setEnd(other, regno, true);
      return true;
    case op.BPF_JLT:
      setRange(env, other, ptr, true);
      setEnd(here, regno, false);
      return true;
    case op.BPF_JGE:
      setRange(env, here, ptr, true);
      setEnd(other, regno, false);
      return true;
    case op.BPF_JLE:
      setRange(env, other, ptr, false);
      setEnd(here, regno, true);
      return true;
    default:
      return false;
  }
}
