// The catalog: what helpers, kfuncs, program, map and attach types exist and what is known of them. Data and look-ups only.
export * from "./types.ts";
export { ATTACH_TYPE, MAP_TYPE, PROG_TYPE } from "./generated/enums.ts";
export * from "./attach-targets.ts";
export * from "./names.ts";
export * from "./helpers.ts";
export { helperCapability } from "./helper-privilege.ts";
export * from "./kfuncs.ts";
export * from "./contexts.ts";
export { CTX_STRUCTS } from "./generated/contexts.ts";
export * from "./since.ts";
export { helperErrors, kfuncErrors, mapTypeErrors, mapTypeFlags, type ErrorRow, type MapErrorRow } from "./errors/index.ts";
export { ATTACH_TYPE_DOCS } from "./docs/attach-types.ts";
export { MAP_TYPE_DOCS, PROGRAM_TYPE_DOCS } from "./docs/index.ts";
