// Maps and beginnings of programs that several groups of fixtures use. Data only.
import type { TestMap } from "./program.ts";

export const ARRAY: TestMap = { type: 2, key: 4, size: 16, entries: 1 };
export const HASH: TestMap = { type: 1, key: 8, size: 48, entries: 16 };
export const RING: TestMap = { type: 27, key: 0, size: 0, entries: 4096 };
export const PROGS: TestMap = { type: 3, key: 4, size: 4, entries: 1 };
export const LOCKED: TestMap = { type: 2, key: 4, size: 8, entries: 1, value: "locked" };
export const END = "r0 = 0; exit";
/** r0 = a value of map 0, perhaps NULL. */
export const LOOKUP = "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 0; call bpf_map_lookup_elem";
/** r0 = a value of map 0. */
export const VALUE = `${LOOKUP}; if r0 != 0 goto ok; r0 = 0; exit; ok:`;
/** r0 = 8 bytes of ring buffer 0. */
export const RESERVE = "r1 = map 0; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 != 0 goto ok; exit; ok:";
/** r1 = 8 bytes of the stack. */
export const BUFFER = "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8";
export const MAIN = [["main", "0"]] as const;
/** main, and a static function that begins at the label. */
export const withLocal = (label: string): readonly (readonly [string, string])[] => [
  ["main", "0"],
  ["local", label],
];
export const withGlobal = (label: string): readonly (readonly [string, string])[] => [
  ["main", "0"],
  ["shared", label],
];
