// Memory that a helper or kfunc reads or writes (check_helper_mem_access, check_mem_size_reg, check_mem_reg, 6.18).
import { FLAT_CTX } from "./ctx-kinds.ts";
import { EACCES, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { accessMem, checkBuffer } from "../transfer/mem.ts";
import { checkBtfAccess } from "../btf/struct-access.ts";
import { notNull } from "../transfer/null-check.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { markPrecise } from "../explore/backtrack.ts";
import type { CallMeta } from "./helper-args.ts";
import { checkMapAccess, checkMapAccessType, checkRegionAccess } from "./map-access.ts";
import { checkPacketAccess } from "./packet.ts";
import { isNullReg } from "./regs.ts";
import { checkStackRange } from "./stack-bounds.ts";

const BPF_MAX_VAR_SIZ = 1 << 29;

/** `size` bytes behind register `regno` may be read, or written. */
export function checkHelperMem(
  env: Env,
  regno: number,
  size: number,
  how: { write: boolean; zeroSizeAllowed: boolean; meta: CallMeta | null },
): void {
  const reg = env.reg(regno);
  const readonly = (): void => {
    if (how.write && (T.isRdonlyMem(reg.type) || reg.type === T.PTR_TO_MAP_KEY))
      env.fail("readonly-memory", EACCES, `R${regno} cannot write into ${T.regTypeStr(reg.type)}`);
  };
  switch (T.baseType(reg.type)) {
    case T.PTR_TO_PACKET:
    case T.PTR_TO_PACKET_META:
      return checkPacketAccess(env, regno, reg.off, size, how.zeroSizeAllowed);
    case T.PTR_TO_MAP_KEY:
      readonly();
      return checkRegionAccess(env, regno, reg.off, size, (reg.obj as MapInfo).keySize, false);
    case T.PTR_TO_MAP_VALUE:
      checkMapAccessType(env, regno, reg.off, size, how.write);
      return checkMapAccess(env, regno, reg.off, size, { zeroSizeAllowed: how.zeroSizeAllowed, direct: false });
    case T.PTR_TO_MEM:
      readonly();
      return checkRegionAccess(env, regno, reg.off, size, reg.u1, how.zeroSizeAllowed);
    case T.PTR_TO_BUF:
      readonly();
      return checkBuffer(env, regno, reg.off, size, T.isRdonlyMem(reg.type) ? "rdonly" : "rdwr");
    case T.PTR_TO_STACK:
      return checkStackRange(env, regno, reg.off, size, { zeroSizeAllowed: how.zeroSizeAllowed, write: how.write, meta: how.meta });
    case T.PTR_TO_BTF_ID:
      return checkBtfAccess(
        env,
        { insnIdx: env.insnIdx, regno, off: 0, size, write: false, value: -1, strictOnce: false, isLdsx: false },
        reg.off,
      );
    case T.PTR_TO_CTX:
      // Contexts that are not rewritten are plain memory.
      if (!FLAT_CTX.has(env.prog.type)) break;
      if (size === 0) {
        if (!how.zeroSizeAllowed) env.fail("zero-size", EACCES, "");
        return;
      }
      return accessMem(env, {
        insnIdx: env.insnIdx,
        regno,
        off: size - 1,
        size: 1,
        write: how.write,
        value: -1,
        strictOnce: false,
        isLdsx: false,
      });
  }
  if (how.zeroSizeAllowed && size === 0 && isNullReg(env, reg)) return;
  env.fail("arg-type", EACCES, `R${regno} type=${T.regTypeStr(reg.type)} expected=${T.regTypeStr(T.PTR_TO_STACK)}`);
}

/** check_mem_size_reg: `regno` holds the size of the memory in the register before it. */
export function checkMemSize(env: Env, regno: number, how: { write: boolean; zeroSizeAllowed: boolean; meta: CallMeta | null }): void {
  const { D } = env;
  const reg = env.reg(regno);
  const umax = D.ops.umax(reg.s);
  if (how.meta) how.meta.msizeMax = umax;
  if (D.ops.smin(reg.s) < 0) env.fail("negative-size", EACCES, `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  if (D.ops.umin(reg.s) === 0 && !how.zeroSizeAllowed) {
    const f = D.fields(reg.s);
    env.fail("zero-size", EACCES, `R${regno} invalid zero-sized read: u64=[${BigInt.asIntN(64, f.umin)},${BigInt.asIntN(64, f.umax)}]`);
  }
  if (umax >= BPF_MAX_VAR_SIZ)
    env.fail("unbounded-size", EACCES, `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  // With a size that varies the helper may write less: then nothing counts as written.
  checkHelperMem(env, regno - 1, umax, {
    write: how.write,
    zeroSizeAllowed: how.zeroSizeAllowed,
    meta: D.isConst(reg.s) ? how.meta : null,
  });
  markPrecise(env, regno);
}

/** Checks `regno` as if it were known not to be NULL. */
function asNotNull(env: Env, regno: number, check: () => void): void {
  const saved: Reg = env.reg(regno);
  if (!T.mayBeNull(saved.type)) return check();
  env.regs[regno] = notNull(saved);
  check();
  env.regs[regno] = saved;
}
/** check_mem_reg: `size` bytes that a function reads and writes; NULL passes. */
export function checkMemReg(env: Env, regno: number, size: number): void {
  if (isNullReg(env, env.reg(regno))) return;
  asNotNull(env, regno, () => {
    checkHelperMem(env, regno, size, { write: false, zeroSizeAllowed: true, meta: null });
    checkHelperMem(env, regno, size, { write: true, zeroSizeAllowed: true, meta: null });
  });
}
/** check_kfunc_mem_size_reg: memory in `regno - 1` of the size in `regno`. */
export function checkKfuncMemSize(env: Env, regno: number): void {
  asNotNull(env, regno - 1, () => {
    checkMemSize(env, regno, { write: false, zeroSizeAllowed: true, meta: null });
    checkMemSize(env, regno, { write: true, zeroSizeAllowed: true, meta: null });
  });
}
