// Batch operations of bpf(2) on maps (kernel/bpf/syscall.c, generic_map_*_batch; kernel/bpf/hashtab.c, 6.18). It reads and writes no user memory.
import { MAP_TYPE as T } from "../catalog/index.ts";
import { EINVAL, ENOENT, ENOTSUPP, EPERM } from "./errno.ts";
import type { SimKernel } from "./kernel.ts";
import { BPF_F_LOCK, type BpfMap } from "./maps/map.ts";

/** What came of a batch; `count` is the one that was asked for when the kernel refused before it began. `keys` and `values` hold `count` elements one after the other; `next` is where the following batch begins. */
export interface BatchResult {
  /** 0 or a negative errno; -ENOENT when a look-up came to the end of the map. */
  readonly err: number;
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly next?: Uint8Array;
}
export interface BatchQuery {
  readonly count: number;
  /** Where the last batch ended; absent for the first one. */
  readonly from?: Uint8Array | undefined;
  readonly elemFlags?: number;
}

const HASHES: ReadonlySet<number> = new Set([T.HASH, T.PERCPU_HASH, T.LRU_HASH, T.LRU_PERCPU_HASH, T.HASH_OF_MAPS]);
const LOOKUP: ReadonlySet<number> = new Set([...HASHES, T.ARRAY, T.PERCPU_ARRAY, T.ARRAY_OF_MAPS, T.LPM_TRIE]);
const UPDATE: ReadonlySet<number> = new Set([...HASHES, T.ARRAY, T.PERCPU_ARRAY, T.ARRAY_OF_MAPS, T.LPM_TRIE]);
const DELETE: ReadonlySet<number> = new Set([...HASHES, T.LPM_TRIE]);
/** A position in a hash map is a number of 4 bytes. */
const POSITION_BYTES = 4;

const NOTHING = new Uint8Array(0);
const ended = (err: number, count = 0): BatchResult => ({ err, count, keys: NOTHING, values: NOTHING });
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => (out.set(p, at), at + p.length), 0);
  return out;
}
/** Why the operation is refused before it begins: a negative errno, or 0. */
function refusal(map: BpfMap, types: ReadonlySet<number>, writes: boolean, flags = 0): number {
  if (writes && !map.mayWrite()) return -EPERM;
  if (!types.has(map.spec.type)) return -ENOTSUPP;
  return flags & ~BPF_F_LOCK || map.lockFault(flags) ? -EINVAL : 0;
}

/** BPF_MAP_LOOKUP_BATCH and, with `remove`, BPF_MAP_LOOKUP_AND_DELETE_BATCH. */
export function lookupBatch(kernel: SimKernel, fd: number, query: BatchQuery, remove = false): BatchResult {
  const map = kernel.mapByFd(fd);
  const bad = !map ? -EINVAL : refusal(map, remove ? HASHES : LOOKUP, remove, query.elemFlags);
  if (!map || bad || query.count === 0) return ended(bad, query.count);
  return HASHES.has(map.spec.type) ? hashBatch(map, query, remove) : genericBatch(map, query);
}
function genericBatch(map: BpfMap, query: BatchQuery): BatchResult {
  const keys: Uint8Array[] = [],
    values: Uint8Array[] = [];
  let at = query.from;
  let err = 0;
  while (keys.length < query.count) {
    const key = map.nextKey(at);
    if (typeof key === "number") {
      err = key;
      break;
    }
    const value = map.sysLookup(key, query.elemFlags);
    if (typeof value !== "number") {
      keys.push(key);
      values.push(value);
    } else if (value !== -ENOENT) return ended(value, 0);
    at = key;
  }
  return { err, count: keys.length, keys: joined(keys), values: joined(values), ...(keys.length && at ? { next: at } : {}) };
}
/** Elements by their position in the map's order; removal leaves those behind it in their places of the next batch. */
function hashBatch(map: BpfMap, query: BatchQuery, remove: boolean): BatchResult {
  const view = query.from && new DataView(query.from.buffer, query.from.byteOffset);
  const start = view ? view.getUint32(0, true) : 0;
  const all = map.entries();
  const chosen = all.slice(start, start + query.count);
  const keys = chosen.map((e) => e.key);
  const values = keys.map((key) => map.sysLookup(key, query.elemFlags) as Uint8Array);
  if (remove) for (const key of keys) map.sysDelete(key);
  const isEnd = start + chosen.length >= all.length;
  const next = new Uint8Array(POSITION_BYTES);
  new DataView(next.buffer).setUint32(0, remove ? start : start + chosen.length, true);
  return { err: isEnd ? -ENOENT : 0, count: chosen.length, keys: joined(keys), values: joined(values), next };
}
/** BPF_MAP_UPDATE_BATCH: how many elements were stored, and the errno that ended it. */
export function updateBatch(
  kernel: SimKernel,
  fd: number,
  elements: { keys: Uint8Array; values: Uint8Array; count: number; elemFlags?: number },
): BatchResult {
  const map = kernel.mapByFd(fd);
  const bad = !map ? -EINVAL : refusal(map, UPDATE, true, elements.elemFlags);
  if (!map || bad) return ended(bad, elements.count);
  const flags = elements.elemFlags ?? 0;
  return each(elements.count, (i) => map.sysUpdate(part(elements.keys, i, map.keySize), part(elements.values, i, map.sysValueSize), flags));
}
/** BPF_MAP_DELETE_BATCH. */
export function deleteBatch(kernel: SimKernel, fd: number, elements: { keys: Uint8Array; count: number; elemFlags?: number }): BatchResult {
  const map = kernel.mapByFd(fd);
  const bad = !map ? -EINVAL : refusal(map, DELETE, true, elements.elemFlags);
  if (!map || bad) return ended(bad, elements.count);
  return each(elements.count, (i) => map.sysDelete(part(elements.keys, i, map.keySize)));
}
const part = (bytes: Uint8Array, i: number, size: number): Uint8Array => bytes.subarray(i * size, (i + 1) * size);
function each(count: number, operation: (i: number) => number): BatchResult {
  for (let i = 0; i < count; i++) {
    const err = operation(i);
    if (err) return ended(err, i);
  }
  return ended(0, count);
}
