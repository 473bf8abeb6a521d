// Which attributes of BPF_MAP_CREATE the kernel refuses, by map type (kernel/bpf/*map*.c, map_alloc_check and map_alloc, 6.18). It makes no maps.
import { MAP_TYPE as T } from "../../catalog/index.ts";
import type { MapSpec } from "../../object/index.ts";
import { E2BIG, EINVAL } from "../errno.ts";
import * as F from "./map.ts";

const ACCESS = F.BPF_F_RDONLY | F.BPF_F_WRONLY | F.BPF_F_RDONLY_PROG | F.BPF_F_WRONLY_PROG;
const KMALLOC_MAX = 4 << 20;

function badAccess(flags: number): boolean {
  const both = (a: number, b: number): boolean => (flags & a) !== 0 && (flags & b) !== 0;
  return both(F.BPF_F_RDONLY, F.BPF_F_WRONLY) || both(F.BPF_F_RDONLY_PROG, F.BPF_F_WRONLY_PROG);
}

type Check = (m: MapSpec) => number;

const array: Check = (m) => {
  const allowed = F.BPF_F_NUMA_NODE | F.BPF_F_MMAPABLE | ACCESS | F.BPF_F_PRESERVE_ELEMS | F.BPF_F_INNER_MAP;
  if (!m.maxEntries || m.keySize !== 4 || !m.valueSize || m.flags & ~allowed || badAccess(m.flags)) return -EINVAL;
  const percpu = m.type === T.PERCPU_ARRAY;
  if (m.type !== T.ARRAY && m.flags & (F.BPF_F_MMAPABLE | F.BPF_F_INNER_MAP)) return -EINVAL;
  if (m.type !== T.PERF_EVENT_ARRAY && m.flags & F.BPF_F_PRESERVE_ELEMS) return -EINVAL;
  if (m.valueSize > 0x7fffffff) return -E2BIG;
  return percpu && F.round8(m.valueSize) > 32768 ? -E2BIG : 0;
};

const objectArray: Check = (m) => (m.valueSize !== 4 || m.flags & (F.BPF_F_RDONLY_PROG | F.BPF_F_WRONLY_PROG) ? -EINVAL : array(m));

const hash: Check = (m) => {
  const percpu = m.type === T.PERCPU_HASH || m.type === T.LRU_PERCPU_HASH;
  const lru = m.type === T.LRU_HASH || m.type === T.LRU_PERCPU_HASH;
  const allowed = F.BPF_F_NO_PREALLOC | F.BPF_F_NO_COMMON_LRU | F.BPF_F_NUMA_NODE | ACCESS | F.BPF_F_ZERO_SEED;
  if (m.flags & ~allowed || badAccess(m.flags)) return -EINVAL;
  if (!lru && m.flags & F.BPF_F_NO_COMMON_LRU) return -EINVAL;
  if (lru && m.flags & F.BPF_F_NO_PREALLOC) return -524;
  if (!m.maxEntries || !m.keySize || !m.valueSize) return -EINVAL;
  if (m.keySize + m.valueSize >= KMALLOC_MAX - 64) return -E2BIG;
  return percpu && F.round8(m.valueSize) > 32768 ? -E2BIG : 0;
};

const queue: Check = (m) => {
  if (!m.maxEntries || m.keySize || !m.valueSize || m.flags & ~(F.BPF_F_NUMA_NODE | ACCESS) || badAccess(m.flags)) return -EINVAL;
  return m.valueSize > KMALLOC_MAX ? -E2BIG : 0;
};
const bloom: Check = (m) => {
  if (m.valueSize > KMALLOC_MAX) return -E2BIG;
  const allowed = F.BPF_F_NUMA_NODE | F.BPF_F_ZERO_SEED | ACCESS;
  return m.keySize || !m.valueSize || !m.maxEntries || m.flags & ~allowed || badAccess(m.flags) || m.mapExtra & ~0xfn ? -EINVAL : 0;
};
const trie: Check = (m) => {
  const allowed = F.BPF_F_NO_PREALLOC | F.BPF_F_NUMA_NODE | ACCESS;
  const bad = !m.maxEntries || !(m.flags & F.BPF_F_NO_PREALLOC) || m.flags & ~allowed || badAccess(m.flags);
  return bad || m.keySize < 5 || m.keySize > 260 || !m.valueSize ? -EINVAL : 0;
};
const redirectTargets: Check = (m) => {
  const sizes = m.type === T.CPUMAP || m.type === T.DEVMAP || m.type === T.DEVMAP_HASH ? [4, 8] : [4];
  const allowed = m.type === T.XSKMAP || m.type === T.CPUMAP ? F.BPF_F_NUMA_NODE : F.BPF_F_NUMA_NODE | F.BPF_F_RDONLY | F.BPF_F_WRONLY;
  return !m.maxEntries || m.keySize !== 4 || !sizes.includes(m.valueSize) || m.flags & ~allowed ? -EINVAL : 0;
};
const ringbuf: Check = (m) => {
  const power = (m.maxEntries & (m.maxEntries - 1)) === 0 && m.maxEntries % 4096 === 0;
  return m.keySize || m.valueSize || !m.maxEntries || !power || m.flags & ~F.BPF_F_NUMA_NODE ? -EINVAL : 0;
};

const CHECKS: Readonly<Record<number, Check>> = {
  [T.ARRAY]: array,
  [T.PERCPU_ARRAY]: array,
  [T.PROG_ARRAY]: objectArray,
  [T.PERF_EVENT_ARRAY]: objectArray,
  [T.CGROUP_ARRAY]: objectArray,
  [T.HASH]: hash,
  [T.PERCPU_HASH]: hash,
  [T.LRU_HASH]: hash,
  [T.LRU_PERCPU_HASH]: hash,
  [T.QUEUE]: queue,
  [T.STACK]: queue,
  [T.BLOOM_FILTER]: bloom,
  [T.LPM_TRIE]: trie,
  [T.DEVMAP]: redirectTargets,
  [T.DEVMAP_HASH]: redirectTargets,
  [T.CPUMAP]: redirectTargets,
  [T.XSKMAP]: redirectTargets,
  [T.RINGBUF]: ringbuf,
  [T.ARRAY_OF_MAPS]: (m) => (m.inner ? objectArray(m) : -EINVAL),
  [T.HASH_OF_MAPS]: (m) => (m.inner && m.valueSize === 4 ? hash(m) : -EINVAL),
};

/** 0, or the negative errno of BPF_MAP_CREATE. */
export function checkMap(spec: MapSpec, _cpus: number): number {
  return CHECKS[spec.type]?.(spec) ?? 0;
}
