// The kernel version that brought each kfunc, where it is on record. Facts only.

/** `X.Y` and the kfuncs that came with it, in alphabetical order. */
const BY_VERSION: Readonly<Record<string, string>> = {
  "5.13":
    "bbr_cwnd_event bbr_init bbr_main bbr_min_tso_segs bbr_set_state bbr_sndbuf_expand bbr_ssthresh bbr_undo_cwnd cubictcp_acked cubictcp_cong_avoid cubictcp_cwnd_event cubictcp_init cubictcp_recalc_ssthresh cubictcp_state tcp_cong_avoid_ai tcp_reno_cong_avoid tcp_reno_ssthresh tcp_reno_undo_cwnd tcp_slow_start",
  "5.18": "bpf_ct_release bpf_skb_ct_lookup bpf_xdp_ct_lookup",

  "6.0":
    "bpf_ct_change_status bpf_ct_change_timeout bpf_ct_insert_entry bpf_ct_set_status bpf_ct_set_timeout bpf_skb_ct_alloc bpf_xdp_ct_alloc",
  "6.1": "bpf_ct_set_nat_info bpf_key_put bpf_lookup_system_key bpf_lookup_user_key",
  "6.2":
    "bpf_cast_to_kern_ctx bpf_cgroup_acquire bpf_cgroup_ancestor bpf_cgroup_release bpf_list_pop_back bpf_list_pop_front bpf_obj_drop_impl bpf_obj_new_impl bpf_rcu_read_lock bpf_rcu_read_unlock bpf_rdonly_cast bpf_task_acquire bpf_task_from_pid bpf_task_release",
  "6.3":
    "bpf_cpumask_acquire bpf_cpumask_and bpf_cpumask_clear bpf_cpumask_clear_cpu bpf_cpumask_copy bpf_cpumask_create bpf_cpumask_empty bpf_cpumask_equal bpf_cpumask_first bpf_cpumask_first_zero bpf_cpumask_full bpf_cpumask_intersects bpf_cpumask_or bpf_cpumask_release bpf_cpumask_set_cpu bpf_cpumask_setall bpf_cpumask_subset bpf_cpumask_test_and_clear_cpu bpf_cpumask_test_and_set_cpu bpf_cpumask_test_cpu bpf_cpumask_xor bpf_rbtree_first bpf_rbtree_remove bpf_xdp_metadata_rx_hash bpf_xdp_metadata_rx_timestamp",
  "6.4":
    "bpf_cgroup_from_id bpf_dynptr_from_skb bpf_dynptr_from_xdp bpf_dynptr_slice bpf_dynptr_slice_rdwr bpf_iter_num_destroy bpf_iter_num_new bpf_iter_num_next bpf_list_push_back_impl bpf_list_push_front_impl bpf_rbtree_add_impl bpf_refcount_acquire_impl",
  "6.5":
    "bpf_cpumask_any_and_distribute bpf_cpumask_any_distribute bpf_cpumask_first_and bpf_dynptr_adjust bpf_dynptr_clone bpf_dynptr_is_null bpf_dynptr_is_rdonly bpf_dynptr_size bpf_sock_destroy bpf_task_under_cgroup",
  "6.6": "bpf_map_sum_elem_count",
  "6.7":
    "bpf_iter_css_destroy bpf_iter_css_new bpf_iter_css_next bpf_iter_css_task_destroy bpf_iter_css_task_new bpf_iter_css_task_next bpf_iter_task_destroy bpf_iter_task_new bpf_iter_task_next bpf_iter_task_vma_destroy bpf_iter_task_vma_new bpf_iter_task_vma_next bpf_percpu_obj_drop_impl bpf_percpu_obj_new_impl bpf_sock_addr_set_sun_path bpf_throw",
  "6.8":
    "bpf_cpumask_weight bpf_get_file_xattr bpf_task_get_cgroup1 bpf_xdp_get_xfrm_state bpf_xdp_metadata_rx_vlan_tag bpf_xdp_xfrm_state_release",
  "6.9": "bpf_arena_alloc_pages bpf_arena_free_pages",
  "6.10":
    "bpf_crypto_ctx_acquire bpf_crypto_ctx_create bpf_crypto_ctx_release bpf_crypto_decrypt bpf_crypto_encrypt bpf_preempt_disable bpf_preempt_enable bpf_session_cookie bpf_session_is_return bpf_wq_init bpf_wq_set_callback_impl bpf_wq_start",
  "6.11": "bpf_iter_bits_destroy bpf_iter_bits_new bpf_iter_bits_next bpf_sk_assign_tcp_reqsk",
  "6.12": "bpf_copy_from_user_str bpf_get_dentry_xattr bpf_get_task_exe_file bpf_path_d_path bpf_put_file bpf_strnlen",
  "6.13":
    "bpf_get_kmem_cache bpf_iter_kmem_cache_destroy bpf_iter_kmem_cache_new bpf_iter_kmem_cache_next bpf_send_signal_task bpf_task_from_vpid",
  "6.14": "bpf_local_irq_restore bpf_local_irq_save",
  "6.15":
    "bpf_copy_from_user_task_str bpf_cpumask_populate bpf_dynptr_copy bpf_remove_dentry_xattr bpf_res_spin_lock bpf_res_spin_lock_irqsave bpf_res_spin_unlock bpf_res_spin_unlock_irqrestore bpf_set_dentry_xattr bpf_sock_ops_enable_tx_tstamp",
  "6.16":
    "__bpf_trap bpf_copy_from_user_dynptr bpf_copy_from_user_str_dynptr bpf_copy_from_user_task_dynptr bpf_copy_from_user_task_str_dynptr bpf_iter_dmabuf_destroy bpf_iter_dmabuf_new bpf_iter_dmabuf_next bpf_list_back bpf_list_front bpf_probe_read_kernel_dynptr bpf_probe_read_kernel_str_dynptr bpf_probe_read_user_dynptr bpf_probe_read_user_str_dynptr bpf_rbtree_left bpf_rbtree_right bpf_rbtree_root css_rstat_flush css_rstat_updated",
  "6.17":
    "bpf_arena_reserve_pages bpf_cgroup_read_xattr bpf_dynptr_memset bpf_strchr bpf_strchrnul bpf_strcmp bpf_strcspn bpf_stream_vprintk_impl bpf_strlen bpf_strnchr bpf_strnstr bpf_strrchr bpf_strspn bpf_strstr",
  "6.18": "bpf_dynptr_from_skb_meta bpf_strcasecmp bpf_task_work_schedule_resume_impl bpf_task_work_schedule_signal_impl bpf_xdp_pull_data",
};
const SINCE = new Map(Object.entries(BY_VERSION).flatMap(([version, names]) => names.split(" ").map((name) => [name, version] as const)));

/** First kernel with the kfunc, `X.Y`; undefined for those that are there for the kernel's own tests. */
export const kfuncSince = (name: string): string | undefined => SINCE.get(name);
