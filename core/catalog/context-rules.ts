// Rules by which programs of each type read and write their context, as data. It decides nothing; contexts.ts does.
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "./generated/enums.ts";
import type { CTX_STRUCTS } from "./generated/contexts.ts";

/**
 * How wide an access to a field may be:
 * `xN` exactly N bytes · `nN` any power of two up to N bytes (the verifier widens the load; writes take exactly N) ·
 * `fN` as nN at the field's first byte, exactly N elsewhere · `n4+2` as n4, but at least 2 bytes ·
 * `p2` as n2, and a 4-byte access that runs over the padding after it · `w4` as n4, and 8 bytes where aligned and inside the field ·
 * `any` any aligned access inside the field · `-` none.
 */
export type WidthRule = "x1" | "x4" | "x8" | "n2" | "n4" | "n8" | "f4" | "n4+2" | "p2" | "w4" | "any" | "-";

/** Kernel structure of a context with the width rule of each field; fields that are not named follow `others`. */
export interface StructRules {
  readonly struct: keyof typeof CTX_STRUCTS;
  readonly others: WidthRule;
  readonly fields?: Readonly<Record<string, WidthRule>>;
  /** Type of the register that a load of the field yields; others yield SCALAR_VALUE. */
  readonly regs?: Readonly<Record<string, string>>;
  /** Kernel structures behind PTR_TO_BTF_ID fields. */
  readonly btf?: Readonly<Record<string, string>>;
  /** Accessible padding: offset, bytes and rule. */
  readonly padding?: readonly [offBytes: number, sizeBytes: number, rule: WidthRule];
}

/** What programs of one type may do with the fields of a structure. */
export interface View {
  readonly rules: StructRules;
  /** Fields that this type may not see at all. */
  readonly hidden?: readonly string[];
  /** If given, only these may be seen. */
  readonly only?: readonly string[];
  readonly writable?: readonly string[];
  /** Fields that only these attach types may see. */
  readonly attach?: Readonly<Record<string, readonly number[]>>;
  /** Fields that only these attach types may write. */
  readonly attachWrite?: Readonly<Record<string, readonly number[]>>;
  /** Fields that only loaders with CAP_BPF may see, and write. */
  readonly capable?: { readonly read: readonly string[]; readonly write: readonly string[] };
  /** Width rules that differ from the structure's for this type. */
  readonly widths?: Readonly<Record<string, WidthRule>>;
}

/** A context without fields: every aligned access in [min, max) goes, `within` says that it must also end there. */
export interface FlatView {
  readonly min: number;
  readonly max: number;
  readonly within: boolean;
  readonly write: boolean;
}

const words = (text: string): readonly string[] => text.split(" ");
const each = <T>(names: string, value: T): Record<string, T> => Object.fromEntries(words(names).map((n) => [n, value]));

const PACKET = { data: "PTR_TO_PACKET", data_meta: "PTR_TO_PACKET_META", data_end: "PTR_TO_PACKET_END" };
const SKB: StructRules = {
  struct: "__sk_buff",
  others: "n4",
  fields: {
    cb: "any",
    ...each("data data_meta data_end remote_ip4 local_ip4 remote_ip6 local_ip6", "x4"),
    ...each("hwtstamp tstamp sk", "x8"),
    ...each("flow_keys tstamp_type", "-"),
  },
  regs: { ...PACKET, sk: "PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL", flow_keys: "PTR_TO_FLOW_KEYS" },
};
const SOCKET_FIELDS = "family remote_ip4 local_ip4 remote_ip6 local_ip6 remote_port local_port";
const LWT: View = {
  rules: SKB,
  hidden: words(`tc_classid ${SOCKET_FIELDS} data_meta tstamp wire_len hwtstamp`),
  writable: words("mark priority cb"),
};
const TC: View = {
  rules: SKB,
  hidden: words(SOCKET_FIELDS),
  writable: words("mark tc_index priority tc_classid cb tstamp queue_mapping"),
  widths: { tstamp_type: "x1" },
};

/** struct bpf_sock behind PTR_TO_SOCKET, and as the context of cgroup/sock programs. */
const SOCK: StructRules = {
  struct: "bpf_sock",
  others: "x4",
  fields: {
    ...each("state family type protocol src_port rx_queue_mapping", "f4"),
    ...each("src_ip4 src_ip6 dst_ip4 dst_ip6", "n4"),
    dst_port: "p2",
  },
};
const SOCK_OWNER = [AT.CGROUP_INET_SOCK_CREATE, AT.CGROUP_INET_SOCK_RELEASE];
const INET4 = [
  AT.CGROUP_INET4_BIND,
  AT.CGROUP_INET4_CONNECT,
  AT.CGROUP_INET4_GETPEERNAME,
  AT.CGROUP_INET4_GETSOCKNAME,
  AT.CGROUP_UDP4_SENDMSG,
];
const INET6 = [
  AT.CGROUP_INET6_BIND,
  AT.CGROUP_INET6_CONNECT,
  AT.CGROUP_INET6_GETPEERNAME,
  AT.CGROUP_INET6_GETSOCKNAME,
  AT.CGROUP_UDP6_SENDMSG,
];

const SOCK_ADDR: View = {
  rules: {
    struct: "bpf_sock_addr",
    others: "x4",
    fields: { ...each("user_ip4 msg_src_ip4 user_port", "n4"), ...each("user_ip6 msg_src_ip6", "w4"), sk: "x8" },
    regs: { sk: "PTR_TO_SOCKET" },
  },
  writable: words("user_ip4 user_ip6 msg_src_ip4 msg_src_ip6 user_port"),
  attach: {
    user_ip4: [...INET4, AT.CGROUP_UDP4_RECVMSG],
    user_ip6: [...INET6, AT.CGROUP_UDP6_RECVMSG],
    msg_src_ip4: [AT.CGROUP_UDP4_SENDMSG],
    msg_src_ip6: [AT.CGROUP_UDP6_SENDMSG],
  },
};

/** By program type, from each type's is_valid_access in 6.18 (net/core/filter.c, kernel/bpf/cgroup.c, kernel/trace/bpf_trace.c, nf_bpf_link.c). */
export const VIEWS: Readonly<Record<number, View>> = {
  [PT.SOCKET_FILTER]: {
    rules: { ...SKB },
    hidden: words(`tc_classid data data_meta data_end ${SOCKET_FIELDS} tstamp wire_len hwtstamp`),
    writable: ["cb"],
  },
  [PT.SCHED_CLS]: TC,
  [PT.SCHED_ACT]: TC,
  [PT.CGROUP_SKB]: {
    rules: SKB,
    hidden: words("tc_classid data_meta wire_len"),
    writable: words("mark priority cb tstamp"),
    capable: { read: words("data data_end"), write: ["tstamp"] },
  },
  [PT.LWT_IN]: LWT,
  [PT.LWT_OUT]: LWT,
  [PT.LWT_XMIT]: LWT,
  [PT.LWT_SEG6LOCAL]: LWT,
  [PT.SK_SKB]: { rules: SKB, hidden: words("tc_classid data_meta tstamp wire_len hwtstamp mark"), writable: words("tc_index priority") },
  [PT.FLOW_DISSECTOR]: { rules: SKB, only: words("data data_end flow_keys"), widths: { flow_keys: "x8" } },
  [PT.XDP]: { rules: { struct: "xdp_md", others: "x4", regs: PACKET }, attach: { egress_ifindex: [AT.XDP_DEVMAP] } },
  [PT.CGROUP_SOCK]: {
    rules: SOCK,
    writable: words("bound_dev_if mark priority"),
    attach: {
      ...each("bound_dev_if mark priority", SOCK_OWNER),
      src_ip4: [AT.CGROUP_INET4_POST_BIND],
      src_ip6: [AT.CGROUP_INET6_POST_BIND],
      src_port: [AT.CGROUP_INET4_POST_BIND, AT.CGROUP_INET6_POST_BIND],
    },
  },
  [PT.CGROUP_SOCK_ADDR]: SOCK_ADDR,
  [PT.SOCK_OPS]: {
    rules: {
      struct: "bpf_sock_ops",
      others: "x4",
      fields: { ...each("bytes_received bytes_acked sk skb_data skb_data_end skb_hwtstamp", "x8"), skb_tcp_flags: "f4" },
      regs: { sk: "PTR_TO_SOCKET | PTR_MAYBE_NULL", skb_data: "PTR_TO_PACKET", skb_data_end: "PTR_TO_PACKET_END" },
    },
    writable: words("reply sk_txhash"),
  },
  [PT.SK_MSG]: {
    rules: { struct: "sk_msg_md", others: "x4", fields: each("data data_end sk", "x8"), regs: { ...PACKET, sk: "PTR_TO_SOCKET" } },
  },
  [PT.SK_REUSEPORT]: {
    rules: {
      struct: "sk_reuseport_md",
      others: "n4",
      fields: { ...each("data data_end sk migrating_sk", "x8"), hash: "x4", eth_protocol: "n4+2" },
      regs: { ...PACKET, sk: "PTR_TO_SOCKET", migrating_sk: "PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL" },
    },
  },
  [PT.SK_LOOKUP]: {
    rules: {
      struct: "bpf_sk_lookup",
      others: "n4",
      fields: { sk: "x8", cookie: "-", remote_port: "p2" },
      regs: { sk: "PTR_TO_SOCKET | PTR_MAYBE_NULL" },
      padding: [38, 2, "n2"],
    },
  },
  [PT.CGROUP_DEVICE]: { rules: { struct: "bpf_cgroup_dev_ctx", others: "x4", fields: { access_type: "n4" } } },
  [PT.CGROUP_SYSCTL]: { rules: { struct: "bpf_sysctl", others: "n4" }, writable: ["file_pos"] },
  [PT.CGROUP_SOCKOPT]: {
    rules: {
      struct: "bpf_sockopt",
      others: "x4",
      fields: each("sk optval optval_end", "x8"),
      regs: { sk: "PTR_TO_SOCKET", optval: "PTR_TO_PACKET", optval_end: "PTR_TO_PACKET_END" },
    },
    writable: words("retval optname level optlen"),
    attach: { retval: [AT.CGROUP_GETSOCKOPT] },
    attachWrite: { optname: [AT.CGROUP_SETSOCKOPT], level: [AT.CGROUP_SETSOCKOPT] },
  },
  [PT.PERF_EVENT]: { rules: { struct: "bpf_perf_event_data", others: "x8", fields: each("sample_period addr", "n8") } },
  [PT.NETFILTER]: {
    rules: {
      struct: "bpf_nf_ctx",
      others: "x8",
      regs: each("skb state", "PTR_TO_BTF_ID | PTR_TRUSTED"),
      btf: { skb: "sk_buff", state: "nf_hook_state" },
    },
  },
};

/** PERF_MAX_TRACE_SIZE, the argument area of raw tracepoints (8 * MAX_BPF_FUNC_ARGS), and U16_MAX. */
export const FLAT_VIEWS: Readonly<Record<number, FlatView>> = {
  [PT.KPROBE]: { min: 0, max: 168, within: true, write: false },
  [PT.TRACEPOINT]: { min: 8, max: 8192, within: false, write: false },
  [PT.RAW_TRACEPOINT]: { min: 0, max: 96, within: false, write: false },
  [PT.RAW_TRACEPOINT_WRITABLE]: { min: 0, max: 96, within: false, write: false },
  [PT.SYSCALL]: { min: 0, max: 65535, within: false, write: true },
  [PT.LIRC_MODE2]: { min: 0, max: 4, within: true, write: false },
};

/** Socket structures that a program reaches through a pointer: what bpf_sock_common/bpf_sock/bpf_tcp_sock/bpf_xdp_sock_is_valid_access allow. */
export const SOCK_VIEWS = {
  PTR_TO_SOCK_COMMON: { rules: SOCK, hidden: words("type protocol mark priority") },
  PTR_TO_SOCKET: { rules: SOCK },
  PTR_TO_TCP_SOCK: { rules: { struct: "bpf_tcp_sock", others: "x4", fields: each("bytes_received bytes_acked", "x8") } },
  PTR_TO_XDP_SOCK: { rules: { struct: "bpf_xdp_sock", others: "x4" } },
} as const satisfies Record<string, View>;
