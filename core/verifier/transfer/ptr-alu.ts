// Adding to and subtracting from pointers (adjust_ptr_min_max_vals, 6.18).
import * as op from "../../isa/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { ALU_NAMES } from "./alu.ts";
import { newSanitizeInfo, sanitizeBounds, sanitizePtrAlu } from "./sanitize.ts";

export const BPF_MAX_VAR_OFF = 1 << 29;
const ARITHMETIC: ReadonlySet<number> = new Set([
  T.PTR_TO_CTX,
  T.PTR_TO_MAP_VALUE,
  T.PTR_TO_MAP_KEY,
  T.PTR_TO_STACK,
  T.PTR_TO_PACKET_META,
  T.PTR_TO_PACKET,
  T.PTR_TO_TP_BUFFER,
  T.PTR_TO_BTF_ID,
  T.PTR_TO_MEM,
  T.PTR_TO_BUF,
  T.PTR_TO_FUNC,
  T.CONST_PTR_TO_DYNPTR,
]);

/** check_reg_sane_offset: numbers so large that no pointer could carry them. */
function checkSane(env: Env, reg: Reg, ptrType: number): void {
  const { D } = env;
  const name = (): string => T.regTypeStr(ptrType);
  const refuse = (text: string): never => env.fail("pointer-offset", EINVAL, text);
  if (D.isConst(reg.s)) {
    const v = D.constNumber(reg.s);
    if (v >= BPF_MAX_VAR_OFF || v <= -BPF_MAX_VAR_OFF)
      refuse(`math between ${name()} pointer and ${BigInt.asIntN(64, D.fields(reg.s).value)} is not allowed`);
  }
  if (reg.off >= BPF_MAX_VAR_OFF || reg.off <= -BPF_MAX_VAR_OFF) refuse(`${name()} pointer offset ${reg.off} is not allowed`);
  const smin = D.ops.smin(reg.s);
  if (smin < -9223372036854775000) {
    if (D.fields(reg.s).smin === -0x8000000000000000n)
      refuse(`math between ${name()} pointer and register with unbounded min value is not allowed`);
  }
  if (smin >= BPF_MAX_VAR_OFF || smin <= -BPF_MAX_VAR_OFF) refuse(`value ${D.fields(reg.s).smin} makes ${name()} pointer be out of bounds`);
}

function checkAllowed(env: Env, insn: op.Insn, ptr: Reg, off: Reg): void {
  const kind = insn.code & 0xf0;
  const base = T.baseType(ptr.type);
  if (ARITHMETIC.has(base)) return;
  const known = env.D.isConst(off.s);
  if (base === T.PTR_TO_FLOW_KEYS && known) return;
  const zero = known && env.D.isZero(off.s) && kind === op.BPF_ADD;
  if ((base === T.PTR_TO_FLOW_KEYS || base === T.CONST_PTR_TO_MAP) && zero) return;
  env.fail("pointer-arithmetic", EACCES, `R${insn.dst} pointer arithmetic on ${T.regTypeStr(ptr.type)} prohibited`);
}

/** `ptr` moved by the scalar `off`, into the destination of `insn`. */
export function adjustPointer(env: Env, insn: op.Insn, ptr: Reg, off: Reg): void {
  const { D } = env;
  const kind = insn.code & 0xf0;
  const ptrIsDst = env.reg(insn.dst) === ptr;
  const offIsDst = !ptrIsDst;
  const contradictory =
    D.ops.smin(off.s) > D.ops.smax(off.s) ||
    D.ops.umin(off.s) > D.ops.umax(off.s) ||
    (D.isConst(off.s) && D.ops.umin(off.s) !== D.ops.umax(off.s));
  if (contradictory) {
    // Knowledge that contradicts itself belongs to code that never runs.
    env.regs[insn.dst] = env.unknownScalar();
    return;
  }
  if ((insn.code & 7) !== op.BPF_ALU64) {
    if (kind === op.BPF_SUB && env.allowPtrLeaks) {
      env.regs[insn.dst] = env.unknownScalar();
      return;
    }
    env.fail("pointer-arithmetic-32", EACCES, `R${insn.dst} 32-bit pointer arithmetic prohibited`);
  }
  if (T.mayBeNull(ptr.type))
    env.fail("pointer-maybe-null", EACCES, `R${insn.dst} pointer arithmetic on ${T.regTypeStr(ptr.type)} prohibited, null-check it first`);
  if (T.baseType(ptr.type) === T.PTR_TO_MEM && ptr.type & T.PTR_UNTRUSTED) {
    return;
  }
  checkAllowed(env, insn, ptr, off);
  checkSane(env, off, ptr.type);
  checkSane(env, ptr, ptr.type);
  const info = newSanitizeInfo();
  const moves = kind === op.BPF_ADD || kind === op.BPF_SUB;
  if (moves) sanitizePtrAlu(env, insn, ptr, off, info, { commit: false, ptrIsDst, offIsDst });
  const r = moved(env, insn, ptr, off, kind);
  checkSane(env, r, ptr.type);
  r.s = D.ops.synced(r.s);
  env.regs[insn.dst] = r;
  sanitizeBounds(env, insn);
  if (moves) sanitizePtrAlu(env, insn, r, off, info, { commit: true, ptrIsDst, offIsDst });
}

function moved(env: Env, insn: op.Insn, ptr: Reg, off: Reg, kind: number): Reg {
  const { D } = env;
  const bad = ALU_NAMES[kind >> 4];
  if (kind === op.BPF_AND || kind === op.BPF_OR || kind === op.BPF_XOR)
    env.fail("pointer-arithmetic", EACCES, `R${insn.dst} bitwise operator ${bad} on pointer prohibited`);
  if (kind !== op.BPF_ADD && kind !== op.BPF_SUB)
    env.fail("pointer-arithmetic", EACCES, `R${insn.dst} pointer arithmetic with ${bad} operator prohibited`);
  const isSub = kind === op.BPF_SUB;
  if (isSub) {
    if (env.reg(insn.dst) === off) env.fail("pointer-arithmetic", EACCES, `R${insn.dst} tried to subtract pointer from scalar`);
    if (ptr.type === T.PTR_TO_STACK) env.fail("pointer-arithmetic", EACCES, `R${insn.dst} subtraction from stack pointer prohibited`);
  }
  const r = ptr.copy();
  r.refObjId = env.reg(insn.dst) === ptr ? ptr.refObjId : env.reg(insn.dst).refObjId;
  r.frameno = ptr.frameno;
  if (D.isConst(off.s)) {
    const v = D.constNumber(off.s);
    const to = isSub ? ptr.off - v : ptr.off + v;
    if (to === (to | 0)) {
      r.off = to;
      r.s = D.ops.ptrSame(ptr.s);
      return r;
    }
  }
  r.s = isSub ? D.ops.ptrSub(ptr.s, off.s) : D.ops.ptrAdd(ptr.s, off.s);
  if (T.isPktPointer(ptr.type)) {
    r.id = ++env.idGen;
    // Another packet pointer now: its range must be checked anew, unless it moved back.
    if (!isSub || D.ops.smin(off.s) < 0) {
      r.u1 = 0;
      r.obj = null;
      r.u2 = 0;
    }
  }
  return r;
}
