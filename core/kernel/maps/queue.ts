// BPF_MAP_TYPE_QUEUE and STACK (kernel/bpf/queue_stack_maps.c, 6.18). They have no keys.
import { E2BIG, EINVAL, ENOENT } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { BPF_EXIST, BPF_NOEXIST, BpfMap, type MapHost, type SysResult } from "./map.ts";

export class QueueMap extends BpfMap {
  readonly #lifo: boolean;
  /** Oldest first; replaced, never changed, so that a saved one stays. */
  #items: readonly Uint8Array[] = [];

  constructor(id: number, spec: MapSpec, host: MapHost, lifo: boolean) {
    super(id, spec, host);
    this.#lifo = lifo;
  }
  override get takesNoFlags(): boolean {
    return true;
  }
  #push(value: Uint8Array, flags: number): number {
    if (flags & BPF_NOEXIST || flags > BPF_EXIST) return -EINVAL;
    const full = this.#items.length >= this.spec.maxEntries;
    if (full && !(flags & BPF_EXIST)) return -E2BIG;
    this.#items = [...(full ? this.#items.slice(1) : this.#items), value];
    return 0;
  }
  #next(): Uint8Array | undefined {
    return this.#lifo ? this.#items.at(-1) : this.#items[0];
  }
  #take(at: number, remove: boolean): number {
    const item = this.#next();
    this.host.memory.write(at, item ?? new Uint8Array(this.valueSize));
    if (!item) return -ENOENT;
    if (remove) this.#items = this.#lifo ? this.#items.slice(0, -1) : this.#items.slice(1);
    return 0;
  }
  override push(valueAt: number, flags: number): number {
    return this.#push(this.host.memory.read(valueAt, this.valueSize), flags);
  }
  override pop(valueAt: number): number {
    return this.#take(valueAt, true);
  }
  override peek(valueAt: number): number {
    return this.#take(valueAt, false);
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(): SysResult {
    return this.#next()?.slice() ?? -ENOENT;
  }
  override sysLookupAndDelete(): SysResult {
    const item = this.#next();
    if (!item) return -ENOENT;
    this.#items = this.#lifo ? this.#items.slice(0, -1) : this.#items.slice(1);
    return item.slice();
  }
  override sysUpdate(_key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.#push(value.slice(0, this.valueSize), flags);
  }
  update(): number {
    return -EINVAL;
  }
  delete(): number {
    return -EINVAL;
  }
  nextKey(): SysResult {
    return -EINVAL;
  }
  override save(): unknown {
    return [this.frozen, this.#items];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#items] = state as [boolean, readonly Uint8Array[]];
  }
}
