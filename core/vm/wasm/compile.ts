// Compiles a verified program to WebAssembly: a function a subprogram, and an entry to each that takes its arguments from the register file. It runs nothing.
import { REGS_AT } from "../layout.ts";
import type { Program } from "../program.ts";
import type { Memory } from "../memory.ts";
import { batchFunction, BATCH_TYPE } from "./batch.ts";
import { flowOf } from "./blocks.ts";
import { Emitter, type Target } from "./instruction.ts";
import { FP, I32_LOCALS } from "./locals.ts";
import { knownMaps } from "./known-maps.ts";
import { LOOKUP_LOCALS, lookupBody } from "./lookup.ts";
import { emitBody } from "./structure.ts";
import { W } from "./opcodes.ts";
import { I32, I64, moduleBytes, Writer, type FuncBody, type FuncType } from "./writer.ts";

const TYPE = { body: 0, entry: 1, call: 2, access: 3, step: 4, batch: 5 } as const;
const TYPES: readonly FuncType[] = [
  { params: [I32, I64, I64, I64, I64, I64], results: [I64] },
  { params: [I32], results: [] },
  { params: [I32, I32], results: [I32] },
  { params: [I32, I32, I32], results: [I32] },
  { params: [I32, I32], results: [] },
  BATCH_TYPE,
];
const IMPORTS = [
  { name: "call", type: TYPE.call },
  { name: "load", type: TYPE.access },
  { name: "store", type: TYPE.access },
  { name: "packet", type: TYPE.call },
  { name: "step", type: TYPE.step },
];
/** r0, r6 to r10 and a scratch value, then numbers of 32 bits. */
const LOCALS = [
  { count: 7, type: I64 },
  { count: I32_LOCALS, type: I32 },
];

/** Name of the export that runs the function at a slot, in a frame that ends at its argument. */
export const entryName = (slot: number): string => `f${slot}`;

/** How a program is compiled. */
export interface CompileOptions {
  /** Slots whose load or store reaches other things than plain memory. */
  readonly special: ReadonlySet<number>;
  /** With the function that runs batches. */
  readonly batches: boolean;
}

/** The module of a program. */
export function compile(program: Program, memory: Memory, options: CompileOptions): Uint8Array {
  const starts = program.subprogStarts;
  const bodies = IMPORTS.length;
  const lookup = bodies + 2 * starts.length;
  const target = targetOf(program, memory, { special: options.special, functionAt: (slot) => bodies + starts.indexOf(slot), lookup });
  let callsLookup = false;
  const functions = starts.map((start, i): FuncBody => {
    const emitter = new Emitter(new Writer(), target);
    emitter.prologue();
    emitBody(program, flowOf(program, start, starts[i + 1] ?? program.insns.length), emitter);
    callsLookup ||= emitter.callsLookup;
    return { type: TYPE.body, locals: LOCALS, code: emitter.code };
  });
  starts.forEach((start, i) => functions.push({ type: TYPE.entry, locals: [], code: entry(bodies + i), exportAs: entryName(start) }));
  if (callsLookup) functions.push({ type: TYPE.call, locals: LOOKUP_LOCALS, code: lookupBody() });
  if (options.batches) functions.push(batchFunction(bodies, TYPE.batch));
  return moduleBytes({ types: TYPES, imports: IMPORTS, functions }, memory.maxBytes >>> 16);
}
function targetOf(
  program: Program,
  memory: Memory,
  known: { special: ReadonlySet<number>; lookup: number; functionAt: (slot: number) => number },
): Target {
  const word = (slot: number): number => (program.code.start >> 2) + 2 * slot;
  return {
    program,
    constant: (slot) => [memory.i32[word(slot)]!, memory.i32[word(slot) + 1]!],
    plain: (slot) => !known.special.has(slot),
    functionAt: known.functionAt,
    marksPages: false,
    // A fault ends the whole run by an exception.
    faulted: (_slot, _inside, code) => void code.byte(W.drop),
    lookup: known.lookup,
    mapAt: knownMaps(program, memory),
    showsContext: true,
  };
}

/** Calls a function with r1 to r5 of the register file and puts its result into r0 there. */
function entry(body: number): Writer {
  const code = new Writer().byte(W.i32const).s32(0).byte(W.get, FP);
  for (let n = 1; n <= 5; n++)
    code
      .byte(W.i32const)
      .s32(0)
      .byte(W.i64load, 3)
      .u32(REGS_AT + 8 * n);
  return code.byte(W.call).u32(body).byte(W.i64store, 3).u32(REGS_AT);
}
