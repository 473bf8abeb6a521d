// Whether an instruction may read or write a register (check_reg_arg, 6.18), and questions that many checks ask.
import { EACCES, EINVAL, type Env } from "../env.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import type { Reg } from "../domain/reg.ts";

const FP = 10;

/** SRC_OP: the register is initialized. */
export function readReg(env: Env, regno: number): Reg {
  if (regno > FP) env.fail("bad-register", EINVAL, `R${regno} is invalid`);
  env.scratchReg(regno);
  const reg = env.reg(regno);
  if (!reg.isInit) env.fail("uninit-register", EACCES, `R${regno} !read_ok`);
  return reg;
}

/** DST_OP_NO_MARK: the register may be written. */
export function mayWriteReg(env: Env, regno: number): void {
  if (regno > FP) env.fail("bad-register", EINVAL, `R${regno} is invalid`);
  env.scratchReg(regno);
  if (regno === FP) env.fail("frame-pointer-write", EACCES, "frame pointer is read only");
}

/** DST_OP: written with something unknown. */
export function writeUnknown(env: Env, regno: number): void {
  mayWriteReg(env, regno);
  env.regs[regno] = env.unknownScalar();
}

/** is_pointer_value: a pointer that this loader may not see. */
export const isPointerValue = (env: Env, regno: number): boolean => !env.allowPtrLeaks && env.reg(regno).type !== SCALAR_VALUE;
export const isNullReg = (env: Env, reg: Reg): boolean => reg.type === SCALAR_VALUE && env.D.isZero(reg.s);

/** assign_scalar_id_before_mov: what a copied scalar is known by from now on. Returns the register, changed if it got an id. */
export function withMovId(env: Env, reg: Reg): Reg {
  if (reg.type !== SCALAR_VALUE) return reg;
  let r = reg;
  if (r.id & 0xc0000000) {
    r = r.copy();
    r.id = 0;
    r.off = 0;
  }
  if (!r.id && !env.D.isConst(r.s)) r = r.withId(++env.idGen);
  return r;
}

/** mark_reg_not_init for R0-R5, as after every call (clear_caller_saved_regs). */
export function clearCallerSaved(env: Env, regs: Reg[]): void {
  for (let i = 0; i < 6; i++) {
    regs[i] = env.notInit;
    env.scratchReg(i);
  }
}
