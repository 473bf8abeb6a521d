// A WebAssembly function that runs a program on one packet after the other without a call out between them. It knows no capture format.
import { CONTEXT_AT, REGS_AT, SHOWN } from "../layout.ts";
import { FIRST_FP } from "./locals.ts";
import { W } from "./opcodes.ts";
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

/** The function for the program whose first function has index `body`; `type` is that of BATCH_TYPE. */
export function batchFunction(body: number, type: number): FuncBody {
  const w = new Writer();
  const number = (n: number): Writer => w.byte(W.i32const).s32(n);
  const next = (): Writer => number(1).byte(W.i32add);
  number(0).byte(W.i32load, 2).u32(CONTEXT_AT).byte(W.set, SHOWN_AT);
  w.byte(W.get, AT, W.i32load, 2).u32(BATCH.DONE).byte(W.set, I);
  w.byte(W.loop, W.EMPTY, W.get, I, W.get, COUNT, W.i32ge_u, W.if, W.EMPTY, W.return, W.end);
  w.byte(W.get, AT, W.get, I);
  number(3).byte(W.i32shl, W.i32add, W.set, ENTRY);
  w.byte(W.get, AT, W.get, I);
  next().byte(W.tee, I, W.i32store, 2).u32(BATCH.DONE);
  // The packet, and where it begins, ends and begins as the context shows it.
  const entry = (off: number): Writer => w.byte(W.get, ENTRY, W.i32load, 2).u32(BATCH.ENTRIES + off);
  w.byte(W.get, PLACE);
  entry(0);
  entry(4).byte(0xfc, 10, 0, 0);
  w.byte(W.get, SHOWN_AT, W.get, PLACE, W.i32store, 2).u32(SHOWN);
  w.byte(W.get, SHOWN_AT, W.get, PLACE);
  entry(4)
    .byte(W.i32add, W.i32store, 2)
    .u32(SHOWN + 8);
  w.byte(W.get, SHOWN_AT, W.get, PLACE, W.i32store, 2).u32(SHOWN + 16);
  // The program.
  number(FIRST_FP);
  number(0).byte(W.i64load, 3).u32(CONTEXT_AT);
  for (let n = 2; n <= 5; n++) w.byte(W.i64const).s64(0, 0);
  w.byte(W.call).u32(body).byte(W.tee, R0, W.wrap, W.tee, RESULT);
  number(FEW).byte(W.i32ge_u, W.if, W.EMPTY);
  number(0).byte(W.get, R0, W.i64store, 3).u32(REGS_AT);
  w.byte(W.get, AT);
  number(1).byte(W.i32store, 2).u32(BATCH.OTHER).byte(W.return, W.end);
  w.byte(W.get, AT, W.get, RESULT);
  number(2).byte(W.i32shl, W.i32add, W.tee, ENTRY, W.get, ENTRY, W.i32load, 2).u32(BATCH.RESULTS);
  next().byte(W.i32store, 2).u32(BATCH.RESULTS);
  w.byte(W.get, AT, W.i32load, 2).u32(BATCH.TOUCHED).byte(W.i32eqz, W.brIf, 0, W.end);
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
