// All simulated helpers by number. What is not here traps with its name.
import { MAP_HELPERS } from "./map.ts";
import { SYSTEM_HELPERS } from "./system.ts";
import type { HelperTable } from "./types.ts";

export const HELPER_IMPLS: HelperTable = { ...MAP_HELPERS, ...SYSTEM_HELPERS };
/** Numbers of the helpers that run, ascending. */
export const SIMULATED_HELPERS: readonly number[] = Object.keys(HELPER_IMPLS).map(Number).sort((a, b) => a - b);
