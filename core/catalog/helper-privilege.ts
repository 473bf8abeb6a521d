// Which capability the kernel asks loaders for before it lets their programs call a helper. Facts only.
import { PROG_TYPE as PT } from "./generated/enums.ts";
import { helperByName } from "./helpers.ts";

const ids = (names: string): ReadonlySet<number> => new Set(names.split(" ").map((n) => helperByName(n)!.id));

/** bpf_base_func_proto behind its question for CAP_BPF (kernel/bpf/helpers.c, 6.18). */
const NEEDS_BPF = ids(
  "spin_lock spin_unlock jiffies64 per_cpu_ptr this_cpu_ptr timer_init timer_set_callback timer_start timer_cancel kptr_xchg for_each_map_elem loop " +
    "user_ringbuf_drain ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_from_mem dynptr_read dynptr_write dynptr_data " +
    "cgrp_storage_get cgrp_storage_delete get_current_cgroup_id get_current_ancestor_cgroup_id current_task_under_cgroup get_cgroup_classid " +
    "task_storage_get task_storage_delete",
);
/** Behind its question for CAP_PERFMON, and those of syscall_prog_func_proto and bpf_tracing_func_proto (there CAP_SYS_ADMIN). */
const NEEDS_PERFMON = ids(
  "trace_printk get_current_task get_current_task_btf get_current_comm probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str " +
    "copy_from_user copy_from_user_task snprintf_btf snprintf task_pt_regs trace_vprintk perf_event_read_value perf_event_read send_signal " +
    "send_signal_thread get_task_stack get_branch_snapshot find_vma sys_bpf probe_write_user",
);
/** CAP_PERFMON is asked for in bpf_sk_base_func_proto, but not in tracing_prog_func_proto, which BPF_PROG_TYPE_SYSCALL asks first. */
const SOCKET_CASTS = ids(
  "skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock",
);

/**
 * The capability without which programs of this type may not call helper `id`, undefined when none is asked for. Of types that
 * need CAP_PERFMON themselves it may name that where their own functions would not ask.
 */
export function helperCapability(id: number, progType: number): "bpf" | "perfmon" | undefined {
  if (SOCKET_CASTS.has(id)) return progType === PT.SYSCALL ? undefined : "perfmon";
  if (NEEDS_BPF.has(id)) return "bpf";
  return NEEDS_PERFMON.has(id) ? "perfmon" : undefined;
}
