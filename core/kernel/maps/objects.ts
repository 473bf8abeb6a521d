// Maps that hold kernel objects: maps in maps, redirect targets, perf events (kernel/bpf/map_in_map.c, devmap.c, cpumap.c, 6.18). They hold no data of programs.
import { E2BIG, EBADF, EEXIST, EINVAL, ENOTSUPP } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { ArrayMap, indexBytes, u32 } from "./array.ts";
import { HashMap } from "./hash.ts";
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, BpfMap, type MapHost, type SysResult } from "./map.ts";
import type { Cgroup } from "../objects/index.ts";
import { ObjectArrayMap } from "./prog-array.ts";

/** The inner map must agree with the template in all that programs rely on (bpf_map_meta_equal). */
function fits(template: MapSpec | undefined, inner: MapSpec): boolean {
  return (
    !!template &&
    template.type === inner.type &&
    template.keySize === inner.keySize &&
    template.valueSize === inner.valueSize &&
    template.flags === inner.flags &&
    (inner.type !== 2 || (inner.flags & 4096) !== 0 || template.maxEntries === inner.maxEntries)
  );
}
function innerMap(map: BpfMap, fd: number): BpfMap | number {
  const inner = map.host.mapByFd(fd);
  return !inner ? -EBADF : fits(map.spec.inner, inner.spec) ? inner : -EINVAL;
}

export class ArrayOfMaps extends ObjectArrayMap<BpfMap> {
  protected resolve(value: Uint8Array): BpfMap | number {
    return innerMap(this, u32(value));
  }
  protected override idOf(object: BpfMap): number {
    return object.id;
  }
  override lookup(keyAt: number): number {
    return this.at(this.host.memory.view.getUint32(keyAt, true))?.region.start ?? 0;
  }
}

/** A hash whose 4-byte values are ids of maps; programs get the map itself. */
export class HashOfMaps extends HashMap {
  #inner = new Map<number, BpfMap>();
  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host, { percpu: false, lru: false });
  }
  override lookup(keyAt: number): number {
    const at = super.lookup(keyAt);
    return at ? (this.#inner.get(this.host.memory.view.getUint32(at, true))?.region.start ?? 0) : 0;
  }
  override update(): number {
    return -EINVAL;
  }
  override sysLookupAndDelete(): SysResult {
    return -ENOTSUPP;
  }
  override sysUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    const inner = innerMap(this, u32(value));
    if (typeof inner === "number") return inner;
    this.#inner = new Map(this.#inner).set(inner.id, inner);
    return super.update(key, indexBytes(inner.id), flags);
  }
}

/** Perf events of all CPUs are taken to be open: output always finds its ring. */
export class PerfEventArray extends ObjectArrayMap<object> {
  override sysLookup(): SysResult {
    return -ENOTSUPP;
  }
  protected resolve(): number {
    return -EBADF;
  }
}

/** DEVMAP and CPUMAP: an entry exists when its first word is not 0 (or, for CPUs, was set). */
export class RedirectArray extends ArrayMap {
  #set: ReadonlySet<number> = new Set();
  readonly #check: (first: number) => number;
  constructor(id: number, spec: MapSpec, host: MapHost, check: (first: number) => number) {
    super(id, spec, host);
    this.#check = check;
  }
  has(index: number): boolean {
    return this.#set.has(index);
  }
  override lookup(keyAt: number): number {
    return this.#set.has(this.host.memory.view.getUint32(keyAt, true)) ? super.lookup(keyAt) : 0;
  }
  override lookupBytes(key: Uint8Array): number {
    return this.#set.has(u32(key)) ? super.lookupBytes(key) : 0;
  }
  override update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    const index = u32(key);
    if (index >= this.spec.maxEntries) return -E2BIG;
    if (flags === BPF_NOEXIST) return -EEXIST;
    const error = u32(value) === 0 ? 0 : this.#check(u32(value));
    if (error) return error;
    const kept = stored(this, value);
    if (typeof kept === "number") return kept;
    const set = new Set(this.#set);
    if (u32(value) === 0) set.delete(index);
    else set.add(index);
    this.#set = set;
    this.host.memory.write(super.lookupBytes(key), kept);
    return 0;
  }
  override delete(key: Uint8Array): number {
    if (u32(key) >= this.spec.maxEntries) return -EINVAL;
    const set = new Set(this.#set);
    set.delete(u32(key));
    this.#set = set;
    return 0;
  }
  override save(): unknown {
    return [this.frozen, this.#set];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#set] = state as [boolean, ReadonlySet<number>];
  }
}

/** DEVMAP_HASH: any 32-bit number names a device. */
export class DevmapHash extends HashMap {
  readonly #check: (ifindex: number) => number;
  constructor(id: number, spec: MapSpec, host: MapHost, check: (ifindex: number) => number) {
    super(id, spec, host, { percpu: false, lru: false });
    this.#check = check;
  }
  has(index: number): boolean {
    return this.lookupBytes(indexBytes(index)) !== 0;
  }
  override update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST || u32(value) === 0) return -EINVAL;
    if (flags === BPF_NOEXIST && this.lookupBytes(key)) return -EEXIST;
    const kept = stored(this, value);
    return this.#check(u32(value)) || (typeof kept === "number" ? kept : super.update(key, kept, BPF_ANY));
  }
  override sysUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.update(key, value, flags);
  }
  override sysLookupAndDelete(): SysResult {
    return -ENOTSUPP;
  }
}
/** A struct bpf_devmap_val or bpf_cpumap_val as it is kept: the second word is the id of the program whose descriptor it was, or 0. */
function stored(map: BpfMap, value: Uint8Array): Uint8Array | number {
  const out = value.slice(0, map.valueSize);
  if (out.length < 8) return out;
  const fd = u32(value.subarray(4)) | 0;
  const program = fd > 0 ? (map.host.programByFd(fd) as { readonly id: number } | undefined) : undefined;
  if (fd > 0 && !program) return -EINVAL;
  out.set(indexBytes(program?.id ?? 0), 4);
  return out;
}

/** CGROUP_ARRAY: descriptors of cgroups (cgroup_fd_array_map_ops). */
export class CgroupArray extends ObjectArrayMap<Cgroup> {
  override sysLookup(): SysResult {
    return -ENOTSUPP;
  }
  protected resolve(value: Uint8Array): Cgroup | number {
    const object = this.host.objectByFd(u32(value) | 0);
    return object && "level" in object ? (object as Cgroup) : -EBADF;
  }
}
