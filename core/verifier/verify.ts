// One verification from the loaded program to the verdict (bpf_check, 6.18). The steps stand in their own files.
import { BPF_JCOND, BPF_JMP, BPF_MAY_GOTO } from "../isa/index.ts";
import { Env, EFAULT, Reject, Unsupported, type InsnAux, type Subprog } from "./env.ts";
import { NOT_INIT } from "./domain/reg-types.ts";
import { KfuncTable } from "./btf/kfuncs.ts";
import { parseRecord } from "./btf/record.ts";
import { checkFunctionAddresses } from "./check/function-address.ts";
import { checkMaxStackDepth } from "./check/stack-depth.ts";
import { checkTailCallMaps } from "./check/tail-call.ts";
import { Backtrack } from "./explore/backtrack.ts";
import { explain } from "./explain/explain.ts";
import { checkFunction } from "./explore/do-check.ts";
import { SccVisits } from "./explore/scc-visits.ts";
import { StackLiveness } from "./explore/stack-liveness.ts";
import { MapInfo } from "./maps/map-info.ts";
import { resolveAttach } from "./prepare/attach.ts";
import { checkCfg, computePostorder, computeScc } from "./prepare/cfg.ts";
import { markFastcallPatterns, removeFastcallStack } from "./prepare/fastcall.ts";
import { checkKernelVersion } from "./prepare/kernel-version.ts";
import { resolveLdImm64 } from "./prepare/ld-imm64.ts";
import { checkLineInfo } from "./prepare/line-info.ts";
import { computeLiveRegs } from "./prepare/live-regs.ts";
import { checkPrivilege } from "./prepare/privilege.ts";
import { specialAccesses } from "./prepare/special-access.ts";
import { addSubprogs, checkCallsAllowed, checkFuncInfo, checkFuncInfoEarly, checkSubprogs } from "./prepare/subprogs.ts";
import type { VerifyInput, VerifyOptions, VerifyResult } from "./types.ts";

const INSNS_LIMIT = 1_000_000;

function newAux(): InsnAux {
  return {
    prunePoint: false,
    jmpPoint: false,
    forceCheckpoint: false,
    callsCallback: false,
    isIterNext: false,
    scc: 0,
    liveRegs: 0,
    ptrType: NOT_INIT,
    nospec: false,
    nospecResult: false,
    aluState: 0,
    aluLimit: 0,
    seen: false,
    fastcallPattern: false,
    fastcallSpillsNum: 0,
    map: null,
    mapOff: 0,
    btfVarType: 0,
    btfVarSize: 0,
    btfVarId: 0,
    loopInlineInit: false,
    loopFitForInline: false,
    loopCallback: 0,
    successors: null,
    immediate: null,
  };
}

function prepare(env: Env): void {
  checkPrivilege(env);
  env.aux = env.insns.map(newAux);
  env.maps = env.prog.maps.map((spec, i) => {
    const map = new MapInfo(spec, i);
    if (env.prog.btf && spec.btfValueTypeId) map.record = parseRecord(env.prog.btf, spec.btfValueTypeId, env.kernelBtf);
    if (env.prog.btf && map.inner && spec.inner?.btfValueTypeId)
      map.inner.record = parseRecord(env.prog.btf, spec.inner.btfValueTypeId, env.kernelBtf);
    return map;
  });
  env.kfuncs = new KfuncTable(env);
  checkKernelVersion(env);
  checkFuncInfoEarly(env);
  checkCallsAllowed(env);
  addSubprogs(env);
  checkSubprogs(env);
  checkFuncInfo(env);
  checkLineInfo(env);
  resolveLdImm64(env);
  env.attach = resolveAttach(env);
  checkCfg(env);
  computePostorder(env);
  env.liveness = new StackLiveness(env);
  env.scc = new SccVisits(env);
  env.bt = new Backtrack();
  computeScc(env);
  computeLiveRegs(env);
  markFastcallPatterns(env);
}

/** do_check_subprogs: global functions that something calls, until no new one is called. */
function checkGlobals(env: Env): void {
  if (env.prog.funcInfo.length === 0) return;
  if (env.exceptionCallbackSubprog) env.subprogs[env.exceptionCallbackSubprog]!.called = true;
  for (let again = true; again;) {
    again = false;
    for (let i = 1; i < env.subprogs.length; i++) {
      const sub = env.subprogs[i]!;
      if (!sub.isGlobal || !sub.called || sub.verified) continue;
      checkFunction(env, i);
      if (env.log.wantsStates) env.trace(`Func#${i} ('${sub.name}') is safe for any args that match its prototype\n`);
      sub.verified = true;
      again = true;
    }
  }
}

const BPF_LOOP_STACK = 24;
const MAY_GOTO_STACK = 16;
/** Stack that the kernel's own rewriting adds: inlined bpf_loop keeps three values, may_goto a counter and a time. */
function addRewriteStack(env: Env): void {
  for (const sub of env.subprogs) {
    let loop = false;
    let mayGoto = false;
    for (let i = sub.start; i < sub.end; i++) {
      if (env.aux[i]!.loopInlineInit && env.aux[i]!.loopFitForInline) loop = true;
      const insn = env.insns[i]!;
      if (insn.code === (BPF_JMP | BPF_JCOND) && insn.src === BPF_MAY_GOTO && insn.off !== 0 && env.aux[i]!.seen) mayGoto = true;
    }
    if (loop || mayGoto) sub.stackDepth = Math.ceil(sub.stackDepth / 8) * 8 + (loop ? BPF_LOOP_STACK : 0) + (mayGoto ? MAY_GOTO_STACK : 0);
  }
}
/** Stack of each function; those that no path reaches are gone from an accepted program. */
function depths(env: Env, accepted: boolean): number[] {
  const lives = (s: Subprog): boolean => {
    for (let i = s.start; i < s.end; i++) if (env.aux[i]!.seen) return true;
    return s.start === 0;
  };
  return env.subprogs.filter((s) => !accepted || lives(s)).map((s) => s.stackDepth);
}

/** Adds the closing lines of the log (print_verification_stats). */
function logStats(env: Env): void {
  if (env.log.level & 4) env.trace(`stack depth ${depths(env, false).join("+")}\n`);
  env.trace(
    `processed ${env.insnProcessed} insns (limit ${INSNS_LIMIT}) max_states_per_insn ${env.maxStatesPerInsn} total_states ${env.totalStates} peak_states ${env.peakStates} mark_read 0\n`,
  );
}

/**
 * Verifies one program as Linux 6.18 would at BPF_PROG_LOAD. The same input gives the same result to the last byte.
 * Throws Cancelled when `options.cancel` says so, BugError for a fault of the verifier itself.
 */
export function verify(input: VerifyInput, options: VerifyOptions): VerifyResult {
  const env = new Env(input, options);
  const started = { exploring: false };
  try {
    prepare(env);
    started.exploring = true;
    checkFunction(env, 0);
    checkGlobals(env);
    started.exploring = false;
    env.saidAt = -1;
    removeFastcallStack(env);
    checkMaxStackDepth(env);
    checkTailCallMaps(env);
    checkFunctionAddresses(env);
    addRewriteStack(env);
    return { ...result(env, { verdict: "accept", errno: 0, error: [], insn: -1 }), special: specialAccesses(env) };
  } catch (e) {
    if (e instanceof Unsupported) return unsupported(env, e.feature);
    if (!(e instanceof Reject)) throw e;
    if (e.errno === EFAULT && e.check === "verifier-bug") return unsupported(env, env.said.trim());
    const error = env.said.split("\n").filter((l) => l !== "");
    const explanation = started.exploring && env.lastInsn >= 0 ? explain(env, e.check, error) : { check: e.check };
    return { ...result(env, { verdict: "reject", errno: e.errno, error, insn: started.exploring ? env.lastInsn : -1 }), explanation };
  }
}

function result(env: Env, head: Pick<VerifyResult, "verdict" | "errno" | "error" | "insn">): VerifyResult {
  logStats(env);
  return {
    ...head,
    log: env.log.text(),
    processed: env.insnProcessed,
    totalStates: env.totalStates,
    peakStates: env.peakStates,
    maxStatesPerInsn: env.maxStatesPerInsn,
    stackDepths: depths(env, head.verdict === "accept"),
  };
}

function unsupported(env: Env, feature: string): VerifyResult {
  return {
    ...result(env, { verdict: "error", errno: 0, error: [], insn: env.insnIdx }),
    reason: "unsupported",
    message: `not supported yet: ${feature}`,
  };
}
