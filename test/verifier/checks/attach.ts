// Fixtures of checks on what a typed program attaches to. Data only.
import { END } from "./parts.ts";
import type { Fixture } from "./program.ts";

const TP_BTF = { type: "tracing", attach: 23 } as const;
const TCP = { type: "struct_ops", target: "4:tcp_congestion_ops" } as const;
const DUMMY = { type: "struct_ops", target: "4:bpf_dummy_ops" } as const;

export const ATTACH: readonly Fixture[] = [
  { check: "attach-btf-id", ...TP_BTF, text: END, neighbour: { target: "8:btf_trace_task_newtask" } },
  { check: "attach-btf-id", ...TP_BTF, target: 1000000, text: END, neighbour: { target: "8:btf_trace_task_newtask" } },
  { check: "attach-btf-id", ...TP_BTF, target: "4:task_struct", text: END, neighbour: { target: "8:btf_trace_task_newtask" } },
  { check: "attach-btf-id", ...TP_BTF, target: "8:pid_t", text: END, neighbour: { target: "8:btf_trace_task_newtask" } },
  { check: "struct-ops", ...TCP, license: "MIT", text: END, neighbour: { license: "GPL" } },
  { check: "struct-ops", ...TCP, target: 0, text: END, neighbour: { target: TCP.target } },
  { check: "struct-ops", ...TCP, target: "4:task_struct", text: END, neighbour: { target: TCP.target } },
  { check: "struct-ops", ...TCP, attach: 100, text: END, neighbour: { attach: 0 } },
  { check: "struct-ops", ...TCP, attach: 10, text: END, neighbour: { attach: 0 } },
  { check: "struct-ops", ...TCP, attach: 11, text: END, neighbour: { attach: 0 } },
  { check: "struct-ops", ...DUMMY, flags: 16, text: END, neighbour: { attach: 2 } },
  {
    check: "helper-not-available",
    ...TCP,
    attach: 17,
    text: `r2 = 0; r3 = 0; r4 = 0; r5 = 0; call bpf_setsockopt <--; ${END}`,
    neighbour: ["call bpf_setsockopt", "r0 = 0"],
  },
  {
    check: "btf-access",
    ...TCP,
    text: `r1 = *(u64 *)(r1 + 0); *(u32 *)(r1 + 0) = 0 <--; ${END}`,
    neighbour: ["*(u32 *)(r1 + 0) = 0", "*(u32 *)(r1 + koff tcp_sock.snd_cwnd) = 0"],
  },
];
