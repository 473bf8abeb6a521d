// Loads through pointers to kernel structures and allocated objects (check_ptr_to_btf_access, check_ptr_to_map_access, 6.18).
import { MAP_TYPE as MT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf } from "../../object/index.ts";
import { EACCES, EINVAL, ENOTSUPP, EPERM, Unsupported, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { tnumStr } from "../log/format.ts";
import type { MapInfo } from "../maps/map-info.ts";
import type { Access } from "../transfer/mem.ts";
import { structRecord } from "./alloc-types.ts";
import { fieldTypeName } from "./record.ts";
import { accessStruct } from "./struct-walk.ts";
import { isRcuReg, isTrustedReg, RCU_AND_TRUST } from "./trust.ts";

/** Fields that keep trust when they are followed, by the structure's name (BTF_TYPE_SAFE_*, kernel/bpf/verifier.c, 6.18). */
const SAFE_RCU: Readonly<Record<string, readonly string[]>> = {
  task_struct: ["cpus_ptr", "cgroups", "real_parent", "group_leader"],
  cgroup: ["kn"],
  css_set: ["dfl_cgrp"],
  cgroup_subsys_state: ["cgroup"],
};
const SAFE_RCU_OR_NULL: Readonly<Record<string, readonly string[]>> = {
  mm_struct: ["exe_file", "owner"],
  sk_buff: ["sk"],
  request_sock: ["sk"],
};
const SAFE_TRUSTED: Readonly<Record<string, readonly string[]>> = {
  bpf_iter_meta: ["seq"],
  bpf_iter__task: ["meta", "task"],
  linux_binprm: ["file"],
  file: ["f_inode"],
};
const SAFE_TRUSTED_OR_NULL: Readonly<Record<string, readonly string[]>> = {
  socket: ["sk"],
  dentry: ["d_inode"],
  vm_area_struct: ["vm_mm", "vm_file"],
};

export const inRcuSection = (env: Env): boolean => env.cur.activeRcuLocks > 0 || env.cur.activeLocks > 0 || !env.inSleepable();

/** mark_btf_ld_reg. */
function loaded(env: Env, what: "scalar" | "ptr" | "mem", btf: Btf, id: number, flags: number): Reg {
  if (what === "scalar") return env.unknownScalar();
  const r = env.pointer((what === "ptr" ? T.PTR_TO_BTF_ID : T.PTR_TO_MEM) | flags);
  if (what === "mem") return r;
  r.obj = btf;
  r.u1 = id;
  if (T.mayBeNull(flags)) r.id = ++env.idGen;
  return r;
}

export function checkBtfAccess(env: Env, a: Access, off: number): void {
  const reg = env.reg(a.regno);
  const btf = reg.obj as Btf;
  const name = btf.type(reg.u1).name;
  const fail = (text: string, errno = EACCES): never => env.fail("btf-access", errno, text);
  if (!env.allowPtrLeaks) fail(`'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`, EPERM);
  if (!env.gplCompatible && btf === env.kernelBtf) fail(`Cannot access kernel 'struct ${name}' from non-GPL compatible program`, EINVAL);
  if (off < 0) fail(`R${a.regno} is ptr_${name} invalid negative access: off=${off}`);
  if (!env.D.isConst(reg.s) || !env.D.isZero(reg.s))
    fail(`R${a.regno} is ptr_${name} invalid variable offset: off=${off}, var_off=${tnumStr(env.D.fields(reg.s))}`);
  if (reg.type & T.MEM_USER) fail(`R${a.regno} is ptr_${name} access user memory: off=${off}`);
  if (reg.type & T.MEM_PERCPU) fail(`R${a.regno} is ptr_${name} access percpu memory: off=${off}`);
  if (a.write && !(reg.type & T.MEM_ALLOC)) return checkKernelWrite(env, btf, reg.u1, off, a.size);
  if (a.write && !T.isPtrAllocObj(reg.type)) fail("only read is supported");
  if (reg.type & T.MEM_ALLOC) {
    for (const f of structRecord(env, btf, reg.u1)?.fields ?? [])
      if (off < f.offset + f.size && f.offset < off + a.size) fail(`direct access to ${fieldTypeName(f.type)} is disallowed`);
  }
  const w = accessStruct(btf, reg.u1, off, a.size);
  if (w.what === "error") return fail(w.text, w.errno);
  if (a.write || a.value < 0) return;
  if (w.what === "scalar" || (w.what === "ptr" && reg.type & T.MEM_ALLOC)) env.regs[a.value] = env.unknownScalar();
  else if (w.what === "untrusted-ptr") env.regs[a.value] = loaded(env, "mem", btf, 0, T.MEM_RDONLY | T.PTR_UNTRUSTED);
  else env.regs[a.value] = loaded(env, "ptr", btf, w.id, trustOf(env, reg, name, w.field, w.flags));
}

/** Writes into kernel structures that some program types may make. */
function checkKernelWrite(env: Env, btf: Btf, id: number, off: number, size: number): void {
  const type = env.prog.type;
  if (env.attach.structOps) return env.attach.structOps.write(env, btf.type(id), off, size);
  if (type === PT.XDP || type === PT.SCHED_CLS || type === PT.SCHED_ACT) throw new Unsupported("btf-struct-write");
  env.fail("btf-access", EACCES, "only read is supported");
}

/** Flags of the pointer that was read from a field. */
function trustOf(env: Env, reg: Reg, struct: string, field: string, found: number): number {
  const has = (table: Readonly<Record<string, readonly string[]>>): boolean => table[struct]?.includes(field) ?? false;
  if (reg.type & T.PTR_UNTRUSTED) return T.PTR_UNTRUSTED;
  if (!isTrustedReg(reg) && !isRcuReg(reg)) return found & ~RCU_AND_TRUST;
  if (has(SAFE_TRUSTED)) return found | T.PTR_TRUSTED;
  if (has(SAFE_TRUSTED_OR_NULL)) return found | T.PTR_TRUSTED | T.PTR_MAYBE_NULL;
  if (!inRcuSection(env) || T.mayBeNull(reg.type)) return T.PTR_UNTRUSTED;
  if (has(SAFE_RCU)) return found | T.MEM_RCU;
  if (found & T.MEM_RCU || has(SAFE_RCU_OR_NULL)) {
    const flags = found | T.MEM_RCU | T.PTR_MAYBE_NULL;
    return has(SAFE_RCU_OR_NULL) ? flags & ~T.PTR_UNTRUSTED : flags;
  }
  return found & (T.MEM_PERCPU | T.MEM_USER) ? found : found & ~RCU_AND_TRUST;
}

const MAP_STRUCTS: Readonly<Record<number, string>> = {
  [MT.HASH]: "bpf_htab",
  [MT.ARRAY]: "bpf_array",
  [MT.PROG_ARRAY]: "bpf_array",
  [MT.PERF_EVENT_ARRAY]: "bpf_array",
  [MT.PERCPU_HASH]: "bpf_htab",
  [MT.PERCPU_ARRAY]: "bpf_array",
  [MT.STACK_TRACE]: "bpf_stack_map",
  [MT.CGROUP_ARRAY]: "bpf_array",
  [MT.LRU_HASH]: "bpf_htab",
  [MT.LRU_PERCPU_HASH]: "bpf_htab",
  [MT.LPM_TRIE]: "lpm_trie",
  [MT.ARRAY_OF_MAPS]: "bpf_array",
  [MT.HASH_OF_MAPS]: "bpf_htab",
  [MT.DEVMAP]: "bpf_dtab",
  [MT.SOCKMAP]: "bpf_stab",
  [MT.CPUMAP]: "bpf_cpu_map",
  [MT.XSKMAP]: "xsk_map",
  [MT.SOCKHASH]: "bpf_shtab",
  [MT.REUSEPORT_SOCKARRAY]: "reuseport_array",
  [MT.QUEUE]: "bpf_queue_stack",
  [MT.STACK]: "bpf_queue_stack",
  [MT.SK_STORAGE]: "bpf_local_storage_map",
  [MT.DEVMAP_HASH]: "bpf_dtab",
  [MT.RINGBUF]: "bpf_ringbuf_map",
  [MT.INODE_STORAGE]: "bpf_local_storage_map",
  [MT.TASK_STORAGE]: "bpf_local_storage_map",
  [MT.BLOOM_FILTER]: "bpf_bloom_filter",
  [MT.USER_RINGBUF]: "bpf_ringbuf_map",
  [MT.CGRP_STORAGE]: "bpf_local_storage_map",
  [MT.ARENA]: "bpf_arena",
  [MT.CGROUP_STORAGE]: "bpf_cgroup_storage_map",
  [MT.PERCPU_CGROUP_STORAGE]: "bpf_cgroup_storage_map",
};

/** Reads of the map's own fields through a map pointer. */
export function checkMapPtrAccess(env: Env, a: Access, off: number): void {
  const map = env.reg(a.regno).obj as MapInfo;
  const btf = env.kernelBtf;
  if (!btf) throw new Unsupported("kernel-btf");
  const name = MAP_STRUCTS[map.type];
  const id = name ? btf.find(name, BTF_KIND.STRUCT) : 0;
  if (!id) env.fail("map-ptr-access", ENOTSUPP, `map_ptr access not supported for map type ${map.type}`);
  if (!env.allowPtrLeaks) env.fail("map-ptr-access", EPERM, `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  if (off < 0) env.fail("map-ptr-access", EACCES, `R${a.regno} is ${name} invalid negative access: off=${off}`);
  if (a.write) env.fail("map-ptr-access", EACCES, `only read from ${name} is supported`);
  const w = accessStruct(btf, id, off, a.size);
  if (w.what === "error") return env.fail("map-ptr-access", w.errno, w.text);
  if (a.value < 0) return;
  if (w.what === "scalar") env.regs[a.value] = env.unknownScalar();
  else if (w.what === "ptr") env.regs[a.value] = loaded(env, "ptr", btf, w.id, w.flags);
  else env.regs[a.value] = loaded(env, "mem", btf, 0, T.MEM_RDONLY | T.PTR_UNTRUSTED);
}
