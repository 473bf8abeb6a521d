// What a run takes is given back: after a thousand events there are as many regions as after ten.
import { describe, expect, it } from "vitest";
import { parseEvent, testRun } from "../../core/kernel/index.ts";
import { BEGIN, END, OUT, TCP4 } from "./cases/parts.ts";
import { kept, kernelWith, load, runOn } from "./simulate.ts";

const packet = Uint8Array.from(Buffer.from(TCP4, "hex"));
const CASES = [
  [
    "packets as the kernel's own structures",
    { type: "sched_cls", maps: [OUT] },
    `${BEGIN}; r1 = r7; kcall bpf_cast_to_kern_ctx; r0 = *(u32 *)(r0 + koff sk_buff.len); ${END}`,
    { packet },
  ],
  ["XDP buffers", { type: "xdp", maps: [OUT] }, `${BEGIN}; r1 = r7; kcall bpf_cast_to_kern_ctx; ${END}`, { packet }],
  ["sockets", { type: "sock_ops", attach: 3 }, "r0 = 1; exit", parseEvent("sock_ops op=1 family=2")],
  ["messages", { type: "sk_msg", attach: 7 }, "r0 = 1; exit", parseEvent('sk_msg family=2 data="0102"')],
  ["options", { type: "cgroup_sockopt", attach: 21 }, "r0 = 1; exit", parseEvent('sockopt optval="01020304"')],
  ["texts", { type: "raw_tracepoint" }, END, parseEvent('raw_tp arg0="hello"')],
  [
    "growing packets",
    { type: "sched_cls" },
    `r6 = r1; r2 = 200; r3 = 0; call bpf_skb_change_head; r1 = r6; r2 = 2000; r3 = 0; call bpf_skb_change_tail; ${END}`,
    { packet },
  ],
  [
    "objects",
    { type: "sched_cls", funcs: [["main", "0"]] },
    `r1 = type pair; r2 = 0; kcall bpf_obj_new_impl; if r0 == 0 goto out; r1 = r0; r2 = 0; kcall bpf_obj_drop_impl; out: ${END}`,
    { packet },
  ],
  [
    "timers",
    {
      type: "sched_cls",
      maps: [OUT, { type: 2, key: 4, size: 24, entries: 1, value: "timed" }],
      funcs: [
        ["main", "0"],
        ["local", "cb"],
      ],
    },
    `r1 = mapvalue 1 8; r2 = map 1; r3 = 1; call bpf_timer_init; r1 = mapvalue 1 8; r2 = func cb; call bpf_timer_set_callback; ${END}; cb: ${END}`,
    { packet },
  ],
] as const;

describe("memory", () => {
  it.each(CASES)("of %s is given back", (_name, setting, text, event) => {
    const kernel = kernelWith();
    const program = load(kernel, setting as Parameters<typeof load>[1], text);
    const after = (count: number): number => {
      for (let i = 0; i < count; i++) runOn(kernel, program, { ...event, task: { pid: 5, comm: `task ${i}` } });
      return kernel.memory.regions().length;
    };
    const some = after(10);
    expect(after(1000)).toBe(some);
  });
  it("that an event needs stays for all of its runs", () => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "netfilter", attach: 45, maps: [OUT] },
      `${BEGIN}; r8 = *(u64 *)(r7 + 8); r0 = *(u32 *)(r8 + koff sk_buff.len); r1 = *(u64 *)(r6 + 0); r1 += r0; *(u64 *)(r6 + 0) = r1; ${END}`,
    );
    expect(testRun(kernel, program, { data: packet, repeat: 3 }).err).toBe(0);
    const other = testRun(kernel, program, { data: packet });
    expect([other.err, kept(kernel, program, 0)]).toEqual([0, 4n * 62n]);
    const cast = load(kernel, { type: "sched_cls" }, `r6 = r1; kcall bpf_cast_to_kern_ctx; ${END}`);
    testRun(kernel, cast, { data: packet, repeat: 10 });
    const some = kernel.memory.regions().length;
    testRun(kernel, cast, { data: packet, repeat: 1000 });
    expect(kernel.memory.regions().length).toBe(some);
  });
  it("of tasks is one place a pid", () => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "raw_tracepoint", maps: [OUT] },
      `${BEGIN}; call bpf_get_current_task_btf; r8 = r0; r0 = *(u64 *)(r8 + koff task_struct.comm); *(u64 *)(r6 + 0) = r0; ${END}`,
    );
    const run = (comm: string): void => void runOn(kernel, program, { task: { pid: 5, comm } });
    run("a");
    const some = kernel.memory.regions().length;
    for (let i = 0; i < 200; i++) run(`t${i}`);
    expect(kernel.memory.regions().length).toBe(some);
    expect(Buffer.from(kernel.memory.read(program.maps[0]!.entries()[0]!.valueAt, 4)).toString()).toBe("t199");
  });
});
