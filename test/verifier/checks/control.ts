// Fixtures of checks on control flow, calls, helpers, references and locks. Data only.
import { ARRAY, RING, PROGS, LOCKED, END, VALUE, RESERVE, BUFFER } from "./parts.ts";
import type { Fixture } from "./program.ts";

export const CONTROL: readonly Fixture[] = [
  { check: "unreachable-insn", type: "xdp", text: `goto +1; r1 = 0; ${END}`, neighbour: ["goto +1", "goto +0"] },
  { check: "jump-out-of-range", type: "xdp", text: `goto +5; ${END}`, neighbour: ["+5", "+0"] },
  { check: "jump-into-ldimm64", type: "xdp", text: `if r1 == 0 goto +1; r2 = 1 ll; ${END}`, neighbour: ["goto +1", "goto +2"] },
  { check: "last-insn", type: "xdp", text: "r0 = 0", neighbour: ["r0 = 0", "r0 = 0; exit"] },
  { check: "unknown-helper", type: "xdp", text: `call 5000 <--; ${END}`, neighbour: ["call 5000", "call 7"] },
  {
    check: "helper-not-available",
    type: "socket_filter",
    text: `call bpf_get_socket_uid; ${BUFFER}; call bpf_xdp_adjust_head <--; ${END}`,
    neighbour: ["call bpf_xdp_adjust_head", "call bpf_ktime_get_ns"],
  },
  {
    check: "helper-gpl",
    type: "tracepoint",
    license: "MIT",
    text: `${BUFFER}; r2 = 8; r3 = 0; call bpf_probe_read_kernel <--; ${END}`,
    neighbour: { license: "GPL" },
  },
  {
    check: "arg-type",
    type: "xdp",
    text: `r1 = 5; r2 = 8; call bpf_trace_printk <--; ${END}`,
    neighbour: ["r1 = 5", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8"],
  },
  {
    check: "negative-size",
    type: "tracepoint",
    text: `${BUFFER}; r2 = -1; r3 = 0; call bpf_probe_read_kernel <--; ${END}`,
    neighbour: ["r2 = -1", "r2 = 8"],
  },
  { check: "zero-size", type: "xdp", text: `${BUFFER}; r2 = 0; call bpf_trace_printk <--; ${END}`, neighbour: ["r2 = 0", "r2 = 8"] },
  {
    check: "unbounded-size",
    type: "tracepoint",
    text: `call bpf_ktime_get_ns; r2 = r0; r2 >>= 1; ${BUFFER}; r3 = 0; call bpf_probe_read_kernel <--; ${END}`,
    neighbour: ["r2 >>= 1", "r2 &= 7"],
  },
  {
    check: "reference-leak",
    type: "xdp",
    maps: [RING],
    text: `${RESERVE}; r0 = 0; exit <--`,
    neighbour: ["ok:; r0 = 0", "ok:; r1 = r0; r2 = 0; call bpf_ringbuf_discard; r0 = 0"],
  },
  {
    check: "release-offset",
    type: "xdp",
    maps: [RING],
    text: `${RESERVE}; r1 = r0; r1 += 4; r2 = 0; call bpf_ringbuf_submit <--; ${END}`,
    neighbour: ["r1 += 4", "r1 += 0"],
  },
  {
    check: "alloc-size",
    type: "xdp",
    maps: [RING],
    text: `call bpf_get_prandom_u32; r2 = r0; r1 = map 0; r3 = 0; call bpf_ringbuf_reserve <--; if r0 == 0 goto +3; r1 = r0; r2 = 0; call bpf_ringbuf_discard; ${END}`,
    neighbour: ["r2 = r0", "r2 = 8"],
  },
  {
    check: "call-under-lock",
    type: "sched_cls",
    maps: [LOCKED],
    text: `${VALUE}; r6 = r0; r1 = r0; call bpf_spin_lock; call bpf_get_prandom_u32 <--; r1 = r6; call bpf_spin_unlock; ${END}`,
    neighbour: ["call bpf_get_prandom_u32", "r0 = 1"],
  },
  {
    check: "held-at-exit",
    type: "sched_cls",
    maps: [LOCKED],
    text: `${VALUE}; r6 = r0; r1 = r0; call bpf_spin_lock; r0 = 0; exit <--`,
    neighbour: ["call bpf_spin_lock; r0 = 0", "call bpf_spin_lock; r1 = r6; call bpf_spin_unlock; r0 = 0"],
  },
  {
    check: "spin-lock",
    type: "sched_cls",
    maps: [LOCKED],
    text: `${VALUE}; r1 = r0; call bpf_spin_unlock <--; ${END}`,
    neighbour: ["r1 = r0", "r6 = r0; r1 = r0; call bpf_spin_lock; r1 = r6"],
  },
  { check: "map-spin-lock", type: "socket_filter", maps: [LOCKED], text: `r1 = map 0; ${END}`, neighbour: { type: "sched_cls" } },
  { check: "ld-abs-type", type: "xdp", text: `r6 = r1; r0 = *(u8 *)skb[0] <--; exit`, neighbour: { type: "sched_cls" } },
  { check: "ld-abs-r6", type: "sched_cls", text: "r6 = 1; r0 = *(u8 *)skb[0] <--; exit", neighbour: ["r6 = 1", "r6 = r1"] },
  {
    check: "tail-call-subprog",
    type: "xdp",
    maps: [PROGS],
    text: `call f; ${END}; f: r2 = map 0; r3 = 0; call bpf_tail_call; ${END}`,
    neighbour: {
      funcs: [
        ["main", "0"],
        ["local", "f"],
      ],
    },
  },
  { check: "sleepable-type", type: "xdp", flags: 16, text: END, neighbour: { flags: 0 } },
  { check: "syscall-sleepable", type: "syscall", text: END, neighbour: { flags: 16 } },
  {
    check: "map-direct-value",
    type: "xdp",
    maps: [{ ...ARRAY, type: 1 }],
    text: `r1 = mapvalue 0 0; ${END}`,
    neighbour: { maps: [ARRAY] },
  },
];
