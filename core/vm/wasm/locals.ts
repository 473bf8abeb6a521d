// Names of the locals and imports that compiled functions share. It holds numbers only.
import { STACK_BYTES, STACKS_AT } from "../layout.ts";

/** The end of the first frame. */
export const FIRST_FP = STACKS_AT + STACK_BYTES;
/** A compiled function takes the end of its frame and r1 to r5, and gives r0. */
export const FP = 0;
const REGISTERS = [6, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11] as const;
/** Local that holds a register, r0 to r10. */
export const register = (n: number): number => REGISTERS[n]!;
export const LONG = 12;
/** Passes of may_goto in this frame. */
export const LOOPS = 13;
/** Block to run next, where control flow has no structured form. */
export const NEXT = 14;
export const AT = 15;
/** Instructions that may still be run, in code that can stop. */
export const FUEL = 16;
/** What a map look-up in place works with: words of the key, its hash, the entry that is looked at. */
export const KEYS = 17,
  HASH = 21,
  ENTRY = 22;
/** Numbers of 32 bits from LOOPS to ENTRY. */
export const I32_LOCALS = 10;

/** Functions that compiled code imports, by index. `pc` is a slot, `fp` the end of the frame. */
export const IMPORT = {
  /** (pc, fp) -> 1 when a tail call has left the function's result in r0 of the register file. */
  call: 0,
  /** (at, hi, pc) -> 1 when it faulted; the value goes to the scratch register of the register file. */
  load: 1,
  /** (at, hi, pc) -> 1 when it faulted; the value is in the scratch register. */
  store: 2,
  /** (pc, off) -> 0 when the packet is too short; r0 of the register file is the value. */
  packet: 3,
  /** (pc, fp): an atomic instruction on what is no plain memory, or an instruction that does not exist, by the interpreter. */
  step: 4,
} as const;
