// BPF_MAP_TYPE_ARENA (kernel/bpf/arena.c, 6.18): pages of memory that a program takes and gives back. It knows no user space.
import { EBUSY, EINVAL, EOPNOTSUPP } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import type { Region } from "../../vm/index.ts";
import { BpfMap, type MapHost, type SysResult } from "./map.ts";

const PAGE = 4096;
/** Most pages of one arena that this machine holds; further ones are out of memory. */
const MOST_PAGES = 4096;

export class ArenaMap extends BpfMap {
  readonly #region: Region;
  readonly #base: number;
  readonly #pages: number;
  /** Pages that are taken or reserved. */
  #taken: ReadonlySet<number> = new Set();
  #reserved: ReadonlySet<number> = new Set();

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    this.#pages = Math.min(spec.maxEntries, MOST_PAGES);
    this.#region = host.memory.alloc("arena", `arena ${spec.name || id}`, (this.#pages + 1) * PAGE, { owner: this });
    this.#base = Math.ceil(this.#region.start / PAGE) * PAGE;
    host.memory.setBounds(this.#region, this.#base, this.#base + this.#pages * PAGE);
  }
  /** Takes `count` pages, at the page of `address` when that is not 0; the offset of the first in linear memory, 0 without room. */
  allocate(address: number, count: number): number {
    if (count === 0 || count > this.#pages) return 0;
    const first = address === 0 ? this.#firstFree(count) : this.#index(address);
    if (first === undefined || first + count > this.#pages || this.#some(first, count, (p) => this.#isUsed(p))) return 0;
    const taken = new Set(this.#taken);
    for (let p = first; p < first + count; p++) taken.add(p);
    this.#taken = taken;
    this.#clear(first, count);
    return this.#base + first * PAGE;
  }
  /** Gives pages back; what lies outside is left out. */
  release(address: number, count: number): void {
    const first = this.#index(address);
    if (first === undefined) return;
    const taken = new Set(this.#taken);
    const end = Math.min(first + count, this.#pages);
    for (let p = first; p < end; p++) taken.delete(p);
    this.#taken = taken;
    this.#clear(first, end - first);
  }
  /** Keeps pages from being handed out. */
  reserve(address: number, count: number): number {
    if (count === 0) return 0;
    const first = this.#index(address);
    if (first === undefined || first + count > this.#pages) return -EINVAL;
    if (this.#some(first, count, (p) => this.#isUsed(p))) return -EBUSY;
    const reserved = new Set(this.#reserved);
    for (let p = first; p < first + count; p++) reserved.add(p);
    this.#reserved = reserved;
    return 0;
  }
  #isUsed(page: number): boolean {
    return this.#taken.has(page) || this.#reserved.has(page);
  }
  #some(first: number, count: number, test: (page: number) => boolean): boolean {
    for (let p = first; p < first + count; p++) if (test(p)) return true;
    return false;
  }
  #firstFree(count: number): number | undefined {
    for (let first = 0, run = 0; first + count <= this.#pages;) {
      if (this.#isUsed(first + run)) {
        first += run + 1;
        run = 0;
      } else if (++run === count) return first;
    }
    return undefined;
  }
  #index(address: number): number | undefined {
    const page = (address - this.#base) / PAGE;
    return page >= 0 && page < this.#pages && Number.isInteger(page) ? page : undefined;
  }
  #clear(first: number, count: number): void {
    if (count <= 0) return;
    const at = this.#base + first * PAGE;
    this.host.memory.u8.fill(0, at, at + count * PAGE);
    this.host.memory.markDirty(at, count * PAGE);
  }
  /** Address of the arena's byte `off`: global variables of the arena. */
  override valueAddress(off: number): number | undefined {
    return off < this.#pages * PAGE ? this.#base + off : undefined;
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
    return [this.frozen, this.#taken, this.#reserved];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#taken, this.#reserved] = state as [boolean, ReadonlySet<number>, ReadonlySet<number>];
  }
}
