// Timers, work queues, task works and user ring buffers: callbacks run when the simulated clock gets there, and a snapshot holds what waits.
import { describe, expect, it } from "vitest";
import { UserRingbufMap, type SimKernel } from "../../core/kernel/index.ts";
import { BEGIN, END, fill, keep, OUT, stack, TCP4 } from "./cases/parts.ts";
import { kept, kernelWith, load, resultOf, runOn } from "./simulate.ts";

const PACKET = Uint8Array.from(Buffer.from(TCP4, "hex"));
const TIMED = { type: 2, key: 4, size: 24, entries: 1, value: "timed" };
const T = "r1 = mapvalue 1 8";
const FUNCS = [
  ["main", "0"],
  ["local", "cb"],
] as const;
/** The callback counts in result 0 and keeps the key and first word of its element. */
const COUNT =
  "r6 = mapvalue 0 0; r1 = *(u64 *)(r6 + 0); r1 += 1; *(u64 *)(r6 + 0) = r1; r1 = *(u32 *)(r2 + 0); *(u64 *)(r6 + 8) = r1; r1 = *(u64 *)(r3 + 0); *(u64 *)(r6 + 16) = r1; r0 = 0; exit";
const ARM = (ns: number, flags = 0, again = ""): string =>
  `${BEGIN}; ${T}; r2 = map 1; r3 = 1; call bpf_timer_init; ${T}; r2 = func cb; call bpf_timer_set_callback; r1 = mapvalue 1 0; r2 = 9; *(u64 *)(r1 + 0) = r2; ${T}; r2 = ${ns}; r3 = ${flags}; call bpf_timer_start; ${END}; cb: ${again}${COUNT}`;
const armed = (kernel: SimKernel, ns: number, again = ""): ReturnType<typeof load> => {
  const program = load(kernel, { type: "sched_cls", maps: [OUT, TIMED], funcs: FUNCS }, ARM(ns, 0, again));
  resultOf(kernel, program, PACKET);
  return program;
};

describe("timers", () => {
  it("run once when they are due, with map, key and value", () => {
    const kernel = kernelWith();
    const program = armed(kernel, 1000);
    kernel.advance(999n);
    expect(kept(kernel, program, 0)).toBe(0n);
    kernel.advance(1n);
    expect([0, 1, 2].map((i) => kept(kernel, program, i))).toEqual([1n, 0n, 9n]);
    kernel.advance(1_000_000n);
    expect(kept(kernel, program, 0)).toBe(1n);
  });
  it("run again when their callback starts them again", () => {
    const kernel = kernelWith();
    const program = armed(kernel, 1000, "r7 = r2; r8 = r3; r1 = r3; r1 += 8; r2 = 500; r3 = 0; call bpf_timer_start; r2 = r7; r3 = r8; ");
    kernel.advance(3100n);
    expect(kept(kernel, program, 0)).toBe(5n);
  });
  it("are part of a snapshot", () => {
    const kernel = kernelWith();
    const program = armed(kernel, 1000);
    const before = kernel.machine.snapshot();
    kernel.advance(1000n);
    expect(kept(kernel, program, 0)).toBe(1n);
    kernel.machine.restore(before);
    expect(kept(kernel, program, 0)).toBe(0n);
    kernel.advance(1000n);
    expect(kept(kernel, program, 0)).toBe(1n);
  });
  it("go with the element that holds them", () => {
    const kernel = kernelWith();
    const program = armed(kernel, 1000);
    const [map] = kernel.maps().slice(1);
    expect(map!.sysUpdate(new Uint8Array(4), new Uint8Array(24), 0)).toBe(0);
    expect(kernel.objects.deferred.nextNs()).toBeUndefined();
    kernel.advance(2000n);
    expect(kept(kernel, program, 0)).toBe(0n);
  });
  it("run in the order of their times", () => {
    const kernel = kernelWith();
    const two = armed(kernel, 700);
    const one = armed(kernel, 300);
    kernel.advance(500n);
    expect([kept(kernel, one, 0), kept(kernel, two, 0)]).toEqual([1n, 0n]);
    expect(kernel.objects.deferred.nextNs()).toBeDefined();
  });
});

describe("work queues and task works", () => {
  it("run a queue's callback as soon as time passes", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; ${T}; r2 = map 1; r3 = 0; kcall bpf_wq_init; ${T}; r2 = func cb; r3 = 0; r4 = 0; kcall bpf_wq_set_callback_impl; ${T}; r2 = 0; kcall bpf_wq_start; ${END}; cb: ${COUNT}`;
    const program = load(kernel, { type: "sched_cls", maps: [OUT, { ...TIMED, value: "queued" }], funcs: FUNCS }, text);
    resultOf(kernel, program, PACKET);
    expect(kept(kernel, program, 0)).toBe(0n);
    kernel.advance(0n);
    expect(kept(kernel, program, 0)).toBe(1n);
  });
});

describe("user ring buffers", () => {
  const RING = { type: 31, key: 0, size: 0, entries: 4096 };
  const DRAIN = `${BEGIN}; r1 = map 1; r2 = func cb; r3 = 0; r4 = 0; call bpf_user_ringbuf_drain; ${keep(0)}; ${END}`;
  const filled = (cb: string): { kernel: SimKernel; program: ReturnType<typeof load>; ring: UserRingbufMap } => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "syscall", flags: 16, maps: [OUT, RING], funcs: FUNCS }, `${DRAIN}; cb: ${cb}`);
    const ring = program.maps[1] as UserRingbufMap;
    for (const n of [3, 4, 5]) expect(ring.submit(Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0))).toBe(0);
    return { kernel, program, ring };
  };
  /** Adds the record's first word to result 1. */
  const SUM = `r6 = mapvalue 0 0; r3 = r1; r1 = r10; r1 += -8; r2 = 8; r4 = 0; r5 = 0; call bpf_dynptr_read; r1 = *(u64 *)(r10 - 8); r2 = *(u64 *)(r6 + 8); r2 += r1; *(u64 *)(r6 + 8) = r2`;
  it("are drained record by record", () => {
    const { kernel, program, ring } = filled(`${SUM}; r0 = 0; exit`);
    resultOf(kernel, program, undefined, new Uint8Array(8));
    expect([kept(kernel, program, 0), kept(kernel, program, 1), ring.waiting]).toEqual([3n, 12n, 0]);
  });
  it("are left alone once the callback says so", () => {
    const { kernel, program, ring } = filled(`${SUM}; r0 = 1; exit`);
    resultOf(kernel, program, undefined, new Uint8Array(8));
    expect([kept(kernel, program, 0), kept(kernel, program, 1), ring.waiting]).toEqual([1n, 3n, 2]);
  });
  it("refuse what does not fit", () => {
    const { ring } = filled("r0 = 0; exit");
    expect(ring.submit(new Uint8Array(5000))).toBe(-7);
    expect(ring.submit(new Uint8Array(4080))).toBe(-28);
  });
});

describe("find_vma", () => {
  it("calls back with task and mapping", () => {
    const kernel = kernelWith();
    const cb =
      "r6 = mapvalue 0 0; r1 = *(u64 *)(r2 + koff vm_area_struct.vm_mm); r0 = 0; if r1 == 0 goto no; r0 = 5; no: *(u64 *)(r6 + 8) = r0; r0 = 0; exit";
    const text = `${BEGIN}; call bpf_get_current_task_btf; r1 = r0; r2 = 0x400010; r3 = func cb; r4 = 0; r5 = 0; call bpf_find_vma; ${keep(0)}; ${fill(16, 0)}; ${stack(1, 16)}; ${END}; cb: ${cb}`;
    const program = load(kernel, { type: "raw_tracepoint", maps: [OUT], funcs: FUNCS }, text);
    runOn(kernel, program, {});
    expect([kept(kernel, program, 0), kept(kernel, program, 1)]).toEqual([0n, 5n]);
  });
});
