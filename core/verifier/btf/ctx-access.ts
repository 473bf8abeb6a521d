// Arguments of the hooked function as a typed program reads them from its context (btf_ctx_access and its callers, 6.18).
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import type { Access } from "../transfer/mem.ts";
import { btfKindStr } from "./func-args.ts";
import { isStruct, tagFlags } from "./struct-walk.ts";

const MAX_ARGS = 12;
const SMALL_INT = (t: BtfType): boolean =>
  (t.kind === BTF_KIND.INT && t.size <= 8) || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64;

/**
 * Index of the argument that context offset `off` belongs to (btf_ctx_arg_idx): structures by value take several words. Behind the arguments
 * stands the return value, behind that nothing.
 */
function argIndex(btf: Btf, proto: BtfType, off: number): number {
  let end = 0;
  const types = [...proto.params.map((p) => p.type), proto.type];
  for (const [i, type] of types.entries()) {
    const t = btf.type(btf.resolve(type));
    const size = t.kind === BTF_KIND.PTR ? 8 : t.id === 0 ? 0 : t.size;
    end += Math.ceil(size / 8) * 8;
    if (off < end) return i;
  }
  return types.length;
}

/** The register that the load yields; undefined when the context has nothing there, its words are said already. */
export function btfCtxAccess(env: Env, a: Access, off: number): Reg | undefined {
  if (env.prog.type === PT.NETFILTER) return netfilter(env, a, off);
  if (a.write || off < 0 || off >= MAX_ARGS * 8 || off % a.size) return undefined;
  const { attach } = env;
  const btf = attach.btf;
  const proto = attach.proto;
  if (!btf || !proto) return undefined;
  const name = attach.name;
  const no = (text: string): undefined => {
    env.say(`${text}\n`);
    return undefined;
  };
  if (off % 8) return no(`func '${name}' offset ${off} is not multiple of 8`);
  const params = attach.skipFirst ? proto.params.slice(1) : proto.params;
  const i = argIndex(btf, proto, off);
  const missing = `func '${name}' doesn't have ${i + 1}-th argument`;
  if (i > params.length) return no(missing);
  let typeId: number;
  if (i === params.length) {
    const at = env.prog.expectedAttachType;
    const isLsm = at === AT.LSM_MAC || at === AT.LSM_CGROUP;
    if (!isLsm && at !== AT.TRACE_FEXIT && at !== AT.MODIFY_RETURN) return no(missing);
    typeId = proto.type;
    const ret = btf.type(btf.resolve(typeId));
    if (at === AT.MODIFY_RETURN && !SMALL_INT(ret)) return no(`ret type ${btfKindStr(ret.kind)} not allowed for fmod_ret`);
    if (at === AT.LSM_MAC && attach.retvalRange) {
      const r = env.unknownScalar();
      r.s = env.D.ops.s32Range(r.s, attach.retvalRange.min, attach.retvalRange.max);
      return r;
    }
  } else typeId = params[i]!.type;
  const t = btf.type(btf.resolve(typeId));
  if (SMALL_INT(t) || isStruct(t)) return env.unknownScalar();
  if (t.kind !== BTF_KIND.PTR) {
    return no(`func '${name}' arg${i} '${t.name}' has type ${btfKindStr(t.kind)}. Only pointer access is allowed`);
  }
  if (a.size !== 8) return no(`func '${name}' size ${a.size} must be 8`);
  return pointerArg(env, btf, t, i, { off, name, paramName: i < params.length ? proto.params[i + (attach.skipFirst ? 1 : 0)]!.name : "" });
}

function pointerArg(env: Env, btf: Btf, ptr: BtfType, i: number, ctx: { off: number; name: string; paramName: string }): Reg | undefined {
  const special = env.attach.ctxArgs.find((x) => x.off === ctx.off);
  if (special && T.baseType(special.type) === T.PTR_TO_BUF && T.mayBeNull(special.type)) return withNullId(env, env.pointer(special.type));
  const target = btf.type(btf.resolve(ptr.type));
  if (target.id === 0 || target.kind === BTF_KIND.INT) return env.unknownScalar();
  if (special) {
    const r = env.pointer(special.type);
    r.obj = special.btf;
    r.u1 = special.btfId;
    r.refObjId = special.refObjId;
    return withNullId(env, r);
  }
  let type = T.PTR_TO_BTF_ID | (argsTrusted(env) ? T.PTR_TRUSTED : 0) | tagFlags(btf, ptr.type);
  if (ctx.paramName.endsWith("__nullable")) type |= T.PTR_MAYBE_NULL;
  const raw = env.attach.rawTpNull(i);
  if (raw === "null") type |= T.PTR_MAYBE_NULL;
  if (!isStruct(target)) {
    env.say(`func '${ctx.name}' arg${i} type ${btfKindStr(target.kind)} is not a struct\n`);
    return undefined;
  }
  env.trace(`func '${ctx.name}' arg${i} has btf_id ${target.id} type ${btfKindStr(target.kind)} '${target.name}'\n`);
  if (raw === "err") return env.unknownScalar();
  const r = env.pointer(type);
  r.obj = btf;
  const promote = env.attach.structOps?.promote;
  r.u1 = promote && target.name === promote[0] && !T.mayBeNull(type) ? btf.find(promote[1], BTF_KIND.STRUCT) : target.id;
  return withNullId(env, r);
}
function withNullId(env: Env, r: Reg): Reg {
  if (T.mayBeNull(r.type)) r.id = ++env.idGen;
  return r;
}

/** prog_args_trusted: arguments are valid objects when the program runs at such a hook. */
function argsTrusted(env: Env): boolean {
  const { type, expectedAttachType: at } = env.prog;
  if (type === PT.TRACING) return at === AT.TRACE_RAW_TP || at === AT.TRACE_ITER;
  if (type === PT.LSM) return env.attach.lsmTrusted;
  return type === PT.STRUCT_OPS;
}

/** struct bpf_nf_ctx: state and packet (nf_is_valid_access). */
function netfilter(env: Env, a: Access, off: number): Reg | undefined {
  if (a.write || a.size !== 8) return undefined;
  const name = off === 0 ? "nf_hook_state" : off === 8 ? "sk_buff" : undefined;
  if (!name || !env.kernelBtf) return undefined;
  const r = env.pointer(T.PTR_TO_BTF_ID | T.PTR_TRUSTED);
  r.obj = env.kernelBtf;
  r.u1 = env.kernelBtf.find(name, BTF_KIND.STRUCT);
  return r;
}
