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
};

/** 0, or the negative errno of BPF_MAP_CREATE. */
export function checkMap(spec: MapSpec, _cpus: number): number {
  return CHECKS[spec.type]?.(spec) ?? 0;
}
