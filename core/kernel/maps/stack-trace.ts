// BPF_MAP_TYPE_STACK_TRACE (kernel/bpf/stackmap.c, 6.18): stacks by the hash of their addresses. It walks no stack.
import { E2BIG, EEXIST, EINVAL, ENOENT } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { indexBytes, u32 } from "./array.ts";
import { BpfMap, type MapHost, type SysResult } from "./map.ts";

/** Flags of bpf_get_stackid. */
export const BPF_F_FAST_STACK_CMP = 512,
  BPF_F_REUSE_STACKID = 1024;

export class StackTraceMap extends BpfMap {
  readonly #buckets: number;
  #stacks: ReadonlyMap<number, Uint8Array> = new Map();

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    this.#buckets = 2 ** Math.ceil(Math.log2(spec.maxEntries));
  }
  /** Most frames that fit. */
  get depth(): number {
    return this.valueSize / (this.spec.flags & 32 ? 32 : 8);
  }
  /** Keeps a stack; its id, or a negative errno when another stack has that id. */
  keep(stack: Uint8Array, hash: number, flags: number): number {
    const id = (hash & (this.#buckets - 1)) >>> 0;
    const old = this.#stacks.get(id);
    const equal =
      old !== undefined && (flags & BPF_F_FAST_STACK_CMP || (old.length === stack.length && old.every((b, i) => b === stack[i])));
    if (equal) return id;
    if (old !== undefined && !(flags & BPF_F_REUSE_STACKID)) return -EEXIST;
    this.#stacks = new Map(this.#stacks).set(id, stack.slice());
    return id;
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(key: Uint8Array): SysResult {
    const stack = this.#stacks.get(u32(key));
    if (!stack) return -ENOENT;
    const out = new Uint8Array(this.valueSize);
    out.set(stack);
    return out;
  }
  update(): number {
    return -EINVAL;
  }
  delete(key: Uint8Array): number {
    const id = u32(key);
    if (id >= this.#buckets) return -E2BIG;
    const stacks = new Map(this.#stacks);
    const had = stacks.delete(id);
    this.#stacks = stacks;
    return had ? 0 : -ENOENT;
  }
  override sysLookupAndDelete(key: Uint8Array): SysResult {
    const stack = this.sysLookup(key);
    if (typeof stack !== "number") this.delete(key);
    return stack;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    const from = key && this.#stacks.has(u32(key)) ? u32(key) + 1 : 0;
    const next = [...this.#stacks.keys()].filter((id) => id >= from).sort((a, b) => a - b)[0];
    return next === undefined ? -ENOENT : indexBytes(next);
  }
  override save(): unknown {
    return [this.frozen, this.#stacks];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#stacks] = state as [boolean, ReadonlyMap<number, Uint8Array>];
  }
}
