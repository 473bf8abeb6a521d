// Which helpers and kernel functions no test program of this folder calls. The list may only get shorter; it judges no results.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { helperById, HELPERS, KFUNCS } from "../../core/catalog/index.ts";
import { SIMULATED } from "../../core/kernel/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { CASES } from "./cases/index.ts";
import { inputOf } from "./run-cases.ts";

const folder = import.meta.dirname;
const texts = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((f) => f.endsWith(".ts") && !f.endsWith("called.test.ts"))
  .map((f) => readFileSync(join(folder, f), "utf8"))
  .join("\n");
const CALLED = new Set([...texts.matchAll(/\bk?call\(?"? ?(\w+)/g)].map((m) => m[1]!));
// The cases of runs put names together: their instructions say what they call.
for (const { code, src, imm } of CASES.flatMap((c) => inputOf(c).insns)) {
  if (code !== 0x85) continue;
  const name = src === 2 ? kernelBtf()!.type(imm).name : src === 0 ? helperById(imm)?.name : undefined;
  if (name) CALLED.add(name);
}
const uncalled = (names: readonly string[]): string[] => names.filter((n) => SIMULATED.has(n) && !CALLED.has(n)).sort();

/** Called by no test program whose text names them; names that a test of hooks puts together from pieces are not seen. */
const NO_HELPER_TEST: readonly string[] =
  "bpf_bprm_opts_set bpf_cgrp_storage_delete bpf_cgrp_storage_get bpf_copy_from_user bpf_copy_from_user_task bpf_get_current_comm bpf_get_current_pid_tgid bpf_get_current_task bpf_get_current_uid_gid bpf_get_func_arg bpf_get_func_arg_cnt bpf_get_func_ip bpf_get_func_ret bpf_get_prandom_u32 bpf_get_smp_processor_id bpf_getsockopt bpf_ima_file_hash bpf_ima_inode_hash bpf_inode_storage_delete bpf_jiffies64 bpf_ktime_get_boot_ns bpf_ktime_get_coarse_ns bpf_ktime_get_ns bpf_ktime_get_tai_ns bpf_msg_apply_bytes bpf_msg_cork_bytes bpf_msg_pop_data bpf_msg_pull_data bpf_msg_push_data bpf_msg_redirect_hash bpf_override_return bpf_perf_prog_read_value bpf_probe_read bpf_probe_read_str bpf_probe_read_user_str bpf_probe_write_user bpf_read_branch_records bpf_ringbuf_submit bpf_send_signal bpf_send_signal_thread bpf_seq_printf bpf_seq_printf_btf bpf_seq_write bpf_setsockopt bpf_sk_redirect_hash bpf_sk_redirect_map bpf_skb_output bpf_sock_from_file bpf_sock_hash_update bpf_sysctl_get_current_value bpf_sysctl_get_name bpf_sysctl_get_new_value bpf_tcp_send_ack bpf_trace_printk bpf_trace_vprintk bpf_xdp_output".split(
    " ",
  );
const NO_KFUNC_TEST: readonly string[] =
  "__bpf_trap bpf_cgroup_acquire bpf_cgroup_read_xattr bpf_copy_from_user_dynptr bpf_copy_from_user_str bpf_copy_from_user_str_dynptr bpf_copy_from_user_task_dynptr bpf_copy_from_user_task_str bpf_copy_from_user_task_str_dynptr bpf_cpumask_acquire bpf_crypto_ctx_acquire bpf_crypto_decrypt bpf_crypto_encrypt bpf_ct_set_nat_info bpf_fentry_test1 bpf_get_dentry_xattr bpf_get_file_xattr bpf_get_kmem_cache bpf_get_task_exe_file bpf_iter_css_destroy bpf_iter_css_new bpf_iter_css_next bpf_iter_css_task_destroy bpf_iter_css_task_new bpf_iter_css_task_next bpf_iter_dmabuf_destroy bpf_iter_dmabuf_new bpf_iter_dmabuf_next bpf_iter_kmem_cache_destroy bpf_iter_kmem_cache_new bpf_iter_kmem_cache_next bpf_iter_task_vma_destroy bpf_iter_task_vma_new bpf_iter_task_vma_next bpf_key_put bpf_kfunc_call_memb_release bpf_kfunc_call_test_release bpf_lookup_system_key bpf_lookup_user_key bpf_modify_return_test bpf_modify_return_test2 bpf_modify_return_test_tp bpf_path_d_path bpf_put_file bpf_rdonly_cast bpf_remove_dentry_xattr bpf_send_signal_task bpf_session_cookie bpf_session_is_return bpf_set_dentry_xattr bpf_sk_assign_tcp_reqsk bpf_skb_ct_alloc bpf_skb_ct_lookup bpf_sock_addr_set_sun_path bpf_sock_destroy bpf_sock_ops_enable_tx_tstamp bpf_stream_vprintk_impl bpf_task_acquire bpf_task_from_vpid bpf_task_get_cgroup1 bpf_task_under_cgroup bpf_task_work_schedule_resume_impl bpf_task_work_schedule_signal_impl bpf_xdp_ct_alloc bpf_xdp_get_xfrm_state bpf_xdp_xfrm_state_release css_rstat_flush css_rstat_updated tcp_cong_avoid_ai".split(
    " ",
  );

it("every simulated helper is called by a test program, but for those on the list", () => {
  expect(uncalled(HELPERS.map((h) => h.name))).toEqual(NO_HELPER_TEST);
});
it("every simulated kernel function is called by a test program, but for those on the list", () => {
  expect(uncalled(KFUNCS.map((k) => k.name))).toEqual(NO_KFUNC_TEST);
});
