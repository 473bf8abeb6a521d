// Fixtures of checks on dynptrs. Data only.
import { ARRAY, BUFFER, END, RING, VALUE, withLocal } from "./parts.ts";
import type { Fixture } from "./program.ts";

/** A dynptr in fp-16 over ring buffer 0. */
const RESERVED = "r1 = map 0; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr";
const DISCARD = "r1 = r10; r1 += -16; r2 = 0; call bpf_ringbuf_discard_dynptr";
const FROM_VALUE = `${VALUE}; r1 = r0; r2 = 8; r3 = 0; r4 = r10; r4 += -24; call bpf_dynptr_from_mem`;
const FROM_SKB = "r2 = 0; r3 = r10; r3 += -16; kcall bpf_dynptr_from_skb";
const SLICE = "r1 = r10; r1 += -16; r2 = 0; r3 = 0; r4 = 8";

export const DYNPTR: readonly Fixture[] = [
  {
    check: "dynptr-arg",
    type: "xdp",
    text: `r1 = r10; r1 += -16; r2 = 0; r3 = 4; call bpf_dynptr_data <--; ${END}`,
    neighbour: ["r3 = 4; call bpf_dynptr_data", "r3 = 4"],
  },
  {
    check: "dynptr-arg",
    type: "xdp",
    maps: [RING],
    text: `r1 = map 0; r2 = 8; r3 = 0; r4 = r10; r4 += -12; call bpf_ringbuf_reserve_dynptr <--; ${DISCARD}; ${END}`,
    neighbour: ["r4 += -12", "r4 += -16"],
  },
  {
    check: "dynptr-arg",
    type: "xdp",
    maps: [RING],
    text: `r1 = map 0; r2 = 8; r3 = 0; r4 = r10; r4 += -8; call bpf_ringbuf_reserve_dynptr <--; ${DISCARD}; ${END}`,
    neighbour: ["r4 += -8", "r4 += -16"],
  },
  {
    check: "dynptr-arg",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = r0; kcall bpf_dynptr_size <--; ${END}`,
    neighbour: [
      "r1 = r0; kcall bpf_dynptr_size",
      "r1 = r0; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem; r1 = r10; r1 += -16; kcall bpf_dynptr_size",
    ],
  },
  {
    check: "dynptr-arg",
    type: "sched_cls",
    maps: [{ type: 31, key: 0, size: 0, entries: 4096 }],
    funcs: withLocal("cb"),
    text: `r1 = map 0; r2 = func cb; r3 = 0; r4 = 0; call bpf_user_ringbuf_drain; ${END}; cb: r2 = r1; kcall bpf_dynptr_clone <--; ${END}`,
    neighbour: ["r2 = r1", "r2 = r10; r2 += -16"],
  },
  {
    check: "dynptr-mem",
    type: "xdp",
    text: `${BUFFER}; r2 = 8; r3 = 0; r4 = r10; r4 += -24; call bpf_dynptr_from_mem <--; ${END}`,
    neighbour: ["call bpf_dynptr_from_mem", "r0 = 1"],
  },
  {
    check: "dynptr-overwrite",
    type: "xdp",
    maps: [RING],
    text: `${RESERVED}; *(u64 *)(r10 - 8) = 0 <--; ${DISCARD}; ${END}`,
    neighbour: ["(r10 - 8) = 0", "(r10 - 24) = 0"],
  },
  {
    check: "dynptr-overwrite",
    type: "xdp",
    maps: [ARRAY],
    text: `${FROM_VALUE}; r1 = r10; r1 += -24; r2 = 8; r3 = 0; call bpf_probe_read_kernel <--; ${END}`,
    neighbour: ["r1 += -24; r2 = 8", "r1 += -32; r2 = 8"],
  },
  {
    check: "dynptr-slice",
    type: "cgroup_skb",
    text: `${FROM_SKB}; ${SLICE}; kcall bpf_dynptr_slice_rdwr <--; ${END}`,
    neighbour: ["bpf_dynptr_slice_rdwr", "bpf_dynptr_slice"],
  },
];
