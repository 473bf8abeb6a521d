// Cases of helpers and kfuncs about the system: tasks, time, text, numbers, kernel names. Data only.
import type { RunCase } from "../run-cases.ts";
import { fill, keep, OUT, stack, syscall, tracing } from "./parts.ts";

const CPUS = fill(64, 5, 1, 6, 0);
const str = (at: number, text: string): string =>
  Array.from({ length: Math.ceil((text.length + 1) / 8) }, (_, i) => {
    const part = Buffer.alloc(8);
    Buffer.from(text.slice(8 * i, 8 * i + 8)).copy(part);
    return `r1 = 0x${part.readBigUInt64LE().toString(16)} ll; *(u64 *)(r10 - ${at - 8 * i}) = r1`;
  }).join("; ");
const strtol = (text: string, base: number, helper: string): string =>
  `r1 = 0; *(u64 *)(r10 - 48) = r1; ${str(40, text)}; ${stack(1, 40)}; r2 = ${text.length + 1}; r3 = ${base}; ${stack(4, 48)}; call bpf_${helper}`;
const NUMBERS: readonly (readonly [string, number])[] = [
  ["123", 10],
  ["-123", 10],
  ["0x1f", 16],
  ["0x1f", 0],
  ["017", 0],
  ["  42abc", 0],
  ["abc", 16],
  ["xyz", 0],
  ["-", 10],
  ["9223372036854775807", 10],
  ["9223372036854775808", 10],
  ["18446744073709551616", 10],
  ["0x", 16],
  ["0", 0],
  ["08", 0],
  ["12", 9],
  ["+5", 10],
];
const printf = (format: string, room: number, ...args: (number | string)[]): string =>
  `${fill(128, ...(args.length ? args : [0]))}; ${fill(96, 0, 0, 0, 0)}; ${stack(1, 96)}; r2 = ${room}; r3 = mapvalue 1 0; ${stack(4, 128)}; r5 = ${8 * args.length}; call bpf_snprintf; ${keep(0)}; ` +
  [0, 1, 2, 3].map((i) => `r0 = *(u64 *)(r10 - ${96 - 8 * i}); ${keep(1 + i)}`).join("; ");
const FORMATS: readonly (readonly [string, ...(number | string)[]])[] = [
  ["plain"],
  ["%d", 42],
  ["%d %i", "0xffffffffffffffff", 5],
  ["%u", "0xffffffffffffffff"],
  ["%lu", "0xffffffffffffffff"],
  ["%ld", "0xffffffffffffffff"],
  ["%llx", "0xabcdef"],
  ["%x %X", 255, 255],
  ["%5d|%-5d|", 42, 42],
  ["%05d", 42],
  ["%+d", 42],
  ["% d", 42],
  ["%c%c", 65, 66],
  ["%%"],
  ["%3c|", 65],
  ["%08lx", 255],
  ["%lld", 7],
  ["%s", 0],
  ["%10x|", 255],
];
const format = (text: string): string =>
  Buffer.concat([Buffer.from(text), Buffer.alloc(64)])
    .subarray(0, 64)
    .toString("hex");
const snprintf = (name: string, text: string, room: number, ...args: (number | string)[]): RunCase =>
  tracing(`snprintf ${name}`, printf(text, room, ...args), {
    maps: [OUT, { type: 2, key: 4, size: 64, entries: 1, flags: 128, frozen: format(text) }],
  });

const task = (text: string): string => `call bpf_get_current_task_btf; r8 = r0; ${text}`;
const two = (a: string, b: string, call: string): string => `${str(64, a)}; ${str(32, b)}; ${stack(1, 64)}; ${stack(2, 32)}; kcall ${call}`;
const STRINGS: readonly (readonly [string, string])[] = [
  ["abc", "abc"],
  ["abc", "abd"],
  ["abd", "abc"],
  ["ab", "abc"],
  ["", ""],
  ["ABC", "abc"],
  ["hello world", "o w"],
  ["hello", "lo"],
  ["hello", "xyz"],
  ["aab", "ab"],
  ["", "a"],
  ["a", ""],
  ["aaab", "aab"],
];
const name = (text: string, size = text.length + 1, kind = 4, flags = 0): string =>
  `${str(64, text)}; ${stack(1, 64)}; r2 = ${size}; r3 = ${kind}; r4 = ${flags}; call bpf_btf_find_by_name_kind`;

export const SYSTEM_CASES: readonly RunCase[] = [
  ...NUMBERS.flatMap(([text, base]) => ["strtol", "strtoul"].map((h) => tracingNumber(h, text, base))),
  ...FORMATS.map(([text, ...args]) => snprintf(text, text, 32, ...args)),
  snprintf("cut", "0123456789%d", 8, 7),
  snprintf("without room", "0123456789%d", 0, 7),
  tracing(
    "strncmp",
    `${str(64, "abc")}; ${stack(1, 64)}; r2 = 3; r3 = mapvalue 1 0; call bpf_strncmp; ${keep(0)}; ${stack(1, 64)}; r2 = 8; r3 = mapvalue 1 0; call bpf_strncmp; ${keep(1)}`,
    {
      maps: [OUT, { type: 2, key: 4, size: 64, entries: 1, flags: 128, frozen: format("abd") }],
    },
  ),
  tracing("current task", task(`r1 = r8; call bpf_task_pt_regs; r0 = 1; ${keep(0)}`)),
  tracing(
    "namespace of the task",
    `r1 = 4; r2 = 0; ${stack(3, 16)}; r4 = 8; call bpf_get_ns_current_pid_tgid; ${keep(0)}; r0 = *(u64 *)(r10 - 16); ${keep(1)}`,
  ),
  tracing(
    "ancestor cgroups of the task",
    [99, -1].map((n, i) => `r1 = ${n}; call bpf_get_current_ancestor_cgroup_id; ${keep(i)}`).join("; "),
  ),
  tracing(
    "current task under a cgroup",
    `r1 = map 1; r2 = 0; call bpf_current_task_under_cgroup; ${keep(0)}; r1 = map 1; r2 = 7; call bpf_current_task_under_cgroup; ${keep(1)}`,
    {
      maps: [OUT, { type: 8, key: 4, size: 4, entries: 2 }],
    },
  ),
  tracing(
    "find_vma with flags",
    task(
      `r1 = r8; r2 = 0; r3 = func cb; r4 = 0; r5 = 1; call bpf_find_vma; ${keep(0)}; r1 = r8; r2 = 1; r3 = func cb; r4 = 0; r5 = 0; call bpf_find_vma; ${keep(1)}; r0 = 0; exit; cb: r0 = 0`,
    ),
    {
      funcs: [
        ["main", "0"],
        ["local", "cb"],
      ],
    },
  ),
  tracing(
    "branch snapshot",
    `${fill(64, 1, 2, 3)}; ${stack(1, 64)}; r2 = 24; r3 = 0; call bpf_get_branch_snapshot; ${keep(0)}; ${stack(1, 64)}; r2 = 24; r3 = 1; call bpf_get_branch_snapshot; ${keep(1)}`,
  ),
  tracing(
    "perf_event_read",
    `r1 = map 1; r2 = 0; call bpf_perf_event_read; ${keep(0)}; r1 = map 1; r2 = 9; call bpf_perf_event_read; ${keep(1)}; r1 = map 1; r2 = 0x100000000 ll; call bpf_perf_event_read; ${keep(2)}`,
    {
      maps: [OUT, { type: 4, key: 4, size: 4, entries: 2 }],
    },
  ),
  tracing(
    "perf_event_read_value",
    [24, 16]
      .map(
        (n, i) =>
          `${fill(64, 1, 2, 3)}; r1 = map 1; r2 = 0; ${stack(3, 64)}; r4 = ${n}; call bpf_perf_event_read_value; ${keep(2 * i)}; r0 = *(u64 *)(r10 - 64); ${keep(2 * i + 1)}`,
      )
      .join("; "),
    {
      maps: [OUT, { type: 4, key: 4, size: 4, entries: 2 }],
    },
  ),
  tracing(
    "get_stack refuses",
    [0x1000, 2048, 0]
      .map(
        (flags, i) =>
          `${fill(64, 7, 7, 7)}; r1 = r7; ${stack(2, 64)}; r3 = ${i === 2 ? 20 : 24}; r4 = ${flags}; call bpf_get_stack; ${keep(2 * i)}; r0 = *(u64 *)(r10 - 64); ${keep(2 * i + 1)}`,
      )
      .join("; "),
  ),
  tracing(
    "get_stackid refuses",
    `r1 = r7; r2 = map 1; r3 = 0x1000; call bpf_get_stackid; ${keep(0)}; r1 = r7; r2 = map 1; r3 = 255; call bpf_get_stackid; ${keep(1)}`,
    {
      maps: [OUT, { type: 7, key: 4, size: 64, entries: 8 }],
    },
  ),
  tracing(
    "probe_read of bad addresses",
    `${fill(64, 7, 7)}; ${stack(1, 64)}; r2 = 8; r3 = 8; call bpf_probe_read_kernel; ${keep(0)}; r0 = *(u64 *)(r10 - 64); ${keep(1)}; ${stack(1, 64)}; r2 = 8; r3 = 8; call bpf_probe_read_kernel_str; ${keep(2)}; ${stack(1, 64)}; r2 = 8; r3 = 8; call bpf_probe_read_user; ${keep(3)}`,
  ),
  tracing(
    "task storage",
    task(
      `r1 = map 1; r2 = r8; r3 = 0; r4 = 0; call bpf_task_storage_get; if r0 == 0 goto +2; r0 = 1; ${keep(0)}; r1 = map 1; r2 = r8; call bpf_task_storage_delete; ${keep(1)}; r1 = map 1; r2 = r8; r3 = 0; r4 = 1; call bpf_task_storage_get; if r0 == 0 goto out; r1 = 9; *(u64 *)(r0 + 0) = r1; r1 = map 1; r2 = r8; r3 = 0; r4 = 0; call bpf_task_storage_get; if r0 == 0 goto out; r0 = *(u64 *)(r0 + 0); ${keep(2)}; r1 = map 1; r2 = r8; call bpf_task_storage_delete; ${keep(3)}; out: r0 = 0`,
    ),
    {
      maps: [OUT, { type: 29, key: 4, size: 8, entries: 0, flags: 1, value: "plain" }],
    },
  ),
  syscall(
    "type by name",
    `${name("task_struct")}; ${keep(0)}; ${name("no_such_type")}; ${keep(1)}; ${name("task_struct", 5)}; ${keep(2)}; ${name("task_struct", 12, 4, 1)}; ${keep(3)}; ${name("task_struct", 12, 99)}; ${keep(4)}; ${name("int", 4, 1)}; ${keep(5)}`,
  ),
  syscall(
    "address of no symbol",
    `${str(64, "no_such_symbol")}; ${stack(1, 64)}; r2 = 15; r3 = 0; ${stack(4, 32)}; call bpf_kallsyms_lookup_name; ${keep(0)}; r0 = *(u64 *)(r10 - 32); ${keep(1)}; ${stack(1, 64)}; r2 = 15; r3 = 1; ${stack(4, 32)}; call bpf_kallsyms_lookup_name; ${keep(2)}; ${stack(1, 64)}; r2 = 4; r3 = 0; ${stack(4, 32)}; call bpf_kallsyms_lookup_name; ${keep(3)}`,
  ),
  syscall(
    "sys_bpf of a command that is not allowed",
    `${fill(128, 0, 0, 0, 0, 0, 0, 0, 0)}; r1 = 1; ${stack(2, 128)}; r3 = 64; call bpf_sys_bpf; ${keep(0)}; r1 = 0; ${stack(2, 128)}; r3 = 64; call bpf_sys_bpf; ${keep(1)}`,
  ),
  syscall(
    "sys_bpf makes, fills and closes a map",
    `${fill(128, "0x400000002", "0x100000008", 0, 0, 0, 0, 0, 0)}; r1 = 0; ${stack(2, 128)}; r3 = 64; call bpf_sys_bpf; r9 = r0; if r0 s> 0 goto good; ${keep(0)}; good: r1 = r9; call bpf_sys_close; ${keep(1)}; r1 = r9; call bpf_sys_close; ${keep(2)}`,
  ),
  syscall("sys_close of no descriptor", `r1 = 9999; call bpf_sys_close; ${keep(0)}`),
  ...STRINGS.map(([a, b]) =>
    syscall(
      `strings ${a}/${b}`,
      ["bpf_strcmp", "bpf_strcasecmp", "bpf_strspn", "bpf_strcspn", "bpf_strstr"].map((f, i) => `${two(a, b, f)}; ${keep(i)}`).join("; "),
    ),
  ),
  syscall(
    "characters",
    `${str(64, "hello")}; ${[`r2 = 108; kcall bpf_strchr`, `r2 = 122; kcall bpf_strchr`, `r2 = 0; kcall bpf_strchr`, `r2 = 108; kcall bpf_strchrnul`, `r2 = 122; kcall bpf_strchrnul`, `r2 = 108; kcall bpf_strrchr`, `r2 = 0; kcall bpf_strrchr`, `r2 = 2; r3 = 108; kcall bpf_strnchr`, `r2 = 3; r3 = 108; kcall bpf_strnchr`, `r2 = 9; r3 = 122; kcall bpf_strnchr`, `kcall bpf_strlen`, `r2 = 3; kcall bpf_strnlen`, `r2 = 9; kcall bpf_strnlen`].map((t, i) => `${stack(1, 64)}; ${t}; ${keep(i)}`).join("; ")}`,
  ),
  ...(
    [
      ["hello", "ll", 3],
      ["hello", "ll", 4],
      ["hello", "", 0],
      ["hello", "lo", 9],
      ["hello", "h", 0],
    ] as const
  ).map(([a, b, n]) =>
    syscall(
      `strnstr ${a}/${b} ${n}`,
      `${str(64, a)}; ${str(32, b)}; ${stack(1, 64)}; ${stack(2, 32)}; r3 = ${n}; kcall bpf_strnstr; ${keep(0)}`,
    ),
  ),
  syscall(
    "bits",
    `${CPUS}; ${stack(1, 16)}; ${stack(2, 64)}; r3 = 1; kcall bpf_iter_bits_new; ${keep(0)}; ${stack(1, 16)}; kcall bpf_iter_bits_next; if r0 == 0 goto a; r0 = *(u32 *)(r0 + 0); r0 += 1; ${keep(1)}; a: ${stack(1, 16)}; kcall bpf_iter_bits_next; if r0 == 0 goto b; r0 = *(u32 *)(r0 + 0); r0 += 1; ${keep(2)}; b: ${stack(1, 16)}; kcall bpf_iter_bits_next; if r0 == 0 goto c; r0 = 99; ${keep(3)}; c: ${stack(1, 16)}; kcall bpf_iter_bits_destroy`,
  ),
  syscall(
    "bits of nothing",
    [0, 512]
      .map(
        (n, i) =>
          `${CPUS}; ${stack(1, 16)}; ${stack(2, 64)}; r3 = ${n}; kcall bpf_iter_bits_new; ${keep(i)}; ${stack(1, 16)}; kcall bpf_iter_bits_destroy`,
      )
      .join("; "),
  ),
  ...(
    [
      [0, 3],
      [3, 0],
      [5, 5],
      [-2, 1],
      [0, 8388608],
      [0, 8388609],
    ] as const
  ).map(([a, b]) =>
    syscall(
      `numbers ${a} ${b}`,
      `${stack(1, 8)}; r2 = ${a}; r3 = ${b}; kcall bpf_iter_num_new; ${keep(0)}; ${stack(1, 8)}; kcall bpf_iter_num_next; if r0 == 0 goto a; r0 = *(u32 *)(r0 + 0); r0 += 1; ${keep(1)}; a: ${stack(1, 8)}; kcall bpf_iter_num_next; if r0 == 0 goto b; r0 = *(u32 *)(r0 + 0); r0 += 1; ${keep(2)}; b: ${stack(1, 8)}; kcall bpf_iter_num_destroy`,
    ),
  ),
];
function tracingNumber(helper: string, text: string, base: number): RunCase {
  return tracing(
    `${helper} ${JSON.stringify(text)} base ${base}`,
    `${strtol(text, base, helper)}; ${keep(0)}; r0 = *(u64 *)(r10 - 48); ${keep(1)}`,
    { type: "syscall", flags: 16, ctx: "00".repeat(8) },
  );
}
