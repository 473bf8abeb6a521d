// SK_STORAGE, INODE_STORAGE, TASK_STORAGE, CGRP_STORAGE (kernel/bpf/bpf_local_storage.c, 6.18): a value for each kernel object. It holds no object.
import { EBADF, EEXIST, EINVAL, ENOENT, ENOTSUPP } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { u32 } from "./array.ts";
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, BpfMap, round8, type MapHost, type SysResult } from "./map.ts";
import { Slab, type SlabState } from "./slab.ts";

/** Names an object among those of its sort: id of a socket or cgroup, pid, address of an inode. */
export type OwnerKey = number | bigint;

interface StorageState {
  readonly frozen: boolean;
  readonly values: ReadonlyMap<OwnerKey, number>;
  readonly slab: SlabState;
}

export class LocalStorageMap extends BpfMap {
  readonly #slab: Slab;
  #values: ReadonlyMap<OwnerKey, number> = new Map();

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    const bytes = round8(spec.valueSize);
    this.#slab = new Slab(host.memory, `value of map ${spec.name || id}`, { bytes, stride: bytes, span: spec.valueSize }, this);
  }
  /** Address of the object's value, or 0. */
  of(owner: OwnerKey): number {
    return this.#values.get(owner) ?? 0;
  }
  /** Stores a value for the object: its address, or a negative errno. */
  put(owner: OwnerKey, value: Uint8Array, flags: number): number {
    if ((flags & ~BPF_F_LOCK) > BPF_EXIST || this.lockFault(flags)) return -EINVAL;
    const old = this.#values.get(owner);
    const mode = flags & ~BPF_F_LOCK;
    if (old !== undefined && mode === BPF_NOEXIST) return -EEXIST;
    if (old === undefined && mode === BPF_EXIST) return -ENOENT;
    if (old !== undefined && flags & BPF_F_LOCK) {
      this.writeValue(old, value, false);
      return old;
    }
    const at = this.#slab.take();
    this.writeValue(at, value, true);
    if (old !== undefined) this.#slab.give(old);
    this.#values = new Map(this.#values).set(owner, at);
    return at;
  }
  remove(owner: OwnerKey): number {
    const at = this.#values.get(owner);
    if (at === undefined) return -ENOENT;
    const values = new Map(this.#values);
    values.delete(owner);
    this.#values = values;
    this.#slab.give(at);
    return 0;
  }
  #owner(key: Uint8Array): OwnerKey | number {
    return this.host.ownerByFd(u32(key) | 0, this.spec.type) ?? -EBADF;
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(key: Uint8Array, flags = 0): SysResult {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    const owner = this.#owner(key);
    if (owner < 0) return Number(owner);
    const at = this.of(owner);
    return at ? this.readValue(at) : -ENOENT;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    const owner = this.#owner(key);
    return owner < 0 ? Number(owner) : Math.min(0, this.put(owner, value, flags));
  }
  delete(key: Uint8Array): number {
    const owner = this.#owner(key);
    return owner < 0 ? Number(owner) : this.remove(owner);
  }
  nextKey(): SysResult {
    return -ENOTSUPP;
  }
  override save(): StorageState {
    return { frozen: this.frozen, values: this.#values, slab: this.#slab.save() };
  }
  override restore(state: unknown): void {
    const s = state as StorageState;
    this.frozen = s.frozen;
    this.#values = s.values;
    this.#slab.restore(s.slab);
  }
}
