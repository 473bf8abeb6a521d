// 64-bit constants, map and function addresses, and the old packet loads (check_ld_imm, check_ld_abs, 6.18).
import { MAP_TYPE as MT, PROG_TYPE as PT } from "../../catalog/index.ts";
import * as op from "../../isa/index.ts";
import { EINVAL, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { pushPath } from "../explore/branches.ts";
import { functionExit } from "./func-call.ts";
import { checkPtrOff } from "../check/ptr-off.ts";
import { clearCallerSaved, mayWriteReg, readReg } from "../check/regs.ts";
import { checkResourceLeak } from "../check/resources.ts";

export function checkLdImm(env: Env, insn: op.Insn): void {
  if (insn.off !== 0) env.fail("reserved-fields", EINVAL, "BPF_LD_IMM64 uses reserved fields");
  mayWriteReg(env, insn.dst);
  const aux = env.curAux;
  switch (insn.src) {
    case 0:
      env.regs[insn.dst] = env.scalar(env.D.ops.known(insn.imm, env.insns[env.insnIdx + 1]!.imm));
      return;
    case op.BPF_PSEUDO_BTF_ID: {
      const r = env.pointer(aux.btfVarType);
      if (T.baseType(r.type) === T.PTR_TO_MEM) r.u1 = aux.btfVarSize;
      else {
        r.obj = env.kernelBtf ?? null;
        r.u1 = aux.btfVarId;
      }
      env.regs[insn.dst] = r;
      return;
    }
    case op.BPF_PSEUDO_FUNC: {
      const subprog = env.findSubprog(env.insnIdx + insn.imm + 1);
      if (env.prog.funcInfo.length === 0) env.fail("callback-btf", EINVAL, "missing btf func_info");
      if (env.subprogs[subprog]!.isGlobal) env.fail("callback-static", EINVAL, "callback function not static");
      const r = env.pointer(T.PTR_TO_FUNC);
      r.u1 = subprog;
      env.regs[insn.dst] = r;
      return;
    }
  }
  const map = aux.map!;
  if (insn.src === op.BPF_PSEUDO_MAP_VALUE) {
    if (map.type === MT.ARENA) {
      env.regs[insn.dst] = env.unknownScalar();
      return;
    }
    const r = env.pointer(T.PTR_TO_MAP_VALUE);
    r.obj = map;
    r.off = aux.mapOff;
    env.regs[insn.dst] = r;
    return;
  }
  const r = env.pointer(T.CONST_PTR_TO_MAP);
  r.obj = map;
  env.regs[insn.dst] = r;
}

const SKB_PROGS: ReadonlySet<number> = new Set([PT.SOCKET_FILTER, PT.SCHED_CLS, PT.SCHED_ACT]);
const CTX_REG = 6;

export function checkLdAbs(env: Env, insn: op.Insn): void {
  const isInd = (insn.code & 0xe0) === op.BPF_IND;
  if (!SKB_PROGS.has(env.prog.type)) env.fail("ld-abs-type", EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  if (insn.dst || insn.off || (insn.code & 0x18) === op.BPF_DW || (!isInd && insn.src))
    env.fail("reserved-fields", EINVAL, "BPF_LD_[ABS|IND] uses reserved fields");
  readReg(env, CTX_REG);
  checkResourceLeak(env, false, true, "BPF_LD_[ABS|IND]");
  if (env.reg(CTX_REG).type !== T.PTR_TO_CTX) env.fail("ld-abs-r6", EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  if (isInd) readReg(env, insn.src);
  checkPtrOff(env, env.reg(CTX_REG), CTX_REG, false);
  clearCallerSaved(env, env.regs);
  env.regs[0] = env.unknownScalar();
  if (env.cur.curframe === 0) return;
  // A load that fails ends the function at once, with R0 = 0.
  env.scratchReg(0);
  pushPath(env, env.insnIdx + 1, env.insnIdx, false);
  env.regs[0] = env.pointer(T.SCALAR_VALUE);
  functionExit(env);
  env.insnIdx--;
}
