// What code that can stop does with its fuel, and with the count of may_goto. It emits into any function whose locals are those of locals.ts.
import { FRAME_WORDS, FRAMES_AT, MAX_LOOPS, REG_COUNT, REGS_AT, STACK_BYTES, STACK_STRIDE, STACKS_AT } from "../layout.ts";
import { AT, FP, FUEL, LOOPS, NEXT } from "./locals.ts";
import { W } from "./opcodes.ts";
import type { Writer } from "./writer.ts";

/** Where the code takes its fuel from, and leaves what remains. */
export const FUEL_AT = REGS_AT + 8 * (REG_COUNT - 1);
/** Word 13 of a frame's record; a frame of STACK_STRIDE bytes has a record of FRAME_WORDS words. */
const MAY_GOTO_BYTE = 13 * 4;
const FRAME_SHIFT = Math.log2(STACK_STRIDE / (4 * FRAME_WORDS));

export const takeFuel = (code: Writer): Writer => code.byte(W.i32const).s32(0).byte(W.i32load, 2).u32(FUEL_AT).byte(W.set, FUEL);
export const giveFuel = (code: Writer): Writer => code.byte(W.i32const).s32(0).byte(W.get, FUEL, W.i32store, 2).u32(FUEL_AT);
/** Pays for `count` instructions and pushes what is left. */
export const pay = (code: Writer, count: number): Writer => code.byte(W.get, FUEL, W.i32const).s32(count).byte(W.i32sub, W.tee, FUEL);
export const refund = (code: Writer, count: number): Writer =>
  count ? code.byte(W.get, FUEL, W.i32const).s32(count).byte(W.i32add, W.set, FUEL) : code;
export const setNext = (code: Writer, slot: number): Writer => code.byte(W.i32const).s32(slot).byte(W.set, NEXT);

/** Pushes whether a may_goto jumps. The count of passes stands in the frame's record, whose place follows from the frame's end. */
export function mayGoto(code: Writer): void {
  const count = FRAMES_AT + MAY_GOTO_BYTE;
  code
    .byte(W.get, FP, W.i32const)
    .s32(STACKS_AT + STACK_BYTES)
    .byte(W.i32sub, W.i32const)
    .s32(FRAME_SHIFT)
    .byte(W.i32shr_u, W.tee, AT);
  code.byte(W.get, AT, W.i32load, 2).u32(count).byte(W.i32const).s32(1).byte(W.i32add, W.tee, LOOPS, W.i32store, 2).u32(count);
  code.byte(W.get, LOOPS, W.i32const).s32(MAX_LOOPS).byte(W.i32gt_s);
}
