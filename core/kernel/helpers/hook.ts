// Helpers that only make sense in one sort of hook: sysctl, return values, TCP options, remote controls, exec, error injection (6.18).
import type { Machine } from "../../vm/index.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOMSG, ENOSPC, EOPNOTSUPP, EPERM } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { bytesArg, cText, note, putArg, room } from "./args.ts";
import type { HelperTable } from "./types.ts";
import { utf8 } from "../../base/index.ts";

const PAGE = 4096;
const BASE_NAME = 1n;

/** Copies text as the sysctl helpers do: cut text ends in NUL and is -E2BIG, else the rest is zeroed (copy_sysctl_value). */
function putText(vm: Machine, reg: number, size: number, text: string | undefined): number {
  const out = room(vm, reg, size);
  if (text === undefined || size === 0) {
    putArg(vm, reg, out);
    return -EINVAL;
  }
  const bytes = cText(text).subarray(0, -1);
  const fits = bytes.length < size;
  out.set(bytes.subarray(0, fits ? bytes.length : size - 1));
  putArg(vm, reg, out);
  return fits ? bytes.length : -E2BIG;
}
function sysctlName(k: SimKernel, vm: Machine): void {
  const { sysctl } = k.run.hook;
  if (vm.u64(4) & ~BASE_NAME) return vm.ret(-EINVAL);
  const full = sysctl?.name.replaceAll(".", "/");
  vm.ret(putText(vm, 2, vm.u32(3), vm.u64(4) === BASE_NAME ? full?.slice(full.lastIndexOf("/") + 1) : full));
}
function setNewValue(k: SimKernel, vm: Machine): void {
  const { sysctl } = k.run.hook;
  const size = vm.u32(3);
  if (sysctl?.written === undefined || size === 0) return vm.ret(-EINVAL);
  if (size > PAGE - 1) return vm.ret(-E2BIG);
  const bytes = bytesArg(vm, 2, size);
  const end = bytes.indexOf(0);
  note(k, { sysctl: { ...sysctl, replaced: utf8(end < 0 ? bytes : bytes.subarray(0, end)) } });
  vm.ret(0);
}

/** The options of the packet at hand: search result in, option out. */
function loadOption(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const flags = vm.u64(4);
  const options = k.run.hook.headerOptions;
  if (flags & ~1n || size < 2) return vm.ret(-EINVAL);
  const wanted = bytesArg(vm, 2, size);
  const kind = wanted[0]!,
    length = wanted[1]!;
  const isExperimental = kind === 253 || kind === 254;
  if (kind === 0 || kind === 1 || (isExperimental ? length !== 4 && length !== 6 : length !== 0)) return vm.ret(-EINVAL);
  const found = options && findOption(options, kind, isExperimental ? wanted.subarray(2, length) : new Uint8Array(0));
  if (!found) return vm.ret(options ? -ENOMSG : -ENOENT);
  const out = wanted.slice();
  out.set(found.subarray(0, size));
  putArg(vm, 2, out);
  vm.ret(found.length > size ? -ENOSPC : found.length);
}
function findOption(options: Uint8Array, kind: number, magic: Uint8Array): Uint8Array | undefined {
  for (let at = 0; at < options.length;) {
    const is = options[at]!;
    if (is === 0) return undefined;
    if (is === 1) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) return undefined;
    if (is === kind && magic.every((b, i) => options[at + 2 + i] === b)) return options.subarray(at, at + length);
    at += length;
  }
  return undefined;
}
/** BPF_SOCK_OPS_HDR_OPT_LEN_CB and _WRITE_HDR_OPT_CB. */
const HDR_LEN_CB = 14,
  WRITE_CB = 15;
const MOST_OPTION_BYTES = 40;
const opOf = (k: SimKernel, vm: Machine): number => (k.run.ctxAt ? vm.memory.view.getUint32(k.run.ctxAt, true) : 0);

function reserveOption(k: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const reserved = k.run.hook.reservedOptions ?? 0;
  if (opOf(k, vm) !== HDR_LEN_CB) return vm.ret(-EPERM);
  if (vm.u64(3) !== 0n || size < 2) return vm.ret(-EINVAL);
  if (reserved + size > MOST_OPTION_BYTES) return vm.ret(-ENOSPC);
  note(k, { reservedOptions: reserved + size });
  vm.ret(0);
}
function storeOption(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  if (opOf(k, vm) !== WRITE_CB) return vm.ret(-EPERM);
  if (size < 2 || vm.u64(4) !== 0n) return vm.ret(-EINVAL);
  const option = bytesArg(vm, 2, size);
  const kind = option[0]!,
    length = option[1]!;
  const isExperimental = kind === 253 || kind === 254;
  if (kind <= 1 || length < 2 || length > size || (isExperimental && length < 4)) return vm.ret(-EINVAL);
  const there = k.run.hook.headerOptions ?? new Uint8Array(0);
  if (findOption(there, kind, isExperimental ? option.subarray(2, 4) : new Uint8Array(0))) return vm.ret(-EEXIST);
  const room = (k.run.hook.reservedOptions ?? MOST_OPTION_BYTES) - there.length;
  if (length > room) return vm.ret(-ENOSPC);
  const all = new Uint8Array(there.length + length);
  all.set(there);
  all.set(option.subarray(0, length), there.length);
  note(k, { headerOptions: all });
  vm.ret(0);
}
const remote = (k: SimKernel, vm: Machine, what: string): void => {
  note(k, { remote: [...(k.run.hook.remote ?? []), what] });
  vm.ret(0);
};
/** Byte offset of ax in struct pt_regs of x86-64. */
const REGS_AX = 80;
function overrideReturn(k: SimKernel, vm: Machine): void {
  note(k, { override: vm.u64(2) });
  if (k.run.ctxAt) {
    vm.memory.view.setBigUint64(k.run.ctxAt + REGS_AX, vm.u64(2), true);
    vm.memory.markDirty(k.run.ctxAt, REGS_AX + 8);
  }
  vm.ret(0);
}
function funcRet(k: SimKernel, vm: Machine): void {
  if (k.run.retval === undefined) return vm.ret(-EOPNOTSUPP);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, k.run.retval), true);
  putArg(vm, 2, out);
  vm.ret(0);
}

export const HOOK_HELPERS: HelperTable = {
  58: overrideReturn,
  77: (k, vm) => remote(k, vm, "repeat"),
  78: (k, vm) => remote(k, vm, `key protocol ${vm.u32(2)} code ${vm.u64(3)} toggle ${vm.u32(4)}`),
  92: (k, vm) => remote(k, vm, `move ${vm.s32(2)} ${vm.s32(3)}`),
  101: sysctlName,
  102: (k, vm) => vm.ret(putText(vm, 2, vm.u32(3), k.run.hook.sysctl?.current)),
  103: (k, vm) => vm.ret(putText(vm, 2, vm.u32(3), k.run.hook.sysctl?.written)),
  104: setNewValue,
  142: loadOption,
  143: storeOption,
  144: reserveOption,
  159: (k, vm) => {
    if (vm.u64(2) & ~1n) return vm.ret(-EINVAL);
    note(k, { bprmFlags: vm.u32(2) });
    vm.ret(0);
  },
  // The measured kernel has no IMA compiled in, and neither has this one.
  161: (_k, vm) => vm.ret(-EOPNOTSUPP),
  184: funcRet,
  186: (k, vm) => vm.ret(k.run.hook.retval ?? 0),
  187: (k, vm) => {
    note(k, { retval: vm.s32(1) });
    vm.ret(0);
  },
  193: (_k, vm) => vm.ret(-EOPNOTSUPP),
};
