// What Linux 6.18.44 said of each fixture's program: errno and the last line of its log; `CHECK/N` is the N-th fixture of that check. Data only.
export const ANSWERS: Readonly<Record<string, { readonly errno: number; readonly words: string }>> = {
  "bad-pointer/0": {
    errno: 13,
    words: "R0 invalid mem access 'map_value_or_null'",
  },
  "bad-pointer/1": {
    errno: 13,
    words: "R2 invalid mem access 'scalar'",
  },
  "uninit-register/0": {
    errno: 13,
    words: "R3 !read_ok",
  },
  "uninit-register/1": {
    errno: 13,
    words: "R0 !read_ok",
  },
  "bad-register/0": {
    errno: 22,
    words: "R11 is invalid",
  },
  "frame-pointer-write/0": {
    errno: 13,
    words: "frame pointer is read only",
  },
  "map-value-bounds/0": {
    errno: 13,
    words: "R0 min value is outside of the allowed memory range",
  },
  "map-readonly/0": {
    errno: 13,
    words: "write into map forbidden, value_size=16 off=0 size=8",
  },
  "map-writeonly/0": {
    errno: 13,
    words: "read from map forbidden, value_size=16 off=0 size=8",
  },
  "negative-offset/0": {
    errno: 13,
    words: "R0 min value is negative, either use unsigned index or do a if (index >=0) check.",
  },
  "unbounded-offset/0": {
    errno: 13,
    words: "R0 unbounded memory access, make sure to bounds check any such access",
  },
  "map-value-bounds/1": {
    errno: 13,
    words: "R0 max value is outside of the allowed memory range",
  },
  "packet-bounds/0": {
    errno: 13,
    words: "R2 offset is outside of the packet",
  },
  "packet-bounds/1": {
    errno: 13,
    words: "R2 offset is outside of the packet",
  },
  "packet-readonly/0": {
    errno: 13,
    words: "cannot write into packet",
  },
  "packet-helper/0": {
    errno: 13,
    words: "helper access to the packet is not allowed",
  },
  "misaligned/0": {
    errno: 13,
    words: "misaligned stack access off 0+0+-12 size 8",
  },
  "modified-pointer/0": {
    errno: 13,
    words: "dereference of modified ctx ptr R1 off=8 disallowed",
  },
  "ctx-access/0": {
    errno: 13,
    words: "invalid bpf_context access off=64 size=4",
  },
  "ctx-access/1": {
    errno: 13,
    words: "invalid bpf_context access off=0 size=4",
  },
  "pointer-leak/0": {
    errno: 13,
    words: "R10 leaks addr into map",
  },
  "pointer-kinds/0": {
    errno: 22,
    words: "same insn cannot be used with different pointers",
  },
  "readonly-memory/0": {
    errno: 13,
    words: "R1 cannot write into sock_common",
  },
  "sock-access/0": {
    errno: 13,
    words: "R0 invalid sock access off=100 size=4",
  },
  "mem-bounds/0": {
    errno: 13,
    words: "R0 min value is outside of the allowed memory range",
  },
  "map-ptr-access/0": {
    errno: 13,
    words: "only read from bpf_array is supported",
  },
  "flow-keys-bounds/0": {
    errno: 13,
    words: "invalid access to flow keys off=56 size=4",
  },
  "buffer-bounds/0": {
    errno: 13,
    words: "R2 invalid tracepoint buffer access: off=-8, size=8",
  },
  "map-key-bounds/0": {
    errno: 13,
    words: "R2 min value is outside of the allowed memory range",
  },
  "map-key-write/0": {
    errno: 13,
    words: "write to change key R2 not allowed",
  },
  "map-special-field/0": {
    errno: 13,
    words: "bpf_spin_lock cannot be accessed directly by load/store",
  },
  "btf-access/0": {
    errno: 13,
    words: "only read is supported",
  },
  "stack-bounds/0": {
    errno: 13,
    words: "invalid write to stack R10 off=-520 size=8",
  },
  "stack-bounds/1": {
    errno: 13,
    words: "invalid write to stack R10 off=0 size=8",
  },
  "stack-uninit/0": {
    errno: 13,
    words: "invalid read from stack off -8+4 size 8",
  },
  "spill-size/0": {
    errno: 13,
    words: "invalid size of register spill",
  },
  "spill-corrupt/0": {
    errno: 13,
    words: "attempt to corrupt spilled pointer on stack",
  },
  "fill-size/0": {
    errno: 13,
    words: "invalid size of register fill",
  },
  "spill-stack-pointer/0": {
    errno: 22,
    words: "cannot spill pointers to stack into stack frame of the caller",
  },
  "stack-depth/0": {
    errno: 13,
    words: "combined stack size of 2 calls is 544. Too large",
  },
  "return-pointer/0": {
    errno: 13,
    words: "R0 leaks addr as return value",
  },
  "return-value/0": {
    errno: 22,
    words: "At program exit the register R0 has smin=4 smax=4 should have been in [0, 1]",
  },
  "return-stack-pointer/0": {
    errno: 22,
    words: "cannot return stack pointer to the caller",
  },
  "div-by-zero/0": {
    errno: 22,
    words: "div by zero",
  },
  "bad-shift/0": {
    errno: 22,
    words: "invalid shift 64",
  },
  "bad-shift/1": {
    errno: 22,
    words: "invalid shift 32",
  },
  "reserved-fields/0": {
    errno: 22,
    words: "BPF_MOV uses reserved fields",
  },
  "reserved-fields/1": {
    errno: 22,
    words: "BPF_EXIT uses reserved fields",
  },
  "unknown-opcode/0": {
    errno: 22,
    words: "unknown opcode ff",
  },
  "pointer-arithmetic/0": {
    errno: 13,
    words: "R1 pointer arithmetic with *= operator prohibited",
  },
  "pointer-arithmetic/1": {
    errno: 13,
    words: "R1 pointer arithmetic on map_ptr prohibited",
  },
  "pointer-arithmetic-32/0": {
    errno: 13,
    words: "R1 32-bit pointer arithmetic prohibited",
  },
  "pointer-pointer/0": {
    errno: 13,
    words: "R1 pointer += pointer prohibited",
  },
  "pointer-maybe-null/0": {
    errno: 13,
    words: "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first",
  },
  "pointer-offset/0": {
    errno: 22,
    words: "math between fp pointer and 536870912 is not allowed",
  },
  "pointer-offset/1": {
    errno: 22,
    words: "math between map_value pointer and 140737488355327 is not allowed",
  },
  "pointer-comparison/0": {
    errno: 13,
    words: "R10 pointer comparison prohibited",
  },
  "pointer-partial-copy/0": {
    errno: 13,
    words: "R1 partial copy of pointer",
  },
  "pointer-sign-extension/0": {
    errno: 13,
    words: "R1 sign-extension part of pointer",
  },
  "speculation-bounds/0": {
    errno: 13,
    words: "R0 pointer arithmetic of map value goes out of range, prohibited for !root",
  },
  "atomic-opcode/0": {
    errno: 22,
    words: "BPF_ATOMIC uses invalid atomic opcode 10",
  },
  "atomic-size/0": {
    errno: 22,
    words: "invalid atomic operand size",
  },
  "atomic-pointer/0": {
    errno: 13,
    words: "BPF_ATOMIC stores into R1 ctx is not allowed",
  },
  "addr-space-cast/0": {
    errno: 22,
    words: "addr_space_cast insn can only be used in a program that has an associated arena",
  },
  "unreachable-insn/0": {
    errno: 22,
    words: "unreachable insn 1",
  },
  "jump-out-of-range/0": {
    errno: 22,
    words: "jump out of range from insn 0 to 6",
  },
  "jump-into-ldimm64/0": {
    errno: 22,
    words: "jump into the middle of ldimm64 insn 1",
  },
  "last-insn/0": {
    errno: 22,
    words: "last insn is not an exit or jmp",
  },
  "unknown-helper/0": {
    errno: 22,
    words: "invalid func unknown#5000",
  },
  "helper-not-available/0": {
    errno: 22,
    words: "program of this type cannot use helper bpf_xdp_adjust_head#44",
  },
  "helper-gpl/0": {
    errno: 22,
    words: "cannot call GPL-restricted function from non-GPL compatible program",
  },
  "arg-type/0": {
    errno: 13,
    words: "R1 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
  },
  "negative-size/0": {
    errno: 13,
    words: "R2 min value is negative, either use unsigned or 'var &= const'",
  },
  "zero-size/0": {
    errno: 13,
    words: "R2 invalid zero-sized read: u64=[0,0]",
  },
  "unbounded-size/0": {
    errno: 13,
    words: "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'",
  },
  "reference-leak/0": {
    errno: 22,
    words: "BPF_EXIT instruction in main prog would lead to reference leak",
  },
  "release-offset/0": {
    errno: 22,
    words: "R1 must have zero offset when passed to release func or trusted arg to kfunc",
  },
  "alloc-size/0": {
    errno: 13,
    words: "R2 is not a known constant'",
  },
  "call-under-lock/0": {
    errno: 22,
    words: "function calls are not allowed while holding a lock",
  },
  "held-at-exit/0": {
    errno: 22,
    words: "BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region",
  },
  "spin-lock/0": {
    errno: 22,
    words: "bpf_spin_unlock without taking a lock",
  },
  "map-spin-lock/0": {
    errno: 22,
    words: "socket filter progs cannot use bpf_spin_lock yet",
  },
  "ld-abs-type/0": {
    errno: 22,
    words: "BPF_LD_[ABS|IND] instructions not allowed for this program type",
  },
  "ld-abs-r6/0": {
    errno: 22,
    words: "at the time of BPF_LD_ABS|IND R6 != pointer to skb",
  },
  "tail-call-subprog/0": {
    errno: 22,
    words: "tail_call is not allowed in subprogs without BTF",
  },
  "sleepable-type/0": {
    errno: 22,
    words: "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
  },
  "syscall-sleepable/0": {
    errno: 22,
    words: "Syscall programs can only be sleepable",
  },
  "map-direct-value/0": {
    errno: 22,
    words: "no direct value access support for this map type",
  },
};
