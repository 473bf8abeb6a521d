// Cases of maps from programs, loops, output, segment routing, connections and ciphers. Data only.
import type { RunCase } from "../run-cases.ts";
import { BEGIN, END, fill, keep, OUT, PLAIN, stack, syscall, tc, TCP4, tracing, UDP6, xdp } from "./parts.ts";

const HASH = [OUT, { type: 1, key: 4, size: 8, entries: 2 }];
const key = (n: number): string => `r1 = ${n}; *(u32 *)(r10 - 4) = r1`;
const update = (k: number, v: number, flags: number | string): string =>
  `${key(k)}; r1 = ${v}; *(u64 *)(r10 - 16) = r1; r1 = map 1; ${stack(2, 4)}; ${stack(3, 16)}; r4 = ${flags}; call bpf_map_update_elem`;
let label = 0;
const lookup = (k: number, at: number): string => {
  const none = `none${label++}`;
  return `${key(k)}; r1 = map 1; ${stack(2, 4)}; call bpf_map_lookup_elem; if r0 == 0 goto ${none}; r0 = *(u64 *)(r0 + 0); ${keep(at)}; ${none}: r0 = 0`;
};
const remove = (k: number): string => `${key(k)}; r1 = map 1; ${stack(2, 4)}; call bpf_map_delete_elem`;
const callback = (name: string, text: string, cb: string, more: Partial<RunCase> = {}): RunCase =>
  tc(name, "", {
    text: `${BEGIN}; ${text}; ${END}; cb: ${cb}; exit`,
    funcs: [
      ["main", "0"],
      ["local", "cb"],
    ],
    ...more,
  });
/** Adds r1 to result `n` and stops when it is `last`. */
const count = (n: number, last: number): string =>
  `r2 = mapvalue 0 0; r3 = *(u64 *)(r2 + ${8 * n}); r3 += 1; *(u64 *)(r2 + ${8 * n}) = r3; r0 = 0; if r3 != ${last} goto more; r0 = 1; more: r1 = 0`;
const loop = (n: number | string, flags = 0): string => `r1 = ${n}; r2 = func cb; r3 = 0; r4 = ${flags}; call bpf_loop`;
const STACKS = [OUT, { type: 23, key: 0, size: 8, entries: 2 }];
const push = (v: number, flags: number): string =>
  `r1 = ${v}; *(u64 *)(r10 - 8) = r1; r1 = map 1; ${stack(2, 8)}; r3 = ${flags}; call bpf_map_push_elem`;
const pop = (what: string): string => `r1 = map 1; ${stack(2, 8)}; call bpf_map_${what}_elem`;
const QUEUES = [22, 23].flatMap((type): RunCase[] => [
  tc(
    `${type === 22 ? "queue" : "stack"} from a program`,
    `${push(1, 0)}; ${keep(0)}; ${push(2, 0)}; ${keep(1)}; ${push(3, 0)}; ${keep(2)}; ${push(4, 2)}; ${keep(3)}; ${push(5, 1)}; ${keep(4)}; ${pop("peek")}; r0 = *(u64 *)(r10 - 8); ${keep(5)}; ${pop("pop")}; r0 = *(u64 *)(r10 - 8); ${keep(6)}; ${pop("pop")}; r0 = *(u64 *)(r10 - 8); ${keep(7)}; ${pop("pop")}; ${keep(8)}; r0 = *(u64 *)(r10 - 8); ${keep(9)}`,
    {
      maps: [OUT, { ...STACKS[1]!, type }],
    },
  ),
]);
const encap = (type: number, bytes: readonly (number | string)[], size: number): string =>
  `${fill(64, ...bytes)}; r1 = r7; r2 = ${type}; ${stack(3, 64)}; r4 = ${size}; call bpf_lwt_push_encap`;
const IP_HEADER = ["0x0000000014000045", "0x0a0000010000ff40", "0x020000000a"] as const;

/** Tuple at r10-64, options at r10-16. */
const ct = (fn: string, tuple: number, size: number, netns: number | string, protocol: number, more = 0): string =>
  `${fill(64, "0x0200000a0100000a", "0x000000005000d204", 0, 0, 0)}; ${fill(16, 0, protocol + more * 0x10000)}; r1 = ${netns}; *(u32 *)(r10 - 16) = r1; r1 = r7; ${stack(2, 64)}; r3 = ${tuple}; ${stack(4, 16)}; r5 = ${size}; kcall ${fn}`;
const connection = (name: string, ...args: [number, number, number | string, number, number?]): RunCase =>
  xdp(
    `connection ${name}`,
    `${ct("bpf_xdp_ct_lookup", ...args)}; if r0 == 0 goto none; r1 = r0; kcall bpf_ct_release; none: r0 = *(u32 *)(r10 - 12); ${keep(0)}`,
  );

const cipher = (algorithm: string, key: string, more: { type?: string; length?: number; authSize?: number } = {}): string => {
  const params = Buffer.alloc(408);
  params.write(more.type ?? "skcipher", 0);
  params.write(algorithm, 16);
  Buffer.from(key, "hex").copy(params, 144);
  params.writeUInt32LE(more.length ?? key.length / 2, 400);
  params.writeUInt32LE(more.authSize ?? 0, 404);
  return params.toString("hex");
};
/** Parameters from the read-only map 1 to map 2: the kernel takes them from memory that may be written only. */
const COPY = `r1 = mapvalue 1 0; r2 = mapvalue 2 0; ${Array.from({ length: 51 }, (_, i) => `r3 = *(u64 *)(r1 + ${8 * i}); *(u64 *)(r2 + ${8 * i}) = r3`).join("; ")}`;
const KEY = "000102030405060708090a0b0c0d0e0f";
const crypt = (name: string, frozen: string, size = 408): RunCase =>
  syscall(
    `cipher ${name}`,
    `${COPY}; r1 = mapvalue 2 0; r2 = ${size}; ${stack(3, 8)}; r4 = 0; *(u32 *)(r10 - 8) = r4; kcall bpf_crypto_ctx_create; r8 = r0; r0 = *(u32 *)(r10 - 8); ${keep(0)}; if r8 == 0 goto out; r1 = r8; kcall bpf_crypto_ctx_release; r0 = 1; ${keep(1)}; out: r0 = 0`,
    {
      maps: [OUT, { type: 2, key: 4, size: 408, entries: 1, flags: 128, frozen }, { type: 2, key: 4, size: 408, entries: 1 }],
    },
  );

export const MORE_CASES: readonly RunCase[] = [
  tc(
    "hash map from a program",
    `${update(1, 11, 0)}; ${keep(0)}; ${update(1, 12, 1)}; ${keep(1)}; ${update(2, 22, 2)}; ${keep(2)}; ${update(2, 22, 1)}; ${keep(3)}; ${update(3, 33, 0)}; ${keep(4)}; ${lookup(1, 5)}; ${lookup(2, 6)}; ${remove(1)}; ${keep(7)}; ${remove(1)}; ${keep(8)}; ${lookup(1, 9)}; ${update(1, 1, 8)}; ${keep(10)}; ${update(1, 1, "0x100000000 ll")}; ${keep(11)}`,
    { maps: HASH },
  ),
  tc(
    "array from a program",
    `${update(1, 11, 0)}; ${keep(0)}; ${update(1, 12, 1)}; ${keep(1)}; ${update(5, 12, 0)}; ${keep(2)}; ${remove(1)}; ${keep(3)}; ${lookup(1, 4)}; ${lookup(9, 5)}`,
    { maps: [OUT, { type: 2, key: 4, size: 8, entries: 2 }] },
  ),
  ...[5, 6, 10].map((type) =>
    tc(
      `per-CPU values ${type}`,
      `${update(1, 11, 0)}; ${keep(0)}; ${lookup(1, 1)}; ${key(1)}; r1 = map 1; ${stack(2, 4)}; r3 = 99; call bpf_map_lookup_percpu_elem; if r0 == 0 goto far; r0 = 7; ${keep(2)}; far: ${key(9)}; r1 = map 1; ${stack(2, 4)}; r3 = 0; call bpf_map_lookup_percpu_elem; if r0 == 0 goto out; r0 = 7; ${keep(3)}; out: r0 = 0`,
      {
        maps: [OUT, { type, key: 4, size: 8, entries: 2 }],
      },
    ),
  ),
  ...QUEUES,
  tc(
    "bloom filter from a program",
    `${push(1, 0)}; ${keep(0)}; ${push(1, 1)}; ${keep(1)}; r1 = 1; *(u64 *)(r10 - 8) = r1; ${pop("peek")}; ${keep(2)}`,
    { maps: [OUT, { type: 30, key: 0, size: 8, entries: 100 }] },
  ),
  tc("tail call that finds nothing", `r1 = r7; r2 = map 1; r3 = 0; call bpf_tail_call; r0 = 5; ${keep(0)}`, {
    maps: [OUT, { type: 3, key: 4, size: 4, entries: 2 }],
  }),
  callback("loop", `${loop(5)}; ${keep(1)}`, count(0, 99)),
  callback("loop that stops", `${loop(5)}; ${keep(1)}`, count(0, 3)),
  callback("loop of nothing", `${loop(0)}; ${keep(1)}`, count(0, 99)),
  callback("loop of too much", `${loop(8388609)}; ${keep(1)}`, count(0, 99)),
  callback("loop with flags", `${loop(2, 1)}; ${keep(1)}`, count(0, 99)),
  callback("each element of an array", `r1 = map 1; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem; ${keep(1)}`, count(0, 99), {
    maps: [OUT, { type: 2, key: 4, size: 8, entries: 4 }],
  }),
  callback(
    "each element of a hash map",
    `${update(1, 1, 0)}; ${update(2, 2, 0)}; r1 = map 1; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem; ${keep(1)}; r1 = map 1; r2 = func cb; r3 = 0; r4 = 1; call bpf_for_each_map_elem; ${keep(2)}`,
    count(0, 99),
    { maps: HASH },
  ),
  callback(
    "each element until told to stop",
    `r1 = map 1; r2 = func cb; r3 = 0; r4 = 0; call bpf_for_each_map_elem; ${keep(1)}`,
    count(0, 2),
    { maps: [OUT, { type: 6, key: 4, size: 8, entries: 4 }] },
  ),
  tc(
    "ring buffer records",
    `r1 = map 1; r2 = 16; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto full; r1 = r0; r2 = 0; call bpf_ringbuf_discard; r0 = 1; ${keep(0)}; full: r1 = map 1; r2 = 4096; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto small; r1 = r0; r2 = 0; call bpf_ringbuf_discard; r0 = 1; ${keep(1)}; small: ${fill(32, 1, 2)}; r1 = map 1; ${stack(2, 32)}; r3 = 16; r4 = 4; call bpf_ringbuf_output; ${keep(2)}; r1 = map 1; ${stack(2, 32)}; r3 = 16; r4 = 0; call bpf_ringbuf_output; ${keep(3)}`,
    {
      maps: [OUT, { type: 27, key: 0, size: 0, entries: 4096 }],
    },
  ),
  tc(
    "perf output with bad arguments",
    [
      ["0x100000000000", 8],
      [9, 8],
      ["0x10000000000000", 8],
    ]
      .map(
        ([flags, size], i) =>
          `${fill(32, 1)}; r1 = r7; r2 = map 1; r3 = ${flags} ll; ${stack(4, 32)}; r5 = ${size}; call bpf_perf_event_output; ${keep(i)}`,
      )
      .join("; "),
    {
      maps: [OUT, { type: 4, key: 4, size: 4, entries: 2 }],
    },
  ),
  tc(
    "skb load and store of bytes",
    `${fill(32, "0x1122334455667788", 0)}; ${[
      [0, 8, 0],
      [54, 8, 0],
      [55, 8, 0],
      [62, 1, 0],
      [14, 4, 1],
      [14, 4, 4],
    ]
      .map(
        ([off, n, flags], i) =>
          `r1 = r7; r2 = ${off}; ${stack(3, 32)}; r4 = ${n}; r5 = ${flags}; call bpf_skb_store_bytes; ${keep(2 * i)}; r1 = r7; r2 = ${off}; ${stack(3, 16)}; r4 = ${n}; call bpf_skb_load_bytes; ${keep(2 * i + 1)}`,
      )
      .join("; ")}`,
  ),
  tracing(
    "kernel strings and dynptrs of bad addresses",
    `r1 = mapvalue 1 0; r2 = 64; r3 = 0; ${stack(4, 16)}; call bpf_dynptr_from_mem; ${["kernel", "kernel_str", "user", "user_str"].map((n, i) => `${stack(1, 16)}; r2 = 0; r3 = 8; r4 = 8; kcall bpf_probe_read_${n}_dynptr; ${keep(i)}`).join("; ")}; ${stack(1, 16)}; r2 = 60; r3 = 8; r4 = 8; kcall bpf_probe_read_kernel_dynptr; ${keep(4)}`,
    {
      maps: [OUT, { type: 2, key: 4, size: 64, entries: 1 }],
    },
  ),
  tracing("NUMA node", `call bpf_get_numa_node_id; ${keep(1)}`),
  tracing("func_ip and cookie of a raw tracepoint", `r1 = r7; call bpf_get_attach_cookie; ${keep(0)}`),
  tracing(
    "task stack with bad flags",
    `call bpf_get_current_task_btf; r8 = r0; ${fill(64, 7, 7, 7)}; r1 = r8; ${stack(2, 64)}; r3 = 24; r4 = 0x1000; call bpf_get_task_stack; ${keep(0)}; r1 = r8; ${stack(2, 64)}; r3 = 20; r4 = 0; call bpf_get_task_stack; ${keep(1)}`,
  ),
  tc(
    "encapsulation in IP",
    `${encap(2, IP_HEADER, 20)}; ${keep(0)}; r0 = *(u32 *)(r7 + 0); ${keep(1)}; r0 = *(u32 *)(r7 + 16); ${keep(2)}`,
    { type: "lwt_xmit" },
  ),
  tc(
    "encapsulation in too little",
    `${encap(2, IP_HEADER, 19)}; ${keep(0)}; ${encap(9, IP_HEADER, 20)}; ${keep(1)}; ${encap(2, [0, 0, 0], 20)}; ${keep(2)}`,
    { type: "lwt_xmit" },
  ),
  tc("encapsulation in segments that are none", `${encap(0, [0, 0, 0], 24)}; ${keep(0)}; ${encap(1, [0, 0, 0], 24)}; ${keep(1)}`, {
    type: "lwt_in",
    data: UDP6,
  }),
  tc("encapsulation of another protocol", `${encap(1, ["0x0000000001040200", 1, 2], 24)}; ${keep(0)}`, { type: "lwt_in", data: PLAIN }),
  connection("that is not tracked", 12, 16, -1, 6),
  connection("of another protocol", 12, 16, -1, 1),
  connection("in another namespace", 12, 16, 5, 6),
  connection("in no namespace", 12, 16, -2, 6),
  connection("with a tuple of no size", 11, 16, -1, 6),
  connection("with old options", 12, 12, -1, 17),
  connection("with options of no size", 12, 8, -1, 17),
  connection("in a zone", 12, 16, -1, 17, 7),
  connection("in a zone with old options", 12, 12, -1, 17, 7),
  crypt("ecb", cipher("ecb(aes)", KEY)),
  crypt("cbc", cipher("cbc(aes)", KEY)),
  crypt("cbc of 24 bytes of key", cipher("cbc(aes)", `${KEY}0011223344556677`)),
  crypt("ecb of 32 bytes of key", cipher("ecb(aes)", KEY + KEY)),
  crypt("ctr", cipher("ctr(aes)", KEY)),
  crypt("of too few parameters", cipher("ecb(aes)", KEY), 400),
  crypt("of a key of no size", cipher("ecb(aes)", KEY, { length: 15 })),
  crypt("without a key", cipher("ecb(aes)", KEY, { length: 0 })),
  crypt("of no type", cipher("ecb(aes)", KEY, { type: "nothing" })),
  crypt("of no name", cipher("nothing", KEY)),
  crypt("with a tag", cipher("ecb(aes)", KEY, { authSize: 4 })),
  xdp(
    "raw cookie of IPv6 that is none",
    `r8 = *(u32 *)(r7 + 0); r9 = *(u32 *)(r7 + 4); r1 = r8; r1 += 74; if r1 > r9 goto out; r9 = r8; r9 += 54; r8 += 14; r1 = r8; r2 = r9; call bpf_tcp_raw_check_syncookie_ipv6; ${keep(0)}; out: r0 = 0`,
    { data: `${UDP6}00000000` },
  ),
  tc("socket filter", `r1 = r7; call bpf_get_socket_uid; ${keep(0)}; r0 = *(u32 *)(r7 + 0); ${keep(1)}`, {
    type: "socket_filter",
    data: TCP4,
  }),
];
