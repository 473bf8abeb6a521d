// Tasks, cgroups, sockets, routes and files of the simulated kernel, as programs and snapshots see them.
import { describe, expect, it } from "vitest";
import { INIT_TASK, SimKernel, type SimSocket } from "../../core/kernel/index.ts";
import { BEGIN, END, fill, keep, OUT, stack, TCP4 } from "./cases/parts.ts";
import { kept, kernelWith, load, resultOf, runOn } from "./simulate.ts";

const PACKET = Uint8Array.from(Buffer.from(TCP4, "hex"));
const TASK = { ...INIT_TASK, pid: 42, tgid: 42, ppid: 1, uid: 1000, comm: "worker", cgroupId: 7n };
const ip = (...b: number[]): Uint8Array => Uint8Array.from(b);

describe("tasks", () => {
  const read = (text: string, event = {}): bigint[] => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "raw_tracepoint", maps: [OUT] },
      `${BEGIN}; call bpf_get_current_task_btf; r8 = r0; ${text}; ${END}`,
    );
    runOn(kernel, program, { task: TASK, ...event });
    return [0, 1, 2].map((i) => kept(kernel, program, i));
  };
  it("show pid, name and parent in the kernel's structure", () => {
    const at = "r8 + koff task_struct";
    expect(
      read(
        `r0 = *(u32 *)(${at}.pid); ${keep(0)}; r0 = *(u64 *)(${at}.comm); ${keep(1)}; r1 = *(u64 *)(${at}.real_parent); r0 = *(u32 *)(r1 + koff task_struct.pid); ${keep(2)}`,
      ),
    ).toEqual([42n, Buffer.from("worker\0\0").readBigInt64LE(), 1n]);
  });
  it("are found by pid once they are known", () => {
    const kernel = kernelWith();
    kernel.objects.tasks.add(TASK);
    const text = `${BEGIN}; r1 = 42; kcall bpf_task_from_pid; if r0 == 0 goto out; r8 = r0; r0 = *(u32 *)(r8 + koff task_struct.tgid); ${keep(0)}; r1 = r8; kcall bpf_task_release; out: ${END}`;
    const program = load(kernel, { type: "syscall", flags: 16, maps: [OUT] }, text);
    resultOf(kernel, program, undefined, new Uint8Array(8));
    expect(kept(kernel, program, 0)).toBe(42n);
  });
  it("can be walked over", () => {
    const kernel = kernelWith();
    kernel.objects.tasks.add(TASK);
    const it = stack(1, 32);
    const text = `${BEGIN}; kcall bpf_rcu_read_lock; ${it}; r2 = 0; r3 = 0; kcall bpf_iter_task_new; ${it}; kcall bpf_iter_task_next; if r0 == 0 goto out; r0 = *(u32 *)(r0 + koff task_struct.pid); ${keep(0)}; ${it}; kcall bpf_iter_task_next; if r0 == 0 goto out; r0 = *(u32 *)(r0 + koff task_struct.pid); ${keep(1)}; ${it}; kcall bpf_iter_task_next; if r0 == 0 goto out; r0 = 99; ${keep(2)}; out: ${it}; kcall bpf_iter_task_destroy; kcall bpf_rcu_read_unlock; ${END}`;
    const program = load(kernel, { type: "syscall", flags: 16, maps: [OUT] }, text);
    resultOf(kernel, program, undefined, new Uint8Array(8));
    expect([0, 1, 2].map((i) => kept(kernel, program, i))).toEqual([1n, 42n, 0n]);
  });
  it("cannot be looked into without the kernel's types", () => {
    const kernel = new SimKernel({ maxBytes: 1 << 22 });
    const region = kernel.objects.tasks.region(TASK);
    expect(kernel.memory.allowed(region.start, 0xffff8881 | 0, 4, 1)).toBe(false);
    expect(region.name).toContain("42");
  });
});

describe("cgroups", () => {
  it("have ancestors", () => {
    const { cgroups } = kernelWith().objects;
    const a = cgroups.add(10n, 1n, "a"),
      b = cgroups.add(20n, 10n, "b");
    expect([b.level, cgroups.ancestor(b, 1), cgroups.ancestor(b, 0)?.id, cgroups.ancestor(b, 3)]).toEqual([2, a, 1n, undefined]);
    expect([cgroups.isDescendant(b, a), cgroups.isDescendant(a, b)]).toEqual([true, false]);
    expect(cgroups.walk(cgroups.get(1n), true).map((g) => g.id)).toEqual([1n, 10n, 20n]);
    expect(cgroups.walk(cgroups.get(1n), false).map((g) => g.id)).toEqual([20n, 10n, 1n]);
  });
  it("are not as deep as a hostile list could make them", () => {
    const { cgroups } = kernelWith().objects;
    for (let i = 2n; i < 200n; i++) cgroups.add(i, i - 1n, "deep");
    expect(cgroups.get(199n).level).toBeLessThanOrEqual(64);
  });
  it("are what a task is under, by array and by helper", () => {
    const kernel = kernelWith();
    kernel.objects.cgroups.add(5n, 1n, "five");
    kernel.objects.cgroups.add(7n, 5n, "seven");
    const text = `${BEGIN}; call bpf_get_current_cgroup_id; ${keep(0)}; r1 = 1; call bpf_get_current_ancestor_cgroup_id; ${keep(1)}; r1 = map 1; r2 = 0; call bpf_current_task_under_cgroup; ${keep(2)}; ${END}`;
    const program = load(kernel, { type: "raw_tracepoint", maps: [OUT, { type: 8, key: 4, size: 4, entries: 2 }] }, text);
    const fd = kernel.open(kernel.objects.cgroups.get(5n));
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, fd, true);
    expect(program.maps[1]!.sysUpdate(new Uint8Array(4), value, 0)).toBe(0);
    runOn(kernel, program, { task: TASK });
    expect([0, 1, 2].map((i) => kept(kernel, program, i))).toEqual([7n, 5n, 1n]);
  });
});

describe("sockets", () => {
  const listener = (kernel: SimKernel): SimSocket => kernel.objects.sockets.add({ state: 10, local: ip(10, 0, 0, 2), localPort: 80 });
  const LOOKUP = `${fill(64, "0x0200000a0100000a", "0x000000005000d204", 0, 0, 0)}; r1 = r7; ${stack(2, 64)}; r3 = 12; r4 = -1; r5 = 0; call bpf_sk_lookup_tcp; if r0 == 0 goto out; r8 = r0`;
  const looked = (kernel: SimKernel, text: string): ReturnType<typeof load> => {
    const program = load(
      kernel,
      { type: "sched_cls", maps: [OUT] },
      `${BEGIN}; ${LOOKUP}; ${text}; r1 = r8; call bpf_sk_release; out: ${END}`,
    );
    resultOf(kernel, program, PACKET);
    return program;
  };
  it("are found by the tuple of a packet, the connected one first", () => {
    const kernel = kernelWith();
    const any = kernel.objects.sockets.add({ state: 10, localPort: 80 });
    const bound = listener(kernel);
    const tuple = { protocol: 6, local: ip(10, 0, 0, 2), remote: ip(10, 0, 0, 1), localPort: 80, remotePort: 1234 };
    expect(kernel.objects.sockets.find(tuple)).toBe(bound);
    expect(kernel.objects.sockets.find({ ...tuple, local: ip(10, 0, 0, 9) })).toBe(any);
    const connected = kernel.objects.sockets.add({
      state: 1,
      local: ip(10, 0, 0, 2),
      remote: ip(10, 0, 0, 1),
      localPort: 80,
      remotePort: 1234,
    });
    expect(kernel.objects.sockets.find(tuple)).toBe(connected);
    expect(kernel.objects.sockets.find({ ...tuple, localPort: 81 })).toBeUndefined();
  });
  it("show their fields and count references", () => {
    const kernel = kernelWith();
    const socket = listener(kernel);
    const program = looked(
      kernel,
      `r0 = *(u32 *)(r8 + 44); ${keep(0)}; r0 = *(u32 *)(r8 + 72); ${keep(1)}; r1 = r8; call bpf_tcp_sock; if r0 == 0 goto rel; r0 = *(u32 *)(r0 + 0); ${keep(2)}; rel: r0 = 0`,
    );
    expect([0, 1, 2].map((i) => kept(kernel, program, i))).toEqual([80n, 10n, 10n]);
    expect(socket.facts.refs).toBe(1);
  });
  it("are what the kernel's own structure says too", () => {
    const kernel = kernelWith();
    kernel.objects.sockets.add({ state: 1, local: ip(10, 0, 0, 2), remote: ip(10, 0, 0, 1), localPort: 80, remotePort: 1234 });
    const program = looked(
      kernel,
      `r1 = r8; call bpf_skc_to_tcp_sock; if r0 == 0 goto rel; r0 = 1; ${keep(0)}; rel: r1 = r8; call bpf_skc_to_udp6_sock; if r0 == 0 goto let; r0 = 1; ${keep(1)}; let: r0 = 0`,
    );
    expect([0, 1].map((i) => kept(kernel, program, i))).toEqual([1n, 0n]);
  });
  it("make and check SYN cookies when they listen", () => {
    const kernel = kernelWith();
    listener(kernel);
    const headers = "r8 = *(u32 *)(r7 + 76); r9 = *(u32 *)(r7 + 80); r1 = r8; r1 += 62; if r1 > r9 goto rel";
    const text = `${BEGIN}; ${LOOKUP}; *(u64 *)(r10 - 72) = r8; r6 = r8; ${headers}; r1 = r6; r2 = r8; r2 += 14; r3 = 20; r4 = r8; r4 += 34; r5 = 28; call bpf_tcp_gen_syncookie; r1 = r0; r0 >>= 32; r9 = mapvalue 0 0; *(u64 *)(r9 + 0) = r0; r1 += 1; r1 = be32 r1; *(u32 *)(r8 + 42) = r1; r1 = 0x02000000; *(u32 *)(r8 + 38) = r1; r1 = 0x10; *(u8 *)(r8 + 47) = r1; r1 = r6; r2 = r8; r2 += 14; r3 = 20; r4 = r8; r4 += 34; r5 = 20; call bpf_tcp_check_syncookie; *(u64 *)(r9 + 8) = r0; r1 = 0; *(u32 *)(r8 + 42) = r1; r1 = r6; r2 = r8; r2 += 14; r3 = 20; r4 = r8; r4 += 34; r5 = 20; call bpf_tcp_check_syncookie; *(u64 *)(r9 + 16) = r0; rel: r1 = *(u64 *)(r10 - 72); call bpf_sk_release; out: ${END}`;
    const program = load(kernel, { type: "sched_cls", maps: [OUT] }, text);
    resultOf(kernel, program, PACKET);
    expect([0, 1, 2].map((i) => kept(kernel, program, i))).toEqual([1460n, 0n, -2n]);
  });
  it("keep a value of their own", () => {
    const kernel = kernelWith();
    const socket = listener(kernel);
    const program = load(
      kernel,
      { type: "sched_cls", maps: [OUT, { type: 24, key: 4, size: 8, entries: 0, flags: 1, value: "plain" }] },
      `${BEGIN}; ${LOOKUP}; r1 = map 1; r2 = r8; r3 = 0; r4 = 1; call bpf_sk_storage_get; if r0 == 0 goto rel; r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; rel: r1 = r8; call bpf_sk_release; out: ${END}`,
    );
    for (let i = 0; i < 3; i++) resultOf(kernel, program, PACKET);
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, kernel.open(socket), true);
    expect(program.maps[1]!.sysLookup(key)).toEqual(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
    expect(program.maps[1]!.sysDelete(key)).toBe(0);
    expect(program.maps[1]!.sysLookup(key)).toBe(-2);
  });
});

describe("routes", () => {
  const NIC = 1;
  /** struct bpf_fib_lookup for a packet to 10.1.2.3, with flags; keeps result, device, next hop and destination MAC. */
  const program = (kernel: SimKernel, flags: number, length = 0): ReturnType<typeof load> =>
    load(
      kernel,
      { type: "xdp", maps: [OUT] },
      `${BEGIN}; ${fill(64, `0x${length.toString(16)}000000000002`, 1, "0x0100000a", 0, "0x0302010a", 0, 0, 0)}; r1 = r7; ${stack(2, 64)}; r3 = 64; r4 = ${flags}; call bpf_fib_lookup; ${keep(0)}; r0 = *(u32 *)(r10 - 56); ${keep(1)}; r0 = *(u32 *)(r10 - 32); ${keep(2)}; r0 = *(u16 *)(r10 - 6); ${keep(3)}; r0 = *(u16 *)(r10 - 58); ${keep(4)}; ${END}`,
    );
  const routed = (): SimKernel => {
    const kernel = kernelWith();
    kernel.objects.routes.forward(NIC);
    kernel.objects.routes.add({ prefix: ip(10, 0, 0, 0), length: 8, ifindex: NIC });
    kernel.objects.routes.add({
      prefix: ip(10, 1, 0, 0),
      length: 16,
      ifindex: NIC,
      gateway: ip(10, 9, 9, 9),
      mtu: 1400,
      source: ip(10, 1, 0, 1),
    });
    return kernel;
  };
  const ask = (kernel: SimKernel, flags: number, length = 0): bigint[] => {
    const p = program(kernel, flags, length);
    resultOf(kernel, p, PACKET);
    return [0, 1, 2, 3].map((i) => kept(kernel, p, i));
  };
  it("are refused on devices that do not forward", () => expect(ask(kernelWith(), 0)[0]).toBe(5n));
  it("lead to the longest match, and nowhere without a neighbour", () => {
    expect(ask(routed(), 0).slice(0, 3)).toEqual([7n, 1n, 0x0909090an]);
  });
  it("give the neighbour's address", () => {
    const kernel = routed();
    kernel.objects.routes.addNeighbour({ ifindex: NIC, address: ip(10, 9, 9, 9), mac: ip(2, 0, 0, 0, 0xab, 0xcd) });
    const [result, , , mac] = ask(kernel, 0);
    expect([result, mac]).toEqual([0n, 0x0002n]);
  });
  it("need no neighbour when told so", () => expect(ask(routed(), 4)[0]).toBe(0n));
  it("say when a packet is too long for them", () => expect(ask(routed(), 4, 1500)[0]).toBe(8n));
  it.each([
    ["blackhole", 1n],
    ["unreachable", 2n],
    ["prohibit", 3n],
    ["local", 4n],
  ] as const)("of kind %s", (kind, code) => {
    const kernel = routed();
    kernel.objects.routes.add({ prefix: ip(10, 1, 2, 3), length: 32, ifindex: NIC, kind });
    expect(ask(kernel, 0)[0]).toBe(code);
  });
  it("can be asked for in one table only", () => {
    const kernel = routed();
    expect(ask(kernel, 1 | 8 | 4)[0]).toBe(4n);
  });
});

describe("a snapshot", () => {
  it("holds every object", () => {
    const kernel = kernelWith();
    const before = kernel.machine.snapshot();
    const { objects } = kernel;
    objects.cgroups.add(9n, 1n, "nine");
    objects.tasks.add(TASK);
    objects.sockets.add({ localPort: 80 });
    objects.routes.add({ prefix: ip(0, 0, 0, 0), length: 0, ifindex: 1 });
    objects.files.open("/etc/passwd");
    objects.conntrack.create({ protocol: 6, source: ip(1, 1, 1, 1), destination: ip(2, 2, 2, 2), sourcePort: 1, destinationPort: 2 }, 0, 1);
    kernel.machine.restore(before);
    expect([objects.cgroups.find(9n), objects.tasks.byPid(42), objects.sockets.all().length, objects.routes.find(ip(1, 1, 1, 1))]).toEqual([
      undefined,
      undefined,
      0,
      undefined,
    ]);
  });
});
