// Kernel pointers kept in map values (check_map_kptr_access, map_kptr_match_type, 6.18).
import { type Btf } from "../../object/index.ts";
import * as op from "../../isa/index.ts";
import { EACCES, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { checkPtrOff } from "../check/ptr-off.ts";
import { isNullReg } from "../check/regs.ts";
import type { Access } from "../transfer/mem.ts";
import { structRecord } from "./alloc-types.ts";
import { BPF_KPTR_PERCPU, BPF_KPTR_REF, BPF_KPTR_UNREF, BPF_UPTR, type BtfField } from "./record.ts";
import { inRcuSection } from "./struct-access.ts";
import { idsMatch } from "./struct-match.ts";

/** Kernel structures that a referenced kptr may be read of under RCU (rcu_protected_object). */
const RCU_PROTECTED = new Set(["prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"]);

const typeName = (f: BtfField): string => f.btf?.type(f.btfId).name ?? "";

export function checkKptrMatch(env: Env, field: BtfField, reg: Reg, regno: number): void {
  const unref = field.type === BPF_KPTR_UNREF;
  const btf = T.baseType(reg.type) === T.PTR_TO_BTF_ID ? (reg.obj as Btf) : null;
  let allowed: number;
  if (btf === env.kernelBtf) allowed = T.PTR_MAYBE_NULL | T.PTR_TRUSTED | T.MEM_RCU | (unref ? T.PTR_UNTRUSTED : 0);
  else allowed = T.PTR_MAYBE_NULL | T.MEM_ALLOC | (field.type === BPF_KPTR_PERCPU ? T.MEM_PERCPU : 0);
  const bad = (name: string): never => {
    const base = T.regTypeStr(T.PTR_TO_BTF_ID);
    const or = unref ? ` or ${T.regTypeStr(T.PTR_TO_BTF_ID | T.PTR_UNTRUSTED)}${typeName(field)}` : "";
    return env.fail(
      "kptr-type",
      EACCES,
      `invalid kptr access, R${regno} type=${T.regTypeStr(reg.type)}${name} expected=${base}${typeName(field)}${or}`,
    );
  };
  if (!btf || T.typeFlag(reg.type) & ~allowed) return bad("");
  checkPtrOff(env, reg, regno, true);
  if (!idsMatch(env, btf, reg.u1, reg.off, { btf: field.btf, id: field.btfId }, !unref)) bad(btf.type(reg.u1).name);
}

/** A load or store of a kptr field. */
export function checkKptrAccess(env: Env, a: Access, field: BtfField): void {
  const insn = env.insns[a.insnIdx]!;
  const cls = insn.code & 7;
  const fail = (text: string, errno: number): never => env.fail("kptr-access", errno, text);
  if ((insn.code & 0xe0) !== op.BPF_MEM) fail("kptr in map can only be accessed using BPF_MEM instruction mode", EACCES);
  if (cls !== op.BPF_LDX && (field.type === BPF_KPTR_REF || field.type === BPF_KPTR_PERCPU))
    fail("store to referenced kptr disallowed", EACCES);
  if (cls !== op.BPF_LDX && field.type === BPF_UPTR) fail("store to uptr disallowed", EACCES);
  if (cls === op.BPF_LDX) {
    env.regs[a.value] = field.type === BPF_UPTR ? uptr(env, field) : kptr(env, field);
  } else if (cls === op.BPF_STX) {
    if (!isNullReg(env, env.reg(a.value))) checkKptrMatch(env, field, env.reg(a.value), a.value);
  } else if (insn.imm) fail("BPF_ST imm must be 0 when storing to kptr at off=" + field.offset, EACCES);
}

function kptr(env: Env, field: BtfField): Reg {
  const btf = field.btf!;
  let flags = T.PTR_MAYBE_NULL;
  const own = btf !== env.kernelBtf;
  const safe = field.type === BPF_KPTR_PERCPU || (field.type === BPF_KPTR_REF && (own || RCU_PROTECTED.has(typeName(field))));
  if (safe && inRcuSection(env)) {
    flags |= T.MEM_RCU;
    if (field.type === BPF_KPTR_PERCPU) flags |= T.MEM_PERCPU;
    else if (own) flags |= T.MEM_ALLOC;
    if (own && structRecord(env, btf, field.btfId)) flags |= T.NON_OWN_REF;
  } else flags |= T.PTR_UNTRUSTED;
  const r = env.pointer(T.PTR_TO_BTF_ID | flags);
  r.obj = btf;
  r.u1 = field.btfId;
  r.id = ++env.idGen;
  return r;
}
function uptr(env: Env, field: BtfField): Reg {
  const r = env.pointer(T.PTR_TO_MEM | T.PTR_MAYBE_NULL);
  r.u1 = field.btf!.type(field.btfId).size;
  r.id = ++env.idGen;
  return r;
}
