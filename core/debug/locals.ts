// What the debugger asks of debug information about local variables. Types only.
import type { Machine, Program } from "../vm/index.ts";
import type { TypedValue } from "./typed.ts";

/** A variable of a function at some instruction. */
export interface LocalVariable {
  readonly name: string;
  readonly typeName: string;
  /** Where it lies in memory with its BTF type; absent when it is held in a register or nowhere. */
  readonly place?: TypedValue | undefined;
  /** Its text when it is no place in memory: a register's number, or why it has no value. */
  readonly text?: string | undefined;
}
/** Gives the variables that live at a slot, for the frame `up` calls above the innermost. */
export interface LocalsProvider {
  localsAt(machine: Machine, program: Program, slot: number, up: number): LocalVariable[];
}
