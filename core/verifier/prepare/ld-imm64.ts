// Resolves what 64-bit constants refer to and which maps a program may use (resolve_pseudo_ldimm64, check_map_prog_compatibility, 6.18).
import * as op from "../../isa/index.ts";
import { MAP_TYPE as MT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, descriptorOf, type Btf } from "../../object/index.ts";
import { E2BIG, EBUSY, EINVAL, ENOENT, ENOTSUPP, EPERM, EPROTO, ERANGE, Unsupported, type Env } from "../env.ts";
import { MEM_PERCPU, MEM_RDONLY, PTR_TO_BTF_ID, PTR_TO_MEM } from "../domain/reg-types.ts";
import { BPF_LIST_HEAD, BPF_RB_ROOT, BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, BPF_TIMER, BPF_WORKQUEUE, hasField } from "../btf/record.ts";
import type { MapInfo } from "../maps/map-info.ts";

const EBADF = 9;
const MAX_USED_MAPS = 64;
const BPF_MAX_VAR_OFF = 1 << 29;
const PAGE_SIZE = 4096;

const TRACING: ReadonlySet<number> = new Set([PT.KPROBE, PT.TRACEPOINT, PT.PERF_EVENT, PT.RAW_TRACEPOINT, PT.RAW_TRACEPOINT_WRITABLE]);
const SLEEPABLE_MAPS: ReadonlySet<number> = new Set([
  MT.HASH,
  MT.LRU_HASH,
  MT.ARRAY,
  MT.PERCPU_HASH,
  MT.PERCPU_ARRAY,
  MT.LRU_PERCPU_HASH,
  MT.ARRAY_OF_MAPS,
  MT.HASH_OF_MAPS,
  MT.RINGBUF,
  MT.USER_RINGBUF,
  MT.INODE_STORAGE,
  MT.SK_STORAGE,
  MT.TASK_STORAGE,
  MT.CGRP_STORAGE,
  MT.QUEUE,
  MT.STACK,
  MT.ARENA,
]);

function checkMapForProg(env: Env, map: MapInfo): void {
  const type = env.prog.type;
  if (hasField(map.record, BPF_LIST_HEAD | BPF_RB_ROOT) && TRACING.has(type))
    env.fail("map-in-tracing", EINVAL, "tracing progs cannot use bpf_{list_head,rb_root} yet");
  if (hasField(map.record, BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) {
    if (type === PT.SOCKET_FILTER) env.fail("map-spin-lock", EINVAL, "socket filter progs cannot use bpf_spin_lock yet");
    if (TRACING.has(type)) env.fail("map-spin-lock", EINVAL, "tracing progs cannot use bpf_spin_lock yet");
  }
  if (hasField(map.record, BPF_TIMER) && TRACING.has(type)) env.fail("map-in-tracing", EINVAL, "tracing progs cannot use bpf_timer yet");
  if (hasField(map.record, BPF_WORKQUEUE) && TRACING.has(type)) env.fail("map-in-tracing", EINVAL, "tracing progs cannot use bpf_wq yet");
  if (map.type === MT.STRUCT_OPS) env.fail("map-struct-ops", EINVAL, "bpf_struct_ops map cannot be used in prog");
  if (env.sleepable && !SLEEPABLE_MAPS.has(map.type))
    env.fail("map-sleepable", EINVAL, "Sleepable programs can only use array, hash, ringbuf and local storage maps");
  const cgroup = map.type === MT.CGROUP_STORAGE || map.type === MT.PERCPU_CGROUP_STORAGE;
  if (cgroup && env.usedMaps.some((m) => m.type === map.type))
    env.fail("map-cgroup-storage", EBUSY, "only one cgroup storage of each type is allowed");
  if (map.type === MT.ARENA) {
    if (env.arena) env.fail("map-arena", EBUSY, "Only one arena per program");
    if (!env.allowPtrLeaks || !env.bpfCapable) env.fail("map-arena", EPERM, "CAP_BPF and CAP_PERFMON are required to use arena");
    env.arena = map;
    if (map.spec.mapExtra === 0n && !map.spec.userMapped)
      env.fail("map-arena", EINVAL, "arena's user address must be set via map_extra or mmap()");
  }
}

function useMap(env: Env, index: number): MapInfo {
  const map = env.maps[index];
  if (!map) {
    const fd = descriptorOf(index, env.maps.length);
    // The standard ones are open, but no maps.
    return env.fail("map-fd", fd >= 0 && fd <= 2 ? EINVAL : EBADF, `fd ${fd} is not pointing to valid bpf_map`);
  }
  if (env.usedMaps.includes(map)) return map;
  if (env.usedMaps.length >= MAX_USED_MAPS)
    env.fail("too-many-maps", E2BIG, `The total number of maps per program has reached the limit of ${MAX_USED_MAPS}`);
  checkMapForProg(env, map);
  env.usedMaps.push(map);
  return map;
}

/** map_direct_value_addr: the offset lies in the value of a map with one. */
function checkDirectValue(env: Env, map: MapInfo, off: number): void {
  if (off >= BPF_MAX_VAR_OFF) env.fail("map-direct-value", EINVAL, `direct value offset of ${off} is not allowed`);
  if (!map.hasDirectValue) env.fail("map-direct-value", EINVAL, "no direct value access support for this map type");
  const words = `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`;
  if (map.type === MT.ARENA) {
    if (off > map.maxEntries * PAGE_SIZE) env.fail("map-direct-value", ERANGE, words);
    return;
  }
  if (map.maxEntries !== 1) env.fail("map-direct-value", ENOTSUPP, words);
  if (off >= map.valueSize) env.fail("map-direct-value", EINVAL, words);
}

/** __check_pseudo_btf_id: a kernel variable's or function's address. */
function kernelSymbol(env: Env, i: number, moduleFd: number): void {
  if (moduleFd) env.fail("ksym", EINVAL, "invalid module BTF object FD specified.");
  const btf: Btf | undefined = env.kernelBtf;
  if (!btf) throw new Unsupported("kernel-btf");
  const insn = env.insns[i]!;
  const aux = env.aux[i]!;
  const id = insn.imm;
  if (id < 0 || id >= btf.typeCount) env.fail("ksym", ENOENT, `ldimm64 insn specifies invalid btf_id ${id}.`);
  const t = btf.type(id);
  if (t.kind !== BTF_KIND.VAR && t.kind !== BTF_KIND.FUNC)
    env.fail("ksym", EINVAL, `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  if (t.kind === BTF_KIND.FUNC) {
    aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
    aux.btfVarSize = 0;
    return;
  }
  const percpu = inPercpuSection(btf, id);
  const target = btf.type(btf.resolve(t.type));
  if (percpu) {
    aux.btfVarType = PTR_TO_BTF_ID | MEM_PERCPU;
    aux.btfVarId = t.type;
  } else if (target.kind !== BTF_KIND.STRUCT && target.kind !== BTF_KIND.UNION) {
    aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
    aux.btfVarSize = btf.sizeOf(t.type);
  } else {
    aux.btfVarType = PTR_TO_BTF_ID;
    aux.btfVarId = target.id;
  }
}

const percpuVars = new WeakMap<Btf, ReadonlySet<number>>();
function inPercpuSection(btf: Btf, id: number): boolean {
  let vars = percpuVars.get(btf);
  if (!vars) {
    const section = btf.find(".data..percpu", BTF_KIND.DATASEC);
    vars = new Set(section ? btf.type(section).vars.map((v) => v.type) : []);
    percpuVars.set(btf, vars);
  }
  return vars.has(id);
}

export function resolveLdImm64(env: Env): void {
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insns[i]!;
    const mode = insn.code & 0xe0;
    if ((insn.code & 7) === op.BPF_LDX && ((mode !== op.BPF_MEM && mode !== op.BPF_MEMSX) || insn.imm !== 0))
      env.fail("reserved-fields", EINVAL, "BPF_LDX uses reserved fields");
    if (!op.isLdImm64(insn)) {
      if (!isKnownOpcode(insn.code)) env.fail("unknown-opcode", EINVAL, `unknown opcode ${insn.code.toString(16).padStart(2, "0")}`);
      continue;
    }
    const next = env.insns[i + 1];
    if (!next || next.code || next.dst || next.src || next.off) env.fail("ld-imm64", EINVAL, "invalid bpf_ld_imm64 insn");
    resolveOne(env, i, insn, next!.imm);
    i++;
  }
}

function resolveOne(env: Env, i: number, insn: op.Insn, nextImm: number): void {
  if (insn.src === 0 || insn.src === op.BPF_PSEUDO_FUNC) return;
  if (insn.src === op.BPF_PSEUDO_BTF_ID) return kernelSymbol(env, i, nextImm);
  const isValue = insn.src === op.BPF_PSEUDO_MAP_VALUE || insn.src === op.BPF_PSEUDO_MAP_IDX_VALUE;
  const isMap = insn.src === op.BPF_PSEUDO_MAP_FD || insn.src === op.BPF_PSEUDO_MAP_IDX;
  if (!isValue && !(isMap && nextImm === 0)) env.fail("ld-imm64", EINVAL, "unrecognized bpf_ld_imm64 insn");
  if (insn.src === op.BPF_PSEUDO_MAP_IDX || insn.src === op.BPF_PSEUDO_MAP_IDX_VALUE)
    env.fail("ld-imm64", EPROTO, "fd_idx without fd_array is invalid");
  const aux = env.aux[i]!;
  aux.map = useMap(env, insn.imm);
  if (!isValue) return;
  checkDirectValue(env, aux.map, nextImm >>> 0);
  aux.mapOff = nextImm;
}

/** bpf_opcode_in_insntable. */
function isKnownOpcode(code: number): boolean {
  const cls = code & 7;
  const kind = code & 0xf0;
  switch (cls) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
      if (kind === op.BPF_NEG) return (code & 8) === 0;
      if (kind === op.BPF_END) return cls === op.BPF_ALU || (code & 8) === 0;
      return kind <= op.BPF_END;
    case op.BPF_JMP:
      if (kind === op.BPF_CALL || kind === op.BPF_EXIT || kind === op.BPF_JA) return (code & 8) === 0;
      return kind <= op.BPF_JSLE || code === (op.BPF_JMP | op.BPF_JCOND);
    case op.BPF_JMP32:
      if (kind === op.BPF_JA) return (code & 8) === 0;
      return kind !== op.BPF_CALL && kind !== op.BPF_EXIT && kind <= op.BPF_JSLE;
    case op.BPF_STX:
      if ((code & 0xe0) === op.BPF_ATOMIC) return true;
      return (code & 0xe0) === op.BPF_MEM;
    case op.BPF_ST:
      return (code & 0xe0) === op.BPF_MEM;
    case op.BPF_LDX:
      return (code & 0xe0) === op.BPF_MEM || ((code & 0xe0) === op.BPF_MEMSX && (code & 0x18) !== op.BPF_DW);
    default: {
      const mode = code & 0xe0;
      return ((mode === op.BPF_ABS || mode === op.BPF_IND) && (code & 0x18) !== op.BPF_DW) || code === op.BPF_LD_IMM64;
    }
  }
}
