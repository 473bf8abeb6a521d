// Where things lie in the machine's linear memory and how addresses look to a program. It holds numbers only.

/** Upper 32 bits of every kernel address that a program sees; the lower 32 are the offset in linear memory. */
export const KERNEL_HI = 0xffff8881 | 0;
/** Upper 32 bits of user addresses, which only the probe_read_user family may follow. */
export const USER_HI = 0x00007ffd;

export const PAGE_BYTES = 4096;
/** Granule of the table that finds a region by its address; every region starts on one. */
export const GRANULE_SHIFT = 4;

/** The register file: r0..r10 and a scratch register, 8 bytes each. */
export const REGS_AT = 0x1000;
export const REG_COUNT = 12;
/** The same as an index into 32-bit words. */
export const REGS_WORD = REGS_AT >> 2;

/**
 * Saved state of a caller, one record a call depth:
 * ```
 *  word 0     1        2        3..10        11..12   13              14        15
 *  retPc  programId  isCallback  r6..r9 lo/hi   fp   may_goto left   unused   unused
 * ```
 */
export const FRAMES_AT = 0x1100;
export const FRAME_WORDS = 16;
export const MAX_FRAMES = 16;
/** Frames that one chain of bpf-to-bpf calls may have (MAX_CALL_FRAMES of include/linux/bpf_verifier.h, 6.18). */
export const MAX_CALL_FRAMES = 8;

/** Program stacks, one a frame, with unmapped space between them. */
export const STACKS_AT = 0x2000;
export const STACK_STRIDE = 1024;
export const STACK_BYTES = 512;

/** One byte for each page of the memory, set by every store into it; the heap follows (see Memory). */
export const DIRTY_AT = STACKS_AT + MAX_FRAMES * STACK_STRIDE;

/** MAX_TAIL_CALL_CNT and BPF_MAX_LOOPS (include/linux/bpf.h, 6.18). */
export const MAX_TAIL_CALLS = 33;
export const MAX_LOOPS = 8 * 1024 * 1024;

/**
 * What compiled code knows of a map: words at the start of the region that stands for struct bpf_map.
 * An array has its first value at TABLE, LIMIT elements of ELEM bytes; a hash map a table of LIMIT + 1 entries of PROBE_BYTES.
 * A kind of 0 says that only the kernel knows.
 */
export const MAP_KIND = 0,
  MAP_TABLE = 4,
  MAP_LIMIT = 8,
  MAP_ELEM = 12;
export const MAP_KIND_ARRAY = 1,
  MAP_KIND_HASH4 = 2,
  MAP_KIND_HASH8 = 3;
/** An entry: two words of key (the second 0 for keys of one), and the value's offset: 0 for a free entry, PROBE_GONE for a deleted one. */
export const PROBE_BYTES = 16,
  PROBE_VALUE = 8,
  PROBE_GONE = 1;
export const HASH_FACTOR = 0x9e3779b1 | 0,
  HASH_FACTOR_HI = 0x85ebca77 | 0,
  HASH_SHIFT = 15;
/** The hash of a key of two words. */
export function hashKey(lo: number, hi: number): number {
  const h = Math.imul(lo, HASH_FACTOR) ^ Math.imul(hi, HASH_FACTOR_HI);
  return h ^ (h >>> HASH_SHIFT);
}
