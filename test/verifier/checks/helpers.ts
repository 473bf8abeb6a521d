// Fixtures of checks on what helpers are given: objects, maps, strings, references, timers. Data only.
import { ARRAY, BUFFER, END, HASH, LOOKUP, RESERVE, RING, VALUE, withLocal } from "./parts.ts";
import type { Fixture, TestMap } from "./program.ts";

const TIMED: TestMap = { ...ARRAY, size: 24, value: "timed" };
const HELD: TestMap = { ...ARRAY, size: 32, value: "held" };
const NEWTASK = { type: "tracing", attach: 23, target: "8:btf_trace_task_newtask" } as const;
/** R6 a map value, R7 the context. */
const HELD_VALUE = `r7 = r1; ${VALUE}; r6 = r0`;
const DROP = "if r0 == 0 goto +2; r1 = r0; kcall bpf_task_release";
const text = (s: string): string => Buffer.from(`${s}\0`).toString("hex").padEnd(32, "0");
const FORMAT = (s: string): TestMap => ({ ...ARRAY, flags: 128, frozen: text(s) });
const SNPRINTF = "r1 = r10; r1 += -16; r2 = 16; r3 = mapvalue 0 0; r4 = r10; r4 += -8; *(u64 *)(r10 - 8) = 0; r5 = 8; call bpf_snprintf";

export const HELPERS: readonly Fixture[] = [
  {
    check: "arg-btf-type",
    type: "raw_tracepoint",
    text: `call bpf_get_current_task_btf; r1 = r0; r1 = *(u64 *)(r0 + koff task_struct.mm); call bpf_task_pt_regs <--; ${END}`,
    neighbour: ["r1 = *(u64 *)(r0 + koff task_struct.mm); ", ""],
  },
  {
    check: "arg-maybe-null",
    ...NEWTASK,
    maps: [HELD],
    text: `${HELD_VALUE}; r1 = *(u64 *)(r7 + 0); kcall bpf_task_acquire; r1 = r6; r2 = r0; call bpf_kptr_xchg <--; ${DROP}; ${END}`,
    neighbour: ["r1 = r6; r2 = r0", "if r0 == 0 goto +7; r1 = r6; r2 = r0"],
  },
  { check: "const-string", type: "xdp", maps: [ARRAY], text: `${SNPRINTF} <--; ${END}`, neighbour: { maps: [FORMAT("%d")] } },
  {
    check: "const-string",
    type: "xdp",
    maps: [{ ...ARRAY, flags: 128, frozen: "41".repeat(16) }],
    text: `${SNPRINTF} <--; ${END}`,
    neighbour: { maps: [FORMAT("%d")] },
  },
  { check: "snprintf-format", type: "xdp", maps: [FORMAT("%y")], text: `${SNPRINTF} <--; ${END}`, neighbour: { maps: [FORMAT("%d")] } },
  {
    check: "snprintf-format",
    type: "xdp",
    maps: [FORMAT("%d %d")],
    text: `${SNPRINTF} <--; ${END}`,
    neighbour: { maps: [FORMAT("%d d")] },
  },
  {
    check: "snprintf-format",
    type: "xdp",
    maps: [FORMAT("%llld")],
    text: `${SNPRINTF} <--; ${END}`,
    neighbour: { maps: [FORMAT("%lld")] },
  },
  { check: "snprintf-format", type: "xdp", maps: [FORMAT("%sa")], text: `${SNPRINTF} <--; ${END}`, neighbour: { maps: [FORMAT("%s.")] } },
  { check: "snprintf-format", type: "xdp", maps: [FORMAT("%#x")], text: `${SNPRINTF} <--; ${END}`, neighbour: { maps: [FORMAT("é%x")] } },
  { check: "helper-hook", ...NEWTASK, text: `call bpf_d_path <--; ${END}`, neighbour: ["call bpf_d_path", "r0 = 1"] },
  {
    check: "helper-hook",
    type: "syscall",
    flags: 16,
    text: `call bpf_sk_storage_get <--; ${END}`,
    neighbour: ["call bpf_sk_storage_get", "r0 = 1"],
  },
  { check: "get-func-ip", ...NEWTASK, text: `call bpf_get_func_ip <--; ${END}`, neighbour: { type: "kprobe", attach: 0, target: 0 } },
  {
    check: "helper-sleeps",
    type: "kprobe",
    text: `${BUFFER}; r2 = 8; r3 = 0; call bpf_copy_from_user <--; ${END}`,
    neighbour: { flags: 16 },
  },
  {
    check: "helper-sleeps",
    type: "syscall",
    flags: 16,
    text: `kcall bpf_rcu_read_lock; ${BUFFER}; r2 = 8; r3 = 0; call bpf_copy_from_user <--; kcall bpf_rcu_read_unlock; ${END}`,
    neighbour: ["call bpf_copy_from_user", "r0 = 1"],
  },
  {
    check: "release-arg",
    type: "sched_cls",
    text: `r1 = *(u64 *)(r1 + 168); if r1 == 0 goto out; call bpf_sk_release <--; out: ${END}`,
    neighbour: ["call bpf_sk_release", "r1 = *(u32 *)(r1 + 4)"],
  },
  {
    check: "release-arg",
    type: "xdp",
    maps: [RING],
    text: `r1 = r10; r1 += -12; r2 = 0; call bpf_ringbuf_submit_dynptr <--; ${END}`,
    neighbour: [
      "r1 = r10; r1 += -12",
      "r1 = map 0; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr; r1 = r10; r1 += -16",
    ],
  },
  {
    check: "two-references",
    type: "xdp",
    maps: [RING, { ...HASH, size: 8 }],
    text: `${RESERVE}; r6 = r0; r1 = map 0; r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; *(u64 *)(r0 + 0) = 1; *(u64 *)(r6 + 0) = 1; r7 = r0; r1 = map 1; r2 = r6; r3 = r7; r4 = 0; call bpf_map_update_elem <--; r1 = r7; r2 = 0; call bpf_ringbuf_discard; out: r1 = r6; r2 = 0; call bpf_ringbuf_discard; ${END}`,
    neighbour: ["r3 = r7", "*(u64 *)(r10 - 8) = 0; r3 = r10; r3 += -8"],
  },
  {
    check: "map-field",
    type: "xdp",
    maps: [TIMED],
    text: `${VALUE}; r1 = r0; r2 = map 0; r3 = 1; call bpf_timer_init <--; ${END}`,
    neighbour: ["r1 = r0", "r1 = r0; r1 += 8"],
  },
  {
    check: "map-field",
    type: "xdp",
    maps: [{ ...ARRAY, size: 8, value: "plain" }],
    text: `${VALUE}; r1 = r0; r2 = map 0; r3 = 1; call bpf_timer_init <--; ${END}`,
    neighbour: ["call bpf_timer_init", "r0 = 1"],
  },
  {
    check: "map-field",
    type: "xdp",
    maps: [ARRAY],
    text: `${VALUE}; r1 = r0; r2 = map 0; r3 = 1; call bpf_timer_init <--; ${END}`,
    neighbour: ["call bpf_timer_init", "r0 = 1"],
  },
  {
    check: "timer-map",
    type: "xdp",
    maps: [TIMED, TIMED],
    text: `${VALUE}; r1 = r0; r1 += 8; r2 = map 1; r3 = 1; call bpf_timer_init <--; ${END}`,
    neighbour: ["r2 = map 1", "r2 = map 0"],
  },
  {
    check: "return-value",
    type: "xdp",
    maps: [TIMED],
    funcs: withLocal("cb"),
    text: `${VALUE}; r1 = r0; r1 += 8; r2 = func cb; call bpf_timer_set_callback; ${END}; cb: r0 = 1; exit <--`,
    neighbour: ["cb: r0 = 1", "cb: r0 = 0"],
  },
  {
    check: "kptr",
    type: "xdp",
    maps: [{ ...ARRAY, size: 8, value: "plain" }],
    text: `${LOOKUP}; if r0 == 0 goto out; r1 = r0; r2 = 0; call bpf_kptr_xchg <--; out: ${END}`,
    neighbour: ["r2 = 0; call bpf_kptr_xchg", "r2 = 0"],
  },
  {
    check: "kptr",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = r0; r1 += 8; r2 = 0; call bpf_kptr_xchg <--; ${END}`,
    neighbour: ["r1 += 8; r2 = 0; call bpf_kptr_xchg", "r1 += 8"],
  },
  {
    check: "kptr-access",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; *(u64 *)(r0 + 0) = 0 <--; ${END}`,
    neighbour: ["(r0 + 0) = 0", "(r0 + 8) = 0"],
  },
  {
    check: "kptr-access",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; *(u64 *)(r0 + 8) = 1 <--; ${END}`,
    neighbour: ["(r0 + 8) = 1", "(r0 + 8) = 0"],
  },
  {
    check: "kptr-type",
    type: "xdp",
    maps: [HELD],
    text: `${VALUE}; r1 = 1; *(u64 *)(r0 + 8) = r1 <--; ${END}`,
    neighbour: ["r1 = 1", "r1 = 0"],
  },
  {
    check: "kptr-type",
    type: "raw_tracepoint",
    maps: [HELD],
    text: `${VALUE}; r6 = r0; call bpf_get_current_task_btf; r1 = *(u64 *)(r0 + koff task_struct.mm); *(u64 *)(r6 + 8) = r1 <--; ${END}`,
    neighbour: ["r1 = *(u64 *)(r0 + koff task_struct.mm)", "r1 = r0"],
  },
];
