// bpf_setsockopt and bpf_getsockopt: the options that programs may touch (net/core/filter.c, sol_*_sockopt, 6.18). Options only change what is read back.
import type { Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import type { SimSocket } from "../objects/index.ts";
import { bytesArg, hookSocket, pointerArg, putArg, room } from "./args.ts";
import type { HelperTable } from "./types.ts";

const SOL = { IP: 0, SOCKET: 1, TCP: 6, IPV6: 41 } as const;
const SO = { SNDBUF: 7, RCVBUF: 8, PRIORITY: 12, RCVLOWAT: 18, BINDTODEVICE: 25, MARK: 36, BINDTOIFINDEX: 62 } as const;
const TCP_CONGESTION = 13,
  TCP_MAXSEG = 2,
  TCP_SAVED_SYN = 28,
  TCP_BPF_SOCK_OPS_CB_FLAGS = 1008,
  SK_BPF_CB_FLAGS = 1009;
/** Longest name of a congestion control (TCP_CA_NAME_MAX). */
const CA_NAME_MAX = 16;
/** Bits of SK_BPF_CB_FLAGS and of bpf_sock_ops_cb_flags_set. */
const SK_BPF_CB_MASK = 1,
  ALL_CB_FLAGS = 0x7f;

/** Option names by level that are a 32-bit number, with what a new socket has. */
const NUMBERS: Readonly<Record<number, ReadonlyMap<number, number>>> = {
  [SOL.SOCKET]: new Map([
    [2, 0],
    [SO.SNDBUF, 16384],
    [SO.RCVBUF, 131072],
    [9, 0],
    [SO.PRIORITY, 0],
    [15, 0],
    [SO.RCVLOWAT, 1],
    [SO.MARK, 0],
    [47, -1],
    [SO.BINDTOIFINDEX, 0],
    [74, 1],
  ]),
  [SOL.IP]: new Map([[1, 0]]),
  [SOL.IPV6]: new Map([
    [67, 0],
    [70, 1],
  ]),
  [SOL.TCP]: new Map([
    [1, 0],
    [TCP_MAXSEG, 536],
    [4, 7200],
    [5, 75],
    [6, 9],
    [7, 6],
    [10, 0],
    [18, 0],
    [25, 0],
    [27, 0],
    [1001, 10],
    [1002, 0xffffffff | 0],
    [1003, 200000],
    [1004, 200000],
  ]),
};
/** Options that can be read, but not set. */
const READ_ONLY: ReadonlySet<string> = new Set([`${SOL.TCP}/${TCP_SAVED_SYN}`]);

const i32 = (b: Uint8Array): number => new DataView(b.buffer, b.byteOffset).getInt32(0, true);
function word(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, value, true);
  return out;
}
/** The socket of the call: register 1 is a socket, or the context of a hook on one. */
const socketOf = (k: SimKernel, vm: Machine): SimSocket | undefined => k.objects.sockets.at(pointerArg(vm, 1)) ?? hookSocket(k);

/** Sets an option; 0 or a negative errno. */
function set(s: SimSocket, level: number, name: number, value: Uint8Array): number {
  if (!s.isFull || READ_ONLY.has(`${level}/${name}`)) return -EINVAL;
  if (level === SOL.TCP && !s.isTcp) return -EINVAL;
  if (level === SOL.TCP && name === TCP_CONGESTION) return store(s, level, name, value.slice(0, CA_NAME_MAX - 1));
  if (level === SOL.SOCKET && name === SO.BINDTODEVICE) return 0;
  if (value.length !== 4) return -EINVAL;
  const number = i32(value);
  if (level === SOL.TCP && name === TCP_BPF_SOCK_OPS_CB_FLAGS) {
    if (number & ~ALL_CB_FLAGS) return -EINVAL;
    s.change({ cbFlags: number });
    return 0;
  }
  if (level === SOL.SOCKET && name === SK_BPF_CB_FLAGS) return number & ~SK_BPF_CB_MASK ? -EINVAL : store(s, level, name, value);
  if (!NUMBERS[level]?.has(name)) return -EINVAL;
  return setNumber(s, level, name, number);
}
function setNumber(s: SimSocket, level: number, name: number, number: number): number {
  if (level === SOL.SOCKET) {
    if (name === SO.MARK) s.mark = number;
    else if (name === SO.PRIORITY) s.priority = number;
    else if (name === SO.BINDTOIFINDEX) s.device = number;
    // The kernel doubles the size of buffers for its own overhead.
    if (name === SO.SNDBUF) return store(s, level, name, word(Math.max(number * 2, 4608)));
    if (name === SO.RCVBUF) return store(s, level, name, word(Math.max(number * 2, 2304)));
    if (name === SO.RCVLOWAT) return store(s, level, name, word(number < 0 ? 0x7fffffff : number || 1));
  }
  if (level === SOL.TCP && name === 1001 && number <= 0) return -EINVAL;
  if (level === SOL.TCP && name === 1002 && number <= 0) return -EINVAL;
  if (level === SOL.TCP && name >= 4 && name <= 6 && (number < 1 || number > (name === 6 ? 127 : 32767))) return -EINVAL;
  return store(s, level, name, word(number));
}
function store(s: SimSocket, level: number, name: number, value: Uint8Array): number {
  s.change({ options: new Map(s.facts.options).set(`${level}/${name}`, value) });
  return 0;
}
/** Value of an option cut to `size` bytes, or a negative errno. */
function get(s: SimSocket, level: number, name: number, size: number): Uint8Array | number {
  if (!s.isFull || (level === SOL.TCP && !s.isTcp)) return -EINVAL;
  const kept = s.facts.options.get(`${level}/${name}`);
  if (level === SOL.TCP && name === TCP_CONGESTION) {
    const out = new Uint8Array(size);
    out.set((kept ?? Uint8Array.from("cubic", (c) => c.charCodeAt(0))).subarray(0, Math.max(0, size - 1)));
    return out;
  }
  if (level === SOL.TCP && name === TCP_SAVED_SYN) return kept ?? -EINVAL;
  if (size !== 4) return -EINVAL;
  if (level === SOL.TCP && name === TCP_BPF_SOCK_OPS_CB_FLAGS) return word(s.facts.cbFlags);
  if (level === SOL.SOCKET && name === SO.MARK) return word(s.mark);
  if (level === SOL.SOCKET && name === SO.PRIORITY) return word(s.priority);
  if (level === SOL.SOCKET && name === SO.BINDTOIFINDEX) return word(s.device);
  if (level === SOL.SOCKET && name === SK_BPF_CB_FLAGS) return kept ?? word(0);
  const initial = NUMBERS[level]?.get(name);
  return initial === undefined ? -EINVAL : (kept ?? word(initial));
}
function setsockopt(k: SimKernel, vm: Machine): void {
  const socket = socketOf(k, vm);
  const value = bytesArg(vm, 4, vm.u32(5));
  vm.ret(socket ? set(socket, vm.s32(2), vm.s32(3), value) : -EINVAL);
}
function getsockopt(k: SimKernel, vm: Machine): void {
  const socket = socketOf(k, vm);
  const size = vm.u32(5);
  const out = room(vm, 4, size);
  const value = socket ? get(socket, vm.s32(2), vm.s32(3), size) : -EINVAL;
  if (typeof value !== "number") out.set(value.subarray(0, size));
  putArg(vm, 4, out);
  vm.ret(typeof value === "number" ? value : 0);
}
function cbFlagsSet(k: SimKernel, vm: Machine): void {
  const socket = hookSocket(k);
  const flags = vm.s32(2);
  if (!socket?.isTcp || !socket.isFull) return vm.ret(-EINVAL);
  socket.change({ cbFlags: flags & ALL_CB_FLAGS });
  vm.ret(flags & ~ALL_CB_FLAGS);
}

export const SOCKOPT_HELPERS: HelperTable = { 49: setsockopt, 57: getsockopt, 59: cbFlagsSet };
