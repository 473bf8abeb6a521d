// One argument of a helper call against its prototype (check_func_arg, 6.18).
import { MAP_TYPE as MT } from "../../catalog/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { STACK_SPILL, STACK_ZERO } from "../domain/stack.ts";
import { BPF_KPTR, BPF_KPTR_PERCPU, BPF_KPTR_REF, BPF_TIMER, findField, hasField, type BtfField } from "../btf/record.ts";
import { regRecord } from "../btf/alloc-types.ts";
import { markChain, markPrecise } from "../explore/backtrack.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { FUNC } from "../prepare/callbacks.ts";
import { checkAlignment } from "./alignment.ts";
import { A, argBase, type Proto } from "./arg-types.ts";
import { dynptrSlot, processDynptr } from "./dynptr.ts";
import { checkHelperMem, checkMemSize } from "./helper-mem.ts";
import { checkMapField, processSpinLock } from "./locks.ts";
import { checkMapAccess } from "./map-access.ts";
import { mayAccessPacket } from "./packet.ts";
import { checkPtrOff } from "./ptr-off.ts";
import { checkRegType } from "./reg-compat.ts";
import { inRbtreeCallback } from "./graph.ts";
import { isNullReg, isPointerValue, readReg } from "./regs.ts";

/** What one call is known to do, gathered argument by argument (struct bpf_call_arg_meta). */
export interface CallMeta {
  funcId: number;
  pktAccess: boolean;
  map: MapInfo | null;
  mapUid: number;
  rawMode: boolean;
  releaseRegno: number;
  refObjId: number;
  accessSize: number;
  regno: number;
  memSize: number;
  msizeMax: number;
  retBtf: object | null;
  retBtfId: number;
  subprog: number;
  kptrField: BtfField | null;
  dynptrId: number;
  constMapKey: number;
  /** bpf_per_cpu_ptr on an allocated object. */
  perCpuAlloc: boolean;
}
export const newMeta = (funcId: number, pktAccess: boolean): CallMeta => ({
  funcId,
  pktAccess,
  map: null,
  mapUid: 0,
  rawMode: false,
  releaseRegno: 0,
  refObjId: 0,
  accessSize: 0,
  regno: 0,
  memSize: 0,
  msizeMax: 0,
  retBtf: null,
  retBtfId: 0,
  subprog: 0,
  kptrField: null,
  dynptrId: 0,
  constMapKey: -1,
  perCpuAlloc: false,
});

/** resolve_map_arg_type: what a "map value" is depends on the map. */
function resolveMapValue(env: Env, meta: CallMeta, argType: number): number {
  const type = meta.map?.type;
  if (type === MT.SOCKMAP || type === MT.SOCKHASH) {
    if (argType !== A.ARG_PTR_TO_MAP_VALUE) env.fail("arg-type", EINVAL, "invalid arg_type for sockmap/sockhash");
    return A.ARG_PTR_TO_BTF_ID_SOCK_COMMON;
  }
  if (type === MT.BLOOM_FILTER && meta.funcId === FUNC.map_peek_elem) return A.ARG_PTR_TO_MAP_VALUE;
  return argType;
}

/** Argument number `arg`, counted from 0. */
export function checkHelperArg(env: Env, arg: number, proto: Proto, meta: CallMeta): void {
  const spec = proto.args[arg];
  if (!spec || spec.type === A.ARG_DONTCARE) return;
  const regno = arg + 1;
  const reg = readReg(env, regno);
  let argType = spec.type;
  if (argType === A.ARG_ANYTHING) {
    if (isPointerValue(env, regno)) env.fail("pointer-leak", EACCES, `R${regno} leaks addr into helper function`);
    return;
  }
  if (T.isPktPointer(reg.type) && !mayAccessPacket(env, false, meta.pktAccess))
    env.fail("packet-helper", EACCES, "helper access to the packet is not allowed");
  if (argBase(argType) === A.ARG_PTR_TO_MAP_VALUE) argType = resolveMapValue(env, meta, argType);
  if (!(isNullReg(env, reg) && argType & T.PTR_MAYBE_NULL)) {
    checkRegType(env, regno, argType, spec.spec.btf, meta);
    checkArgOff(env, reg, regno, argType);
  }
  if (argType & T.OBJ_RELEASE) noteRelease(env, reg, regno, argType, meta);
  if (reg.refObjId && argBase(argType) !== A.ARG_KPTR_XCHG_DEST) {
    if (meta.refObjId) env.fail("two-references", EACCES, `more than one arg with ref_obj_id R${regno} ${reg.refObjId} ${meta.refObjId}`);
    meta.refObjId = reg.refObjId;
  }
  checkByKind(env, arg, argType, proto, meta);
}

function noteRelease(env: Env, reg: Reg, regno: number, argType: number, meta: CallMeta): void {
  if (argBase(argType) === A.ARG_PTR_TO_DYNPTR) {
    if (reg.type !== T.PTR_TO_STACK) env.fail("release-arg", EINVAL, "cannot release unowned const bpf_dynptr");
    const spi = dynptrSlot(env, reg);
    if (typeof spi !== "number" || !env.frameOf(reg).stack[spi]!.reg.refObjId)
      env.fail("release-arg", EINVAL, `arg ${regno} is an unacquired reference`);
  } else if (!reg.refObjId && !isNullReg(env, reg))
    env.fail("release-arg", EINVAL, `R${regno} must be referenced when passed to release function`);
  meta.releaseRegno = regno;
}

const OFF_FREE: ReadonlySet<number> = new Set([
  T.PTR_TO_STACK,
  T.PTR_TO_PACKET,
  T.PTR_TO_PACKET_META,
  T.PTR_TO_MAP_KEY,
  T.PTR_TO_MAP_VALUE,
  T.PTR_TO_MEM,
  T.PTR_TO_MEM | T.MEM_RDONLY,
  T.PTR_TO_MEM | T.MEM_RINGBUF,
  T.PTR_TO_BUF,
  T.PTR_TO_BUF | T.MEM_RDONLY,
  T.PTR_TO_ARENA,
  T.SCALAR_VALUE,
]);
const OFF_FIXED: ReadonlySet<number> = new Set([
  T.PTR_TO_BTF_ID,
  T.PTR_TO_BTF_ID | T.MEM_ALLOC,
  T.PTR_TO_BTF_ID | T.PTR_TRUSTED,
  T.PTR_TO_BTF_ID | T.MEM_RCU,
  T.PTR_TO_BTF_ID | T.MEM_ALLOC | T.NON_OWN_REF,
  T.PTR_TO_BTF_ID | T.MEM_ALLOC | T.NON_OWN_REF | T.MEM_RCU,
]);
/** check_func_arg_reg_off: how far a pointer may have been moved. */
export function checkArgOff(env: Env, reg: Reg, regno: number, argType: number): void {
  if (argType & T.OBJ_RELEASE) {
    if (argBase(argType) === A.ARG_PTR_TO_DYNPTR && reg.type === T.PTR_TO_STACK) return;
    if (reg.off) env.fail("release-offset", EINVAL, `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`);
    return checkPtrOff(env, reg, regno, false);
  }
  if (OFF_FREE.has(reg.type)) return;
  checkPtrOff(env, reg, regno, OFF_FIXED.has(reg.type));
}

function checkByKind(env: Env, arg: number, argType: number, proto: Proto, meta: CallMeta): void {
  const regno = arg + 1;
  const reg = env.reg(regno);
  const write = (argType & T.MEM_WRITE) !== 0;
  switch (argBase(argType)) {
    case A.ARG_CONST_MAP_PTR:
      if (meta.map && (meta.map !== reg.obj || meta.mapUid !== reg.u1))
        env.fail("timer-map", EINVAL, `timer pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${reg.u1}`);
      meta.map = reg.obj as MapInfo;
      meta.mapUid = reg.u1;
      return;
    case A.ARG_PTR_TO_MAP_KEY:
      checkHelperMem(env, regno, meta.map!.keySize, { write: false, zeroSizeAllowed: false, meta: null });
      if (meta.map!.type === MT.ARRAY || meta.map!.type === MT.PERCPU_ARRAY) meta.constMapKey = constantKey(env, reg, meta.map!.keySize);
      return;
    case A.ARG_PTR_TO_MAP_VALUE:
      if (argType & T.PTR_MAYBE_NULL && isNullReg(env, reg)) return;
      meta.rawMode = (argType & T.MEM_UNINIT) !== 0;
      return checkHelperMem(env, regno, meta.map!.valueSize, { write, zeroSizeAllowed: false, meta });
    case A.ARG_PTR_TO_PERCPU_BTF_ID:
      meta.retBtf = reg.obj;
      meta.retBtfId = reg.u1;
      return;
    case A.ARG_PTR_TO_SPIN_LOCK:
      if (inRbtreeCallback(env)) env.fail("spin-lock", EACCES, "can't spin_{lock,unlock} in rbtree cb");
      return processSpinLock(env, regno, { lock: meta.funcId === FUNC.spin_lock, resilient: false, irq: false });
    case A.ARG_PTR_TO_TIMER:
      return checkMapField(env, regno, BPF_TIMER, meta);
    case A.ARG_PTR_TO_FUNC:
      meta.subprog = reg.u1;
      return;
    case A.ARG_PTR_TO_MEM: {
      meta.rawMode = (argType & T.MEM_UNINIT) !== 0;
      if (!(argType & T.MEM_FIXED_SIZE)) return;
      const size = proto.args[arg]!.spec.size!;
      checkHelperMem(env, regno, size, { write, zeroSizeAllowed: false, meta });
      if (argType & T.MEM_ALIGNED) checkAlignment(env, reg, 0, size, true);
      return;
    }
    case A.ARG_CONST_SIZE:
    case A.ARG_CONST_SIZE_OR_ZERO:
      return checkMemSize(env, regno, {
        write: (proto.args[arg - 1]!.type & T.MEM_WRITE) !== 0,
        zeroSizeAllowed: argBase(argType) === A.ARG_CONST_SIZE_OR_ZERO,
        meta,
      });
    case A.ARG_PTR_TO_DYNPTR:
      return processDynptr(env, regno, env.insnIdx, argType, 0);
    case A.ARG_CONST_ALLOC_SIZE_OR_ZERO:
      if (!env.D.isConst(reg.s)) env.fail("alloc-size", EACCES, `R${regno} is not a known constant'`);
      meta.memSize = env.D.constNumber(reg.s) >>> 0;
      return markPrecise(env, regno);
    case A.ARG_PTR_TO_CONST_STR:
      return checkConstString(env, regno);
    case A.ARG_KPTR_XCHG_DEST:
      return checkKptrDest(env, regno, meta);
  }
}

/** check_reg_const_str. */
export function checkConstString(env: Env, regno: number): void {
  const reg = env.reg(regno);
  const map = reg.obj as MapInfo;
  const fail = (text: string, errno = EACCES): never => env.fail("const-string", errno, text);
  if (!map.isConstant) fail(`R${regno} does not point to a readonly map'`);
  if (!env.D.isConst(reg.s)) fail(`R${regno} is not a constant address'`);
  if (!map.hasDirectValue) fail("no direct value access support for this map type");
  checkMapAccess(env, regno, reg.off, map.valueSize - reg.off, { zeroSizeAllowed: false, direct: false });
  const at = reg.off + env.D.constNumber(reg.s);
  if (!map.constantBytes(at, map.valueSize - at).includes(0)) fail("string is not zero-terminated", EINVAL);
}

/** get_constant_map_key: the key that the stack holds, when it is known; -1 else. */
function constantKey(env: Env, key: Reg, keySize: number): number {
  if (!env.bpfCapable || key.type !== T.PTR_TO_STACK || !env.D.isConst(key.s)) return -1;
  const at = -(key.off + env.D.constNumber(key.s)) - 1;
  const spi = at >> 3;
  const slot = env.frameOf(key).stack[spi]!;
  const run = (kind: number): number => {
    let n = 0;
    for (let i = at & 7; i >= 0 && slot.type(i) === kind; i--) n++;
    return n;
  };
  if (run(STACK_ZERO) >= keySize) return 0;
  if (!slot.isSpilledScalar || run(STACK_SPILL) !== keySize || !env.D.isConst(slot.reg.s)) return -1;
  env.bt.setSlot(key.frameno, spi);
  markChain(env, env.cur, -1, null);
  return env.D.constNumber(slot.reg.s);
}

/** process_kptr_func. */
function checkKptrDest(env: Env, regno: number, meta: CallMeta): void {
  const reg = env.reg(regno);
  const fail = (text: string, errno: number): never => env.fail("kptr", errno, text);
  if (!T.isPtrAllocObj(reg.type)) {
    const map = reg.obj as MapInfo;
    if (!map.spec.btfValueTypeId) fail(`map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`, EINVAL);
    meta.map = map;
  }
  const rec = regRecord(env, reg);
  if (!env.D.isConst(reg.s)) fail(`R${regno} doesn't have constant offset. kptr has to be at the constant offset`, EINVAL);
  if (!hasField(rec, BPF_KPTR)) fail(`R${regno} has no valid kptr`, EINVAL);
  const off = reg.off + env.D.constNumber(reg.s);
  const field = findField(rec, off, BPF_KPTR);
  if (!field) return fail(`off=${off} doesn't point to kptr`, EACCES);
  if (field.type !== BPF_KPTR_REF && field.type !== BPF_KPTR_PERCPU) fail(`off=${off} kptr isn't referenced kptr`, EACCES);
  meta.kptrField = field;
}
