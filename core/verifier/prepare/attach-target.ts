// Whether a kernel function may be the target of a tracing or LSM program (bpf_check_attach_target, bpf_lsm_verify_prog, btf_distill_func_proto, 6.18). It reads no instruction.
import {
  ATTACH_TYPE as AT,
  DISABLED_LSM_HOOKS,
  INJECTABLE_ATOMIC,
  injectable,
  MODIFY_RETURN,
  NO_LSM_HOOKS,
  NORETURN,
  PROG_TYPE as PT,
  RECENT_LSM_HOOKS,
  SLEEPABLE_LSM_HOOKS,
  TRACING_DENIED,
} from "../../catalog/index.ts";
import { BTF_KIND as K, type Btf, type BtfType } from "../../object/index.ts";
import { EINVAL, Unsupported, type Env } from "../env.ts";

const MAX_ARGS = 12;
const MAX_ARG_BYTES = 16;
const LSM_PREFIX = "bpf_lsm_";
const KIND_NAMES = Object.entries(K).reduce<string[]>((names, [name, kind]) => ((names[kind] = name), names), []);

/** Rejects a function that the program may not attach to. `id` is its BTF id. */
export function checkAttachTarget(env: Env, btf: Btf, func: BtfType): void {
  const proto = btf.type(func.type);
  if (proto.kind !== K.FUNC_PROTO) env.reject("attach-target", EINVAL);
  checkPrototype(env, btf, func.name, proto);
  const isLsm = env.prog.type === PT.LSM;
  if (env.sleepable) checkSleepable(env, func.name, isLsm);
  else if (env.prog.expectedAttachType === AT.MODIFY_RETURN) checkModifiable(env, func.name);
  if (isLsm) checkHook(env, func);
  else checkDenied(env, func.name);
}

/** Only what a trampoline can hand over: few arguments, none of them large, a result in a register. */
function checkPrototype(env: Env, btf: Btf, name: string, proto: BtfType): void {
  const refuse = (what: string): never => env.fail("attach-target", EINVAL, `The function ${name} ${what}`);
  if (proto.params.length > MAX_ARGS) refuse(`has ${proto.params.length} arguments. Too many.`);
  const result = sized(btf, proto.type);
  if (result.bytes < 0 || isRecord(result.kind)) refuse(`return type ${KIND_NAMES[result.kind]} is unsupported.`);
  proto.params.forEach((param, i) => {
    if (i === proto.params.length - 1 && param.type === 0) refuse("with variable args is unsupported.");
    const { bytes, kind } = sized(btf, param.type);
    if (bytes < 0 || bytes > MAX_ARG_BYTES) refuse(`arg${i} type ${KIND_NAMES[kind]} is unsupported.`);
    if (bytes === 0) refuse("has malformed void argument.");
  });
}
const isRecord = (kind: number): boolean => kind === K.STRUCT || kind === K.UNION;
/** Bytes of a parameter or result, 0 for void, negative for what has no size; and its kind without typedefs and qualifiers. */
function sized(btf: Btf, id: number): { bytes: number; kind: number } {
  if (id === 0) return { bytes: 0, kind: K.UNKN };
  const { kind, size } = btf.type(btf.resolve(id));
  if (kind === K.UNKN) return { bytes: 0, kind };
  if (kind === K.PTR) return { bytes: 8, kind };
  const counts = kind === K.INT || kind === K.ENUM || kind === K.ENUM64 || isRecord(kind);
  return { bytes: counts ? size : -1, kind };
}

function checkSleepable(env: Env, name: string, isLsm: boolean): void {
  if (isLsm && SLEEPABLE_LSM_HOOKS.has(name.slice(LSM_PREFIX.length))) return;
  if (isLsm && RECENT_LSM_HOOKS.has(name.slice(LSM_PREFIX.length))) throw new Unsupported(`sleepable programs for ${name}`);
  if (!isLsm && MODIFY_RETURN.get(name) === true) return;
  if (!isLsm && injectable(name) && !INJECTABLE_ATOMIC.has(name)) unknownList(name);
  env.fail("attach-target", EINVAL, `${name} is not sleepable`);
}
function checkModifiable(env: Env, name: string): void {
  if (MODIFY_RETURN.has(name) || name.startsWith("security_")) return;
  if (injectable(name)) unknownList(name);
  env.fail("attach-target", EINVAL, `${name}() is not modifiable`);
}
/** BTF does not say whether the kernel is built with error injection, so that there is no answer. */
function unknownList(name: string): never {
  throw new Unsupported(`attaching to ${name}, which depends on the kernel's error-injection list (CONFIG_FUNCTION_ERROR_INJECTION)`);
}

function checkHook(env: Env, { id, name }: BtfType): void {
  if (!env.gplCompatible) env.fail("attach-target", EINVAL, "LSM programs must have a GPL compatible license");
  const hook = name.startsWith(LSM_PREFIX) ? name.slice(LSM_PREFIX.length) : undefined;
  if (hook !== undefined && DISABLED_LSM_HOOKS.has(hook))
    env.fail("attach-target", EINVAL, `attach_btf_id ${id} points to disabled hook ${name}`);
  if (hook === undefined || NO_LSM_HOOKS.has(hook))
    env.fail("attach-target", EINVAL, `attach_btf_id ${id} points to wrong type name ${name}`);
}
function checkDenied(env: Env, name: string): void {
  const { expectedAttachType: at } = env.prog;
  if (TRACING_DENIED.has(name)) env.fail("attach-target", EINVAL, `Attaching tracing programs to function '${name}' is rejected.`);
  if ((at === AT.TRACE_FEXIT || at === AT.MODIFY_RETURN) && NORETURN.has(name))
    env.fail("attach-target", EINVAL, `Attaching fexit/fmod_ret to __noreturn function '${name}' is rejected.`);
}
