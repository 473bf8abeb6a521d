// struct bpf_dynptr: memory with a size that is known at run time (kernel/bpf/helpers.c, bpf_dynptr_*, 6.18). It checks no types; the verifier does.
import { KERNEL_HI, type Machine, trap } from "../vm/index.ts";
import type { Packet } from "./contexts/packet.ts";
import { E2BIG, EFAULT, EINVAL } from "./errno.ts";
import type { SimKernel } from "./kernel.ts";

/**
 * Bits of the second word of struct bpf_dynptr_kern:
 * ```
 *  31      30..28  27..24   23..0
 *  rdonly  type    unused   size
 * ```
 */
const RDONLY = 0x80000000,
  TYPE_SHIFT = 28,
  SIZE_MASK = 0xffffff;
export const DYNPTR = { INVALID: 0, LOCAL: 1, RINGBUF: 2, SKB: 3, XDP: 4, SKB_META: 5 } as const;
/** DYNPTR_MAX_SIZE. */
export const DYNPTR_MAX_SIZE = SIZE_MASK;
export const DYNPTR_BYTES = 16;

/** A dynptr as a value. `data` is the offset of its memory, or of the packet's context. */
export interface Dynptr {
  readonly data: number;
  readonly type: number;
  readonly size: number;
  readonly offset: number;
  readonly rdonly: boolean;
}
/** The dynptr of no memory (bpf_dynptr_set_null). */
export const NULL_DYNPTR: Dynptr = { data: 0, type: DYNPTR.INVALID, size: 0, offset: 0, rdonly: false };

/** Reads the dynptr that register `reg` points at. */
export function readDynptr(vm: Machine, reg: number): Dynptr {
  const at = vm.argMem(reg, DYNPTR_BYTES);
  const { view } = vm.memory;
  const word = view.getUint32(at + 8, true);
  return {
    data: view.getUint32(at, true),
    type: (word >>> TYPE_SHIFT) & 7,
    size: word & SIZE_MASK,
    offset: view.getUint32(at + 12, true),
    rdonly: (word & RDONLY) !== 0,
  };
}
/** Writes a dynptr where register `reg` points. */
export function writeDynptr(vm: Machine, reg: number, d: Dynptr): void {
  const at = vm.argMem(reg, DYNPTR_BYTES, true);
  const { view } = vm.memory;
  view.setUint32(at, d.data, true);
  view.setInt32(at + 4, d.data ? KERNEL_HI : 0, true);
  view.setUint32(at + 8, (d.size | (d.type << TYPE_SHIFT) | (d.rdonly ? RDONLY : 0)) >>> 0, true);
  view.setUint32(at + 12, d.offset, true);
  vm.memory.markDirty(at, DYNPTR_BYTES);
}
/** A negative errno when [off, off+length) is not inside, else 0 (bpf_dynptr_check_off_len). */
export const outside = (d: Dynptr, off: bigint, length: bigint): number =>
  length > BigInt(d.size) || off > BigInt(d.size) - length ? -E2BIG : 0;

function packetOf(k: SimKernel, d: Dynptr): Packet {
  const packet = d.type === DYNPTR.XDP ? k.run.xdp?.packet : k.run.skb?.packet;
  return packet ?? trap("bad-argument", "the dynptr's packet is gone");
}
/** Offset in linear memory of byte `off` of a dynptr's data. */
export function placeOf(k: SimKernel, d: Dynptr, off: number): number {
  if (d.type === DYNPTR.SKB || d.type === DYNPTR.XDP) return packetOf(k, d).data + d.offset + off;
  if (d.type === DYNPTR.SKB_META) return packetOf(k, d).meta + d.offset + off;
  return d.data + d.offset + off;
}
/** Copies out of a dynptr; a negative errno when it is null or too short. */
export function dynptrRead(k: SimKernel, vm: Machine, d: Dynptr, off: bigint, length: number): Uint8Array | number {
  if (!d.data) return -EINVAL;
  const error = outside(d, off, BigInt(length));
  if (error) return error;
  if (d.type === DYNPTR.XDP) return xdpRead(k, d, Number(off), length);
  const at = placeOf(k, d, Number(off));
  if (isPacket(d) && at + length > packetOf(k, d).end) return -EFAULT;
  checkPlace(vm, at, length, false);
  return vm.memory.read(at, length);
}
/** Copies into a dynptr; 0 or a negative errno. Packets take the flags of bpf_skb_store_bytes. */
export function dynptrWrite(k: SimKernel, vm: Machine, d: Dynptr, to: { off: bigint; flags: bigint }, bytes: Uint8Array): number {
  if (!d.data || d.rdonly) return -EINVAL;
  const error = outside(d, to.off, BigInt(bytes.length));
  if (error) return error;
  if (d.type === DYNPTR.SKB ? to.flags & ~3n : to.flags !== 0n) return -EINVAL;
  if (d.type === DYNPTR.XDP) return xdpWrite(k, d, Number(to.off), bytes);
  const at = placeOf(k, d, Number(to.off));
  if (isPacket(d) && at + bytes.length > packetOf(k, d).end) return -EFAULT;
  checkPlace(vm, at, bytes.length, true);
  vm.memory.write(at, bytes);
  return 0;
}
function xdpRead(k: SimKernel, d: Dynptr, off: number, length: number): Uint8Array | number {
  const { xdp } = k.run;
  return !xdp || d.offset + off + length > xdp.length ? -EINVAL : xdp.bytes(d.offset + off, length);
}
function xdpWrite(k: SimKernel, d: Dynptr, off: number, bytes: Uint8Array): number {
  const { xdp } = k.run;
  if (!xdp || d.offset + off + bytes.length > xdp.length) return -EINVAL;
  xdp.store(d.offset + off, bytes);
  return 0;
}
const isPacket = (d: Dynptr): boolean => d.type === DYNPTR.SKB;
function checkPlace(vm: Machine, at: number, length: number, write: boolean): void {
  if (length > 0) vm.memory.need(at, KERNEL_HI, length, write ? 2 : 1);
}
