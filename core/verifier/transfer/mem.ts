// Loads and stores through every kind of pointer (check_mem_access, check_load_mem, check_store_reg, 6.18).
import { checkSockAccess, FLOW_KEYS_SIZE, type SockPointer } from "../../catalog/index.ts";
import * as op from "../../isa/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { tnumStr } from "../log/format.ts";
import { BPF_KPTR, BPF_UPTR, findField } from "../btf/record.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { checkAlignment } from "../check/alignment.ts";
import { checkBtfAccess, checkMapPtrAccess } from "../btf/struct-access.ts";
import { checkContextAccess } from "../check/ctx-access.ts";
import { checkKptrAccess } from "../btf/kptr.ts";
import { checkMapAccess, checkMapAccessType, checkRegionAccess } from "../check/map-access.ts";
import { checkPacketAccess, mayAccessPacket } from "../check/packet.ts";
import { checkPtrOff } from "../check/ptr-off.ts";
import { checkStackBounds } from "../check/stack-bounds.ts";
import { isPointerValue, mayWriteReg, readReg } from "../check/regs.ts";
import { readStack, writeStack } from "./stack-access.ts";

/** One access; `value` is the register loaded or stored, or -1 when there is none. `off` is the instruction's. */
export interface Access {
  readonly insnIdx: number;
  readonly regno: number;
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  readonly value: number;
  readonly strictOnce: boolean;
  readonly isLdsx: boolean;
}

const cannotWrite = (env: Env, regno: number): never =>
  env.fail("readonly-memory", EACCES, `R${regno} cannot write into ${T.regTypeStr(env.reg(regno).type)}`);

export function checkLeak(env: Env, a: Access, into: string): void {
  if (a.write && a.value >= 0 && isPointerValue(env, a.value)) env.fail("pointer-leak", EACCES, `R${a.value} leaks addr into ${into}`);
}

/** check_mem_access. */
export function accessMem(env: Env, a: Access): void {
  const reg = env.reg(a.regno);
  checkAlignment(env, reg, a.off, a.size, a.strictOnce);
  const off = a.off + reg.off;
  const load = (r: Reg): void => {
    if (!a.write && a.value >= 0) env.regs[a.value] = r;
  };
  switch (T.baseType(reg.type)) {
    case T.PTR_TO_STACK:
      checkStackBounds(env, a.regno, off, a.size, a.write);
      if (a.write) writeStack(env, a.regno, off, a.size, a.value, a.insnIdx);
      else readStack(env, a.regno, off, a.size, a.value);
      break;
    case T.PTR_TO_CTX:
      checkLeak(env, a, "ctx");
      checkPtrOff(env, reg, a.regno, false);
      load(checkContextAccess(env, a, off));
      break;
    case T.PTR_TO_PACKET:
    case T.PTR_TO_PACKET_META:
      if (a.write && !mayAccessPacket(env, true, null)) env.fail("packet-readonly", EACCES, "cannot write into packet");
      checkLeak(env, a, "packet");
      checkPacketAccess(env, a.regno, off, a.size, false);
      load(env.unknownScalar());
      break;
    case T.PTR_TO_MEM:
      accessPlainMem(env, a, off);
      break;
    default:
      accessOther(env, a, off, load);
  }
  if (!a.write && a.value >= 0 && a.size < 8) narrow(env, a);
}

function accessOther(env: Env, a: Access, off: number, load: (r: Reg) => void): void {
  const reg = env.reg(a.regno);
  if (reg.type === T.PTR_TO_MAP_VALUE) return accessMapValue(env, a, off, load);
  if (T.baseType(reg.type) === T.PTR_TO_BTF_ID && !T.mayBeNull(reg.type)) return checkBtfAccess(env, a, off);
  if (T.isSkPointer(reg.type)) {
    if (a.write) cannotWrite(env, a.regno);
    checkSock(env, a, off);
    if (a.value >= 0) env.regs[a.value] = env.unknownScalar();
    return;
  }
  switch (reg.type) {
    case T.PTR_TO_MAP_KEY:
      if (a.write) env.fail("map-key-write", EACCES, `write to change key R${a.regno} not allowed`);
      checkRegionAccess(env, a.regno, off, a.size, (reg.obj as MapInfo).keySize, false);
      return load(env.unknownScalar());
    case T.PTR_TO_FLOW_KEYS:
      checkLeak(env, a, "flow keys");
      if (off < 0 || off + a.size > FLOW_KEYS_SIZE)
        env.fail("flow-keys-bounds", EACCES, `invalid access to flow keys off=${off} size=${a.size}`);
      return load(env.unknownScalar());
    case T.PTR_TO_TP_BUFFER:
      checkBuffer(env, a.regno, off, a.size, "tracepoint");
      return load(env.unknownScalar());
    case T.CONST_PTR_TO_MAP:
      return checkMapPtrAccess(env, a, off);
    case T.PTR_TO_BUF:
    case T.PTR_TO_BUF | T.MEM_RDONLY:
      if (T.isRdonlyMem(reg.type) && a.write) cannotWrite(env, a.regno);
      checkBuffer(env, a.regno, off, a.size, T.isRdonlyMem(reg.type) ? "rdonly" : "rdwr");
      return load(env.unknownScalar());
    case T.PTR_TO_ARENA:
      return load(env.unknownScalar());
    default:
      env.fail("bad-pointer", EACCES, `R${a.regno} invalid mem access '${T.regTypeStr(reg.type)}'`);
  }
}

/** __check_buffer_access: a buffer whose size is checked when the program runs. */
export function checkBuffer(env: Env, regno: number, off: number, size: number, name: string): void {
  const reg = env.reg(regno);
  if (off < 0) env.fail("buffer-bounds", EACCES, `R${regno} invalid ${name} buffer access: off=${off}, size=${size}`);
  if (!env.D.isConst(reg.s) || !env.D.isZero(reg.s))
    env.fail("buffer-bounds", EACCES, `R${regno} invalid variable buffer offset: off=${off}, var_off=${tnumStr(env.D.fields(reg.s))}`);
}

function accessPlainMem(env: Env, a: Access, off: number): void {
  const reg = env.reg(a.regno);
  const readonly = T.isRdonlyMem(reg.type);
  if (T.mayBeNull(reg.type)) env.fail("bad-pointer", EACCES, `R${a.regno} invalid mem access '${T.regTypeStr(reg.type)}'`);
  if (a.write && readonly) cannotWrite(env, a.regno);
  checkLeak(env, a, "mem");
  // Memory that is only probed may lie anywhere.
  if (!(readonly && reg.type & T.PTR_UNTRUSTED)) checkRegionAccess(env, a.regno, off, a.size, reg.u1, false);
  if (a.value >= 0 && !a.write) env.regs[a.value] = env.unknownScalar();
}

function accessMapValue(env: Env, a: Access, off: number, load: (r: Reg) => void): void {
  const { D } = env;
  const reg = env.reg(a.regno);
  const map = reg.obj as MapInfo;
  checkLeak(env, a, "map");
  checkMapAccessType(env, a.regno, off, a.size, a.write);
  checkMapAccess(env, a.regno, off, a.size, { zeroSizeAllowed: false, direct: true });
  const at = D.isConst(reg.s) ? off + D.constNumber(reg.s) : -1;
  const field = at >= 0 ? findField(map.record, at, BPF_KPTR | BPF_UPTR) : undefined;
  if (field) return checkKptrAccess(env, a, field);
  if (a.write || a.value < 0) return;
  if (at >= 0 && map.isConstant && map.hasDirectValue) return load(env.scalar(constant(env, map.constantBytes(at, a.size), a.isLdsx)));
  load(env.unknownScalar());
}

/** A load from a frozen read-only map yields a constant (bpf_map_direct_read). */
function constant(env: Env, bytes: Uint8Array, signed: boolean): number {
  let lo = 0;
  let hi = 0;
  bytes.forEach((b, i) => {
    if (i < 4) lo |= b << (8 * i);
    else hi |= b << (8 * (i - 4));
  });
  if (bytes.length < 4 && signed) lo = (lo << (32 - 8 * bytes.length)) >> (32 - 8 * bytes.length);
  if (signed && bytes.length <= 4) hi = lo >> 31;
  return env.D.ops.known(lo, hi);
}

const SOCKS: Record<number, SockPointer> = {
  [T.PTR_TO_SOCKET]: "PTR_TO_SOCKET",
  [T.PTR_TO_SOCK_COMMON]: "PTR_TO_SOCK_COMMON",
  [T.PTR_TO_TCP_SOCK]: "PTR_TO_TCP_SOCK",
  [T.PTR_TO_XDP_SOCK]: "PTR_TO_XDP_SOCK",
};
function checkSock(env: Env, a: Access, off: number): void {
  const reg = env.reg(a.regno);
  if (env.D.ops.smin(reg.s) < 0)
    env.fail("negative-offset", EACCES, `R${a.regno} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  if (!checkSockAccess(SOCKS[reg.type]!, off, a.size))
    env.fail("sock-access", EACCES, `R${a.regno} invalid ${T.regTypeStr(reg.type)} access off=${off} size=${a.size}`);
}

/** Loads of less than 8 bytes extend what they yield. */
function narrow(env: Env, a: Access): void {
  const r = env.reg(a.value);
  if (r.type !== T.SCALAR_VALUE) return;
  const h = a.isLdsx ? env.D.ops.signExtend64(r.s, a.size) : env.D.ops.zeroExtend(r.s, a.size);
  // Gap sign-extending-fill: another number than the one in the slot.
  const other = env.closeGaps && a.isLdsx && h !== r.s;
  env.regs[a.value] = (other ? r.unlinked() : r).withScalar(h);
}

/** check_load_mem. */
export function loadMem(env: Env, insn: op.Insn, how: { strictOnce: boolean; isLdsx: boolean; allowMismatch: boolean }): void {
  const type = readReg(env, insn.src).type;
  mayWriteReg(env, insn.dst);
  accessMem(env, {
    insnIdx: env.insnIdx,
    regno: insn.src,
    off: insn.off,
    size: op.accessSize(insn.code),
    write: false,
    value: insn.dst,
    strictOnce: how.strictOnce,
    isLdsx: how.isLdsx,
  });
  saveAuxPtrType(env, type, how.allowMismatch);
}

/** check_store_reg. */
export function storeReg(env: Env, insn: op.Insn, strictOnce: boolean): void {
  readReg(env, insn.src);
  const type = readReg(env, insn.dst).type;
  accessMem(env, {
    insnIdx: env.insnIdx,
    regno: insn.dst,
    off: insn.off,
    size: op.accessSize(insn.code),
    write: true,
    value: insn.src,
    strictOnce,
    isLdsx: false,
  });
  saveAuxPtrType(env, type, false);
}

const mismatchOk = (type: number): boolean => {
  const base = T.baseType(type);
  return !(
    base === T.PTR_TO_CTX ||
    base === T.PTR_TO_SOCKET ||
    base === T.PTR_TO_SOCK_COMMON ||
    base === T.PTR_TO_TCP_SOCK ||
    base === T.PTR_TO_XDP_SOCK ||
    base === T.PTR_TO_BTF_ID ||
    base === T.PTR_TO_ARENA
  );
};
const isMemOrBtf = (type: number): boolean => T.baseType(type) === T.PTR_TO_MEM || T.baseType(type) === T.PTR_TO_BTF_ID;

/** save_aux_ptr_type: one instruction is rewritten for one kind of pointer. */
export function saveAuxPtrType(env: Env, type: number, allowMismatch: boolean): void {
  const aux = env.curAux;
  if (aux.ptrType === T.NOT_INIT) {
    aux.ptrType = type;
    return;
  }
  const mismatch = type !== aux.ptrType && (!mismatchOk(type) || !mismatchOk(aux.ptrType));
  if (!mismatch) return;
  if (allowMismatch && isMemOrBtf(type) && isMemOrBtf(aux.ptrType)) {
    // Reads of the weaker kind are fault-tolerant for both.
    const both = type | aux.ptrType;
    const isMem = T.baseType(type) === T.PTR_TO_MEM || T.baseType(aux.ptrType) === T.PTR_TO_MEM;
    aux.ptrType = (isMem ? T.PTR_TO_MEM : T.PTR_TO_BTF_ID) | (both & (T.PTR_UNTRUSTED | T.MEM_RDONLY));
    return;
  }
  env.fail("pointer-kinds", EINVAL, "same insn cannot be used with different pointers");
}
