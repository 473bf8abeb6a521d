// One instruction: which rule it falls under (do_check_insn, 6.18). The rules stand in the files that it calls.
import * as op from "../../isa/index.ts";
import { EINVAL, type Env } from "../env.ts";
import { readReg } from "../check/regs.ts";
import { checkResourceLeak } from "../check/resources.ts";
import { checkReturnCode } from "../check/return-code.ts";
import { checkAlu } from "./alu.ts";
import { checkAtomic } from "./atomic.ts";
import { checkFuncCall, functionExit } from "./func-call.ts";
import { checkHelperCall } from "./helper-call.ts";
import { checkCondJump } from "./jump.ts";
import { checkKfuncCall } from "./kfunc-call.ts";
import { checkLdAbs, checkLdImm } from "./load-imm.ts";
import { accessMem, loadMem, saveAuxPtrType, storeReg } from "./mem.ts";
import { FUNC } from "../prepare/callbacks.ts";

export type Outcome = "on" | "exit" | "returned";

const reserved = (env: Env, what: string): never => env.fail("reserved-fields", EINVAL, `${what} uses reserved fields`);

/** Checks the instruction at env.insnIdx, changes the current state as it does, and moves env.insnIdx on. */
export function checkInsn(env: Env): Outcome {
  const insn = env.insns[env.insnIdx]!;
  switch (insn.code & 7) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
      checkAlu(env, insn);
      break;
    case op.BPF_LDX:
      loadMem(env, insn, { strictOnce: false, isLdsx: (insn.code & 0xe0) === op.BPF_MEMSX, allowMismatch: true });
      break;
    case op.BPF_STX:
      if ((insn.code & 0xe0) === op.BPF_ATOMIC) {
        checkAtomic(env, insn);
        break;
      }
      if ((insn.code & 0xe0) !== op.BPF_MEM || insn.imm !== 0) reserved(env, "BPF_STX");
      storeReg(env, insn, false);
      break;
    case op.BPF_ST: {
      if ((insn.code & 0xe0) !== op.BPF_MEM || insn.src !== 0) reserved(env, "BPF_ST");
      const type = readReg(env, insn.dst).type;
      accessMem(env, {
        insnIdx: env.insnIdx,
        regno: insn.dst,
        off: insn.off,
        size: op.accessSize(insn.code),
        write: true,
        value: -1,
        strictOnce: false,
        isLdsx: false,
      });
      saveAuxPtrType(env, type, false);
      break;
    }
    case op.BPF_JMP:
    case op.BPF_JMP32:
      return jump(env, insn);
    default: {
      const mode = insn.code & 0xe0;
      if (mode === op.BPF_ABS || mode === op.BPF_IND) checkLdAbs(env, insn);
      else {
        checkLdImm(env, insn);
        env.insnIdx++;
        if (!env.cur.speculative) env.curAux.seen = true;
      }
    }
  }
  env.insnIdx++;
  return "on";
}

function jump(env: Env, insn: op.Insn): Outcome {
  const is32 = (insn.code & 7) === op.BPF_JMP32;
  env.jmpsProcessed++;
  switch (insn.code & 0xf0) {
    case op.BPF_CALL:
      return call(env, insn, is32);
    case op.BPF_JA:
      if (insn.code & op.BPF_X || insn.src || insn.dst || (!is32 && insn.imm !== 0) || (is32 && insn.off !== 0)) reserved(env, "BPF_JA");
      env.insnIdx += op.jumpOffset(insn) + 1;
      return "on";
    case op.BPF_EXIT:
      if (insn.code & op.BPF_X || insn.imm || insn.src || insn.dst || is32) reserved(env, "BPF_EXIT");
      return exit(env, false);
    default:
      checkCondJump(env, insn);
      env.insnIdx++;
      return "on";
  }
}

function call(env: Env, insn: op.Insn, is32: boolean): Outcome {
  const isKfunc = insn.src === op.BPF_PSEUDO_KFUNC_CALL;
  if (insn.code & op.BPF_X || (!isKfunc && insn.off !== 0) || insn.src > op.BPF_PSEUDO_KFUNC_CALL || insn.dst || is32)
    reserved(env, "BPF_CALL");
  if (env.cur.activeLocks) {
    const allowed = insn.src === 0 ? insn.imm === FUNC.spin_unlock : !isKfunc || (insn.off === 0 && env.kfuncs.allowedUnderLock(insn.imm));
    if (!allowed) env.fail("call-under-lock", EINVAL, "function calls are not allowed while holding a lock");
  }
  if (insn.src === op.BPF_PSEUDO_CALL) checkFuncCall(env, insn);
  else if (isKfunc) {
    if (checkKfuncCall(env, insn) === "throws") return exit(env, true);
  } else checkHelperCall(env, insn);
  env.scratchReg(0);
  env.insnIdx++;
  return "on";
}

/** process_bpf_exit_full. */
function exit(env: Env, exception: boolean): Outcome {
  checkResourceLeak(env, exception, exception || env.cur.curframe === 0, exception ? "bpf_throw" : "BPF_EXIT instruction in main prog");
  if (exception) return "exit";
  if (env.cur.curframe > 0) {
    functionExit(env);
    return "returned";
  }
  checkReturnCode(env, 0, "R0");
  return "exit";
}
