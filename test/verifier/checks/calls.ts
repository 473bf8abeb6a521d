// Fixtures of checks on functions, callbacks, exceptions and on how long a program may run. Data only.
import { ARRAY, BUFFER, END, HASH, LOCKED, PROGS, VALUE, withGlobal, withLocal } from "./parts.ts";
import type { Fixture } from "./program.ts";

const TAIL_CALL = "r2 = map 0; r3 = 0; call bpf_tail_call";
const EACH = "r1 = map 0; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem";
const SLEEP = `${BUFFER}; r2 = 8; r3 = 0; call bpf_copy_from_user`;
const NEST = Array.from({ length: 8 }, (_, i) => `f${i}: call f${i + 1}; exit`).join("; ");
const JUMPS = (n: number): string => Array.from({ length: n }, (_, i) => `if r0 == ${2 * i + 1} goto out`).join("; ");
const FUNCS = (n: number): string => Array.from({ length: n }, (_, i) => `f${i}: ${END}`).join("; ");
const CALLS = (n: number): string => Array.from({ length: n }, (_, i) => `call f${i}`).join("; ");
const THROW = `r1 = 1; kcall bpf_throw; ${END}`;
const caught = (main: string, cb: string): readonly (readonly [string, string])[] => [
  [main, "0"],
  [cb, "cb"],
];

const LINES = (...at: string[]): readonly (readonly [string, number])[] => at.map((label, i) => [label, i + 1]);
const named = (fn: string): readonly (readonly [string, string])[] => [
  ["main", "0"],
  [fn, "f"],
];
const CAUGHT = caught("main_caught", "caught");

export const FUNCTIONS: readonly Fixture[] = [
  {
    check: "call-destination",
    type: "xdp",
    text: `raw 0x85 0 1 0 100; ${END}`,
    neighbour: ["raw 0x85 0 1 0 100", "raw 0x85 0 1 0 1; exit"],
  },
  {
    check: "call-depth",
    type: "xdp",
    text: `${NEST.replace("call f8", "call f8 <--")}; f8: ${END}`,
    neighbour: ["f7: call f8 <--; exit; f8: ", "f7: "],
  },
  {
    check: "too-many-subprogs",
    type: "xdp",
    text: `${CALLS(256)}; exit; ${FUNCS(256)}`,
    neighbour: [`call f255; exit; ${FUNCS(256)}`, `exit; ${FUNCS(255)}`],
  },
  { check: "callback-btf", type: "xdp", maps: [HASH], text: `r2 = func cb <--; ${END}; cb: ${END}`, neighbour: { funcs: withLocal("cb") } },
  {
    check: "callback-dead",
    type: "xdp",
    funcs: [
      ["main", "0"],
      ["local", "f"],
      ["local", "cb"],
    ],
    text: `r2 = func cb; call f; ${END}; f: ${END}; cb: ${END}`,
    neighbour: ["f: ", "f: call cb; "],
  },
  {
    check: "callback-dead",
    type: "xdp",
    funcs: [
      ["main", "0"],
      ["local", "a"],
      ["local", "b"],
    ],
    text: `r2 = func b; call a; ${END}; a: r1 = 1; ${END}; b: ${END}`,
    // What moves to where the dead function stood is a function, too.
    neighbour: ["r2 = func b; call a", "r2 = func a; call b"],
  },
  {
    check: "callback-static",
    type: "xdp",
    maps: [HASH],
    funcs: withGlobal("cb"),
    text: `r2 = func cb <--; ${END}; cb: ${END}`,
    neighbour: { funcs: withLocal("cb") },
  },
  {
    check: "callback-return",
    type: "xdp",
    maps: [HASH],
    funcs: withLocal("cb"),
    text: `${EACH}; ${END}; cb: r0 = r3; exit <--`,
    neighbour: ["r0 = r3", "r0 = 0"],
  },
  {
    check: "return-value",
    type: "xdp",
    maps: [HASH],
    funcs: withLocal("cb"),
    text: `${EACH}; ${END}; cb: r0 = 2; exit <--`,
    neighbour: ["r0 = 2", "r0 = 1"],
  },
  {
    check: "for-each-map",
    type: "xdp",
    maps: [{ type: 11, key: 8, size: 8, entries: 1, flags: 1 }],
    funcs: withLocal("cb"),
    text: `r1 = map 0; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem <--; ${END}; cb: ${END}`,
    neighbour: { maps: [ARRAY] },
  },
  {
    check: "global-args",
    type: "xdp",
    funcs: withGlobal("f"),
    text: `call f <--; ${END}; f: ${END}`,
    neighbour: ["call f", "r1 = 1; call f"],
  },
  {
    check: "global-args",
    type: "xdp",
    funcs: [
      ["main", "0"],
      ["shared_tagged", "f"],
    ],
    text: `r1 = 1; call f <--; ${END}; f: ${END}`,
    neighbour: { funcs: withGlobal("f") },
  },
  {
    check: "global-args",
    type: "xdp",
    funcs: [
      ["main", "0"],
      ["shared_void", "f"],
    ],
    text: `r1 = 1; call f <--; ${END}; f: ${END}`,
    neighbour: { funcs: withGlobal("f") },
  },
  ...(
    [
      ["shared_six", "shared"],
      ["shared_by_value", "shared"],
      ["shared_unknown_tag", "shared_untrusted_int"],
      ["shared_untrusted_two", "shared_untrusted"],
      ["shared_arena_two", "shared_arena"],
      ["shared_trusted_own", "shared_untrusted"],
    ] as const
  ).map(([fn, other]): Fixture => ({
    check: "global-args",
    type: "xdp",
    funcs: named(fn),
    text: `r1 = 1; call f <--; ${END}; f: ${END}`,
    neighbour: { funcs: named(other) },
  })),
  {
    check: "global-args",
    type: "xdp",
    funcs: named("shared_nonnull"),
    text: `r1 = 1; call f <--; ${END}; f: ${END}`,
    neighbour: ["r1 = 1", BUFFER],
  },
  {
    check: "global-args",
    type: "xdp",
    funcs: named("shared_ctx"),
    text: `r1 = r10; call f <--; ${END}; f: ${END}`,
    neighbour: ["r1 = r10", "r1 += 0"],
  },
  {
    check: "global-sleeps",
    type: "kprobe",
    funcs: withGlobal("f"),
    text: `r1 = 1; call f <--; ${END}; f: ${SLEEP}; ${END}`,
    neighbour: { flags: 16 },
  },
  {
    check: "global-under-lock",
    type: "sched_cls",
    maps: [LOCKED],
    funcs: withGlobal("f"),
    text: `${VALUE}; r6 = r0; r1 = r0; call bpf_spin_lock; r1 = 1; call f <--; r1 = r6; call bpf_spin_unlock; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "subprog-return",
    type: "xdp",
    maps: [ARRAY],
    funcs: withGlobal("f"),
    text: `r1 = 1; call f; ${END}; f: r0 = map 0; exit <--`,
    neighbour: ["r0 = map 0", "r0 = 3"],
  },
  {
    check: "ld-abs-subprog",
    type: "sched_cls",
    text: `call f; ${END}; f: r6 = r1; r0 = *(u8 *)skb[0]; exit`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "ld-abs-subprog",
    type: "sched_cls",
    funcs: [
      ["main", "0"],
      ["local_void", "f"],
    ],
    text: `call f; ${END}; f: r6 = r1; r0 = *(u8 *)skb[0]; exit`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "tail-call-subprog",
    type: "xdp",
    maps: [PROGS],
    funcs: [
      ["main", "0"],
      ["local_void", "f"],
    ],
    text: `call f; ${END}; f: ${TAIL_CALL}; ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "tail-call-stack",
    type: "xdp",
    maps: [PROGS],
    funcs: withLocal("f"),
    text: `*(u64 *)(r10 - 264) = 0; call f; ${END}; f: ${TAIL_CALL}; ${END}`,
    neighbour: ["r10 - 264", "r10 - 200"],
  },
  {
    check: "tail-call-exception",
    type: "xdp",
    maps: [PROGS],
    funcs: [...CAUGHT, ["local", "f"]],
    text: `${END}; cb: call f; exit; f: r0 = 0; if r0 == 0 goto out; ${TAIL_CALL}; out: exit`,
    neighbour: ["r2 = map 0; r3 = 0; call bpf_tail_call", "r0 = 1"],
  },
  {
    check: "throw-in-callback",
    type: "sched_cls",
    maps: [HASH],
    funcs: withLocal("cb"),
    text: `${EACH}; ${END}; cb: ${THROW}`,
    neighbour: ["r1 = 1; kcall bpf_throw", "r1 = 1"],
  },
  {
    check: "exception-callback",
    type: "sched_cls",
    funcs: caught("main_nobody", "caught"),
    text: `${THROW}; cb: ${END}`,
    neighbour: { funcs: CAUGHT },
  },
  {
    check: "exception-callback",
    type: "sched_cls",
    funcs: caught("main_twice", "caught"),
    text: `${THROW}; cb: ${END}`,
    neighbour: { funcs: CAUGHT },
  },
  {
    check: "exception-callback",
    type: "sched_cls",
    funcs: caught("main_caught_static", "caught_static"),
    text: `${THROW}; cb: ${END}`,
    neighbour: { funcs: CAUGHT },
  },
  {
    check: "exception-callback",
    type: "sched_cls",
    funcs: caught("main_caught_two", "caught_two"),
    text: `${THROW}; cb: ${END}`,
    neighbour: { funcs: CAUGHT },
  },
  {
    check: "exception-callback",
    type: "sched_cls",
    funcs: [["main_caught", "0"]],
    text: THROW,
    neighbour: { funcs: [["main", "0"]] },
  },
  {
    check: "subprog-args",
    type: "sched_cls",
    funcs: caught("main_caught_pointer", "caught_pointer"),
    text: `${THROW}; cb: ${END}`,
    neighbour: { funcs: CAUGHT },
  },
  {
    check: "func-info",
    type: "xdp",
    funcs: withLocal("0"),
    text: `call f; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "func-info",
    type: "xdp",
    funcs: [["main", "0"]],
    text: `call f; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "func-info",
    type: "xdp",
    funcs: [
      ["main", "1"],
      ["local", "f"],
    ],
    text: `call f; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "func-info",
    type: "xdp",
    funcs: withLocal("1"),
    text: `call f; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "func-info",
    type: "xdp",
    funcs: [
      ["main", "0"],
      ["int", "f"],
    ],
    text: `call f; ${END}; f: ${END}`,
    neighbour: { funcs: withLocal("f") },
  },
  {
    check: "line-info",
    type: "xdp",
    lines: LINES("0", "0"),
    text: END,
    neighbour: { lines: LINES("0", "1") },
  },
  { check: "line-info", type: "xdp", lines: LINES("0", "2"), text: END, neighbour: { lines: LINES("0", "1") } },
  { check: "line-info", type: "xdp", lines: LINES("0", "1"), text: `r1 = 1 ll; ${END}`, neighbour: { lines: LINES("0", "2") } },
  { check: "line-info", type: "xdp", lines: LINES("1"), text: END, neighbour: { lines: LINES("0", "1") } },
  {
    check: "line-info",
    type: "xdp",
    funcs: withLocal("f"),
    lines: LINES("0"),
    text: `call f; ${END}; f: ${END}`,
    neighbour: { lines: LINES("0", "f") },
  },
  {
    check: "loop-count",
    type: "xdp",
    funcs: withLocal("cb"),
    text: `r1 = r10; r2 = func cb; r3 = 0; r4 = 0; call bpf_loop <--; ${END}; cb: ${END}`,
    neighbour: ["r1 = r10", "r1 = 10"],
  },
  { check: "may-goto", type: "xdp", text: `raw 0xe5 0 0 0 5 <--; ${END}`, neighbour: ["raw 0xe5 0 0 0 5", "raw 0xe5 0 0 0 0"] },
  { check: "infinite-loop", type: "xdp", text: `r0 = 0; l: r1 = 0; if r1 == 0 goto l <--; exit`, neighbour: ["r1 == 0", "r1 == 1"] },
  {
    check: "insn-limit",
    type: "xdp",
    text: `r0 = 0; r1 = 0; l: r1 += 1; if r1 < 1000000 goto l <--; exit`,
    neighbour: ["1000000", "10"],
  },
  {
    check: "jump-sequence",
    type: "xdp",
    text: `call bpf_get_prandom_u32; ${JUMPS(8192)}; if r0 > 7 goto out <--; out: ${END}`,
    neighbour: ["if r0 > 7 goto out", "r0 = 7"],
  },
];
