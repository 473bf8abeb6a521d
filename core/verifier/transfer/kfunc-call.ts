// Calling a kfunc: its arguments, the sections it opens and closes, what it returns (check_kfunc_call, 6.18).
import { bug } from "../../base/index.ts";
import { kfuncAllowed } from "../../catalog/index.ts";
import type { Insn } from "../../isa/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EACCES, EFAULT, EINVAL, ENOMEM, Unsupported, type Env } from "../env.ts";
import { kernelCtx } from "../btf/ctx-type.ts";
import type { Kfunc } from "../btf/kfuncs.ts";
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, hasField } from "../btf/record.ts";
import { regRecord, structRecord } from "../btf/alloc-types.ts";
import { inRcuSection } from "../btf/struct-access.ts";
import { isStruct, sizeOrNone } from "../btf/struct-walk.ts";
import { dynptrFlag, releaseDynptr } from "../check/dynptr.ts";
import { disown, graphNodeReg, nonOwning } from "../check/graph.ts";
import { iterReg, processIterNext } from "../check/iter.ts";
import { checkKfuncArgs, isScalarStruct, newKfuncMeta, type KfuncMeta } from "../check/kfunc-args.ts";
import { andSay } from "../check/map-access.ts";
import { mayAccessPacket } from "../check/packet.ts";
import { acquireReference, releaseReference } from "../check/refs.ts";
import { clearCallerSaved } from "../check/regs.ts";
import { checkReturnCode } from "../check/return-code.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { Slot, STACK_ITER } from "../domain/stack.ts";
import { pushPath } from "../explore/branches.ts";
import { asyncOnMap, pushCallback, type Callee } from "./callbacks.ts";
import { clearPacketPointers } from "./helper-call.ts";
import type { MapInfo } from "../maps/map-info.ts";

const MAX_ERRNO = 4095;
const PERCPU_OBJ_MAX = 512;
const S32: { min: number; max: number } = { min: -0x80000000, max: 0x7fffffff };

/** `throws` when the call ends the program (bpf_throw). */
export function checkKfuncCall(env: Env, insn: Insn): "on" | "throws" {
  // A weak kfunc that the kernel lacks is never reached.
  if (!insn.imm) return "on";
  const kfunc = env.kfuncs.get(insn.imm);
  if (!kfunc) throw new Unsupported("module-kfunc");
  const { type, expectedAttachType: at } = env.prog;
  if (!kfuncAllowed(kfunc.name, type, at)) env.fail("kfunc-not-allowed", EACCES, `calling kernel function ${kfunc.name} is not allowed`);
  const insnIdx = env.insnIdx;
  env.curAux.isIterNext = kfunc.flags.has("ITER_NEXT");
  if (kfunc.name === "bpf_res_spin_lock" || kfunc.name === "bpf_res_spin_lock_irqsave") failedLock(env);
  if (kfunc.name === "__bpf_trap") env.fail("bpf-trap", EFAULT, "unexpected __bpf_trap() due to uninitialized variable?");
  const sleepable = kfunc.flags.has("SLEEPABLE");
  if (sleepable && !env.inSleepable()) env.fail("kfunc-sleeps", EACCES, `program must be sleepable to call sleepable kfunc ${kfunc.name}`);
  const meta = newKfuncMeta(kfunc);
  checkKfuncArgs(env, meta);
  callbacks(env, insn, meta);
  sections(env, kfunc, sleepable);
  if (meta.releaseRegno) release(env, meta);
  if (kfunc.name === "bpf_list_push_front_impl" || kfunc.name === "bpf_list_push_back_impl" || kfunc.name === "bpf_rbtree_add_impl") {
    const ref = env.reg(2).refObjId;
    disown(env, ref);
    releaseReference(env, ref);
  }
  if (kfunc.name === "bpf_throw" && !env.exceptionCallbackSubprog) checkReturnCode(env, 1, "R1");
  clearCallerSaved(env, env.regs);
  setReturn(env, meta, insnIdx);
  if (kfunc.name === "bpf_xdp_pull_data") clearPacketPointers(env);
  if (kfunc.flags.has("ITER_NEXT")) processIterNext(env, insnIdx, meta.iter!);
  return kfunc.name === "bpf_throw" ? "throws" : "on";
}

/** A resilient lock may not be had: that is a path of its own. */
function failedLock(env: Env): void {
  const other = andSay(env, "failed to push state for failed lock acquisition", () =>
    pushPath(env, env.insnIdx + 1, env.insnIdx, false, ENOMEM),
  );
  const regs = other.cur.regs;
  for (let i = 0; i < 6; i++) regs[i] = env.notInit;
  regs[0] = env.scalar(env.D.ops.s32Range(env.D.UNKNOWN, -MAX_ERRNO, -1));
}

const rbtreeAdd =
  (meta: KfuncMeta): Callee =>
  (env, _caller, callee) => {
    for (const i of [1, 2]) callee.regs[i] = nonOwning(env, graphNodeReg(env, meta.root!));
    for (const i of [3, 4, 5]) callee.regs[i] = env.notInit;
    callee.inCallbackFn = true;
    return { min: 0, max: 1 };
  };

function callbacks(env: Env, insn: Insn, meta: KfuncMeta): void {
  const { name } = meta.kfunc;
  if (name === "bpf_rbtree_add_impl") pushCallback(env, insn, meta.subprog, rbtreeAdd(meta));
  else if (name === "bpf_wq_set_callback_impl")
    pushCallback(
      env,
      insn,
      meta.subprog,
      (e, caller, callee) => asyncOnMap(e, callee, caller.regs[1]!.obj as MapInfo, { min: 0, max: 0 }),
      true,
    );
  else if (name.startsWith("bpf_task_work_schedule"))
    pushCallback(env, insn, meta.subprog, (e, caller, callee) => asyncOnMap(e, callee, caller.regs[3]!.obj as MapInfo, S32), true);
}

/** RCU, preemption and interrupt sections. */
function sections(env: Env, kfunc: Kfunc, sleepable: boolean): void {
  const st = env.cur;
  const { name } = kfunc;
  const fail = (text: string, errno: number): never => env.fail("kfunc-section", errno, text);
  if (name === "bpf_rcu_read_lock") {
    if (st.activeRcuLocks) fail(`nested rcu read lock (kernel function ${name})`, EINVAL);
    st.activeRcuLocks = 1;
  } else if (name === "bpf_rcu_read_unlock") {
    if (st.activeRcuLocks === 0) fail(`unmatched rcu read unlock (kernel function ${name})`, EINVAL);
    st.activeRcuLocks = 0;
    endRcu(env);
  } else if (sleepable && st.activeRcuLocks) fail(`kernel func ${name} is sleepable within rcu_read_lock region`, EACCES);
  if (name === "bpf_preempt_disable") st.activePreemptLocks++;
  else if (name === "bpf_preempt_enable") {
    if (!st.activePreemptLocks) fail(`unmatched attempt to enable preemption (kernel function ${name})`, EINVAL);
    st.activePreemptLocks--;
  } else if (st.activePreemptLocks && sleepable) fail(`kernel func ${name} is sleepable within non-preemptible region`, EACCES);
  if (st.activeIrqId && sleepable) fail(`kernel func ${name} is sleepable within IRQ-disabled region`, EACCES);
  if (kfunc.flags.has("RCU_PROTECTED") && !inRcuSection(env)) fail(`kernel func ${name} requires RCU critical section protection`, EACCES);
}

/** What RCU protected may be gone. */
function endRcu(env: Env): void {
  const drop = (reg: Reg): Reg => {
    if (!(reg.type & T.MEM_RCU)) return reg;
    const r = reg.copy();
    r.type = (r.type & ~(T.MEM_RCU | T.PTR_MAYBE_NULL)) | T.PTR_UNTRUSTED;
    return r;
  };
  env.eachReg(env.cur, drop);
  for (const frame of env.cur.frames)
    frame.stack.forEach((slot, i) => {
      if (slot.top === STACK_ITER && slot.reg.type & T.MEM_RCU) frame.stack[i] = new Slot(drop(slot.reg), slot.types);
    });
}

function release(env: Env, meta: KfuncMeta): void {
  const reg = env.reg(meta.releaseRegno);
  if (meta.dynptr.refObjId) return releaseDynptr(env, reg);
  if (!releaseReference(env, reg.refObjId)) bug(`${meta.kfunc.name} releases a reference that nobody holds`);
}

function setReturn(env: Env, meta: KfuncMeta, insnIdx: number): void {
  const btf = env.kernelBtf!;
  const { kfunc } = meta;
  const t = btf.type(btf.resolve(kfunc.proto.type));
  if (t.kind === BTF_KIND.INT || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64) {
    env.regs[0] =
      kfunc.name === "bpf_res_spin_lock" || kfunc.name === "bpf_res_spin_lock_irqsave" ? env.scalar(env.D.ZERO) : env.unknownScalar();
    return;
  }
  if (t.kind !== BTF_KIND.PTR) return;
  const target = btf.type(btf.resolve(t.type));
  const isNode = target.name === "bpf_list_node" || target.name === "bpf_rb_node";
  const r = special(env, meta, target) ?? plainPointer(env, meta, target);
  const retNull = kfunc.flags.has("RET_NULL") && !(kfunc.name === "bpf_refcount_acquire_impl" && meta.owningRef);
  if (retNull) {
    r.type |= T.PTR_MAYBE_NULL;
    r.id = ++env.idGen;
  }
  env.regs[0] = r;
  if (kfunc.flags.has("ACQUIRE")) {
    const id = acquireReference(env, insnIdx);
    if (retNull) r.id = id;
    r.refObjId = id;
  } else if (isNode) env.regs[0] = nonOwning(env, r);
  const final = env.reg(0);
  if (!final.id && hasField(regRecord(env, final), BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) env.regs[0] = final.withId(++env.idGen);
}

function btfReg(env: Env, type: number, btf: Btf, id: number): Reg {
  const r = env.pointer(type);
  r.obj = btf;
  r.u1 = id;
  return r;
}

/** check_special_kfunc: results that only this kfunc gives. */
function special(env: Env, meta: KfuncMeta, target: BtfType): Reg | undefined {
  const btf = env.kernelBtf!;
  switch (meta.kfunc.name) {
    case "bpf_obj_new_impl":
    case "bpf_percpu_obj_new_impl":
      return newObject(env, meta);
    case "bpf_refcount_acquire_impl":
      return btfReg(env, T.PTR_TO_BTF_ID | T.MEM_ALLOC, meta.argBtf!, meta.argBtfId);
    case "bpf_cast_to_kern_ctx":
      return btfReg(env, T.PTR_TO_BTF_ID | T.PTR_TRUSTED, btf, kernelCtx(env));
    case "bpf_rdonly_cast":
      return readonlyCast(env, meta);
    case "bpf_dynptr_slice":
    case "bpf_dynptr_slice_rdwr": {
      const readonly = meta.kfunc.name === "bpf_dynptr_slice";
      if (!readonly && !mayAccessPacket(env, true, null)) env.fail("dynptr-slice", EINVAL, "the prog does not allow writes to packet data");
      const r = env.pointer(T.PTR_TO_MEM | dynptrFlag(meta.dynptr.type) | (readonly ? T.MEM_RDONLY : 0));
      r.u1 = meta.constant! >>> 0;
      r.u2 = meta.dynptr.id;
      return r;
    }
  }
  return target.name === "bpf_list_node" || target.name === "bpf_rb_node" ? graphNodeReg(env, meta.root!) : undefined;
}

function newObject(env: Env, meta: KfuncMeta): Reg {
  // The kernel keeps a program's types only for its func_info or line_info.
  const btf = env.prog.funcInfo.length || env.prog.lineInfo.length ? env.prog.btf : undefined;
  const id = meta.constant!;
  const percpu = meta.kfunc.name === "bpf_percpu_obj_new_impl";
  const fail = (text: string): never => env.fail("obj-new", EINVAL, text);
  if (id !== id >>> 0) fail("local type ID argument must be in range [0, U32_MAX]");
  if (!btf) return fail("bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
  const t = id > 0 && id < btf.typeCount ? btf.type(id) : undefined;
  if (t?.kind !== BTF_KIND.STRUCT) return fail("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
  if (percpu) {
    if (t.size > PERCPU_OBJ_MAX) fail(`bpf_percpu_obj_new type size (${t.size}) is greater than ${PERCPU_OBJ_MAX}`);
    if (!isScalarStruct(env, btf, t)) fail("bpf_percpu_obj_new type ID argument must be of a struct of scalars");
    if (structRecord(env, btf, id)) fail("bpf_percpu_obj_new type ID argument must not contain special fields");
  }
  return btfReg(env, T.PTR_TO_BTF_ID | T.MEM_ALLOC | (percpu ? T.MEM_PERCPU : 0), btf, id);
}

function readonlyCast(env: Env, meta: KfuncMeta): Reg {
  const btf = env.kernelBtf!;
  const id = meta.constant!;
  if (id < 0 || id >= btf.typeCount) env.fail("rdonly-cast", EINVAL, `Unknown type ID ${id} passed to kfunc bpf_rdonly_cast`);
  const t = btf.type(id);
  if (isStruct(t)) return btfReg(env, T.PTR_TO_BTF_ID | T.PTR_UNTRUSTED, btf, id);
  if (id !== 0) env.fail("rdonly-cast", EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
  return env.pointer(T.PTR_TO_MEM | T.MEM_RDONLY | T.PTR_UNTRUSTED);
}

function plainPointer(env: Env, meta: KfuncMeta, target: BtfType): Reg {
  const btf = env.kernelBtf!;
  const { kfunc } = meta;
  if (isStruct(target)) {
    const iter = kfunc.flags.has("ITER_NEXT") ? (iterReg(env.cur, meta.iter!).type & T.MEM_RCU ? T.MEM_RCU : T.PTR_TRUSTED) : 0;
    const trust = kfunc.name === "bpf_get_kmem_cache" ? T.PTR_UNTRUSTED : iter;
    return btfReg(env, T.PTR_TO_BTF_ID | trust, btf, target.id);
  }
  if (target.id === 0) return env.unknownScalar();
  let size = meta.r0Size;
  let readonly = meta.r0Rdonly;
  if (kfunc.name === "bpf_session_cookie") size = 8;
  if (!size) {
    size = sizeOrNone(btf, target.id) ?? 0;
    readonly = true;
  }
  if (!size) bug(`the size of what ${kfunc.name} returns a pointer to is not known`);
  const r = env.pointer(T.PTR_TO_MEM | (readonly ? T.MEM_RDONLY : 0) | (kfunc.flags.has("RCU_PROTECTED") ? T.MEM_RCU : 0));
  r.u1 = size;
  r.refObjId = meta.refObjId;
  return r;
}
