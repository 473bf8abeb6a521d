// BPF_MAP_TYPE_ARRAY and PERCPU_ARRAY (kernel/bpf/arraymap.c, 6.18). It holds values only, no descriptors.
import { MAP_TYPE } from "../../catalog/index.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { MAP_KIND_ARRAY, type Region } from "../../vm/index.ts";
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, BpfMap, round8, type MapHost, type SysResult } from "./map.ts";

/** The key after an index, as array_map_get_next_key gives it. */
export function nextIndex(key: Uint8Array | undefined, count: number): SysResult {
  const index = key ? u32(key) : 0xffffffff;
  const out = new Uint8Array(4);
  if (index >= count) return out;
  if (index === count - 1) return -ENOENT;
  new DataView(out.buffer).setUint32(0, index + 1, true);
  return out;
}
export const u32 = (b: Uint8Array): number => (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0;
export function indexBytes(index: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, index, true);
  return out;
}

export class ArrayMap extends BpfMap {
  readonly #values: Region;
  readonly #elem: number;

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    this.#elem = round8(spec.valueSize);
    this.#values = host.memory.alloc("map-value", `value of map ${spec.name || id}`, this.#elem * spec.maxEntries, {
      ...(spec.maxEntries > 1 ? { stride: this.#elem, span: spec.valueSize } : {}),
      owner: this,
    });
    if (spec.maxEntries === 1) host.memory.setBounds(this.#values, this.#values.start, this.#values.start + spec.valueSize);
    // Redirect maps hold elements that were never set, which a look-up does not find.
    if (spec.type === MAP_TYPE.ARRAY)
      this.describe(MAP_KIND_ARRAY, { table: this.#values.start, limit: spec.maxEntries, elem: this.#elem, cpuStep: 0 });
  }
  get base(): number {
    return this.#values.start;
  }
  get elemSize(): number {
    return this.#elem;
  }
  lookup(keyAt: number): number {
    const index = this.host.memory.view.getUint32(keyAt, true);
    return index < this.spec.maxEntries ? this.#values.start + index * this.#elem : 0;
  }
  override lookupBytes(key: Uint8Array): number {
    const index = u32(key);
    return index < this.spec.maxEntries ? this.#values.start + index * this.#elem : 0;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if ((flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    const index = u32(key);
    if (index >= this.spec.maxEntries) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    if (this.lockFault(flags)) return -EINVAL;
    this.writeValue(this.#values.start + index * this.#elem, value, false);
    return 0;
  }
  delete(_key: Uint8Array): number {
    return -EINVAL;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    return nextIndex(key, this.spec.maxEntries);
  }
  override valueAddress(off: number): number | undefined {
    return off < this.valueSize && this.spec.maxEntries === 1 ? this.#values.start + off : undefined;
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    return Array.from({ length: this.spec.maxEntries }, (_, i) => ({ key: indexBytes(i), valueAt: this.#values.start + i * this.#elem }));
  }
}

export class PercpuArrayMap extends BpfMap {
  readonly #values: Region;
  readonly #elem: number;

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    this.#elem = round8(spec.valueSize);
    this.#values = host.memory.alloc("map-value", `value of map ${spec.name || id}`, this.#elem * spec.maxEntries * host.cpus, {
      stride: this.#elem,
      span: spec.valueSize,
      owner: this,
    });
    const elem = this.#elem * host.cpus;
    this.describe(MAP_KIND_ARRAY, { table: this.#values.start, limit: spec.maxEntries, elem, cpuStep: this.#elem });
  }
  override get sysValueSize(): number {
    return this.#elem * this.host.cpus;
  }
  #at(index: number, cpu: number): number {
    return index < this.spec.maxEntries ? this.#values.start + (index * this.host.cpus + cpu) * this.#elem : 0;
  }
  lookup(keyAt: number): number {
    return this.#at(this.host.memory.view.getUint32(keyAt, true), this.host.cpu());
  }
  override lookupPercpu(keyAt: number, cpu: number): number {
    return cpu < this.host.cpus ? this.#at(this.host.memory.view.getUint32(keyAt, true), cpu) : 0;
  }
  override sysLookup(key: Uint8Array, flags = 0): SysResult {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    const at = this.#at(u32(key), 0);
    return at ? this.host.memory.read(at, this.sysValueSize) : -ENOENT;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    const at = this.#check(key, flags);
    if (at < 0) return at;
    this.host.memory.write(at + this.host.cpu() * this.#elem, value.subarray(0, this.valueSize));
    return 0;
  }
  override sysUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    const at = this.#check(key, flags);
    if (at < 0) return at;
    this.host.memory.write(at, value.subarray(0, this.sysValueSize));
    return 0;
  }
  #check(key: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    const index = u32(key);
    if (index >= this.spec.maxEntries) return -E2BIG;
    return flags === BPF_NOEXIST ? -EEXIST : this.#at(index, 0);
  }
  delete(_key: Uint8Array): number {
    return -EINVAL;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    return nextIndex(key, this.spec.maxEntries);
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    return Array.from({ length: this.spec.maxEntries }, (_, i) => ({ key: indexBytes(i), valueAt: this.#at(i, this.host.cpu()) }));
  }
}
