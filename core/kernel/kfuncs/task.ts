// Kfuncs on tasks, cgroups, files and keys (kernel/bpf/helpers.c, fs/bpf_fs_kfuncs.c, kernel/trace/bpf_trace.c, 6.18). Objects stay while the machine is.
import type { Machine } from "../../vm/index.ts";
import { utf8 } from "../../base/index.ts";
import { dynptrWrite, dynptrRead, readDynptr } from "../dynptr.ts";
import { EEXIST, EINVAL, ENODATA, EPERM, ERANGE } from "../errno.ts";
import { cgroupArg, fileArg, pointerArg, taskArg } from "../helpers/args.ts";
import { readStringBytes } from "../helpers/memory-access.ts";
import { putPath } from "../helpers/seq.ts";
import type { SimKernel } from "../kernel.ts";
import type { Cgroup } from "../objects/index.ts";
import type { Task } from "../task.ts";
import { retInt, type KfuncTable } from "./types.ts";

const giveTask = (k: SimKernel, vm: Machine, task: Task | undefined): void => vm.retPtr(task ? k.objects.tasks.region(task).start : 0);
const giveCgroup = (k: SimKernel, vm: Machine, group: Cgroup | undefined): void =>
  vm.retPtr(group ? k.objects.cgroups.region(group).start : 0);
const same = (_k: SimKernel, vm: Machine): void => vm.setReg(0, vm.s32(1), vm.hi32(1));
const nothing = (): void => {};

function fromPid(k: SimKernel, vm: Machine): void {
  k.objects.tasks.add(k.run.task);
  giveTask(k, vm, k.objects.tasks.byPid(vm.s32(1)));
}
function underCgroup(k: SimKernel, vm: Machine): void {
  const task = taskArg(k, vm, 1),
    ancestor = cgroupArg(k, vm, 2);
  const { cgroups } = k.objects;
  retInt(vm, task && ancestor && cgroups.isDescendant(cgroups.get(task.cgroupId), ancestor) ? 1 : 0);
}
/** PIDTYPE_PID, _TGID, _PGID, _SID. */
const PIDTYPES = 4;
function signalTask(k: SimKernel, vm: Machine): void {
  const task = taskArg(k, vm, 1);
  const signal = vm.u32(2);
  if (vm.u32(3) >= PIDTYPES - 2 || !task) return retInt(vm, -EINVAL);
  if (task.pid === 1) return retInt(vm, -EPERM);
  if (signal > 64) return retInt(vm, -EINVAL);
  k.emit({ kind: "signal", text: `signal ${signal} to task ${task.pid} (${task.comm})` });
  retInt(vm, 0);
}
/** Name of an extended attribute in register `reg`, when programs may have to do with it. */
function attribute(k: SimKernel, vm: Machine, reg: number, prefixes: readonly string[]): string | undefined {
  const bytes = readStringBytes(k, vm.u64(reg), 256);
  const name = bytes && utf8(bytes);
  return prefixes.some((p) => name?.startsWith(p)) ? name : undefined;
}
const READABLE = ["user.", "security.bpf."],
  WRITABLE = ["security.bpf."];
const xattrs = (k: SimKernel, owner: string): ReadonlyMap<string, Uint8Array> =>
  (k.extra.get(`xattr ${owner}`) as ReadonlyMap<string, Uint8Array> | undefined) ?? new Map();

function getXattr(ownerOf: (k: SimKernel, vm: Machine) => string | undefined, prefixes: readonly string[]) {
  return (k: SimKernel, vm: Machine): void => {
    const owner = ownerOf(k, vm);
    const name = attribute(k, vm, 2, prefixes);
    const d = readDynptr(vm, 3);
    if (!owner || !d.data) return retInt(vm, -EINVAL);
    if (name === undefined) return retInt(vm, -EPERM);
    const value = xattrs(k, owner).get(name);
    if (!value) return retInt(vm, -ENODATA);
    if (value.length > d.size) return retInt(vm, -ERANGE);
    dynptrWrite(k, vm, d, { off: 0n, flags: 0n }, value);
    retInt(vm, value.length);
  };
}
const fileOwner = (k: SimKernel, vm: Machine): string | undefined => {
  const file = fileArg(k, vm, 1);
  return file && `inode ${file.ino}`;
};
const cgroupOwner = (k: SimKernel, vm: Machine): string | undefined => {
  const group = cgroupArg(k, vm, 1);
  return group && `cgroup ${group.id}`;
};
/** XATTR_CREATE and XATTR_REPLACE. */
const CREATE = 1,
  REPLACE = 2;
function setXattr(k: SimKernel, vm: Machine): void {
  const owner = fileOwner(k, vm);
  const name = attribute(k, vm, 2, WRITABLE);
  const d = readDynptr(vm, 3);
  const flags = vm.u32(4);
  if (!owner || !d.data || flags & ~(CREATE | REPLACE)) return retInt(vm, -EINVAL);
  if (name === undefined) return retInt(vm, -EPERM);
  const there = xattrs(k, owner);
  if (flags & CREATE && there.has(name)) return retInt(vm, -EEXIST);
  if (flags & REPLACE && !there.has(name)) return retInt(vm, -ENODATA);
  const value = dynptrRead(k, vm, d, 0n, d.size);
  if (typeof value === "number") return retInt(vm, value);
  k.extra.set(`xattr ${owner}`, new Map(there).set(name, value));
  retInt(vm, 0);
}
function removeXattr(k: SimKernel, vm: Machine): void {
  const owner = fileOwner(k, vm);
  const name = attribute(k, vm, 2, WRITABLE);
  if (!owner) return retInt(vm, -EINVAL);
  if (name === undefined) return retInt(vm, -EPERM);
  const left = new Map(xattrs(k, owner));
  const had = left.delete(name);
  k.extra.set(`xattr ${owner}`, left);
  retInt(vm, had ? 0 : -ENODATA);
}
/** Keyrings of the system: built-in, secondary and platform. */
const SYSTEM_KEYRINGS = 3n;
/** Owner of what a look-up of a keyring gives. */
const KEYRING = { kind: "keyring" };
function putKey(k: SimKernel, vm: Machine): void {
  const region = k.memory.regionAt(pointerArg(vm, 1));
  if (region?.owner === KEYRING) k.memory.free(region);
}
function systemKey(k: SimKernel, vm: Machine): void {
  if (vm.u64(1) >= SYSTEM_KEYRINGS) return vm.retPtr(0);
  vm.retPtr(k.memory.alloc("object", `system keyring ${vm.u64(1)}`, 16, { writable: false, owner: KEYRING }).start);
}
function exeFile(k: SimKernel, vm: Machine): void {
  const task = taskArg(k, vm, 1);
  vm.retPtr(task ? k.objects.files.region(k.objects.files.open(`/bin/${task.comm}`)).start : 0);
}

export const TASK_KFUNCS: KfuncTable = {
  bpf_task_acquire: same,
  bpf_task_release: nothing,
  bpf_task_from_pid: fromPid,
  bpf_task_from_vpid: fromPid,
  bpf_task_under_cgroup: underCgroup,
  // No hierarchy of version 1 is mounted.
  bpf_task_get_cgroup1: (_k, vm) => vm.retPtr(0),
  bpf_cgroup_acquire: same,
  bpf_cgroup_release: nothing,
  bpf_cgroup_from_id: (k, vm) => giveCgroup(k, vm, k.objects.cgroups.find(vm.u64(1))),
  bpf_cgroup_ancestor: (k, vm) => {
    const group = cgroupArg(k, vm, 1);
    giveCgroup(k, vm, group && k.objects.cgroups.ancestor(group, vm.s32(2)));
  },
  bpf_cgroup_read_xattr: getXattr(cgroupOwner, ["user."]),
  bpf_get_file_xattr: getXattr(fileOwner, READABLE),
  bpf_get_dentry_xattr: getXattr(fileOwner, READABLE),
  bpf_set_dentry_xattr: setXattr,
  bpf_remove_dentry_xattr: removeXattr,
  bpf_get_task_exe_file: exeFile,
  bpf_put_file: nothing,
  bpf_path_d_path: (k, vm) => (vm.u64(3) === 0n ? retInt(vm, -EINVAL) : putPath(k, vm, { path: 1, buffer: 2, size: vm.u32(3) })),
  bpf_send_signal_task: signalTask,
  // No key has a serial number here.
  bpf_lookup_user_key: (_k, vm) => vm.retPtr(0),
  bpf_lookup_system_key: systemKey,
  bpf_key_put: putKey,
  css_rstat_updated: nothing,
  css_rstat_flush: nothing,
};
