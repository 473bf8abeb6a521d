// Which pointers into the kernel may be relied on (is_trusted_reg, is_rcu_reg, 6.18).
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";

const TRUSTED_MODIFIERS = T.MEM_ALLOC | T.PTR_TRUSTED | T.NON_OWN_REF;
/** Kinds that stand for one kernel structure (reg2btf_ids). */
export const REG_STRUCTS: Readonly<Record<number, string>> = {
  [T.PTR_TO_SOCKET]: "sock",
  [T.PTR_TO_SOCK_COMMON]: "sock_common",
  [T.PTR_TO_TCP_SOCK]: "tcp_sock",
  [T.CONST_PTR_TO_MAP]: "bpf_map",
};
const unsafe = (type: number): boolean => (T.typeFlag(type) & ~TRUSTED_MODIFIERS) !== 0;

export function isTrustedReg(reg: Reg): boolean {
  if (reg.refObjId) return true;
  if (REG_STRUCTS[T.baseType(reg.type)] && !unsafe(reg.type)) return true;
  return (reg.type & TRUSTED_MODIFIERS) !== 0 && !unsafe(reg.type);
}
export const isRcuReg = (reg: Reg): boolean => (reg.type & T.MEM_RCU) !== 0;
export const RCU_AND_TRUST = TRUSTED_MODIFIERS | T.MEM_RCU;
