// Which kernel functions and LSM hooks tracing and LSM programs may name as their target, where BTF does not say it. Names only.
// Facts of kernel/bpf/verifier.c, kernel/bpf/bpf_lsm.c and of the users of ALLOW_ERROR_INJECTION (Linux 6.18; 6.12 for the list of hooks).

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** LSM hooks that a sleepable program may implement (sleepable_lsm_hooks), without `bpf_lsm_`. */
export const SLEEPABLE_LSM_HOOKS: ReadonlySet<string> = words(
  "bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_load bpf_token_capable bpf_token_cmd bpf_token_create bpf_token_free " +
    "bprm_check_security bprm_committed_creds bprm_committing_creds bprm_creds_for_exec bprm_creds_from_file capget capset cred_prepare " +
    "current_getlsmprop_subj file_ioctl file_lock file_open file_post_open file_receive inode_create inode_free_security inode_getattr " +
    "inode_getxattr inode_mknod inode_need_killpriv inode_post_setxattr inode_readlink inode_rename inode_rmdir inode_setattr inode_setxattr " +
    "inode_symlink inode_unlink kernel_module_request kernel_read_file kernfs_init_security mmap_file netlink_send path_chmod path_chown " +
    "path_link path_mkdir path_notify path_rename path_rmdir path_symlink path_truncate path_unlink release_secctx sb_alloc_security " +
    "sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options sb_statfs sb_umount settime socket_accept socket_bind " +
    "socket_connect socket_create socket_getpeername socket_getpeersec_dgram socket_getsockname socket_getsockopt socket_listen " +
    "socket_post_create socket_recvmsg socket_sendmsg socket_shutdown socket_socketpair syslog task_alloc task_getlsmprop_obj task_prctl " +
    "task_setscheduler userns_create",
);
/** LSM hooks that no program may implement (bpf_lsm_disabled_hooks), without `bpf_lsm_`. */
export const DISABLED_LSM_HOOKS: ReadonlySet<string> = words(
  "audit_rule_match getprocattr getselfattr inode_copy_up_xattr inode_getsecurity inode_listsecurity inode_need_killpriv ismaclabel " +
    "key_getsecurity setprocattr vm_enough_memory xfrm_decode_session",
);
/** Hooks of which it is not known whether sleepable programs may implement them: they came after the list was read. */
export const RECENT_LSM_HOOKS: ReadonlySet<string> = words(
  "cred_getlsmprop inode_file_getattr inode_file_setattr ipc_getlsmprop lsmprop_to_secctx uring_allowed",
);
/** Functions named like hooks that are none. */
export const NO_LSM_HOOKS: ReadonlySet<string> = words(
  "find_cgroup_shim func_proto get_retval_range has_d_inode_locked hook_returns_errno init is_sleepable_hook is_trusted verify_prog",
);
/** Functions that no tracing program may attach to (btf_id_deny). */
export const TRACING_DENIED: ReadonlySet<string> = words(
  "migrate_disable migrate_enable rcu_read_unlock_strict preempt_count_add preempt_count_sub __rcu_read_lock __rcu_read_unlock",
);
/** Functions that do not return, which fexit and fmod_ret refuse (noreturn_deny). */
export const NORETURN: ReadonlySet<string> = words(
  "__ia32_sys_exit __ia32_sys_exit_group __kunit_abort kunit_try_catch_throw __module_put_and_kthread_exit __x64_sys_exit " +
    "__x64_sys_exit_group do_exit do_group_exit kthread_complete_and_exit kthread_exit make_task_dead",
);
/** Functions that fmod_ret may change by their own leave (fmodret sets); true when sleepable programs may attach too. */
export const MODIFY_RETURN: ReadonlyMap<string, boolean> = new Map([
  ["bpf_modify_return_test", false],
  ["bpf_modify_return_test2", false],
  ["bpf_modify_return_test_tp", false],
  ["bpf_fentry_test1", true],
]);
/** Functions of the error-injection list that may be called where nobody can sleep (btf_non_sleepable_error_inject). */
export const INJECTABLE_ATOMIC: ReadonlySet<string> = words("__filemap_add_folio should_fail_alloc_page should_failslab");
const INJECTABLE: ReadonlySet<string> = words(
  "__filemap_add_folio should_fail_alloc_page should_failslab should_fail_bio page_pool_alloc_netmems page_pool_alloc_pages open_ctree io_ctl_init " +
    "btrfs_should_cancel_balance btrfs_search_slot btrfs_cow_block btrfs_check_node btrfs_check_leaf mtd_write mtd_read mtd_erase " +
    "mtd_block_markbad bpf_testmod_test_write bpf_testmod_test_read guc_wait_ucode ssh_rtl_should_drop_response ssh_ptl_should_fail_write " +
    "ssh_ptl_should_drop_nak_packet ssh_ptl_should_drop_dsq_packet ssh_ptl_should_drop_ack_packet ssh_ptl_should_corrupt_tx_data " +
    "ssh_ptl_should_corrupt_rx_syn ssh_ptl_should_corrupt_rx_data",
);
/** Entry points of system calls on the architectures that wrap them. */
const SYSCALL = /^(__(x64|ia32|arm64|arm64_compat|riscv|riscv_compat|s390|s390x|s390_compat)_)?(compat_)?sys_\w+$/;
/** Whether a function is on the error-injection list of a kernel that is built with one (CONFIG_FUNCTION_ERROR_INJECTION). */
export const injectable = (name: string): boolean => INJECTABLE.has(name) || SYSCALL.test(name);
