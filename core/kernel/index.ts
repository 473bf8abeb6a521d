// The simulated kernel: bpf(2), maps, helpers, contexts and test runs behind the machine's interface.
export {
  SimKernel,
  loadWithMaps,
  type EngineName,
  type KernelEvent,
  type KernelOptions,
  type LoadedProgram,
  type LoadSpec,
} from "./kernel.ts";
export { testRun, prepareRun, type TestRunInput, type TestRunResult, type PreparedRun } from "./testrun.ts";
export { testRunRaw, type RawMap, type RawRun, type RawRunResult, type RawTestInput } from "./testrun-raw.ts";
export { SIMULATED_HELPERS } from "./helpers/index.ts";
export { RunState } from "./run-state.ts";
export { type Task, INIT_TASK } from "./task.ts";
export { SIMULATED_MAP_TYPES } from "./maps/index.ts";
export * from "./objects/index.ts";
export { UserRingbufMap } from "./maps/user-ringbuf.ts";
export { BpfMap } from "./maps/map.ts";
export { CaptureFeed, seesTime } from "./feed.ts";
export { parseEvent, prepareEvent, takesPacket, hookNames, verdictName, type EventSpec } from "./events.ts";
export { FieldContext } from "./contexts/context.ts";
export { lookupBatch, updateBatch, deleteBatch, type BatchQuery, type BatchResult } from "./batch.ts";
export { NOT_SIMULATED, SIMULATED } from "./not-simulated.ts";
