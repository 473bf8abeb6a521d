// Whether a program of some type may read or write its context at an offset, and what a load yields. It keeps no state.
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "./generated/enums.ts";
import { CTX_STRUCTS, type FieldRow, type StructLayout } from "./generated/contexts.ts";
import { FLAT_VIEWS, SOCK_VIEWS, VIEWS, type StructRules, type View, type WidthRule } from "./context-rules.ts";
import type { CtxAccessInfo, CtxQuery } from "./types.ts";

const SCALAR: CtxAccessInfo = { reg: "SCALAR_VALUE", ctxFieldSize: 0 };

/** One access, in bytes. */
interface Access {
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  readonly signExtend: boolean;
  readonly unprivileged: boolean;
}

/** Size of the whole field when the access is allowed (0: only whole accesses are), undefined when it is not. */
function width(rule: WidthRule, fieldOff: number, fieldSize: number, { off, size, write }: Access): number | undefined {
  const narrow = (n: number): number | undefined => ((write ? size === n : size <= n) ? n : undefined);
  const when = (ok: boolean): number | undefined => (ok ? 0 : undefined);
  switch (rule) {
    case "x1":
    case "x4":
    case "x8":
      return when(size === Number(rule[1]));
    case "n2":
    case "n4":
    case "n8":
      return narrow(Number(rule[1]));
    case "f4":
      return off === fieldOff ? narrow(4) : when(size === 4);
    case "n4+2":
      return size >= 2 ? narrow(4) : undefined;
    case "p2":
      return size === 4 ? 0 : narrow(2);
    case "w4":
      return size === 8 && off + 8 <= fieldOff + fieldSize ? 4 : narrow(4);
    case "any":
      return when(off + size <= fieldOff + fieldSize);
    case "-":
      return undefined;
  }
}

function visible(view: View, field: string, write: boolean, attach: number): boolean {
  if (view.hidden?.includes(field) || (view.only && !view.only.includes(field))) return false;
  const limited = view.attach?.[field];
  if (limited && !limited.includes(attach)) return false;
  if (!write) return true;
  const writers = view.attachWrite?.[field];
  return (view.writable?.includes(field) ?? false) && (!writers || writers.includes(attach));
}

/** Fields for which is_valid_access asks for CAP_BPF. */
const needsCapBpf = ({ capable }: View, field: string, write: boolean): boolean =>
  capable !== undefined && (capable.read.includes(field) || (write && capable.write.includes(field)));

function widthRule(view: View, field: string): WidthRule {
  return view.widths?.[field] ?? view.rules.fields?.[field] ?? view.rules.others;
}

function yields(rules: StructRules, field: string, ctxFieldSize: number): CtxAccessInfo {
  const btf = rules.btf?.[field];
  return { reg: rules.regs?.[field] ?? "SCALAR_VALUE", ctxFieldSize, ...(btf === undefined ? {} : { btf }) };
}

/** Pointers may not be loaded with sign extension where the kernel says so (`is_ldsx`); only packet pointers are checked. */
const noSignExtend = (reg: string | undefined): boolean => reg !== undefined && reg.startsWith("PTR_TO_PACKET");

function checkView(view: View, access: Access, attach: number): CtxAccessInfo | undefined {
  const layout: StructLayout = CTX_STRUCTS[view.rules.struct];
  const { off, size } = access;
  if (off < 0 || off >= layout.size || off % size) return undefined;
  const pad = view.rules.padding;
  if (pad && off >= pad[0] && off < pad[0] + pad[1]) {
    const fieldSize = access.write ? undefined : width(pad[2], pad[0], pad[1], access);
    return fieldSize === undefined ? undefined : { ...SCALAR, ctxFieldSize: fieldSize };
  }
  for (const [field, fieldOff, fieldSize] of layout.fields) {
    if (off < fieldOff || off >= fieldOff + fieldSize || !visible(view, field, access.write, attach)) continue;
    if (access.signExtend && noSignExtend(view.rules.regs?.[field])) continue;
    if (access.unprivileged && needsCapBpf(view, field, access.write)) continue;
    const whole = width(widthRule(view, field), fieldOff, fieldSize, access);
    if (whole !== undefined) return access.write ? SCALAR : yields(view.rules, field, whole);
  }
  return undefined;
}

/**
 * What a context access yields, as the is_valid_access of the program's type in 6.18 says; undefined when it is refused.
 * Program types whose context is described by BTF (tracing, LSM, struct_ops, freplace) are not answered here: undefined too.
 * `off` and `size` in bytes; `off` may be anything, `size` is 1, 2, 4 or 8.
 */
export function checkCtxAccess(q: CtxQuery): CtxAccessInfo | undefined {
  const { off, size, write } = q;
  const flat = FLAT_VIEWS[q.progType];
  if (flat) {
    if (off < flat.min || off >= flat.max || off % size || (write && !flat.write) || (flat.within && off + size > flat.max))
      return undefined;
    if (q.progType === PT.LIRC_MODE2) return size === 4 ? SCALAR : undefined;
    if (q.progType === PT.RAW_TRACEPOINT_WRITABLE && off === 0)
      return size === 8 ? { reg: "PTR_TO_TP_BUFFER", ctxFieldSize: 0 } : undefined;
    return SCALAR;
  }
  const view = VIEWS[q.progType];
  const { signExtend = false, unprivileged = false } = q;
  return view && checkView(view, { off, size, write, signExtend, unprivileged }, q.expectedAttachType);
}

/** Pointers to socket structures that programs read directly. */
export type SockPointer = keyof typeof SOCK_VIEWS;

/** What a read through a socket pointer yields (check_sock_access, 6.18), undefined when it is refused. Writes never go. */
export function checkSockAccess(pointer: SockPointer, off: number, size: number): CtxAccessInfo | undefined {
  return checkView(SOCK_VIEWS[pointer], { off, size, write: false, signExtend: false, unprivileged: false }, 0);
}

/** The context of a program type as the editor shows it: structure name and the fields that such a program may read or write. */
export function contextFields(
  progType: number,
  attach: number,
): { struct: string; fields: readonly (FieldRow & { readonly 0: string })[] } | undefined {
  const view = VIEWS[progType];
  if (!view) return progType === PT.KPROBE ? { struct: "pt_regs", fields: CTX_STRUCTS.pt_regs.fields } : undefined;
  const layout: StructLayout = CTX_STRUCTS[view.rules.struct];
  return {
    struct: view.rules.struct,
    fields: layout.fields.filter(([f]) => visible(view, f, false, attach) && widthRule(view, f) !== "-"),
  };
}

/** Size in bytes of the context that programs of this type get; undefined when BTF describes it. */
export function ctxSize(progType: number): number | undefined {
  const view = VIEWS[progType];
  return view ? CTX_STRUCTS[view.rules.struct].size : FLAT_VIEWS[progType]?.max;
}

/** Size of struct bpf_flow_keys, which PTR_TO_FLOW_KEYS points to. */
export const FLOW_KEYS_SIZE: number = CTX_STRUCTS.bpf_flow_keys.size;

const READ_ONLY_PACKET: ReadonlySet<number> = new Set([
  PT.LWT_IN,
  PT.LWT_OUT,
  PT.LWT_SEG6LOCAL,
  PT.SK_REUSEPORT,
  PT.FLOW_DISSECTOR,
  PT.CGROUP_SKB,
]);
const PACKET: ReadonlySet<number> = new Set([PT.SCHED_CLS, PT.SCHED_ACT, PT.XDP, PT.LWT_XMIT, PT.SK_SKB, PT.SK_MSG, PT.CGROUP_SOCKOPT]);

/** Whether programs of this type may read and write packet bytes directly (may_access_direct_pkt_data, kernel/bpf/verifier.c, 6.18). */
export function directPacketAccess(progType: number): { readonly read: boolean; readonly write: boolean } {
  const write = PACKET.has(progType);
  return { read: write || READ_ONLY_PACKET.has(progType), write };
}

/** Attach types of cgroup/sock_addr programs that must return 1. */
export const MUST_ALLOW: ReadonlySet<number> = new Set([
  AT.CGROUP_UDP4_RECVMSG,
  AT.CGROUP_UDP6_RECVMSG,
  AT.CGROUP_UNIX_RECVMSG,
  AT.CGROUP_INET4_GETPEERNAME,
  AT.CGROUP_INET6_GETPEERNAME,
  AT.CGROUP_UNIX_GETPEERNAME,
  AT.CGROUP_INET4_GETSOCKNAME,
  AT.CGROUP_INET6_GETSOCKNAME,
  AT.CGROUP_UNIX_GETSOCKNAME,
]);
const ZERO_OR_ONE: ReadonlySet<number> = new Set([
  PT.CGROUP_SOCK,
  PT.SOCK_OPS,
  PT.CGROUP_DEVICE,
  PT.CGROUP_SYSCTL,
  PT.CGROUP_SOCKOPT,
  PT.SK_LOOKUP,
  PT.NETFILTER,
]);

/**
 * Values that a program may return (check_return_code, kernel/bpf/verifier.c, 6.18), undefined when any goes. For LSM, struct_ops and
 * BTF-attached raw_tracepoint programs the hook decides, which is not answered here (undefined).
 */
export function returnRange(progType: number, attach: number): { readonly min: number; readonly max: number } | undefined {
  if (ZERO_OR_ONE.has(progType)) return { min: 0, max: 1 };
  switch (progType) {
    case PT.CGROUP_SOCK_ADDR:
      if (MUST_ALLOW.has(attach)) return { min: 1, max: 1 };
      return { min: 0, max: attach === AT.CGROUP_INET4_BIND || attach === AT.CGROUP_INET6_BIND ? 3 : 1 };
    case PT.CGROUP_SKB:
      return { min: 0, max: attach === AT.CGROUP_INET_EGRESS ? 3 : 1 };
    case PT.TRACING:
      if (attach === AT.TRACE_FENTRY || attach === AT.TRACE_FEXIT) return { min: 0, max: 0 };
      return attach === AT.TRACE_ITER ? { min: 0, max: 1 } : undefined;
    case PT.KPROBE:
      return attach === AT.TRACE_KPROBE_SESSION || attach === AT.TRACE_UPROBE_SESSION ? { min: 0, max: 1 } : undefined;
    default:
      return undefined;
  }
}
