// bpf_map_lookup_elem of arrays and hash maps as a WebAssembly function over their descriptions in linear memory. Other maps are left to the kernel.
import {
  HASH_FACTOR,
  HASH_FACTOR_HI,
  HASH_SHIFT,
  MAP_ELEM,
  MAP_KIND,
  MAP_KIND_ARRAY,
  MAP_KIND_HASH4,
  MAP_KIND_HASH8,
  MAP_LIMIT,
  MAP_TABLE,
  PROBE_BYTES,
  PROBE_GONE,
  PROBE_VALUE,
} from "../layout.ts";
import { I32, Writer } from "./writer.ts";

/** What the function answers when it does not know the map. */
export const NOT_HERE = -1;
/** (map, key) -> offset of the value, 0 for none, or NOT_HERE. */
export const LOOKUP_TYPE = { params: [I32, I32], results: [I32] };
export const LOOKUP_LOCALS = [{ count: 6, type: I32 }];

const MAP = 0,
  KEY = 1,
  KIND = 2,
  LO = 3,
  HI = 4,
  AT = 5,
  SLOT = 6,
  VALUE = 7;
const W = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  return: 0x0f,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load: 0x28,
  i32const: 0x41,
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  ge_u: 0x4f,
  add: 0x6a,
  mul: 0x6c,
  and: 0x71,
  xor: 0x73,
  shr_u: 0x76,
  EMPTY: 0x40,
} as const;

/** The function's body. */
export function lookupBody(): Writer {
  const w = new Writer();
  const number = (n: number): Writer => w.byte(W.i32const).s32(n);
  const field = (base: number, off: number): Writer => w.byte(W.get, base, W.load, 2).u32(off);
  const keyWord = (off: number): Writer => w.byte(W.get, KEY, W.load, 0).u32(off);
  const isKind = (kind: number): void => {
    w.byte(W.get, KIND);
    number(kind).byte(W.eq);
  };
  field(MAP, MAP_KIND).byte(W.set, KIND);
  // An array: the index is below the limit.
  isKind(MAP_KIND_ARRAY);
  w.byte(W.if, W.EMPTY);
  keyWord(0).byte(W.tee, LO);
  field(MAP, MAP_LIMIT).byte(W.ge_u, W.if, W.EMPTY);
  number(0).byte(W.return, W.end);
  field(MAP, MAP_TABLE).byte(W.get, LO);
  field(MAP, MAP_ELEM).byte(W.mul, W.add, W.return, W.end);
  // A hash map: the key in one or two words.
  w.byte(W.block, W.EMPTY);
  isKind(MAP_KIND_HASH8);
  w.byte(W.if, W.EMPTY);
  keyWord(4).byte(W.set, HI, W.br, 1, W.end);
  isKind(MAP_KIND_HASH4);
  w.byte(W.eqz, W.if, W.EMPTY);
  number(NOT_HERE).byte(W.return, W.end, W.end);
  keyWord(0).byte(W.tee, LO);
  number(HASH_FACTOR).byte(W.mul, W.get, HI);
  number(HASH_FACTOR_HI).byte(W.mul, W.xor, W.tee, AT, W.get, AT);
  number(HASH_SHIFT).byte(W.shr_u, W.xor, W.set, AT);
  w.byte(W.loop, W.EMPTY);
  field(MAP, MAP_TABLE).byte(W.get, AT);
  field(MAP, MAP_LIMIT).byte(W.and);
  number(PROBE_BYTES).byte(W.mul, W.add, W.tee, SLOT, W.load, 2).u32(PROBE_VALUE).byte(W.tee, VALUE, W.eqz, W.if, W.EMPTY);
  number(0).byte(W.return, W.end);
  w.byte(W.get, VALUE);
  number(PROBE_GONE).byte(W.ne);
  field(SLOT, 0).byte(W.get, LO, W.eq, W.and);
  field(SLOT, 4).byte(W.get, HI, W.eq, W.and, W.if, W.EMPTY, W.get, VALUE, W.return, W.end);
  w.byte(W.get, AT);
  number(1).byte(W.add, W.set, AT, W.br, 0, W.end, 0x00);
  return w;
}
