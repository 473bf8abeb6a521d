// Makes a map of the asked type, with the checks of its attributes (map_alloc_check of each type, 6.18). A type that is not simulated is an error with its name.
import { MAP_TYPE, MAP_TYPE_NAMES } from "../../catalog/index.ts";
import { CodedError } from "../../base/index.ts";
import { checkMap, type MapSpec } from "../../object/index.ts";
import { ArenaMap } from "./arena.ts";
import { ArrayMap, PercpuArrayMap } from "./array.ts";
import { BloomMap } from "./bloom.ts";
import { CgroupStorageMap } from "./cgroup-storage.ts";
import { HashMap } from "./hash.ts";
import { LocalStorageMap } from "./local-storage.ts";
import { LpmTrieMap } from "./lpm.ts";
import type { BpfMap, MapHost } from "./map.ts";
import { ArrayOfMaps, DevmapHash, CgroupArray, HashOfMaps, PerfEventArray, RedirectArray } from "./objects.ts";
import { ProgArrayMap } from "./prog-array.ts";
import { QueueMap } from "./queue.ts";
import { RingbufMap } from "./ringbuf.ts";
import { REUSEPORT, SOCK, SocketMap, SockHashMap, XSK } from "./sockets.ts";
import { StackTraceMap } from "./stack-trace.ts";
import { StructOpsMap } from "./struct-ops.ts";
import { UserRingbufMap } from "./user-ringbuf.ts";
import { EINVAL, EOVERFLOW } from "../errno.ts";

type Maker = (id: number, spec: MapSpec, host: MapHost) => BpfMap;

const MAKERS: Readonly<Record<number, Maker>> = {
  [MAP_TYPE.HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: false, lru: false }),
  [MAP_TYPE.PERCPU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: true, lru: false }),
  [MAP_TYPE.LRU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: false, lru: true }),
  [MAP_TYPE.LRU_PERCPU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: true, lru: true }),
  [MAP_TYPE.ARRAY]: (id, spec, host) => new ArrayMap(id, spec, host),
  [MAP_TYPE.PERCPU_ARRAY]: (id, spec, host) => new PercpuArrayMap(id, spec, host),
  [MAP_TYPE.PROG_ARRAY]: (id, spec, host) => new ProgArrayMap(id, spec, host),
  [MAP_TYPE.PERF_EVENT_ARRAY]: (id, spec, host) => new PerfEventArray(id, spec, host),
  [MAP_TYPE.ARRAY_OF_MAPS]: (id, spec, host) => new ArrayOfMaps(id, spec, host),
  [MAP_TYPE.HASH_OF_MAPS]: (id, spec, host) => new HashOfMaps(id, spec, host),
  [MAP_TYPE.DEVMAP]: (id, spec, host) => new RedirectArray(id, spec, host, (ifindex) => (host.hasDevice(ifindex) ? 0 : -EINVAL)),
  [MAP_TYPE.DEVMAP_HASH]: (id, spec, host) => new DevmapHash(id, spec, host, (ifindex) => (host.hasDevice(ifindex) ? 0 : -EINVAL)),
  [MAP_TYPE.CPUMAP]: (id, spec, host) => new RedirectArray(id, spec, host, (qsize) => (qsize > 16384 ? -EOVERFLOW : 0)),
  [MAP_TYPE.XSKMAP]: (id, spec, host) => new SocketMap(id, spec, host, XSK),
  [MAP_TYPE.SOCKMAP]: (id, spec, host) => new SocketMap(id, spec, host, SOCK),
  [MAP_TYPE.CGROUP_ARRAY]: (id, spec, host) => new CgroupArray(id, spec, host),
  [MAP_TYPE.REUSEPORT_SOCKARRAY]: (id, spec, host) => new SocketMap(id, spec, host, REUSEPORT),
  [MAP_TYPE.QUEUE]: (id, spec, host) => new QueueMap(id, spec, host, false),
  [MAP_TYPE.STACK]: (id, spec, host) => new QueueMap(id, spec, host, true),
  [MAP_TYPE.LPM_TRIE]: (id, spec, host) => new LpmTrieMap(id, spec, host),
  [MAP_TYPE.BLOOM_FILTER]: (id, spec, host) => new BloomMap(id, spec, host),
  [MAP_TYPE.STACK_TRACE]: (id, spec, host) => new StackTraceMap(id, spec, host),
  [MAP_TYPE.SOCKHASH]: (id, spec, host) => new SockHashMap(id, spec, host),
  [MAP_TYPE.CGROUP_STORAGE]: (id, spec, host) => new CgroupStorageMap(id, spec, host, false),
  [MAP_TYPE.PERCPU_CGROUP_STORAGE]: (id, spec, host) => new CgroupStorageMap(id, spec, host, true),
  [MAP_TYPE.SK_STORAGE]: (id, spec, host) => new LocalStorageMap(id, spec, host),
  [MAP_TYPE.INODE_STORAGE]: (id, spec, host) => new LocalStorageMap(id, spec, host),
  [MAP_TYPE.TASK_STORAGE]: (id, spec, host) => new LocalStorageMap(id, spec, host),
  [MAP_TYPE.CGRP_STORAGE]: (id, spec, host) => new LocalStorageMap(id, spec, host),
  [MAP_TYPE.STRUCT_OPS]: (id, spec, host) => new StructOpsMap(id, spec, host),
  [MAP_TYPE.USER_RINGBUF]: (id, spec, host) => new UserRingbufMap(id, spec, host),
  [MAP_TYPE.ARENA]: (id, spec, host) => new ArenaMap(id, spec, host),
  [MAP_TYPE.RINGBUF]: (id, spec, host) => new RingbufMap(id, spec, host),
};

/** Types that are simulated. */
export const SIMULATED_MAP_TYPES: readonly number[] = Object.keys(MAKERS).map(Number);

/** A new map, or a negative errno for attributes that the kernel refuses. Throws CodedError `unsupported-map-type` for a type that Linux 6.18 does not have. */
export function makeMap(id: number, spec: MapSpec, host: MapHost): BpfMap | number {
  const maker = MAKERS[spec.type];
  const error = -checkMap(spec);
  if (error) return error;
  if (!maker)
    throw new CodedError("unsupported-map-type", `map ${spec.name}: type ${MAP_TYPE_NAMES[spec.type] ?? spec.type} is not simulated`);
  return maker(id, spec, host);
}
export { BpfMap, type MapHost, type SysResult } from "./map.ts";
