// Makes one program of an entry function: appends its subprograms, points calls at them, fills in maps, externs and debug info (bpf_object__relocate of libbpf 1.5).
import type { BtfId } from "../../base/index.ts";
import {
  BPF_CALL,
  BPF_JMP,
  BPF_LD_IMM64,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  type Insn,
} from "../../isa/index.ts";
import { BTF_KIND as K } from "../btf/btf.ts";
import { literalDescriptor, type CodeOrigin, type FuncInfo, type LineInfo } from "../spec.ts";
import { NO_BTF_EXT, type BtfExt, type RawFunc, type RawLine } from "./btf-ext.ts";
import { funcAt } from "./collect.ts";
import type { Features } from "../features.ts";
import { refuse, type Func, type ObjectState, type Reloc } from "./model.ts";

/** libbpf's invalid helper numbers for what can't be resolved: map of index N, extern of index N. */
const POISON_MAP = 2001000000;
const POISON_KFUNC = 2002000000;

/** bpf_probe_read_{user,kernel}[_str], and what older kernels have instead: bpf_probe_read[_str]. */
const OLD_PROBE_READ: ReadonlyMap<number, number> = new Map([
  [112, 4],
  [113, 4],
  [114, 45],
  [115, 45],
]);

export interface LinkedProgram {
  readonly insns: Insn[];
  readonly funcInfo: FuncInfo[];
  readonly lineInfo: LineInfo[];
  readonly origin: CodeOrigin[];
  readonly exceptionCallback?: number;
}

/** Links one entry function. Throws CodedError in libbpf's words. */
export function linkProgram(state: ObjectState, ext: BtfExt, main: Func, has: Features): LinkedProgram {
  const linker = new Linker(state, has("BTF_FUNC") ? ext : NO_BTF_EXT, main);
  linker.append(main);
  linker.relocateCode(main, 0);
  const callback = exceptionCallback(state, main);
  if (callback !== undefined && !linker.placed(callback)) linker.relocateCode(callback, linker.append(callback));
  linker.relocateData();
  if (!has("PROBE_READ_KERN")) linker.replaceHelpers(OLD_PROBE_READ);
  return { ...linker.result(), ...(callback === undefined ? {} : { exceptionCallback: linker.slotOf(callback) }) };
}

/** Programs with a sorted list of their own records would still be found wrong if the records were not in order: libbpf stops at the first record behind the function. */
function within<T extends { readonly slot: number }>(records: readonly T[], func: Func): T[] {
  const out: T[] = [];
  for (const r of records) {
    if (r.slot < func.secInsnOff) continue;
    if (r.slot >= func.secInsnOff + func.insns.length) break;
    out.push(r);
  }
  return out;
}

const isSubprogCall = (i: Insn): boolean => i.code === (BPF_JMP | BPF_CALL) && i.src === BPF_PSEUDO_CALL;

class Linker {
  readonly #state: ObjectState;
  readonly #ext: BtfExt;
  readonly #main: Func;
  readonly #insns: Insn[] = [];
  readonly #relocs: Reloc[] = [];
  readonly #at = new Map<Func, number>();
  readonly #origin: CodeOrigin[] = [];
  readonly #funcInfo: FuncInfo[] = [];
  readonly #lineInfo: LineInfo[] = [];
  #takesFuncs = true;
  #takesLines = true;

  constructor(state: ObjectState, ext: BtfExt, main: Func) {
    this.#state = state;
    this.#ext = ext;
    this.#main = main;
  }

  placed(func: Func): boolean {
    return this.#at.has(func);
  }
  slotOf(func: Func): number {
    return this.#at.get(func)!;
  }
  #fail(why: string): never {
    return refuse("relocation", `prog '${this.#main.name}': ${why}`);
  }

  append(func: Func): number {
    const at = this.#insns.length;
    if (at + func.insns.length > 1 << 24) this.#fail("too many instructions");
    this.#at.set(func, at);
    for (const insn of func.insns) this.#insns.push(insn);
    for (const r of func.relocs.values()) this.#relocs.push({ ...r, insnIdx: r.insnIdx + at });
    const section = this.#state.elf.sections[func.secIdx]!;
    this.#origin.push({ name: func.name, section: func.secIdx, offBytes: func.secInsnOff * 8, length: func.insns.length, insnIdx: at });
    this.#info(func, section.name, at);
    return at;
  }

  /** Function and line records of one function; without any for the entry function, none are taken at all. */
  #info(func: Func, section: string, at: number): void {
    const first = func === this.#main;
    const move = at - func.secInsnOff;
    if (this.#takesFuncs) {
      const funcs: RawFunc[] = within(this.#ext.funcs.get(section) ?? [], func);
      if (funcs.length === 0 && !first) this.#fail("missing .BTF.ext function info.");
      this.#takesFuncs = funcs.length > 0;
      for (const f of funcs) this.#funcInfo.push({ insnIdx: f.slot + move, typeId: f.typeId });
    }
    if (!this.#takesLines) return;
    const lines: RawLine[] = within(this.#ext.lines.get(section) ?? [], func);
    if (lines.length === 0 && !first) this.#fail("missing .BTF.ext line info.");
    this.#takesLines = lines.length > 0;
    const text = (off: number): string => this.#state.btf!.string(off);
    for (const l of lines)
      this.#lineInfo.push({ insnIdx: l.slot + move, file: text(l.fileOff), line: l.line, column: l.column, text: text(l.textOff) });
  }

  /** Points calls and callbacks of `func` (placed at `base`) at their targets, appending those that are new, depth first. */
  relocateCode(func: Func, base: number): void {
    for (let i = 0; i < func.insns.length; i++) {
      const insn = this.#insns[base + i]!;
      const reloc = func.relocs.get(i);
      const callback = insn.code === BPF_LD_IMM64 && (insn.src === BPF_PSEUDO_FUNC || reloc?.kind === "subprog-addr");
      if ((!isSubprogCall(insn) && !callback) || reloc?.kind === "extern-call") continue;
      const slot = this.#targetSlot(func, i, insn, reloc);
      const target =
        funcAt(this.#state.funcs, this.#state.textIdx, slot) ?? this.#fail("no .text section found yet sub-program call exists");
      let at = this.#at.get(target);
      if (at === undefined) {
        at = this.append(target);
        this.relocateCode(target, at);
      }
      this.#insns[base + i] = { ...insn, src: callback ? BPF_PSEUDO_FUNC : insn.src, imm: at - (base + i) - 1 };
    }
  }

  /** Slot in `.text` that a call or callback means. */
  #targetSlot(func: Func, i: number, insn: Insn, reloc: Reloc | undefined): number {
    if (reloc === undefined) {
      if (insn.code === BPF_LD_IMM64) this.#fail(`missing subprog addr relo for insn #${i}`);
      return func.secInsnOff + i + insn.imm + 1;
    }
    if (reloc.kind === "call") return reloc.symOff / 8 + insn.imm + 1;
    if (reloc.kind !== "subprog-addr") this.#fail(`unexpected relo for insn #${i}`);
    return Math.floor((reloc.symOff + insn.imm) / 8);
  }

  relocateData(): void {
    this.#literalMaps();
    for (const r of this.#relocs) {
      const insn = this.#insns[r.insnIdx]!;
      if (r.kind === "map" || r.kind === "data") this.#mapRef(r, insn);
      else if (r.kind === "extern-ld64") this.#externRef(r, insn);
      else if (r.kind === "extern-call") this.#kfunc(r, insn);
    }
  }

  /** Map descriptors written into the code by hand name no map of the object: they stay descriptors. */
  #literalMaps(): void {
    const relocated = new Set(this.#relocs.map((r) => r.insnIdx));
    for (let i = 0; i < this.#insns.length; i++) {
      const insn = this.#insns[i]!;
      if (insn.code !== BPF_LD_IMM64) continue;
      if ((insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE) && !relocated.has(i))
        this.#insns[i] = { ...insn, imm: literalDescriptor(insn.imm, this.#state.maps.length) };
      i++;
    }
  }

  #pair(r: Reloc, lo: Partial<Insn>, hiImm: number | undefined): void {
    const hi = this.#insns[r.insnIdx + 1] ?? this.#fail(`insn #${r.insnIdx} (LDIMM64) is truncated`);
    this.#insns[r.insnIdx] = { ...this.#insns[r.insnIdx]!, ...lo };
    if (hiImm !== undefined) this.#insns[r.insnIdx + 1] = { ...hi, imm: hiImm | 0 };
  }

  #mapRef(r: Reloc, insn: Insn): void {
    if (!this.#state.maps[r.target]!.autocreate) {
      const call: Insn = { code: BPF_JMP | BPF_CALL, dst: 0, src: 0, off: 0, imm: POISON_MAP + r.target };
      this.#insns[r.insnIdx] = this.#insns[r.insnIdx + 1] = call;
    } else if (r.kind === "map") this.#pair(r, { src: BPF_PSEUDO_MAP_FD, imm: r.target }, undefined);
    else this.#pair(r, { src: BPF_PSEUDO_MAP_VALUE, imm: r.target }, insn.imm + r.symOff);
  }

  #externRef(r: Reloc, _insn: Insn): void {
    const ext = this.#state.externs[r.target]!;
    if (ext.kind === "kconfig")
      this.#pair(r, { src: BPF_PSEUDO_MAP_VALUE, imm: this.#state.maps.findIndex((m) => m.internal && m.secIdx === -1) }, ext.dataOff);
    else if (ext.typeId !== 0 && ext.isSet) this.#pair(r, { src: BPF_PSEUDO_BTF_ID, imm: ext.kernelBtfId }, 0);
    else this.#pair(r, { imm: Number(BigInt.asIntN(32, ext.address)) }, Number(BigInt.asIntN(32, ext.address >> 32n)));
  }

  #kfunc(r: Reloc, insn: Insn): void {
    const ext = this.#state.externs[r.target]!;
    this.#insns[r.insnIdx] = ext.isSet
      ? { ...insn, src: BPF_PSEUDO_KFUNC_CALL, imm: ext.kernelBtfId, off: 0 }
      : { code: BPF_JMP | BPF_CALL, dst: 0, src: 0, off: 0, imm: POISON_KFUNC + r.target };
  }

  /** Calls of helpers become calls of others, by number. */
  replaceHelpers(others: ReadonlyMap<number, number>): void {
    for (const [i, insn] of this.#insns.entries())
      if (insn.code === (BPF_JMP | BPF_CALL) && insn.src === 0 && insn.dst === 0)
        this.#insns[i] = { ...insn, imm: others.get(insn.imm) ?? insn.imm };
  }

  result(): LinkedProgram {
    return { insns: this.#insns, funcInfo: this.#funcInfo, lineInfo: this.#lineInfo, origin: this.#origin };
  }
}

const EXCEPTION_TAG = "exception_callback:";

/** The subprogram that a program names in its `exception_callback:` tag (bpf_prog_assign_exc_cb); none when several are named. */
function exceptionCallback(state: ObjectState, main: Func): Func | undefined {
  const btf = state.btf;
  const fnId: BtfId = btf?.find(main.name, K.FUNC) ?? 0;
  if (btf === undefined || fnId === 0) return undefined;
  const names = btf
    .declTags(fnId, -1)
    .filter((t) => t.startsWith(EXCEPTION_TAG))
    .map((t) => t.slice(EXCEPTION_TAG.length));
  if (names.length === 0) return undefined;
  const found = names.map((name) => {
    const fail = (why: string): never => refuse("exception-callback", `prog '${main.name}': ${why}`);
    if (btf.type(fnId).linkage !== 1) fail("exception_callback:<value> decl tag not applied to the main program");
    if (name === "") fail("exception_callback:<value> decl tag contains empty value");
    const func = state.funcs.find((f) => f.secIdx === state.textIdx && f.name === name) ?? fail(`cannot find exception callback '${name}'`);
    if (!func.global || func.hidden) fail(`exception callback ${name} must be a global non-hidden function`);
    return func;
  });
  return found.length === 1 ? found[0] : undefined;
}
