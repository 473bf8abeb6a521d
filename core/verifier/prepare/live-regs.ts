// Which registers may still be read before each instruction (compute_live_registers, 6.18). Purely static.
import * as op from "../../isa/index.ts";
import type { Env } from "../env.ts";
import { successors } from "../explore/stack-liveness.ts";
import { callSummary } from "./fastcall.ts";

const CALLER_SAVED = 0x3f;

function useDef(env: Env, insn: op.Insn): { use: number; def: number } {
  const src = 1 << insn.src;
  const dst = 1 << insn.dst;
  const mode = insn.code & 0xe0;
  const both = (insn.code & op.BPF_X) !== 0 ? dst | src : dst;
  switch (insn.code & 7) {
    case op.BPF_LD:
      return mode === op.BPF_IMM && (insn.code & 0x18) === op.BPF_DW ? { use: 0, def: dst } : { use: 0xffff, def: 0 };
    case op.BPF_LDX:
      return mode === op.BPF_MEM || mode === op.BPF_MEMSX ? { use: src, def: dst } : { use: 0xffff, def: 0 };
    case op.BPF_ST:
      return mode === op.BPF_MEM ? { use: dst, def: 0 } : { use: 0xffff, def: 0 };
    case op.BPF_STX:
      if (mode === op.BPF_MEM) return { use: dst | src, def: 0 };
      if (mode !== op.BPF_ATOMIC) return { use: 0xffff, def: 0 };
      if (insn.imm === op.BPF_CMPXCHG) return { use: 1 | dst | src, def: 1 };
      if (insn.imm === op.BPF_LOAD_ACQ) return { use: src, def: dst };
      if (insn.imm === op.BPF_STORE_REL) return { use: dst | src, def: 0 };
      return { use: dst | src, def: insn.imm & op.BPF_FETCH ? src : 0 };
    case op.BPF_ALU:
    case op.BPF_ALU64:
      if ((insn.code & 0xf0) === op.BPF_END) return { use: dst, def: dst };
      if ((insn.code & 0xf0) === op.BPF_MOV) return { use: insn.code & op.BPF_X ? src : 0, def: dst };
      return { use: both, def: dst };
    default:
      return useDefJump(env, insn, both);
  }
}

function useDefJump(env: Env, insn: op.Insn, both: number): { use: number; def: number } {
  switch (insn.code & 0xf0) {
    case op.BPF_JA:
    case op.BPF_JCOND:
      return { use: 0, def: 0 };
    case op.BPF_EXIT:
      return { use: 1, def: 0 };
    case op.BPF_CALL: {
      const summary = callSummary(env, insn);
      return { use: summary ? ((1 << (summary.params + 1)) - 1) & ~1 : CALLER_SAVED & ~1, def: CALLER_SAVED };
    }
    default:
      return { use: both, def: 0 };
  }
}

/** Fills aux.liveRegs; prints them at log level 2. */
export function computeLiveRegs(env: Env): void {
  const n = env.insns.length;
  const use = new Uint16Array(n);
  const def = new Uint16Array(n);
  const live = new Uint16Array(n);
  const out = new Uint16Array(n);
  for (let i = 0; i < n; i++) {
    const ud = useDef(env, env.insns[i]!);
    use[i] = ud.use;
    def[i] = ud.def;
  }
  let changed = true;
  while (changed) {
    changed = false;
    for (let k = 0; k < env.postorder.length; k++) {
      const i = env.postorder[k]!;
      const next = successors(env, i);
      let newOut = 0;
      for (let s = 0; s < next.length; s++) newOut |= live[next[s]!]!;
      const newIn = ((newOut & ~def[i]!) | use[i]!) & 0xffff;
      if (newOut === out[i] && newIn === live[i]) continue;
      out[i] = newOut;
      live[i] = newIn;
      changed = true;
    }
  }
  for (let i = 0; i < n; i++) env.aux[i]!.liveRegs = live[i]!;
  if (env.log.level2) print(env);
}

function print(env: Env): void {
  env.trace("Live regs before insn:\n");
  for (let i = 0; i < env.insns.length; i++) {
    const aux = env.aux[i]!;
    let regs = "";
    for (let r = 0; r < 10; r++) regs += (aux.liveRegs >>> r) & 1 ? r : ".";
    env.trace(`${aux.scc ? `${String(aux.scc).padStart(3)} ` : "    "}${String(i).padStart(3)}: ${regs} ${env.insnText(i)}\n`);
    if (op.isLdImm64(env.insns[i]!)) i++;
  }
}
