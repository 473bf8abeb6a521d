// Reading memory that may not be there, as the probe_read family does. It never traps for the source address.
import { utf8 } from "../../base/index.ts";
import { type Machine, R_READ } from "../../vm/index.ts";
import { EFAULT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";

const words = (address: bigint): [number, number] => [Number(address & 0xffffffffn), Number(BigInt.asIntN(32, address >> 32n))];

/** Bytes at a 64-bit address, or undefined when any of them is not there. */
export function readSafely(kernel: SimKernel, address: bigint, size: number): Uint8Array | undefined {
  const [at, hi] = words(address);
  return size === 0 || kernel.memory.allowed(at, hi, size, R_READ) ? kernel.memory.read(at, size) : undefined;
}
/** The bytes up to and without NUL, at most `max`; undefined when memory ends before. */
export function readStringBytes(kernel: SimKernel, address: bigint, max: number): Uint8Array | undefined {
  const [at, hi] = words(address);
  for (let i = 0; i < max; i++) {
    if (!kernel.memory.allowed(at + i, hi, 1, R_READ)) return undefined;
    if (kernel.memory.u8[at + i] === 0) return kernel.memory.read(at, i);
  }
  return kernel.memory.read(at, max);
}
export const readCString = (kernel: SimKernel, address: bigint, max: number): string | undefined => {
  const bytes = readStringBytes(kernel, address, max);
  return bytes && utf8(bytes);
};

/** bpf_probe_read*: r1 destination, r2 size, r3 source. */
export function probeRead(kernel: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const dst = vm.argMem(1, size, true);
  const bytes = readSafely(kernel, vm.u64(3), size);
  vm.memory.write(dst, bytes ?? new Uint8Array(size));
  vm.ret(bytes ? 0 : -EFAULT);
}
/** bpf_probe_read*_str: the result is the length with NUL. */
export function probeReadStr(kernel: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const dst = vm.argMem(1, size, true);
  if (size === 0) return vm.ret(0);
  const text = readStringBytes(kernel, vm.u64(3), size - 1);
  if (!text) {
    vm.memory.write(dst, new Uint8Array(size));
    return vm.ret(-EFAULT);
  }
  const out = new Uint8Array(text.length + 1);
  out.set(text);
  vm.memory.write(dst, out);
  vm.ret(out.length);
}
