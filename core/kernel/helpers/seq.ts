// What iterators print, paths of files, and values written as text by their BTF (kernel/trace/bpf_trace.c, 6.18).
import { utf8 } from "../../base/index.ts";
import type { Machine } from "../../vm/index.ts";
import { E2BIG, EINVAL, ENAMETOOLONG, ENOENT, EOVERFLOW } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { showValue } from "../show-btf.ts";
import { bytesArg, cText, pointerArg, putArg, room } from "./args.ts";
import { formatText } from "./format.ts";
import { readSafely } from "./memory-access.ts";
import type { HelperTable } from "./types.ts";
import { textOf, words } from "./trace.ts";

/** Most bytes of one record of a seq_file here; more is an overflow, as when a page is full. */
const SEQ_BYTES = 8 * 4096;

function emit(k: SimKernel, vm: Machine, data: Uint8Array): void {
  if (data.length > SEQ_BYTES) return vm.ret(-EOVERFLOW);
  k.emit({ kind: "seq", data, text: utf8(data) });
  vm.ret(0);
}
function seqPrintf(k: SimKernel, vm: Machine): void {
  const size = vm.u32(5);
  if (size % 8 || size > 96) return vm.ret(-EINVAL);
  const text = formatText(k, textOf(vm, 2, vm.u32(3)), words(vm, 4, size));
  if (typeof text === "number") return vm.ret(text);
  emit(k, vm, cText(text).subarray(0, -1));
}
/** BTF_F_COMPACT, _NONAME, _PTR_RAW, _ZERO. */
const SHOW_FLAGS = 15n;
/** sizeof(struct btf_ptr): pointer, type id, flags. */
const BTF_PTR_BYTES = 16;

/** The text of what a struct btf_ptr in register `reg` points at, or a negative errno (bpf_btf_printf_prepare). */
function shown(k: SimKernel, vm: Machine, reg: number, size: number, flags: bigint): string | number {
  const { btf } = k.objects.store.types;
  if (!btf) return -ENOENT;
  if (flags & ~SHOW_FLAGS || size !== BTF_PTR_BYTES) return -EINVAL;
  const view = new DataView(bytesArg(vm, reg, size).buffer);
  const id = view.getUint32(8, true);
  if (view.getUint32(12, true) || id === 0) return -EINVAL;
  if (id >= btf.typeCount) return -ENOENT;
  const address = view.getBigUint64(0, true);
  return showValue(btf, id, (off, bytes) => readSafely(k, address + BigInt(off), bytes), Number(flags));
}
function snprintfBtf(k: SimKernel, vm: Machine): void {
  const space = vm.u32(2);
  const text = shown(k, vm, 3, vm.u32(4), vm.u64(5));
  if (typeof text === "number") return vm.ret(text);
  if (space > 0) {
    const out = room(vm, 1, space);
    out.set(cText(text).subarray(0, Math.min(text.length, space - 1)));
    putArg(vm, 1, out.subarray(0, Math.min(text.length, space - 1) + 1));
  }
  vm.ret(text.length);
}
function seqPrintfBtf(k: SimKernel, vm: Machine): void {
  const text = shown(k, vm, 2, vm.u32(3), vm.u64(4));
  if (typeof text === "number") return vm.ret(text);
  emit(k, vm, cText(text).subarray(0, -1));
}
/** Puts the path that belongs to the struct path in register `path` into a buffer; length with NUL, or a negative errno. */
export function putPath(k: SimKernel, vm: Machine, args: { path: number; buffer: number; size: number }): void {
  const file = k.objects.files.at(pointerArg(vm, args.path));
  if (args.size === 0) return vm.ret(0);
  if (!file) return vm.ret(-EINVAL);
  const text = cText(file.path);
  if (text.length > args.size) return vm.ret(-ENAMETOOLONG);
  putArg(vm, args.buffer, text);
  vm.ret(text.length);
}

export const SEQ_HELPERS: HelperTable = {
  126: seqPrintf,
  127: (k, vm) => (vm.u32(3) > 0x7fffffff ? vm.ret(-E2BIG) : emit(k, vm, bytesArg(vm, 2, vm.u32(3)))),
  147: (k, vm) => putPath(k, vm, { path: 1, buffer: 2, size: vm.u32(3) }),
  149: snprintfBtf,
  150: seqPrintfBtf,
};
