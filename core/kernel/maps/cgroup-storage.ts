// CGROUP_STORAGE and PERCPU_CGROUP_STORAGE (kernel/bpf/local_storage.c, 6.18): a value for each cgroup that a program is attached to. It attaches nothing.
import { EINVAL, ENOENT } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { BPF_EXIST, BPF_F_LOCK, BpfMap, bytesOfKey, keyOfBytes, round8, type MapHost, type SysResult } from "./map.ts";
import { Slab, type SlabState } from "./slab.ts";

interface State {
  readonly frozen: boolean;
  readonly values: ReadonlyMap<number | string, number>;
  readonly slab: SlabState;
}

export class CgroupStorageMap extends BpfMap {
  readonly #percpu: boolean;
  readonly #elem: number;
  readonly #slab: Slab;
  #values: ReadonlyMap<number | string, number> = new Map();

  constructor(id: number, spec: MapSpec, host: MapHost, percpu: boolean) {
    super(id, spec, host);
    this.#percpu = percpu;
    this.#elem = round8(spec.valueSize);
    const bytes = this.#elem * (percpu ? host.cpus : 1);
    this.#slab = new Slab(host.memory, `value of map ${spec.name || id}`, { bytes, stride: this.#elem, span: spec.valueSize }, this);
  }
  override get sysValueSize(): number {
    return this.#percpu ? this.#elem * this.host.cpus : this.valueSize;
  }
  /** The key of a cgroup and attach type, in the form that the map was made with. */
  keyFor(cgroup: bigint, attachType: number): Uint8Array {
    const key = new Uint8Array(this.keySize);
    const view = new DataView(key.buffer);
    view.setBigUint64(0, cgroup, true);
    if (this.keySize === 16) view.setUint32(8, attachType, true);
    return key;
  }
  /** Address of the value of an attachment, which is made when it is not there, as seen by the running CPU. */
  attach(key: Uint8Array): number {
    const k = keyOfBytes(key);
    let at = this.#values.get(k);
    if (at === undefined) {
      at = this.fresh();
      this.#values = new Map(this.#values).set(k, at);
    }
    return this.seen(at);
  }
  /** A zeroed value that no key leads to, as a test run has one. */
  fresh(): number {
    const at = this.#slab.take();
    this.host.memory.write(at, new Uint8Array(this.sysValueSize));
    return at;
  }
  /** The part of a value that the running CPU sees. */
  seen(at: number): number {
    return at + (this.#percpu ? this.host.cpu() * this.#elem : 0);
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(key: Uint8Array, flags = 0): SysResult {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    const at = this.#values.get(keyOfBytes(key));
    return at === undefined ? -ENOENT : this.host.memory.read(at, this.sysValueSize);
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    const known = this.#percpu ? BPF_EXIST | 0 : BPF_F_LOCK | BPF_EXIST;
    if (this.#percpu ? flags !== 0 && flags !== BPF_EXIST : flags & ~known) return -EINVAL;
    if (this.lockFault(flags)) return -EINVAL;
    const at = this.#values.get(keyOfBytes(key));
    if (at === undefined) return -ENOENT;
    this.host.memory.write(at, value.subarray(0, this.sysValueSize));
    return 0;
  }
  delete(): number {
    return -EINVAL;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    const keys = [...this.#values.keys()];
    if (keys.length === 0) return -ENOENT;
    const index = key ? keys.indexOf(keyOfBytes(key)) : -1;
    if (key && index < 0) return -ENOENT;
    const next = keys[index + 1];
    return next === undefined ? -ENOENT : bytesOfKey(next, this.keySize);
  }
  override save(): State {
    return { frozen: this.frozen, values: this.#values, slab: this.#slab.save() };
  }
  override restore(state: unknown): void {
    const s = state as State;
    this.frozen = s.frozen;
    this.#values = s.values;
    this.#slab.restore(s.slab);
  }
}
