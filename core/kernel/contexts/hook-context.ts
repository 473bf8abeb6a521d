// Contexts of programs on sockets, cgroups and remote controls, from the fields that an event names. It runs nothing.
import { contextFields, PROG_TYPE as T } from "../../catalog/index.ts";
import { CodedError, hexToBytes } from "../../base/index.ts";
import { KERNEL_HI, type Region } from "../../vm/index.ts";
import type { LoadedProgram, SimKernel } from "../kernel.ts";
import type { SimSocket } from "../objects/index.ts";
import { SocketMapBase } from "../maps/sockets.ts";
import { keepForRun, type RunState } from "../run-state.ts";
import { Message } from "./message.ts";

type Value = bigint | string;
type Args = Readonly<Record<string, Value>>;

const HOOKS: ReadonlySet<number> = new Set([
  T.CGROUP_SOCK,
  T.SOCK_OPS,
  T.SK_MSG,
  T.CGROUP_DEVICE,
  T.CGROUP_SOCK_ADDR,
  T.SK_REUSEPORT,
  T.CGROUP_SYSCTL,
  T.CGROUP_SOCKOPT,
  T.SK_LOOKUP,
]);
const CGROUP_HOOKS: ReadonlySet<number> = new Set([
  T.CGROUP_SOCK,
  T.SOCK_OPS,
  T.CGROUP_DEVICE,
  T.CGROUP_SOCK_ADDR,
  T.CGROUP_SYSCTL,
  T.CGROUP_SOCKOPT,
]);
/** Whether programs of this type get a context that {@link hookContext} makes. */
export const isHook = (progType: number): boolean => HOOKS.has(progType);

/** Bytes of an address: dotted for IPv4, colons for IPv6. Throws CodedError `bad-event`. */
export function addressBytes(text: string): Uint8Array {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (dotted) return Uint8Array.from(dotted.slice(1), Number);
  const halves = text.split("::");
  const words = (part: string | undefined): number[] => (part ? part.split(":").map((w) => parseInt(w, 16)) : []);
  const head = words(halves[0]),
    tail = words(halves[1]);
  const all = halves.length === 2 ? [...head, ...new Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail] : head;
  if (all.length !== 8 || all.some((w) => !(w >= 0 && w <= 0xffff))) throw new CodedError("bad-event", `event: '${text}' is no address`);
  return Uint8Array.from(all.flatMap((w) => [w >> 8, w & 255]));
}
const bytesOf = (value: Value, size: number): Uint8Array => {
  if (typeof value === "string") return addressBytes(value).subarray(0, size);
  const out = new Uint8Array(size);
  for (let i = 0; i < Math.min(size, 8); i++) out[i] = Number((value >> BigInt(8 * i)) & 255n);
  return out;
};

/** Names that are no fields of the context, by program type. */
const EXTRA: Readonly<Record<number, readonly string[]>> = {
  [T.CGROUP_SYSCTL]: ["name", "value", "new"],
  [T.CGROUP_SOCKOPT]: ["optval"],
  [T.SK_MSG]: ["data"],
  [T.SK_REUSEPORT]: ["data"],
};
/** What a socket is made of when the context has no field of that name. */
const SOCKET = ["family", "type", "protocol", "state", "uid"];

/** Makes the context and notes in `state` what helpers need. Throws CodedError `bad-event` for fields that are not there. */
export function hookContext(kernel: SimKernel, program: LoadedProgram, args: Args, state: RunState): Region {
  const { type, expectedAttachType } = program.spec;
  const layout = contextFields(type, expectedAttachType)!;
  const size = Math.max(...layout.fields.map((f) => f[1] + f[2]), 8);
  const region = kernel.memory.alloc("ctx", layout.struct, size);
  for (const [name, value] of Object.entries(args)) {
    const field = layout.fields.find((f) => f[0] === name);
    const isExtra = EXTRA[type]?.includes(name) === true;
    if (field && !isExtra && field[3].endsWith("*"))
      throw new CodedError("bad-event", `event: ${name} is a pointer, which the machine sets itself`);
    if (field && !isExtra) kernel.memory.write(region.start + field[1], bytesOf(value, field[2]));
    else if (!isExtra && !SOCKET.includes(name))
      throw new CodedError("bad-event", `event: struct ${layout.struct} has no field ${name} here`);
  }
  if (CGROUP_HOOKS.has(type)) state.attached = true;
  if (type !== T.CGROUP_DEVICE && type !== T.CGROUP_SYSCTL) socketOf(kernel, region, layout, { args, state });
  special(kernel, type, region, { args, state });
  return region;
}
function pointer(kernel: SimKernel, at: number, to: number): void {
  kernel.memory.view.setUint32(at, to, true);
  kernel.memory.view.setInt32(at + 4, to ? KERNEL_HI : 0, true);
  kernel.memory.markDirty(at, 8);
}
/** The socket that the event is about, with the addresses of the context. */
function socketOf(
  kernel: SimKernel,
  region: Region,
  layout: NonNullable<ReturnType<typeof contextFields>>,
  run: { args: Args; state: RunState },
): void {
  const number = (name: string): number | undefined => {
    const value = run.args[name];
    return typeof value === "bigint" ? Number(value) : undefined;
  };
  const address = (name: string): Uint8Array | undefined => {
    const value = run.args[`${name}_ip6`] ?? run.args[`${name}_ip4`];
    return value === undefined ? undefined : bytesOf(value, run.args[`${name}_ip6`] === undefined ? 4 : 16);
  };
  const optional = <T>(key: string, value: T | undefined): Record<string, T> => (value === undefined ? {} : { [key]: value });
  // The socket of the event before goes, unless a map holds it.
  const last = kernel.run.socket;
  if (last && !kernel.maps().some((m) => m instanceof SocketMapBase && m.holds(last))) kernel.objects.sockets.drop(last);
  const socket: SimSocket = kernel.objects.sockets.add({
    ...optional("family", number("family")),
    ...optional("type", number("type")),
    ...optional("protocol", number("protocol")),
    ...optional("state", number("state")),
    ...optional("uid", number("uid")),
    ...optional("localPort", number("local_port")),
    ...optional("remotePort", number("remote_port")),
    ...optional("local", address("local")),
    ...optional("remote", address("remote")),
    cgroupId: run.state.task.cgroupId,
  });
  run.state.socket = socket;
  const field = layout.fields.find((f) => f[0] === "sk");
  // What a listening socket is asked for has no socket yet.
  if (field && field[1] !== 0) pointer(kernel, region.start + field[1], socket.view.start);
  if (layout.struct === "bpf_sockopt") pointer(kernel, region.start, socket.view.start);
}
/** Data beside the context: option values, messages, names of settings. */
function special(kernel: SimKernel, type: number, region: Region, run: { args: Args; state: RunState }): void {
  const { args, state } = run;
  const text = (name: string): string | undefined => (typeof args[name] === "string" ? args[name] : args[name]?.toString());
  if (type === T.CGROUP_SYSCTL) {
    const written = text("new");
    state.hook = { sysctl: { name: text("name") ?? "", current: text("value") ?? "", ...(written === undefined ? {} : { written }) } };
    return;
  }
  const bytes = hexToBytes(text("data") ?? text("optval") ?? "");
  if (type === T.SK_MSG) {
    state.msg = new Message(kernel.memory, bytes, region);
    keepForRun(state, state.msg.packet.region);
  }
  if (type === T.CGROUP_SOCKOPT || type === T.SK_REUSEPORT) {
    const data = kernel.memory.alloc("packet", type === T.SK_REUSEPORT ? "data of the packet" : "value of the option", bytes.length);
    keepForRun(state, data);
    kernel.memory.write(data.start, bytes);
    const at = region.start + (type === T.SK_REUSEPORT ? 0 : 8);
    pointer(kernel, at, data.start);
    pointer(kernel, at + 8, data.start + bytes.length);
    if (type === T.CGROUP_SOCKOPT && args["optlen"] === undefined) kernel.memory.view.setInt32(region.start + 32, bytes.length, true);
  }
}
