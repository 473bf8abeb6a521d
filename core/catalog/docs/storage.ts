// Helpers for storage that hangs on kernel objects, in our own words. Texts only.
export const STORAGE: Readonly<Record<string, string>> = {
  get_local_storage:
    "Memory that belongs to the cgroup (or cgroup and attach type) that the program runs for, from a cgroup-storage map. It is always there, so no NULL check is needed. `flags` must be 0. All CPUs share it unless the map is the per-CPU kind. New programs rather use `bpf_cgrp_storage_get`.",
  sk_storage_get:
    "The value that a socket-storage map keeps for a socket, or NULL. With `BPF_SK_STORAGE_GET_F_CREATE` a missing one is made, from `value` if that is given, else zeroed. It lives as long as the socket and needs no clean-up.",
  sk_storage_delete: "Removes the value that a socket-storage map keeps for a socket. Returns `-ENOENT` when there is none.",
  inode_storage_get:
    "The value that an inode-storage map keeps for a file's inode, or NULL. With `BPF_LOCAL_STORAGE_GET_F_CREATE` a missing one is made. It goes when the inode leaves memory, so it does not survive a reboot or memory pressure.",
  inode_storage_delete: "Removes the value that an inode-storage map keeps for an inode. Returns `-ENOENT` when there is none.",
  task_storage_get:
    "The value that a task-storage map keeps for a thread, or NULL. With `BPF_LOCAL_STORAGE_GET_F_CREATE` a missing one is made. Compared with a hash map by thread id it is faster and cleans up after itself.",
  task_storage_delete: "Removes the value that a task-storage map keeps for a thread. Returns `-ENOENT` when there is none.",
  cgrp_storage_get:
    "The value that a cgroup-storage map keeps for a cgroup, or NULL. With `BPF_LOCAL_STORAGE_GET_F_CREATE` a missing one is made. It goes with the cgroup.",
  cgrp_storage_delete: "Removes the value that a cgroup-storage map keeps for a cgroup. Returns `-ENOENT` when there is none.",
  kptr_xchg:
    "Puts a pointer into a field of a map value (or of an allocated object) that is declared as a kernel pointer, and hands back what was there before, in one atomic step. What comes out belongs to the program: check it for NULL and release it. What goes in belongs to the map, which releases it when the entry goes; NULL empties the field.",
};
