// Atomic operations, load-acquire and store-release (check_atomic, 6.18).
import * as op from "../../isa/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { isPointerValue, readReg, writeUnknown } from "../check/regs.ts";
import { accessMem, loadMem, saveAuxPtrType, storeReg } from "./mem.ts";

const RMW: ReadonlySet<number> = new Set([
  op.BPF_ADD,
  op.BPF_ADD | op.BPF_FETCH,
  op.BPF_AND,
  op.BPF_AND | op.BPF_FETCH,
  op.BPF_OR,
  op.BPF_OR | op.BPF_FETCH,
  op.BPF_XOR,
  op.BPF_XOR | op.BPF_FETCH,
  op.BPF_XCHG,
  op.BPF_CMPXCHG,
]);

export function checkAtomic(env: Env, insn: op.Insn): void {
  if (RMW.has(insn.imm)) readModifyWrite(env, insn);
  else if (insn.imm === op.BPF_LOAD_ACQ) {
    loadMem(env, insn, { strictOnce: true, isLdsx: false, allowMismatch: false });
    checkPointer(env, insn.src, "loads from");
  } else if (insn.imm === op.BPF_STORE_REL) {
    storeReg(env, insn, true);
    checkPointer(env, insn.dst, "stores into");
  } else env.fail("atomic-opcode", EINVAL, `BPF_ATOMIC uses invalid atomic opcode ${(insn.imm >>> 0).toString(16).padStart(2, "0")}`);
}

/** atomic_ptr_type_ok. */
function checkPointer(env: Env, regno: number, what: string): void {
  const t = env.reg(regno).type;
  if (t === T.PTR_TO_CTX || T.isPktPointer(t) || t === T.PTR_TO_FLOW_KEYS || T.isSkPointer(t))
    env.fail("atomic-pointer", EACCES, `BPF_ATOMIC ${what} R${regno} ${T.regTypeStr(t)} is not allowed`);
}

function readModifyWrite(env: Env, insn: op.Insn): void {
  const size = op.accessSize(insn.code);
  if (size !== 4 && size !== 8) env.fail("atomic-size", EINVAL, "invalid atomic operand size");
  readReg(env, insn.src);
  readReg(env, insn.dst);
  const leak = (r: number): void => {
    if (isPointerValue(env, r)) env.fail("pointer-leak", EACCES, `R${r} leaks addr into mem`);
  };
  if (insn.imm === op.BPF_CMPXCHG) {
    readReg(env, 0);
    leak(0);
  }
  leak(insn.src);
  checkPointer(env, insn.dst, "stores into");
  const fetched = insn.imm & op.BPF_FETCH ? (insn.imm === op.BPF_CMPXCHG ? 0 : insn.src) : -1;
  if (fetched >= 0) writeUnknown(env, fetched);
  const access = { insnIdx: env.insnIdx, regno: insn.dst, off: insn.off, size, strictOnce: true, isLdsx: false };
  accessMem(env, { ...access, write: false, value: -1 });
  if (fetched >= 0) accessMem(env, { ...access, write: false, value: fetched });
  if (env.reg(insn.dst).type === T.PTR_TO_ARENA) saveAuxPtrType(env, T.PTR_TO_ARENA, false);
  accessMem(env, { ...access, write: true, value: -1 });
}
