// BPF_MAP_TYPE_STRUCT_OPS (kernel/bpf/bpf_struct_ops.c, 6.18): one structure that goes from new to registered to gone. It calls no program of it.
import { E2BIG, EBUSY, EINPROGRESS, EINVAL, ENOENT, EOPNOTSUPP } from "../errno.ts";
import { u32 } from "./array.ts";
import { BpfMap, type SysResult } from "./map.ts";

const INIT = 0,
  IN_USE = 1,
  TO_BE_FREED = 2,
  READY = 3;
const BPF_F_LINK = 8192;
/** struct bpf_struct_ops_common: reference count and state, before the structure itself. */
const COMMON_BYTES = 8;

export class StructOpsMap extends BpfMap {
  #state = INIT;
  #value = new Uint8Array(0);

  get registered(): boolean {
    return this.#state === IN_USE;
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(key: Uint8Array, flags = 0): SysResult {
    if (flags) return -EINVAL;
    if (u32(key) !== 0) return -ENOENT;
    const out = new Uint8Array(this.valueSize);
    if (this.#state === INIT) return out;
    out.set(this.#value);
    new DataView(out.buffer).setUint32(4, this.#state, true);
    return out;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags) return -EINVAL;
    if (u32(key) !== 0) return -E2BIG;
    if (value.subarray(0, COMMON_BYTES).some((b) => b !== 0)) return -EINVAL;
    if (this.#state !== INIT) return -EBUSY;
    this.#value = value.slice(0, this.valueSize);
    this.#state = this.spec.flags & BPF_F_LINK ? READY : IN_USE;
    return 0;
  }
  delete(key: Uint8Array): number {
    if (this.spec.flags & BPF_F_LINK) return -EOPNOTSUPP;
    if (u32(key) !== 0 || this.#state === INIT) return -ENOENT;
    if (this.#state === TO_BE_FREED) return -EINPROGRESS;
    this.#state = TO_BE_FREED;
    return 0;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    return key && u32(key) === 0 ? -ENOENT : new Uint8Array(4);
  }
  override save(): unknown {
    return [this.frozen, this.#state, this.#value];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#state, this.#value] = state as [boolean, number, Uint8Array<ArrayBuffer>];
  }
}
