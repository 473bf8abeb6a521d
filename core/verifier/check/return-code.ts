// What a program may return (check_return_code, 6.18).
import { ATTACH_TYPE as AT, PROG_TYPE as PT, returnRange } from "../../catalog/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import type { Range } from "../domain/state.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { checkPtrOff } from "./ptr-off.ts";
import { isPointerValue, readReg } from "./regs.ts";

const S64_MIN = -0x8000000000000000n;
const S64_MAX = 0x7fffffffffffffffn;

/** retval_range_within. */
export function withinRange(env: Env, range: Range, reg: Reg, bits32: boolean): boolean {
  const { D } = env;
  const min = bits32 ? D.s32min(reg.s) : D.ops.smin(reg.s);
  const max = bits32 ? D.s32max(reg.s) : D.ops.smax(reg.s);
  return range.min <= min && max <= range.max;
}

/** verbose_invalid_scalar. */
export function invalidScalar(env: Env, reg: Reg, range: Range, when: string, name: string): never {
  const f = env.D.fields(reg.s);
  let text = `${when} the register ${name} has`;
  if (f.smin > S64_MIN) text += ` smin=${f.smin}`;
  if (f.smax < S64_MAX) text += ` smax=${f.smax}`;
  if (f.smin <= S64_MIN && f.smax >= S64_MAX) text += " unknown scalar value";
  return env.fail("return-value", EINVAL, `${text} should have been in [${range.min}, ${range.max}]`);
}

/** The range that this program must return, undefined when any value goes. */
function wanted(env: Env): Range | undefined {
  const { type, expectedAttachType: at, attachBtfId } = env.prog;
  switch (type) {
    case PT.RAW_TRACEPOINT:
      return attachBtfId ? { min: 0, max: 0 } : undefined;
    case PT.LSM:
      if (at === AT.LSM_CGROUP) return env.attach.returnsVoid ? { min: 1, max: 1 } : { min: 0, max: 1 };
      return env.attach.retvalRange;
    case PT.STRUCT_OPS:
      return env.attach.returnsPointer ? { min: 0, max: 0 } : undefined;
    default:
      return returnRange(type, at);
  }
}

export function checkReturnCode(env: Env, regno: number, name: string): void {
  const frame = env.cur.frames[0]!;
  const isSubprog = frame.subprogno !== 0;
  const { type, expectedAttachType: at } = env.prog;
  if (!isSubprog || frame.inExceptionCallbackFn) {
    const hooked = (type === PT.LSM && at !== AT.LSM_CGROUP) || type === PT.STRUCT_OPS;
    if (hooked && env.attach.returnsVoid) return;
    if (type === PT.STRUCT_OPS && !frame.inExceptionCallbackFn && env.attach.returnsPointer) {
      const r = env.reg(regno);
      if (T.baseType(r.type) === T.PTR_TO_BTF_ID && r.refObjId && r.u1 === env.attach.returnsPointer)
        return checkPtrOff(env, r, regno, false);
    }
  }
  const reg = readReg(env, regno);
  if (isPointerValue(env, regno)) env.fail("return-pointer", EACCES, `R${regno} leaks addr as return value`);
  let when = "At program exit";
  let range: Range | undefined;
  if (frame.inAsyncCallbackFn) {
    when = "At async callback return";
    range = frame.callbackRetRange;
  } else if (isSubprog && !frame.inExceptionCallbackFn) {
    if (reg.type !== T.SCALAR_VALUE)
      env.fail("subprog-return", EINVAL, `At subprogram exit the register R${regno} is not a scalar value (${T.regTypeStr(reg.type)})`);
    return;
  } else range = wanted(env);
  if (!range) return;
  if (reg.type !== T.SCALAR_VALUE)
    env.fail("return-value", EINVAL, `${when} the register R${regno} is not a known value (${T.regTypeStr(reg.type)})`);
  markPrecise(env, regno);
  if (withinRange(env, range, reg, type === PT.LSM && at !== AT.LSM_CGROUP && !frame.inAsyncCallbackFn)) return;
  try {
    invalidScalar(env, reg, range, when, name);
  } catch (e) {
    if (!isSubprog && type === PT.LSM && at === AT.LSM_CGROUP && env.attach.returnsVoid)
      env.say("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n");
    throw e;
  }
}
