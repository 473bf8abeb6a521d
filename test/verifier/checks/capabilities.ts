// Fixtures of checks on what a loader may do. Data only.
import { END, PROGS } from "./parts.ts";
import type { Fixture } from "./program.ts";

const TAIL_CALL = "r6 = r1; call 7; r2 = map 0; if r0 == 0 goto +2; r2 = map 1; r1 = r6; r3 = 0; call 12";

/** Loaders without CAP_PERFMON, or with CAP_BPF alone: the kernel has been asked. */
export const CAPABILITIES: readonly Fixture[] = [
  {
    check: "tail-call-map",
    type: "xdp",
    caps: "noperfmon",
    maps: [PROGS, PROGS],
    text: `${TAIL_CALL}; ${END}`,
    neighbour: { caps: "full" },
  },
  { check: "helper-not-available", type: "xdp", caps: "noperfmon", text: `call 35 <--; ${END}`, neighbour: { caps: "full" } },
  { check: "helper-not-available", type: "socket_filter", caps: "bpf", text: `call 35 <--; ${END}`, neighbour: ["call 35", "call 118"] },
];

/** A fixture and what 6.18's sources make of it. */
export interface Unasked {
  readonly fixture: Fixture;
  readonly errno: number;
  readonly words: string;
}
const none = { type: "socket_filter", caps: "unprivileged" } as const;
const BPF = { caps: "bpf" } as const;
const unavailable = (helper: string): string => `program of this type cannot use helper bpf_${helper}`;

/** Loaders without CAP_BPF. No kernel that answers lets them in (unprivileged_bpf_disabled), so that the words are those of its sources and of its own tests. */
export const UNPRIVILEGED: readonly Unasked[] = [
  {
    fixture: {
      check: "back-edge",
      ...none,
      text: `r0 = 0; again: r0 += 1; if r0 < 4 goto again; exit`,
      neighbour: ["goto again", "goto +0"],
    },
    errno: 22,
    words: "back-edge from insn 2 to 1",
  },
  {
    fixture: { check: "calls-privilege", ...none, text: `call sub; exit; sub: ${END}`, neighbour: BPF },
    errno: 1,
    words: "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
  },
  { fixture: { check: "program-length", ...none, text: `${"r0 = 0; ".repeat(4096)}exit`, neighbour: BPF }, errno: 7, words: "" },
  {
    fixture: { check: "program-privilege", ...none, type: "sk_reuseport", text: END, neighbour: { type: "cgroup_skb" } },
    errno: 1,
    words: "",
  },
  {
    fixture: { check: "helper-not-available", ...none, text: `call 118 <--; ${END}`, neighbour: ["call 118", "call 5"] },
    errno: 22,
    words: unavailable("jiffies64#118"),
  },
  {
    fixture: { check: "ctx-access", ...none, type: "cgroup_skb", text: `r0 = *(u32 *)(r1 + 76) <--; ${END}`, neighbour: BPF },
    errno: 13,
    words: "invalid bpf_context access off=76 size=4",
  },
  {
    fixture: { check: "ctx-access", ...none, type: "cgroup_skb", text: `r2 = 0; *(u64 *)(r1 + 152) = r2 <--; ${END}`, neighbour: BPF },
    errno: 13,
    words: "invalid bpf_context access off=152 size=8",
  },
];
