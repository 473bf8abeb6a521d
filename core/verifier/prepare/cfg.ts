// Reaches every instruction and marks where states are kept and jumps recorded (check_cfg, compute_postorder, 6.18). It knows no values.
import * as op from "../../isa/index.ts";
import { helperAvailable, helperFor } from "../../catalog/index.ts";
import { EINVAL, type Env } from "../env.ts";
import { successors } from "../explore/stack-liveness.ts";
import { printLine } from "../log/print-state.ts";
import { changesPktData, FUNC, isAsyncCallbackCall, isHelperCall, isKfuncCall, isSyncCallbackCall } from "./callbacks.ts";
import { isPseudoCall, isPseudoFunc } from "./subprogs.ts";

const DISCOVERED = 0x10,
  EXPLORED = 0x20,
  FALLTHROUGH = 1,
  BRANCH = 2;

class Walk {
  readonly env: Env;
  readonly state: Uint8Array;
  readonly stack: number[] = [];
  constructor(env: Env) {
    this.env = env;
    this.state = new Uint8Array(env.insns.length);
  }

  /** push_insn: the edge from `t` to `w`. True when `w` is to be visited first. */
  push(t: number, w: number, edge: number): boolean {
    const { env, state } = this;
    if (edge === FALLTHROUGH && state[t]! >= (DISCOVERED | FALLTHROUGH)) return false;
    if (edge === BRANCH && state[t]! >= (DISCOVERED | BRANCH)) return false;
    if (w < 0 || w >= env.insns.length) {
      printLine(env, t, `${t}: `);
      env.fail("jump-out-of-range", EINVAL, `jump out of range from insn ${t} to ${w}`);
    }
    if (edge === BRANCH) {
      env.aux[w]!.prunePoint = true;
      env.aux[w]!.jmpPoint = true;
    }
    if (state[w] === 0) {
      state[t] = DISCOVERED | edge;
      state[w] = DISCOVERED;
      this.stack.push(w);
      return true;
    }
    if ((state[w]! & 0xf0) === DISCOVERED) {
      if (env.bpfCapable) return false;
      printLine(env, t, `${t}: `);
      printLine(env, w, `${w}: `);
      env.fail("back-edge", EINVAL, `back-edge from insn ${t} to ${w}`);
    }
    state[t] = DISCOVERED | edge;
    return false;
  }

  /** visit_func_call_insn. */
  visitCall(t: number, callee: boolean): boolean {
    const { env } = this;
    const next = t + op.insnSlots(env.insns[t]!);
    if (this.push(t, next, FALLTHROUGH)) return true;
    env.aux[next]!.prunePoint = true;
    env.aux[next]!.jmpPoint = true;
    if (!callee) return false;
    const w = t + env.insns[t]!.imm + 1;
    env.aux[t]!.prunePoint = true;
    const from = env.subprogs[env.subprogAt(t)]!;
    const to = env.subprogs[env.subprogAt(w)]!;
    from.changesPktData ||= to.changesPktData;
    from.mightSleep ||= to.mightSleep;
    return this.push(t, w, BRANCH);
  }

  /** visit_insn. True to keep exploring from a newly found instruction. */
  visit(t: number): boolean {
    const { env } = this;
    const insn = env.insns[t]!;
    if (isPseudoFunc(insn)) return this.visitCall(t, true);
    const cls = insn.code & 7;
    const mode = insn.code & 0xe0;
    // A packet load that fails leaves through the function's exit.
    if (cls === op.BPF_LD && (mode === op.BPF_ABS || mode === op.BPF_IND))
      env.aux[t]!.successors ??= [t + 1, env.subprogs[env.subprogAt(t)]!.exitIdx];
    if (cls !== op.BPF_JMP && cls !== op.BPF_JMP32) return this.push(t, t + op.insnSlots(insn), FALLTHROUGH);
    switch (insn.code & 0xf0) {
      case op.BPF_EXIT:
        return false;
      case op.BPF_CALL:
        this.noteCall(t, insn);
        return this.visitCall(t, isPseudoCall(insn));
      case op.BPF_JA: {
        const w = t + op.jumpOffset(insn) + 1;
        if (this.push(t, w, FALLTHROUGH)) return true;
        env.aux[w]!.prunePoint = true;
        env.aux[w]!.jmpPoint = true;
        return false;
      }
      default:
        env.aux[t]!.prunePoint = true;
        if (insn.code === (op.BPF_JMP | op.BPF_JCOND) && insn.src === op.BPF_MAY_GOTO) env.aux[t]!.forceCheckpoint = true;
        return this.push(t, t + 1, FALLTHROUGH) || this.push(t, t + insn.off + 1, BRANCH);
    }
  }

  noteCall(t: number, insn: op.Insn): void {
    const { env } = this;
    const aux = env.aux[t]!;
    const sub = env.subprogs[env.subprogAt(t)]!;
    if (isAsyncCallbackCall(env, insn)) aux.prunePoint = true;
    if (isSyncCallbackCall(env, insn)) {
      aux.callsCallback = true;
      aux.forceCheckpoint = true;
      aux.prunePoint = true;
      aux.jmpPoint = true;
    }
    if (isHelperCall(insn)) {
      if (
        helperAvailable(insn.imm, env.prog.type, env.prog.expectedAttachType) &&
        helperFor(insn.imm, env.prog.type, env.prog.expectedAttachType)?.mightSleep
      )
        sub.mightSleep = true;
      if (changesPktData(insn.imm)) sub.changesPktData = true;
      // A tail call that succeeds leaves through the function's exit.
      if (insn.imm === FUNC.tail_call) aux.successors ??= [t + 1, sub.exitIdx];
    } else if (isKfuncCall(insn)) env.kfuncs.noteInCfg(env, t, insn, sub);
  }
}

/** check_cfg. */
export function checkCfg(env: Env): void {
  const walk = new Walk(env);
  const explore = (from: number): void => {
    walk.state[from] = DISCOVERED;
    walk.stack.push(from);
    while (walk.stack.length) {
      const t = walk.stack[walk.stack.length - 1]!;
      if (walk.visit(t)) continue;
      walk.state[t] = EXPLORED;
      walk.stack.pop();
    }
  };
  explore(0);
  const exceptionStart = env.exceptionCallbackSubprog ? env.subprogs[env.exceptionCallbackSubprog]!.start : 0;
  if (exceptionStart && walk.state[exceptionStart] !== EXPLORED) explore(exceptionStart);
  for (let i = 0; i < env.insns.length; i++) {
    if (walk.state[i] !== EXPLORED) env.fail("unreachable-insn", EINVAL, `unreachable insn ${i}`);
    if (!op.isLdImm64(env.insns[i]!)) continue;
    if (walk.state[i + 1] !== 0) env.fail("jump-into-ldimm64", EINVAL, `jump into the middle of ldimm64 insn ${i}`);
    i++;
  }
}

/** compute_postorder: env.postorder, and where each function's part begins. */
export function computePostorder(env: Env): void {
  const state = new Uint8Array(env.insns.length);
  const out: number[] = [];
  for (const sub of env.subprogs) {
    sub.postorderStart = out.length;
    const stack = [sub.start];
    while (stack.length) {
      const top = stack[stack.length - 1]!;
      state[top]! |= DISCOVERED;
      if (state[top]! & EXPLORED) {
        out.push(top);
        stack.pop();
        continue;
      }
      for (const s of successors(env, top)) {
        if (state[s]) continue;
        stack.push(s);
        state[s]! |= DISCOVERED;
      }
      state[top]! |= EXPLORED;
    }
  }
  env.postorder = out;
}

const NOT_ON_STACK = 0xffffffff;

/** compute_scc: Tarjan's components; instructions in loops get a number above 0. */
export function computeScc(env: Env): void {
  const n = env.insns.length;
  const pre = new Uint32Array(n);
  const low = new Uint32Array(n);
  const stack: number[] = [];
  let order = 1;
  let nextId = 1;
  for (let i = 0; i < n; i++) {
    if (pre[i]) continue;
    stack.length = 0;
    const dfs = [i];
    while (dfs.length) {
      const w = dfs[dfs.length - 1]!;
      if (pre[w] === 0) {
        low[w] = pre[w] = order++;
        stack.push(w);
      }
      const succ = successors(env, w);
      const child = succ.find((s) => {
        if (!pre[s]) return true;
        low[w] = Math.min(low[w]!, low[s]!);
        return false;
      });
      if (child !== undefined) {
        dfs.push(child);
        continue;
      }
      dfs.pop();
      if (low[w]! < pre[w]!) continue;
      const inLoop = stack[stack.length - 1] !== w || succ.includes(w);
      for (;;) {
        const t = stack.pop()!;
        low[t] = NOT_ON_STACK;
        if (inLoop) env.aux[t]!.scc = nextId;
        if (t === w) break;
      }
      if (inLoop) nextId++;
    }
  }
}
