// The machine's one linear memory: allocation in regions, checked access, snapshots by page. It knows no programs and no kernel objects.
import { DIRTY_AT, GRANULE_SHIFT, KERNEL_HI, PAGE_BYTES, USER_HI } from "./layout.ts";
import type { Shadow } from "./shadow.ts";
import { trap } from "./trap.ts";

/** What a region is; shown to the user and used by the kernel to judge arguments. */
export type RegionKind = "stack" | "ctx" | "packet" | "map-value" | "map" | "code" | "record" | "object" | "user" | "arena" | "scratch";

/** Bits of a region's flags. */
export const R_READ = 1,
  R_WRITE = 2,
  R_SLOW = 4,
  R_FREED = 8,
  R_USER = 16,
  /** A debugger is asked before each store. */
  R_WATCHED = 32,
  /** Loads and stores are noted in the shadow. */
  R_SHADOW = 64;

/** A piece of memory with one purpose. Offsets are in bytes of linear memory. */
export interface Region {
  readonly id: number;
  readonly kind: RegionKind;
  readonly name: string;
  readonly start: number;
  /** Whole allocation, which the accessible part [start, end) may be moved in. */
  readonly allocStart: number;
  readonly allocEnd: number;
  /** Elements of `stride` bytes of which the first `span` may be accessed; 0 when the region is one piece. */
  readonly stride: number;
  readonly span: number;
  /** The kernel's object that owns the region, if any. */
  readonly owner: unknown;
}

export interface AllocOptions {
  readonly writable?: boolean;
  readonly noAccess?: boolean;
  /** Every access goes to the kernel (contexts, kernel objects). */
  readonly slow?: boolean;
  readonly stride?: number;
  readonly span?: number;
  readonly owner?: unknown;
}

const FIRST_BYTES = 1 << 20;
const QUARANTINE = 64;

/** A state of the memory that can be returned to. Pages are shared between snapshots. */
export interface MemorySnapshot {
  readonly pages: readonly (Uint8Array | undefined)[];
  readonly size: number;
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly flags: Uint8Array;
  readonly regions: readonly (Region | undefined)[];
  readonly top: number;
  readonly free: ReadonlyMap<number, readonly number[]>;
  readonly quarantine: readonly number[];
  readonly freeIds: readonly number[];
  readonly stamp: number;
}

/** Linear memory with provenance. Grows to `maxBytes` and traps `out-of-memory` beyond. */
export class Memory {
  buffer: ArrayBuffer;
  u8!: Uint8Array;
  i32!: Int32Array;
  u64!: BigUint64Array;
  view!: DataView;
  /** Region id of each granule; 0 is unmapped. */
  owner!: Int32Array;
  start = new Int32Array(1024);
  end = new Int32Array(1024);
  flags = new Uint8Array(1024);
  /** One byte a page, set by every store; it lies in the memory itself, so that compiled code sets it too. */
  dirty!: Uint8Array;
  size: number;
  readonly maxBytes: number;
  readonly wasm: WebAssembly.Memory | undefined;
  /** Where it is noted which bytes of the stacks are written, when somebody asked for that. */
  shadow: Shadow | undefined;
  #regions: (Region | undefined)[] = [undefined];
  /** First page after the bytes of `dirty`; those pages are part of no snapshot. */
  readonly #firstHeapPage: number;
  #top: number;
  #free = new Map<number, number[]>();
  #quarantine: number[] = [];
  #freeIds: number[] = [];
  #pages: (Uint8Array | undefined)[] = [];
  #stamp = 0;
  #watched: ((region: Region) => boolean) | undefined;
  /** Bounds of the regions that {@link quick} has found last; nothing lies below an upper bound of 0. */
  #readFrom = 0;
  #readUpTo = 0;
  #writeFrom = 0;
  #writeUpTo = 0;

  constructor(maxBytes = 1 << 28) {
    this.maxBytes = maxBytes;
    this.size = Math.min(FIRST_BYTES, maxBytes);
    this.#firstHeapPage = Math.ceil((DIRTY_AT + maxBytes / PAGE_BYTES) / PAGE_BYTES);
    this.#top = this.#firstHeapPage * PAGE_BYTES;
    this.wasm =
      typeof WebAssembly === "object" ? new WebAssembly.Memory({ initial: this.size >>> 16, maximum: maxBytes >>> 16 }) : undefined;
    this.buffer = this.wasm ? this.wasm.buffer : new ArrayBuffer(this.size);
    this.owner = new Int32Array(this.size >>> GRANULE_SHIFT);
    this.#makeViews();
  }

  #makeViews(): void {
    this.dirty = new Uint8Array(this.buffer, DIRTY_AT, this.size / PAGE_BYTES);
    this.u8 = new Uint8Array(this.buffer);
    this.i32 = new Int32Array(this.buffer);
    this.u64 = new BigUint64Array(this.buffer);
    this.view = new DataView(this.buffer);
  }

  #grow(need: number): void {
    let size = this.size;
    while (size < need) size *= 2;
    if (size > this.maxBytes) trap("out-of-memory", `the machine's memory of ${this.maxBytes} bytes is used up`);
    if (this.wasm) {
      this.wasm.grow((size - this.size) >>> 16);
      this.buffer = this.wasm.buffer;
    } else {
      const old = this.u8;
      this.buffer = new ArrayBuffer(size);
      new Uint8Array(this.buffer).set(old);
    }
    const owner = new Int32Array(size >>> GRANULE_SHIFT);
    owner.set(this.owner);
    this.owner = owner;
    this.size = size;
    this.#makeViews();
  }

  /** Makes a region at a fixed place (stacks, register file). */
  fixed(kind: RegionKind, name: string, at: number, bytes: number): Region {
    return this.#region(kind, name, at, at + bytes, bytes, { writable: true });
  }

  /** Allocates zeroed memory as a region; at least 16 unmapped bytes follow it. */
  alloc(kind: RegionKind, name: string, bytes: number, options: AllocOptions = {}): Region {
    if (!(bytes >= 0 && bytes <= this.maxBytes))
      trap("out-of-memory", `${bytes} bytes for ${name} do not fit in the machine's memory of ${this.maxBytes} bytes`);
    const rounded = roundAlloc(bytes);
    const reused = this.#free.get(rounded)?.pop();
    const at = reused ?? this.#top;
    if (reused === undefined) {
      if (at + rounded > this.size) this.#grow(at + rounded);
      this.#top = at + rounded;
    }
    // Memory that was never handed out is zero.
    if (reused !== undefined) {
      this.u8.fill(0, at, at + bytes);
      this.markDirty(at, bytes);
    }
    return this.#region(kind, name, at, at + rounded, bytes, options);
  }

  #region(kind: RegionKind, name: string, at: number, allocEnd: number, bytes: number, o: AllocOptions): Region {
    const id = this.#freeIds.pop() ?? this.#regions.length;
    if (id >= this.start.length) this.#growTables();
    const region: Region = {
      id,
      kind,
      name,
      start: at,
      allocStart: at,
      allocEnd,
      stride: o.stride ?? 0,
      span: o.span ?? 0,
      owner: o.owner,
    };
    this.#regions[id] = region;
    this.#forget();
    this.start[id] = at;
    this.end[id] = at + bytes;
    this.flags[id] =
      (o.noAccess ? 0 : R_READ | (o.writable === false ? 0 : R_WRITE)) |
      (o.slow || o.stride ? R_SLOW : 0) |
      (kind === "user" ? R_USER | R_SLOW : 0) |
      (this.#watched?.(region) ? R_WATCHED : 0);
    this.owner.fill(id, at >>> GRANULE_SHIFT, (allocEnd + 15) >>> GRANULE_SHIFT);
    this.#stamp++;
    return region;
  }

  #growTables(): void {
    const n = this.start.length * 2;
    const grown = (a: Int32Array): Int32Array<ArrayBuffer> => {
      const b = new Int32Array(n);
      b.set(a);
      return b;
    };
    this.start = grown(this.start);
    this.end = grown(this.end);
    const flags = new Uint8Array(n);
    flags.set(this.flags);
    this.flags = flags;
  }

  /** Frees a region; its addresses stay reserved for a while so that a later use is told as use after free. */
  free(region: Region): void {
    if (this.flags[region.id]! & R_FREED) return;
    this.flags[region.id] = R_FREED;
    this.#forget();
    this.#quarantine.push(region.id);
    this.#stamp++;
    if (this.#quarantine.length <= QUARANTINE) return;
    const old = this.#regions[this.#quarantine.shift()!]!;
    this.#regions[old.id] = undefined;
    this.#freeIds.push(old.id);
    const bytes = old.allocEnd - old.allocStart;
    this.owner.fill(0, old.allocStart >>> GRANULE_SHIFT, old.allocEnd >>> GRANULE_SHIFT);
    const list = this.#free.get(bytes);
    if (list) list.push(old.allocStart);
    else this.#free.set(bytes, [old.allocStart]);
  }

  /** Moves the accessible part of a region within its allocation (packets whose head or tail moves). */
  setBounds(region: Region, start: number, end: number): void {
    this.start[region.id] = start;
    this.end[region.id] = end;
    this.#forget();
  }

  /** Marks the regions, now and later, whose stores a debugger is asked about. */
  setWatched(watched: ((region: Region) => boolean) | undefined): void {
    this.#watched = watched;
    this.#forget();
    for (const r of this.#regions) if (r) this.flags[r.id] = (this.flags[r.id]! & ~R_WATCHED) | (watched?.(r) ? R_WATCHED : 0);
  }

  /** Sends every access of a region through the machine, which notes it. */
  setShadowed(region: Region): void {
    this.flags[region.id]! |= R_SHADOW;
    this.#forget();
  }

  /** The region that owns an address, freed ones included. */
  regionAt(at: number): Region | undefined {
    return at >= 0 && at < this.size ? this.#regions[this.owner[at >>> GRANULE_SHIFT]!] : undefined;
  }
  /** All regions ever made, by id; for views of a debugger. */
  regions(): readonly Region[] {
    return this.#regions.filter((r): r is Region => r !== undefined && !(this.flags[r.id]! & R_FREED));
  }

  /** Notes that any page may have changed, as after compiled code has run. */
  allDirty(): void {
    if (this.#pages.length > 0) this.dirty.fill(1);
  }
  markDirty(at: number, bytes: number): void {
    if (bytes <= 0) return;
    this.shadow?.wrote(at, bytes);
    const last = (at + bytes - 1) >>> 12;
    for (let page = at >>> 12; page <= last; page++) this.dirty[page] = 1;
  }

  /** As {@link allowed} for plain kernel regions, in few operations; false also when the slow way must judge. */
  quick(at: number, hi: number, size: number, want: typeof R_READ | typeof R_WRITE): boolean {
    if (hi !== KERNEL_HI) return false;
    if (want === R_READ) return (at >= this.#readFrom && at + size <= this.#readUpTo) || this.#quickRead(at, size);
    return (at >= this.#writeFrom && at + size <= this.#writeUpTo) || this.#quickWrite(at, size);
  }
  #quickRead(at: number, size: number): boolean {
    const id = this.#plain(at, size, R_READ);
    if (id === 0) return false;
    this.#readFrom = this.start[id]!;
    this.#readUpTo = this.end[id]!;
    return true;
  }
  #quickWrite(at: number, size: number): boolean {
    const id = this.#plain(at, size, R_WRITE);
    if (id === 0) return false;
    this.#writeFrom = this.start[id]!;
    this.#writeUpTo = this.end[id]!;
    return true;
  }
  /** The region that has all of [at, at+size) and `want`, and nobody who judges or watches; 0 when there is none. */
  #plain(at: number, size: number, want: number): number {
    if (!(at >= 0 && at + size <= this.size)) return 0;
    const id = this.owner[at >>> GRANULE_SHIFT]!;
    const isPlain = (this.flags[id]! & (want | R_SLOW | R_WATCHED | R_SHADOW)) === want;
    return isPlain && at >= this.start[id]! && at + size <= this.end[id]! ? id : 0;
  }
  /** Regions have changed: what {@link quick} knows of the last ones does not hold any more. */
  #forget(): void {
    this.#readUpTo = this.#writeUpTo = 0;
  }

  /** True when [at, at+size) lies in one live region with all of `want` (R_READ, R_WRITE). */
  allowed(at: number, hi: number, size: number, want: number): boolean {
    if (!(at >= 0 && at + size <= this.size)) return false;
    const id = this.owner[at >>> GRANULE_SHIFT]!;
    const flags = this.flags[id]!;
    if (hi !== (flags & R_USER ? USER_HI : KERNEL_HI) || (flags & want) !== want) return false;
    if (at < this.start[id]! || at + size > this.end[id]!) return false;
    const r = this.#regions[id]!;
    return r.stride === 0 || ((at - r.start) % r.stride) + size <= r.span;
  }

  /** Traps unless {@link allowed}. The message names the address and the region. */
  need(at: number, hi: number, size: number, want: number): void {
    if (!this.allowed(at, hi, size, want)) this.fault(at, hi, size, want);
  }

  /** Throws the trap that describes a bad access. */
  fault(at: number, hi: number, size: number, want: number): never {
    const address = `0x${((BigInt(hi >>> 0) << 32n) | BigInt(at >>> 0)).toString(16)}`;
    const verb = want & R_WRITE ? "write" : "read";
    const region = hi === KERNEL_HI || hi === USER_HI ? this.regionAt(at) : undefined;
    if (!region)
      trap("unmapped", `${verb} of ${size} bytes at ${address}: nothing is there${hi === 0 && at < PAGE_BYTES ? " (NULL pointer)" : ""}`, {
        address,
        size,
      });
    const flags = this.flags[region.id]!;
    const details = { address, size, region: region.name };
    if (flags & R_FREED) trap("use-after-free", `${verb} of ${size} bytes at ${address}: ${region.name} is no longer there`, details);
    if (flags & R_USER && hi !== USER_HI) trap("no-access", `${verb} of ${size} bytes at ${address}: not a kernel address`, details);
    const off = at - this.start[region.id]!;
    const inside = off >= 0 && at + size <= this.end[region.id]!;
    if (inside && (flags & want) !== want) {
      trap(
        flags & R_READ ? "read-only" : "no-access",
        `${verb} of ${size} bytes at ${address}: ${region.name} may not be ${want & R_WRITE ? "written" : "read"}`,
        details,
      );
    }
    const bytes = this.end[region.id]! - this.start[region.id]!;
    trap("out-of-bounds", `${verb} of ${size} bytes at ${address}: offset ${off} of ${region.name}, which has ${bytes} bytes`, details);
  }

  /** Copies bytes in; for the kernel's side, unchecked but within memory. */
  write(at: number, bytes: Uint8Array): void {
    // Of no bytes, the address is never looked at.
    if (bytes.length === 0) return;
    this.u8.set(bytes, at);
    this.markDirty(at, bytes.length);
  }
  /** A copy of bytes. */
  read(at: number, size: number): Uint8Array {
    return this.u8.slice(at, at + size);
  }

  /** Saves the state; pages that did not change since the last snapshot are shared with it, pages that were never written are not kept. */
  snapshot(): MemorySnapshot {
    const count = Math.ceil(this.#top / PAGE_BYTES);
    this.#eachOwnPage(count, (p) => {
      if (this.#touched(p)) this.#pages[p] = this.u8.slice(p * PAGE_BYTES, (p + 1) * PAGE_BYTES);
    });
    this.dirty.fill(0);
    const n = this.#regions.length;
    return {
      pages: this.#pages.slice(0, count),
      size: this.size,
      start: this.start.slice(0, n),
      end: this.end.slice(0, n),
      flags: this.flags.slice(0, n),
      regions: this.#regions.slice(),
      top: this.#top,
      free: new Map([...this.#free].map(([k, v]) => [k, [...v]])),
      quarantine: [...this.#quarantine],
      freeIds: [...this.#freeIds],
      stamp: this.#stamp,
    };
  }

  /** Returns to a snapshot of this memory. */
  restore(s: MemorySnapshot): void {
    const count = Math.ceil(this.#top / PAGE_BYTES);
    this.#eachOwnPage(Math.max(count, s.pages.length), (p) => {
      const page = s.pages[p];
      if (!this.#touched(p) && this.#pages[p] === page) return;
      if (page) this.u8.set(page, p * PAGE_BYTES);
      else this.u8.fill(0, p * PAGE_BYTES, (p + 1) * PAGE_BYTES);
      this.#pages[p] = page;
    });
    this.dirty.fill(0);
    this.#forget();
    this.start.set(s.start);
    this.end.set(s.end);
    this.flags.set(s.flags);
    this.#top = s.top;
    this.#free = new Map([...s.free].map(([k, v]) => [k, [...v]]));
    this.#quarantine = [...s.quarantine];
    this.#freeIds = [...s.freeIds];
    if (s.stamp === this.#stamp) return;
    this.#regions = s.regions.slice();
    this.#stamp = s.stamp;
    this.#rebuildOwners();
  }

  /** Whether a page may have changed: compiled code marks the page of a store's first byte only, so the one behind a marked page counts too. */
  #touched(page: number): boolean {
    return this.dirty[page] !== 0 || (page > 0 && this.dirty[page - 1] !== 0);
  }
  /** Pages below `count` but those of the dirty table. */
  #eachOwnPage(count: number, each: (page: number) => void): void {
    for (let p = 0; p < DIRTY_AT / PAGE_BYTES; p++) each(p);
    for (let p = this.#firstHeapPage; p < count; p++) each(p);
  }

  #rebuildOwners(): void {
    this.owner.fill(0);
    for (const r of this.#regions) {
      if (r) this.owner.fill(r.id, r.allocStart >>> GRANULE_SHIFT, (r.allocEnd + 15) >>> GRANULE_SHIFT);
    }
  }
}

/** Sizes of allocations: whole granules and one more as a gap; larger ones round to an eighth of a power of two, so that freed ones fit again. */
function roundAlloc(bytes: number): number {
  const granules = ((bytes + 15) >>> GRANULE_SHIFT) + 1;
  const step = granules < 16 ? 1 : 1 << (28 - Math.clz32(granules));
  return Math.ceil(granules / step) * step * 16;
}
