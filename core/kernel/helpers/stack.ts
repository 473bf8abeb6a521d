// Stacks and branches of the running task (kernel/bpf/stackmap.c, kernel/trace/bpf_trace.c, 6.18). The stack is what the event says; it unwinds nothing.
import type { Machine } from "../../vm/index.ts";
import { EFAULT, EINVAL, ENOENT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { BPF_F_FAST_STACK_CMP, BPF_F_REUSE_STACKID, StackTraceMap } from "../maps/stack-trace.ts";
import { jhash2 } from "../siphash.ts";
import { putArg, taskArg, room } from "./args.ts";
import type { HelperTable } from "./types.ts";

const SKIP_MASK = 0xffn,
  USER_STACK = 256n,
  USER_BUILD_ID = 2048n;
const BUILD_ID_BYTES = 32;
/** BPF_STACK_BUILD_ID_IP: the address has no build id. */
const STATUS_IP = 2;

/** Addresses from the innermost outwards. */
const stackOf = (k: SimKernel, user: boolean): readonly bigint[] =>
  user ? [] : k.run.stack.length ? k.run.stack : k.run.funcIp ? [k.run.funcIp + 1n] : [];

function encode(ips: readonly bigint[], buildId: boolean): Uint8Array {
  const each = buildId ? BUILD_ID_BYTES : 8;
  const out = new Uint8Array(ips.length * each);
  const view = new DataView(out.buffer);
  ips.forEach((ip, i) => {
    if (buildId) view.setInt32(i * each, STATUS_IP, true);
    view.setBigUint64(i * each + (buildId ? 24 : 0), BigInt.asUintN(64, ip), true);
  });
  return out;
}
function getStack(k: SimKernel, vm: Machine, ips: (user: boolean) => readonly bigint[] | undefined): void {
  const size = vm.u32(3),
    flags = vm.u64(4);
  const user = (flags & USER_STACK) !== 0n,
    buildId = (flags & USER_BUILD_ID) !== 0n;
  const each = buildId ? BUILD_ID_BYTES : 8;
  const skip = Number(flags & SKIP_MASK);
  const fail = (errno: number): void => {
    putArg(vm, 2, room(vm, 2, size));
    vm.ret(-errno);
  };
  if (flags & ~(SKIP_MASK | USER_STACK | USER_BUILD_ID) || (buildId && !user) || size % each) return fail(EINVAL);
  const all = ips(user);
  if (!all || all.length < skip) return fail(EFAULT);
  const bytes = encode(all.slice(skip, skip + size / each), buildId);
  const out = room(vm, 2, size);
  out.set(bytes);
  putArg(vm, 2, out);
  vm.ret(bytes.length);
}
function getStackId(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 2);
  const flags = vm.u64(3);
  const known = SKIP_MASK | USER_STACK | BigInt(BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID);
  if (flags & ~known || !(map instanceof StackTraceMap)) return vm.ret(-EINVAL);
  const skip = Number(flags & SKIP_MASK);
  const all = stackOf(k, (flags & USER_STACK) !== 0n);
  if (all.length <= skip) return vm.ret(-EFAULT);
  const ips = all.slice(skip, skip + map.depth);
  const words = ips.flatMap((ip) => [Number(BigInt.asIntN(32, ip)), Number(BigInt.asIntN(32, ip >> 32n))]);
  vm.ret(map.keep(encode(ips, map.spec.flags === 32), jhash2(words, 0), Number(flags & 0xffffffffn)));
}

export const STACK_HELPERS: HelperTable = {
  27: getStackId,
  67: (k, vm) => getStack(k, vm, (user) => stackOf(k, user)),
  119: (_k, vm) => vm.ret(vm.u64(4) & ~1n ? -EINVAL : -ENOENT),
  141: (k, vm) => {
    const task = taskArg(k, vm, 1);
    getStack(k, vm, (user) => (!task ? undefined : task.pid === k.run.task.pid ? stackOf(k, user) : []));
  },
  // No branch records: as on a machine whose CPU has none.
  176: (_k, vm) => vm.ret(vm.u64(3) !== 0n ? -EINVAL : -ENOENT),
};
