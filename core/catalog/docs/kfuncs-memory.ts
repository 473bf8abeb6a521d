// Kfuncs on memory: dynptrs, objects, lists, trees, arenas, text, in our own words. Texts only.
export const KFUNCS_MEMORY: Readonly<Record<string, string>> = {
  bpf_dynptr_adjust:
    "Narrows a dynptr to the bytes from `start` to `end` of what it shows now. It can only shrink: `-EINVAL` when the borders are in the wrong order or the dynptr is null, `-ERANGE` when they lie outside.",
  bpf_dynptr_clone:
    "Makes a second dynptr over the same bytes, with the same offset, size and read-only mark. Moving one does not move the other; a null dynptr gives a null clone and `-EINVAL`.",
  bpf_dynptr_copy:
    "Copies `size` bytes from one dynptr to another, of whatever kinds they are. Both ranges must lie inside (`-E2BIG`), and the destination must be writable (`-EINVAL`).",
  bpf_dynptr_from_skb:
    "Makes a dynptr over a whole packet, fragments included. It stays good when the packet's pointers are invalidated, so that parsers need no bounds checks of their own. It is read-only where the program type may not write to packets.",
  bpf_dynptr_from_skb_meta: "Makes a dynptr over the metadata that an XDP program put before the packet. Its size is 0 when there is none.",
  bpf_dynptr_from_xdp:
    "Makes a dynptr over a whole XDP buffer, fragments included. `flags` must be 0, else the dynptr is null and the answer `-EINVAL`.",
  bpf_dynptr_is_null:
    "Whether a dynptr has no memory, as after a failed `bpf_dynptr_from_mem`. Reads and writes of such a one fail with `-EINVAL`.",
  bpf_dynptr_is_rdonly: "Whether a dynptr may only be read. A null dynptr answers no.",
  bpf_dynptr_memset:
    "Sets `size` bytes of a dynptr from `offset` on to one value. It works across fragments of packets; a range outside is `-E2BIG`.",
  bpf_dynptr_size: "How many bytes a dynptr shows, after all adjustments. A null one answers `-EINVAL`.",
  bpf_dynptr_slice:
    "A pointer to `buffer__szk` bytes at an offset of a dynptr, to read. Where the bytes lie in one piece it points at them, else they are copied into the buffer that you pass; NULL when they do not fit. Check the answer, and use it instead of the buffer.",
  bpf_dynptr_slice_rdwr:
    "As `bpf_dynptr_slice`, for writing. When the answer is your buffer, the packet has not changed yet: write it back with `bpf_dynptr_write`. NULL for read-only dynptrs.",
  bpf_probe_read_kernel_dynptr:
    "Reads `len` bytes of kernel memory that may not be there into a dynptr. The length may be one that the verifier does not know; on failure the range is cleared.",
  bpf_probe_read_user_dynptr:
    "Reads `len` bytes of user memory into a dynptr, without sleeping. Memory that is paged out counts as missing (`-EFAULT`).",
  bpf_probe_read_kernel_str_dynptr:
    "Reads text of kernel memory into a dynptr, up to its NUL or `len`. The answer is the length with the NUL.",
  bpf_probe_read_user_str_dynptr:
    "Reads text of user memory into a dynptr, up to its NUL or `len`. It does not sleep, so that text on a page that is not in memory is `-EFAULT`.",
  bpf_copy_from_user_dynptr: "Reads user memory into a dynptr and may wait for pages to come in. Only sleepable programs may call it.",
  bpf_copy_from_user_str_dynptr: "Reads text of user memory into a dynptr and may sleep for it. The answer counts the NUL.",
  bpf_copy_from_user_task_dynptr:
    "Reads memory of another task's address space into a dynptr. It may sleep, and fails with `-EFAULT` when the task has no such page.",
  bpf_copy_from_user_task_str_dynptr:
    "Reads text from another task's address space into a dynptr. It ends at the NUL or at `len`, and counts the NUL.",
  bpf_copy_from_user_str:
    "Reads text of user memory into a buffer and may sleep for it; the answer is the length with NUL. With `BPF_F_PAD_ZEROS` the rest of the buffer is cleared.",
  bpf_copy_from_user_task_str:
    "Reads text of another task into a buffer. Like `bpf_copy_from_user_str` it may sleep and can clear the rest of the buffer.",

  bpf_obj_new_impl:
    "Allocates an object of a structure of the program, zeroed, with its special fields made ready. Call it through the macro `bpf_obj_new(type)`; NULL when there is no memory. The object must be dropped, or given to a map, list or tree.",
  bpf_obj_drop_impl:
    "Gives an object back, through the macro `bpf_obj_drop`. With a `bpf_refcount` inside, only the last owner's drop frees it.",
  bpf_percpu_obj_new_impl:
    "Allocates an object with an instance for each CPU, through `bpf_percpu_obj_new`. `bpf_this_cpu_ptr` and `bpf_per_cpu_ptr` lead to the instances.",
  bpf_percpu_obj_drop_impl:
    "Frees a per-CPU object, through `bpf_percpu_obj_drop`. It takes the pointer that `bpf_percpu_obj_new` gave, not that of an instance.",
  bpf_refcount_acquire_impl:
    "Makes a second owning reference to an object with a `bpf_refcount`, through `bpf_refcount_acquire`. Use it to have an object in a tree and a list at once; each reference must be dropped.",
  bpf_list_push_front_impl:
    "Puts an object at the front of a list, which must be done under the list's lock. The list owns it from then on. An object that is in a list already is dropped, with `-EINVAL`.",
  bpf_list_push_back_impl: "Puts an object at the end of a list, under its lock. What was said of `bpf_list_push_front` holds here too.",
  bpf_list_pop_front:
    "Takes the first object out of a list and hands it to the program, or gives NULL. The pointer is to the node: go back to the object with `container_of`.",
  bpf_list_pop_back: "Takes the last object out of a list and hands it to the program, or gives NULL. The lock must be held.",
  bpf_list_front: "Looks at the first node of a list without taking it out. The reference is good while the lock is held.",
  bpf_list_back: "Looks at the last node of a list without taking it out. NULL when the list is empty.",
  bpf_rbtree_add_impl:
    "Puts an object into a red-black tree, under its lock, in the order that the callback `less` defines. Objects that compare equal go behind those that are there. One that is in a tree already is dropped, with `-EINVAL`.",
  bpf_rbtree_first: "The node with the smallest key of a tree, or NULL. It stays in the tree; remove it to own it.",
  bpf_rbtree_remove:
    "Takes a node out of its tree and hands the object to the program. NULL when the node is in no tree, or in another one.",
  bpf_rbtree_root: "The node at the top of a tree, from where a program can search by itself. NULL for an empty tree.",
  bpf_rbtree_left: "The node below a node to the left, which has a smaller key, or NULL. Only while the tree's lock is held.",
  bpf_rbtree_right: "The node below a node to the right, whose key is not smaller, or NULL. Only while the tree's lock is held.",
  bpf_arena_alloc_pages:
    "Takes pages of an arena, zeroed, anywhere or at a given address. NULL when there is no room. User space sees the same pages at the same addresses.",
  bpf_arena_free_pages: "Gives pages of an arena back. Pointers to them must not be used any more; in the kernel such reads give 0.",
  bpf_arena_reserve_pages: "Keeps pages of an arena from being handed out, as guards around others. `-EBUSY` when some are in use.",
  bpf_cast_to_kern_ctx:
    "The kernel's own structure behind a program's context: `struct sk_buff` for `__sk_buff`, `struct xdp_buff` for `xdp_md`. Its fields can be read as typed memory, not written.",
  bpf_rdonly_cast:
    "Treats any pointer as one to a kernel type that you name, for reading. The kernel checks nothing: reads of wrong addresses give 0.",
  bpf_map_sum_elem_count: "How many elements a map holds, summed over CPUs. Only for maps that keep that count, such as hash maps.",
  bpf_get_kmem_cache:
    "The slab cache that an address was allocated from, or NULL. Useful for telling what kind of object a pointer leads to.",

  bpf_strcmp:
    "Compares two texts: 0 when equal, -1 or 1 by the first difference. It reads memory that may not be there and answers `-EFAULT` then.",
  bpf_strcasecmp: "Compares two texts as if all letters of ASCII were small. The answers are those of `bpf_strcmp`.",
  bpf_strchr:
    "Index of the first occurrence of a character in a text. `-ENOENT` when there is none; the NUL at the end counts as a character.",
  bpf_strchrnul: "Index of a character in a text, or of its end when the character is not there. It never answers `-ENOENT`.",
  bpf_strnchr: "Index of a character within the first `count` characters of a text. `-ENOENT` when it is not among them.",
  bpf_strrchr: "Index of the last occurrence of a character in a text. `-ENOENT` when there is none.",
  bpf_strlen: "Length of a text without its NUL. `-E2BIG` when no NUL comes within 64 KB.",
  bpf_strnlen: "Length of a text, at most `count`. The NUL is not counted.",
  bpf_strspn: "How many characters at the start of a text are all among those of a second text. A text of other characters answers 0.",
  bpf_strcspn:
    "How many characters at the start of a text are none of those of a second text. Without any of them it is the text's length.",
  bpf_strstr: "Index of a text inside another one. An empty text is found at 0; `-ENOENT` when it is not there.",
  bpf_strnstr: "Index of a text within the first `len` characters of another one. It must lie inside them as a whole.",
};
