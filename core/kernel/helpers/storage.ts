// Helpers on values that belong to sockets, inodes, tasks and cgroups, and on kptrs (kernel/bpf/bpf_*_storage.c, net/core/bpf_sk_storage.c, 6.18).
import type { Machine } from "../../vm/index.ts";
import { ATTACH_TYPE } from "../../catalog/index.ts";
import { EINVAL, ENOENT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { CgroupStorageMap } from "../maps/cgroup-storage.ts";
import { LocalStorageMap, type OwnerKey } from "../maps/local-storage.ts";
import { BPF_NOEXIST } from "../maps/map.ts";
import { bytesArg, cgroupArg, fileArg, socketArg, taskArg } from "./args.ts";
import type { HelperTable } from "./types.ts";

const GET_F_CREATE = 1n;
type OwnerOf = (k: SimKernel, vm: Machine) => OwnerKey | undefined;

const socketOwner: OwnerOf = (k, vm) => {
  const socket = socketArg(k, vm, 2);
  return socket?.isFull ? socket.id : undefined;
};
const taskOwner: OwnerOf = (k, vm) => taskArg(k, vm, 2)?.pid;
const cgroupOwner: OwnerOf = (k, vm) => cgroupArg(k, vm, 2)?.id;
const inodeOwner: OwnerOf = (k, vm) => fileArg(k, vm, 2)?.ino;

function get(ownerOf: OwnerOf) {
  return (k: SimKernel, vm: Machine): void => {
    const map = k.mapArg(vm, 1);
    const flags = vm.u64(4);
    const owner = ownerOf(k, vm);
    if (!(map instanceof LocalStorageMap) || owner === undefined || flags & ~GET_F_CREATE) return vm.retPtr(0);
    const there = map.of(owner);
    if (there || flags === 0n) return vm.retPtr(there);
    const initial = vm.u64(3) === 0n ? new Uint8Array(map.valueSize) : bytesArg(vm, 3, map.valueSize);
    vm.retPtr(Math.max(0, map.put(owner, initial, BPF_NOEXIST)));
  };
}
function remove(ownerOf: OwnerOf) {
  return (k: SimKernel, vm: Machine): void => {
    const map = k.mapArg(vm, 1);
    const owner = ownerOf(k, vm);
    if (!(map instanceof LocalStorageMap) || owner === undefined) return vm.ret(-EINVAL);
    vm.ret(map.remove(owner));
  };
}
/** bpf_get_local_storage: the value of the cgroup that the program is attached to; a test run has one of its own. */
function localStorage(k: SimKernel, vm: Machine): void {
  const map = k.mapArg(vm, 1);
  if (!(map instanceof CgroupStorageMap)) return vm.ret(-ENOENT);
  if (k.run.attached) {
    const type = vm.program.source.expectedAttachType || ATTACH_TYPE.CGROUP_INET_INGRESS;
    return vm.retPtr(map.attach(map.keyFor(k.run.task.cgroupId, type)));
  }
  let at = k.run.storage.get(map.id);
  if (at === undefined) k.run.storage = new Map(k.run.storage).set(map.id, (at = map.fresh()));
  vm.retPtr(map.seen(at));
}
/** Exchanges the pointer that register 1 points at for the one in register 2. */
function kptrXchg(_k: SimKernel, vm: Machine): void {
  const at = vm.argMem(1, 8, true);
  const { view } = vm.memory;
  const lo = view.getInt32(at, true),
    hi = view.getInt32(at + 4, true);
  view.setInt32(at, vm.s32(2), true);
  view.setInt32(at + 4, vm.hi32(2), true);
  vm.memory.markDirty(at, 8);
  vm.setR0(lo, hi);
}

export const STORAGE_HELPERS: HelperTable = {
  81: localStorage,
  107: get(socketOwner),
  108: remove(socketOwner),
  145: get(inodeOwner),
  146: remove(inodeOwner),
  156: get(taskOwner),
  157: remove(taskOwner),
  194: kptrXchg,
  210: get(cgroupOwner),
  211: remove(cgroupOwner),
};
