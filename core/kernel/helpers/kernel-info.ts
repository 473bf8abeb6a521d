// Helpers of programs that load other programs, and those that name things of the kernel (kernel/bpf/syscall.c, kernel/bpf/btf.c, 6.18). Loading a program by a program is not simulated.
import { utf8 } from "../../base/index.ts";
import { BTF_KIND, type MapSpec } from "../../object/index.ts";
import { KERNEL_HI, trap, type Machine } from "../../vm/index.ts";
import { EINVAL, ENOENT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { bytesArg, putU64 } from "./args.ts";
import type { HelperTable } from "./types.ts";

const CMD = { MAP_CREATE: 0, MAP_UPDATE: 2, MAP_DELETE: 3, MAP_FREEZE: 22 } as const;
/** Commands that the kernel takes from a program and this machine does not run. */
const OTHERS: Readonly<Record<number, string>> = {
  5: "BPF_PROG_LOAD",
  14: "BPF_MAP_GET_FD_BY_ID",
  17: "BPF_RAW_TRACEPOINT_OPEN",
  18: "BPF_BTF_LOAD",
  28: "BPF_LINK_CREATE",
};

/** bpf_sys_bpf: command, union bpf_attr, its size. */
function sysBpf(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const attr = new Uint8Array(Math.max(size, 128));
  attr.set(bytesArg(vm, 2, size));
  const view = new DataView(attr.buffer);
  const u32 = (off: number): number => view.getUint32(off, true);
  const command = vm.u32(1);
  if (OTHERS[command]) trap("unsupported-helper", `${OTHERS[command]} by a program (bpf_sys_bpf) is not simulated`);
  const map = command === CMD.MAP_CREATE ? undefined : k.mapByFd(u32(0));
  switch (command) {
    case CMD.MAP_CREATE:
      return vm.ret(k.createMap(specOf(attr)));
    case CMD.MAP_UPDATE:
      if (!map) return vm.ret(-9);
      return vm.ret(k.mapUpdate(u32(0), readAttr(vm, view, 8, map.keySize), readAttr(vm, view, 16, map.sysValueSize), u32(24)));
    case CMD.MAP_DELETE:
      return vm.ret(map ? k.mapDelete(u32(0), readAttr(vm, view, 8, map.keySize)) : -9);
    case CMD.MAP_FREEZE:
      return vm.ret(map ? map.freeze() : -9);
    default:
      return vm.ret(-EINVAL);
  }
}
function specOf(attr: Uint8Array): MapSpec {
  const view = new DataView(attr.buffer);
  const u32 = (off: number): number => view.getUint32(off, true);
  const name = attr.subarray(28, 44);
  const end = name.indexOf(0);
  return {
    name: utf8(end < 0 ? name : name.subarray(0, end)),
    type: u32(0),
    keySize: u32(4),
    valueSize: u32(8),
    maxEntries: u32(12),
    flags: u32(16),
    mapExtra: view.getBigUint64(64, true),
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
  };
}
/** Bytes that a pointer in the attributes points at: memory of the kernel, as the program has no other. */
function readAttr(vm: Machine, attr: DataView, off: number, size: number): Uint8Array {
  const at = attr.getUint32(off, true),
    hi = attr.getInt32(off + 4, true);
  if (size === 0 || (at === 0 && hi === 0)) return new Uint8Array(size);
  vm.memory.need(at, hi === 0 ? KERNEL_HI : hi, size, 1);
  return vm.memory.read(at, size);
}
/** The text of `size` bytes with its NUL at the end, or undefined when it is not there. */
function nameArg(vm: Machine, reg: number, size: number): string | undefined {
  const bytes = bytesArg(vm, reg, size);
  return size > 1 && bytes[size - 1] === 0 ? utf8(bytes.subarray(0, bytes.indexOf(0))) : undefined;
}
const typesOf = (k: SimKernel) =>
  k.objects.store.types.btf ?? trap("unsupported-helper", "the helper needs the kernel's types, and they are not given");

function findType(k: SimKernel, vm: Machine): void {
  const name = nameArg(vm, 1, vm.s32(2));
  if (vm.u64(4) !== 0n || name === undefined) return vm.ret(-EINVAL);
  const kind = vm.u32(3);
  const id = kind <= BTF_KIND.ENUM64 ? typesOf(k).find(name, kind) : 0;
  vm.ret(id || -ENOENT);
}
/** Address that the function with a BTF id seems to have; each has one, 16 bytes apart. */
export const functionAddress = (btfId: number): bigint => 0xffffffff81000000n + 16n * BigInt(btfId);

function kallsyms(k: SimKernel, vm: Machine): void {
  const name = nameArg(vm, 1, vm.s32(2));
  if (vm.u64(3) !== 0n || name === undefined) return vm.ret(-EINVAL);
  const id = typesOf(k).find(name, BTF_KIND.FUNC);
  putU64(vm, 4, id ? functionAddress(id) : 0n);
  vm.ret(id ? 0 : -ENOENT);
}

export const KERNEL_INFO_HELPERS: HelperTable = {
  166: sysBpf,
  167: findType,
  168: (k, vm) => vm.ret(k.close(vm.u32(1))),
  179: kallsyms,
};
