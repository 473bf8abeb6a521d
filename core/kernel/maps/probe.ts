// The keys of a hash map in linear memory, so that compiled programs find values without a call (core/vm/wasm/lookup.ts). The map itself looks elsewhere.
import {
  hashEnd,
  hashWord,
  MAP_DESCRIPTION_BYTES,
  MAP_ELEM,
  MAP_LIMIT,
  MAP_TABLE,
  PROBE_GONE,
  PROBE_KEY,
  type Memory,
} from "../../vm/index.ts";

/** Entries of a new table; a power of two, as all sizes are. */
const FIRST = 16;
/** Longest keys that are kept here. */
const MOST_KEY_BYTES = 64;
/** Word behind the map's description that counts entries ever used. */
const MAP_USED = MAP_DESCRIPTION_BYTES;

/** An open-addressing table behind the description of a hash map. All of its state lies in linear memory, so that snapshots hold it. */
export class ProbeTable {
  readonly #memory: Memory;
  /** Word of the map's description. */
  readonly #map: number;
  readonly #elem: number;
  /** The words of the key that is looked for. */
  readonly #key: Int32Array;

  /** Makes the table of the map that is described at `mapAt`. */
  constructor(memory: Memory, mapAt: number, keySize: number) {
    this.#memory = memory;
    this.#map = mapAt >> 2;
    this.#key = new Int32Array(Math.ceil(keySize / 4));
    this.#elem = ProbeTable.entryBytes(keySize);
    this.#begin(FIRST);
  }
  /** Whether keys of this size are kept here. */
  static takes(keySize: number): boolean {
    return keySize <= MOST_KEY_BYTES;
  }
  static entryBytes(keySize: number): number {
    return Math.ceil((PROBE_KEY + keySize) / 8) * 8;
  }

  #get(field: number): number {
    return this.#memory.i32[this.#map + (field >> 2)]!;
  }
  #set(field: number, value: number): void {
    this.#memory.i32[this.#map + (field >> 2)] = value;
    this.#memory.markDirty(this.#map << 2, MAP_USED + 4);
  }
  #begin(entries: number): void {
    const table = this.#memory.alloc("map", "index of a hash map", entries * this.#elem, { noAccess: true });
    this.#set(MAP_TABLE, table.start);
    this.#set(MAP_LIMIT, entries - 1);
    this.#set(MAP_ELEM, this.#elem);
    this.#set(MAP_USED, 0);
  }
  /** Takes a key as maps keep it: a number for 4 bytes, else text of 16-bit units. */
  #take(key: number | string): void {
    const words = this.#key;
    if (typeof key === "number") words[0] = key;
    // Behind the end of the text there are no units: NaN, which is 0 here.
    else for (let i = 0; i < words.length; i++) words[i] = key.charCodeAt(2 * i) | (key.charCodeAt(2 * i + 1) << 16);
  }
  /** Word of the entry with the taken key, or of the free one where it would stand. */
  #find(): number {
    const { i32 } = this.#memory;
    const key = this.#key;
    const mask = this.#get(MAP_LIMIT);
    const table = this.#get(MAP_TABLE) >> 2;
    for (let n = hashEnd(key.reduce(hashWord, 0)); ; n++) {
      const word = table + (n & mask) * (this.#elem >> 2);
      const value = i32[word]!;
      if (value === 0 || (value !== PROBE_GONE && key.every((k, i) => i32[word + (PROBE_KEY >> 2) + i] === k))) return word;
    }
  }
  /** The value of a key now lies at `valueAt`. */
  put(key: number | string, valueAt: number): void {
    this.#take(key);
    let word = this.#find();
    if (this.#memory.i32[word] === 0) {
      if (2 * (this.#get(MAP_USED) + 1) > this.#get(MAP_LIMIT)) {
        this.#grow();
        this.#take(key);
        word = this.#find();
      }
      this.#set(MAP_USED, this.#get(MAP_USED) + 1);
    }
    this.#write(word, valueAt);
  }
  delete(key: number | string): void {
    this.#take(key);
    const word = this.#find();
    if (this.#memory.i32[word] !== 0) this.#write(word, PROBE_GONE);
  }
  #write(word: number, valueAt: number): void {
    this.#memory.i32[word] = valueAt;
    this.#memory.i32.set(this.#key, word + (PROBE_KEY >> 2));
    this.#memory.markDirty(word << 2, this.#elem);
  }
  /** A table of twice as many entries as there are live ones, at least. */
  #grow(): void {
    const old = this.#memory.regionAt(this.#get(MAP_TABLE))!;
    const live: number[] = [];
    for (let at = old.start; at < this.#memory.end[old.id]!; at += this.#elem) {
      const value = this.#memory.i32[at >> 2]!;
      if (value !== 0 && value !== PROBE_GONE) live.push(at >> 2);
    }
    let entries = FIRST;
    while (entries < 4 * (live.length + 1)) entries *= 2;
    this.#begin(entries);
    for (const from of live) {
      const { i32 } = this.#memory;
      this.#key.set(i32.subarray(from + (PROBE_KEY >> 2), from + (PROBE_KEY >> 2) + this.#key.length));
      this.#write(this.#find(), i32[from]!);
    }
    this.#set(MAP_USED, live.length);
    this.#memory.free(old);
  }
}
