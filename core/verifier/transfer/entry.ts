// Registers at the start of a function: the context, or arguments by BTF (do_check_common, 6.18).
import { PROG_TYPE as PT } from "../../catalog/index.ts";
import { EINVAL, Reject, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import type { VState } from "../domain/state.ts";
import { prepareArgs } from "../btf/func-args.ts";
import { A, argBase } from "../check/arg-types.ts";
import { DYNPTR_LOCAL, dynptrReg } from "../check/dynptr.ts";
import { acquireReference } from "../check/refs.ts";

export function setupEntryRegs(env: Env, st: VState, subprog: number): void {
  const regs = st.cur.regs;
  if (subprog === 0 && env.prog.type !== PT.EXT) {
    prepareMain(env);
    regs[1] = env.pointer(T.PTR_TO_CTX);
    for (const arg of env.attach.ctxArgs) if (arg.refcounted) arg.refObjId = acquireReference(env, 0);
    return;
  }
  const sub = env.subprogs[subprog]!;
  if (env.log.wantsStates) env.trace(`Validating ${sub.name}() func#${subprog}...\n`);
  prepareArgs(env, subprog);
  if (sub.isExceptionCb) {
    st.cur.inExceptionCallbackFn = true;
    if (sub.args.length !== 1 || sub.args[0]!.argType !== A.ARG_ANYTHING)
      env.fail("exception-callback", EINVAL, "exception cb only supports single integer argument");
  }
  sub.args.forEach((arg, i) => {
    const base = argBase(arg.argType);
    let r = env.unknownScalar();
    if (arg.argType === A.ARG_PTR_TO_CTX) r = env.pointer(T.PTR_TO_CTX);
    else if (arg.argType === (A.ARG_PTR_TO_DYNPTR | T.MEM_RDONLY)) r = dynptrReg(env, DYNPTR_LOCAL, true, ++env.idGen);
    else if (base === A.ARG_PTR_TO_MEM) {
      r = env.pointer(T.PTR_TO_MEM | (arg.argType & (T.PTR_MAYBE_NULL | T.PTR_UNTRUSTED | T.MEM_RDONLY)));
      r.u1 = arg.memSize;
      if (T.mayBeNull(r.type)) r.id = ++env.idGen;
    } else if (base === A.ARG_PTR_TO_BTF_ID) {
      r = env.pointer(T.PTR_TO_BTF_ID | (arg.argType & (T.PTR_MAYBE_NULL | T.PTR_UNTRUSTED | T.PTR_TRUSTED)));
      r.obj = env.kernelBtf ?? null;
      r.u1 = arg.btfId;
      r.id = ++env.idGen;
    }
    regs[i + 1] = r;
  });
}

/** The main function's prototype matters only to those who would call it. */
function prepareMain(env: Env): void {
  if (env.prog.funcInfo.length === 0) return;
  const main = env.subprogs[0]!;
  try {
    prepareArgs(env, 0);
    main.unreliable = main.args.length !== 1 || main.args[0]!.argType !== A.ARG_PTR_TO_CTX;
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    main.unreliable = true;
  }
}
