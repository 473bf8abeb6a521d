// Which types of programs a loader's capabilities allow (bpf_prog_load, is_net_admin_prog_type and is_perfmon_prog_type, 6.18). It reads no instruction.
import { PROG_TYPE as T } from "../../catalog/index.ts";
import { E2BIG, EPERM, type Env } from "../env.ts";

const NET_ADMIN: ReadonlySet<number> = new Set([
  ...[T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.LWT_IN, T.LWT_OUT, T.LWT_XMIT, T.LWT_SEG6LOCAL, T.SK_SKB, T.SK_MSG, T.FLOW_DISSECTOR],
  ...[T.CGROUP_DEVICE, T.CGROUP_SOCK, T.CGROUP_SOCK_ADDR, T.CGROUP_SOCKOPT, T.CGROUP_SYSCTL, T.SOCK_OPS, T.EXT, T.NETFILTER],
]);
const PERFMON: ReadonlySet<number> = new Set([
  ...[T.KPROBE, T.TRACEPOINT, T.PERF_EVENT, T.RAW_TRACEPOINT, T.RAW_TRACEPOINT_WRITABLE, T.TRACING, T.LSM, T.STRUCT_OPS, T.EXT],
]);

/** What loaders without any capability may load. */
const ANYBODY: ReadonlySet<number> = new Set([T.SOCKET_FILTER, T.CGROUP_SKB]);
/** BPF_MAXINSNS and BPF_COMPLEXITY_LIMIT_INSNS: most instructions of a loader without CAP_BPF, and with it. */
const MAX_INSNS = 4096,
  MAX_INSNS_BPF = 1_000_000;

/** Rejects a type that needs a capability from a loader without it, and programs that are too long; the kernel says nothing but the errno. */
export function checkPrivilege(env: Env): void {
  const { type } = env.prog;
  if (env.insns.length > (env.may.bpf ? MAX_INSNS_BPF : MAX_INSNS)) env.reject("program-length", E2BIG);
  const denied =
    (!env.may.bpf && !ANYBODY.has(type)) || (!env.may.netAdmin && NET_ADMIN.has(type)) || (!env.may.perfmon && PERFMON.has(type));
  if (denied) env.reject("program-privilege", EPERM);
}
