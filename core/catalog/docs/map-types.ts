// Map types in our own words. Texts only.

/** By lower-case name of enum bpf_map_type. */
export const MAP_TYPE_DOCS: Readonly<Record<string, string>> = {
  hash: "Key to value, any fixed sizes, in no order. Entries are allocated beforehand unless `BPF_F_NO_PREALLOC` is set. A full map refuses new keys with `-E2BIG`.",
  array:
    "Values by index from 0 to `max_entries - 1`; keys are 32-bit. All elements exist from the start, zeroed, and cannot be deleted. Global variables live in such maps.",
  prog_array: "Programs by index, for `bpf_tail_call`. User space fills it; programs cannot read it.",
  perf_event_array: "Perf events by CPU, for `bpf_perf_event_output` and for reading counters. One buffer a CPU, each with its own order.",
  percpu_hash:
    "A hash map with a value for each CPU under every key: programs need no atomics, user space adds up. Values are rounded up to 8 bytes.",
  percpu_array: "An array with a value for each CPU in every element. Also the usual place for data too large for the stack.",
  stack_trace:
    "Stack traces by a number that `bpf_get_stackid` hands out. Values are arrays of addresses; user space reads and deletes them.",
  cgroup_array:
    "Cgroups by index, to ask whether a task or a packet's socket belongs to one. User space fills it with descriptors of cgroup directories.",
  lru_hash:
    "A hash map that makes room when it is full by dropping entries that have not been used for long. Which one goes is only roughly the oldest. With `BPF_F_NO_COMMON_LRU` each CPU has its own list.",
  lru_percpu_hash: "An LRU hash map with a value for each CPU under every key. Values of all CPUs go when the entry is dropped.",
  lpm_trie:
    "Longest-prefix match: keys are a 32-bit prefix length and the bytes in network order, as for routes. Needs `BPF_F_NO_PREALLOC`.",
  array_of_maps:
    "Maps by index, all like the inner map that was given when it was made. A look-up answers the inner map, for further look-ups.",
  hash_of_maps:
    "Maps by key, all like the inner map that was given when it was made. User space writes descriptors and reads ids; programs can look up, but not replace inner maps.",
  devmap: "Network devices by index, for `bpf_redirect_map` in XDP. A value may also hold a program that runs before the packet leaves.",
  sockmap: "Sockets by index. Programs attached to it see their data and can pass it to other sockets of the map.",
  cpumap:
    "CPUs by index, for `bpf_redirect_map` in XDP: the packet goes on there. The value is the queue's length, and may hold a program that runs on that CPU.",
  xskmap:
    "AF_XDP sockets by index, for `bpf_redirect_map` in XDP: the packet goes to user space without the network stack. The socket must be bound to the queue that the packet came in on.",
  sockhash: "Sockets by key; otherwise like a sockmap. Take it where sockets are found by address and port instead of by a number.",
  cgroup_storage: "A value for each cgroup and attachment. Superseded by `cgrp_storage`, which any program can use.",
  reuseport_sockarray:
    "Sockets of a reuseport group by index, for `bpf_sk_select_reuseport`. Only sockets of the same reuseport group can be chosen.",
  percpu_cgroup_storage: "A value for each cgroup, attachment and CPU. Superseded by `cgrp_storage`.",
  queue: "Values without keys, first in, first out: push, pop and peek. `key_size` is 0.",
  stack: "Values without keys, last in, first out: push, pop and peek. `key_size` is 0.",
  sk_storage: "A value for each socket, which goes with the socket. Needs `BPF_F_NO_PREALLOC`, 32-bit keys, `max_entries` 0 and BTF.",
  devmap_hash: "Network devices by any 32-bit key; otherwise like a devmap. Take it when interface numbers are large or far apart.",
  struct_ops:
    "Implements a structure of function pointers of the kernel, such as a TCP congestion control, by BPF programs. libbpf makes it from a variable in `.struct_ops`. Each member of the structure is a program of its own, whose arguments and result are those of the function pointer.",
  ringbuf:
    "One buffer for records to user space, shared by all CPUs and in order. `max_entries` is its size in bytes, a power of two and a multiple of the page size.",
  inode_storage: "A value for each inode in memory, which goes with it. Needs `BPF_F_NO_PREALLOC`, 32-bit keys, `max_entries` 0 and BTF.",
  task_storage: "A value for each thread, which goes with it. Needs `BPF_F_NO_PREALLOC`, 32-bit keys, `max_entries` 0 and BTF.",
  bloom_filter:
    'A set that can say "perhaps" and "certainly not": push adds, peek asks. Nothing can be removed. The low bits of `map_extra` are the number of hash functions.',
  user_ringbuf:
    "A ring buffer in the other direction: user space writes, `bpf_user_ringbuf_drain` reads. Programs see each record as a dynptr that they cannot write.",
  cgrp_storage: "A value for each cgroup, which goes with it. Needs `BPF_F_NO_PREALLOC`, 32-bit keys, `max_entries` 0 and BTF.",
  arena:
    "Memory shared by the program and user space, up to 4 GB, with ordinary pointers in it. `max_entries` counts pages; needs `BPF_F_MMAPABLE`.",
};
