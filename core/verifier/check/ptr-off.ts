// Pointers that may not have been moved (__check_ptr_off_reg, 6.18).
import { EACCES, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { regTypeStr } from "../domain/reg-types.ts";
import { tnumStr } from "../log/format.ts";

export function checkPtrOff(env: Env, reg: Reg, regno: number, fixedOffOk: boolean): void {
  if (reg.off === 0 && reg.s === env.D.ZERO) return;
  const name = regTypeStr(reg.type);
  if (reg.off < 0) env.fail("modified-pointer", EACCES, `negative offset ${name} ptr R${regno} off=${reg.off} disallowed`);
  if (!fixedOffOk && reg.off)
    env.fail("modified-pointer", EACCES, `dereference of modified ${name} ptr R${regno} off=${reg.off} disallowed`);
  if (!env.D.isConst(reg.s) || !env.D.isZero(reg.s))
    env.fail("modified-pointer", EACCES, `variable ${name} access var_off=${tnumStr(env.D.fields(reg.s))} disallowed`);
}
