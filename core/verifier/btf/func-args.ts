// Arguments of functions by their BTF prototype and tags (btf_prepare_func_args, btf_check_func_arg_match, 6.18).
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EFAULT, EINVAL, ENOENT, EOPNOTSUPP, Reject, Unsupported, type Env, type SubprogArg } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { A, argBase } from "../check/arg-types.ts";
import { processDynptr } from "../check/dynptr.ts";
import { checkMemReg } from "../check/helper-mem.ts";
import { checkArgOff, newMeta } from "../check/helper-args.ts";
import { checkRegType } from "../check/reg-compat.ts";
import { isNullReg } from "../check/regs.ts";
import { isProgCtxType } from "./ctx-type.ts";
import { isStruct, sizeOrNone } from "./struct-walk.ts";

const MAX_ARGS = 5;
const TAGS = ["ctx", "trusted", "untrusted", "nonnull", "nullable", "arena"];

const arg = (argType: number, memSize = 0, btfId = 0): SubprogArg => ({ argType, memSize, btfId });
const kindName: Readonly<Record<number, string>> = {
  1: "INT",
  2: "PTR",
  3: "ARRAY",
  4: "STRUCT",
  5: "UNION",
  6: "ENUM",
  7: "FWD",
  8: "TYPEDEF",
  12: "FUNC",
  13: "FUNC_PROTO",
  16: "FLOAT",
  19: "ENUM64",
};
export const btfKindStr = (kind: number): string => kindName[kind] ?? "UNKNOWN";

/** Fills sub.args once. Rejects prototypes that a function verified on its own cannot have. */
export function prepareArgs(env: Env, subprog: number): void {
  const sub = env.subprogs[subprog]!;
  if (sub.argsPrepared) return;
  const btf = env.prog.btf;
  if (!btf || !sub.typeId) throw new Reject(EINVAL, "subprog-args");
  const fn = btf.type(sub.typeId);
  const proto = btf.type(fn.type);
  const refuse = (text: string, errno = EINVAL): never => {
    if (sub.isGlobal) env.say(`${text}\n`);
    throw new Reject(errno, "subprog-args");
  };
  if (proto.params.length > MAX_ARGS)
    refuse(`Global function ${fn.name}() with ${proto.params.length} > ${MAX_ARGS} args. Buggy compiler.`);
  const ret = btf.type(btf.resolve(proto.type));
  if (!isInt(ret)) refuse(`Global function ${fn.name}() doesn't return scalar. Only those are supported.`);
  sub.args = proto.params.map((p, i) => prepareOne(env, btf, fn, p.type, i, sub.isGlobal));
  sub.argsPrepared = true;
}
const isInt = (t: BtfType): boolean => t.kind === BTF_KIND.INT || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64;

function tagsOf(env: Env, btf: Btf, fn: BtfType, i: number, global: boolean): Set<string> {
  const tags = new Set<string>();
  for (const text of btf.declTags(fn.id, i)) {
    if (!text.startsWith("arg:")) continue;
    if (!global) env.fail("subprog-args", EOPNOTSUPP, `arg#${i} type tag is not supported in static functions`);
    const tag = text.slice(4);
    if (!TAGS.includes(tag)) env.fail("subprog-args", EOPNOTSUPP, `arg#${i} has unsupported set of tags`);
    tags.add(tag);
  }
  return tags;
}

function prepareOne(env: Env, btf: Btf, fn: BtfType, typeId: number, i: number, global: boolean): SubprogArg {
  const tags = tagsOf(env, btf, fn, i, global);
  const fail = (text: string): never => env.fail("subprog-args", EINVAL, text);
  const only = (...allowed: string[]): void => {
    for (const t of tags) if (!allowed.includes(t)) fail(`arg#${i} has invalid combination of tags`);
  };
  const t = btf.type(btf.resolve(typeId));
  if (t.kind !== BTF_KIND.PTR) {
    if (tags.size) fail(`arg#${i} has pointer tag, but is not a pointer type`);
    if (isInt(t)) return arg(A.ARG_ANYTHING);
    if (!global) throw new Reject(EINVAL, "subprog-args");
    return fail(`Arg#${i} type ${btfKindStr(t.kind)} in ${fn.name}() is not supported yet.`);
  }
  if (tags.has("ctx") || isProgCtxType(env, btf, t)) {
    only("ctx");
    return arg(A.ARG_PTR_TO_CTX);
  }
  const target = btf.type(btf.resolve(t.type));
  if (target.kind === BTF_KIND.STRUCT && target.name === "bpf_dynptr") {
    only();
    return arg(A.ARG_PTR_TO_DYNPTR | T.MEM_RDONLY);
  }
  if (tags.has("trusted")) {
    if (tags.has("nonnull")) only("trusted");
    return arg(A.ARG_PTR_TO_BTF_ID | T.PTR_TRUSTED | (tags.has("nullable") ? T.PTR_MAYBE_NULL : 0), 0, kernelType(env, target, i));
  }
  if (tags.has("untrusted")) {
    if (tags.size > 1) fail(`arg#${i} untrusted cannot be combined with any other tags`);
    if (!isStruct(target)) return arg(A.ARG_PTR_TO_MEM | T.MEM_RDONLY | T.PTR_UNTRUSTED);
    return arg(A.ARG_PTR_TO_BTF_ID | T.PTR_UNTRUSTED, 0, kernelType(env, target, i));
  }
  if (tags.has("arena")) {
    if (tags.size > 1) fail(`arg#${i} arena cannot be combined with any other tags`);
    return arg(A.ARG_PTR_TO_ARENA);
  }
  if (!global) throw new Reject(EINVAL, "subprog-args");
  only("nonnull");
  const size = sizeOrNone(btf, target.id);
  if (size === undefined || target.id === 0)
    return fail(`arg#${i} reference type('${btfKindStr(target.kind)} ${target.id ? target.name : ""}') size cannot be determined: -22`);
  return arg(A.ARG_PTR_TO_MEM | (tags.has("nonnull") ? 0 : T.PTR_MAYBE_NULL), size);
}

/** btf_get_ptr_to_btf_id: the kernel's type of the same name. */
function kernelType(env: Env, target: BtfType, i: number): number {
  if (!env.kernelBtf) throw new Unsupported("kernel-btf");
  // Local flavours of a kernel type carry `___suffix`.
  const id = env.kernelBtf.find(target.name.replace(/___.*$/, ""), target.kind);
  if (!id)
    env.fail(
      "subprog-args",
      ENOENT,
      `arg#${i} reference type('${btfKindStr(target.kind)} ${target.id ? target.name : ""}') has no matches`,
    );
  return id;
}

/** The registers of the current frame fit the function's arguments. */
export function checkSubprogArgs(env: Env, subprog: number): void {
  prepareArgs(env, subprog);
  env.subprogs[subprog]!.args.forEach((a, i) => checkOne(env, a, i));
}

function checkOne(env: Env, a: SubprogArg, i: number): void {
  const regno = i + 1;
  const reg = env.reg(regno);
  const fail = (text: string): never => env.fail("subprog-args", EINVAL, text);
  const base = argBase(a.argType);
  if (a.argType === A.ARG_ANYTHING) {
    if (reg.type !== T.SCALAR_VALUE) fail(`R${regno} is not a scalar`);
  } else if (a.argType & T.PTR_UNTRUSTED) {
    // Anything may be given: it is only ever probed.
  } else if (a.argType === A.ARG_PTR_TO_CTX) {
    checkArgOff(env, reg, regno, A.ARG_DONTCARE);
    if (reg.type !== T.PTR_TO_CTX) fail(`arg#${i} expects pointer to ctx`);
  } else if (base === A.ARG_PTR_TO_MEM) {
    checkArgOff(env, reg, regno, A.ARG_DONTCARE);
    try {
      checkMemReg(env, regno, a.memSize);
    } catch (e) {
      if (!(e instanceof Reject)) throw e;
      throw new Reject(EINVAL, e.check);
    }
    if (!(a.argType & T.PTR_MAYBE_NULL) && T.mayBeNull(env.reg(regno).type)) fail(`arg#${i} is expected to be non-NULL`);
  } else if (base === A.ARG_PTR_TO_ARENA) {
    if (reg.type !== T.PTR_TO_ARENA && reg.type !== T.SCALAR_VALUE) fail(`R${regno} is not a pointer to arena or scalar.`);
  } else if (a.argType === (A.ARG_PTR_TO_DYNPTR | T.MEM_RDONLY)) {
    checkArgOff(env, reg, regno, A.ARG_PTR_TO_DYNPTR);
    processDynptr(env, regno, -1, a.argType, 0);
  } else if (base === A.ARG_PTR_TO_BTF_ID) {
    if (isNullReg(env, reg) && a.argType & T.PTR_MAYBE_NULL) return;
    checkRegType(env, regno, a.argType, a.btfId, newMeta(0, false));
    checkArgOff(env, reg, regno, a.argType);
  } else throw new Reject(EFAULT, "subprog-args");
}
