// All simulated helpers by number. What is not here traps with its name.
import { MAP_HELPERS } from "./map.ts";
import { PACKET_HELPERS } from "./packet.ts";
import { SYSTEM_HELPERS } from "./system.ts";
import { TRACE_HELPERS } from "./trace.ts";
import type { HelperTable } from "./types.ts";

export const HELPER_IMPLS: HelperTable = { ...MAP_HELPERS, ...SYSTEM_HELPERS, ...TRACE_HELPERS, ...PACKET_HELPERS };
/** Numbers of the helpers that run, ascending. */
export const SIMULATED_HELPERS: readonly number[] = Object.keys(HELPER_IMPLS)
  .map(Number)
  .sort((a, b) => a - b);
