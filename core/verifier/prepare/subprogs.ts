// Finds the functions of a program and that no jump leaves one (add_subprog_and_kfunc, check_subprogs, check_btf_info, 6.18).
import * as op from "../../isa/index.ts";
import { BTF_KIND } from "../../object/index.ts";
import { E2BIG, EINVAL, EPERM, type Env, type Subprog } from "../env.ts";

const MAX_SUBPROGS = 256;
const FUNC_TAIL_CALL = 12;
/** BTF_FUNC_GLOBAL. */
const LINKAGE_GLOBAL = 1;

function newSubprog(start: number): Subprog {
  return {
    start,
    end: 0,
    exitIdx: 0,
    postorderStart: 0,
    stackDepth: 0,
    hasTailCall: false,
    hasLdAbs: false,
    isCb: false,
    isAsyncCb: false,
    isExceptionCb: false,
    changesPktData: false,
    mightSleep: false,
    fastcallStackOff: 0,
    keepFastcallStack: false,
    name: "",
    isGlobal: false,
    typeId: 0,
    called: false,
    verified: false,
    unreliable: false,
    argsPrepared: false,
    args: [],
  };
}

function addSubprog(env: Env, start: number): void {
  if (start >= env.insns.length || start < 0) env.fail("call-destination", EINVAL, "call to invalid destination");
  if (env.findSubprog(start) >= 0) return;
  if (env.subprogs.length >= MAX_SUBPROGS) env.fail("too-many-subprogs", E2BIG, "too many subprograms");
  env.subprogs.push(newSubprog(start));
  env.subprogs.sort((a, b) => a.start - b.start);
}

export const isPseudoCall = (insn: op.Insn): boolean => insn.code === (op.BPF_JMP | op.BPF_CALL) && insn.src === op.BPF_PSEUDO_CALL;
export const isPseudoFunc = (insn: op.Insn): boolean => op.isLdImm64(insn) && insn.src === op.BPF_PSEUDO_FUNC;
const isKfunc = (insn: op.Insn): boolean => insn.code === (op.BPF_JMP | op.BPF_CALL) && insn.src === op.BPF_PSEUDO_KFUNC_CALL;

/** Fills env.subprogs; notes kfuncs. */
export function addSubprogs(env: Env): void {
  addSubprog(env, 0);
  env.insns.forEach((insn, i) => {
    if (!isPseudoFunc(insn) && !isPseudoCall(insn) && !isKfunc(insn)) return;
    if (isKfunc(insn)) env.kfuncs.add(env, insn);
    else addSubprog(env, i + insn.imm + 1);
  });
  addExceptionCallback(env);
  env.subprogs.forEach((s, i) => (s.end = env.subprogs[i + 1]?.start ?? env.insns.length));
  if (env.log.level2) env.subprogs.forEach((s, i) => env.trace(`func#${i} @${s.start}\n`));
}

/** bpf_find_exception_callback_insn_off: a decl tag on the main function names it. */
function addExceptionCallback(env: Env): void {
  const { btf, funcInfo } = env.prog;
  if (!btf || funcInfo.length === 0) return;
  const tags = btf.declTags(funcInfo[0]!.typeId, -1).filter((t) => t.startsWith("exception_callback:"));
  if (tags.length === 0) return;
  if (tags.length > 1) env.fail("exception-callback", 17, "multiple exception callback tags for main subprog");
  const name = tags[0]!.slice("exception_callback:".length);
  const id = btf.find(name, BTF_KIND.FUNC);
  if (!id) env.fail("exception-callback", 2, `exception callback '${name}' could not be found in BTF`);
  if (btf.type(id).linkage !== LINKAGE_GLOBAL && btf.type(id).vlen !== LINKAGE_GLOBAL)
    env.fail("exception-callback", EINVAL, `exception callback '${name}' must have global linkage`);
  const info = funcInfo.find((f) => f.typeId === id);
  if (!info) env.fail("exception-callback", EINVAL, "exception callback type id not found in func_info");
  if (info.insnIdx === 0) env.fail("exception-callback", EINVAL, "invalid exception callback insn_off in func_info: 0");
  addSubprog(env, info.insnIdx);
  const i = env.findSubprog(info.insnIdx);
  env.exceptionCallbackSubprog = i;
  Object.assign(env.subprogs[i]!, { isCb: true, isAsyncCb: true, isExceptionCb: true });
}

/** check_subprogs: jumps stay inside their function, each of which ends in an exit or jump. */
export function checkSubprogs(env: Env): void {
  for (const sub of env.subprogs) {
    for (let i = sub.start; i < sub.end; i++) {
      const insn = env.insns[i]!;
      const cls = insn.code & 7;
      if (insn.code === (op.BPF_JMP | op.BPF_CALL) && insn.src === 0 && insn.imm === FUNC_TAIL_CALL) sub.hasTailCall = true;
      const mode = insn.code & 0xe0;
      if (cls === op.BPF_LD && (mode === op.BPF_ABS || mode === op.BPF_IND)) sub.hasLdAbs = true;
      if (cls === op.BPF_JMP || cls === op.BPF_JMP32) {
        const kind = insn.code & 0xf0;
        if (kind === op.BPF_EXIT) sub.exitIdx = i;
        else if (kind !== op.BPF_CALL) {
          const to = i + op.jumpOffset(insn) + 1;
          if (to < sub.start || to >= sub.end) env.fail("jump-out-of-range", EINVAL, `jump out of range from insn ${i} to ${to}`);
        }
      }
      if (
        i === sub.end - 1 &&
        insn.code !== (op.BPF_JMP | op.BPF_EXIT) &&
        insn.code !== (op.BPF_JMP32 | op.BPF_JA) &&
        insn.code !== (op.BPF_JMP | op.BPF_JA)
      )
        env.fail("last-insn", EINVAL, "last insn is not an exit or jmp");
    }
  }
}

/** check_abnormal_return. */
function checkAbnormalReturn(env: Env): void {
  for (const sub of env.subprogs.slice(1)) {
    if (sub.hasLdAbs) env.fail("ld-abs-subprog", EINVAL, "LD_ABS is not allowed in subprogs without BTF");
    if (sub.hasTailCall) env.fail("tail-call-subprog", EINVAL, "tail_call is not allowed in subprogs without BTF");
  }
}

/** check_btf_func_early: each record names a function type and stands behind the one before. The kernel ends two of its lines here without a new line. */
export function checkFuncInfoEarly(env: Env): void {
  const { btf, funcInfo } = env.prog;
  if (!btf) return;
  const refuse = (text: string): never => {
    env.say(text);
    return env.reject("func-info", EINVAL);
  };
  funcInfo.forEach(({ insnIdx, typeId }, i) => {
    const before = funcInfo[i - 1]?.insnIdx;
    if (before === undefined && insnIdx) refuse(`nonzero insn_off ${insnIdx} for the first func info record`);
    if (before !== undefined && insnIdx <= before)
      refuse(`same or smaller insn offset (${insnIdx}) than previous func info record (${before})`);
    if (typeId <= 0 || typeId >= btf.typeCount || btf.kind(typeId) !== BTF_KIND.FUNC)
      env.fail("func-info", EINVAL, `invalid type id ${typeId} in func info`);
  });
}

/** check_btf_func: function types belong to the functions found in the code. */
export function checkFuncInfo(env: Env): void {
  const { btf, funcInfo } = env.prog;
  if (funcInfo.length === 0 || !btf) return checkAbnormalReturn(env);
  if (funcInfo.length !== env.subprogs.length)
    env.fail("func-info", EINVAL, "number of funcs in func_info doesn't match number of subprogs");
  env.subprogs.forEach((sub, i) => {
    const info = funcInfo[i]!;
    if (sub.start !== info.insnIdx) env.fail("func-info", EINVAL, "func_info BTF section doesn't match subprog layout in BPF program");
    const func = btf.type(info.typeId);
    sub.name = func.name;
    sub.typeId = info.typeId;
    sub.isGlobal = func.linkage === LINKAGE_GLOBAL;
    const ret = btf.type(btf.resolve(btf.type(func.type).type));
    const scalar = (ret.kind === BTF_KIND.INT && ret.size <= 8) || ret.kind === BTF_KIND.ENUM || ret.kind === BTF_KIND.ENUM64;
    if (i && !scalar && sub.hasLdAbs) env.fail("ld-abs-subprog", EINVAL, "LD_ABS is only allowed in functions that return 'int'.");
    if (i && !scalar && sub.hasTailCall) env.fail("tail-call-subprog", EINVAL, "tail_call is only allowed in functions that return 'int'.");
  });
}

/** Programs whose privileges do not reach functions. */
export function checkCallsAllowed(env: Env): void {
  if (env.bpfCapable) return;
  if (env.insns.some((i) => isPseudoFunc(i) || isPseudoCall(i) || isKfunc(i)))
    env.fail("calls-privilege", EPERM, "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN");
}
