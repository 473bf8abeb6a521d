// Helpers for tracing and for reading memory, in our own words. Texts only.
export const TRACE: Readonly<Record<string, string>> = {
  probe_read:
    "Copies memory from any address, kernel or user, where the architecture lets one address mean only one of them. A bad address gives `-EFAULT` and a zeroed buffer instead of a crash. New programs use `bpf_probe_read_kernel` or `bpf_probe_read_user`, which say what is meant.",
  probe_read_str:
    "Copies text that ends with a zero from any address. New programs use `bpf_probe_read_kernel_str` or `bpf_probe_read_user_str`.",
  probe_read_kernel:
    "Copies `size` bytes from a kernel address. A bad address gives `-EFAULT` and a zeroed buffer. For fields of kernel structures prefer `BPF_CORE_READ`, which adapts the offsets to the running kernel.",
  probe_read_user:
    "Copies `size` bytes from an address of the current process. It cannot wait for pages that are not in memory: then it gives `-EFAULT` and a zeroed buffer.",
  probe_read_kernel_str:
    "Copies text from a kernel address up to its zero or until `size` bytes are full; the copy always ends with a zero. Returns the length with the zero, or a negative errno.",
  probe_read_user_str:
    "Copies text from an address of the current process up to its zero or until `size` bytes are full; the copy always ends with a zero. Returns the length with the zero, or a negative errno.",
  probe_write_user:
    "Writes to memory of the current process. It is meant for experiments: it can break the process, logs a warning when such a program is loaded, and is refused when the kernel is locked down.",
  copy_from_user:
    "Copies from memory of the current process and waits for pages that must first be loaded. Only sleepable programs may call it.",
  copy_from_user_task:
    "Copies from memory of another task, waiting for pages where needed. Only sleepable programs may call it. When it cannot copy all, the buffer is zeroed and a negative errno returned. `flags` must be 0.",
  perf_event_output:
    "Sends a record to user space through a perf event array. `flags` holds the index in its lower 32 bits, or `BPF_F_CURRENT_CPU`; for packets the bits from 32 on say how many packet bytes are appended. Each CPU has its own buffer and its own order; a ring buffer is often the better choice today.",
  perf_event_read:
    "Reads a hardware or software counter out of a perf event array. A negative errno looks like a counter value, so use `bpf_perf_event_read_value`, which separates the two.",
  perf_event_read_value:
    "Reads a counter of a perf event array together with the times that it was enabled and running, into `struct bpf_perf_event_value`. The ratio of the two times says how far to trust a counter that had to share the hardware.",
  perf_prog_read_value:
    "Reads the counter whose overflow started this program, with its enabled and running times. The buffer must be exactly a `struct bpf_perf_event_value`, else it is cleared and `-EINVAL` comes back.",
  get_stackid:
    "Walks the stack of the current task and answers a number for it in a stack-trace map, for counting stacks. `flags` holds how many frames to skip (0 to 255), `BPF_F_USER_STACK` for the user's part, `BPF_F_FAST_STACK_CMP` to compare by hash only, `BPF_F_REUSE_STACKID` to replace on a collision; without the latter a collision gives `-EEXIST`.",
  get_stack:
    "Copies the addresses of the stack of the current task into a buffer, kernel part or, with `BPF_F_USER_STACK`, user part. `flags` also holds how many frames to skip; `BPF_F_USER_BUILD_ID` gives build ids and offsets instead of addresses. Returns the number of bytes.",
  get_task_stack:
    "Like `bpf_get_stack` for any task, usually in an iterator over tasks. The user part of a task that is not the current one cannot be had.",
  override_return:
    "Makes the probed function return `rc` at once without running. Only functions that the kernel marks for error injection can be overridden, and the kernel must be built for it.",
  send_signal:
    "Sends a signal to the process of the current task; which of its threads takes it is open. Returns `-EBUSY` when too many are waiting to be sent, `-EINVAL` for a signal that does not exist.",
  send_signal_thread:
    "Sends a signal to the current thread. `bpf_send_signal` lets the kernel choose among the threads of the process; this one does not.",
  skb_output:
    "`bpf_perf_event_output` for tracing programs that hold a `struct sk_buff *`: bytes of that packet can be appended. The context is the packet's pointer here, not the program's own context.",
  xdp_output:
    "`bpf_perf_event_output` for tracing programs that hold a `struct xdp_buff *`: bytes of that packet can be appended. The context is the buffer's pointer here, not the program's own context.",
  read_branch_records:
    "Copies the branch records that the processor took with a perf sample. With `BPF_F_GET_BRANCH_RECORDS_SIZE` it answers how many bytes there are. Returns `-ENOENT` where the processor has none.",
  get_branch_snapshot:
    "Copies the processor's last branch records as they are now, so call it early: the program's own branches push the interesting ones out. `flags` must be 0.",
  get_func_ip:
    "Address of the function that the program traces. In kretprobes and in programs on many functions it is the entry of the function that fired.",
  get_attach_cookie:
    "The 64-bit number that user space gave when it attached the program: one program can so tell its attachments apart. 0 when none was given.",
  get_func_arg:
    "Copies argument `n` of the traced function, counted from 0, as 64 bits to `value`. Returns `-EINVAL` when it has fewer arguments.",
  get_func_ret:
    "Copies the return value of the traced function to `value`. Only programs that run at its exit have one; others get `-EOPNOTSUPP`.",
  get_func_arg_cnt: "How many arguments the traced function has. Together with `bpf_get_func_arg` one program can serve many functions.",
  find_vma:
    "Finds the memory area of a task that holds an address and calls a function of this program with the task, the area and `callback_ctx`. Returns `-ENOENT` when there is none and `-EBUSY` when the areas are just being changed. `flags` must be 0.",
  sys_bpf:
    "Runs a command of the bpf system call from a program of type syscall. Only the commands that a loader program needs are allowed.",
  btf_find_by_name_kind:
    "Finds a type by name and kind in the BTF of the kernel and its modules, for loader programs. The result holds the type id and, in its upper half, the descriptor of the module's BTF.",
  sys_close:
    "Closes a file descriptor, in a program of type syscall. The loader programs that libbpf generates use it to clean up after a failure.",
  kallsyms_lookup_name:
    "Address of a kernel symbol, for loader programs. `name_sz` counts the closing zero; `flags` must be 0. Returns `-ENOENT` when there is none and `-EPERM` when addresses are hidden from the caller.",
};
