// The numbers of the BPF instruction set (RFC 9669 and Linux 6.18 include/uapi/linux/bpf.h). It holds constants, no behaviour.

/** Instruction classes: low three bits of `code`. */
export const BPF_LD = 0x00,
  BPF_LDX = 0x01,
  BPF_ST = 0x02,
  BPF_STX = 0x03;
export const BPF_ALU = 0x04,
  BPF_JMP = 0x05,
  BPF_JMP32 = 0x06,
  BPF_ALU64 = 0x07;
/** Sizes of loads and stores (`code & 0x18`). */
export const BPF_W = 0x00,
  BPF_H = 0x08,
  BPF_B = 0x10,
  BPF_DW = 0x18;
/** Modes of loads and stores (`code & 0xe0`). */
export const BPF_IMM = 0x00,
  BPF_ABS = 0x20,
  BPF_IND = 0x40,
  BPF_MEM = 0x60,
  BPF_MEMSX = 0x80,
  BPF_NOSPEC = 0xc0,
  BPF_ATOMIC = 0xc0;
/** Source operand: immediate or register. */
export const BPF_K = 0x00,
  BPF_X = 0x08;
/** ALU operations (`code & 0xf0`). */
export const BPF_ADD = 0x00,
  BPF_SUB = 0x10,
  BPF_MUL = 0x20,
  BPF_DIV = 0x30,
  BPF_OR = 0x40,
  BPF_AND = 0x50,
  BPF_LSH = 0x60;
export const BPF_RSH = 0x70,
  BPF_NEG = 0x80,
  BPF_MOD = 0x90,
  BPF_XOR = 0xa0,
  BPF_MOV = 0xb0,
  BPF_ARSH = 0xc0,
  BPF_END = 0xd0;
/** Byte order of BPF_END: to little (0) or big endian (8). */
export const BPF_TO_LE = 0x00,
  BPF_TO_BE = 0x08;
/** Jump operations (`code & 0xf0`). */
export const BPF_JA = 0x00,
  BPF_JEQ = 0x10,
  BPF_JGT = 0x20,
  BPF_JGE = 0x30,
  BPF_JSET = 0x40,
  BPF_JNE = 0x50,
  BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70,
  BPF_CALL = 0x80,
  BPF_EXIT = 0x90,
  BPF_JLT = 0xa0,
  BPF_JLE = 0xb0,
  BPF_JSLT = 0xc0,
  BPF_JSLE = 0xd0,
  BPF_JCOND = 0xe0;
/** `src` of BPF_JCOND. */
export const BPF_MAY_GOTO = 0;
/** Flags and operations in `imm` of atomics. */
export const BPF_FETCH = 0x01,
  BPF_XCHG = 0xe1,
  BPF_CMPXCHG = 0xf1,
  BPF_LOAD_ACQ = 0x100,
  BPF_STORE_REL = 0x110;
/** `src` of ld_imm64. */
export const BPF_PSEUDO_MAP_FD = 1,
  BPF_PSEUDO_MAP_VALUE = 2,
  BPF_PSEUDO_BTF_ID = 3,
  BPF_PSEUDO_FUNC = 4,
  BPF_PSEUDO_MAP_IDX = 5,
  BPF_PSEUDO_MAP_IDX_VALUE = 6;
/** `src` of call. */
export const BPF_PSEUDO_CALL = 1,
  BPF_PSEUDO_KFUNC_CALL = 2;
/** `off` of a mov that casts between arena address spaces. */
export const BPF_ADDR_SPACE_CAST = 1;
/** The frame pointer, read-only. */
export const BPF_REG_FP = 10,
  MAX_BPF_REG = 11;
export const BPF_LD_IMM64 = 0x18;
