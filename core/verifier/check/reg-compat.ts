// Which kinds of register fit which kinds of helper argument (compatible_reg_types, check_reg_type, 6.18).
import { helperById } from "../../catalog/index.ts";
import { EACCES, EFAULT, Unsupported, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { btfMatches, kernelStruct } from "../btf/struct-match.ts";
import { checkKptrMatch } from "../btf/kptr.ts";
import { FUNC } from "../prepare/callbacks.ts";
import { A, argBase } from "./arg-types.ts";
import type { CallMeta } from "./helper-args.ts";

const SOCKS = [T.PTR_TO_SOCK_COMMON, T.PTR_TO_SOCKET, T.PTR_TO_TCP_SOCK, T.PTR_TO_XDP_SOCK];
const MEM = [
  T.PTR_TO_STACK,
  T.PTR_TO_PACKET,
  T.PTR_TO_PACKET_META,
  T.PTR_TO_MAP_KEY,
  T.PTR_TO_MAP_VALUE,
  T.PTR_TO_MEM,
  T.PTR_TO_MEM | T.MEM_RINGBUF,
  T.PTR_TO_BUF,
  T.PTR_TO_BTF_ID | T.PTR_TRUSTED,
];
const BTF = [T.PTR_TO_BTF_ID, T.PTR_TO_BTF_ID | T.PTR_TRUSTED, T.PTR_TO_BTF_ID | T.MEM_RCU];
const PERCPU = [T.PTR_TO_BTF_ID | T.MEM_PERCPU, T.PTR_TO_BTF_ID | T.MEM_PERCPU | T.MEM_RCU, T.PTR_TO_BTF_ID | T.MEM_PERCPU | T.PTR_TRUSTED];

const COMPATIBLE: Readonly<Record<number, readonly number[]>> = {
  [A.ARG_PTR_TO_MAP_KEY]: MEM,
  [A.ARG_PTR_TO_MAP_VALUE]: MEM,
  [A.ARG_PTR_TO_MEM]: MEM,
  [A.ARG_CONST_SIZE]: [T.SCALAR_VALUE],
  [A.ARG_CONST_SIZE_OR_ZERO]: [T.SCALAR_VALUE],
  [A.ARG_CONST_ALLOC_SIZE_OR_ZERO]: [T.SCALAR_VALUE],
  [A.ARG_CONST_MAP_PTR]: [T.CONST_PTR_TO_MAP],
  [A.ARG_PTR_TO_CTX]: [T.PTR_TO_CTX],
  [A.ARG_PTR_TO_SOCK_COMMON]: SOCKS,
  [A.ARG_PTR_TO_BTF_ID_SOCK_COMMON]: [...SOCKS, T.PTR_TO_BTF_ID, T.PTR_TO_BTF_ID | T.PTR_TRUSTED],
  [A.ARG_PTR_TO_SOCKET]: [T.PTR_TO_SOCKET],
  [A.ARG_PTR_TO_BTF_ID]: BTF,
  [A.ARG_PTR_TO_SPIN_LOCK]: [T.PTR_TO_MAP_VALUE, T.PTR_TO_BTF_ID | T.MEM_ALLOC],
  [A.ARG_PTR_TO_RINGBUF_MEM]: [T.PTR_TO_MEM | T.MEM_RINGBUF],
  [A.ARG_PTR_TO_PERCPU_BTF_ID]: PERCPU,
  [A.ARG_PTR_TO_FUNC]: [T.PTR_TO_FUNC],
  [A.ARG_PTR_TO_STACK]: [T.PTR_TO_STACK],
  [A.ARG_PTR_TO_CONST_STR]: [T.PTR_TO_MAP_VALUE],
  [A.ARG_PTR_TO_TIMER]: [T.PTR_TO_MAP_VALUE],
  [A.ARG_KPTR_XCHG_DEST]: [T.PTR_TO_MAP_VALUE, T.PTR_TO_BTF_ID | T.MEM_ALLOC],
  [A.ARG_PTR_TO_DYNPTR]: [T.PTR_TO_STACK, T.CONST_PTR_TO_DYNPTR],
};

/** `btf` is the kernel structure that a BTF pointer must point to, by name or type id. */
export function checkRegType(env: Env, regno: number, argType: number, btf: string | number | undefined, meta: CallMeta): void {
  const reg = env.reg(regno);
  const compatible = COMPATIBLE[argBase(argType)];
  if (!compatible) throw new Unsupported("helper-argument");
  let type = reg.type;
  if (argType & T.MEM_RDONLY) type &= ~T.MEM_RDONLY;
  if (argType & T.PTR_MAYBE_NULL) type &= ~T.PTR_MAYBE_NULL;
  if (argBase(argType) === A.ARG_PTR_TO_MEM) type &= ~T.DYNPTR_TYPE_FLAG_MASK;
  if (meta.funcId === FUNC.kptr_xchg && type & T.MEM_ALLOC && regno === 2) type &= ~(T.MEM_ALLOC | T.MEM_PERCPU);
  if (!compatible.includes(type))
    env.fail("arg-type", EACCES, `R${regno} type=${T.regTypeStr(reg.type)} expected=${compatible.map(T.regTypeStr).join(", ")}`);
  if (T.baseType(reg.type) !== T.PTR_TO_BTF_ID) return;
  if (compatible === MEM) {
    if (!(argType & T.MEM_RDONLY))
      env.fail(
        "arg-type",
        EACCES,
        `${helperById(meta.funcId)?.name}() may write into memory pointed by R${regno} type=${T.regTypeStr(reg.type)}`,
      );
    return;
  }
  checkBtfArg(env, regno, argType, btf, meta);
}

/** Kinds that the match of a BTF pointer with an argument has a case for (the second half of check_reg_type). */
const MATCHED: ReadonlySet<number> = new Set([
  ...[0, T.PTR_TRUSTED, T.MEM_RCU].flatMap((f) => [f, f | T.PTR_MAYBE_NULL, f | T.MEM_PERCPU]),
  ...[0, T.MEM_PERCPU, T.NON_OWN_REF, T.NON_OWN_REF | T.MEM_RCU].map((f) => f | T.MEM_ALLOC),
]);

function checkBtfArg(env: Env, regno: number, argType: number, btf: string | number | undefined, meta: CallMeta): void {
  const reg = env.reg(regno);
  if (!MATCHED.has(T.typeFlag(reg.type))) env.fail("arg-btf-type", EFAULT, "verifier bug: invalid PTR_TO_BTF_ID register for type match");
  if (reg.type & T.MEM_ALLOC) {
    if (meta.funcId === FUNC.kptr_xchg && regno === 2) checkKptrMatch(env, meta.kptrField!, reg, regno);
    return;
  }
  if (reg.type & T.MEM_PERCPU) return;
  const release = (argType & T.OBJ_RELEASE) !== 0;
  if (T.mayBeNull(reg.type) && (!(argType & T.PTR_MAYBE_NULL) || release))
    env.fail("arg-maybe-null", EACCES, `Possibly NULL pointer passed to helper arg${regno}`);
  if (meta.funcId === FUNC.kptr_xchg) return checkKptrMatch(env, meta.kptrField!, reg, regno);
  const wanted = typeof btf === "number" ? btf : kernelStruct(env, btf ?? "sock_common");
  const strict = release && meta.funcId !== FUNC.sk_release;
  if (!btfMatches(env, reg, wanted, strict))
    env.fail(
      "arg-btf-type",
      EACCES,
      `R${regno} is of type ${btfName(env, reg.obj, reg.u1)} but ${btfName(env, env.kernelBtf ?? null, wanted)} is expected`,
    );
}

const btfName = (_env: Env, btf: object | null, id: number): string =>
  (btf as { type(id: number): { name: string } } | null)?.type(id).name ?? "";
