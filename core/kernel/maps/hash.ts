// Hash maps: HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH (kernel/bpf/hashtab.c, 6.18). Order of iteration is that of insertion, which the kernel leaves undefined.
import { MAP_TYPE } from "../../catalog/index.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { MAP_KIND_HASH } from "../../vm/index.ts";
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, BpfMap, bytesOfKey, keyOf, keyOfBytes, round8, type MapHost, type SysResult } from "./map.ts";
import { ProbeTable } from "./probe.ts";
import { Slab, type SlabState } from "./slab.ts";

interface HashState {
  readonly frozen: boolean;
  readonly index: ReadonlyMap<number | string, number>;
  readonly slab: SlabState;
}

/** Types whose look-up gives the address of the stored value and does nothing else. */
const PROBED: ReadonlySet<number> = new Set([MAP_TYPE.HASH, MAP_TYPE.PERCPU_HASH, MAP_TYPE.DEVMAP_HASH]);

/** Behaviour that differs between the four types. */
export interface HashKind {
  readonly percpu: boolean;
  readonly lru: boolean;
}

export class HashMap extends BpfMap {
  readonly kind: HashKind;
  readonly #elem: number;
  #index = new Map<number | string, number>();
  readonly #slab: Slab;
  readonly #probe: ProbeTable | undefined;
  /** Where the last {@link nextKey} has come to. */
  #walk: { readonly at: number | string; readonly iterator: Iterator<number | string> } | undefined;
  /** The state that the last save handed out, while nothing has changed since. */
  #saved: HashState | undefined;

  constructor(id: number, spec: MapSpec, host: MapHost, kind: HashKind) {
    super(id, spec, host);
    this.kind = kind;
    this.#elem = round8(spec.valueSize);
    const bytes = this.#elem * (kind.percpu ? host.cpus : 1);
    this.#slab = new Slab(host.memory, `value of map ${spec.name || id}`, { bytes, stride: this.#elem, span: spec.valueSize }, this);
    // A look-up in an LRU map changes its order, and one in a hash of maps gives another map: only the map itself knows these.
    if (!PROBED.has(spec.type) || !ProbeTable.takes(spec.keySize)) return;
    const { keySize } = spec;
    this.describe(MAP_KIND_HASH, { table: 0, limit: 0, elem: 0, cpuStep: kind.percpu ? this.#elem : 0, keySize });
    this.#probe = new ProbeTable(host.memory, this.region.start, keySize);
  }
  #put(key: number | string, at: number): void {
    this.#index.set(key, at);
    this.#probe?.put(key, at);
  }
  #drop(key: number | string): void {
    this.#index.delete(key);
    this.#probe?.delete(key);
  }

  override get sysValueSize(): number {
    return this.kind.percpu ? this.#elem * this.host.cpus : this.valueSize;
  }
  get size(): number {
    return this.#index.size;
  }
  #find(key: number | string, touch: boolean): number {
    const at = this.#index.get(key);
    if (at === undefined) return 0;
    if (touch && this.kind.lru) {
      this.#index.delete(key);
      this.#index.set(key, at);
      this.#saved = undefined;
    }
    return at;
  }
  lookup(keyAt: number): number {
    const at = this.#find(keyOf(this.host.memory, keyAt, this.keySize), true);
    return at && this.kind.percpu ? at + this.host.cpu() * this.#elem : at;
  }
  override lookupPercpu(keyAt: number, cpu: number): number {
    const at = this.#find(keyOf(this.host.memory, keyAt, this.keySize), true);
    return at && this.kind.percpu && cpu < this.host.cpus ? at + cpu * this.#elem : 0;
  }
  override lookupBytes(key: Uint8Array): number {
    return this.#find(keyOfBytes(key), false);
  }
  override sysLookup(key: Uint8Array, flags = 0): SysResult {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    const at = this.#find(keyOfBytes(key), false);
    if (!at) return -ENOENT;
    return this.kind.percpu ? this.host.memory.read(at, this.sysValueSize) : this.readValue(at);
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.#store(key, value, flags, false);
  }
  override sysUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.#store(key, value, flags, true);
  }
  #store(key: Uint8Array, value: Uint8Array, flags: number, allCpus: boolean): number {
    if ((this.kind.percpu || this.kind.lru ? flags : flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    if (this.lockFault(flags)) return -EINVAL;
    const k = keyOfBytes(key);
    const old = this.#index.get(k);
    if (old !== undefined && (flags & ~BPF_F_LOCK) === BPF_NOEXIST) return -EEXIST;
    if (old === undefined && (flags & ~BPF_F_LOCK) === BPF_EXIST) return -ENOENT;
    this.#saved = undefined;
    if (old !== undefined && (this.kind.percpu || flags & BPF_F_LOCK)) {
      this.#write(old, value, allCpus, false);
      if (this.kind.lru) this.#find(k, true);
      return 0;
    }
    if (old === undefined && this.#index.size >= this.spec.maxEntries) {
      if (!this.kind.lru) return -E2BIG;
      this.#evict();
    }
    const at = this.#slab.take();
    this.#write(at, value, allCpus, true);
    if (old !== undefined) this.#give(old);
    if (this.kind.lru) this.#index.delete(k);
    this.#put(k, at);
    return 0;
  }
  /** A new per-CPU element that a program makes holds zeros on other CPUs. */
  #write(at: number, value: Uint8Array, allCpus: boolean, fresh: boolean): void {
    const { memory } = this.host;
    if (!this.kind.percpu) return this.writeValue(at, value, fresh);
    if (allCpus) return memory.write(at, value.subarray(0, this.sysValueSize));
    if (fresh) {
      memory.u8.fill(0, at, at + this.sysValueSize);
      memory.markDirty(at, this.sysValueSize);
    }
    memory.write(at + this.host.cpu() * this.#elem, value.subarray(0, this.valueSize));
  }
  #evict(): void {
    const first = this.#index.entries().next().value;
    if (!first) return;
    this.#index.delete(first[0]);
    this.#give(first[1]);
  }
  delete(key: Uint8Array): number {
    const k = keyOfBytes(key);
    const at = this.#index.get(k);
    if (at === undefined) return -ENOENT;
    this.#saved = undefined;
    this.#drop(k);
    this.#give(at);
    return 0;
  }
  #give(at: number): void {
    if (this.special.length) this.host.elementFreed(at, this.#elem);
    this.#slab.give(at);
  }
  override sysLookupAndDelete(key: Uint8Array, flags: number): SysResult {
    const value = this.sysLookup(key, flags);
    if (typeof value !== "number") this.delete(key);
    return value;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    const from = key && keyOfBytes(key);
    const iterator = this.#after(from);
    const next = iterator.next();
    this.#walk = next.done ? undefined : { at: next.value, iterator };
    return next.done ? -ENOENT : bytesOfKey(next.value, this.keySize);
  }
  /** The keys after one, or all when there is none such; who walks through the map goes on where he was. */
  #after(key: number | string | undefined): Iterator<number | string> {
    const isThere = key !== undefined && this.#index.has(key);
    if (isThere && this.#walk?.at === key) return this.#walk.iterator;
    const iterator = this.#index.keys();
    if (isThere) for (let n = iterator.next(); !n.done && n.value !== key;) n = iterator.next();
    return iterator;
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    const cpuOff = this.kind.percpu ? this.host.cpu() * this.#elem : 0;
    return [...this.#index].map(([k, at]) => ({ key: bytesOfKey(k, this.keySize), valueAt: at + cpuOff }));
  }
  override save(): HashState {
    this.#saved ??= { frozen: this.frozen, index: new Map(this.#index), slab: this.#slab.save() };
    return this.#saved;
  }
  override restore(state: unknown): void {
    const s = state as HashState;
    this.frozen = s.frozen;
    this.#index = new Map(s.index);
    this.#walk = undefined;
    this.#slab.restore(s.slab);
    this.#saved = s;
  }
}
