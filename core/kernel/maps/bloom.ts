// BPF_MAP_TYPE_BLOOM_FILTER (kernel/bpf/bloom_filter.c, 6.18), kept exactly: it never says yes to what was not pushed, which the kernel's may.
import { EINVAL, ENOENT, EOPNOTSUPP } from "../errno.ts";
import { BPF_ANY, BpfMap, keyOf, keyOfBytes, type SysResult } from "./map.ts";

export class BloomMap extends BpfMap {
  #set = new Set<number | string>();
  /** Whether a saved state holds `#set`, so that a push must leave it alone. */
  #isShared = false;

  #add(key: number | string, flags: number): number {
    if (flags !== BPF_ANY) return -EINVAL;
    if (this.#isShared) this.#set = new Set(this.#set);
    this.#isShared = false;
    this.#set.add(key);
    return 0;
  }
  override push(valueAt: number, flags: number): number {
    return this.#add(keyOf(this.host.memory, valueAt, this.valueSize), flags);
  }
  override peek(valueAt: number): number {
    return this.#set.has(keyOf(this.host.memory, valueAt, this.valueSize)) ? 0 : -ENOENT;
  }
  lookup(): number {
    return 0;
  }
  /** As peek: bpf(2) passes the value to look for and gets it back. */
  override sysLookup(_key: Uint8Array, _flags = 0, value?: Uint8Array): SysResult {
    if (value?.length !== this.valueSize) return -EINVAL;
    return this.#set.has(keyOfBytes(value)) ? value.slice() : -ENOENT;
  }
  override sysUpdate(_key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.#add(keyOfBytes(value.subarray(0, this.valueSize)), flags);
  }
  update(): number {
    return -EINVAL;
  }
  delete(): number {
    return -EOPNOTSUPP;
  }
  nextKey(): SysResult {
    return -EOPNOTSUPP;
  }
  override save(): unknown {
    this.#isShared = true;
    return [this.frozen, this.#set];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#set] = state as [boolean, Set<number | string>];
    this.#isShared = true;
  }
}
