// The keys of a hash map in linear memory, so that compiled programs find values without a call (core/vm/wasm/lookup.ts). The map itself looks elsewhere.
import {
  hashKey,
  MAP_KIND,
  MAP_KIND_HASH4,
  MAP_KIND_HASH8,
  MAP_LIMIT,
  MAP_TABLE,
  PROBE_BYTES,
  PROBE_GONE,
  PROBE_VALUE,
  type Memory,
  type Region,
} from "../../vm/index.ts";

/** Entries of a new table; a power of two, as all sizes are. */
const FIRST = 16;
/** Word behind the map's description that counts entries ever used. */
const MAP_USED = MAP_LIMIT + 4;

/** An open-addressing table behind the description of a map at `region`. All of its state lies in linear memory, so that snapshots hold it. */
export class ProbeTable {
  readonly #memory: Memory;
  readonly #at: number;

  /** `keySize` is 4 or 8. */
  constructor(memory: Memory, region: Region, keySize: number) {
    this.#memory = memory;
    this.#at = region.start;
    this.#set(MAP_KIND, keySize === 4 ? MAP_KIND_HASH4 : MAP_KIND_HASH8);
    this.#begin(FIRST);
  }
  /** Whether keys of this size are kept here. */
  static takes(keySize: number): boolean {
    return keySize === 4 || keySize === 8;
  }

  #get(field: number): number {
    return this.#memory.i32[(this.#at + field) >> 2]!;
  }
  #set(field: number, value: number): void {
    this.#memory.i32[(this.#at + field) >> 2] = value;
    this.#memory.markDirty(this.#at + field, 4);
  }
  #begin(entries: number): void {
    const table = this.#memory.alloc("map", "index of a hash map", entries * PROBE_BYTES, { noAccess: true });
    this.#set(MAP_TABLE, table.start);
    this.#set(MAP_LIMIT, entries - 1);
    this.#set(MAP_USED, 0);
  }
  /** Word of the entry with this key, or of the free one where it would stand. */
  #find(lo: number, hi: number): number {
    const { i32 } = this.#memory;
    const mask = this.#get(MAP_LIMIT);
    const table = this.#get(MAP_TABLE) >> 2;
    for (let n = hashKey(lo, hi) & mask; ; n = (n + 1) & mask) {
      const word = table + n * (PROBE_BYTES >> 2);
      const value = i32[word + (PROBE_VALUE >> 2)]!;
      if (value === 0 || (value !== PROBE_GONE && i32[word] === lo && i32[word + 1] === hi)) return word;
    }
  }
  /** The value of a key now lies at `valueAt`. */
  put(lo: number, hi: number, valueAt: number): void {
    let word = this.#find(lo, hi);
    if (this.#memory.i32[word + (PROBE_VALUE >> 2)] === 0) {
      if (2 * (this.#get(MAP_USED) + 1) > this.#get(MAP_LIMIT)) {
        this.#grow();
        word = this.#find(lo, hi);
      }
      this.#set(MAP_USED, this.#get(MAP_USED) + 1);
    }
    this.#write(word, lo, hi, valueAt);
  }
  delete(lo: number, hi: number): void {
    const word = this.#find(lo, hi);
    if (this.#memory.i32[word + (PROBE_VALUE >> 2)] !== 0) this.#write(word, lo, hi, PROBE_GONE);
  }
  #write(word: number, lo: number, hi: number, valueAt: number): void {
    const { i32 } = this.#memory;
    i32[word] = lo;
    i32[word + 1] = hi;
    i32[word + (PROBE_VALUE >> 2)] = valueAt;
    this.#memory.markDirty(word << 2, PROBE_BYTES);
  }
  /** A table of twice as many entries as there are live ones, at least. */
  #grow(): void {
    const old = this.#memory.regionAt(this.#get(MAP_TABLE))!;
    const live: [number, number, number][] = [];
    for (let at = old.start; at < this.#memory.end[old.id]!; at += PROBE_BYTES) {
      const word = at >> 2;
      const value = this.#memory.i32[word + (PROBE_VALUE >> 2)]!;
      if (value !== 0 && value !== PROBE_GONE) live.push([this.#memory.i32[word]!, this.#memory.i32[word + 1]!, value]);
    }
    let entries = FIRST;
    while (entries < 4 * (live.length + 1)) entries *= 2;
    this.#begin(entries);
    for (const [lo, hi, value] of live) this.#write(this.#find(lo, hi), lo, hi, value);
    this.#set(MAP_USED, live.length);
    this.#memory.free(old);
  }
}
