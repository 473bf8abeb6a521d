// Which calls run a function of the program, at once or later. Facts only (6.18).
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_KFUNC_CALL, type Insn } from "../../isa/index.ts";
import type { Env } from "../env.ts";

/** enum bpf_func_id of the helpers that the verifier treats in a way of their own. */
export const FUNC = {
  map_lookup_elem: 1,
  setsockopt: 49,
  getsockopt: 57,
  map_update_elem: 2,
  map_delete_elem: 3,
  probe_read: 4,
  get_smp_processor_id: 8,
  tail_call: 12,
  perf_event_read: 22,
  redirect: 23,
  perf_event_output: 25,
  get_stackid: 27,
  get_current_task: 35,
  probe_read_str: 45,
  perf_event_read_value: 55,
  redirect_map: 51,
  skb_under_cgroup: 33,
  current_task_under_cgroup: 37,
  sk_redirect_map: 52,
  sock_map_update: 53,
  get_stack: 67,
  sock_hash_update: 70,
  msg_redirect_hash: 71,
  sk_redirect_hash: 72,
  msg_redirect_map: 60,
  get_local_storage: 81,
  sk_select_reuseport: 82,
  sk_lookup_tcp: 84,
  sk_lookup_udp: 85,
  sk_release: 86,
  map_push_elem: 87,
  map_pop_elem: 88,
  map_peek_elem: 89,
  spin_lock: 93,
  spin_unlock: 94,
  sk_fullsock: 95,
  tcp_sock: 96,
  skc_lookup_tcp: 99,
  sk_storage_get: 107,
  sk_storage_delete: 108,
  skb_output: 111,
  probe_read_user_str: 114,
  probe_read_kernel_str: 115,
  xdp_output: 121,
  ringbuf_output: 130,
  ringbuf_reserve: 131,
  ringbuf_submit: 132,
  ringbuf_discard: 133,
  ringbuf_query: 134,
  skc_to_tcp6_sock: 136,
  skc_to_tcp_sock: 137,
  skc_to_tcp_timewait_sock: 138,
  skc_to_tcp_request_sock: 139,
  skc_to_udp6_sock: 140,
  get_task_stack: 141,
  inode_storage_get: 145,
  inode_storage_delete: 146,
  d_path: 147,
  per_cpu_ptr: 153,
  this_cpu_ptr: 154,
  task_storage_get: 156,
  task_storage_delete: 157,
  get_current_task_btf: 158,
  for_each_map_elem: 164,
  snprintf: 165,
  timer_init: 169,
  timer_set_callback: 170,
  get_func_ip: 173,
  find_vma: 180,
  loop: 181,
  set_retval: 187,
  kptr_xchg: 194,
  map_lookup_percpu_elem: 195,
  skc_to_mptcp_sock: 196,
  dynptr_from_mem: 197,
  ringbuf_reserve_dynptr: 198,
  ringbuf_submit_dynptr: 199,
  ringbuf_discard_dynptr: 200,
  dynptr_read: 201,
  dynptr_write: 202,
  dynptr_data: 203,
  user_ringbuf_drain: 209,
  cgrp_storage_get: 210,
  cgrp_storage_delete: 211,
} as const;

const SYNC_HELPERS: ReadonlySet<number> = new Set([FUNC.for_each_map_elem, FUNC.find_vma, FUNC.loop, FUNC.user_ringbuf_drain]);
const SYNC_KFUNCS = new Set(["bpf_rbtree_add_impl"]);
const ASYNC_KFUNCS = new Set([
  "bpf_wq_set_callback_impl",
  "bpf_task_work_schedule_signal",
  "bpf_task_work_schedule_resume",
  "bpf_task_work_schedule_signal_impl",
  "bpf_task_work_schedule_resume_impl",
]);

const isCall = (insn: Insn): boolean => insn.code === (BPF_JMP | BPF_CALL);
export const isHelperCall = (insn: Insn): boolean => isCall(insn) && insn.src === 0;
export const isKfuncCall = (insn: Insn): boolean => isCall(insn) && insn.src === BPF_PSEUDO_KFUNC_CALL;

/** The callback runs during the call, any number of times. */
export function isSyncCallbackCall(env: Env, insn: Insn): boolean {
  if (isHelperCall(insn)) return SYNC_HELPERS.has(insn.imm);
  return isKfuncCall(insn) && insn.off === 0 && SYNC_KFUNCS.has(env.kfuncs.name(insn.imm) ?? "");
}
/** The callback runs later, on its own. */
export function isAsyncCallbackCall(env: Env, insn: Insn): boolean {
  if (isHelperCall(insn)) return insn.imm === FUNC.timer_set_callback;
  return isKfuncCall(insn) && insn.off === 0 && ASYNC_KFUNCS.has(env.kfuncs.name(insn.imm) ?? "");
}

/** Helpers after which packet pointers are stale (bpf_helper_changes_pkt_data, net/core/filter.c, 6.18). */
const CHANGES_PKT_DATA: ReadonlySet<number> = new Set([
  9, 10, 11, 12, 13, 18, 19, 31, 38, 39, 43, 44, 50, 54, 63, 65, 73, 74, 75, 76, 90, 91, 143,
]);
export const changesPktData = (helper: number): boolean => CHANGES_PKT_DATA.has(helper);
