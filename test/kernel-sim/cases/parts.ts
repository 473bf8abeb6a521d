// What the cases share: packets, a map for results, short words. No cases.
import type { RunCase } from "../run-cases.ts";

/** Map 0 of most cases: 128 bytes for results. */
export const OUT = { type: 2, key: 4, size: 128, entries: 1 };
/** r6 points at the results from here on; r7 is the context. */
export const BEGIN = "r7 = r1; r6 = mapvalue 0 0";
/** Keeps r0 as the result number `n`. */
export const keep = (n: number): string => `*(u64 *)(r6 + ${8 * n}) = r0`;
export const END = "r0 = 0; exit";

const ETH = "0200000000010200000000020800";
/** Ethernet, IPv4, TCP SYN from 10.0.0.1:1234 to 10.0.0.2:80, with an MSS option of 1460. */
export const TCP4 = `${ETH}450000300001400040060000 0a0000010a000002 04d20050000000010000000070022000000000000204 05b401010402`.replaceAll(
  " ",
  "",
);
/** Ethernet, IPv6, UDP. */
export const UDP6 =
  "02000000000102000000000286dd 6000000000101140 fd000000000000000000000000000001 fd000000000000000000000000000002 0035003500100000 0102030405060708".replaceAll(
    " ",
    "",
  );
/** Ethernet of an unassigned type. */
export const PLAIN = `${"00".repeat(12)}88b5${"a5".repeat(50)}`;

/** A case of a TC program with its packet and results. */
export const tc = (name: string, text: string, more: Partial<RunCase> = {}): RunCase => ({
  name,
  type: "sched_cls",
  maps: [OUT],
  data: TCP4,
  text: `${BEGIN}; ${text}; ${END}`,
  ...more,
});
export const xdp = (name: string, text: string, more: Partial<RunCase> = {}): RunCase => tc(name, text, { type: "xdp", ...more });
/** A raw tracepoint program: it has no input. */
export const tracing = (name: string, text: string, more: Partial<RunCase> = {}): RunCase => ({
  name,
  type: "raw_tracepoint",
  maps: [OUT],
  text: `${BEGIN}; ${text}; ${END}`,
  ...more,
});
export const syscall = (name: string, text: string, more: Partial<RunCase> = {}): RunCase => ({
  name,
  type: "syscall",
  flags: 16,
  maps: [OUT],
  ctx: "00".repeat(64),
  text: `${BEGIN}; ${text}; ${END}`,
  ...more,
});
/** Fills `words` words of stack below r10 - `from` with numbers, and keeps nothing. */
export const fill = (from: number, ...words: readonly (number | string)[]): string =>
  words.map((w, i) => `r1 = ${w} ll; *(u64 *)(r10 - ${from - 8 * i}) = r1`).join("; ");
/** r`reg` = r10 - `off`. */
export const stack = (reg: number, off: number): string => `r${reg} = r10; r${reg} += -${off}`;
