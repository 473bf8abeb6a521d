// Fixtures of checks on loads, stores and pointers. Data only.
import type { Fixture, TestMap } from "./program.ts";

const ARRAY: TestMap = { type: 2, key: 4, size: 16, entries: 1 };
const HASH: TestMap = { type: 1, key: 8, size: 48, entries: 16 };
/** r0 = a value of map 0, perhaps NULL. */
const LOOKUP = "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 0; call bpf_map_lookup_elem";
const VALUE = `${LOOKUP}; if r0 != 0 goto ok; r0 = 0; exit; ok:`;
/** r2 = packet, r3 = its end, of an XDP context. */
const PACKET = "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4)";
const END = "r0 = 0; exit";

export const MEMORY: readonly Fixture[] = [
  {
    check: "bad-pointer",
    type: "xdp",
    maps: [HASH],
    text: `*(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; r1 = map 0; call bpf_map_lookup_elem; r1 = *(u64 *)(r0 + 0) <--; ${END}`,
    neighbour: ["call bpf_map_lookup_elem", "call bpf_map_lookup_elem; if r0 == 0 goto +1"],
  },
  {
    check: "bad-pointer",
    type: "xdp",
    text: `r2 = 1; r0 = *(u8 *)(r2 + 0) <--; ${END}`,
    neighbour: ["r2 = 1", "r2 = r10; r2 += -8; *(u64 *)(r10 - 8) = 0"],
  },
  { check: "uninit-register", type: "xdp", text: "r0 = r3 <--; exit", neighbour: ["r0 = r3", "r0 = 2"] },
  { check: "uninit-register", type: "xdp", text: "exit <--", neighbour: ["exit", "r0 = 0; exit"] },
  { check: "bad-register", type: "xdp", text: "raw 0xb7 11 0 0 0 <--; r0 = 0; exit", neighbour: ["raw 0xb7 11 0 0 0", "raw 0xb7 9 0 0 0"] },
  { check: "frame-pointer-write", type: "xdp", text: "r10 = 0 <--; r0 = 0; exit", neighbour: ["r10 = 0", "r9 = 0"] },
  {
    check: "map-value-bounds",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; *(u64 *)(r0 + 9) = 0 <--; ${END}`,
    neighbour: ["r0 + 9", "r0 + 8"],
  },
  {
    check: "map-readonly",
    type: "xdp",
    maps: [{ ...ARRAY, flags: 128 }],
    text: `${VALUE}; *(u64 *)(r0 + 0) = 0 <--; ${END}`,
    neighbour: { maps: [ARRAY] },
  },
  {
    check: "map-writeonly",
    type: "xdp",
    maps: [{ ...ARRAY, flags: 256 }],
    text: `${VALUE}; r0 = *(u64 *)(r0 + 0) <--; ${END}`,
    neighbour: { maps: [ARRAY] },
  },
  {
    check: "negative-offset",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = *(u32 *)(r0 + 0); r1 &= 7; r1 += -8; r0 += r1; r0 = *(u8 *)(r0 + 0) <--; ${END}`,
    neighbour: ["r1 += -8", "r1 += 8"],
  },
  {
    check: "unbounded-offset",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = *(u32 *)(r0 + 0); r0 += r1; r0 = *(u8 *)(r0 + 0) <--; ${END}`,
    neighbour: ["r0 += r1", "r1 &= 15; r0 += r1"],
  },
  {
    check: "map-value-bounds",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = *(u32 *)(r0 + 0); r1 &= 31; r0 += r1; r0 = *(u8 *)(r0 + 0) <--; ${END}`,
    neighbour: ["r1 &= 31", "r1 &= 15"],
  },
  {
    check: "packet-bounds",
    type: "xdp",
    text: `${PACKET}; r4 = r2; r4 += 14; if r4 > r3 goto +1; r0 = *(u8 *)(r2 + 14) <--; ${END}`,
    neighbour: ["r2 + 14", "r2 + 13"],
  },
  {
    check: "packet-bounds",
    type: "sched_cls",
    text: `r2 = *(u32 *)(r1 + 76); r0 = *(u8 *)(r2 + 0) <--; ${END}`,
    neighbour: ["r0 = *(u8 *)(r2 + 0)", "r3 = *(u32 *)(r1 + 80); r4 = r2; r4 += 1; if r4 > r3 goto +1; r0 = *(u8 *)(r2 + 0)"],
  },
  {
    check: "packet-readonly",
    type: "cgroup_skb",
    attach: 0,
    text: `r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80); r4 = r2; r4 += 8; if r4 > r3 goto +1; *(u8 *)(r2 + 0) = 1 <--; r0 = 1; exit`,
    neighbour: ["*(u8 *)(r2 + 0) = 1", "r5 = *(u8 *)(r2 + 0)"],
  },
  {
    check: "packet-helper",
    type: "xdp",
    text: `${PACKET}; r4 = r2; r4 += 8; if r4 > r3 goto out; r1 = r2; r2 = 8; r3 = 0; call bpf_trace_printk <--; out: ${END}`,
    neighbour: ["r1 = r2", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8"],
  },
  { check: "misaligned", type: "xdp", flags: 1, text: `*(u64 *)(r10 - 12) = 0 <--; ${END}`, neighbour: ["r10 - 12", "r10 - 16"] },
  {
    check: "modified-pointer",
    type: "xdp",
    text: `r1 += 8; r0 = *(u32 *)(r1 + 0) <--; ${END}`,
    neighbour: ["r1 += 8; r0 = *(u32 *)(r1 + 0)", "r0 = *(u32 *)(r1 + 8)"],
  },
  { check: "ctx-access", type: "xdp", text: `r0 = *(u32 *)(r1 + 64) <--; ${END}`, neighbour: ["r1 + 64", "r1 + 12"] },
  {
    check: "ctx-access",
    type: "xdp",
    text: `*(u32 *)(r1 + 0) = r1 <--; ${END}`,
    neighbour: ["*(u32 *)(r1 + 0) = r1", "r2 = *(u32 *)(r1 + 0)"],
  },
  {
    check: "pointer-leak",
    type: "xdp",
    caps: "noperfmon",
    maps: [ARRAY],
    text: `${VALUE}; *(u64 *)(r0 + 0) = r10 <--; ${END}`,
    neighbour: ["(r0 + 0) = r10", "(r0 + 0) = 5"],
  },
  {
    check: "pointer-kinds",
    type: "xdp",
    maps: [ARRAY],
    text: `r6 = r1; call bpf_get_prandom_u32; r2 = r10; r2 += -8; *(u64 *)(r10 - 8) = 0; if r0 == 0 goto +1; r2 = r6; r0 = *(u32 *)(r2 + 0) <--; ${END}`,
    neighbour: ["r2 = r6", "r2 = r10; r2 += -8"],
  },
  {
    check: "readonly-memory",
    type: "sched_cls",
    text: `r1 = *(u64 *)(r1 + 168); if r1 == 0 goto +1; *(u32 *)(r1 + 0) = 1 <--; ${END}`,
    neighbour: ["*(u32 *)(r1 + 0) = 1", "r2 = *(u32 *)(r1 + 0)"],
  },
  {
    check: "sock-access",
    type: "sched_cls",
    text: `r1 = *(u64 *)(r1 + 168); if r1 == 0 goto out; call bpf_sk_fullsock; if r0 == 0 goto out; r1 = *(u32 *)(r0 + 100) <--; out: ${END}`,
    neighbour: ["r0 + 100", "r0 + 8"],
  },
  {
    check: "mem-bounds",
    type: "xdp",
    maps: [{ type: 27, key: 0, size: 0, entries: 4096 }],
    text: `r1 = map 0; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; *(u64 *)(r0 + 8) = 1 <--; r1 = r0; r2 = 0; call bpf_ringbuf_discard; out: ${END}`,
    neighbour: ["(r0 + 8) = 1", "(r0 + 0) = 1"],
  },
  {
    check: "map-ptr-access",
    type: "xdp",
    maps: [ARRAY],
    text: `r1 = map 0; *(u32 *)(r1 + 0) = 1 <--; ${END}`,
    neighbour: ["*(u32 *)(r1 + 0) = 1", "r2 = *(u32 *)(r1 + 24)"],
  },
  {
    check: "flow-keys-bounds",
    type: "flow_dissector",
    text: `r2 = *(u64 *)(r1 + 144); r3 = *(u32 *)(r2 + 56) <--; ${END}`,
    neighbour: ["r2 + 56", "r2 + 52"],
  },
  {
    check: "buffer-bounds",
    type: "raw_tracepoint_writable",
    text: `r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r2 - 8) <--; ${END}`,
    neighbour: ["r2 - 8", "r2 + 8"],
  },
  {
    check: "map-key-bounds",
    type: "xdp",
    maps: [HASH],
    funcs: [
      ["main", "0"],
      ["local", "cb"],
    ],
    text: `r1 = map 0; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem; r0 = 0; exit; cb: r0 = *(u64 *)(r2 + 4) <--; r0 = 0; exit`,
    neighbour: ["r2 + 4", "r2 + 0"],
  },
  {
    check: "map-key-write",
    type: "xdp",
    maps: [HASH],
    funcs: [
      ["main", "0"],
      ["local", "cb"],
    ],
    text: `r1 = map 0; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem; r0 = 0; exit; cb: *(u64 *)(r2 + 0) = 4 <--; r0 = 0; exit`,
    neighbour: ["*(u64 *)(r2 + 0) = 4", "r0 = *(u64 *)(r2 + 0)"],
  },
  {
    check: "map-special-field",
    type: "sched_cls",
    maps: [{ ...ARRAY, size: 8, value: "locked" }],
    text: `${VALUE}; *(u32 *)(r0 + 0) = 1 <--; ${END}`,
    neighbour: ["r0 + 0) = 1", "r0 + 4) = 1"],
  },
  {
    check: "btf-access",
    type: "raw_tracepoint",
    text: `call bpf_get_current_task_btf; *(u32 *)(r0 + 0) = 1 <--; ${END}`,
    neighbour: ["*(u32 *)(r0 + 0) = 1", "r1 = *(u32 *)(r0 + 0)"],
  },
];
