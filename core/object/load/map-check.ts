// Whether the kernel creates a map: the checks of map_create and of each type's map_alloc_check and map_alloc (6.18) as data. It knows no memory limits and creates nothing.
import { CheckEnv, BtfRefused, E2BIG, EINVAL, ENOTSUPP, VOID } from "../btf/check/env.ts";
import { FIELD, Fields, IN_MAPS, KPTR } from "../btf/check/fields.ts";
import { BTF_KIND as K, type Btf } from "../btf/btf.ts";
import type { BtfBlob } from "../btf/reader.ts";
import type { MapSpec } from "../spec.ts";
import { MAP_TYPE as M } from "./kinds.ts";

const ERANGE = 34,
  EACCES = 13,
  EOPNOTSUPP = 95;
const F = {
  NO_PREALLOC: 1,
  NO_COMMON_LRU: 2,
  NUMA_NODE: 4,
  RDONLY: 8,
  WRONLY: 16,
  STACK_BUILD_ID: 32,
  ZERO_SEED: 64,
  RDONLY_PROG: 128,
  WRONLY_PROG: 256,
  CLONE: 512,
  MMAPABLE: 1024,
  PRESERVE_ELEMS: 2048,
  INNER_MAP: 4096,
  LINK: 8192,
  VTYPE_BTF_OBJ_FD: 1 << 15,
  SEGV_ON_FAULT: 1 << 17,
  NO_USER_CONV: 1 << 18,
} as const;
const FROM_PROGRAM = F.RDONLY_PROG | F.WRONLY_PROG;
const ACCESS = F.RDONLY | F.WRONLY | FROM_PROGRAM;
const PAGE = 4096;
const KMALLOC_MAX = 1 << 22;
const PER_CPU_MAX = 32768;
/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE. */
const STORAGE_MAX = 0xffff - 64;
const HASH_ELEM = 48;
const MAX_STACK_DEPTH = 127;
/** CONFIG_NR_CPUS of the kernel whose types are bundled. */
const NR_CPUS = 256;

/** What one type of map takes. */
interface Rule {
  readonly flags: number;
  /** Flags that must be there. */
  readonly needs?: number;
  readonly key: (size: number) => boolean;
  readonly value: (size: number) => boolean;
  /** Whether a number of entries is lawful; by default any but 0. */
  readonly entries?: (n: number, spec: MapSpec) => boolean;
  /** Asked before the rest: a positive errno, or 0. */
  readonly first?: (spec: MapSpec) => number;
  /** What else is refused: a positive errno, or 0. Asked after the rest. */
  readonly also?: (spec: MapSpec) => number;
}
const is =
  (...sizes: number[]) =>
  (size: number): boolean =>
    sizes.includes(size);
const some = (size: number): boolean => size !== 0;
const none = (n: number): boolean => n === 0;
const tooBig = (wrong: boolean): number => (wrong ? E2BIG : 0);
const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;

const hash = (percpu: boolean, lru: boolean): Rule => ({
  flags: F.NO_PREALLOC | F.NO_COMMON_LRU | F.NUMA_NODE | ACCESS | F.ZERO_SEED,
  key: some,
  value: some,
  also: (s) => {
    if (!lru && s.flags & F.NO_COMMON_LRU) return EINVAL;
    if (s.flags & F.NUMA_NODE && (percpu || s.flags & F.NO_COMMON_LRU)) return EINVAL;
    return tooBig(s.keySize + s.valueSize >= KMALLOC_MAX - HASH_ELEM || (percpu && roundUp8(s.valueSize) > PER_CPU_MAX));
  },
});
const array = (own: number, value: (n: number) => boolean, percpu = false): Rule => ({
  flags: F.NUMA_NODE | ACCESS | own,
  key: is(4),
  value,
  also: (s) => {
    if (percpu && s.flags & F.NUMA_NODE) return EINVAL;
    return tooBig(s.valueSize > 0x7fffffff || (percpu && roundUp8(s.valueSize) > PER_CPU_MAX));
  },
});
/** Arrays that hold descriptors: programs may not be kept from writing or reading. */
const descriptors = (own = 0): Rule => ({ ...array(own, is(4)), flags: F.NUMA_NODE | F.RDONLY | F.WRONLY | own });
const ring: Rule = {
  flags: F.NUMA_NODE,
  key: none,
  value: none,
  entries: (n) => n !== 0 && n % PAGE === 0 && Number.isInteger(Math.log2(n)),
};
const queue: Rule = {
  flags: F.NUMA_NODE | ACCESS,
  key: none,
  value: some,
  also: (s) => tooBig(s.valueSize > KMALLOC_MAX || s.maxEntries >= Math.floor(0xffffffff / s.valueSize)),
};
const storage: Rule = {
  flags: F.NO_PREALLOC | F.CLONE,
  needs: F.NO_PREALLOC,
  key: is(4),
  value: some,
  entries: none,
  also: (s) => (s.btfKeyTypeId === 0 || s.btfValueTypeId === 0 ? EINVAL : tooBig(s.valueSize > STORAGE_MAX)),
};
const cgroupStorage = (percpu: boolean): Rule => ({
  flags: F.NUMA_NODE | ACCESS,
  key: is(8, 16),
  value: some,
  entries: none,
  first: (s) =>
    s.keySize !== 8 && s.keySize !== 16 ? EINVAL : tooBig(s.valueSize > (percpu ? Math.min(STORAGE_MAX, PER_CPU_MAX) : STORAGE_MAX)),
});
const devmap = (isHash: boolean): Rule => ({
  flags: F.NUMA_NODE | F.RDONLY | F.WRONLY,
  key: is(4),
  value: is(4, 8),
  entries: (n) => n !== 0 && (!isHash || n <= 0x80000000),
});

const RULES: Readonly<Record<number, Rule>> = {
  [M.HASH]: hash(false, false),
  [M.ARRAY]: array(F.MMAPABLE | F.INNER_MAP, some),
  [M.PROG_ARRAY]: descriptors(),
  [M.PERF_EVENT_ARRAY]: descriptors(F.PRESERVE_ELEMS),
  [M.PERCPU_HASH]: hash(true, false),
  [M.PERCPU_ARRAY]: array(0, some, true),
  [M.STACK_TRACE]: {
    flags: F.NUMA_NODE | F.RDONLY | F.WRONLY | F.STACK_BUILD_ID,
    key: is(4),
    value: (n) => n >= 8 && n % 8 === 0,
    also: (s) => {
      const each = s.flags & F.STACK_BUILD_ID ? 32 : 8;
      if (s.valueSize % each || s.valueSize / each > MAX_STACK_DEPTH) return EINVAL;
      return tooBig(s.maxEntries > 0x80000000);
    },
  },
  [M.CGROUP_ARRAY]: descriptors(),
  [M.LRU_HASH]: hash(false, true),
  [M.LRU_PERCPU_HASH]: hash(true, true),
  [M.LPM_TRIE]: {
    flags: F.NO_PREALLOC | F.NUMA_NODE | ACCESS,
    needs: F.NO_PREALLOC,
    key: (n) => n >= 5 && n <= 4 + 256,
    value: (n) => n >= 1 && n <= KMALLOC_MAX - 256 - 40,
  },
  [M.ARRAY_OF_MAPS]: descriptors(),
  [M.HASH_OF_MAPS]: { ...hash(false, false), value: is(4) },
  [M.DEVMAP]: devmap(false),
  [M.SOCKMAP]: { flags: F.NUMA_NODE | F.RDONLY | F.WRONLY, key: is(4), value: is(4, 8) },
  [M.CPUMAP]: { flags: F.NUMA_NODE, key: is(4), value: is(4, 8), also: (s) => tooBig(s.maxEntries > NR_CPUS) },
  [M.XSKMAP]: { flags: F.NUMA_NODE | F.RDONLY | F.WRONLY, key: is(4), value: is(4) },
  [M.SOCKHASH]: { flags: F.NUMA_NODE | F.RDONLY | F.WRONLY, key: some, value: is(4, 8), also: (s) => tooBig(s.keySize > 512) },
  [M.CGROUP_STORAGE]: cgroupStorage(false),
  [M.REUSEPORT_SOCKARRAY]: array(0, is(4, 8)),
  [M.PERCPU_CGROUP_STORAGE]: cgroupStorage(true),
  [M.QUEUE]: queue,
  [M.STACK]: queue,
  [M.SK_STORAGE]: storage,
  [M.DEVMAP_HASH]: devmap(true),
  [M.RINGBUF]: ring,
  [M.INODE_STORAGE]: storage,
  [M.TASK_STORAGE]: storage,
  [M.BLOOM_FILTER]: {
    flags: F.NUMA_NODE | F.ZERO_SEED | ACCESS,
    key: none,
    value: some,
    first: (s) => tooBig(s.valueSize > KMALLOC_MAX),
    also: (s) => (s.mapExtra & ~15n ? EINVAL : 0),
  },
  [M.USER_RINGBUF]: ring,
  [M.CGRP_STORAGE]: storage,
  [M.ARENA]: {
    flags: F.SEGV_ON_FAULT | F.MMAPABLE | F.NO_USER_CONV,
    needs: F.MMAPABLE,
    key: none,
    value: none,
    also: (s) => {
      if (s.mapExtra & BigInt(PAGE - 1)) return EINVAL;
      const range = BigInt(s.maxEntries) * BigInt(PAGE);
      if (range > 1n << 32n) return E2BIG;
      return s.mapExtra >> 32n === (s.mapExtra + range - 1n) >> 32n ? 0 : ERANGE;
    },
  },
};
const EXTRA: ReadonlySet<number> = new Set([M.BLOOM_FILTER, M.ARENA]);
const TAKES_INNER: ReadonlySet<number> = new Set([M.ARRAY_OF_MAPS, M.HASH_OF_MAPS]);

/** Positive errno with which BPF_MAP_CREATE refuses the map on a machine with memory to spare, 0 when it creates it. Its BTF is looked at by {@link checkMapBtf}. */
export function checkMap(spec: MapSpec): number {
  const { flags } = spec;
  if (spec.btfKeyTypeId !== 0 && spec.btfValueTypeId === 0) return EINVAL;
  if (!EXTRA.has(spec.type) && spec.mapExtra !== 0n) return EINVAL;
  if ((flags & (F.RDONLY | F.WRONLY)) === (F.RDONLY | F.WRONLY)) return EINVAL;
  if (spec.type === M.STRUCT_OPS) return checkStructOps(spec, flags);
  const rule = RULES[spec.type];
  if (rule === undefined) return EINVAL;
  const early = rule.first?.(spec) ?? 0;
  if (early !== 0) return early;
  const lru = spec.type === M.LRU_HASH || spec.type === M.LRU_PERCPU_HASH;
  const bad = flags & ~rule.flags || (rule.needs ?? 0) & ~flags || (flags & FROM_PROGRAM) === FROM_PROGRAM;
  if (bad) return EINVAL;
  if (lru && flags & F.NO_PREALLOC) return ENOTSUPP;
  const entries = rule.entries ?? some;
  if (!rule.key(spec.keySize) || !rule.value(spec.valueSize) || !entries(spec.maxEntries, spec)) return EINVAL;
  const errno = rule.also?.(spec) ?? 0;
  if (errno !== 0) return errno;
  return TAKES_INNER.has(spec.type) && spec.inner === undefined ? EINVAL : 0;
}

function checkStructOps(spec: MapSpec, flags: number): number {
  return spec.keySize === 4 && spec.maxEntries === 1 && !(flags & ~(F.LINK | F.VTYPE_BTF_OBJ_FD)) && spec.structOps ? 0 : EINVAL;
}

/** Types that may hold each sort of field (map_check_btf). */
const HASHES = [M.HASH, M.LRU_HASH, M.ARRAY];
const STORAGES = [M.SK_STORAGE, M.INODE_STORAGE, M.TASK_STORAGE, M.CGRP_STORAGE];
const HOLDERS: readonly (readonly [fields: number, types: readonly number[]])[] = [
  [FIELD.SPIN_LOCK | FIELD.RES_SPIN_LOCK, [M.HASH, M.ARRAY, M.CGROUP_STORAGE, ...STORAGES]],
  [FIELD.TIMER | FIELD.WORKQUEUE | FIELD.TASK_WORK | FIELD.LIST_HEAD | FIELD.RB_ROOT, HASHES],
  [KPTR | FIELD.REFCOUNT, [...HASHES, M.PERCPU_HASH, M.LRU_PERCPU_HASH, M.PERCPU_ARRAY, ...STORAGES]],
  [FIELD.UPTR, [M.TASK_STORAGE]],
];
const KEY_MAY_LACK: ReadonlySet<number> = new Set([M.ARRAY, M.PERCPU_ARRAY, M.BLOOM_FILTER, M.ARENA]);
const INT_KEY: ReadonlySet<number> = new Set([M.ARRAY, M.PERCPU_ARRAY, ...STORAGES]);
/** Types that take no BTF at all (map_check_no_btf). */
const NO_BTF: ReadonlySet<number> = new Set([
  M.PERF_EVENT_ARRAY,
  M.CGROUP_ARRAY,
  M.ARRAY_OF_MAPS,
  M.HASH_OF_MAPS,
  M.STACK_TRACE,
  M.DEVMAP,
  M.DEVMAP_HASH,
  M.CPUMAP,
]);

/** Positive errno with which the kernel refuses the map's key and value types (map_check_btf), 0 when it takes them or there are none. `btf` is one that it took. */
export function checkMapBtf(spec: MapSpec, btf: BtfBlob, kernel?: Btf): number {
  if (spec.btfValueTypeId === 0) return 0;
  const { type } = spec;
  const keyId = btf.resolve(spec.btfKeyTypeId);
  const valueId = btf.resolve(spec.btfValueTypeId);
  if (keyId === 0 ? !KEY_MAY_LACK.has(type) && !NO_BTF.has(type) : sizeOf(btf, keyId) !== spec.keySize) return EINVAL;
  if (sizeOf(btf, valueId) !== spec.valueSize) return EINVAL;
  const errno = checkFields(spec, btf, valueId, kernel);
  if (errno !== 0) return errno;
  if (NO_BTF.has(type)) return ENOTSUPP;
  const key = btf.type(keyId);
  if (keyId === 0) {
    if (type === M.BLOOM_FILTER || type === M.ARENA) return 0;
    return type === M.ARRAY && spec.maxEntries === 1 && btf.kind(valueId) === K.DATASEC ? 0 : EINVAL;
  }
  if (type === M.BLOOM_FILTER) return EINVAL;
  if (INT_KEY.has(type)) return key.kind === K.INT && key.bits === 32 && key.bitOffset === 0 ? 0 : EINVAL;
  if (type === M.LPM_TRIE) return key.kind === K.STRUCT ? 0 : EINVAL;
  return 0;
}

function sizeOf(btf: BtfBlob, id: number): number | undefined {
  const kind = btf.kind(id);
  return kind === K.FWD || kind === K.FUNC || kind === K.FUNC_PROTO || id === 0 ? undefined : btf.sizeOf(id);
}

function checkFields(spec: MapSpec, btf: BtfBlob, valueId: number, kernel: Btf | undefined): number {
  const all = fieldsOf(spec, btf, valueId, kernel);
  if (all === 0) return 0;
  if (spec.flags & FROM_PROGRAM) return EACCES;
  return HOLDERS.some(([fields, types]) => all & fields && !types.includes(spec.type)) ? EOPNOTSUPP : 0;
}
/** Kinds of special fields in a map's value, as bits of FIELD. Where the kernel refuses one, there are none: the map is created, and a program that uses the field is refused later. */
function fieldsOf(spec: MapSpec, btf: BtfBlob, valueId: number, kernel: Btf | undefined): number {
  const kind = btf.kind(valueId);
  if (kind !== K.STRUCT && kind !== K.UNION && kind !== K.DATASEC) return 0;
  const env = new CheckEnv(btf.bytes, btf.layout.littleEndian);
  env.strOff = btf.layout.strOff;
  env.strLen = btf.layout.strLen;
  for (let id = 1; id < btf.typeCount; id++) env.types.push(btf.offsetOf(id));
  try {
    return new Fields(env, kernel).parse(env.byId(valueId) ?? VOID, IN_MAPS, spec.valueSize).reduce((all, f) => all | f.type, 0);
  } catch (e) {
    if (e instanceof BtfRefused) return 0;
    throw e;
  }
}
/** Whether the value of a map holds a struct bpf_spin_lock. */
export const hasSpinLock = (spec: MapSpec, btf: BtfBlob, kernel?: Btf): boolean =>
  spec.btfValueTypeId !== 0 && (fieldsOf(spec, btf, btf.resolve(spec.btfValueTypeId), kernel) & FIELD.SPIN_LOCK) !== 0;
