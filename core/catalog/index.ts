// The catalog: what helpers, kfuncs, program, map and attach types exist and what is known of them. Data and look-ups only.
export * from "./types.ts";
