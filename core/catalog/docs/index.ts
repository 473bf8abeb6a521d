// Descriptions of helpers in this project's own words. Texts only; who may call what stands elsewhere.
import { BUFFER } from "./buffer.ts";
import { CHECKSUM } from "./checksum.ts";
import { CONTROL } from "./control.ts";
import { KFUNCS_MEMORY } from "./kfuncs-memory.ts";
import { KFUNCS_NETWORK } from "./kfuncs-network.ts";
import { KFUNCS_SYSTEM } from "./kfuncs-system.ts";
import { MAP } from "./map.ts";
import { PACKET } from "./packet.ts";
import { SOCKET } from "./socket.ts";
import { STORAGE } from "./storage.ts";
import { SYSTEM } from "./system.ts";
import { TEXT } from "./text.ts";
import { TIME } from "./time.ts";
import { TIMER } from "./timer.ts";
import { TRACE } from "./trace.ts";

const ALL: Readonly<Record<string, string>> = {
  ...MAP,
  ...PACKET,
  ...TIME,
  ...TRACE,
  ...SYSTEM,
  ...SOCKET,
  ...STORAGE,
  ...CONTROL,
  ...BUFFER,
  ...CHECKSUM,
  ...TIMER,
  ...TEXT,
};

/** What helper `name` (without `bpf_`) does, in Markdown; empty when it is not described. */
export const helperDoc = (name: string): string => ALL[name] ?? "";
const KFUNC_DOCS: Readonly<Record<string, string>> = { ...KFUNCS_MEMORY, ...KFUNCS_SYSTEM, ...KFUNCS_NETWORK };
/** What kfunc `name` does, in Markdown; empty when it is not described. */
export const kfuncDoc = (name: string): string => KFUNC_DOCS[name] ?? "";
/** Names of all described kfuncs. */
export const DESCRIBED_KFUNCS: readonly string[] = Object.keys(KFUNC_DOCS);
/** Names of all described helpers, without `bpf_`. */
export const DESCRIBED: readonly string[] = Object.keys(ALL);
export { MAP_TYPE_DOCS } from "./map-types.ts";
export { PROGRAM_TYPE_DOCS } from "./program-types.ts";
