// Cases of dynptrs, by helpers and kfuncs. Data only.
import type { RunCase } from "../run-cases.ts";
import { BEGIN, fill, keep, OUT, stack, syscall, tc, xdp, END } from "./parts.ts";

/** A dynptr at r10-16 over `size` bytes of map 1. */
const FROM = (size: number, flags = 0): string =>
  `r1 = mapvalue 1 0; r2 = ${size}; r3 = ${flags}; ${stack(4, 16)}; call bpf_dynptr_from_mem`;
const D = stack(1, 16);
const read = (off: string, size: number, flags = 0): string =>
  `${stack(1, 64)}; r2 = ${size}; ${stack(3, 16)}; r4 = ${off}; r5 = ${flags}; call bpf_dynptr_read`;
const write = (off: string, size: number, flags = 0): string =>
  `${D}; r2 = ${off}; ${stack(3, 64)}; r4 = ${size}; r5 = ${flags}; call bpf_dynptr_write`;
const adjust = (from: number, to: number): string => `${D}; r2 = ${from}; r3 = ${to}; kcall bpf_dynptr_adjust`;
const size = `${D}; kcall bpf_dynptr_size`;
const MAPS = [OUT, { type: 2, key: 4, size: 64, entries: 1 }];
const FILLED = fill(64, "0x1122334455667788", "0x99aabbccddeeff00", 3, 4);
const skb = (n: number, flags = 0): string => `r1 = r7; r2 = ${flags}; r3 = r10; r3 += -${n}; kcall bpf_dynptr_from_skb`;
const fromXdp = (flags = 0): string => `r1 = r7; r2 = ${flags}; r3 = r10; r3 += -16; kcall bpf_dynptr_from_xdp`;
const mem = (name: string, text: string): RunCase => syscall(name, `${FILLED}; ${text}`, { maps: MAPS });
const kmem = (name: string, text: string): RunCase => mem(name, text);

const RESERVE = (size: number, flags = 0): string =>
  `r1 = map 1; r2 = ${size}; r3 = ${flags}; ${stack(4, 16)}; call bpf_ringbuf_reserve_dynptr`;
const RING = [OUT, { type: 27, key: 0, size: 0, entries: 4096 }];
const DISCARD = `${D}; r2 = 0; call bpf_ringbuf_discard_dynptr`;

export const DYNPTR_CASES: readonly RunCase[] = [
  mem("from_mem", `${FROM(64)}; ${keep(0)}; ${size}; ${keep(1)}`),
  mem("from_mem with flags", `${FROM(64, 1)}; ${keep(0)}; ${size}; ${keep(1)}; ${D}; kcall bpf_dynptr_is_null; r0 &= 255; ${keep(2)}`),
  mem(
    "from_mem of nothing",
    `${FROM(8)}; ${keep(0)}; ${D}; kcall bpf_dynptr_is_rdonly; r0 &= 255; ${keep(1)}; ${D}; kcall bpf_dynptr_is_null; r0 &= 255; ${keep(2)}`,
  ),
  mem("write and read", `${FROM(64)}; ${write("8", 16)}; ${keep(0)}; ${read("8", 8)}; ${keep(1)}; r0 = *(u64 *)(r10 - 64); ${keep(2)}`),
  ...["0", "57", "64", "65", "1 ll", "0xffffffffffffffff ll"].map((off) =>
    mem(`read of 8 at ${off}`, `${FROM(64)}; ${read(off, 8)}; ${keep(0)}`),
  ),
  ...["0", "57", "64"].map((off) => mem(`write of 8 at ${off}`, `${FROM(64)}; ${write(off, 8)}; ${keep(0)}`)),
  mem("read with flags", `${FROM(64)}; ${read("0", 8, 1)}; ${keep(0)}; ${write("0", 8, 1)}; ${keep(1)}`),
  ...(
    [
      [0, 8],
      [60, 8],
      [0, 65],
      [64, 1],
      [56, 8],
    ] as const
  ).map(([off, n]) =>
    mem(
      `data ${n} at ${off}`,
      `${FROM(64)}; ${write("0", 32)}; ${D}; r2 = ${off}; r3 = ${n}; call bpf_dynptr_data; if r0 == 0 goto out; r0 = *(u8 *)(r0 + 0); ${keep(0)}; r0 = 1; ${keep(1)}; out: r0 = 0`,
    ),
  ),
  ...(
    [
      [8, 16],
      [0, 64],
      [64, 64],
      [16, 8],
      [0, 65],
      [65, 66],
    ] as const
  ).map(([a, b]) =>
    kmem(
      `adjust ${a} ${b}`,
      `${FROM(64)}; ${adjust(a, b)}; ${keep(0)}; ${size}; ${keep(1)}; ${adjust(1, 3)}; ${keep(2)}; ${size}; ${keep(3)}; ${write("0", 2)}; ${keep(4)}`,
    ),
  ),
  kmem(
    "clone",
    `${FROM(64)}; ${adjust(8, 20)}; ${D}; ${stack(2, 96)}; kcall bpf_dynptr_clone; ${keep(0)}; ${stack(1, 96)}; kcall bpf_dynptr_size; ${keep(1)}; ${adjust(1, 2)}; ${stack(1, 96)}; kcall bpf_dynptr_size; ${keep(2)}`,
  ),
  kmem(
    "clone of null",
    `${FROM(64, 1)}; ${D}; ${stack(2, 96)}; kcall bpf_dynptr_clone; ${keep(0)}; ${stack(1, 96)}; kcall bpf_dynptr_is_null; r0 &= 255; ${keep(1)}`,
  ),
  kmem(
    "copy",
    `${FROM(64)}; ${write("0", 16)}; ${D}; ${stack(2, 96)}; kcall bpf_dynptr_clone; ${stack(1, 96)}; r2 = 4; ${stack(3, 16)}; r4 = 0; r5 = 12; kcall bpf_dynptr_copy; ${keep(0)}; ${stack(1, 96)}; r2 = 60; ${stack(3, 16)}; r4 = 0; r5 = 12; kcall bpf_dynptr_copy; ${keep(1)}; ${stack(1, 96)}; r2 = 0; ${stack(3, 16)}; r4 = 60; r5 = 12; kcall bpf_dynptr_copy; ${keep(2)}`,
  ),
  kmem(
    "memset",
    `${FROM(64)}; ${D}; r2 = 3; r3 = 5; r4 = 0x1ab; kcall bpf_dynptr_memset; ${keep(0)}; ${D}; r2 = 60; r3 = 5; r4 = 1; kcall bpf_dynptr_memset; ${keep(1)}; ${D}; r2 = 64; r3 = 0; r4 = 1; kcall bpf_dynptr_memset; ${keep(2)}`,
  ),
  kmem(
    "slice",
    `${FROM(64)}; ${write("0", 16)}; ${D}; r2 = 2; ${stack(3, 128)}; r4 = 4; kcall bpf_dynptr_slice; if r0 == 0 goto out; r0 = *(u32 *)(r0 + 0); ${keep(0)}; out: r0 = 0`,
  ),
  ...(
    [
      [0, 8, 0],
      [60, 8, 0],
      [61, 8, 0],
    ] as const
  ).map(([off, n]) =>
    tc(
      `skb slice ${n} at ${off}`,
      `${skb(16)}; ${keep(0)}; ${size}; ${keep(1)}; ${D}; r2 = ${off}; ${stack(3, 128)}; r4 = ${n}; kcall bpf_dynptr_slice; if r0 == 0 goto out; r0 = *(u32 *)(r0 + 0); ${keep(2)}; out: r0 = 0`,
    ),
  ),
  tc(
    "skb with flags",
    `${skb(16, 1)}; ${keep(0)}; ${size}; ${keep(1)}; ${D}; kcall bpf_dynptr_is_rdonly; r0 &= 255; ${keep(2)}; ${D}; kcall bpf_dynptr_is_null; r0 &= 255; ${keep(3)}`,
  ),
  tc(
    "skb read and write",
    `${FILLED}; ${skb(16)}; ${write("14", 8)}; ${keep(0)}; ${write("14", 8, 4)}; ${keep(1)}; ${write("14", 8, 1)}; ${keep(2)}; ${write("60", 8)}; ${keep(3)}; ${read("12", 8)}; ${keep(4)}; r0 = *(u64 *)(r10 - 64); ${keep(5)}; ${read("58", 8)}; ${keep(6)}`,
  ),
  tc("skb data", `${skb(16)}; ${D}; r2 = 0; r3 = 8; call bpf_dynptr_data; if r0 == 0 goto out; r0 = 1; ${keep(0)}; out: r0 = 0`),
  tc(
    "skb adjusted",
    `${FILLED}; ${skb(16)}; ${adjust(14, 34)}; ${keep(0)}; ${read("0", 4)}; ${keep(1)}; r0 = *(u32 *)(r10 - 64); ${keep(2)}; ${write("16", 8)}; ${keep(3)}; ${D}; r2 = 0; r3 = 4; r4 = 0xee; kcall bpf_dynptr_memset; ${keep(4)}`,
  ),
  tc(
    "skb metadata",
    `r1 = r7; r2 = 0; ${stack(3, 16)}; kcall bpf_dynptr_from_skb_meta; ${keep(0)}; ${size}; ${keep(1)}; r1 = r7; r2 = 1; ${stack(3, 96)}; kcall bpf_dynptr_from_skb_meta; ${keep(2)}; ${stack(1, 96)}; kcall bpf_dynptr_is_null; r0 &= 255; ${keep(3)}`,
  ),
  xdp(
    "xdp read and write",
    `${FILLED}; ${fromXdp()}; ${keep(0)}; ${size}; ${keep(1)}; ${write("14", 8)}; ${keep(2)}; ${write("14", 8, 1)}; ${keep(3)}; ${write("60", 8)}; ${keep(4)}; ${read("12", 8)}; ${keep(5)}; r0 = *(u64 *)(r10 - 64); ${keep(6)}`,
  ),
  xdp("xdp with flags", `${fromXdp(1)}; ${keep(0)}; ${size}; ${keep(1)}`),
  xdp(
    "xdp slice to write",
    `${fromXdp()}; ${D}; r2 = 14; ${stack(3, 128)}; r4 = 4; kcall bpf_dynptr_slice_rdwr; if r0 == 0 goto out; r1 = 0x55; *(u8 *)(r0 + 0) = r1; out: r0 = 0`,
  ),
  syscall(
    "ringbuf reserve and discard",
    `${FILLED}; ${RESERVE(32)}; ${keep(0)}; ${write("0", 8)}; ${keep(1)}; ${read("0", 8)}; ${keep(2)}; r0 = *(u64 *)(r10 - 64); ${keep(3)}; r1 = map 1; r2 = 0; call bpf_ringbuf_query; ${keep(4)}; ${DISCARD}`,
    { maps: RING },
  ),
  syscall("ringbuf reserve too much", `${RESERVE(8192)}; ${keep(0)}; ${DISCARD}; r1 = map 1; r2 = 3; call bpf_ringbuf_query; ${keep(1)}`, {
    maps: RING,
  }),
  syscall("ringbuf reserve with flags", `${RESERVE(8, 1)}; ${keep(0)}; ${DISCARD}`, { maps: RING }),
  syscall("ringbuf reserve of more than a dynptr", `${RESERVE(0x2000000)}; ${keep(0)}; ${DISCARD}`, { maps: RING }),
  syscall(
    "ringbuf submit",
    `${RESERVE(16)}; ${keep(0)}; ${D}; r2 = 1; call bpf_ringbuf_submit_dynptr; r1 = map 1; r2 = 1; call bpf_ringbuf_query; ${keep(2)}; r1 = map 1; r2 = 3; call bpf_ringbuf_query; ${keep(3)}; r1 = map 1; r2 = 9; call bpf_ringbuf_query; ${keep(4)}`,
    { maps: RING },
  ),
  {
    name: "drain of an empty user ring buffer",
    type: "syscall",
    flags: 16,
    ctx: "00".repeat(8),
    maps: [OUT, { type: 31, key: 0, size: 0, entries: 4096 }],
    funcs: [
      ["main", "0"],
      ["local", "cb"],
    ],
    text: `${BEGIN}; r1 = map 1; r2 = func cb; r3 = 0; r4 = 0; call bpf_user_ringbuf_drain; ${keep(0)}; r1 = map 1; r2 = func cb; r3 = 0; r4 = 4; call bpf_user_ringbuf_drain; ${keep(1)}; ${END}; cb: ${END}`,
  },
];
