// Arrays whose elements are descriptors: PROG_ARRAY, and the base of the other arrays of objects (kernel/bpf/arraymap.c, fd_array_map_*, 6.18). Programs can't read them.
import { E2BIG, EINVAL, ENOENT, ENOTSUPP } from "../errno.ts";
import { u32, nextIndex } from "./array.ts";
import { BPF_ANY, BpfMap, type SysResult } from "./map.ts";

/** An array of kernel objects by index. */
export abstract class ObjectArrayMap<T extends object> extends BpfMap {
  protected slots: (T | undefined)[] = [];

  /** The object that a descriptor names, or a negative errno. */
  protected abstract resolve(value: Uint8Array): T | number;
  /** What bpf(2) reads for an element, or a negative errno. */
  protected idOf(_object: T): number {
    return -ENOTSUPP;
  }
  lookup(_keyAt: number): number {
    return 0;
  }
  at(index: number): T | undefined {
    return index < this.spec.maxEntries ? this.slots[index] : undefined;
  }
  override sysLookup(key: Uint8Array): SysResult {
    const object = this.at(u32(key));
    if (!object) return -ENOENT;
    const id = this.idOf(object);
    if (id < 0) return id;
    const out = new Uint8Array(4);
    new DataView(out.buffer).setUint32(0, id, true);
    return out;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags !== BPF_ANY) return -EINVAL;
    const index = u32(key);
    if (index >= this.spec.maxEntries) return -E2BIG;
    const object = this.resolve(value);
    if (typeof object === "number") return object;
    this.slots = this.slots.slice();
    this.slots[index] = object;
    return 0;
  }
  delete(key: Uint8Array): number {
    const index = u32(key);
    if (index >= this.spec.maxEntries) return -E2BIG;
    if (!this.slots[index]) return -ENOENT;
    this.slots = this.slots.slice();
    this.slots[index] = undefined;
    return 0;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    return nextIndex(key, this.spec.maxEntries);
  }
  override save(): unknown {
    return { frozen: this.frozen, slots: this.slots };
  }
  override restore(state: unknown): void {
    const s = state as { frozen: boolean; slots: (T | undefined)[] };
    this.frozen = s.frozen;
    this.slots = s.slots;
  }
}

/** A loaded program as maps see it. */
export interface ProgramObject {
  readonly id: number;
}

export class ProgArrayMap extends ObjectArrayMap<ProgramObject> {
  protected resolve(value: Uint8Array): ProgramObject | number {
    return (this.host.programByFd(u32(value)) as ProgramObject | undefined) ?? -9;
  }
  protected override idOf(object: ProgramObject): number {
    return object.id;
  }
}
