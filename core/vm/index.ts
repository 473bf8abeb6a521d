// The machine that runs BPF programs: memory, interpreter, compiler to WebAssembly, traps, snapshots. The kernel stands behind an interface.
export { Machine, type MachineSnapshot, type Stop } from "./machine.ts";
export { Memory, R_FREED, type Region, type RegionKind, type AllocOptions, R_READ, R_WRITE } from "./memory.ts";
export { type Arena } from "./arena.ts";
export { type Kernel, type Continuation } from "./kernel-interface.ts";
export { type Program, type ProgramSource, OP } from "./program.ts";
export { type Trap, type TrapCause, TrapSignal, trap } from "./trap.ts";
export { KERNEL_HI, USER_HI, MAX_TAIL_CALLS, MAX_LOOPS, REGS_AT, STACK_BYTES } from "./layout.ts";
export { hashEnd, hashWord, PROBE_GONE, PROBE_KEY, SHOWN, SHOWN_FIELDS_END } from "./layout.ts";
export { MAP_DESCRIPTION_BYTES, MAP_ELEM, MAP_KIND, MAP_KIND_ARRAY, MAP_KIND_HASH, MAP_LIMIT, MAP_TABLE } from "./layout.ts";
export { WasmEngine, type Batch } from "./wasm/engine.ts";
export { BATCH, FEW } from "./wasm/batch.ts";
export { StoppableEngine } from "./wasm/stoppable-engine.ts";
export { type Warning } from "./shadow.ts";
export { type Watch } from "./watch.ts";
