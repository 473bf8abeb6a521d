// Which maps a loader's capabilities allow (map_create and htab_map_alloc_check, 6.18). It looks at nothing else of a map.
import type { Capabilities } from "../caps.ts";
import type { MapSpec } from "../spec.ts";
import { MAP_TYPE as M } from "./kinds.ts";

const ANYBODY: ReadonlySet<number> = new Set([
  ...[M.ARRAY, M.PERCPU_ARRAY, M.PROG_ARRAY, M.PERF_EVENT_ARRAY, M.CGROUP_ARRAY, M.ARRAY_OF_MAPS, M.HASH, M.PERCPU_HASH],
  ...[M.HASH_OF_MAPS, M.RINGBUF, M.USER_RINGBUF, M.CGROUP_STORAGE, M.PERCPU_CGROUP_STORAGE],
]);
const NET_ADMIN: ReadonlySet<number> = new Set([M.SOCKMAP, M.SOCKHASH, M.DEVMAP, M.DEVMAP_HASH, M.XSKMAP]);
const HASHES: ReadonlySet<number> = new Set([M.HASH, M.PERCPU_HASH, M.LRU_HASH, M.LRU_PERCPU_HASH, M.HASH_OF_MAPS]);
const BPF_F_ZERO_SEED = 64;

/** Whether a loader with these capabilities may create the map; the kernel answers EPERM when not. */
export function mayCreate({ type, flags }: MapSpec, may: Capabilities): boolean {
  if (NET_ADMIN.has(type)) return may.netAdmin;
  // CAP_SYS_ADMIN, which goes with CAP_PERFMON here.
  if (HASHES.has(type) && flags & BPF_F_ZERO_SEED && !may.perfmon) return false;
  return may.bpf || ANYBODY.has(type);
}
