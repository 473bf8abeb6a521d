// Helpers of programs on sockmaps: which socket data goes to, and editing of messages (net/core/sock_map.c, net/core/filter.c, 6.18). They move no data.
import type { Machine } from "../../vm/index.ts";
import { EINVAL, ENOMEM, EOPNOTSUPP } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { SocketMapBase } from "../maps/sockets.ts";
import { indexBytes } from "../maps/array.ts";
import type { SimSocket } from "../objects/index.ts";
import { bytesArg, note } from "./args.ts";
import { trap } from "../../vm/index.ts";
import type { HelperTable } from "./types.ts";

const SK_DROP = 0,
  SK_PASS = 1;
const BPF_F_INGRESS = 1n;
/** Events of sock_ops at which a socket may be put into a map. */
const MAY_UPDATE: ReadonlySet<number> = new Set([4, 5, 11]);

function update(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 2);
  const { socket, ctxAt } = k.run;
  const op = ctxAt ? vm.memory.view.getUint32(ctxAt, true) : 0;
  if (!socket || !MAY_UPDATE.has(op) || !(map instanceof SocketMapBase)) return vm.ret(-EOPNOTSUPP);
  vm.ret(map.store(bytesArg(vm, 3, map.keySize), socket, vm.hi32(4) === 0 ? vm.u32(4) : 0xffffffff));
}
function redirect(byIndex: boolean) {
  return (k: SimKernel, vm: Machine): void => {
    const map = k.mapArg(vm, 2);
    const flags = vm.u64(4);
    if (flags & ~BPF_F_INGRESS || !(map instanceof SocketMapBase)) return vm.ret(SK_DROP);
    const socket = byIndex ? at(map, vm.u32(3)) : map.socketAt(vm.argMem(3, map.keySize));
    if (!socket || !socket.isFull || (socket.isTcp && socket.state !== 1)) return vm.ret(SK_DROP);
    k.run.redirect = { ifindex: 0, flags: Number(flags), map, kind: "socket", socket };
    vm.ret(SK_PASS);
  };
}
function at(map: SocketMapBase, index: number): SimSocket | undefined {
  const key = map.host.memory.alloc("scratch", "key", 4);
  map.host.memory.write(key.start, indexBytes(index));
  const socket = index < map.spec.maxEntries ? map.socketAt(key.start) : undefined;
  map.host.memory.free(key);
  return socket;
}
const msgOf = (k: SimKernel) => k.run.msg ?? trap("bad-argument", "the helper wants a message and this program has none");

/** bpf_msg_pull_data: the message is in one piece here, so that only its bounds are judged. */
function pullData(k: SimKernel, vm: Machine): void {
  const start = vm.u32(2),
    end = vm.u32(3);
  if (vm.u64(4) !== 0n || end <= start || end > msgOf(k).packet.length) return vm.ret(-EINVAL);
  k.run.msg!.show(start, end);
  vm.ret(0);
}
function pushData(k: SimKernel, vm: Machine): void {
  const start = vm.u32(2),
    length = vm.u32(3);
  if (vm.u64(4) !== 0n) return vm.ret(-EINVAL);
  if (length === 0) return vm.ret(0);
  if (start > msgOf(k).packet.length) return vm.ret(-EINVAL);
  vm.ret(k.run.msg!.insert(start, length) ? 0 : -ENOMEM);
}
function popData(k: SimKernel, vm: Machine): void {
  const start = vm.u32(2),
    length = vm.u32(3);
  if (vm.u64(4) !== 0n || start + length > msgOf(k).packet.length) return vm.ret(-EINVAL);
  if (length > 0) k.run.msg!.remove(start, length);
  vm.ret(0);
}

export const SOCKMAP_HELPERS: HelperTable = {
  52: redirect(true),
  53: update,
  60: redirect(true),
  61: (k, vm) => {
    note(k, { applyBytes: vm.u32(2) });
    vm.ret(0);
  },
  62: (k, vm) => {
    note(k, { corkBytes: vm.u32(2) });
    vm.ret(0);
  },
  63: pullData,
  70: update,
  71: redirect(false),
  72: redirect(false),
  90: pushData,
  91: popData,
};
