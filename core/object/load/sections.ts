// What the name of a program's section means: program type, attach type, flags (the names that libbpf 1.5 knows, and uprobe.session of 1.6). It reads no file.
import { ATTACH_TYPE as A, PROG_TYPE as P } from "./kinds.ts";

export interface SectionDef {
  /** Name; a trailing `+` means that `/extras` may follow. */
  readonly pattern: string;
  readonly progType: number;
  readonly attachType: number;
  readonly sleepable: boolean;
  readonly frags: boolean;
  /** Attaches to a kernel type that is looked up by name at load. */
  readonly attachBtf: boolean;
  /** The attach type is not given to kernels that seem not to take one. */
  readonly attachOptional: boolean;
}

type ProgName = keyof typeof P;
type AttachName = keyof typeof A;

/** Letters after the attach type: s sleepable, f multi-buffer XDP, b looked up in BTF, o left out where it seems unknown (SEC_EXP_ATTACH_OPT). */
const TABLE: Readonly<Partial<Record<ProgName, string>>> = {
  SOCKET_FILTER: "socket",
  SK_REUSEPORT: "sk_reuseport/migrate:SK_REUSEPORT_SELECT_OR_MIGRATE sk_reuseport:SK_REUSEPORT_SELECT",
  KPROBE:
    "kprobe+ uprobe+ uprobe.s+::s kretprobe+ uretprobe+ uretprobe.s+::s kprobe.multi+:TRACE_KPROBE_MULTI kretprobe.multi+:TRACE_KPROBE_MULTI kprobe.session+:TRACE_KPROBE_SESSION " +
    "uprobe.multi+:TRACE_UPROBE_MULTI uretprobe.multi+:TRACE_UPROBE_MULTI uprobe.multi.s+:TRACE_UPROBE_MULTI:s uretprobe.multi.s+:TRACE_UPROBE_MULTI:s " +
    "uprobe.session+:TRACE_UPROBE_SESSION uprobe.session.s+:TRACE_UPROBE_SESSION:s ksyscall+ kretsyscall+ usdt+ usdt.s+::s",
  SCHED_CLS:
    "tc/ingress:TCX_INGRESS tc/egress:TCX_EGRESS tcx/ingress:TCX_INGRESS tcx/egress:TCX_EGRESS tc classifier netkit/primary:NETKIT_PRIMARY netkit/peer:NETKIT_PEER",
  SCHED_ACT: "action",
  TRACEPOINT: "tracepoint+ tp+",
  RAW_TRACEPOINT: "raw_tracepoint+ raw_tp+",
  RAW_TRACEPOINT_WRITABLE: "raw_tracepoint.w+ raw_tp.w+",
  TRACING:
    "tp_btf+:TRACE_RAW_TP:b fentry+:TRACE_FENTRY:b fmod_ret+:MODIFY_RETURN:b fexit+:TRACE_FEXIT:b fentry.s+:TRACE_FENTRY:bs fmod_ret.s+:MODIFY_RETURN:bs " +
    "fexit.s+:TRACE_FEXIT:bs iter+:TRACE_ITER:b iter.s+:TRACE_ITER:bs",
  EXT: "freplace+::b",
  LSM: "lsm+:LSM_MAC:b lsm.s+:LSM_MAC:bs lsm_cgroup+:LSM_CGROUP:b",
  SYSCALL: "syscall::s",
  XDP: "xdp.frags/devmap:XDP_DEVMAP:f xdp/devmap:XDP_DEVMAP xdp.frags/cpumap:XDP_CPUMAP:f xdp/cpumap:XDP_CPUMAP xdp.frags:XDP:f xdp:XDP:o",
  PERF_EVENT: "perf_event",
  LWT_IN: "lwt_in",
  LWT_OUT: "lwt_out",
  LWT_XMIT: "lwt_xmit",
  LWT_SEG6LOCAL: "lwt_seg6local",
  SOCK_OPS: "sockops:CGROUP_SOCK_OPS:o",
  SK_SKB:
    "sk_skb/stream_parser:SK_SKB_STREAM_PARSER:o sk_skb/stream_verdict:SK_SKB_STREAM_VERDICT:o sk_skb/verdict:SK_SKB_VERDICT:o sk_skb",
  SK_MSG: "sk_msg:SK_MSG_VERDICT:o",
  LIRC_MODE2: "lirc_mode2:LIRC_MODE2:o",
  FLOW_DISSECTOR: "flow_dissector:FLOW_DISSECTOR:o",
  CGROUP_SKB: "cgroup_skb/ingress:CGROUP_INET_INGRESS:o cgroup_skb/egress:CGROUP_INET_EGRESS:o cgroup/skb",
  CGROUP_SOCK:
    "cgroup/sock_create:CGROUP_INET_SOCK_CREATE cgroup/sock_release:CGROUP_INET_SOCK_RELEASE cgroup/sock:CGROUP_INET_SOCK_CREATE:o " +
    "cgroup/post_bind4:CGROUP_INET4_POST_BIND cgroup/post_bind6:CGROUP_INET6_POST_BIND",
  CGROUP_SOCK_ADDR:
    "cgroup/bind4:CGROUP_INET4_BIND cgroup/bind6:CGROUP_INET6_BIND cgroup/connect4:CGROUP_INET4_CONNECT cgroup/connect6:CGROUP_INET6_CONNECT cgroup/connect_unix:CGROUP_UNIX_CONNECT " +
    "cgroup/sendmsg4:CGROUP_UDP4_SENDMSG cgroup/sendmsg6:CGROUP_UDP6_SENDMSG cgroup/sendmsg_unix:CGROUP_UNIX_SENDMSG cgroup/recvmsg4:CGROUP_UDP4_RECVMSG " +
    "cgroup/recvmsg6:CGROUP_UDP6_RECVMSG cgroup/recvmsg_unix:CGROUP_UNIX_RECVMSG cgroup/getpeername4:CGROUP_INET4_GETPEERNAME cgroup/getpeername6:CGROUP_INET6_GETPEERNAME " +
    "cgroup/getpeername_unix:CGROUP_UNIX_GETPEERNAME cgroup/getsockname4:CGROUP_INET4_GETSOCKNAME cgroup/getsockname6:CGROUP_INET6_GETSOCKNAME cgroup/getsockname_unix:CGROUP_UNIX_GETSOCKNAME",
  CGROUP_SYSCTL: "cgroup/sysctl:CGROUP_SYSCTL",
  CGROUP_SOCKOPT: "cgroup/getsockopt:CGROUP_GETSOCKOPT cgroup/setsockopt:CGROUP_SETSOCKOPT",
  CGROUP_DEVICE: "cgroup/dev:CGROUP_DEVICE:o",
  STRUCT_OPS: "struct_ops+ struct_ops.s+::s",
  SK_LOOKUP: "sk_lookup:SK_LOOKUP",
  NETFILTER: "netfilter:NETFILTER",
};

function parse(prog: ProgName, entry: string): SectionDef {
  const [pattern = "", attach = "", letters = ""] = entry.split(":");
  return {
    pattern,
    progType: P[prog],
    attachType: attach === "" ? 0 : A[attach as AttachName],
    sleepable: letters.includes("s"),
    frags: letters.includes("f"),
    attachBtf: letters.includes("b"),
    attachOptional: letters.includes("o"),
  };
}

/** All section names. */
export const SECTION_DEFS: readonly SectionDef[] = Object.entries(TABLE).flatMap(([prog, text]) =>
  text.split(" ").map((entry) => parse(prog as ProgName, entry)),
);

function matches(pattern: string, section: string): boolean {
  if (!pattern.endsWith("+")) return section === pattern;
  const stem = pattern.slice(0, -1);
  return section === stem || section.startsWith(`${stem}/`);
}

/** The meaning of a section name (without a leading `?`), or undefined as for `.text` and misspelt names. */
export function findSection(section: string): SectionDef | undefined {
  return SECTION_DEFS.find((d) => matches(d.pattern, section));
}

/** Up to three known names that look most like `section`, best first. */
export function nearestSections(section: string): string[] {
  const stem = section.split("/")[0]!;
  const scored = SECTION_DEFS.map((d) => {
    const name = d.pattern.replace("+", "");
    return { name, score: Math.min(editDistance(section, name), editDistance(stem, name) + 1) };
  });
  return scored
    .filter((s) => s.score <= Math.max(2, s.name.length / 2))
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map((s) => s.name);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 64); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
