// Which helper may be given which kind of map (check_map_func_compatibility, 6.18).
import { ATTACH_TYPE as AT, helperById, MAP_TYPE as MT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { EINVAL, type Env } from "../env.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { FUNC as F } from "../prepare/callbacks.ts";

/** Maps that only these helpers take. */
const MAP_ALLOWS: Readonly<Record<number, readonly number[]>> = {
  [MT.PROG_ARRAY]: [F.tail_call],
  [MT.PERF_EVENT_ARRAY]: [F.perf_event_read, F.perf_event_output, F.skb_output, F.perf_event_read_value, F.xdp_output],
  [MT.RINGBUF]: [
    F.ringbuf_output,
    F.ringbuf_reserve,
    F.ringbuf_query,
    F.ringbuf_reserve_dynptr,
    F.ringbuf_submit_dynptr,
    F.ringbuf_discard_dynptr,
  ],
  [MT.USER_RINGBUF]: [F.user_ringbuf_drain],
  [MT.STACK_TRACE]: [F.get_stackid],
  [MT.CGROUP_ARRAY]: [F.skb_under_cgroup, F.current_task_under_cgroup],
  [MT.CGROUP_STORAGE]: [F.get_local_storage],
  [MT.PERCPU_CGROUP_STORAGE]: [F.get_local_storage],
  [MT.DEVMAP]: [F.redirect_map, F.map_lookup_elem],
  [MT.DEVMAP_HASH]: [F.redirect_map, F.map_lookup_elem],
  [MT.CPUMAP]: [F.redirect_map],
  [MT.XSKMAP]: [F.redirect_map, F.map_lookup_elem],
  [MT.ARRAY_OF_MAPS]: [F.map_lookup_elem],
  [MT.HASH_OF_MAPS]: [F.map_lookup_elem],
  [MT.SOCKMAP]: [F.sk_redirect_map, F.sock_map_update, F.msg_redirect_map, F.sk_select_reuseport, F.map_lookup_elem],
  [MT.SOCKHASH]: [F.sk_redirect_hash, F.sock_hash_update, F.msg_redirect_hash, F.sk_select_reuseport, F.map_lookup_elem],
  [MT.REUSEPORT_SOCKARRAY]: [F.sk_select_reuseport],
  [MT.QUEUE]: [F.map_peek_elem, F.map_pop_elem, F.map_push_elem],
  [MT.STACK]: [F.map_peek_elem, F.map_pop_elem, F.map_push_elem],
  [MT.SK_STORAGE]: [F.sk_storage_get, F.sk_storage_delete, F.kptr_xchg],
  [MT.INODE_STORAGE]: [F.inode_storage_get, F.inode_storage_delete, F.kptr_xchg],
  [MT.TASK_STORAGE]: [F.task_storage_get, F.task_storage_delete, F.kptr_xchg],
  [MT.CGRP_STORAGE]: [F.cgrp_storage_get, F.cgrp_storage_delete, F.kptr_xchg],
  [MT.BLOOM_FILTER]: [F.map_peek_elem, F.map_push_elem],
};
const LOCAL: readonly number[] = [MT.CGROUP_STORAGE, MT.PERCPU_CGROUP_STORAGE];
const QUEUES: readonly number[] = [MT.QUEUE, MT.STACK];
/** Helpers that only take these maps. */
const FUNC_ALLOWS: Readonly<Record<number, readonly number[]>> = {
  [F.tail_call]: [MT.PROG_ARRAY],
  [F.perf_event_read]: [MT.PERF_EVENT_ARRAY],
  [F.perf_event_output]: [MT.PERF_EVENT_ARRAY],
  [F.perf_event_read_value]: [MT.PERF_EVENT_ARRAY],
  [F.skb_output]: [MT.PERF_EVENT_ARRAY],
  [F.xdp_output]: [MT.PERF_EVENT_ARRAY],
  [F.ringbuf_output]: [MT.RINGBUF],
  [F.ringbuf_reserve]: [MT.RINGBUF],
  [F.ringbuf_query]: [MT.RINGBUF],
  [F.ringbuf_reserve_dynptr]: [MT.RINGBUF],
  [F.ringbuf_submit_dynptr]: [MT.RINGBUF],
  [F.ringbuf_discard_dynptr]: [MT.RINGBUF],
  [F.user_ringbuf_drain]: [MT.USER_RINGBUF],
  [F.get_stackid]: [MT.STACK_TRACE],
  [F.current_task_under_cgroup]: [MT.CGROUP_ARRAY],
  [F.skb_under_cgroup]: [MT.CGROUP_ARRAY],
  [F.redirect_map]: [MT.DEVMAP, MT.DEVMAP_HASH, MT.CPUMAP, MT.XSKMAP],
  [F.sk_redirect_map]: [MT.SOCKMAP],
  [F.msg_redirect_map]: [MT.SOCKMAP],
  [F.sock_map_update]: [MT.SOCKMAP],
  [F.sk_redirect_hash]: [MT.SOCKHASH],
  [F.msg_redirect_hash]: [MT.SOCKHASH],
  [F.sock_hash_update]: [MT.SOCKHASH],
  [F.get_local_storage]: LOCAL,
  [F.sk_select_reuseport]: [MT.REUSEPORT_SOCKARRAY, MT.SOCKMAP, MT.SOCKHASH],
  [F.map_pop_elem]: QUEUES,
  [F.map_peek_elem]: [...QUEUES, MT.BLOOM_FILTER],
  [F.map_push_elem]: [...QUEUES, MT.BLOOM_FILTER],
  [F.map_lookup_percpu_elem]: [MT.PERCPU_ARRAY, MT.PERCPU_HASH, MT.LRU_PERCPU_HASH],
  [F.sk_storage_get]: [MT.SK_STORAGE],
  [F.sk_storage_delete]: [MT.SK_STORAGE],
  [F.inode_storage_get]: [MT.INODE_STORAGE],
  [F.inode_storage_delete]: [MT.INODE_STORAGE],
  [F.task_storage_get]: [MT.TASK_STORAGE],
  [F.task_storage_delete]: [MT.TASK_STORAGE],
  [F.cgrp_storage_get]: [MT.CGRP_STORAGE],
  [F.cgrp_storage_delete]: [MT.CGRP_STORAGE],
};
const SOCKMAP_WRITERS: ReadonlySet<number> = new Set([
  PT.SOCKET_FILTER,
  PT.SCHED_CLS,
  PT.SCHED_ACT,
  PT.XDP,
  PT.SK_REUSEPORT,
  PT.FLOW_DISSECTOR,
  PT.SK_LOOKUP,
]);

/** may_update_sockmap. */
function mayUpdateSockmap(env: Env, func: number): boolean {
  if (func !== F.map_update_elem && func !== F.map_delete_elem) return false;
  const { type, expectedAttachType } = env.prog;
  if (SOCKMAP_WRITERS.has(type)) return true;
  if (type === PT.TRACING && expectedAttachType === AT.TRACE_ITER) return true;
  if (type === PT.SOCK_OPS && func === F.map_delete_elem) return true;
  env.say("cannot update sockmap in this context\n");
  return false;
}

export function checkMapFunc(env: Env, map: MapInfo | null, func: number): void {
  if (!map) return;
  const mapOk = MAP_ALLOWS[map.type]?.includes(func) ?? true;
  const sock = map.type === MT.SOCKMAP || map.type === MT.SOCKHASH;
  const funcOk = FUNC_ALLOWS[func]?.includes(map.type) ?? true;
  if ((mapOk || (sock && mayUpdateSockmap(env, func))) && funcOk) return;
  env.fail("map-func", EINVAL, `cannot pass map_type ${map.type} into func ${helperById(func)?.name ?? "unknown"}#${func}`);
}
