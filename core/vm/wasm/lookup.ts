// bpf_map_lookup_elem of arrays and hash maps as WebAssembly over their descriptions in linear memory. Other maps are left to the kernel.
import {
  CPU_AT,
  HASH_FACTOR,
  HASH_FOLD,
  HASH_SHIFT,
  MAP_CPU_STEP,
  MAP_ELEM,
  MAP_KIND,
  MAP_KIND_ARRAY,
  MAP_KIND_HASH,
  MAP_LAST_MASK,
  MAP_LIMIT,
  MAP_TABLE,
  MAP_WORDS,
  PROBE_GONE,
  PROBE_KEY,
} from "../layout.ts";
import type { Memory } from "../memory.ts";
import { AT, KEYS, HASH, ENTRY } from "./locals.ts";
import { W } from "./opcodes.ts";
import { I32, Writer } from "./writer.ts";

/** What the function answers when it does not know the map. */
export const NOT_HERE = -1;
/** (map, key) -> offset of the value, 0 for none, or NOT_HERE. */
export const LOOKUP_TYPE = { params: [I32, I32], results: [I32] };
export const LOOKUP_LOCALS = [{ count: 6, type: I32 }];
/** Words of the longest key that is looked up in place; longer ones go to the function. */
const MOST_WORDS = 4;

/** A map that a call is known to look up in. What may change while it lives (a hash map's TABLE and LIMIT) is read when it runs. */
export interface KnownMap {
  readonly at: number;
  readonly kind: number;
  readonly table: number;
  readonly limit: number;
  readonly elem: number;
  readonly cpuStep: number;
  readonly words: number;
  readonly lastMask: number;
}
/** The map whose description lies at `at`, or undefined when none does. */
export function knownMap(memory: Memory, at: number): KnownMap | undefined {
  const region = memory.regionAt(at);
  if (region?.kind !== "map" || region.start !== at) return undefined;
  const field = (off: number): number => memory.i32[(at + off) >> 2]!;
  return {
    at,
    kind: field(MAP_KIND),
    table: field(MAP_TABLE),
    limit: field(MAP_LIMIT),
    elem: field(MAP_ELEM),
    cpuStep: field(MAP_CPU_STEP),
    words: field(MAP_WORDS),
    lastMask: field(MAP_LAST_MASK),
  };
}

/** Whether {@link lookupInPlace} knows such a map. */
export const isInPlace = (map: KnownMap): boolean => map.kind === MAP_KIND_ARRAY || (map.kind === MAP_KIND_HASH && map.words <= MOST_WORDS);

/** With the key's address in AT: the value's offset in AT, or 0. */
export function lookupInPlace(w: Writer, map: KnownMap): void {
  if (map.kind === MAP_KIND_ARRAY) arrayInPlace(w, map);
  else hashInPlace(w, map);
}
const number = (w: Writer, n: number): Writer => w.byte(W.i32const).s32(n);
/** Pushes where the running CPU's value lies behind the first one. */
function cpuOffset(w: Writer, map: KnownMap): void {
  number(w, 0).byte(W.i32load, 2).u32(CPU_AT);
  number(w, map.cpuStep).byte(W.i32mul);
}
function arrayInPlace(w: Writer, map: KnownMap): void {
  w.byte(W.get, AT, W.i32load, 0).u32(0).byte(W.tee, AT);
  number(w, map.limit).byte(W.i32lt_u, W.if, I32, W.get, AT);
  number(w, map.elem).byte(W.i32mul);
  number(w, map.table).byte(W.i32add);
  if (map.cpuStep) {
    cpuOffset(w, map);
    w.byte(W.i32add);
  }
  w.byte(W.else);
  number(w, 0).byte(W.end, W.set, AT);
}
function hashInPlace(w: Writer, map: KnownMap): void {
  const words = Array.from({ length: map.words }, (_, i) => i);
  for (const i of words) {
    w.byte(W.get, AT, W.i32load, 0).u32(4 * i);
    if (i === map.words - 1 && map.lastMask !== -1) number(w, map.lastMask).byte(W.i32and);
    w.byte(W.set, KEYS + i);
    hashStep(w, HASH, KEYS + i, i === 0);
  }
  lastStep(w, HASH);
  w.byte(W.loop, W.EMPTY, W.get, HASH);
  number(w, 0)
    .byte(W.i32load, 2)
    .u32(map.at + MAP_LIMIT)
    .byte(W.i32and);
  number(w, map.elem).byte(W.i32mul);
  number(w, 0)
    .byte(W.i32load, 2)
    .u32(map.at + MAP_TABLE)
    .byte(W.i32add, W.tee, ENTRY, W.i32load, 2)
    .u32(0)
    .byte(W.tee, AT, W.if, W.EMPTY);
  w.byte(W.get, HASH);
  number(w, 1).byte(W.i32add, W.set, HASH);
  for (const i of words)
    w.byte(W.get, ENTRY, W.i32load, 2)
      .u32(PROBE_KEY + 4 * i)
      .byte(W.get, KEYS + i, W.i32ne, W.brIf, 1);
  w.byte(W.get, AT);
  number(w, PROBE_GONE).byte(W.i32eq, W.brIf, 1);
  if (map.cpuStep) {
    w.byte(W.get, AT);
    cpuOffset(w, map);
    w.byte(W.i32add, W.set, AT);
  }
  w.byte(W.end, W.end);
}
/** Local `hash` takes one more word, which is in local `word`; the first word does not look at what was in it. */
function hashStep(w: Writer, hash: number, word: number, isFirst: boolean): void {
  if (!isFirst) w.byte(W.get, hash);
  w.byte(W.get, word);
  if (!isFirst) w.byte(W.i32xor);
  w.byte(W.get, word);
  number(w, HASH_FOLD).byte(W.i32shr_u, W.i32xor);
  number(w, HASH_FACTOR).byte(W.i32mul, W.set, hash);
}
function lastStep(w: Writer, hash: number): void {
  w.byte(W.get, hash, W.get, hash);
  number(w, HASH_SHIFT).byte(W.i32shr_u, W.i32xor, W.set, hash);
}

/** Locals of the function for any map. */
const MAP = 0,
  KEY = 1,
  SUM = 2,
  WORD = 3,
  I = 4,
  SLOT = 5,
  VALUE = 6,
  LEFT = 7;

/** The function's body. */
export function lookupBody(): Writer {
  const w = new Writer();
  const field = (base: number, off: number): Writer => w.byte(W.get, base, W.i32load, 2).u32(off);
  const isKind = (kind: number): void => {
    field(MAP, MAP_KIND);
    number(w, kind).byte(W.i32eq);
  };
  /** Pushes where the running CPU's value lies behind the first one. */
  const cpu = (): void => {
    number(w, 0).byte(W.i32load, 2).u32(CPU_AT);
    field(MAP, MAP_CPU_STEP).byte(W.i32mul);
  };
  /** Puts word I of the key into WORD, and how many follow it into LEFT. */
  const keyWord = (): void => {
    w.byte(W.get, KEY, W.get, I, W.i32add, W.i32load, 0).u32(0);
    field(MAP, MAP_LAST_MASK);
    number(w, -1);
    field(MAP, MAP_WORDS);
    w.byte(W.get, I);
    number(w, 2).byte(W.i32shr_u, W.i32sub);
    number(w, 1).byte(W.i32sub, W.tee, LEFT, W.i32eqz, W.select, W.i32and, W.set, WORD);
  };
  const nextWord = (): void => {
    w.byte(W.get, I);
    number(w, 4).byte(W.i32add, W.set, I);
  };
  // An array: the index is below the limit.
  isKind(MAP_KIND_ARRAY);
  w.byte(W.if, W.EMPTY, W.get, KEY, W.i32load, 0).u32(0).byte(W.tee, I);
  field(MAP, MAP_LIMIT).byte(W.i32lt_u, W.i32eqz, W.if, W.EMPTY);
  number(w, 0).byte(W.return, W.end);
  field(MAP, MAP_TABLE).byte(W.get, I);
  field(MAP, MAP_ELEM).byte(W.i32mul, W.i32add);
  cpu();
  w.byte(W.i32add, W.return, W.end);
  isKind(MAP_KIND_HASH);
  w.byte(W.i32eqz, W.if, W.EMPTY);
  number(w, NOT_HERE).byte(W.return, W.end);
  // The hash of the key, word by word.
  w.byte(W.loop, W.EMPTY);
  keyWord();
  hashStep(w, SUM, WORD, false);
  nextWord();
  w.byte(W.get, LEFT, W.brIf, 0, W.end);
  lastStep(w, SUM);
  // The entries from there on, until the key or a free one.
  w.byte(W.loop, W.EMPTY);
  field(MAP, MAP_TABLE).byte(W.get, SUM);
  field(MAP, MAP_LIMIT).byte(W.i32and);
  field(MAP, MAP_ELEM).byte(W.i32mul, W.i32add, W.tee, SLOT, W.i32load, 2).u32(0).byte(W.tee, VALUE, W.i32eqz, W.if, W.EMPTY);
  number(w, 0).byte(W.return, W.end, W.get, SUM);
  number(w, 1).byte(W.i32add, W.set, SUM, W.get, VALUE);
  number(w, PROBE_GONE).byte(W.i32eq, W.brIf, 0);
  number(w, 0).byte(W.set, I, W.loop, W.EMPTY);
  keyWord();
  w.byte(W.get, SLOT, W.get, I, W.i32add, W.i32load, 2).u32(PROBE_KEY).byte(W.get, WORD, W.i32ne, W.brIf, 1);
  nextWord();
  w.byte(W.get, LEFT, W.brIf, 0, W.end, W.get, VALUE);
  cpu();
  return w.byte(W.i32add, W.return, W.end, W.unreachable);
}
