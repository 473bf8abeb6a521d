// A WebAssembly function that runs a program on one packet after the other without a call out between them. It knows no capture format.
import { CONTEXT_AT, REGS_AT, SHOWN } from "../layout.ts";
import { FIRST_FP } from "./locals.ts";
import { I32, I64, Writer, type FuncBody } from "./writer.ts";

/**
 * What the function works with, at the offset that it gets: words, and then an entry of two words for each packet, its place and its length.
 * DONE counts packets that were begun. RESULTS counts results below FEW; another one stops the function, is in r0 and sets OTHER.
 * When TOUCHED is set (by a call out, whose effects must be undone), the function stops after the packet.
 */
export const BATCH = { DONE: 0, TOUCHED: 4, OTHER: 8, RESULTS: 16, ENTRIES: 48, ENTRY_BYTES: 8 } as const;
export const FEW = (BATCH.ENTRIES - BATCH.RESULTS) / 4;
/** Name of the export: (offset of the words, entries, where each packet is copied to). */
export const BATCH_EXPORT = "batch";
export const BATCH_TYPE = { params: [I32, I32, I32], results: [] };

const AT = 0,
  COUNT = 1,
  PLACE = 2,
  I = 3,
  ENTRY = 4,
  RESULT = 5,
  SHOWN_AT = 6,
  R0 = 7;
const W = {
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load: 0x28,
  load64: 0x29,
  store: 0x36,
  store64: 0x37,
  i32const: 0x41,
  i64const: 0x42,
  eqz: 0x45,
  ge_u: 0x4f,
  add: 0x6a,
  shl: 0x74,
  wrap: 0xa7,
  EMPTY: 0x40,
} as const;

/** The function for the program whose first function has index `body`; `type` is that of BATCH_TYPE. */
export function batchFunction(body: number, type: number): FuncBody {
  const w = new Writer();
  const number = (n: number): Writer => w.byte(W.i32const).s32(n);
  const next = (): Writer => number(1).byte(W.add);
  number(0).byte(W.load, 2).u32(CONTEXT_AT).byte(W.set, SHOWN_AT);
  w.byte(W.get, AT, W.load, 2).u32(BATCH.DONE).byte(W.set, I);
  w.byte(W.loop, W.EMPTY, W.get, I, W.get, COUNT, W.ge_u, W.if, W.EMPTY, W.return, W.end);
  w.byte(W.get, AT, W.get, I);
  number(3).byte(W.shl, W.add, W.set, ENTRY);
  w.byte(W.get, AT, W.get, I);
  next().byte(W.tee, I, W.store, 2).u32(BATCH.DONE);
  // The packet, and where it begins, ends and begins as the context shows it.
  const entry = (off: number): Writer => w.byte(W.get, ENTRY, W.load, 2).u32(BATCH.ENTRIES + off);
  w.byte(W.get, PLACE);
  entry(0);
  entry(4).byte(0xfc, 10, 0, 0);
  w.byte(W.get, SHOWN_AT, W.get, PLACE, W.store, 2).u32(SHOWN);
  w.byte(W.get, SHOWN_AT, W.get, PLACE);
  entry(4)
    .byte(W.add, W.store, 2)
    .u32(SHOWN + 8);
  w.byte(W.get, SHOWN_AT, W.get, PLACE, W.store, 2).u32(SHOWN + 16);
  // The program.
  number(FIRST_FP);
  number(0).byte(W.load64, 3).u32(CONTEXT_AT);
  for (let n = 2; n <= 5; n++) w.byte(W.i64const).s64(0, 0);
  w.byte(W.call).u32(body).byte(W.tee, R0, W.wrap, W.tee, RESULT);
  number(FEW).byte(W.ge_u, W.if, W.EMPTY);
  number(0).byte(W.get, R0, W.store64, 3).u32(REGS_AT);
  w.byte(W.get, AT);
  number(1).byte(W.store, 2).u32(BATCH.OTHER).byte(W.return, W.end);
  w.byte(W.get, AT, W.get, RESULT);
  number(2).byte(W.shl, W.add, W.tee, ENTRY, W.get, ENTRY, W.load, 2).u32(BATCH.RESULTS);
  next().byte(W.store, 2).u32(BATCH.RESULTS);
  w.byte(W.get, AT, W.load, 2).u32(BATCH.TOUCHED).byte(W.eqz, W.brIf, 0, W.end);
  return {
    type,
    locals: [
      { count: 4, type: I32 },
      { count: 1, type: I64 },
    ],
    code: w,
    exportAs: BATCH_EXPORT,
  };
}
