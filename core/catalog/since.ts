// The kernel version that brought each program, map and attach type. Facts only.
import { ATTACH_TYPE as AT, MAP_TYPE as MT, PROG_TYPE as PT } from "./generated/enums.ts";

const PROG_SINCE: Readonly<Record<string, readonly number[]>> = {
  "3.19": [PT.SOCKET_FILTER],
  "4.1": [PT.KPROBE, PT.SCHED_CLS, PT.SCHED_ACT],
  "4.7": [PT.TRACEPOINT],
  "4.8": [PT.XDP],
  "4.9": [PT.PERF_EVENT],
  "4.10": [PT.CGROUP_SKB, PT.CGROUP_SOCK, PT.LWT_IN, PT.LWT_OUT, PT.LWT_XMIT],
  "4.13": [PT.SOCK_OPS],
  "4.14": [PT.SK_SKB],
  "4.15": [PT.CGROUP_DEVICE],
  "4.17": [PT.SK_MSG, PT.RAW_TRACEPOINT, PT.CGROUP_SOCK_ADDR],
  "4.18": [PT.LWT_SEG6LOCAL, PT.LIRC_MODE2],
  "4.19": [PT.SK_REUSEPORT],
  "4.20": [PT.FLOW_DISSECTOR],
  "5.2": [PT.CGROUP_SYSCTL, PT.RAW_TRACEPOINT_WRITABLE],
  "5.3": [PT.CGROUP_SOCKOPT],
  "5.5": [PT.TRACING],
  "5.6": [PT.STRUCT_OPS, PT.EXT],
  "5.7": [PT.LSM],
  "5.9": [PT.SK_LOOKUP],
  "5.14": [PT.SYSCALL],
  "6.4": [PT.NETFILTER],
};
const MAP_SINCE: Readonly<Record<string, readonly number[]>> = {
  "3.19": [MT.HASH, MT.ARRAY],
  "4.2": [MT.PROG_ARRAY],
  "4.3": [MT.PERF_EVENT_ARRAY],
  "4.6": [MT.PERCPU_HASH, MT.PERCPU_ARRAY, MT.STACK_TRACE],
  "4.8": [MT.CGROUP_ARRAY],
  "4.10": [MT.LRU_HASH, MT.LRU_PERCPU_HASH],
  "4.11": [MT.LPM_TRIE],
  "4.12": [MT.ARRAY_OF_MAPS, MT.HASH_OF_MAPS],
  "4.14": [MT.DEVMAP, MT.SOCKMAP],
  "4.15": [MT.CPUMAP],
  "4.18": [MT.XSKMAP, MT.SOCKHASH],
  "4.19": [MT.CGROUP_STORAGE, MT.REUSEPORT_SOCKARRAY],
  "4.20": [MT.PERCPU_CGROUP_STORAGE, MT.QUEUE, MT.STACK],
  "5.2": [MT.SK_STORAGE],
  "5.4": [MT.DEVMAP_HASH],
  "5.6": [MT.STRUCT_OPS],
  "5.8": [MT.RINGBUF],
  "5.10": [MT.INODE_STORAGE],
  "5.11": [MT.TASK_STORAGE],
  "5.16": [MT.BLOOM_FILTER],
  "6.1": [MT.USER_RINGBUF],
  "6.2": [MT.CGRP_STORAGE],
  "6.9": [MT.ARENA],
};
const ATTACH_SINCE: Readonly<Record<string, readonly number[]>> = {
  "4.10": [AT.CGROUP_INET_INGRESS, AT.CGROUP_INET_EGRESS, AT.CGROUP_INET_SOCK_CREATE],
  "4.13": [AT.CGROUP_SOCK_OPS],
  "4.14": [AT.SK_SKB_STREAM_PARSER, AT.SK_SKB_STREAM_VERDICT],
  "4.15": [AT.CGROUP_DEVICE],
  "4.17": [
    AT.SK_MSG_VERDICT,
    AT.CGROUP_INET4_BIND,
    AT.CGROUP_INET6_BIND,
    AT.CGROUP_INET4_CONNECT,
    AT.CGROUP_INET6_CONNECT,
    AT.CGROUP_INET4_POST_BIND,
    AT.CGROUP_INET6_POST_BIND,
  ],
  "4.18": [AT.CGROUP_UDP4_SENDMSG, AT.CGROUP_UDP6_SENDMSG, AT.LIRC_MODE2],
  "4.20": [AT.FLOW_DISSECTOR],
  "5.2": [AT.CGROUP_SYSCTL, AT.CGROUP_UDP4_RECVMSG, AT.CGROUP_UDP6_RECVMSG],
  "5.3": [AT.CGROUP_GETSOCKOPT, AT.CGROUP_SETSOCKOPT],
  "5.5": [AT.TRACE_RAW_TP, AT.TRACE_FENTRY, AT.TRACE_FEXIT],
  "5.7": [AT.MODIFY_RETURN, AT.LSM_MAC],
  "5.8": [
    AT.TRACE_ITER,
    AT.CGROUP_INET4_GETPEERNAME,
    AT.CGROUP_INET6_GETPEERNAME,
    AT.CGROUP_INET4_GETSOCKNAME,
    AT.CGROUP_INET6_GETSOCKNAME,
    AT.XDP_DEVMAP,
  ],
  "5.9": [AT.CGROUP_INET_SOCK_RELEASE, AT.XDP_CPUMAP, AT.SK_LOOKUP, AT.XDP],
  "5.13": [AT.SK_SKB_VERDICT],
  "5.14": [AT.SK_REUSEPORT_SELECT, AT.SK_REUSEPORT_SELECT_OR_MIGRATE],
  "5.15": [AT.PERF_EVENT],
  "5.18": [AT.TRACE_KPROBE_MULTI],
  "6.0": [AT.LSM_CGROUP],
  "6.4": [AT.STRUCT_OPS, AT.NETFILTER],
  "6.6": [AT.TCX_INGRESS, AT.TCX_EGRESS, AT.TRACE_UPROBE_MULTI],
  "6.7": [
    AT.CGROUP_UNIX_CONNECT,
    AT.CGROUP_UNIX_SENDMSG,
    AT.CGROUP_UNIX_RECVMSG,
    AT.CGROUP_UNIX_GETPEERNAME,
    AT.CGROUP_UNIX_GETSOCKNAME,
    AT.NETKIT_PRIMARY,
    AT.NETKIT_PEER,
  ],
  "6.10": [AT.TRACE_KPROBE_SESSION],
  "6.13": [AT.TRACE_UPROBE_SESSION],
};

function finder(byVersion: Readonly<Record<string, readonly number[]>>): (type: number) => string {
  const found = new Map(Object.entries(byVersion).flatMap(([version, types]) => types.map((t) => [t, version] as const)));
  return (type) => found.get(type) ?? "";
}
/** First kernel with the program type, `X.Y`. */
export const progTypeSince = finder(PROG_SINCE);
/** First kernel with the map type, `X.Y`. */
export const mapTypeSince = finder(MAP_SINCE);
/** First kernel with the attach type, `X.Y`. */
export const attachTypeSince = finder(ATTACH_SINCE);
