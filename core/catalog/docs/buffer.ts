// Helpers for ring buffers and dynptrs, in our own words. Texts only.
export const BUFFER: Readonly<Record<string, string>> = {
  ringbuf_output:
    "Copies `size` bytes into a ring buffer as one record for user space. `flags` is 0 to wake the reader when it waits, `BPF_RB_NO_WAKEUP` or `BPF_RB_FORCE_WAKEUP`. Returns a negative errno when the buffer is full. Where the record is built piece by piece, reserve and submit save the copy.",
  ringbuf_reserve:
    "Reserves `size` bytes of a ring buffer, a constant, and answers their address, or NULL when the buffer is full. The bytes are not zeroed. On every path the record must be given on by `bpf_ringbuf_submit` or dropped by `bpf_ringbuf_discard`. `flags` must be 0.",
  ringbuf_submit:
    "Gives a reserved record to the reader. The pointer must not be used afterwards. `flags` steers the wake-up as in `bpf_ringbuf_output`.",
  ringbuf_discard: "Drops a reserved record: the reader skips it. The pointer must not be used afterwards.",
  ringbuf_query:
    "Facts about a ring buffer: `BPF_RB_AVAIL_DATA` (bytes not yet read), `BPF_RB_RING_SIZE`, `BPF_RB_CONS_POS` and `BPF_RB_PROD_POS`. The answer may be out of date at once; use it for statistics and to decide on wake-ups.",
  user_ringbuf_drain:
    "Takes records that user space has written to a user ring buffer and calls a function of this program with each, as a read-only dynptr, together with `ctx`. The callback returns 0 to go on and 1 to stop. The result is the number of records taken, or a negative errno, `-EBUSY` when another program drains the same buffer.",
  dynptr_from_mem:
    "Makes a dynptr over `size` bytes of a map value. A dynptr carries its size, so accesses are checked when they happen and the size need not be known when the program is loaded. `flags` must be 0.",
  ringbuf_reserve_dynptr:
    "Reserves a ring-buffer record whose size is known only at run time, as a dynptr. Whatever it returns, the dynptr must afterwards be submitted or discarded on every path; a failed one reads as empty.",
  ringbuf_submit_dynptr: "Gives a record that was reserved as a dynptr to the reader. It does nothing for one whose reservation failed.",
  ringbuf_discard_dynptr:
    "Drops a record that was reserved as a dynptr. It must be called, or `bpf_ringbuf_submit_dynptr`, even when the reservation failed.",
  dynptr_read:
    "Copies `len` bytes from `offset` of a dynptr to `dst`. Returns `-E2BIG` when that reaches behind its end, `-EINVAL` for an empty dynptr. It works on every kind, scattered packet data included.",
  dynptr_write:
    "Copies `len` bytes from `src` to `offset` of a dynptr. Fails with `-EINVAL` on a read-only one and with `-E2BIG` behind the end. On a packet's dynptr the pointers to packet bytes become invalid, and `flags` are those of `bpf_skb_store_bytes`; else `flags` must be 0.",
  dynptr_data:
    "Address of `len` bytes, a constant, inside a dynptr for direct access; NULL when they do not lie inside, when it is read-only, or when it is over a packet (use bpf_dynptr_slice there). A constant length lets the verifier know how far the pointer reaches.",
};
