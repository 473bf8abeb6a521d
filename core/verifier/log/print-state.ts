// Prints register and stack states as the kernel's log does (kernel/bpf/log.c, 6.18). It changes nothing but the log.
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { BPF_ADD_CONST, linkId } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { STACK_DYNPTR, STACK_ITER, STACK_SPILL, STACK_IRQ_FLAG } from "../domain/stack.ts";
import type { FuncState, VState } from "../domain/state.ts";
import type { MapInfo } from "../maps/map-info.ts";
import type { Btf } from "../../object/index.ts";
import { scalarRanges, signed, snum, tnumStr, unum } from "./format.ts";

const DYNPTR_NAMES = ["<invalid>", "local", "ringbuf", "skb", "xdp", "skb_meta"];
export const dynptrTypeStr = (type: number): string => DYNPTR_NAMES[type] ?? "<unknown>";
const ITER_STATES = ["<invalid>", "active", "drained"];

/** One register, e.g. `map_value(map=m,ks=4,vs=8)`. `precise` adds the P that marks exact scalars. */
export function regText(env: Env, frame: FuncState, reg: Reg, precise: boolean): string {
  const f = env.D.fields(reg.s);
  const t = reg.type;
  const mark = t === T.SCALAR_VALUE && precise ? "P" : "";
  if (t === T.SCALAR_VALUE && f.mask === 0n) return mark + snum(f.value);
  let name = mark + T.regTypeStr(t);
  if (t === T.PTR_TO_ARENA) return name;
  if (t === T.PTR_TO_STACK) {
    if (frame.frameno !== reg.frameno) name += `[${reg.frameno}]`;
    if (f.mask === 0n) return name + snum(f.value + BigInt(reg.off));
  }
  if (T.baseType(t) === T.PTR_TO_BTF_ID) name += (reg.obj as Btf | null)?.type(reg.u1).name ?? "";
  const parts: string[] = [];
  const linked = (reg.id & BPF_ADD_CONST) !== 0;
  if (reg.id) parts.push(`id=${linkId(reg.id)}${linked ? signed(reg.off) : ""}`);
  if (reg.refObjId) parts.push(`ref_obj_id=${reg.refObjId}`);
  if (T.isNonOwningRef(t)) parts.push("non_own_ref");
  const base = T.baseType(t);
  if (base === T.CONST_PTR_TO_MAP || base === T.PTR_TO_MAP_KEY || base === T.PTR_TO_MAP_VALUE) {
    const map = reg.obj as MapInfo;
    if (map.name) parts.push(`map=${map.name}`);
    parts.push(`ks=${map.keySize},vs=${map.valueSize}`);
  }
  if (t !== T.SCALAR_VALUE && reg.off) parts.push(`off=${snum(BigInt(reg.off))}`);
  if (T.isPktPointer(t)) parts.push(`r=${unum(BigInt(reg.u1))}`);
  if (base === T.PTR_TO_MEM) parts.push(`sz=${unum(BigInt(reg.u1))}`);
  if (t === T.CONST_PTR_TO_DYNPTR) parts.push(`type=${dynptrTypeStr(reg.u1)}`);
  if (f.mask === 0n) {
    if (f.value !== 0n) parts.push(`imm=${snum(f.value)}`);
  } else {
    parts.push(...scalarRanges(f));
    if (f.value !== 0n || f.mask !== 0xffffffffffffffffn) parts.push(`var_off=${tnumStr(f)}`);
  }
  return `${name}(${parts.join(",")})`;
}

/** print_verifier_state: the registers and slots of one frame; all of them, or those touched since the last print. */
export function printState(env: Env, state: VState, frameno: number, all: boolean): void {
  const frame = state.frames[frameno]!;
  let out = frame.frameno ? ` frame${frame.frameno}:` : "";
  for (let i = 0; i < frame.regs.length; i++) {
    const reg = frame.regs[i]!;
    if (!reg.isInit || (!all && !((env.scratchedRegs >>> i) & 1))) continue;
    out += ` R${i}=${regText(env, frame, reg, !env.bpfCapable || ((frame.preciseRegs >>> i) & 1) === 1)}`;
  }
  out += stackText(env, frame, all);
  const refs = state.refs.filter((r) => r.id !== 0);
  if (state.refs.length > 0 && state.refs[0]!.id !== 0) out += ` refs=${refs.map((r) => r.id).join(",")}`;
  if (frame.inCallbackFn) out += " cb";
  if (frame.inAsyncCallbackFn) out += " async_cb";
  env.trace(`${out}\n`);
  if (!all) env.scratchNone();
}

const slotScratched = (env: Env, i: number): boolean =>
  ((i < 32 ? env.scratchedSlotsLo >>> i : env.scratchedSlotsHi >>> (i - 32)) & 1) === 1;

function stackText(env: Env, frame: FuncState, all: boolean): string {
  let out = "";
  for (let i = 0; i < frame.stack.length; i++) {
    if (!all && !slotScratched(env, i)) continue;
    const slot = frame.stack[i]!;
    if (slot.types === 0) continue;
    const name = ` fp${-(i + 1) * 8}`;
    const reg = slot.reg;
    switch (slot.top) {
      case STACK_SPILL: {
        const chars = slot.chars();
        out += `${name}=${chars.slice(0, chars.indexOf("r"))}${regText(env, frame, reg, !env.bpfCapable || frame.isSlotPrecise(i))}`;
        break;
      }
      case STACK_DYNPTR: {
        i += 1;
        const first = frame.stack[i]!.reg;
        const parts = [];
        if (first.id) parts.push(`id=${first.id}`);
        if (first.refObjId) parts.push(`ref_id=${first.refObjId}`);
        // The mark of a first slot lies where other registers keep the id of their dynptr.
        if (first.u2) parts.push("dynptr_id=1");
        out += ` fp${-(i + 1) * 8}=dynptr_${dynptrTypeStr(first.u1)}(${parts.join(",")})`;
        break;
      }
      case STACK_ITER: {
        if (!reg.refObjId) continue;
        const btf = reg.obj as Btf;
        const kind = btf.type(reg.u1).name.slice("bpf_iter_".length);
        out += `${name}=iter_${kind}(ref_id=${reg.refObjId},state=${ITER_STATES[reg.u2 & 3]},depth=${reg.u2 >>> 2})`;
        break;
      }
      case STACK_IRQ_FLAG:
      default:
        out += `${name}=${slot.chars()}`;
    }
  }
  return out;
}

/** print_insn_state: the changed registers behind the instruction's line, or on a line of their own. */
export function printInsnState(env: Env, state: VState, frameno: number): void {
  if (env.prevLogPos && env.prevLogPos === env.log.end) {
    env.log.reset(env.prevLogPos - 1);
    const pos = env.prevInsnPrintLen;
    const column = Math.ceil(Math.max(pos + 4, 40) / 8) * 8;
    env.trace(`${" ".repeat(column - pos - 1)};`);
  } else env.trace(`${env.insnIdx}:`);
  printState(env, state, frameno, false);
}

/** verbose_linfo: the source line of an instruction, when it is another one than before. */
export function printLine(env: Env, insnIdx: number, prefix: string): void {
  const lines = env.prog.lineInfo;
  if (lines.length === 0 || insnIdx >= env.insns.length) return;
  let l = 0;
  let r = lines.length - 1;
  while (l < r) {
    const m = l + ((r - l + 1) >> 1);
    if (lines[m]!.insnIdx <= insnIdx) l = m;
    else r = m - 1;
  }
  const line = lines[l]!;
  if (env.prevLine && env.prevLine.file === line.file && env.prevLine.line === line.line) return;
  env.prevLine = line;
  env.trace(`${prefix}${line.text.replace(/^\s+/, "")} @ ${line.file.slice(line.file.lastIndexOf("/") + 1)}:${line.line}\n`);
}
