// Fixtures of checks on 64-bit constants and on the maps that a program uses. Data only.
import { ARRAY, BUFFER, END, HASH, LOOKUP, PROGS, RING } from "./parts.ts";
import type { Fixture, TestMap } from "./program.ts";

const CGROUP: TestMap = { type: 19, key: 16, size: 8, entries: 0 };
const ARENA: TestMap = { type: 33, key: 0, size: 0, entries: 1, flags: 1024, extra: 1n << 44n };
const TRIE: TestMap = { type: 11, key: 8, size: 8, entries: 1, flags: 1 };
const OPS: TestMap = { type: 26, key: 4, size: 256, entries: 1, structOps: "tcp_congestion_ops" };
const SYSCALL = { type: "syscall", flags: 16 } as const;
const MAPS = (n: number): string => Array.from({ length: n }, (_, i) => `r1 = map ${i}`).join("; ");

export const LOAD: readonly Fixture[] = [
  { check: "ld-imm64", type: "xdp", text: `raw 0x18 1 0 0 1; ${END}`, neighbour: ["raw 0x18 1 0 0 1", "r1 = 1 ll"] },
  { check: "ld-imm64", type: "xdp", text: `raw 0x18 1 7 0 1; raw 0 0 0 0 0; ${END}`, neighbour: ["0x18 1 7", "0x18 1 0"] },
  {
    check: "ld-imm64",
    type: "xdp",
    maps: [ARRAY],
    text: `raw 0x18 1 1 0 0; raw 0 0 0 0 1; ${END}`,
    neighbour: ["raw 0 0 0 0 1", "raw 0 0 0 0 0"],
  },
  { check: "ld-imm64", type: "xdp", maps: [ARRAY], text: `raw 0x18 1 5 0 0; raw 0 0 0 0 0; ${END}`, neighbour: ["0x18 1 5", "0x18 1 1"] },
  { check: "ksym", type: "xdp", text: `raw 0x18 1 3 0 0; raw 0 0 0 0 0; ${END}`, neighbour: ["0x18 1 3", "0x18 1 0"] },
  { check: "ksym", type: "xdp", text: `r1 = ksym 4:task_struct; ${END}`, neighbour: ["4:task_struct", "12:schedule"] },
  { check: "ksym", type: "xdp", text: `r1 = ksym 2000000000; ${END}`, neighbour: ["2000000000", "12:schedule"] },
  {
    check: "ksym",
    type: "xdp",
    text: `r1 = ksym 12:schedule; raw 0x18 1 3 0 0; raw 0 0 0 0 1; ${END}`,
    neighbour: ["raw 0x18 1 3", "raw 0x18 1 0"],
  },
  { check: "map-fd", type: "xdp", maps: [ARRAY], text: `r1 = map 1000; ${END}`, neighbour: ["map 1000", "map 0"] },
  { check: "map-fd", type: "xdp", maps: [ARRAY], text: `r1 = map -1; ${END}`, neighbour: ["map -1", "map 0"] },
  { check: "map-direct-value", type: "xdp", maps: [ARRAY], text: `r1 = mapvalue 0 16; ${END}`, neighbour: ["0 16", "0 15"] },
  {
    check: "map-direct-value",
    type: "xdp",
    maps: [{ ...ARRAY, entries: 2 }],
    text: `r1 = mapvalue 0 0; ${END}`,
    neighbour: { maps: [ARRAY] },
  },
  { check: "map-direct-value", type: "sched_cls", maps: [ARENA], text: `r1 = mapvalue 0 4097; ${END}`, neighbour: ["0 4097", "0 4096"] },
  {
    check: "map-direct-value",
    type: "xdp",
    maps: [ARRAY],
    text: `r1 = mapvalue 0 536870912; ${END}`,
    neighbour: ["536870912", "0"],
  },
  { check: "program-privilege", type: "xdp", caps: "bpf", text: END, neighbour: { caps: "noperfmon" } },
  { check: "program-privilege", type: "kprobe", caps: "noperfmon", text: END, neighbour: { caps: "full" } },
  { check: "map-arena", type: "sched_cls", maps: [ARENA, ARENA], text: `r1 = map 0; r1 = map 1; ${END}`, neighbour: ["map 1", "map 0"] },
  { check: "map-arena", type: "sched_cls", caps: "noperfmon", maps: [ARENA], text: `r1 = map 0; ${END}`, neighbour: { caps: "full" } },
  {
    check: "map-arena",
    type: "sched_cls",
    maps: [{ ...ARENA, extra: 0n }],
    text: `r1 = map 0; ${END}`,
    neighbour: { maps: [ARENA] },
  },
  {
    check: "map-cgroup-storage",
    type: "cgroup_skb",
    maps: [CGROUP, CGROUP],
    text: `r1 = map 0; r1 = map 1; ${END}`,
    neighbour: { maps: [CGROUP, { ...CGROUP, type: 21 }] },
  },
  {
    check: "map-in-tracing",
    type: "kprobe",
    maps: [{ ...ARRAY, size: 24, value: "timed" }],
    text: `r1 = map 0; ${END}`,
    neighbour: { type: "xdp" },
  },
  {
    check: "map-in-tracing",
    type: "kprobe",
    maps: [{ ...ARRAY, size: 24, value: "queued" }],
    text: `r1 = map 0; ${END}`,
    neighbour: { type: "xdp" },
  },
  {
    check: "map-in-tracing",
    type: "kprobe",
    maps: [{ ...ARRAY, size: 24, value: "listed" }],
    text: `r1 = map 0; ${END}`,
    neighbour: { type: "xdp" },
  },
  {
    check: "map-spin-lock",
    type: "kprobe",
    maps: [{ ...ARRAY, size: 16, value: "res_locked" }],
    text: `r1 = map 0; ${END}`,
    neighbour: { type: "xdp" },
  },
  { check: "map-sleepable", ...SYSCALL, maps: [TRIE], text: `r1 = map 0; ${END}`, neighbour: { maps: [HASH] } },
  { check: "map-struct-ops", type: "xdp", maps: [OPS], text: `r1 = map 0; ${END}`, neighbour: { maps: [ARRAY] } },
  {
    check: "too-many-maps",
    type: "xdp",
    maps: Array.from({ length: 65 }, () => ARRAY),
    text: `${MAPS(65)}; ${END}`,
    neighbour: ["r1 = map 64", "r1 = 64"],
  },
  { check: "map-func", type: "xdp", maps: [PROGS], text: `${LOOKUP} <--; ${END}`, neighbour: { maps: [ARRAY] } },
  {
    check: "map-func",
    type: "xdp",
    maps: [ARRAY],
    text: `r1 = map 0; r2 = 0; r3 = 0; call bpf_redirect_map <--; ${END}`,
    neighbour: { maps: [{ type: 14, key: 4, size: 4, entries: 1 }] },
  },
  {
    check: "map-func",
    type: "kprobe",
    maps: [{ type: 15, key: 4, size: 4, entries: 1 }],
    text: `*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map 0; call bpf_map_delete_elem <--; ${END}`,
    neighbour: { type: "xdp" },
  },
  {
    check: "tail-call-map",
    type: "xdp",
    maps: [ARRAY],
    text: `r2 = map 0; r3 = 0; call bpf_tail_call <--; ${END}`,
    neighbour: { maps: [PROGS] },
  },
  {
    check: "storage-flags",
    type: "cgroup_skb",
    maps: [CGROUP],
    text: `r1 = map 0; r2 = 1; call bpf_get_local_storage <--; ${END}`,
    neighbour: ["r2 = 1", "r2 = 0"],
  },
  {
    check: "map-writeonly",
    type: "xdp",
    maps: [RING, { ...ARRAY, flags: 256 }],
    text: `r1 = mapvalue 1 0; r2 = r1; r1 = map 0; r3 = 8; r4 = 0; call bpf_ringbuf_output <--; ${END}`,
    neighbour: { maps: [RING, ARRAY] },
  },
  {
    check: "map-readonly",
    type: "xdp",
    maps: [{ ...ARRAY, flags: 128 }],
    text: `*(u64 *)(r10 - 16) = 0; ${BUFFER}; r2 = r1; r3 = r10; r3 += -16; r4 = 0; r1 = map 0; call bpf_map_update_elem <--; ${END}`,
    neighbour: { maps: [ARRAY] },
  },
];
