// Speculative execution for loaders without CAP_PERFMON: wrong paths are followed too, pointer arithmetic is limited (sanitize_*, 6.18).
import * as op from "../../isa/index.ts";
import { EACCES, ENOMEM, Reject, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import { PTR_TO_MAP_VALUE, PTR_TO_STACK } from "../domain/reg-types.ts";
import { MAX_BPF_STACK } from "../domain/stack.ts";
import { tnumStr } from "../log/format.ts";
import { checkMapAccess } from "../check/map-access.ts";
import { pushPath } from "../explore/branches.ts";
import type { MapInfo } from "../maps/map-info.ts";

/** Bits of aux.aluState. */
const ALU_SANITIZE_SRC = 1,
  ALU_SANITIZE_DST = 2,
  ALU_NEG_VALUE = 4,
  ALU_NON_POINTER = 8,
  ALU_IMMEDIATE = 16;
type Reason = "bounds" | "type" | "paths" | "limit";

const NOT_ROOT = "pointer arithmetic with it prohibited for !root";

function refuse(env: Env, insn: op.Insn, reason: Reason, offIsDst: boolean): never {
  const name = (insn.code & 0xf0) === op.BPF_ADD ? "add" : "sub";
  const words = {
    bounds: `R${offIsDst ? insn.dst : insn.src} has unknown scalar with mixed signed bounds, ${NOT_ROOT}`,
    type: `R${offIsDst ? insn.src : insn.dst} has pointer with unsupported alu operation, ${NOT_ROOT}`,
    paths: `R${insn.dst} tried to ${name} from different maps, paths or scalars, ${NOT_ROOT}`,
    limit: `R${insn.dst} tried to ${name} beyond pointer bounds, ${NOT_ROOT}`,
  };
  return env.fail(`speculation-${reason}`, EACCES, words[reason]);
}

const canSkip = (env: Env, insn: op.Insn): boolean => env.bypassSpecV1 || (insn.code & op.BPF_X) === 0 || env.curAux.nospec;

/** update_alu_sanitation_state: one instruction has one state on all paths. */
function updateState(env: Env, insn: op.Insn, state: number, limit: number, offIsDst: boolean): void {
  const aux = env.curAux;
  if (aux.aluState && (aux.aluState !== state || aux.aluLimit !== limit)) refuse(env, insn, "paths", offIsDst);
  aux.aluState = state;
  aux.aluLimit = limit;
}

/** sanitize_val_alu. */
export function sanitizeScalarAlu(env: Env, insn: op.Insn): void {
  if (canSkip(env, insn)) return;
  updateState(env, insn, ALU_NON_POINTER, 0, false);
}

/** sanitize_speculative_path: the path that the processor may take by mistake. */
export function pushSpeculative(env: Env, insn: op.Insn | null, next: number, cur: number): void {
  const branch = pushPath(env, next, cur, true);
  if (!insn) return;
  branch.cur.regs[insn.dst] = env.unknownScalar();
  if (insn.code & op.BPF_X) branch.cur.regs[insn.src] = env.unknownScalar();
}

/** What the first half of sanitize_ptr_alu learned for the second. */
export interface SanitizeInfo {
  maskToLeft: boolean;
  aluState: number;
  aluLimit: number;
}
export const newSanitizeInfo = (): SanitizeInfo => ({ maskToLeft: false, aluState: 0, aluLimit: 0 });

function ptrLimit(env: Env, insn: op.Insn, ptr: Reg, maskToLeft: boolean, offIsDst: boolean): number {
  let max: number;
  let limit: number;
  if (ptr.type === PTR_TO_STACK) {
    max = MAX_BPF_STACK + (maskToLeft ? 1 : 0);
    limit = -(env.D.constNumber(ptr.s) + ptr.off);
  } else if (ptr.type === PTR_TO_MAP_VALUE) {
    max = (ptr.obj as MapInfo).valueSize;
    limit = (maskToLeft ? env.D.ops.smin(ptr.s) : env.D.ops.umax(ptr.s)) + ptr.off;
  } else return refuse(env, insn, "type", offIsDst);
  limit = limit >>> 0;
  if (limit >= max) refuse(env, insn, "limit", offIsDst);
  return limit;
}

/** sanitize_ptr_alu before (`commit` false) and after the pointer's new bounds are known. */
export function sanitizePtrAlu(
  env: Env,
  insn: op.Insn,
  ptr: Reg,
  off: Reg,
  info: SanitizeInfo,
  opts: { commit: boolean; ptrIsDst: boolean; offIsDst: boolean },
): void {
  if (canSkip(env, insn)) return;
  const { D } = env;
  const offIsImm = D.isConst(off.s);
  const offIsNeg = D.ops.smin(off.s) < 0;
  if (!env.cur.speculative) {
    const isAdd = (insn.code & 0xf0) === op.BPF_ADD;
    if (!opts.commit) {
      if (!offIsImm && D.ops.smin(off.s) < 0 !== D.ops.smax(off.s) < 0) refuse(env, insn, "bounds", opts.offIsDst);
      info.maskToLeft = isAdd === offIsNeg;
    }
    let limit = ptrLimit(env, insn, ptr, info.maskToLeft, opts.offIsDst);
    let state: number;
    if (opts.commit) {
      state = info.aluState;
      limit = Math.abs(info.aluLimit - limit);
      updateState(env, insn, state, limit, opts.offIsDst);
    } else {
      state = (offIsNeg ? ALU_NEG_VALUE : 0) | (offIsImm ? ALU_IMMEDIATE : 0) | (opts.ptrIsDst ? ALU_SANITIZE_SRC : ALU_SANITIZE_DST);
      if (!offIsImm) env.exploreAluLimits = true;
      info.aluState = state;
      info.aluLimit = limit;
    }
  }
  if (opts.commit || offIsImm) return;
  // The processor may go on with the pointer unmoved; 6.18 has taken its 32-bit bounds away by then where it stands in the destination.
  const before = env.reg(insn.dst);
  env.regs[insn.dst] = opts.ptrIsDst ? ptr.withScalar(D.ops.forget32(ptr.s)) : ptr;
  try {
    pushSpeculative(env, null, env.insnIdx + 1, env.insnIdx);
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    env.fail("speculation-stack", ENOMEM, `R${insn.dst} could not be pushed for speculative verification, ${NOT_ROOT}`);
  }
  env.regs[insn.dst] = before;
}

/** sanitize_check_bounds: the new pointer points into its object. */
export function sanitizeBounds(env: Env, insn: op.Insn): void {
  if (env.bypassSpecV1) return;
  const reg = env.reg(insn.dst);
  if (reg.type === PTR_TO_STACK) {
    const off = reg.off + env.D.constNumber(reg.s);
    if (!env.D.isConst(reg.s))
      env.fail(
        "speculation-bounds",
        EACCES,
        `R${insn.dst} variable stack access prohibited for !root, var_off=${tnumStr(env.D.fields(reg.s))} off=${off}`,
      );
    if (off >= 0 || off < -MAX_BPF_STACK)
      env.fail("speculation-bounds", EACCES, `R${insn.dst} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`);
  } else if (reg.type === PTR_TO_MAP_VALUE) {
    try {
      checkMapAccess(env, insn.dst, reg.off, 1, { zeroSizeAllowed: false, direct: false });
    } catch (e) {
      if (!(e instanceof Reject)) throw e;
      env.fail("speculation-bounds", EACCES, `R${insn.dst} pointer arithmetic of map value goes out of range, prohibited for !root`);
    }
  }
}
