// Register types and their modifier flags (enum bpf_reg_type and bpf_type_flag, Linux 6.18) and their names in the log. Constants only.

export const NOT_INIT = 0,
  SCALAR_VALUE = 1,
  PTR_TO_CTX = 2,
  CONST_PTR_TO_MAP = 3,
  PTR_TO_MAP_VALUE = 4,
  PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6,
  PTR_TO_PACKET_META = 7,
  PTR_TO_PACKET = 8,
  PTR_TO_PACKET_END = 9,
  PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11,
  PTR_TO_SOCK_COMMON = 12,
  PTR_TO_TCP_SOCK = 13,
  PTR_TO_TP_BUFFER = 14,
  PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16,
  PTR_TO_MEM = 17,
  PTR_TO_ARENA = 18,
  PTR_TO_BUF = 19,
  PTR_TO_FUNC = 20,
  CONST_PTR_TO_DYNPTR = 21;

/** Base types lie in the low byte, flags above. */
export const BASE_TYPE_MASK = 0xff;
const flag = (n: number): number => 1 << (8 + n);
export const PTR_MAYBE_NULL = flag(0),
  MEM_RDONLY = flag(1),
  MEM_RINGBUF = flag(2),
  MEM_USER = flag(3),
  MEM_PERCPU = flag(4);
export const OBJ_RELEASE = flag(5),
  PTR_UNTRUSTED = flag(6),
  MEM_UNINIT = flag(7),
  DYNPTR_TYPE_LOCAL = flag(8),
  DYNPTR_TYPE_RINGBUF = flag(9);
export const MEM_FIXED_SIZE = flag(10),
  MEM_ALLOC = flag(11),
  PTR_TRUSTED = flag(12),
  MEM_RCU = flag(13),
  NON_OWN_REF = flag(14);
export const DYNPTR_TYPE_SKB = flag(15),
  DYNPTR_TYPE_XDP = flag(16),
  MEM_ALIGNED = flag(17),
  MEM_WRITE = flag(18),
  DYNPTR_TYPE_SKB_META = flag(19);
export const DYNPTR_TYPE_FLAG_MASK = DYNPTR_TYPE_LOCAL | DYNPTR_TYPE_RINGBUF | DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP | DYNPTR_TYPE_SKB_META;

export const baseType = (t: number): number => t & BASE_TYPE_MASK;
export const typeFlag = (t: number): number => t & ~BASE_TYPE_MASK;
export const mayBeNull = (t: number): boolean => (t & PTR_MAYBE_NULL) !== 0;
export const isPktPointer = (t: number): boolean => t === PTR_TO_PACKET || t === PTR_TO_PACKET_META;
export const isPktPointerAny = (t: number): boolean => isPktPointer(t) || t === PTR_TO_PACKET_END;
export const isSkPointer = (t: number): boolean =>
  t === PTR_TO_SOCKET || t === PTR_TO_SOCK_COMMON || t === PTR_TO_TCP_SOCK || t === PTR_TO_XDP_SOCK;
export const isRdonlyMem = (t: number): boolean => (t & MEM_RDONLY) !== 0;
export const isPtrAllocObj = (t: number): boolean => baseType(t) === PTR_TO_BTF_ID && (t & MEM_ALLOC) !== 0;
export const isNonOwningRef = (t: number): boolean => isPtrAllocObj(t) && (t & NON_OWN_REF) !== 0;

const NAMES = [
  "?",
  "scalar",
  "ctx",
  "map_ptr",
  "map_value",
  "map_key",
  "fp",
  "pkt_meta",
  "pkt",
  "pkt_end",
  "flow_keys",
  "sock",
  "sock_common",
  "tcp_sock",
  "tp_buffer",
  "xdp_sock",
  "ptr_",
  "mem",
  "arena",
  "buf",
  "func",
  "dynptr_ptr",
];
const PREFIXES: readonly (readonly [number, string])[] = [
  [MEM_RDONLY, "rdonly_"],
  [MEM_RINGBUF, "ringbuf_"],
  [MEM_USER, "user_"],
  [MEM_PERCPU, "percpu_"],
  [MEM_RCU, "rcu_"],
  [PTR_UNTRUSTED, "untrusted_"],
  [PTR_TRUSTED, "trusted_"],
];

/** The log's name of a register type (reg_type_str). */
export function regTypeStr(type: number): string {
  let prefix = "";
  for (const [bit, text] of PREFIXES) if (type & bit) prefix += text;
  const postfix = mayBeNull(type) ? (baseType(type) === PTR_TO_BTF_ID ? "or_null_" : "_or_null") : "";
  return prefix + (NAMES[baseType(type)] ?? "?") + postfix;
}
