// Flags that BPF_MAP_CREATE takes and errors of operations, by type of map, on Linux 6.18. Data and our own words only; it creates nothing.

const ACCESS = "BPF_F_RDONLY BPF_F_WRONLY",
  ACCESS_PROG = `${ACCESS} BPF_F_RDONLY_PROG BPF_F_WRONLY_PROG`,
  NODE = "BPF_F_NUMA_NODE",
  DESCRIPTORS = `${NODE} ${ACCESS}`,
  STORAGE = "BPF_F_NO_PREALLOC BPF_F_CLONE";

/** Flags by lower-case name of enum bpf_map_type; each is taken where what it needs is given too. */
export const MAP_FLAGS: Readonly<Record<string, string>> = {
  hash: `BPF_F_NO_PREALLOC ${NODE} ${ACCESS_PROG} BPF_F_ZERO_SEED`,
  array: `${NODE} ${ACCESS_PROG} BPF_F_MMAPABLE BPF_F_INNER_MAP`,
  prog_array: DESCRIPTORS,
  perf_event_array: `${DESCRIPTORS} BPF_F_PRESERVE_ELEMS`,
  percpu_hash: `BPF_F_NO_PREALLOC ${ACCESS_PROG} BPF_F_ZERO_SEED`,
  percpu_array: ACCESS_PROG,
  stack_trace: `${DESCRIPTORS} BPF_F_STACK_BUILD_ID`,
  cgroup_array: DESCRIPTORS,
  lru_hash: `BPF_F_NO_COMMON_LRU ${NODE} ${ACCESS_PROG} BPF_F_ZERO_SEED`,
  lru_percpu_hash: `BPF_F_NO_COMMON_LRU ${ACCESS_PROG} BPF_F_ZERO_SEED`,
  lpm_trie: `BPF_F_NO_PREALLOC ${NODE} ${ACCESS_PROG}`,
  array_of_maps: DESCRIPTORS,
  hash_of_maps: `BPF_F_NO_PREALLOC ${NODE} ${ACCESS_PROG} BPF_F_ZERO_SEED`,
  devmap: DESCRIPTORS,
  sockmap: DESCRIPTORS,
  cpumap: NODE,
  xskmap: DESCRIPTORS,
  sockhash: DESCRIPTORS,
  cgroup_storage: `${NODE} ${ACCESS_PROG}`,
  reuseport_sockarray: `${NODE} ${ACCESS_PROG}`,
  percpu_cgroup_storage: `${NODE} ${ACCESS_PROG}`,
  queue: `${NODE} ${ACCESS_PROG}`,
  stack: `${NODE} ${ACCESS_PROG}`,
  sk_storage: STORAGE,
  devmap_hash: DESCRIPTORS,
  struct_ops: "BPF_F_LINK BPF_F_VTYPE_BTF_OBJ_FD",
  ringbuf: NODE,
  inode_storage: STORAGE,
  task_storage: STORAGE,
  bloom_filter: `${NODE} BPF_F_ZERO_SEED ${ACCESS_PROG}`,
  user_ringbuf: NODE,
  cgrp_storage: STORAGE,
  arena: "BPF_F_MMAPABLE BPF_F_SEGV_ON_FAULT BPF_F_NO_USER_CONV",
};

/** Operations of bpf(2) and the errors that each returns, as `operation ERRNO ...` joined by `; `; {@link MAP_ERROR_REASONS} says when. */
export const MAP_OPERATION_ERRORS: Readonly<Record<string, string>> = {
  array: "lookup ENOENT EINVAL; update EPERM E2BIG EEXIST EINVAL; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  percpu_array:
    "lookup ENOENT EINVAL; update EPERM E2BIG EEXIST EINVAL; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  hash: "lookup ENOENT EINVAL; update EPERM ENOENT E2BIG EEXIST EINVAL ENOMEM; delete EPERM ENOENT; next ENOENT; take ENOENT EINVAL; freeze EPERM",
  percpu_hash:
    "lookup ENOENT EINVAL; update EPERM ENOENT E2BIG EEXIST EINVAL ENOMEM; delete EPERM ENOENT; next ENOENT; take ENOENT EINVAL; freeze EPERM",
  lru_hash:
    "lookup ENOENT EINVAL; update EPERM ENOENT EEXIST EINVAL ENOMEM; delete EPERM ENOENT; next ENOENT; take ENOENT EINVAL; freeze EPERM",
  lru_percpu_hash:
    "lookup ENOENT EINVAL; update EPERM ENOENT EEXIST EINVAL ENOMEM; delete EPERM ENOENT; next ENOENT; take ENOENT EINVAL; freeze EPERM",
  lpm_trie:
    "lookup ENOENT EINVAL; update EPERM ENOENT EEXIST EINVAL ENOSPC ENOMEM; delete EPERM ENOENT EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  queue: "lookup ENOENT EINVAL; update EPERM E2BIG EINVAL; delete EPERM EINVAL; next EINVAL; take ENOENT EINVAL; freeze EPERM",
  stack: "lookup ENOENT EINVAL; update EPERM E2BIG EINVAL; delete EPERM EINVAL; next EINVAL; take ENOENT EINVAL; freeze EPERM",
  devmap:
    "lookup ENOENT EINVAL; update EPERM E2BIG EEXIST EINVAL ENOMEM; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  devmap_hash:
    "lookup ENOENT EINVAL; update EPERM E2BIG EEXIST EINVAL ENOMEM; delete EPERM ENOENT; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  cpumap:
    "lookup ENOENT EINVAL; update EPERM E2BIG EEXIST EINVAL EOVERFLOW ENOMEM; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  prog_array:
    "lookup ENOENT EINVAL; update EPERM E2BIG EBADF EINVAL; delete EPERM ENOENT E2BIG; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  perf_event_array:
    "lookup EINVAL ENOTSUPP; update EPERM E2BIG EBADF EINVAL; delete EPERM ENOENT E2BIG; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  cgroup_array:
    "lookup EINVAL ENOTSUPP; update EPERM E2BIG EBADF EINVAL; delete EPERM ENOENT E2BIG; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  xskmap:
    "lookup EINVAL EOPNOTSUPP; update EPERM E2BIG EBADF EINVAL EOPNOTSUPP; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  sockmap:
    "lookup ENOENT EINVAL ENOSPC; update EPERM ENOENT E2BIG EBADF EEXIST EINVAL EOPNOTSUPP; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  sockhash:
    "lookup ENOENT EINVAL ENOSPC; update EPERM ENOENT E2BIG EBADF EEXIST EINVAL EOPNOTSUPP; delete EPERM ENOENT; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  reuseport_sockarray:
    "lookup ENOENT EINVAL ENOSPC; update EPERM E2BIG EBADF EINVAL EOPNOTSUPP; delete EPERM ENOENT E2BIG; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  array_of_maps:
    "lookup ENOENT EINVAL; update EPERM E2BIG EBADF EINVAL; delete EPERM ENOENT E2BIG; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  hash_of_maps:
    "lookup ENOENT EINVAL; update EPERM ENOENT E2BIG EBADF EEXIST EINVAL; delete EPERM ENOENT; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  stack_trace: "lookup ENOENT EINVAL; update EPERM EINVAL; delete EPERM ENOENT E2BIG; next ENOENT; take ENOENT EINVAL; freeze EPERM",
  sk_storage:
    "lookup ENOENT EBADF EINVAL ENOTSOCK; update EPERM ENOENT EBADF EEXIST EINVAL ENOTSOCK ENOMEM; delete EPERM ENOENT EBADF ENOTSOCK; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  task_storage:
    "lookup ENOENT EBADF EINVAL; update EPERM ENOENT EBADF EEXIST EINVAL ENOMEM; delete EPERM ENOENT EBADF; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  inode_storage:
    "lookup ENOENT EBADF EINVAL; update EPERM ENOENT EBADF EEXIST EINVAL ENOMEM; delete EPERM ENOENT EBADF; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  cgrp_storage:
    "lookup ENOENT EBADF EINVAL; update EPERM ENOENT EBADF EEXIST EINVAL ENOMEM; delete EPERM ENOENT EBADF; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  cgroup_storage:
    "lookup ENOENT EINVAL; update EPERM ENOENT EINVAL ENOMEM; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  percpu_cgroup_storage:
    "lookup ENOENT EINVAL; update EPERM ENOENT EINVAL; delete EPERM EINVAL; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  struct_ops:
    "lookup ENOENT EINVAL; update EPERM EBADF EBUSY EINVAL E2BIG ENOMEM; delete EPERM ENOENT EINPROGRESS EOPNOTSUPP; next ENOENT; take EINVAL ENOTSUPP; freeze EPERM",
  ringbuf: "lookup EINVAL ENOTSUPP; update EPERM EINVAL ENOTSUPP; delete EPERM ENOTSUPP; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  user_ringbuf:
    "lookup EINVAL ENOTSUPP; update EPERM EINVAL ENOTSUPP; delete EPERM ENOTSUPP; next ENOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  bloom_filter: "lookup ENOENT EINVAL; update EPERM EINVAL; delete EPERM EOPNOTSUPP; next EOPNOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
  arena: "lookup EINVAL; update EPERM EINVAL EOPNOTSUPP; delete EPERM EOPNOTSUPP; next EOPNOTSUPP; take EINVAL ENOTSUPP; freeze EPERM",
};

/** When an operation returns an error, whatever the type. */
export const MAP_ERROR_REASONS: Readonly<Record<string, string>> = {
  "lookup ENOENT": "the map holds nothing under the key",
  "lookup EINVAL": "flags are unknown, the type has no lock in its values, or there is nothing to look up by",
  "lookup ENOTSUPP": "user space cannot read this type",
  "lookup EOPNOTSUPP": "user space cannot read this type",
  "lookup ENOSPC": "values are 4 bytes, and a socket's cookie needs 8",
  "lookup EBADF": "the key is no descriptor that is open, or of another kind of object",
  "lookup ENOTSOCK": "the key is a descriptor of something else than a socket",
  "update EPERM": "the map is frozen, or was made read-only for user space",
  "update ENOENT": "BPF_EXIST is asked and the key is not there, or what the key names does not exist",
  "update E2BIG": "the map is full, or the index is behind the end",
  "update EEXIST": "BPF_NOEXIST is asked and the key is there; array elements always are",
  "update EINVAL": "flags are unknown or none that the type takes, or the value is not one that it can hold",
  "update ENOMEM": "no memory for an element",
  "update ENOSPC": "the trie holds as many prefixes as it may",
  "update EOVERFLOW": "the queue of a CPU is longer than 16,384",
  "update EBADF": "value or key is no descriptor that is open, or of another kind of object",
  "update EOPNOTSUPP": "the type takes no such value: a socket of another family, protocol or state, or no values at all",
  "update ENOTSUPP": "user space cannot write this type",
  "update ENOTSOCK": "the key is a descriptor of something else than a socket",
  "update EBUSY": "the map has been given its programs already",
  "delete EPERM": "the map is frozen, or was made read-only for user space",
  "delete ENOENT": "the map holds nothing under the key",
  "delete EINVAL": "elements of this type are not deleted, or the key is out of range",
  "delete E2BIG": "the index is behind the end",
  "delete EBADF": "the key is no descriptor that is open, or of another kind of object",
  "delete ENOTSOCK": "the key is a descriptor of something else than a socket",
  "delete EOPNOTSUPP": "nothing is deleted from this type, or the map belongs to a link",
  "delete ENOTSUPP": "nothing is deleted from this type",
  "delete EINPROGRESS": "the operations are being taken back already",
  "next ENOENT": "the key was the last, or the map is empty",
  "next EINVAL": "the type has no keys",
  "next EOPNOTSUPP": "the type has no keys",
  "next ENOTSUPP": "keys of this type cannot be listed",
  "take ENOENT": "the map holds nothing under the key",
  "take EINVAL": "flags are unknown, or the type takes none",
  "take ENOTSUPP": "the type cannot look up and delete in one step",
  "freeze EPERM": "the map is frozen already, or user space may not write it",
};
