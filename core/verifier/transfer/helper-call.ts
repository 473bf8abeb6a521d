// Calling a helper: its arguments, what it does to references and callbacks, what it returns (check_helper_call, 6.18).
import { bug } from "../../base/index.ts";
import {
  helperAvailable,
  helperById,
  helperCapability,
  HELPERS,
  MAP_TYPE as MT,
  PROG_TYPE as PT,
  ATTACH_TYPE as AT,
} from "../../catalog/index.ts";
import type { Insn } from "../../isa/index.ts";
import { BTF_KIND, type Btf } from "../../object/index.ts";
import { EACCES, EFAULT, EINVAL, ENOTSUPP, Unsupported, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { BPF_KPTR_PERCPU, BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, hasField } from "../btf/record.ts";
import { kernelStruct } from "../btf/struct-match.ts";
import { A, argBase, protoOf, R, type Proto } from "../check/arg-types.ts";
import { dynptrState, releaseDynptr, DYNPTR_SKB, DYNPTR_SKB_META } from "../check/dynptr.ts";
import { checkFormat } from "../check/format-string.ts";
import { helperAllowedAtHook } from "../check/helper-allowed.ts";
import { checkHelperArg, newMeta, type CallMeta } from "../check/helper-args.ts";
import { checkMapFunc } from "../check/map-func.ts";
import { acquireReference, dropReference, invalid, releaseReference } from "../check/refs.ts";
import { clearCallerSaved, isNullReg } from "../check/regs.ts";
import { checkResourceLeak } from "../check/resources.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { pushPath } from "../explore/branches.ts";
import { BPF_F_RDONLY_PROG, MapInfo } from "../maps/map-info.ts";
import { changesPktData, FUNC } from "../prepare/callbacks.ts";
import { findVmaCallee, loopCallee, mapElemCallee, pushCallback, timerCallee, userRingbufCallee } from "./callbacks.ts";
import { functionExit } from "./func-call.ts";
import { accessMem } from "./mem.ts";

const MAX_ERRNO = 4095;
/** nr_cpu_ids of the reference machine decides the range of bpf_get_smp_processor_id; a program may run on any, so the widest common one. */
const NR_CPU_IDS = 2;

const SK_ACQUIRE: ReadonlySet<number> = new Set([
  FUNC.sk_lookup_tcp,
  FUNC.sk_lookup_udp,
  FUNC.skc_lookup_tcp,
  FUNC.ringbuf_reserve,
  FUNC.kptr_xchg,
]);
const PTR_CASTS: ReadonlySet<number> = new Set([
  FUNC.tcp_sock,
  FUNC.sk_fullsock,
  FUNC.skc_to_tcp_sock,
  FUNC.skc_to_tcp6_sock,
  FUNC.skc_to_udp6_sock,
  FUNC.skc_to_mptcp_sock,
  FUNC.skc_to_tcp_timewait_sock,
  FUNC.skc_to_tcp_request_sock,
]);
const isSockMap = (m: MapInfo | null): boolean => m?.type === MT.SOCKMAP || m?.type === MT.SOCKHASH;
const acquires = (id: number, map: MapInfo | null): boolean => SK_ACQUIRE.has(id) || (id === FUNC.map_lookup_elem && isSockMap(map));

export const funcName = (id: number): string => helperById(id)?.name ?? "unknown";

/** Iterators over sockets have helpers of their own (bpf_iter_get_func_proto). */
function iterMayUse(env: Env, id: number): boolean {
  const { type, expectedAttachType: at } = env.prog;
  return (
    type === PT.TRACING && at === AT.TRACE_ITER && SOCK_ITERS.has(env.attach.name) && (id === FUNC.setsockopt || id === FUNC.getsockopt)
  );
}
const SOCK_ITERS: ReadonlySet<string> = new Set(["bpf_iter_tcp", "bpf_iter_udp", "bpf_iter_unix"]);

function lookUp(env: Env, id: number): Proto {
  const { type, expectedAttachType } = env.prog;
  const named = `${funcName(id)}#${id}`;
  if (id < 0 || id > HELPERS.length) env.fail("unknown-helper", EINVAL, `invalid func ${named}`);
  if (!helperAvailable(id, type, expectedAttachType) && !iterMayUse(env, id))
    env.fail("helper-not-available", EINVAL, `program of this type cannot use helper ${named}`);
  const needs = helperCapability(id, type);
  if (needs && !env.may[needs]) env.fail("helper-not-available", EINVAL, `program of this type cannot use helper ${named}`);
  const { structOps, name: member } = env.attach;
  if (structOps && !structOps.mayUseHelper(funcName(id).replace(/^bpf_/, ""), member))
    env.fail("helper-not-available", EINVAL, `program of this type cannot use helper ${named}`);
  const proto = protoOf(id, type, expectedAttachType);
  if (!proto) throw new Unsupported(`helper ${named}`);
  const { record } = proto;
  if (record.gplOnly && !env.gplCompatible)
    env.fail("helper-gpl", EINVAL, "cannot call GPL-restricted function from non-GPL compatible program");
  if (!helperAllowedAtHook(env, id)) env.fail("helper-hook", EINVAL, "helper call is not allowed in probe");
  if (record.mightSleep) {
    if (!env.inSleepable()) env.fail("helper-sleeps", EINVAL, "helper call might sleep in a non-sleepable prog");
    if (env.cur.activeRcuLocks) env.fail("helper-sleeps", EINVAL, `sleepable helper ${named} in rcu_read_lock region`);
    if (env.cur.activePreemptLocks) env.fail("helper-sleeps", EINVAL, `sleepable helper ${named} in non-preemptible region`);
    if (env.cur.activeIrqId) env.fail("helper-sleeps", EINVAL, `sleepable helper ${named} in IRQ-disabled region`);
  }
  return proto;
}

export function checkHelperCall(env: Env, insn: Insn): void {
  const id = insn.imm;
  const insnIdx = env.insnIdx;
  const proto = lookUp(env, id);
  const meta = newMeta(id, proto.record.pktAccess);
  for (let i = 0; i < 5; i++) checkHelperArg(env, i, proto, meta);
  recordMap(env, meta);
  recordTailCallKey(env, meta);
  // The helper fills this memory: as stores would.
  for (let i = 0; i < meta.accessSize; i++)
    accessMem(env, { insnIdx, regno: meta.regno, off: i, size: 1, write: true, value: -1, strictOnce: false, isLdsx: false });
  if (meta.releaseRegno) release(env, proto, meta);
  let changes = changesPktData(id);
  if (particular(env, insn, meta)) changes = true;
  clearCallerSaved(env, env.regs);
  setReturn(env, proto, meta, insnIdx);
  refineReturn(env, proto, meta);
  checkMapFunc(env, meta.map, id);
  if (id === FUNC.get_func_ip) checkGetFuncIp(env);
  if (id === FUNC.tail_call) changes = tailCall(env) && changes;
  if (changes) clearPacketPointers(env);
}

const MAP_USERS: ReadonlySet<number> = new Set([
  FUNC.tail_call,
  FUNC.map_lookup_elem,
  FUNC.map_update_elem,
  FUNC.map_delete_elem,
  FUNC.map_push_elem,
  FUNC.map_pop_elem,
  FUNC.map_peek_elem,
  FUNC.for_each_map_elem,
  FUNC.redirect_map,
  FUNC.map_lookup_percpu_elem,
]);
/** record_func_map. */
function recordMap(env: Env, meta: CallMeta): void {
  if (!MAP_USERS.has(meta.funcId)) return;
  const map = meta.map!;
  const writes =
    meta.funcId === FUNC.map_delete_elem ||
    meta.funcId === FUNC.map_update_elem ||
    meta.funcId === FUNC.map_push_elem ||
    meta.funcId === FUNC.map_pop_elem;
  if (writes && map.spec.flags & BPF_F_RDONLY_PROG) env.fail("map-readonly", EACCES, "write into map forbidden");
}
/** record_func_key: a constant index makes a direct tail call. */
function recordTailCallKey(env: Env, meta: CallMeta): void {
  if (meta.funcId !== FUNC.tail_call) return;
  if (meta.map?.type !== MT.PROG_ARRAY) env.fail("tail-call-map", EINVAL, "expected prog array map for tail call");
  const known = env.tailCallMaps.get(env.insnIdx);
  env.tailCallMaps.set(env.insnIdx, known === undefined || known === meta.map ? meta.map : null);
  const reg = env.reg(3);
  if (reg.type !== T.SCALAR_VALUE || !env.D.isConst(reg.s)) return;
  const v = env.D.ops.umin(reg.s);
  if (v < meta.map!.maxEntries) markPrecise(env, 3);
}

function release(env: Env, proto: Proto, meta: CallMeta): void {
  const reg = env.reg(meta.releaseRegno);
  if (argBase(proto.args[meta.releaseRegno - 1]!.type) === A.ARG_PTR_TO_DYNPTR) return releaseDynptr(env, reg);
  if (!meta.refObjId) return;
  const held = meta.funcId === FUNC.kptr_xchg ? releaseIntoMap(env, meta.refObjId) : releaseReference(env, meta.refObjId);
  if (!held) bug(`${funcName(meta.funcId)} releases a reference that nobody holds`);
}
/** bpf_kptr_xchg takes the reference; a per-CPU object stays readable under RCU. */
function releaseIntoMap(env: Env, id: number): boolean {
  if (!dropReference(env.cur, id)) return false;
  const inRcu = env.cur.activeRcuLocks > 0 || !env.inSleepable() || env.cur.activeLocks > 0;
  env.eachReg(env.cur, (reg) => {
    if (reg.refObjId !== id) return reg;
    if (!inRcu || !(reg.type & T.MEM_ALLOC) || !(reg.type & T.MEM_PERCPU)) return invalid(env);
    const r = reg.copy();
    r.refObjId = 0;
    r.type = (r.type & ~T.MEM_ALLOC) | T.MEM_RCU;
    return r;
  });
  return true;
}

/** What only this helper demands. True when packet data may have moved. */
function particular(env: Env, insn: Insn, meta: CallMeta): boolean {
  const regs = env.regs;
  switch (meta.funcId) {
    case FUNC.tail_call:
      checkResourceLeak(env, false, true, "tail_call");
      return false;
    case FUNC.get_local_storage:
      if (!isNullReg(env, regs[2]!)) env.fail("storage-flags", EINVAL, "get_local_storage() doesn't support non-zero flags");
      return false;
    case FUNC.for_each_map_elem:
      pushCallback(env, insn, meta.subprog, mapElemCallee);
      return false;
    case FUNC.timer_set_callback:
      pushCallback(env, insn, meta.subprog, timerCallee);
      return false;
    case FUNC.find_vma:
      pushCallback(env, insn, meta.subprog, findVmaCallee);
      return false;
    case FUNC.user_ringbuf_drain:
      pushCallback(env, insn, meta.subprog, userRingbufCallee);
      return false;
    case FUNC.snprintf:
      checkFormat(env);
      return false;
    case FUNC.loop:
      loop(env, insn, meta);
      return false;
    case FUNC.dynptr_from_mem:
      if (regs[1]!.type !== T.PTR_TO_MAP_VALUE)
        env.fail("dynptr-mem", EACCES, `Unsupported reg type ${T.regTypeStr(regs[1]!.type)} for bpf_dynptr_from_mem data`);
      return false;
    case FUNC.set_retval:
      if (env.prog.type === PT.LSM && env.prog.expectedAttachType === AT.LSM_CGROUP && env.attach.returnsVoid)
        env.fail("set-retval", EINVAL, "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
      return false;
    case FUNC.dynptr_data: {
      const state = dynptrState(env, regs[1]!);
      meta.dynptrId = state.id;
      meta.refObjId = state.refObjId;
      return false;
    }
    case FUNC.per_cpu_ptr:
    case FUNC.this_cpu_ptr:
      meta.perCpuAlloc = (regs[1]!.type & T.MEM_RCU) !== 0;
      return false;
    case FUNC.dynptr_write: {
      const type = dynptrState(env, regs[1]!).u1;
      return type === DYNPTR_SKB || type === DYNPTR_SKB_META;
    }
    default:
      return false;
  }
}

/** bpf_loop: once more through the body until it has run as often as it ever can. */
function loop(env: Env, insn: Insn, meta: CallMeta): void {
  const aux = env.curAux;
  const flagsZero = (): boolean => {
    if (!isNullReg(env, env.reg(4))) return false;
    markPrecise(env, 4);
    return true;
  };
  if (!aux.loopInlineInit) {
    aux.loopInlineInit = true;
    aux.loopFitForInline = flagsZero();
    aux.loopCallback = meta.subprog;
  } else if (aux.loopFitForInline) aux.loopFitForInline = flagsZero() && aux.loopCallback === meta.subprog;
  // The kernel follows the number of rounds back to where it came from, which it cannot do with a pointer.
  if (env.reg(1).type !== T.SCALAR_VALUE) env.fail("loop-count", EFAULT, "verifier bug: backtracking misuse");
  markPrecise(env, 1);
  if (env.frame.callbackDepth < env.D.ops.umax(env.reg(1).s)) return pushCallback(env, insn, meta.subprog, loopCallee);
  env.frame.callbackDepth = 0;
  if (env.log.level2) env.trace(`frame${env.cur.curframe} bpf_loop iteration limit reached\n`);
}

function setReturn(env: Env, proto: Proto, meta: CallMeta, insnIdx: number): void {
  const flags = T.typeFlag(proto.ret);
  const id = meta.funcId;
  let r: Reg;
  switch (argBase(proto.ret)) {
    case R.RET_INTEGER:
      env.regs[0] = env.unknownScalar();
      return;
    case R.RET_VOID:
      env.regs[0] = env.notInit;
      return;
    case R.RET_PTR_TO_MAP_VALUE:
      r = mapValue(env, meta, flags);
      break;
    case R.RET_PTR_TO_SOCKET:
      r = env.pointer(T.PTR_TO_SOCKET | flags);
      break;
    case R.RET_PTR_TO_SOCK_COMMON:
      r = env.pointer(T.PTR_TO_SOCK_COMMON | flags);
      break;
    case R.RET_PTR_TO_TCP_SOCK:
      r = env.pointer(T.PTR_TO_TCP_SOCK | flags);
      break;
    case R.RET_PTR_TO_MEM:
      r = env.pointer(T.PTR_TO_MEM | flags);
      r.u1 = meta.memSize;
      break;
    case R.RET_PTR_TO_MEM_OR_BTF_ID:
      r = percpuValue(env, meta, flags);
      break;
    default:
      r = btfPointer(env, proto, meta, flags);
  }
  if (T.mayBeNull(r.type)) r.id = ++env.idGen;
  if (id === FUNC.dynptr_data) r.u2 = meta.dynptrId;
  if (PTR_CASTS.has(id) || id === FUNC.dynptr_data) r.refObjId = meta.refObjId;
  else if (acquires(id, meta.map)) r.id = r.refObjId = acquireReference(env, insnIdx);
  env.regs[0] = r;
}

function mapValue(env: Env, meta: CallMeta, flags: number): Reg {
  const map = meta.map!;
  const arrayLike = map.type === MT.ARRAY || map.type === MT.PERCPU_ARRAY;
  // A constant index into an array is always there.
  const always = meta.funcId === FUNC.map_lookup_elem && arrayLike && meta.constMapKey >= 0 && meta.constMapKey < map.maxEntries;
  const r = env.pointer(T.PTR_TO_MAP_VALUE | (always ? flags & ~T.PTR_MAYBE_NULL : flags));
  r.obj = map;
  r.u1 = meta.mapUid;
  if (!T.mayBeNull(r.type) && hasField(map.record, BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) r.id = ++env.idGen;
  return r;
}

function percpuValue(env: Env, meta: CallMeta, flags: number): Reg {
  const btf = meta.retBtf as Btf;
  const t = btf.type(btf.resolve(meta.retBtfId));
  if (t.kind !== BTF_KIND.STRUCT && t.kind !== BTF_KIND.UNION) {
    const r = env.pointer(T.PTR_TO_MEM | flags);
    r.u1 = btf.sizeOf(t.id);
    return r;
  }
  // The argument was an object of the program's own, per CPU.
  const allocated = meta.perCpuAlloc;
  const type = allocated ? T.PTR_TO_BTF_ID | T.MEM_ALLOC | T.MEM_RCU : T.PTR_TO_BTF_ID | (flags & ~T.MEM_RDONLY);
  const r = env.pointer(type);
  r.obj = btf;
  r.u1 = meta.retBtfId;
  return r;
}

function btfPointer(env: Env, proto: Proto, meta: CallMeta, flags: number): Reg {
  const r = env.pointer(T.PTR_TO_BTF_ID | flags);
  if (meta.funcId === FUNC.kptr_xchg) {
    const field = meta.kptrField!;
    r.obj = field.btf;
    r.u1 = field.btfId;
    if (field.btf !== env.kernelBtf) r.type |= T.MEM_ALLOC | (field.type === BPF_KPTR_PERCPU ? T.MEM_PERCPU : 0);
    return r;
  }
  r.obj = env.kernelBtf ?? null;
  r.u1 = kernelStruct(env, proto.record.retBtf ?? "");
  return r;
}

const LENGTHS: ReadonlySet<number> = new Set([
  FUNC.get_stack,
  FUNC.get_task_stack,
  FUNC.probe_read_str,
  FUNC.probe_read_kernel_str,
  FUNC.probe_read_user_str,
]);
/** do_refine_retval_range. */
function refineReturn(env: Env, proto: Proto, meta: CallMeta): void {
  if (argBase(proto.ret) !== R.RET_INTEGER) return;
  const r = env.reg(0);
  if (LENGTHS.has(meta.funcId)) env.regs[0] = r.withScalar(env.D.ops.capSigned(r.s, -MAX_ERRNO, meta.msizeMax | 0));
  else if (meta.funcId === FUNC.get_smp_processor_id) env.regs[0] = r.withScalar(env.D.ops.upTo(NR_CPU_IDS - 1));
}

function checkGetFuncIp(env: Env): void {
  const { type, expectedAttachType: at } = env.prog;
  const named = `func ${funcName(FUNC.get_func_ip)}#${FUNC.get_func_ip}`;
  if (type === PT.KPROBE) return;
  if (type !== PT.TRACING) env.fail("get-func-ip", ENOTSUPP, `${named} not supported for program type ${type}`);
  if (at !== AT.TRACE_FENTRY && at !== AT.TRACE_FEXIT && at !== AT.MODIFY_RETURN)
    env.fail("get-func-ip", ENOTSUPP, `${named} supported only for fentry/fexit/fmod_ret programs`);
}

/** A tail call in a function may also return to the caller, with anything in R0. True when packet pointers are stale here too. */
function tailCall(env: Env): boolean {
  if (env.cur.curframe === 0) return false;
  env.scratchReg(0);
  pushPath(env, env.insnIdx + 1, env.insnIdx, false, 0);
  clearPacketPointers(env);
  env.regs[0] = env.unknownScalar();
  functionExit(env);
  env.insnIdx--;
  return true;
}

/** clear_all_pkt_pointers: the packet may lie elsewhere now. */
export function clearPacketPointers(env: Env): void {
  const slices = T.DYNPTR_TYPE_SKB | T.DYNPTR_TYPE_XDP | T.DYNPTR_TYPE_SKB_META;
  env.eachReg(env.cur, (reg) =>
    T.isPktPointerAny(reg.type) || (T.baseType(reg.type) === T.PTR_TO_MEM && (reg.type & slices) !== 0) ? invalid(env) : reg,
  );
}
