// Kfuncs on dynptrs (kernel/bpf/helpers.c, net/core/filter.c, kernel/trace/bpf_trace.c, 6.18). They check no types; the verifier does.
import { directPacketAccess } from "../../catalog/index.ts";
import type { Machine } from "../../vm/index.ts";
import {
  DYNPTR,
  DYNPTR_MAX_SIZE,
  dynptrRead,
  dynptrWrite,
  NULL_DYNPTR,
  outside,
  placeOf,
  readDynptr,
  writeDynptr,
  type Dynptr,
} from "../dynptr.ts";
import { E2BIG, EFAULT, EINVAL, ERANGE } from "../errno.ts";
import { skbOf, taskArg, xdpOf } from "../helpers/args.ts";
import { readSafely, readStringBytes, spaceFault, type Space } from "../helpers/memory-access.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

function adjust(_k: SimKernel, vm: Machine): void {
  const d = readDynptr(vm, 1);
  const start = vm.u64(2),
    end = vm.u64(3);
  if (!d.data || start > end) return retInt(vm, -EINVAL);
  if (start > BigInt(d.size) || end > BigInt(d.size)) return retInt(vm, -ERANGE);
  writeDynptr(vm, 1, { ...d, offset: d.offset + Number(start), size: Number(end - start) });
  retInt(vm, 0);
}
function clone(_k: SimKernel, vm: Machine): void {
  const d = readDynptr(vm, 1);
  writeDynptr(vm, 2, d.data ? d : NULL_DYNPTR);
  retInt(vm, d.data ? 0 : -EINVAL);
}
/** A pointer into the dynptr's data; NULL when it does not fit. What lies in several pieces is copied into the caller's buffer. */
function slice(write: boolean) {
  return (k: SimKernel, vm: Machine): void => {
    const d = readDynptr(vm, 1);
    const off = vm.u64(2),
      size = BigInt(vm.u32(4));
    if (!d.data || outside(d, off, size) || (write && d.rdonly)) return vm.retPtr(0);
    const place = d.type === DYNPTR.XDP ? xdpOf(k).piece(d.offset + Number(off), Number(size)) : placeOf(k, d, Number(off));
    if (place !== 0 || vm.u64(3) === 0n) return vm.retPtr(place);
    const copied = dynptrRead(k, vm, d, off, Number(size));
    if (typeof copied === "number") return vm.retPtr(0);
    const buffer = vm.argMem(3, copied.length, true);
    vm.memory.write(buffer, copied);
    vm.retPtr(buffer);
  };
}
function fromSkb(k: SimKernel, vm: Machine): void {
  const skb = skbOf(k);
  if (vm.u64(2) !== 0n) {
    writeDynptr(vm, 3, NULL_DYNPTR);
    return retInt(vm, -EINVAL);
  }
  // Where programs may not write to packets directly, they may not by dynptrs (bpf_dynptr_from_skb_rdonly).
  const rdonly = !directPacketAccess(vm.program.source.type).write;
  writeDynptr(vm, 3, { data: k.run.ctxAt, type: DYNPTR.SKB, size: skb.length, offset: 0, rdonly });
  retInt(vm, 0);
}
function fromSkbMeta(k: SimKernel, vm: Machine): void {
  const { packet } = skbOf(k);
  const bad = vm.u64(2) !== 0n;
  writeDynptr(
    vm,
    3,
    bad ? NULL_DYNPTR : { data: k.run.ctxAt, type: DYNPTR.SKB_META, size: packet.data - packet.meta, offset: 0, rdonly: false },
  );
  retInt(vm, bad ? -EINVAL : 0);
}
function fromXdp(k: SimKernel, vm: Machine): void {
  const xdp = xdpOf(k);
  const bad = vm.u64(2) !== 0n;
  writeDynptr(vm, 3, bad ? NULL_DYNPTR : { data: k.run.ctxAt, type: DYNPTR.XDP, size: xdp.length, offset: 0, rdonly: false });
  retInt(vm, bad ? -EINVAL : 0);
}
/** bpf_dynptr_copy: destination, its offset, source, its offset, size. */
function copy(k: SimKernel, vm: Machine): void {
  const to = readDynptr(vm, 1),
    from = readDynptr(vm, 3);
  const size = vm.u64(5);
  const error = !to.data || !from.data || to.rdonly ? -EINVAL : outside(to, vm.u64(2), size) || outside(from, vm.u64(4), size);
  if (error) return retInt(vm, error);
  const bytes = dynptrRead(k, vm, from, vm.u64(4), Number(size));
  retInt(vm, typeof bytes === "number" ? bytes : dynptrWrite(k, vm, to, { off: vm.u64(2), flags: 0n }, bytes));
}
function memset(k: SimKernel, vm: Machine): void {
  const d = readDynptr(vm, 1);
  const size = vm.u64(3);
  if (!d.data || d.rdonly) return retInt(vm, -EINVAL);
  const error = outside(d, vm.u64(2), size);
  if (error) return retInt(vm, error);
  retInt(vm, dynptrWrite(k, vm, d, { off: vm.u64(2), flags: 0n }, new Uint8Array(Number(size)).fill(vm.u32(4) & 255)));
}

/** Copies foreign memory into a dynptr: dynptr, offset, length, address. Text is cut at NUL and its length with NUL comes back. */
function readInto(kind: "bytes" | "text", space: Space, fail: (k: SimKernel, vm: Machine) => boolean = () => false) {
  return (k: SimKernel, vm: Machine): void => {
    const d = readDynptr(vm, 1);
    const off = vm.u64(2),
      length = vm.u64(3);
    if (!d.data || d.rdonly) return retInt(vm, -EINVAL);
    if (length > BigInt(DYNPTR_MAX_SIZE) || outside(d, off, length)) return retInt(vm, -E2BIG);
    const size = Number(length);
    const fault = spaceFault(vm.u64(4), space);
    const got = fault || fail(k, vm) ? undefined : kind === "bytes" ? readSafely(k, vm.u64(4), size) : textAt(k, vm.u64(4), size);
    if (!got) {
      store(k, vm, d, off, new Uint8Array(size));
      return vm.ret(fault || -EFAULT);
    }
    store(k, vm, d, off, got);
    retInt(vm, kind === "bytes" ? 0 : got.length);
  };
}
function store(k: SimKernel, vm: Machine, d: Dynptr, off: bigint, bytes: Uint8Array): void {
  if (bytes.length > 0) dynptrWrite(k, vm, d, { off, flags: 0n }, bytes);
}
/** Text with its NUL in at most `size` bytes. */
function textAt(k: SimKernel, address: bigint, size: number): Uint8Array | undefined {
  if (size === 0) return new Uint8Array(0);
  const bytes = readStringBytes(k, address, size - 1);
  if (!bytes) return undefined;
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  return out;
}
/** Whether the task in register 5 has another address space than the running one, which holds nothing here. */
const otherTask = (k: SimKernel, vm: Machine): boolean => taskArg(k, vm, 5)?.tgid !== k.run.task.tgid;

const PAD_ZEROS = 1n;
/** bpf_copy_from_user_str and its form for other tasks: buffer, its size, address, then the flags in register `flagsReg`. */
function copyText(flagsReg: number, fail: (k: SimKernel, vm: Machine) => boolean) {
  return (k: SimKernel, vm: Machine): void => {
    const size = vm.u32(2);
    const flags = vm.u64(flagsReg);
    if (flags & ~PAD_ZEROS) return retInt(vm, -EINVAL);
    if (size === 0) return retInt(vm, 0);
    const to = vm.argMem(1, size, true);
    const text = fail(k, vm) || spaceFault(vm.u64(3), "user") ? undefined : textAt(k, vm.u64(3), size);
    if (!text || flags & PAD_ZEROS) vm.memory.write(to, new Uint8Array(size));
    if (text) vm.memory.write(to, text);
    retInt(vm, text ? text.length : -EFAULT);
  };
}

export const DYNPTR_KFUNCS: KfuncTable = {
  bpf_dynptr_adjust: adjust,
  bpf_dynptr_clone: clone,
  bpf_dynptr_copy: copy,
  bpf_dynptr_from_skb: fromSkb,
  bpf_dynptr_from_skb_meta: fromSkbMeta,
  bpf_dynptr_from_xdp: fromXdp,
  bpf_dynptr_is_null: (_k, vm) => retInt(vm, readDynptr(vm, 1).data ? 0 : 1),
  bpf_dynptr_is_rdonly: (_k, vm) => {
    const d = readDynptr(vm, 1);
    retInt(vm, d.data && d.rdonly ? 1 : 0);
  },
  bpf_dynptr_memset: memset,
  bpf_dynptr_size: (_k, vm) => {
    const d = readDynptr(vm, 1);
    retInt(vm, d.data ? d.size : -EINVAL);
  },
  bpf_dynptr_slice: slice(false),
  bpf_dynptr_slice_rdwr: slice(true),
  bpf_copy_from_user_str: copyText(4, () => false),
  bpf_copy_from_user_task_str: copyText(5, (k, vm) => taskArg(k, vm, 4)?.tgid !== k.run.task.tgid),
  bpf_probe_read_kernel_dynptr: readInto("bytes", "kernel"),
  bpf_probe_read_user_dynptr: readInto("bytes", "user"),
  bpf_probe_read_kernel_str_dynptr: readInto("text", "kernel"),
  bpf_probe_read_user_str_dynptr: readInto("text", "user"),
  bpf_copy_from_user_dynptr: readInto("bytes", "user"),
  bpf_copy_from_user_str_dynptr: readInto("text", "user"),
  bpf_copy_from_user_task_dynptr: readInto("bytes", "user", otherTask),
  bpf_copy_from_user_task_str_dynptr: readInto("text", "user", otherTask),
};
