// Kfuncs that stand alone: casts, sums of maps, sessions, streams, sockets, the kernel's own test functions (6.18).
import { KERNEL_HI, trap, type Machine } from "../../vm/index.ts";
import { kernelSkb, kernelXdp } from "../contexts/kernel-context.ts";
import { EINVAL, EOPNOTSUPP } from "../errno.ts";
import { hookSocket, note, pointerArg, socketArg, u32Arg } from "../helpers/args.ts";
import { formatText } from "../helpers/format.ts";
import { readCString } from "../helpers/memory-access.ts";
import { words } from "../helpers/trace.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

const same = (_k: SimKernel, vm: Machine): void => vm.setReg(0, vm.s32(1), vm.hi32(1));
const nothing = (): void => {};
/** Longest path of a Unix socket (UNIX_PATH_MAX) and its family. */
const UNIX_PATH_MAX = 108,
  AF_UNIX = 1;
const STDOUT = 1,
  STDERR = 2;

function streamPrint(k: SimKernel, vm: Machine): void {
  const stream = vm.u32(1),
    size = vm.u32(4);
  if ((stream !== STDOUT && stream !== STDERR) || size % 8 || size > 96) return retInt(vm, -EINVAL);
  const text = formatText(k, readCString(k, vm.u64(2), 4096) ?? "", words(vm, 3, size));
  if (typeof text === "number") return retInt(vm, text);
  k.emit({ kind: "stream", text });
  retInt(vm, 0);
}
function sunPath(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  if (size < 1 || size > UNIX_PATH_MAX) return retInt(vm, -EINVAL);
  if (hookSocket(k)?.family !== AF_UNIX) return retInt(vm, -EINVAL);
  note(k, { sunPath: vm.memory.read(vm.argMem(2, size), size) });
  retInt(vm, 0);
}
function destroySocket(k: SimKernel, vm: Machine): void {
  const socket = socketArg(k, vm, 1);
  if (!socket || (socket.protocol !== 6 && socket.protocol !== 17)) return retInt(vm, -EOPNOTSUPP);
  socket.change({ destroyed: true });
  socket.state = 7;
  k.objects.sockets.remove(socket);
  retInt(vm, 0);
}
function sumElements(k: SimKernel, vm: Machine): void {
  retInt(vm, k.mapArg(vm, 1).entries().length);
}
/** The object behind a context as the kernel's own structure. */
function kernelContext(k: SimKernel, vm: Machine): void {
  const { skb, xdp } = k.run;
  const region = skb ? kernelSkb(k, k.run, skb) : xdp ? kernelXdp(k, k.run, xdp) : undefined;
  const at = region?.start ?? pointerArg(vm, 1);
  vm.setReg(0, at, at ? KERNEL_HI : 0);
}
/** struct bpf_tcp_req_attrs of bpf_sk_assign_tcp_reqsk. */
const REQ_ATTRS = 32;
function assignRequest(k: SimKernel, vm: Machine): void {
  const listener = socketArg(k, vm, 2);
  if (u32Arg(vm, 4) !== REQ_ATTRS || listener?.state !== 10 || listener.protocol !== 6) return retInt(vm, -EINVAL);
  note(k, { chosen: listener });
  retInt(vm, 0);
}

export const MISC_KFUNCS: KfuncTable = {
  bpf_get_smp_processor_id: (k, vm) => retInt(vm, k.cpu()),
  bpf_cast_to_kern_ctx: kernelContext,
  bpf_rdonly_cast: same,
  bpf_map_sum_elem_count: sumElements,
  bpf_session_is_return: (k, vm) => retInt(vm, k.run.retval === undefined ? 0 : 1),
  bpf_session_cookie: (k, vm) => {
    let at = k.extra.get("session cookie") as number | undefined;
    if (at === undefined) k.extra.set("session cookie", (at = k.memory.alloc("scratch", "session cookie", 8).start));
    vm.retPtr(at);
  },
  bpf_stream_vprintk_impl: streamPrint,
  bpf_sock_addr_set_sun_path: sunPath,
  bpf_sock_destroy: destroySocket,
  bpf_sock_ops_enable_tx_tstamp: (k, vm) => {
    note(k, { txTimestamp: true });
    retInt(vm, vm.u64(2) === 0n ? 0 : -EINVAL);
  },
  bpf_sk_assign_tcp_reqsk: assignRequest,
  // What the kernel keeps to test fentry and fmod_ret, without the trace points behind it (net/bpf/test_run.c).
  bpf_fentry_test1: (_k, vm) => retInt(vm, vm.s32(1) + 1),
  bpf_modify_return_test: (_k, vm) => retInt(vm, vm.s32(1) + 1),
  bpf_modify_return_test2: (_k, vm) => retInt(vm, vm.s32(1) + 1),
  bpf_modify_return_test_tp: (_k, vm) => retInt(vm, vm.s32(1)),
  bpf_kfunc_call_test_release: nothing,
  bpf_kfunc_call_memb_release: nothing,
  __bpf_trap: () => trap("bad-instruction", "the program ran into __bpf_trap, which the compiler puts where control must not come"),
};
