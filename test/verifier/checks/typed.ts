// Fixtures of checks on the kernel's structures: reading, writing, arguments of hooks. Data only.
import { END } from "./parts.ts";
import type { Fixture } from "./program.ts";

const NEWTASK = { type: "tracing", attach: 23, target: "8:btf_trace_task_newtask" } as const;
const TCP = { type: "struct_ops", target: "4:tcp_congestion_ops" } as const;
const DUMMY = { type: "struct_ops", target: "4:bpf_dummy_ops" } as const;
const RAW = { type: "raw_tracepoint" } as const;
const TASK = "call bpf_get_current_task_btf";
const FIRST = "r1 = *(u64 *)(r1 + 0)";

export const TYPED: readonly Fixture[] = [
  { check: "btf-access", ...NEWTASK, license: "MIT", text: `${FIRST}; r2 = *(u32 *)(r1 + 0) <--; ${END}`, neighbour: { license: "GPL" } },
  { check: "btf-access", ...RAW, text: `${TASK}; r1 = *(u32 *)(r0 - 4) <--; ${END}`, neighbour: ["r0 - 4", "r0 + 4"] },
  { check: "btf-access", ...RAW, text: `${TASK}; r1 = *(u32 *)(r0 + 32000) <--; ${END}`, neighbour: ["32000", "0"] },
  {
    check: "btf-access",
    ...RAW,
    text: `${TASK}; r1 = *(u32 *)(r0 + koff task_struct.mm) <--; ${END}`,
    neighbour: ["r1 = *(u32 *)", "r1 = *(u64 *)"],
  },
  {
    check: "btf-access",
    ...RAW,
    text: `${TASK}; r6 = r0; call bpf_get_prandom_u32; r0 &= 4; r6 += r0; r1 = *(u32 *)(r6 + 0) <--; ${END}`,
    neighbour: ["r0 &= 4", "r0 = 4"],
  },
  {
    check: "btf-access",
    ...RAW,
    text: `${TASK}; r2 = 1; lock *(u32 *)(r0 + 0) += r2 <--; ${END}`,
    neighbour: ["lock *(u32 *)(r0 + 0) += r2", "r2 = *(u32 *)(r0 + 0)"],
  },
  { check: "ctx-access", ...NEWTASK, text: `r1 = *(u64 *)(r1 + 16) <--; ${END}`, neighbour: ["r1 + 16", "r1 + 8"] },
  { check: "ctx-access", ...NEWTASK, text: `r1 = *(u32 *)(r1 + 0) <--; ${END}`, neighbour: ["u32", "u64"] },
  { check: "ctx-access", ...NEWTASK, text: `r1 = *(u32 *)(r1 + 4) <--; ${END}`, neighbour: ["u32 *)(r1 + 4)", "u64 *)(r1 + 0)"] },
  {
    check: "ctx-access",
    ...NEWTASK,
    text: `*(u64 *)(r1 + 0) = 1 <--; ${END}`,
    neighbour: ["*(u64 *)(r1 + 0) = 1", "r2 = *(u64 *)(r1 + 0)"],
  },
  { check: "ctx-access", ...TCP, text: `r1 = *(u64 *)(r1 + 24) <--; ${END}`, neighbour: ["r1 + 24", "r1 + 0"] },
  { check: "ctx-access", ...TCP, attach: 1, text: `r1 = *(u64 *)(r1 + 24) <--; ${END}`, neighbour: ["r1 + 24", "r1 + 16"] },
  ...["unix", "netlink", "dmabuf"].map((name): Fixture => ({
    check: "bad-pointer",
    type: "tracing",
    attach: 28,
    target: `bpf_iter_${name}`,
    text: `r2 = *(u64 *)(r1 + 8); r3 = *(u32 *)(r2 + 0) <--; ${END}`,
    neighbour: ["r3 = *(u32 *)(r2 + 0)", "if r2 == 0 goto +1; r3 = *(u64 *)(r2 + 0)"],
  })),
  { check: "ctx-access", type: "netfilter", attach: 45, text: `r1 = *(u64 *)(r1 + 16) <--; ${END}`, neighbour: ["r1 + 16", "r1 + 8"] },
  {
    check: "btf-access",
    ...TCP,
    attach: 1,
    text: `${FIRST}; *(u64 *)(r1 + koff tcp_sock.snd_cwnd) = 0 <--; ${END}`,
    neighbour: ["*(u64 *)", "*(u32 *)"].map((t) => `${t}(r1 + koff tcp_sock.snd_cwnd) = 0`) as [string, string],
  },
  {
    check: "btf-access",
    ...DUMMY,
    text: `${FIRST}; if r1 == 0 goto out; *(u64 *)(r1 + 0) = 0 <--; out: ${END}`,
    neighbour: ["*(u64 *)(r1 + 0) = 0", "*(u32 *)(r1 + 0) = 0"],
  },
  {
    check: "bad-pointer",
    ...DUMMY,
    text: `${FIRST}; r0 = *(u32 *)(r1 + 0) <--; ${END}`,
    neighbour: ["r0 = *(u32 *)(r1 + 0)", "if r1 == 0 goto +1; r0 = *(u32 *)(r1 + 0)"],
  },
];
