// Helpers on maps, in our own words. Texts only.
export const MAP: Readonly<Record<string, string>> = {
  map_lookup_elem:
    "Finds the value that belongs to a key. The result points into the map itself, so writing through it changes the map, and it is NULL when there is no such key: compare it with NULL before use, even for arrays, whose elements always exist within `max_entries`. Several CPUs may use the same value at once; use atomics, a spin lock or a per-CPU map where that matters.",
  map_update_elem:
    "Stores a copy of a value under a key. `flags` is `BPF_ANY` (create or replace), `BPF_NOEXIST` (only create) or `BPF_EXIST` (only replace), with `BPF_F_LOCK` added for values that hold a spin lock. Returns 0, or a negative errno: `-E2BIG` when the map is full, `-EEXIST` or `-ENOENT` when the flag does not fit. Key and value must lie on the stack, in a map or in the packet, completely initialised.",
  map_delete_elem:
    "Removes the entry of a key. Returns 0, or `-ENOENT` when the map has no such key. Entries of arrays cannot be removed: that answers `-EINVAL`.",
  map_push_elem:
    "Adds a value to a queue, a stack or a Bloom filter; these maps have no keys. With `BPF_EXIST` a full queue or stack drops its oldest element to make room; otherwise the call fails with `-E2BIG`.",
  map_pop_elem:
    "Takes the next value out of a queue (the oldest) or a stack (the newest) and copies it to `value`. Returns `-ENOENT`, with `value` zeroed, when there is none.",
  map_peek_elem:
    "Copies the value that a pop would take, and leaves it there. On a Bloom filter it asks whether the value in `value` may have been added: 0 means perhaps, `-ENOENT` means certainly not.",
  for_each_map_elem:
    "Calls a function of this program for every entry of a map. The callback gets the map, the key, the value and `callback_ctx`; it returns 0 to go on and 1 to stop. The result is the number of entries visited, or a negative errno. `flags` must be 0. For hash maps entries that others add or remove meanwhile may or may not be seen.",
  map_lookup_percpu_elem:
    "Like `bpf_map_lookup_elem` for a per-CPU map, but for the CPU given as `cpu` instead of the one that the program runs on. Returns NULL when the key or the CPU does not exist.",
};
