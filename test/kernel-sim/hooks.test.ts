// Programs of sockets and cgroups on events: what their helpers see and leave behind.
import { describe, expect, it } from "vitest";
import { parseEvent, prepareEvent, type SimKernel } from "../../core/kernel/index.ts";
import { BEGIN, END, fill, keep, OUT, stack } from "./cases/parts.ts";
import { kept, kernelWith, load, runOn } from "./simulate.ts";

const AT = { sockOps: 3, getsockopt: 21, setsockopt: 22, sysctl: 18, connect4: 10, connect6: 11, msg: 7, reuseport: 35 } as const;
const results = (kernel: SimKernel, program: ReturnType<typeof load>, n: number): bigint[] =>
  Array.from({ length: n }, (_, i) => kept(kernel, program, i));
/** Text of up to 8 characters as a number. */
const word = (text: string): bigint => Buffer.from(text.padEnd(8, "\0")).readBigInt64LE();
const word64 = (text: string): string => `0x${Buffer.from(text.padEnd(8, "\0")).readBigUInt64LE().toString(16)}`;

describe("sock_ops", () => {
  const run = (
    text: string,
    event: string,
    before?: Parameters<typeof runOn>[3],
  ): { kernel: SimKernel; program: ReturnType<typeof load>; ran: ReturnType<typeof runOn> } => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "sock_ops", attach: AT.sockOps, maps: [OUT, { type: 15, key: 4, size: 4, entries: 2 }] },
      `${BEGIN}; ${text}; r0 = 1; exit`,
    );
    return { kernel, program, ran: runOn(kernel, program, parseEvent(event), before) };
  };
  const option = (f: string, level: number, name: number, size: number): string =>
    `r1 = r7; r2 = ${level}; r3 = ${name}; ${stack(4, 16)}; r5 = ${size}; call bpf_${f}sockopt`;
  it("see the event's fields", () => {
    const { kernel, program } = run(
      `r0 = *(u32 *)(r7 + 0); ${keep(0)}; r0 = *(u32 *)(r7 + 20); ${keep(1)}; r0 = *(u32 *)(r7 + 68); ${keep(2)}; r0 = *(u32 *)(r7 + 24); ${keep(3)}`,
      "sock_ops op=5 family=2 local_port=80 remote_ip4=10.0.0.1",
    );
    expect(results(kernel, program, 4)).toEqual([5n, 2n, 80n, 0x0100000an]);
  });
  it("set and read options", () => {
    const text = `${fill(16, 100, 0)}; ${option("set", 1, 7, 4)}; ${keep(0)}; ${option("get", 1, 7, 4)}; ${keep(1)}; r0 = *(u32 *)(r10 - 16); ${keep(2)}; ${fill(16, word64("reno"), 0)}; ${option("set", 6, 13, 5)}; ${keep(3)}; ${option("get", 6, 13, 8)}; ${keep(4)}; r0 = *(u64 *)(r10 - 16); ${keep(5)}; ${option("set", 6, 9999, 4)}; ${keep(6)}; ${option("get", 1, 7, 2)}; ${keep(7)}`;
    const { kernel, program } = run(text, "sock_ops op=4 family=2");
    expect(results(kernel, program, 8)).toEqual([0n, 0n, 4608n, 0n, 0n, word("reno"), -22n, -22n]);
  });
  it("ask for further calls", () => {
    const { kernel, program, ran } = run(
      `r1 = r7; r2 = 0x7f; call bpf_sock_ops_cb_flags_set; ${keep(0)}; r1 = r7; r2 = 0x181; call bpf_sock_ops_cb_flags_set; ${keep(1)}`,
      "sock_ops op=4 family=2",
    );
    expect(results(kernel, program, 2)).toEqual([0n, 0x180n]);
    expect(ran.state.socket!.facts.cbFlags).toBe(1);
  });
  it.each([
    [4, "state=1", 0n],
    [4, "", -95n],
    [1, "state=1", -95n],
  ] as const)("put their socket into a map: op %d %s", (op, state, answer) => {
    const { kernel, program } = run(
      `${fill(8, 1)}; r1 = r7; r2 = map 1; ${stack(3, 8)}; r4 = 0; call bpf_sock_map_update; ${keep(0)}`,
      `sock_ops op=${op} family=2 ${state}`,
    );
    expect(kept(kernel, program, 0)).toBe(answer);
    expect(program.maps[1]!.entries().filter((e) => e.valueAt !== 0).length).toBe(answer === 0n ? 1 : 0);
  });
  it("read, reserve and write TCP options", () => {
    const load3 = `${fill(16, "0x0000000000000003", 0)}; r1 = r7; ${stack(2, 16)}; r3 = 8; r4 = 0; call bpf_load_hdr_opt`;
    const read = run(`${load3}; ${keep(0)}; r0 = *(u32 *)(r10 - 16); ${keep(1)}`, "sock_ops op=13 family=2", (state) => {
      state.hook = { headerOptions: Uint8Array.of(1, 2, 4, 5, 180, 3, 3, 7, 0) };
    });
    expect(results(read.kernel, read.program, 2)).toEqual([3n, 0x070303n]);
    const reserve = run(
      [4, 1, 38].map((n, i) => `r1 = r7; r2 = ${n}; r3 = 0; call bpf_reserve_hdr_opt; ${keep(i)}`).join("; "),
      "sock_ops op=14 family=2",
    );
    expect(results(reserve.kernel, reserve.program, 3)).toEqual([0n, -22n, -28n]);
    const store = `${fill(16, "0x0000000011220afe", 0)}; r1 = r7; ${stack(2, 16)}; r3 = 4; r4 = 0; call bpf_store_hdr_opt`;
    const bad = run(`${store}; ${keep(0)}`, "sock_ops op=15 family=2");
    expect(results(bad.kernel, bad.program, 1)).toEqual([-22n]);
    const good = run(
      `${store.replace("0afe", "041e")}; ${keep(0)}; ${store.replace("0afe", "041e")}; ${keep(1)}`,
      "sock_ops op=15 family=2",
    );
    expect(results(good.kernel, good.program, 2)).toEqual([0n, -17n]);
    expect(good.ran.state.hook.headerOptions).toEqual(Uint8Array.of(0x1e, 4, 0x22, 0x11));
    const elsewhere = run(`${store}; ${keep(0)}; r1 = r7; r2 = 4; r3 = 0; call bpf_reserve_hdr_opt; ${keep(1)}`, "sock_ops op=4 family=2");
    expect(results(elsewhere.kernel, elsewhere.program, 2)).toEqual([-1n, -1n]);
  });
});

describe("sysctl", () => {
  const get = (helper: string, size: number, flags = ""): string =>
    `${fill(24, 0, 0, 0)}; r1 = r7; ${stack(2, 24)}; r3 = ${size}; ${flags}call bpf_sysctl_${helper}`;
  const run = (text: string, event: string): { values: bigint[]; replaced: string | undefined } => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "cgroup_sysctl", attach: AT.sysctl, maps: [OUT] }, `${BEGIN}; ${text}; r0 = 1; exit`);
    const { state } = runOn(kernel, program, parseEvent(event));
    return { values: results(kernel, program, 4), replaced: state.hook.sysctl?.replaced };
  };
  const keepText = (n: number): string => `r0 = *(u64 *)(r10 - 24); ${keep(n)}`;
  it("shows names", () => {
    const { values } = run(
      `${get("get_name", 24, "r4 = 1; ")}; ${keep(0)}; ${keepText(1)}; ${get("get_name", 8, "r4 = 0; ")}; ${keep(2)}; ${keepText(3)}`,
      "sysctl write=0 name=net/ipv4/tcp_mem value=7",
    );
    expect(values).toEqual([7n, word("tcp_mem"), -7n, word("net/ipv")]);
  });
  it("shows values and refuses new ones of a read", () => {
    const { values } = run(
      `${get("get_current_value", 24)}; ${keep(0)}; ${keepText(1)}; ${get("get_new_value", 24)}; ${keep(2)}`,
      "sysctl write=0 name=a value=123",
    );
    expect(values).toEqual([3n, word("123"), -22n, 0n]);
  });
  it("replaces what is written", () => {
    const { values, replaced } = run(
      `${get("get_new_value", 24)}; ${keep(0)}; ${keepText(1)}; ${fill(24, word64("600"))}; r1 = r7; ${stack(2, 24)}; r3 = 3; call bpf_sysctl_set_new_value; ${keep(2)}`,
      'sysctl write=1 name=a value=1 new="5"',
    );
    expect([values, replaced]).toEqual([[1n, word("5"), 0n, 0n], "600"]);
  });
});

describe("cgroup hooks", () => {
  it("give option values and take results", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; r8 = *(u64 *)(r7 + 8); r9 = *(u64 *)(r7 + 16); r1 = r8; r1 += 4; if r1 > r9 goto out; r0 = *(u32 *)(r8 + 0); ${keep(0)}; call bpf_get_retval; ${keep(1)}; r1 = -13; call bpf_set_retval; ${keep(2)}; call bpf_get_retval; ${keep(3)}; out: r0 = 1; exit`;
    const program = load(kernel, { type: "cgroup_sockopt", attach: AT.getsockopt, maps: [OUT] }, text);
    const { state, ctx } = runOn(kernel, program, parseEvent('sockopt level=6 optname=13 optval="01000000"'));
    expect(results(kernel, program, 4)).toEqual([1n, 0n, 0n, -13n]);
    expect([state.hook.retval, new DataView(ctx.buffer).getInt32(32, true)]).toEqual([-13, 4]);
  });
  it("bind a socket before it connects", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; ${fill(16, "0x0500000a00500002", 0)}; r1 = r7; ${stack(2, 16)}; r3 = 16; call bpf_bind; ${keep(0)}; r1 = r7; ${stack(2, 16)}; r3 = 8; call bpf_bind; ${keep(1)}; ${fill(16, "0x0500000a00500009", 0)}; r1 = r7; ${stack(2, 16)}; r3 = 16; call bpf_bind; ${keep(2)}; r0 = 1; exit`;
    const program = load(kernel, { type: "cgroup_sock_addr", attach: AT.connect4, maps: [OUT] }, text);
    const { state } = runOn(kernel, program, parseEvent("connect4 user_family=2 user_ip4=10.0.0.9 family=2"));
    expect(results(kernel, program, 3)).toEqual([0n, -22n, -97n]);
    expect([[...state.socket!.local(4)], state.socket!.localPort]).toEqual([[10, 0, 0, 5], 0x5000]);
  });
  it("keep a storage by cgroup", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; r1 = map 1; r2 = 0; call bpf_get_local_storage; r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; r0 = r1; ${keep(0)}; r0 = 1; exit`;
    const program = load(
      kernel,
      { type: "cgroup_sysctl", attach: AT.sysctl, maps: [OUT, { type: 19, key: 16, size: 8, entries: 0 }] },
      text,
    );
    const on = (cgroupId: bigint): bigint => {
      runOn(kernel, program, { ...parseEvent("sysctl name=a value=1"), task: { cgroupId } });
      return kept(kernel, program, 0);
    };
    expect([on(5n), on(5n), on(6n), on(5n)]).toEqual([1n, 2n, 1n, 3n]);
  });
  it("name no field that is not there", () => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "cgroup_sysctl", attach: AT.sysctl }, "r0 = 1; exit");
    expect(() => runOn(kernel, program, parseEvent("sysctl colour=1"))).toThrow("has no field colour");
    const ops = load(kernel, { type: "sock_ops", attach: AT.sockOps }, "r0 = 1; exit");
    expect(() => runOn(kernel, ops, parseEvent("sock_ops sk=1"))).toThrow("pointer");
    expect(() => runOn(kernel, ops, parseEvent("sock_ops remote_ip4=hello"))).toThrow("no address");
  });
});

describe("messages", () => {
  const run = (text: string): { kernel: SimKernel; program: ReturnType<typeof load>; ran: ReturnType<typeof runOn> } => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "sk_msg", attach: AT.msg, maps: [OUT, { type: 15, key: 4, size: 4, entries: 2 }] },
      `${BEGIN}; ${text}; r0 = 1; exit`,
    );
    return { kernel, program, ran: runOn(kernel, program, parseEvent('sk_msg family=2 data="0102030405060708"')) };
  };
  const call = (f: string, ...args: number[]): string => `r1 = r7; ${args.map((a, i) => `r${i + 2} = ${a}`).join("; ")}; call bpf_msg_${f}`;
  const edit = (f: string, ...args: number[]): string => `${call(f, ...args)}`;
  it("are edited", () => {
    const { kernel, program, ran } = run(
      `${edit("push_data", 2, 3, 0)}; ${keep(0)}; ${edit("pop_data", 0, 1, 0)}; ${keep(1)}; ${edit("push_data", 99, 1, 0)}; ${keep(2)}; ${edit("pop_data", 8, 9, 0)}; ${keep(3)}; ${edit("pull_data", 0, 4, 0)}; ${keep(4)}; ${edit("pull_data", 4, 4, 0)}; ${keep(5)}; r0 = *(u32 *)(r7 + 68); ${keep(6)}`,
    );
    expect(results(kernel, program, 7)).toEqual([0n, 0n, -22n, -22n, 0n, -22n, 10n]);
    expect([...ran.state.msg!.packet.bytes()]).toEqual([2, 0, 0, 0, 3, 4, 5, 6, 7, 8]);
  });
  it("say for how many bytes a verdict holds", () => {
    const { kernel, program, ran } = run(`${call("apply_bytes", 100)}; ${keep(0)}; ${call("cork_bytes", 200)}; ${keep(1)}`);
    expect([results(kernel, program, 2), ran.state.hook.applyBytes, ran.state.hook.corkBytes]).toEqual([[0n, 0n], 100, 200]);
  });
  it("go to a socket of a map", () => {
    const kernel = kernelWith();
    const program = load(
      kernel,
      { type: "sk_msg", attach: AT.msg, maps: [OUT, { type: 15, key: 4, size: 4, entries: 2 }] },
      `${BEGIN}; r1 = r7; r2 = map 1; r3 = 1; r4 = 1; call bpf_msg_redirect_map; ${keep(0)}; r1 = r7; r2 = map 1; r3 = 0; r4 = 0; call bpf_msg_redirect_map; ${keep(1)}; r1 = r7; r2 = map 1; r3 = 1; r4 = 2; call bpf_msg_redirect_map; ${keep(2)}; r0 = 1; exit`,
    );
    const socket = kernel.objects.sockets.add({ state: 1, localPort: 9 });
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, kernel.open(socket), true);
    expect(program.maps[1]!.sysUpdate(Uint8Array.of(1, 0, 0, 0), value, 0)).toBe(0);
    const { state } = runOn(kernel, program, parseEvent('sk_msg family=2 data="01"'));
    expect(results(kernel, program, 3)).toEqual([1n, 0n, 0n]);
    expect(state.redirect).toMatchObject({ kind: "socket", socket, flags: 1 });
  });
});

describe("reuseport", () => {
  it("chooses a socket of its map", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; ${fill(8, 1)}; r1 = r7; r2 = map 1; ${stack(3, 8)}; r4 = 0; call bpf_sk_select_reuseport; ${keep(0)}; ${fill(8, 0)}; r1 = r7; r2 = map 1; ${stack(3, 8)}; r4 = 0; call bpf_sk_select_reuseport; ${keep(1)}; r0 = *(u32 *)(r7 + 16); ${keep(2)}; r0 = 1; exit`;
    const program = load(
      kernel,
      { type: "sk_reuseport", attach: AT.reuseport, maps: [OUT, { type: 20, key: 4, size: 4, entries: 2 }] },
      text,
    );
    const socket = kernel.objects.sockets.add({ state: 10, localPort: 9 });
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, kernel.open(socket), true);
    expect(program.maps[1]!.sysUpdate(Uint8Array.of(1, 0, 0, 0), value, 0)).toBe(0);
    const { state } = runOn(kernel, program, parseEvent("sk_reuseport len=99 family=2 protocol=6"));
    expect(results(kernel, program, 3)).toEqual([0n, -2n, 99n]);
    expect(state.hook.chosen).toBe(socket);
  });
});

describe("probes", () => {
  it("force a result", () => {
    // The kernel lets programs force results only where it is built for that, so that the helper is called as the machine calls it.
    const kernel = kernelWith();
    const program = load(kernel, { type: "kprobe" }, END);
    const run = prepareEvent(kernel, program, parseEvent("kprobe:f arg0=1"));
    kernel.begin(program, run.state);
    kernel.machine.setReg(2, -12, -1);
    kernel.helper(kernel.machine, 58);
    expect([kernel.machine.r0(), kernel.run.hook.override]).toEqual([0n, 0xfffffffffffffff4n]);
    const { ctxOut } = run.finish(kernel.finish());
    expect(new DataView(ctxOut!.buffer).getBigInt64(80, true)).toBe(-12n);
  });
  it("see the stack that the event has", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; ${fill(64, 0, 0, 0, 0)}; r1 = r7; ${stack(2, 64)}; r3 = 32; r4 = 1; call bpf_get_stack; ${keep(0)}; r0 = *(u64 *)(r10 - 64); ${keep(1)}; r1 = r7; r2 = map 1; r3 = 0; call bpf_get_stackid; ${keep(2)}; r1 = r7; r2 = map 1; r3 = 9; call bpf_get_stackid; ${keep(3)}; ${END}`;
    const program = load(kernel, { type: "kprobe", maps: [OUT, { type: 7, key: 4, size: 24, entries: 8 }] }, text);
    runOn(kernel, program, parseEvent("kprobe:f"), (state) => {
      state.stack = [0x11n, 0x22n, 0x33n, 0x44n];
    });
    const [bytes, first, id, none] = results(kernel, program, 4);
    expect([bytes, first, none]).toEqual([24n, 0x22n, -14n]);
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, Number(id), true);
    expect(program.maps[1]!.sysLookup(key)).toEqual(Uint8Array.from([0x11, 0x22, 0x33].flatMap((b) => [b, 0, 0, 0, 0, 0, 0, 0])));
  });
});
