// Reading memory that may not be there, as the probe_read family does. It never traps for the source address.
import { utf8 } from "../../base/index.ts";
import { type Machine, R_READ } from "../../vm/index.ts";
import { EFAULT, ERANGE } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";

const words = (address: bigint): [number, number] => [Number(address & 0xffffffffn), Number(BigInt.asIntN(32, address >> 32n))];

/** Bytes at a 64-bit address, or undefined when any of them is not there. */
export function readSafely(kernel: SimKernel, address: bigint, size: number): Uint8Array | undefined {
  const [at, hi] = words(address);
  if (size === 0) return new Uint8Array(0);
  if (!kernel.memory.allowed(at, hi, size, R_READ)) return undefined;
  kernel.machine.shadow?.read(kernel.machine, at, size);
  return kernel.memory.read(at, size);
}
/** The bytes up to and without NUL, at most `max`; undefined when memory ends before. */
export function readStringBytes(kernel: SimKernel, address: bigint, max: number): Uint8Array | undefined {
  const [at, hi] = words(address);
  for (let i = 0; i < max; i++) {
    if (!kernel.memory.allowed(at + i, hi, 1, R_READ)) return undefined;
    kernel.machine.shadow?.read(kernel.machine, at + i, 1);
    if (kernel.memory.u8[at + i] === 0) return kernel.memory.read(at, i);
  }
  return kernel.memory.read(at, max);
}
export const readCString = (kernel: SimKernel, address: bigint, max: number): string | undefined => {
  const bytes = readStringBytes(kernel, address, max);
  return bytes && utf8(bytes);
};

/** Which address space a read is for: the kernel's, the user's, or the one that the address belongs to. */
export type Space = "kernel" | "user" | "any";
/** Why an address cannot be read in that space: a negative errno, or 0 (copy_from_kernel_nofault_allowed, access_ok). */
export function spaceFault(address: bigint, space: Space): number {
  const isUser = address >> 47n === 0n;
  if (space === "kernel" && isUser) return -ERANGE;
  return space === "user" && !isUser ? -EFAULT : 0;
}
/** bpf_probe_read*: r1 destination, r2 size, r3 source. */
export function probeRead(space: Space) {
  return (kernel: SimKernel, vm: Machine): void => {
    const size = vm.u32(2);
    const dst = vm.argMem(1, size, true);
    const fault = size === 0 ? 0 : spaceFault(vm.u64(3), space);
    const bytes = fault ? undefined : readSafely(kernel, vm.u64(3), size);
    vm.memory.write(dst, bytes ?? new Uint8Array(size));
    vm.ret(bytes ? 0 : fault || -EFAULT);
  };
}
/** bpf_probe_read*_str: the result is the length with NUL. */
export function probeReadStr(space: Space) {
  return (kernel: SimKernel, vm: Machine): void => {
    const size = vm.u32(2);
    const dst = vm.argMem(1, size, true);
    if (size === 0) return vm.ret(0);
    const fault = spaceFault(vm.u64(3), space);
    const text = fault ? undefined : readStringBytes(kernel, vm.u64(3), size - 1);
    if (!text) {
      vm.memory.write(dst, new Uint8Array(size));
      return vm.ret(fault || -EFAULT);
    }
    const out = new Uint8Array(text.length + 1);
    out.set(text);
    vm.memory.write(dst, out);
    vm.ret(out.length);
  };
}
