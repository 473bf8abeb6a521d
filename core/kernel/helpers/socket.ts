// Helpers that find sockets, turn one view of a socket into another and ask about them (net/core/filter.c, 6.18). They send nothing.
import { ATTACH_TYPE, PROG_TYPE } from "../../catalog/index.ts";
import type { Machine } from "../../vm/index.ts";
import { EAFNOSUPPORT, EEXIST, EINVAL, EOPNOTSUPP, EPROTOTYPE, ENOENT, ESOCKTNOSUPPORT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { SocketMapBase } from "../maps/sockets.ts";
import type { SimSocket } from "../objects/index.ts";
import { bytesArg, hookSocket, note, pointerArg, skbOf, socketArg } from "./args.ts";
import type { HelperTable } from "./types.ts";

const TCP = 6,
  UDP = 17;
const AF_UNIX = 1,
  AF_INET = 2,
  AF_INET6 = 10;
const SOCK_DGRAM = 2;
const STATE = { TIME_WAIT: 6, LISTEN: 10, NEW_SYN_RECV: 12 } as const;
/** overflowuid. */
const NOBODY = 65534;
const IPV4_TUPLE = 12,
  IPV6_TUPLE = 36;

/** bpf_sk_lookup_tcp and its kin: context, struct bpf_sock_tuple, its size, network namespace, flags. */
function lookup(protocol: number, onlyFull: boolean) {
  return (k: SimKernel, vm: Machine): void => {
    const size = vm.u32(3);
    const netns = vm.u64(4);
    const current = BigInt.asIntN(32, netns) < 0n;
    if (vm.u64(5) !== 0n || !current || (size !== IPV4_TUPLE && size !== IPV6_TUPLE)) return vm.retPtr(0);
    const tuple = bytesArg(vm, 2, size);
    const length = size === IPV4_TUPLE ? 4 : 16;
    const port = (at: number): number => (tuple[at]! << 8) | tuple[at + 1]!;
    const found = k.objects.sockets.find({
      protocol,
      remote: tuple.subarray(0, length),
      local: tuple.subarray(length, 2 * length),
      remotePort: port(2 * length),
      localPort: port(2 * length + 2),
    });
    if (!found || (onlyFull && !found.isFull)) return vm.retPtr(0);
    found.change({ refs: found.facts.refs + 1 });
    vm.retPtr(found.view.start);
  };
}
function release(k: SimKernel, vm: Machine): void {
  const socket = socketArg(k, vm, 1);
  if (socket) socket.change({ refs: Math.max(1, socket.facts.refs - 1) });
  vm.ret(0);
}
/** Gives the view of the socket in register 1 when `test` says yes, else NULL. */
function cast(test: (s: SimSocket) => boolean, struct: string) {
  return (k: SimKernel, vm: Machine): void => {
    const s = socketArg(k, vm, 1);
    vm.retPtr(s && test(s) ? k.objects.sockets.kernelView(s, struct).start : 0);
  };
}
const isTcp = (s: SimSocket): boolean => s.isFull && s.protocol === TCP;

function assign(k: SimKernel, vm: Machine): void {
  const type = vm.program.source.type;
  const flags = vm.u64(3);
  const socket = socketArg(k, vm, 2);
  if (type !== PROG_TYPE.SK_LOOKUP) {
    if (flags !== 0n || !socket) return vm.ret(-EINVAL);
    const skb = skbOf(k);
    if (!skb.atIngress) return vm.ret(-EOPNOTSUPP);
    skb.sk = socket.view.start;
    return vm.ret(0);
  }
  const asked = k.run.socket;
  if (flags & ~3n) return vm.ret(-EINVAL);
  if (socket && !socket.isFull) return vm.ret(-ESOCKTNOSUPPORT);
  if (socket && asked && socket.protocol !== asked.protocol) return vm.ret(-EPROTOTYPE);
  if (socket && asked && socket.family !== asked.family) return vm.ret(-EAFNOSUPPORT);
  if (k.run.hook.chosen && !(flags & 1n)) return vm.ret(-EEXIST);
  note(k, { chosen: socket });
  // The context shows the chosen socket in its first word.
  if (k.run.ctxAt) vm.memory.view.setBigUint64(k.run.ctxAt, socket ? socketAddress(socket) : 0n, true);
  vm.ret(0);
}
const socketAddress = (s: SimSocket): bigint => 0xffff888100000000n | BigInt(s.view.start);

function selectReuseport(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 2);
  const flags = vm.u64(4);
  if (flags !== 0n) return vm.ret(-EINVAL);
  const chosen = map instanceof SocketMapBase ? map.socketAt(vm.argMem(3, map.keySize)) : undefined;
  if (!chosen) return vm.ret(-ENOENT);
  const asked = k.run.socket;
  if (asked && chosen.protocol !== asked.protocol) return vm.ret(-EPROTOTYPE);
  if (asked && chosen.family !== asked.family) return vm.ret(-EAFNOSUPPORT);
  note(k, { chosen });
  vm.ret(0);
}
/** The socket of helpers that take a context in some program types and a socket in others. */
const socketOrContext = (k: SimKernel, vm: Machine): SimSocket | undefined => k.objects.sockets.at(pointerArg(vm, 1)) ?? hookSocket(k);

function uid(k: SimKernel, vm: Machine): void {
  const socket = hookSocket(k);
  vm.ret(socket?.isFull ? socket.uid : NOBODY);
}
function cgroupId(k: SimKernel, vm: Machine, socket: SimSocket | undefined, level?: number): void {
  if (!socket?.isFull) return vm.ret(0);
  const group = k.objects.cgroups.get(socket.cgroupId);
  const found = level === undefined ? group : k.objects.cgroups.ancestor(group, level);
  vm.setU64(0, found?.id ?? 0n);
}
/** bpf_bind: context of connect4 or connect6, struct sockaddr, its length. */
function bind(k: SimKernel, vm: Machine): void {
  const address = bytesArg(vm, 2, vm.u32(3));
  if (address.length < 2) return vm.ret(-EINVAL);
  const family = address[0]! | (address[1]! << 8);
  const least = family === AF_INET ? 16 : family === AF_INET6 ? 28 : 0;
  if (!least) return vm.ret(-EAFNOSUPPORT);
  if (address.length < least) return vm.ret(-EINVAL);
  const v6only = vm.program.source.expectedAttachType === ATTACH_TYPE.CGROUP_INET6_CONNECT;
  if (v6only !== (family === AF_INET6)) return vm.ret(-EAFNOSUPPORT);
  const port = (address[2]! << 8) | address[3]!;
  hookSocket(k)?.bindTo(family === AF_INET ? address.subarray(4, 8) : address.subarray(8, 24), port);
  vm.ret(0);
}

export const SOCKET_HELPERS: HelperTable = {
  46: (k, vm) => vm.setU64(0, socketOrContext(k, vm)?.cookie ?? 0n),
  47: uid,
  64: bind,
  79: (k, vm) => cgroupId(k, vm, hookSocket(k)),
  82: selectReuseport,
  83: (k, vm) => cgroupId(k, vm, hookSocket(k), vm.s32(2)),
  84: lookup(TCP, true),
  85: lookup(UDP, true),
  86: release,
  95: (k, vm) => {
    const socket = socketArg(k, vm, 1);
    vm.retPtr(socket?.isFull ? socket.view.start : 0);
  },
  96: (k, vm) => {
    const socket = socketArg(k, vm, 1);
    vm.retPtr(socket && isTcp(socket) ? socket.tcp.start : 0);
  },
  98: (k, vm) => {
    const socket = socketArg(k, vm, 1);
    vm.retPtr(socket?.state === STATE.LISTEN ? socket.view.start : 0);
  },
  99: lookup(TCP, false),
  124: assign,
  128: (k, vm) => cgroupId(k, vm, socketArg(k, vm, 1)),
  129: (k, vm) => cgroupId(k, vm, socketArg(k, vm, 1), vm.s32(2)),
  136: cast((s) => isTcp(s) && s.family === AF_INET6, "tcp6_sock"),
  137: cast(isTcp, "tcp_sock"),
  138: cast((s) => s.protocol === TCP && s.state === STATE.TIME_WAIT, "tcp_timewait_sock"),
  139: cast((s) => s.protocol === TCP && s.state === STATE.NEW_SYN_RECV, "tcp_request_sock"),
  140: cast((s) => s.isFull && s.protocol === UDP && s.type === SOCK_DGRAM && s.family === AF_INET6, "udp6_sock"),
  162: (k, vm) => {
    const file = k.objects.files.at(pointerArg(vm, 1));
    vm.retPtr(file?.socket ? k.objects.sockets.kernelView(file.socket, "socket").start : 0);
  },
  178: cast((s) => s.isFull && s.family === AF_UNIX, "unix_sock"),
  196: cast((s) => s.isFull && s.protocol === 262, "mptcp_sock"),
};
