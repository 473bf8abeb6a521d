// BPF_MAP_TYPE_ARENA (kernel/bpf/arena.c, 6.18): sparse pages that a program takes and gives back, at the addresses of user space. It maps nothing.
import { EBUSY, EINVAL, EOPNOTSUPP } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import type { Arena, Region } from "../../vm/index.ts";
import { BpfMap, type MapHost, type SysResult } from "./map.ts";
import { covers, has, roomFor, without, withRange, type Ranges } from "./ranges.ts";

const PAGE = 4096;
const ALL = 1 << 20;
const BPF_F_SEGV_ON_FAULT = 1 << 17,
  BPF_F_NO_USER_CONV = 1 << 18;
/** Where user space maps an arena that did not ask for a place, as mmap would; one of (nearly) 4 GB begins at a multiple of 4 GB. */
const USER_HI = 0x7f7dn << 32n;
const USER_LO = 0x26200000n;

export class ArenaMap extends BpfMap implements Arena {
  /** Address of the first page for user space; 0 as long as nobody has mapped the arena. */
  readonly userStart: bigint;
  /** Pages that user space has mapped, and so that programs may take. */
  readonly #pages: number;
  /** By place in the arena: pages that may be taken, and those that are there. */
  #free: Ranges;
  #present: Ranges = [];
  /** Memory of pages that were stored into; a new map for each change. */
  #backed: ReadonlyMap<number, Region> = new Map();

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    const bytes = BigInt(spec.maxEntries) * BigInt(PAGE);
    const chosen = USER_HI + (USER_LO + bytes <= 1n << 32n ? USER_LO : 0n);
    this.userStart = spec.mapExtra || (spec.userMapped ? chosen : 0n);
    this.#pages = this.userStart ? spec.maxEntries : 0;
    this.#free = this.#pages ? [{ start: 0, end: this.#pages }] : [];
    if (spec.initial) this.#fill(spec.initial);
  }
  /** What user space puts into the arena before programs run: its faults bring the pages. */
  #fill(bytes: Uint8Array): void {
    for (let off = 0; off < bytes.length && this.fault(off / PAGE); off += PAGE) {
      const at = this.pageAt(this.#number(off / PAGE), true);
      this.host.memory.write(at, bytes.subarray(off, off + PAGE));
    }
  }
  /** A page, counted from the arena's start, by the lower half of its address; and back. */
  #number(index: number): number {
    return (Math.floor(Number(this.userStart & 0xffffffffn) / PAGE) + index) % ALL;
  }
  #index(page: number): number {
    return (page - this.#number(0) + ALL) % ALL;
  }

  // ---- what programs touch ----
  get userHi(): number | undefined {
    return this.spec.flags & BPF_F_NO_USER_CONV ? undefined : Number(BigInt.asIntN(32, this.userStart >> 32n));
  }
  has(page: number): boolean {
    return page >= 0 && page < ALL && has(this.#present, this.#index(page));
  }
  pageAt(page: number, store: boolean): number {
    const index = this.#index(page);
    const known = this.#backed.get(index);
    if (known || !store || !this.has(page)) return known?.start ?? 0;
    const region = this.host.memory.alloc("arena", `page ${index} of arena ${this.name || this.id}`, PAGE, { owner: this });
    this.#backed = new Map(this.#backed).set(index, region);
    return region.start;
  }
  /** User space touches page `index`: false when that is a SIGSEGV (arena_vm_fault). */
  fault(index: number): boolean {
    if (index < 0 || index >= this.#pages) return false;
    if (has(this.#present, index)) return true;
    if (this.spec.flags & BPF_F_SEGV_ON_FAULT) return false;
    this.#take(index, 1);
    return true;
  }
  #take(start: number, count: number): void {
    this.#free = without(this.#free, { start, end: start + count });
    this.#present = withRange(this.#present, { start, end: start + count });
  }

  // ---- what kfuncs do ----
  /** Takes `count` pages, at `address` when that is not 0; the user address of the first, 0 without room (arena_alloc_pages). */
  allocate(address: bigint, count: number): bigint {
    if (count === 0 || count > this.#pages || address % BigInt(PAGE)) return 0n;
    const index = address === 0n ? roomFor(this.#free, count) : this.#offsetOf(address);
    if (index === undefined || index > this.#pages - count) return 0n;
    if (!covers(this.#free, { start: index, end: index + count })) return 0n;
    this.#take(index, count);
    return this.userStart + BigInt(index * PAGE);
  }
  /** Only the lower half of an address counts (compute_pgoff). */
  #offsetOf(address: bigint): number {
    return Number(BigInt.asUintN(32, address - this.userStart) >> 12n);
  }
  /** Gives pages back, reserved ones too; what lies outside is left out (arena_free_pages). */
  release(address: bigint, count: number): void {
    if (count === 0 || address === 0n) return;
    const low = address & 0xfffff000n;
    const full = (this.userStart & ~0xffffffffn) + low;
    const index = Number((full - this.userStart) / BigInt(PAGE));
    if (full < this.userStart || index >= this.#pages) return;
    const end = Math.min(index + count, this.#pages);
    this.#free = withRange(this.#free, { start: index, end });
    this.#present = without(this.#present, { start: index, end });
    const kept = new Map(this.#backed);
    for (const [page, region] of this.#backed) {
      if (page < index || page >= end) continue;
      this.host.memory.free(region);
      kept.delete(page);
    }
    this.#backed = kept;
  }
  /** Keeps pages from being handed out (arena_reserve_pages). */
  reserve(address: bigint, count: number): number {
    if (count === 0 || address % BigInt(PAGE)) return 0;
    const index = this.#offsetOf(address);
    if (index + count > this.#pages) return -EINVAL;
    if (!covers(this.#free, { start: index, end: index + count })) return -EBUSY;
    this.#free = without(this.#free, { start: index, end: index + count });
    return 0;
  }

  /** User address of the arena's byte `off`: its global variables (arena_map_direct_value_addr). */
  override valueAddress(off: number): bigint | undefined {
    return off <= this.#pages * PAGE ? this.userStart + BigInt(off) : undefined;
  }
  lookup(): number {
    return 0;
  }
  override sysLookup(): SysResult {
    return -EINVAL;
  }
  update(): number {
    return -EOPNOTSUPP;
  }
  delete(): number {
    return -EOPNOTSUPP;
  }
  nextKey(): SysResult {
    return -EOPNOTSUPP;
  }
  override push(): number {
    return -EOPNOTSUPP;
  }
  override save(): unknown {
    return [this.frozen, this.#free, this.#present, this.#backed];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#free, this.#present, this.#backed] = state as [boolean, Ranges, Ranges, ReadonlyMap<number, Region>];
  }
}
