// What all maps have in common: identity, checks of flags, the view of programs and of the bpf(2) system call. It stores nothing itself.
import type { MapSpec } from "../../object/index.ts";
import { MAP_KIND, type Memory, type Region } from "../../vm/index.ts";
import type { SpecialField } from "./special-fields.ts";
import { EINVAL, ENOENT, ENOTSUPP, EOPNOTSUPP, EPERM } from "../errno.ts";

export const BPF_ANY = 0,
  BPF_NOEXIST = 1,
  BPF_EXIST = 2,
  BPF_F_LOCK = 4;
export const BPF_F_NO_PREALLOC = 1,
  BPF_F_NO_COMMON_LRU = 2,
  BPF_F_NUMA_NODE = 4,
  BPF_F_RDONLY = 8,
  BPF_F_WRONLY = 16,
  BPF_F_STACK_BUILD_ID = 32;
export const BPF_F_ZERO_SEED = 64,
  BPF_F_RDONLY_PROG = 128,
  BPF_F_WRONLY_PROG = 256,
  BPF_F_CLONE = 512,
  BPF_F_MMAPABLE = 1024,
  BPF_F_PRESERVE_ELEMS = 2048,
  BPF_F_INNER_MAP = 4096;

/** What a map needs from the kernel that owns it. */
export interface MapHost {
  readonly memory: Memory;
  readonly cpus: number;
  /** CPU that runs now. */
  cpu(): number;
  random(): number;
  /** Id of the object (map or program) behind a descriptor, for maps that hold them; undefined when there is none. */
  mapByFd(fd: number): BpfMap | undefined;
  programByFd(fd: number): object | undefined;
  /** Any other object with a descriptor: socket, cgroup, task. */
  objectByFd(fd: number): object | undefined;
  /** What names the owner of a local storage in a map of this type; undefined or a negative errno when the descriptor is none of such an object. */
  ownerByFd(fd: number, mapType: number): number | bigint | undefined;
  /** Memory of an element goes: timers and work inside it go with it. */
  elementFreed(at: number, bytes: number): void;
  /** Whether a network device with this index exists. */
  hasDevice(ifindex: number): boolean;
}

/** Where compiled code finds elements; the words are those of MAP_KIND in core/vm/layout.ts. */
export interface MapPlace {
  readonly table: number;
  readonly limit: number;
  readonly elem: number;
  readonly cpuStep: number;
  /** Bytes of a hash map's key. */
  readonly keySize?: number;
}

/** Result of a system call: bytes, or a negative errno. */
export type SysResult = Uint8Array | number;

/**
 * One map. Methods return 0 or a negative errno, addresses are offsets in linear memory (0: none).
 * `lookup`, `update`, `delete` are the programs' side, `sys*` the side of bpf(2) (kernel/bpf/syscall.c, 6.18).
 */
export abstract class BpfMap {
  readonly id: number;
  readonly spec: MapSpec;
  readonly host: MapHost;
  /** Stands for struct bpf_map; its address is what ld_imm64 of the map gives. */
  readonly region: Region;
  frozen = false;
  /** Locks, timers, lists and pointers in the value: copies pass over them. */
  special: readonly SpecialField[] = [];

  constructor(id: number, spec: MapSpec, host: MapHost) {
    this.id = id;
    this.spec = spec;
    this.host = host;
    this.region = host.memory.alloc("map", `map ${spec.name || id}`, 256, { writable: false, slow: true, owner: this });
  }

  /** Writes down for compiled code how elements are found (MAP_KIND and its words in core/vm/layout.ts). */
  protected describe(kind: number, place: MapPlace): void {
    const { table, limit, elem, cpuStep, keySize = 0 } = place;
    const tail = keySize % 4;
    const words = [kind, table, limit, elem, cpuStep, Math.ceil(keySize / 4), tail ? (1 << (8 * tail)) - 1 : -1];
    this.host.memory.write(this.region.start + MAP_KIND, new Uint8Array(Int32Array.from(words).buffer));
  }
  get name(): string {
    return this.spec.name;
  }
  get keySize(): number {
    return this.spec.keySize;
  }
  get valueSize(): number {
    return this.spec.valueSize;
  }
  /** Bytes of a value as bpf(2) sees it: per-CPU maps have one value a CPU, each rounded up to 8. */
  get sysValueSize(): number {
    return this.valueSize;
  }

  /** Address of the value for the key at `keyAt`, or 0. */
  abstract lookup(keyAt: number): number;
  abstract update(key: Uint8Array, value: Uint8Array, flags: number): number;
  abstract delete(key: Uint8Array): number;
  /** The key after `key` (undefined: the first), or a negative errno. */
  abstract nextKey(key: Uint8Array | undefined): SysResult;

  /** Value of a key for bpf(2), or a negative errno. A bloom filter has no keys: it is asked whether it holds `_value`. */
  sysLookup(key: Uint8Array, flags = 0, _value?: Uint8Array): SysResult {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    const at = this.lookupBytes(key);
    return at ? this.readValue(at) : -ENOENT;
  }
  /** A copy of a value, with zeros for its special fields (copy_map_value, check_and_init_map_value). */
  protected readValue(at: number): Uint8Array {
    const out = this.host.memory.read(at, this.valueSize);
    for (const f of this.special) out.fill(0, f.off, f.off + f.size);
    return out;
  }
  /** Writes a value but for its special fields: those are given up, and a lock is kept unless the element is `fresh` (bpf_obj_free_fields). */
  protected writeValue(at: number, value: Uint8Array, fresh: boolean): void {
    const { memory } = this.host;
    if (this.special.length === 0) return memory.write(at, value.subarray(0, this.valueSize));
    if (!fresh) this.host.elementFreed(at, this.valueSize);
    let from = 0;
    for (const f of this.special) {
      memory.write(at + from, value.subarray(from, f.off));
      if (fresh || !f.isLock) memory.write(at + f.off, new Uint8Array(f.size));
      from = f.off + f.size;
    }
    memory.write(at + from, value.subarray(from, this.valueSize));
  }
  sysUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.update(key, value, flags);
  }
  sysDelete(key: Uint8Array): number {
    return this.delete(key);
  }
  sysLookupAndDelete(_key: Uint8Array, _flags: number): SysResult {
    return -ENOTSUPP;
  }
  push(_valueAt: number, _flags: number): number {
    return -EOPNOTSUPP;
  }
  pop(_valueAt: number): number {
    return -EOPNOTSUPP;
  }
  peek(_valueAt: number): number {
    return -EOPNOTSUPP;
  }
  /** Address of the value of another CPU, or 0. */
  lookupPercpu(_keyAt: number, _cpu: number): number {
    return 0;
  }
  /** Address of element 0 plus `off` for ld_imm64 of a map value, of an arena the user's address as all 64 bits, or undefined. */
  valueAddress(_off: number): number | bigint | undefined {
    return undefined;
  }
  /** Runs `each` over elements in the map's order until it returns false: address of the key and of the value. */
  entries(): { key: Uint8Array; valueAt: number }[] {
    return [];
  }
  lookupBytes(key: Uint8Array): number {
    const scratch = this.host.memory.alloc("scratch", "key", key.length);
    this.host.memory.write(scratch.start, key);
    const at = this.lookup(scratch.start);
    this.host.memory.free(scratch);
    return at;
  }
  /** What bpf(2) says of flags of a lookup or update before the map sees them; 0 or a negative errno. */
  lockFault(flags: number): number {
    return flags & BPF_F_LOCK && !this.spec.spinLock ? -EINVAL : 0;
  }
  /** Whether bpf(2) may not take elements out with flags (queues and stacks). */
  get takesNoFlags(): boolean {
    return false;
  }
  mayWrite(): boolean {
    return !this.frozen && !(this.spec.flags & BPF_F_RDONLY);
  }
  /** Freezes against bpf(2) writes. */
  freeze(): number {
    if (!this.mayWrite()) return -EPERM;
    this.frozen = true;
    return 0;
  }
  save(): unknown {
    return this.frozen;
  }
  restore(state: unknown): void {
    this.frozen = state as boolean;
  }
  /** Checks common to all updates; 0 or a negative errno. */
  protected noPermission(): number {
    return -EPERM;
  }
}

export const round8 = (n: number): number => Math.ceil(n / 8) * 8;

/** A JavaScript key for `size` bytes of memory: a number for 4 bytes, else text of 16-bit units. */
export function keyOf(memory: Memory, at: number, size: number): number | string {
  if (size === 4) return memory.view.getInt32(at, true);
  const { u8 } = memory;
  let text = "";
  let i = 0;
  for (; i + 1 < size; i += 2) text += String.fromCharCode(u8[at + i]! | (u8[at + i + 1]! << 8));
  return i < size ? text + String.fromCharCode(u8[at + i]!) : text;
}
export function keyOfBytes(key: Uint8Array): number | string {
  if (key.length === 4) return key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24);
  let text = "";
  let i = 0;
  for (; i + 1 < key.length; i += 2) text += String.fromCharCode(key[i]! | (key[i + 1]! << 8));
  return i < key.length ? text + String.fromCharCode(key[i]!) : text;
}
export function bytesOfKey(key: number | string, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let i = 0; i < size; i++) out[i] = typeof key === "number" ? key >>> (8 * i) : key.charCodeAt(i >> 1) >> (8 * (i & 1));
  return out;
}
