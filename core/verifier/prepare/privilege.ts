// Which types of programs a loader's capabilities allow (bpf_prog_load, is_net_admin_prog_type and is_perfmon_prog_type, 6.18). It reads no instruction.
import { PROG_TYPE as T } from "../../catalog/index.ts";
import { EPERM, type Env } from "../env.ts";

const NET_ADMIN: ReadonlySet<number> = new Set([
  ...[T.SCHED_CLS, T.SCHED_ACT, T.XDP, T.LWT_IN, T.LWT_OUT, T.LWT_XMIT, T.LWT_SEG6LOCAL, T.SK_SKB, T.SK_MSG, T.FLOW_DISSECTOR],
  ...[T.CGROUP_DEVICE, T.CGROUP_SOCK, T.CGROUP_SOCK_ADDR, T.CGROUP_SOCKOPT, T.CGROUP_SYSCTL, T.SOCK_OPS, T.EXT, T.NETFILTER],
]);
const PERFMON: ReadonlySet<number> = new Set([
  ...[T.KPROBE, T.TRACEPOINT, T.PERF_EVENT, T.RAW_TRACEPOINT, T.RAW_TRACEPOINT_WRITABLE, T.TRACING, T.LSM, T.STRUCT_OPS, T.EXT],
]);

/** Rejects a type that needs CAP_NET_ADMIN or CAP_PERFMON from a loader without it; the kernel says nothing but EPERM. */
export function checkPrivilege(env: Env): void {
  const { type } = env.prog;
  if (env.caps === "bpf" && NET_ADMIN.has(type)) env.reject("program-privilege", EPERM);
  if (env.caps !== "full" && PERFMON.has(type)) env.reject("program-privilege", EPERM);
}
