// Kinds of helper arguments and results as numbers, read from the catalog's words. It adds no knowledge to the catalog.
import { helperFor, type ArgSpec, type HelperRecord } from "../../catalog/index.ts";
import * as T from "../domain/reg-types.ts";

/** enum bpf_arg_type, base part. */
export const A = {
  ARG_DONTCARE: 0,
  ARG_CONST_MAP_PTR: 1,
  ARG_PTR_TO_MAP_KEY: 2,
  ARG_PTR_TO_MAP_VALUE: 3,
  ARG_PTR_TO_MEM: 4,
  ARG_PTR_TO_ARENA: 5,
  ARG_CONST_SIZE: 6,
  ARG_CONST_SIZE_OR_ZERO: 7,
  ARG_PTR_TO_CTX: 8,
  ARG_ANYTHING: 9,
  ARG_PTR_TO_SPIN_LOCK: 10,
  ARG_PTR_TO_SOCK_COMMON: 11,
  ARG_PTR_TO_SOCKET: 12,
  ARG_PTR_TO_BTF_ID: 13,
  ARG_PTR_TO_RINGBUF_MEM: 14,
  ARG_CONST_ALLOC_SIZE_OR_ZERO: 15,
  ARG_PTR_TO_BTF_ID_SOCK_COMMON: 16,
  ARG_PTR_TO_PERCPU_BTF_ID: 17,
  ARG_PTR_TO_FUNC: 18,
  ARG_PTR_TO_STACK: 19,
  ARG_PTR_TO_CONST_STR: 20,
  ARG_PTR_TO_TIMER: 21,
  ARG_KPTR_XCHG_DEST: 22,
  ARG_PTR_TO_DYNPTR: 23,
} as const;
/** enum bpf_return_type, base part. */
export const R = {
  RET_INTEGER: 0,
  RET_VOID: 1,
  RET_PTR_TO_MAP_VALUE: 2,
  RET_PTR_TO_SOCKET: 3,
  RET_PTR_TO_TCP_SOCK: 4,
  RET_PTR_TO_SOCK_COMMON: 5,
  RET_PTR_TO_MEM: 6,
  RET_PTR_TO_MEM_OR_BTF_ID: 7,
  RET_PTR_TO_BTF_ID: 8,
} as const;
export const argBase = (t: number): number => t & T.BASE_TYPE_MASK;

const FLAGS: Readonly<Record<string, number>> = {
  PTR_MAYBE_NULL: T.PTR_MAYBE_NULL,
  MEM_RDONLY: T.MEM_RDONLY,
  MEM_RINGBUF: T.MEM_RINGBUF,
  MEM_USER: T.MEM_USER,
  MEM_PERCPU: T.MEM_PERCPU,
  OBJ_RELEASE: T.OBJ_RELEASE,
  PTR_UNTRUSTED: T.PTR_UNTRUSTED,
  MEM_UNINIT: T.MEM_UNINIT,
  MEM_WRITE: T.MEM_WRITE,
  MEM_ALIGNED: T.MEM_ALIGNED,
  MEM_FIXED_SIZE: T.MEM_FIXED_SIZE,
  DYNPTR_TYPE_LOCAL: T.DYNPTR_TYPE_LOCAL,
  DYNPTR_TYPE_RINGBUF: T.DYNPTR_TYPE_RINGBUF,
  DYNPTR_TYPE_SKB: T.DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_XDP: T.DYNPTR_TYPE_XDP,
  PTR_TRUSTED: T.PTR_TRUSTED,
  MEM_RCU: T.MEM_RCU,
  MEM_ALLOC: T.MEM_ALLOC,
  DYNPTR_TYPE_SKB_META: T.DYNPTR_TYPE_SKB_META,
};

/** The number behind `BASE | FLAG | FLAG`; undefined for a word that nobody knows. */
export function parseFlags(text: string, bases: Readonly<Record<string, number>>): number | undefined {
  let out = 0;
  for (const [i, word] of text
    .split("|")
    .map((w) => w.trim())
    .entries()) {
    const n = i === 0 ? bases[word] : FLAGS[word];
    if (n === undefined) return undefined;
    out |= n;
  }
  return out;
}

/** A helper ready for checking. */
export interface Proto {
  readonly record: HelperRecord;
  readonly args: readonly { readonly type: number; readonly spec: ArgSpec }[];
  readonly ret: number;
}
const cache = new Map<HelperRecord, Proto>();

export function protoOf(id: number, progType: number, attach: number): Proto | undefined {
  const record = helperFor(id, progType, attach);
  if (!record) return undefined;
  let proto = cache.get(record);
  if (proto) return proto;
  const ret = parseFlags(record.ret, R);
  const args = record.args.map((spec) => ({ type: parseFlags(spec.arg, A), spec }));
  if (ret === undefined || args.some((a) => a.type === undefined)) return undefined;
  proto = { record, ret, args: args as Proto["args"] };
  cache.set(record, proto);
  return proto;
}
