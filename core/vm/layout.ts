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

/** The CPU that runs, for per-CPU maps. */
export const CPU_AT = REGS_AT + 8 * REG_COUNT;
/**
 * Address (8 bytes) of a context that shows its fields to compiled code, or NO_CONTEXT. Such a context has the value of each of its fields of
 * 4 bytes as 8 bytes: that of the field at offset o at SHOWN + 2 * o behind its start.
 */
export const CONTEXT_AT = CPU_AT + 8;
export const NO_CONTEXT_HI = 0x7fffffff;
export const SHOWN = 64;
/** Offset behind the last field that may be shown. */
export const SHOWN_FIELDS_END = 24;
/** First word behind the register file and what belongs to it. */
export const FILE_END_WORD = (CONTEXT_AT + 8) >> 2;

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
 * An array has its first value at TABLE, LIMIT elements of ELEM bytes.
 * A hash map has LIMIT + 1 entries of ELEM bytes at TABLE: the value's offset (0 for a free entry, PROBE_GONE for a deleted one) and behind it the
 * key's WORDS words, of which the last holds only the bits of LAST_MASK. A per-CPU map's values of one element lie CPU_STEP bytes apart; else that is 0.
 * A kind of 0 says that only the kernel knows.
 */
export const MAP_KIND = 0,
  MAP_TABLE = 4,
  MAP_LIMIT = 8,
  MAP_ELEM = 12,
  MAP_CPU_STEP = 16,
  MAP_WORDS = 20,
  MAP_LAST_MASK = 24;
/** Bytes of the description; the kernel has the rest of the region to itself. */
export const MAP_DESCRIPTION_BYTES = 28;
export const MAP_KIND_ARRAY = 1,
  MAP_KIND_HASH = 2;
export const PROBE_GONE = 1,
  PROBE_KEY = 4;
export const HASH_FACTOR = 0x9e3779b1 | 0,
  HASH_FOLD = 16,
  HASH_SHIFT = 15;
/** The hash of a key is that of its words, one after the other from 0, and the last step. */
export const hashWord = (hash: number, word: number): number => Math.imul(hash ^ word ^ (word >>> HASH_FOLD), HASH_FACTOR);
export const hashEnd = (hash: number): number => hash ^ (hash >>> HASH_SHIFT);
