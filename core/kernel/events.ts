// Events: what makes a program run, as a user describes it, turned into the context of the program's type. It runs nothing.
import { ATTACH_TYPE as AT, PROG_TYPE as T } from "../catalog/index.ts";
import { CodedError, hexToBytes } from "../base/index.ts";
import type { Btf } from "../object/index.ts";
import { KERNEL_HI, type Region } from "../vm/index.ts";
import { hookContext, isHook } from "./contexts/hook-context.ts";
import type { LoadedProgram, SimKernel } from "./kernel.ts";
import { addressOf } from "./objects/index.ts";
import { keepForRun, RunState } from "./run-state.ts";
import { INIT_TASK, type Task } from "./task.ts";
import { prepareRun, type PreparedRun } from "./testrun.ts";

/** One event. Exactly what the program's type takes is used; the rest must be absent. */
export interface EventSpec {
  /** What happened: `xdp`, `kprobe:do_unlinkat`, `tracepoint:sched/sched_switch`, ... */
  readonly name?: string | undefined;
  readonly packet?: Uint8Array | undefined;
  /** Bytes of the context as the program sees them (for packet types: as ctx_in of a test run). */
  readonly ctx?: Uint8Array | undefined;
  /** Arguments by position, or fields of a record by name; text becomes a pointer to a kernel object (`task:7`, `file:/etc/passwd`) or to a string. */
  readonly args?: Readonly<Record<string, bigint | string>> | undefined;
  readonly task?: Partial<Task> | undefined;
  readonly repeat?: number | undefined;
  /** When it happens, in nanoseconds since the first event could; without it, at once after the one before. */
  readonly atNs?: bigint | undefined;
}

const TASK_KEYS = new Set(["pid", "tgid", "uid", "gid", "comm"]);

/** Parses `kprobe:do_unlinkat arg0=1 arg1="a.txt" pid=7 comm=rm packet=ff..`. Throws CodedError `bad-event`. */
export function parseEvent(text: string): EventSpec {
  const parts = text.match(/[^\s"]+="[^"]*"|\S+/g) ?? [];
  const [name, ...rest] = parts;
  const args: Record<string, bigint | string> = {};
  const task: Record<string, number | string> = {};
  let packet: Uint8Array | undefined, ctx: Uint8Array | undefined, atNs: bigint | undefined;
  for (const part of rest) {
    const m = /^([\w.[\]]+)=(?:"([^"]*)"|(.*))$/.exec(part);
    if (!m) throw new CodedError("bad-event", `event: '${part}' is no key=value`);
    const key = m[1]!,
      value = m[2] ?? m[3]!;
    if (key === "packet") packet = hexToBytes(value);
    else if (key === "ctx") ctx = hexToBytes(value);
    else if (key === "at_ns") atNs = timeOf(value);
    else if (TASK_KEYS.has(key)) task[key] = key === "comm" ? value : Number(value);
    else args[key] = m[2] === undefined && /^-?(0x[0-9a-fA-F]+|\d+)$/.test(value) ? number(value) : value;
  }
  return {
    name,
    args,
    ...(packet ? { packet } : {}),
    ...(ctx ? { ctx } : {}),
    ...(atNs === undefined ? {} : { atNs }),
    ...(Object.keys(task).length ? { task: task as Partial<Task> } : {}),
  };
}
function timeOf(text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new CodedError("bad-event", `event: at_ns=${text} is no number of nanoseconds`);
}
const number = (text: string): bigint => (text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));

const PACKET_TYPES: ReadonlySet<number> = new Set([
  T.XDP,
  T.SOCKET_FILTER,
  T.SCHED_CLS,
  T.SCHED_ACT,
  T.CGROUP_SKB,
  T.LWT_IN,
  T.LWT_OUT,
  T.LWT_XMIT,
  T.LWT_SEG6LOCAL,
]);
/** Whether programs of this type run on a packet. */
export const takesPacket = (progType: number): boolean => PACKET_TYPES.has(progType);

/** Names of hooks at which a program of this type starts, for breakpoints: `xdp`, `tc`, `kprobe:NAME` ... */
export function hookNames(program: LoadedProgram, event: EventSpec): string[] {
  const { type, attachTo } = program.spec;
  const target = event.name?.includes(":") ? event.name.slice(event.name.indexOf(":") + 1) : attachTo;
  const kind = HOOK_KINDS[type];
  if (kind === undefined) return [];
  return target === undefined || PACKET_TYPES.has(type) ? [kind] : [kind, `${kind}:${target}`];
}
const HOOK_KINDS: Readonly<Record<number, string>> = {
  [T.SOCK_OPS]: "sock_ops",
  [T.SK_MSG]: "sk_msg",
  [T.SK_LOOKUP]: "sk_lookup",
  [T.SK_REUSEPORT]: "sk_reuseport",
  [T.CGROUP_SOCK]: "cgroup_sock",
  [T.CGROUP_SOCK_ADDR]: "cgroup_sock_addr",
  [T.CGROUP_SOCKOPT]: "cgroup_sockopt",
  [T.CGROUP_SYSCTL]: "cgroup_sysctl",
  [T.CGROUP_DEVICE]: "cgroup_device",
  [T.XDP]: "xdp",
  [T.SCHED_CLS]: "tc",
  [T.SCHED_ACT]: "tc",
  [T.SOCKET_FILTER]: "socket",
  [T.CGROUP_SKB]: "cgroup_skb",
  [T.KPROBE]: "kprobe",
  [T.TRACEPOINT]: "tracepoint",
  [T.RAW_TRACEPOINT]: "raw_tracepoint",
  [T.TRACING]: "tracing",
  [T.LSM]: "lsm",
  [T.SYSCALL]: "syscall",
  [T.PERF_EVENT]: "perf_event",
};

/** Builds the context for a run of `program` on `event`. Throws CodedError `bad-event` when the program can't run on it. */
export function prepareEvent(kernel: SimKernel, program: LoadedProgram, event: EventSpec, btf?: Btf): PreparedRun {
  const { type } = program.spec;
  const task: Task = {
    ...INIT_TASK,
    ...event.task,
    ...(event.task?.pid !== undefined && event.task.tgid === undefined ? { tgid: event.task.pid } : {}),
  };
  if (PACKET_TYPES.has(type) || type === T.SYSCALL) {
    if (PACKET_TYPES.has(type) && !event.packet)
      throw new CodedError("bad-event", `program ${program.spec.name} runs on a packet: give one (hex digits or a file)`);
    const run = prepareRun(kernel, program, { data: event.packet, ctx: event.ctx, task, attached: true });
    if ("err" in run)
      throw new CodedError(
        "bad-event",
        `the kernel refuses this packet or context for ${program.spec.name} (errno ${-run.err}): an Ethernet frame has 14 bytes at least`,
      );
    // Unlike in a test run, the packet is on its way somewhere and the program hangs on something.
    run.state.attached = type === T.CGROUP_SKB;
    if (run.state.skb) run.state.skb.atIngress = !/egress/.test(event.name ?? "");
    return run;
  }
  const state = Object.assign(new RunState(), { task });
  kernel.objects.tasks.add(task);
  if (isHook(type) && !event.ctx) {
    const ctx = hookContext(kernel, program, event.args ?? {}, state);
    state.ctxAt = ctx.start;
    return finished(kernel, ctx, state);
  }
  const bytes = event.ctx ?? contextBytes(kernel, program, event, state, btf);
  const writable =
    type === T.CGROUP_SOCKOPT ||
    type === T.CGROUP_SOCK_ADDR ||
    type === T.SOCK_OPS ||
    type === T.CGROUP_SYSCTL ||
    type === T.RAW_TRACEPOINT_WRITABLE;
  const region = kernel.memory.alloc("ctx", contextName(type), bytes.length, { writable });
  kernel.memory.write(region.start, bytes);
  state.ctxAt = region.start;
  return finished(kernel, region, state);
}
/** A run that gives its context back. */
function finished(kernel: SimKernel, region: Region, state: RunState): PreparedRun {
  const size = kernel.memory.end[region.id]! - region.start;
  return {
    state,
    finish: (stop) => {
      const ctxOut = kernel.memory.read(region.start, size);
      kernel.memory.free(region);
      return { err: 0, stop, retval: stop.kind === "exit" ? Number(BigInt.asUintN(32, stop.retval)) : 0, ctxOut };
    },
  };
}

const contextName = (type: number): string =>
  type === T.KPROBE || type === T.PERF_EVENT ? "pt_regs" : type === T.TRACEPOINT ? "tracepoint record" : "context";

function contextBytes(kernel: SimKernel, program: LoadedProgram, event: EventSpec, state: RunState, btf: Btf | undefined): Uint8Array {
  const args = event.args ?? {};
  const value = (v: bigint | string): bigint => (typeof v === "bigint" ? v : (objectPointer(kernel, v) ?? stringPointer(kernel, state, v)));
  const positional = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((i) => args[`arg${i}`]);
  const count = positional.findLastIndex((v) => v !== undefined) + 1;
  state.args = positional.slice(0, count).map((v) => (v === undefined ? 0n : value(v)));
  state.retval = args["ret"] === undefined ? undefined : value(args["ret"]);
  switch (program.spec.type) {
    case T.KPROBE:
    case T.PERF_EVENT:
      state.funcIp = FUNCTION_IP;
      return registers(state);
    case T.TRACEPOINT:
      return record(event, args, value, btf);
    case T.TRACING: {
      const exit = program.spec.expectedAttachType === AT.TRACE_FEXIT || program.spec.expectedAttachType === AT.MODIFY_RETURN;
      return words([...state.args, ...(exit ? [state.retval ?? 0n] : [])], 12);
    }
    default:
      return words(state.args, 32);
  }
}

/** Address that the probed function seems to have. */
const FUNCTION_IP = 0xffffffff81000000n;

function words(values: readonly bigint[], least: number): Uint8Array {
  const out = new Uint8Array(Math.max(values.length, least) * 8);
  const view = new DataView(out.buffer);
  values.forEach((v, i) => view.setBigUint64(8 * i, BigInt.asUintN(64, v), true));
  return out;
}

/** struct pt_regs of x86-64: arguments in di, si, dx, cx, r8, r9; the result in ax. */
function registers(state: RunState): Uint8Array {
  const out = new Uint8Array(168);
  const view = new DataView(out.buffer);
  const put = (off: number, v: bigint): void => view.setBigUint64(off, BigInt.asUintN(64, v), true);
  [112, 104, 96, 88, 72, 64].forEach((off, i) => put(off, state.args[i] ?? 0n));
  if (state.retval !== undefined) put(80, state.retval);
  put(128, FUNCTION_IP + 1n);
  put(136, 0x10n);
  put(144, 0x246n);
  put(152, 0xffffc90000103f00n);
  put(160, 0x18n);
  return out;
}

/** A tracepoint's record by the kernel's struct trace_event_raw_NAME, or by the layout of system calls when it has none. */
function record(
  event: EventSpec,
  args: Readonly<Record<string, bigint | string>>,
  value: (v: bigint | string) => bigint,
  btf: Btf | undefined,
): Uint8Array {
  const name = (event.name ?? "").split(/[:/]/).at(-1) ?? "";
  const id = btf
    ? [`trace_event_raw_${name}`, `trace_event_raw_${name.replace(/^sys_(enter|exit)_.*/, "sys_$1")}`]
        .map((n) => btf.find(n, 4))
        .find((n) => n !== 0)
    : undefined;
  const out = new Uint8Array(id ? Math.max(btf!.sizeOf(id), 64) : 64);
  const view = new DataView(out.buffer);
  for (const [key, v] of Object.entries(args)) {
    const indexed = /^arg(\d+)$/.exec(key);
    const member = id ? btf!.type(id).members.find((m) => m.name === key) : undefined;
    if (member) putMember(view, member.bitOffset / 8, btf!.sizeOf(member.type), typeof v === "string" ? v : value(v));
    else if (indexed && 16 + 8 * Number(indexed[1]) + 8 <= out.length)
      view.setBigUint64(16 + 8 * Number(indexed[1]), BigInt.asUintN(64, value(v)), true);
    else if (key === "ret") view.setBigUint64(16, BigInt.asUintN(64, value(v)), true);
    else if (key === "id") view.setBigUint64(8, BigInt.asUintN(64, value(v)), true);
    else throw new CodedError("bad-event", `event ${event.name ?? ""}: there is no field ${key}`);
  }
  return out;
}
function putMember(view: DataView, off: number, size: number, v: bigint | string): void {
  for (let i = 0; i < size && off + i < view.byteLength; i++) {
    view.setUint8(off + i, typeof v === "string" ? v.charCodeAt(i) & 255 || 0 : Number((v >> BigInt(8 * Math.min(i, 8))) & 255n));
  }
}

/** The kernel object that a text names (`task:PID`, `cgroup:ID`, `file:PATH`, `inode:PATH`, `socket:NUMBER`), by its address; undefined for other texts. */
function objectPointer(kernel: SimKernel, text: string): bigint | undefined {
  const { tasks, cgroups, files, sockets } = kernel.objects;
  const m = /^(task|cgroup|file|inode|socket):(.+)$/.exec(text);
  const name = m?.[2] ?? "";
  const number = /^\d{1,18}$/.test(name) ? BigInt(name) : -1n;
  switch (m?.[1]) {
    case "task": {
      const task = tasks.byPid(Number(number));
      if (!task) throw new CodedError("bad-event", `event: there is no task ${name}`);
      return addressOf(tasks.region(task).start);
    }
    case "cgroup":
      if (number < 1n) throw new CodedError("bad-event", `event: '${name}' is no id of a cgroup`);
      return addressOf(cgroups.region(cgroups.get(number)).start);
    case "file":
      return addressOf(files.region(files.open(name)).start);
    case "inode":
      return addressOf(files.inode(files.open(name)).start);
    case "socket": {
      const socket = sockets.all().find((s) => BigInt(s.id) === number);
      if (!socket) throw new CodedError("bad-event", `event: there is no socket ${name}`);
      return addressOf(sockets.kernelView(socket, socket.isTcp ? "tcp_sock" : "sock").start);
    }
    default:
      return undefined;
  }
}
function stringPointer(kernel: SimKernel, state: RunState, text: string): bigint {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const region = kernel.memory.alloc("object", `text "${text.slice(0, 20)}"`, bytes.length, { writable: false });
  kernel.memory.write(region.start, bytes);
  keepForRun(state, region);
  return (BigInt(KERNEL_HI >>> 0) << 32n) | BigInt(region.start);
}

const VERDICTS: Readonly<Record<number, readonly string[]>> = {
  [T.XDP]: ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"],
  [T.SCHED_CLS]: [
    "TC_ACT_OK",
    "TC_ACT_RECLASSIFY",
    "TC_ACT_SHOT",
    "TC_ACT_PIPE",
    "TC_ACT_STOLEN",
    "TC_ACT_QUEUED",
    "TC_ACT_REPEAT",
    "TC_ACT_REDIRECT",
    "TC_ACT_TRAP",
  ],
  [T.CGROUP_SKB]: ["drop", "allow", "drop, congestion", "allow, congestion"],
};
/** The name of a result (`XDP_PASS`), or undefined where the number says it all. */
export function verdictName(progType: number, retval: number): string | undefined {
  if (progType === T.SCHED_CLS || progType === T.SCHED_ACT) return retval === 0xffffffff ? "TC_ACT_UNSPEC" : VERDICTS[T.SCHED_CLS]![retval];
  return VERDICTS[progType]?.[retval];
}
