// Reading a helper's arguments and giving objects back. It knows no helper.
import { KERNEL_HI, type Machine, trap } from "../../vm/index.ts";
import type { SkBuff } from "../contexts/skb.ts";
import type { XdpContext } from "../contexts/xdp.ts";
import type { SimKernel } from "../kernel.ts";
import type { HookState } from "../run-state.ts";
import type { Cgroup, SimFile, SimSocket } from "../objects/index.ts";
import type { Task } from "../task.ts";

/** Copies `size` bytes that register `reg` points at. */
export const bytesArg = (vm: Machine, reg: number, size: number): Uint8Array =>
  size === 0 ? new Uint8Array(0) : vm.memory.read(vm.argMem(reg, size), size);
/** Writes bytes where register `reg` points. */
export function putArg(vm: Machine, reg: number, bytes: Uint8Array): void {
  vm.memory.write(vm.argMem(reg, bytes.length, true), bytes);
}
/** Zeros for `size` bytes that register `reg` points at, which may be written: traps before it takes memory for them. */
export function room(vm: Machine, reg: number, size: number): Uint8Array<ArrayBuffer> {
  vm.argMem(reg, size, true);
  return new Uint8Array(size);
}
export function putU64(vm: Machine, reg: number, value: bigint): void {
  vm.memory.view.setBigUint64(vm.argMem(reg, 8, true), BigInt.asUintN(64, value), true);
  vm.memory.markDirty(vm.u32(reg), 8);
}
/** A 32-bit argument; anything that needs more bits becomes the largest. */
export const u32Arg = (vm: Machine, reg: number): number => (vm.hi32(reg) === 0 ? vm.u32(reg) : 0xffffffff);
/** Offset in linear memory of a kernel pointer, 0 for NULL and all else. */
export const pointerArg = (vm: Machine, reg: number): number => (vm.hi32(reg) === KERNEL_HI ? vm.u32(reg) : 0);

/** The socket that register `reg` points at, by any of its views; undefined for NULL. Traps for other pointers. */
export function socketArg(k: SimKernel, vm: Machine, reg: number): SimSocket | undefined {
  if (vm.u64(reg) === 0n) return undefined;
  return k.objects.sockets.at(pointerArg(vm, reg)) ?? trap("bad-argument", `R${reg} of the call is not a socket of this machine`);
}
export function taskArg(k: SimKernel, vm: Machine, reg: number): Task | undefined {
  if (vm.u64(reg) === 0n) return undefined;
  return k.objects.tasks.at(pointerArg(vm, reg)) ?? trap("bad-argument", `R${reg} of the call is not a task of this machine`);
}
export function cgroupArg(k: SimKernel, vm: Machine, reg: number): Cgroup | undefined {
  if (vm.u64(reg) === 0n) return undefined;
  return k.objects.cgroups.at(pointerArg(vm, reg)) ?? trap("bad-argument", `R${reg} of the call is not a cgroup of this machine`);
}
export function fileArg(k: SimKernel, vm: Machine, reg: number): SimFile | undefined {
  if (vm.u64(reg) === 0n) return undefined;
  return k.objects.files.at(pointerArg(vm, reg)) ?? trap("bad-argument", `R${reg} of the call is not a file or inode of this machine`);
}
export const skbOf = (k: SimKernel): SkBuff =>
  k.run.skb ?? trap("bad-argument", "the helper wants a socket buffer and this program has none");
export const xdpOf = (k: SimKernel): XdpContext =>
  k.run.xdp ?? trap("bad-argument", "the helper wants an XDP buffer and this program has none");
/** Notes what a helper did to the hook that runs. */
export function note(k: SimKernel, change: Partial<HookState>): void {
  k.run.hook = { ...k.run.hook, ...change };
}
/** The socket that the event is about. */
export const hookSocket = (k: SimKernel): SimSocket | undefined => k.run.socket ?? k.objects.sockets.at(k.run.skb?.sk ?? 0);
/** Text with its NUL as bytes. */
export function cText(text: string): Uint8Array {
  const out = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
