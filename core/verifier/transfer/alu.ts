// Arithmetic and moves (check_alu_op, adjust_reg_min_max_vals, 6.18). Pointer arithmetic has a file of its own.
import * as op from "../../isa/index.ts";
import { EACCES, EFAULT, EINVAL, type Env } from "../env.ts";
import { BPF_ADD_CONST, BPF_ADD_CONST32, BPF_ADD_CONST64, Reg } from "../domain/reg.ts";
import { PTR_TO_ARENA, SCALAR_VALUE } from "../domain/reg-types.ts";
import { isPointerValue, mayWriteReg, readReg, withMovId, writeUnknown } from "../check/regs.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { pushPath } from "../explore/branches.ts";
import { hex } from "../log/format.ts";
import { adjustPointer } from "./ptr-alu.ts";
import { sanitizeScalarAlu } from "./sanitize.ts";

export const ALU_NAMES = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"];
const TWO32 = 4294967296;
const BPF_F_TEST_REG_INVARIANTS = 128;
const reserved = (env: Env, what: string): never => env.fail("reserved-fields", EINVAL, `${what} uses reserved fields`);

export function checkAlu(env: Env, insn: op.Insn): void {
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_END || kind === op.BPF_NEG) unary(env, insn, kind);
  else if (kind === op.BPF_MOV) mov(env, insn);
  else binary(env, insn, kind);
}

function unary(env: Env, insn: op.Insn, kind: number): void {
  if (kind === op.BPF_NEG) {
    if (insn.code & op.BPF_X || insn.src || insn.off || insn.imm) reserved(env, "BPF_NEG");
  } else {
    const badWidth = insn.imm !== 16 && insn.imm !== 32 && insn.imm !== 64;
    if (insn.src || insn.off || badWidth || ((insn.code & 7) === op.BPF_ALU64 && insn.code & op.BPF_TO_BE)) reserved(env, "BPF_END");
  }
  const reg = readReg(env, insn.dst);
  if (isPointerValue(env, insn.dst)) env.fail("pointer-arithmetic", EACCES, `R${insn.dst} pointer arithmetic prohibited`);
  if (reg.type !== SCALAR_VALUE) return writeUnknown(env, insn.dst);
  mayWriteReg(env, insn.dst);
  adjustScalar(env, insn, reg);
  // to_le of all 64 bits changes nothing on a little-endian machine, so the value stays linked.
  const unchanged = insn.code === (op.BPF_ALU | op.BPF_END) && insn.imm === 64;
  if (!unchanged) env.regs[insn.dst] = env.reg(insn.dst).unlinked();
}

function mov(env: Env, insn: op.Insn): void {
  const wide = (insn.code & 7) === op.BPF_ALU64;
  const fromReg = (insn.code & op.BPF_X) !== 0;
  if (fromReg) {
    if (!wide) {
      if ((insn.off !== 0 && insn.off !== 8 && insn.off !== 16) || insn.imm) reserved(env, "BPF_MOV");
    } else if (insn.off === op.BPF_ADDR_SPACE_CAST) {
      if (insn.imm !== 1 && insn.imm !== 1 << 16)
        env.fail("addr-space-cast", EINVAL, "addr_space_cast insn can only convert between address space 1 and 0");
      if (!env.arena)
        env.fail("addr-space-cast", EINVAL, "addr_space_cast insn can only be used in a program that has an associated arena");
    } else if ((insn.off !== 0 && insn.off !== 8 && insn.off !== 16 && insn.off !== 32) || insn.imm) reserved(env, "BPF_MOV");
    readReg(env, insn.src);
  } else if (insn.src || insn.off) reserved(env, "BPF_MOV");
  mayWriteReg(env, insn.dst);
  if (!fromReg) env.regs[insn.dst] = env.scalar(wide ? env.D.ops.imm(insn.imm) : env.D.ops.known(insn.imm, 0));
  else if (wide) mov64(env, insn);
  else mov32(env, insn);
}

function mov64(env: Env, insn: op.Insn): void {
  const src = env.reg(insn.src);
  if (insn.imm) {
    const r = env.unknownScalar();
    if (insn.imm === 1) r.type = PTR_TO_ARENA;
    env.regs[insn.dst] = r;
  } else if (insn.off === 0) {
    env.regs[insn.dst] = env.regs[insn.src] = withMovId(env, src);
    if (env.cur.speculative) checkInvariants(env, insn.dst);
  } else if (isPointerValue(env, insn.src)) env.fail("pointer-sign-extension", EACCES, `R${insn.src} sign-extension part of pointer`);
  else if (src.type === SCALAR_VALUE) env.regs[insn.dst] = extended(env, insn, (h) => env.D.ops.signExtend64(h, insn.off >> 3));
  else env.regs[insn.dst] = env.unknownScalar();
}

/** reg_bounds_sanity_check of a copied pointer that sanitizePtrAlu pushed: the kernel's own slip, after which it knows no bounds any more. */
function checkInvariants(env: Env, regno: number): void {
  const { D } = env;
  const reg = env.reg(regno);
  if (!D.ops.outOfSync32(reg.s)) return;
  const f = D.fields(reg.s);
  env.say(
    `verifier bug: REG INVARIANTS VIOLATION (alu): const subreg tnum out of sync with range bounds ` +
      `u64=[${hex(f.umin)}, ${hex(f.umax)}] s64=[${hex(f.smin)}, ${hex(f.smax)}] u32=[${hex(f.u32min)}, ${hex(f.u32max)}] ` +
      `s32=[${hex(f.s32min >>> 0)}, ${hex(f.s32max >>> 0)}] var_off=(${hex(f.value)}, ${hex(f.mask)})\n`,
  );
  if (env.prog.flags & BPF_F_TEST_REG_INVARIANTS) env.reject("verifier-bug", EFAULT);
  env.regs[regno] = reg.withScalar(D.ops.unbounded(reg.s));
}

/** A sign-extending move; the copy stays linked when the sign bit is known to be clear. */
function extended(env: Env, insn: op.Insn, extend: (h: number) => number): Reg {
  const src = env.reg(insn.src);
  const same = env.D.ops.umax(src.s) < 2 ** (insn.off - 1);
  const from = same ? withMovId(env, src) : src;
  if (same) env.regs[insn.src] = from;
  return (same ? from : from.unlinked()).withScalar(extend(from.s));
}

function mov32(env: Env, insn: op.Insn): void {
  const src = env.reg(insn.src);
  if (isPointerValue(env, insn.src)) env.fail("pointer-partial-copy", EACCES, `R${insn.src} partial copy of pointer`);
  let r: Reg;
  if (src.type !== SCALAR_VALUE) r = env.unknownScalar();
  else if (insn.off !== 0) r = extended(env, insn, (h) => env.D.ops.signExtend32(h, insn.off >> 3));
  else {
    const fits = env.D.ops.umax(src.s) < TWO32;
    const from = fits ? withMovId(env, src) : src;
    if (fits) env.regs[insn.src] = from;
    r = fits ? from : from.unlinked();
  }
  env.regs[insn.dst] = r.withScalar(env.D.ops.synced(env.D.ops.zext32(r.s)));
}

function binary(env: Env, insn: op.Insn, kind: number): void {
  const fromReg = (insn.code & op.BPF_X) !== 0;
  const division = kind === op.BPF_DIV || kind === op.BPF_MOD;
  const badOff = (insn.off !== 0 && insn.off !== 1) || (insn.off === 1 && !division);
  if (badOff || (fromReg ? insn.imm !== 0 : insn.src !== 0)) reserved(env, "BPF_ALU");
  if (fromReg) readReg(env, insn.src);
  readReg(env, insn.dst);
  if (division && !fromReg && insn.imm === 0) env.fail("div-by-zero", EINVAL, "div by zero");
  if (!fromReg && (kind === op.BPF_LSH || kind === op.BPF_RSH || kind === op.BPF_ARSH)) {
    const bits = (insn.code & 7) === op.BPF_ALU64 ? 64 : 32;
    if (insn.imm < 0 || insn.imm >= bits) env.fail("bad-shift", EINVAL, `invalid shift ${insn.imm}`);
  }
  mayWriteReg(env, insn.dst);
  adjustRegs(env, insn, kind, fromReg);
}

/** adjust_reg_min_max_vals. */
function adjustRegs(env: Env, insn: op.Insn, kind: number, fromReg: boolean): void {
  const dst = env.reg(insn.dst);
  if (dst.type === PTR_TO_ARENA) return;
  const src = fromReg ? env.reg(insn.src) : env.immediate(insn);
  const dstIsPtr = dst.type !== SCALAR_VALUE;
  if (src.type !== SCALAR_VALUE) {
    if (!dstIsPtr) {
      markPrecise(env, insn.dst);
      return adjustPointer(env, insn, src, env.reg(insn.dst));
    }
    if (kind === op.BPF_SUB && env.allowPtrLeaks) {
      env.regs[insn.dst] = env.unknownScalar();
      return;
    }
    env.fail("pointer-pointer", EACCES, `R${insn.dst} pointer ${ALU_NAMES[kind >> 4]} pointer prohibited`);
  }
  if (dstIsPtr) {
    if (fromReg) markPrecise(env, insn.src);
    return adjustPointer(env, insn, dst, src);
  }
  adjustScalar(env, insn, src);
  linkByConstant(env, insn, kind, src, dst);
}

/** After `x += const` a linked scalar stays linked, at a distance; after any other operation it is linked no more. */
function linkByConstant(env: Env, insn: op.Insn, kind: number, src: Reg, before: Reg): void {
  const after = env.reg(insn.dst);
  const off = after.id && !(after.id & BPF_ADD_CONST) ? distance(env, insn, kind, src, before) : null;
  if (off === null) {
    env.regs[insn.dst] = after.unlinked();
    return;
  }
  const r = after.withId(after.id | ((insn.code & 7) === op.BPF_ALU64 ? BPF_ADD_CONST64 : BPF_ADD_CONST32));
  r.off = off;
  env.regs[insn.dst] = r;
}

/** What the operation adds, where that can be kept as a distance; `x += x` has none, whatever x is. */
function distance(env: Env, insn: op.Insn, kind: number, src: Reg, before: Reg): number | null {
  if ((kind !== op.BPF_ADD && kind !== op.BPF_SUB) || !env.bpfCapable) return null;
  const alu32 = (insn.code & 7) !== op.BPF_ALU64;
  const doubled = (insn.code & op.BPF_X) !== 0 && insn.src === insn.dst;
  if (doubled || !(alu32 ? env.D.isConst32(src.s) : env.D.isConst(src.s))) return null;
  const lo = env.D.valueLo(src.s);
  const fits = alu32 ? env.D.ops.umax(before.s) < TWO32 : env.D.valueHi(src.s) === lo >> 31;
  if (!fits || (kind === op.BPF_SUB && lo === -0x80000000)) return null;
  return kind === op.BPF_SUB ? -lo : lo;
}

/** adjust_scalar_min_max_vals: the destination's value after the operation; id and offset stay as they are. */
function adjustScalar(env: Env, insn: op.Insn, src: Reg): void {
  const kind = insn.code & 0xf0;
  const dst = env.reg(insn.dst);
  if (kind === op.BPF_ADD || kind === op.BPF_SUB) sanitizeScalarAlu(env, insn);
  if ((kind === op.BPF_AND || kind === op.BPF_OR) && env.D.isConst(src.s)) forkScalar(env, insn);
  const from = env.reg(insn.dst);
  const param = kind === op.BPF_END ? insn.imm : insn.off;
  const h = env.D.ops.alu(insn.code, param, from.s, kind === op.BPF_END || kind === op.BPF_NEG ? dst.s : src.s);
  const unsafe = h === env.D.UNKNOWN && !isTracked(env, insn, src);
  // Of known operands the kernel makes a new scalar, which has nothing left of a pointer that was found to be NULL (__mark_reg_known).
  const bitwise = kind === op.BPF_AND || kind === op.BPF_OR || kind === op.BPF_XOR;
  const known = bitwise && env.D.isConst(src.s) && env.D.isConst(from.s);
  if (unsafe) env.regs[insn.dst] = env.unknownScalar();
  else if (known) env.regs[insn.dst] = env.scalar(h);
  else env.regs[insn.dst] = from.withScalar(h);
}

/** is_safe_to_compute_dst_reg_range: else the result is a fresh unknown, without id. */
function isTracked(env: Env, insn: op.Insn, src: Reg): boolean {
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_DIV || kind === op.BPF_MOD) return false;
  if (kind !== op.BPF_LSH && kind !== op.BPF_RSH && kind !== op.BPF_ARSH) return true;
  const wide = (insn.code & 7) === op.BPF_ALU64;
  return (wide ? env.D.isConst(src.s) : env.D.isConst32(src.s)) && env.D.ops.umax(src.s) < (wide ? 64 : 32);
}

/** maybe_fork_scalars: a value of 0 or -1 that is masked next is followed as two paths. */
function forkScalar(env: Env, insn: op.Insn): void {
  const { D } = env;
  const dst = env.reg(insn.dst);
  const wide = D.ops.smin(dst.s) === -1 && D.ops.smax(dst.s) === 0;
  const narrow = !wide && D.s32min(dst.s) === -1 && D.s32max(dst.s) === 0;
  if (!wide && !narrow) return;
  const branch = pushPath(env, env.insnIdx, env.insnIdx, false);
  branch.cur.regs[insn.dst] = dst.withScalar(wide ? D.ops.imm(0) : D.ops.known32(dst.s, 0));
  env.regs[insn.dst] = dst.withScalar(wide ? D.ops.imm(-1) : D.ops.known32(dst.s, -1));
}
