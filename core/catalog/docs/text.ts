// Helpers for text, formatting and files under /proc/sys, in our own words. Texts only.
export const TEXT: Readonly<Record<string, string>> = {
  trace_printk:
    "Prints a line to the kernel's trace pipe, for debugging only: all programs share the pipe, and it is slow. The format knows `%d %i %u %x %ld %lld %p %s` and a few of the kernel's own, with at most three values; libbpf's `bpf_printk` wraps it. Returns the number of bytes written or a negative errno.",
  trace_vprintk:
    "Like `bpf_trace_printk`, for more than three values: they are passed as an array of 64-bit numbers with its length in bytes. libbpf's `bpf_printk` chooses it by itself.",
  snprintf:
    "Formats text into a buffer. `fmt` must be a constant string in a read-only map, `data` an array of 64-bit values with its length in bytes. Returns the length that the whole text needs with its closing zero, which may be more than `str_size`; the buffer always ends with a zero.",
  snprintf_btf:
    "Writes a kernel object as text, field by field, by its BTF type. `ptr` holds the address and the type id; `flags` can leave out names or types (`BTF_F_COMPACT`, `BTF_F_NONAME`), show addresses (`BTF_F_PTR_RAW`) and zeroes (`BTF_F_ZERO`).",
  seq_printf:
    "Writes formatted text to the file that a BPF iterator feeds. Values come as an array of 64-bit numbers. Returns `-EOVERFLOW` when the buffer is full: the iterator then calls the program again for the same object.",
  seq_write: "Writes bytes as they are to the file that a BPF iterator feeds. Returns `-EOVERFLOW` when the buffer is full.",
  seq_printf_btf:
    "Writes a kernel object as text to the file that a BPF iterator feeds; type and flags are those of `bpf_snprintf_btf`. A record that does not fit is dropped and told as `-EOVERFLOW`.",
  strtol:
    "Reads a signed number from the beginning of a text. `flags` is the base, 8, 10 or 16, or 0 to tell it by the prefix. Returns how many characters were used, `-EINVAL` when there is no number, `-ERANGE` when it is too large.",
  strtoul: "Like `bpf_strtol` for unsigned numbers; a minus sign is refused. A number that does not fit in 64 bits is `-ERANGE`.",
  strncmp:
    "Compares a text of known size with a constant text that ends with a zero and lies in a read-only map. The result is negative, 0 or positive as with C's `strncmp`.",
  d_path:
    "Writes the full path of a `struct path` into a buffer and returns its length with the closing zero. Only some kernel functions may be traced with it, those where the path cannot go away.",
  sysctl_get_name:
    "Name of the file under /proc/sys that is being read or written, such as `net/ipv4/tcp_mem`, or only its last part with `BPF_F_SYSCTL_BASE_NAME`. Returns the length without the closing zero, or `-E2BIG` with the name cut.",
  sysctl_get_current_value:
    "The present value of the file under /proc/sys as text, ended by a zero and without a line break. Returns its length, or `-E2BIG` when the buffer was too small.",
  sysctl_get_new_value:
    "The value that user space wants to write to the file under /proc/sys. Returns its length, `-E2BIG` when it was cut, `-EINVAL` when the file is only being read.",
  sysctl_set_new_value:
    "Replaces the value that user space wants to write to the file under /proc/sys by another one. Returns `-EINVAL` when the file is only being read.",
};
