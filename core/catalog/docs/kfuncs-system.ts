// Kfuncs about tasks, cgroups, CPUs, files, locks and iteration, in our own words. Texts only.
const ITER = "Use it through `bpf_for_each` or with an iterator on the stack.";

export const KFUNCS_SYSTEM: Readonly<Record<string, string>> = {
  bpf_task_acquire: "Takes a reference to a task, so that it may be kept in a map. NULL when the task is going away already.",
  bpf_task_release: "Gives a reference to a task back. Every acquired task must come here or into a map.",
  bpf_task_from_pid: "The task with a pid of the initial namespace, with a reference. NULL when there is none; release it afterwards.",
  bpf_task_from_vpid: "The task with a pid as the current task's namespace counts. NULL when that namespace knows none.",
  bpf_task_get_cgroup1:
    "The task's cgroup in a hierarchy of version 1, by the hierarchy's id, with a reference. NULL when there is no such hierarchy.",
  bpf_task_under_cgroup: "Whether a task is in a cgroup or below it. It asks the hierarchy of version 2.",
  bpf_send_signal_task:
    "Sends a signal with a value to a task or its process (`PIDTYPE_PID`, `PIDTYPE_TGID`). `-EPERM` for init, `-EINVAL` for a number that is no signal.",
  bpf_task_work_schedule_signal_impl:
    "Lets a function of the program run in the context of a task, as soon as it can be interrupted there. The state lies in a `struct bpf_task_work` in a map's value; `-EBUSY` when one is under way.",
  bpf_task_work_schedule_resume_impl:
    "As the one with `signal`, but waits until the task goes back to user space by itself. The callback may sleep.",
  bpf_get_task_exe_file: "The file that a task executes, with a reference. NULL for kernel threads; give it back with `bpf_put_file`.",
  bpf_put_file: "Gives a reference to a file back. It pairs with `bpf_get_task_exe_file`.",
  bpf_path_d_path:
    "Writes the path of a `struct path` as text, in LSM programs. The answer is the length with NUL; `-ENAMETOOLONG` when the buffer is too small.",
  bpf_get_file_xattr:
    "Reads an extended attribute of a file into a dynptr. Only names with `user.` and `security.bpf.`; the answer is the length.",
  bpf_get_dentry_xattr:
    "Reads an extended attribute by a directory entry into a dynptr. `-ENODATA` when it is not set, `-ERANGE` when the dynptr is too small.",
  bpf_set_dentry_xattr:
    "Sets an extended attribute whose name begins with `security.bpf.`. `XATTR_CREATE` and `XATTR_REPLACE` ask that it is new or there.",
  bpf_remove_dentry_xattr: "Removes an extended attribute whose name begins with `security.bpf.`. Others are refused with `-EPERM`.",
  bpf_cgroup_read_xattr: "Reads an extended attribute of a cgroup's directory into a dynptr. Only names with `user.` may be read.",
  bpf_lookup_user_key:
    "Finds a key by serial number among those that the current task may see, with a reference. NULL when it may not; release it with `bpf_key_put`.",
  bpf_lookup_system_key:
    "One of the system's keyrings by number: built-in, secondary or platform. No reference is counted, but `bpf_key_put` must be called all the same.",
  bpf_key_put: "Gives a key back. Every key of the two look-ups must come here.",

  bpf_cgroup_acquire: "Takes a reference to a cgroup, so that it may be kept in a map. NULL when the cgroup is being removed.",
  bpf_cgroup_release: "Gives a reference to a cgroup back. Every acquired cgroup must come here or into a map.",
  bpf_cgroup_from_id: "The cgroup with an id, which is the inode number of its directory, with a reference. NULL when there is none.",
  bpf_cgroup_ancestor: "The cgroup above another one at a level; level 0 is the root. NULL when it does not lie that deep.",
  css_rstat_updated:
    "Notes that a cgroup's statistics of a CPU have changed, so that the next flush looks there. For programs that keep statistics by cgroup.",
  css_rstat_flush: "Brings a cgroup's statistics up to date by walking those that changed. It may sleep.",

  bpf_cpumask_create: "Makes an empty set of CPUs with a reference. NULL when there is no memory.",
  bpf_cpumask_acquire: "Takes another reference to a set of CPUs that programs made. Release each one.",
  bpf_cpumask_release: "Gives a reference to a set of CPUs back. The last one frees it.",
  bpf_cpumask_first: "The lowest CPU of a set. When the set is empty, the number of possible CPUs.",
  bpf_cpumask_first_zero: "The lowest CPU that is not in a set. When all are in, the number of possible CPUs.",
  bpf_cpumask_first_and: "The lowest CPU that is in both sets. When they have none in common, the number of possible CPUs.",
  bpf_cpumask_set_cpu: "Adds a CPU to a set. Numbers beyond the possible CPUs change nothing.",
  bpf_cpumask_clear_cpu: "Takes a CPU out of a set. Numbers beyond the possible CPUs change nothing.",
  bpf_cpumask_test_cpu: "Whether a CPU is in a set. It answers no for numbers beyond the possible CPUs.",
  bpf_cpumask_test_and_set_cpu:
    "Adds a CPU to a set in one step and says whether it was there before. Two CPUs that race see one yes and one no.",
  bpf_cpumask_test_and_clear_cpu: "Takes a CPU out of a set in one step and says whether it was there. Use it to claim a CPU.",
  bpf_cpumask_setall: "Puts all CPUs into a set. `bpf_cpumask_full` is true afterwards.",
  bpf_cpumask_clear: "Empties a set. It keeps its reference count.",
  bpf_cpumask_and: "Makes the first set the intersection of two others. It says whether anything is left.",
  bpf_cpumask_or: "Makes the first set the union of two others. Operands and result may be the same set.",
  bpf_cpumask_xor: "Makes the first set those CPUs that are in exactly one of two others. Operands and result may be the same set.",
  bpf_cpumask_equal: "Whether two sets hold the same CPUs. Only possible CPUs are compared.",
  bpf_cpumask_intersects: "Whether two sets have a CPU in common. It changes neither.",
  bpf_cpumask_subset: "Whether all CPUs of the first set are in the second. The empty set is part of every other.",
  bpf_cpumask_empty: "Whether no CPU is in a set. It also takes sets of the kernel, such as a task's `cpus_ptr`.",
  bpf_cpumask_full: "Whether all possible CPUs are in a set. It also takes sets of the kernel.",
  bpf_cpumask_copy: "Makes a set equal to another one. The source may be a set of the kernel.",
  bpf_cpumask_any_distribute:
    "A CPU of a set, another one with each call, so that work is spread. For an empty set the number of possible CPUs or more.",
  bpf_cpumask_any_and_distribute:
    "A CPU that is in both sets, another one with each call. When there is none, the number of possible CPUs or more.",
  bpf_cpumask_weight: "How many CPUs are in a set. It also takes sets of the kernel.",
  bpf_cpumask_populate: "Fills a set from bits in memory. `-EACCES` when the memory is shorter than a set of the possible CPUs.",

  bpf_iter_num_new: `Begins to count from \`start\` to \`end\` - 1. ${ITER} \`-E2BIG\` for more than 8 million steps, \`-EINVAL\` when \`end\` lies before \`start\`.`,
  bpf_iter_num_next: "The next number, by pointer, or NULL at the end. The verifier knows that the loop ends.",
  bpf_iter_num_destroy: "Ends a count. It must be called on every way out of the loop.",
  bpf_iter_bits_new:
    "Begins to walk over the bits that are set in up to 511 words of memory. The bits are copied at the start; `-EFAULT` when they cannot be read.",
  bpf_iter_bits_next: "The number of the next bit that is set, by pointer, or NULL. Bit 0 is the lowest of the first word.",
  bpf_iter_bits_destroy: "Ends a walk over bits. It frees the copy.",
  bpf_iter_task_new:
    "Begins to walk over processes, all threads, or the threads of one process, by `flags`. Needs RCU: call `bpf_rcu_read_lock` before, unless the program runs under it.",
  bpf_iter_task_next: "The next task, or NULL. It is good while the RCU section lasts; acquire it to keep it.",
  bpf_iter_task_destroy: "Ends a walk over tasks. It must be called on every way out of the loop.",
  bpf_iter_task_vma_new:
    "Begins to walk over the mappings of a task from an address on. It holds the address space's lock: `-EBUSY` when that is taken.",
  bpf_iter_task_vma_next: "The next `struct vm_area_struct` of the task, or NULL. Addresses ascend.",
  bpf_iter_task_vma_destroy: "Ends a walk over mappings. It lets go of the address space's lock.",
  bpf_iter_css_new: "Begins to walk over cgroups: below one (parents first or last), or up to the root, by `flags`. Needs an RCU section.",
  bpf_iter_css_next: "The next `struct cgroup_subsys_state`, or NULL. Its member `cgroup` leads to the cgroup.",
  bpf_iter_css_destroy: "Ends a walk over cgroups. It must be called on every way out of the loop.",
  bpf_iter_css_task_new:
    "Begins to walk over the tasks of a cgroup, all threads or processes only by `flags`. Only LSM programs and sleepable iterators may.",
  bpf_iter_css_task_next: "The next task of the cgroup, or NULL. It holds a reference until the following step.",
  bpf_iter_css_task_destroy: "Ends a walk over the tasks of a cgroup. It gives the last reference back.",
  bpf_iter_kmem_cache_new: "Begins to walk over the kernel's slab caches. It may sleep.",
  bpf_iter_kmem_cache_next: "The next slab cache, or NULL. Its name and object size can be read.",
  bpf_iter_kmem_cache_destroy: "Ends a walk over slab caches. It gives the last reference back.",
  bpf_iter_dmabuf_new: "Begins to walk over the DMA buffers that are shared between devices. It may sleep.",
  bpf_iter_dmabuf_next: "The next DMA buffer, or NULL. It holds a reference until the following step.",
  bpf_iter_dmabuf_destroy: "Ends a walk over DMA buffers. It must be called on every way out of the loop.",

  bpf_rcu_read_lock:
    "Begins an RCU section, in which pointers that RCU protects stay good. Sleepable programs need it; others run in one already.",
  bpf_rcu_read_unlock: "Ends an RCU section. Pointers that were only good inside become untrusted.",
  bpf_preempt_disable: "Keeps the task on its CPU until `bpf_preempt_enable`. Calls nest, and nothing that sleeps may be called between.",
  bpf_preempt_enable: "Ends what `bpf_preempt_disable` began. Every way out of the program must come here.",
  bpf_local_irq_save: "Turns interrupts of this CPU off and keeps the old state in a word on the stack. Restore it in the opposite order.",
  bpf_local_irq_restore: "Puts interrupts back to the state that `bpf_local_irq_save` kept. The verifier matches the two.",
  bpf_res_spin_lock:
    "Takes a lock that can fail: `-EDEADLK` when this CPU holds it or a circle is found, `-ETIMEDOUT` when it takes too long. Programs must handle the failure, but may hold several locks.",
  bpf_res_spin_unlock: "Releases a resilient lock. The verifier asks that locks are released in the opposite order.",
  bpf_res_spin_lock_irqsave: "As `bpf_res_spin_lock`, with interrupts off while it is held. The old state goes into a word on the stack.",
  bpf_res_spin_unlock_irqrestore: "Releases a resilient lock and puts interrupts back. It takes the word that the lock's call filled.",
  bpf_wq_init: "Prepares a `struct bpf_wq` in a map's value. `-EBUSY` when it has been prepared before; `flags` must be 0.",
  bpf_wq_set_callback_impl: "Sets the function of the program that a work queue runs. Unlike a timer's callback it may sleep.",
  bpf_wq_start: "Lets the work queue's function run soon, in a kernel thread. `-EINVAL` when no callback was set.",
  bpf_throw:
    "Ends the program at once, out of any depth of calls. Its exception callback runs with the cookie, or else the cookie is the result. References and locks must not be held.",
  bpf_session_is_return: "Whether a session probe runs at the function's return. The first of its two runs, at entry, answers no.",
  bpf_session_cookie: "A word that entry and return run of a session probe share, by pointer. Keep a time stamp in it to measure a call.",
  bpf_stream_vprintk_impl:
    "Prints to the standard output or error stream of the program, which `bpftool` shows. Formats are those of `bpf_trace_printk` with an array of arguments.",
  bpf_fentry_test1:
    "A function of the kernel's own tests: its argument plus one. Tracing programs attach to it; calling it has no other use.",
  bpf_modify_return_test:
    "A function of the kernel's own tests, for programs that change what it returns. By itself it answers `a` + 1 and adds to `*b`.",
  bpf_modify_return_test2: "Like `bpf_modify_return_test`, with seven arguments of many sizes. It checks that trampolines pass them all.",
  bpf_modify_return_test_tp: "Runs a tracepoint of the kernel's own tests. It answers its argument.",
  bpf_kfunc_call_test_release:
    "Gives back a reference of the kernel's own test object. It exists to test how the verifier counts references.",
  bpf_kfunc_call_memb_release:
    "Gives back a reference of a member of the kernel's own test object. Programs outside the tests have nothing to give it.",
  __bpf_trap: "What compilers call where control must not come. A program that reaches it is rejected, with a hint at undefined behaviour.",
};
