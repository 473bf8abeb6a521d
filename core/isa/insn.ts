// One instruction slot and its 8-byte encoding. It does not judge whether an instruction is valid.
import { CodedError } from "../base/index.ts";
import { BPF_ALU64, BPF_B, BPF_DW, BPF_H, BPF_JMP, BPF_JMP32, BPF_ALU, BPF_LD_IMM64 } from "./opcodes.ts";

/**
 * One 8-byte slot, as in memory (ld_imm64 takes two, the second with code 0):
 * ```
 *  0       8       12      16              32                              64
 *  | code  | dst   | src   | off (signed)  | imm (signed)                  |
 * ```
 */
export interface Insn {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

/** Decodes `bytes` (a multiple of 8). Throws CodedError `insns-size`. Big-endian objects swap the register nibbles too. */
export function decodeInsns(bytes: Uint8Array, littleEndian = true): Insn[] {
  if (bytes.length % 8)
    throw new CodedError("insns-size", `instructions take 8 bytes each, these are ${bytes.length} bytes`, { offBytes: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Insn[] = new Array<Insn>(bytes.length / 8);
  for (let i = 0; i < out.length; i++) {
    const at = i * 8;
    const regs = bytes[at + 1]!;
    const lo = regs & 15;
    const hi = regs >> 4;
    out[i] = {
      code: bytes[at]!,
      dst: littleEndian ? lo : hi,
      src: littleEndian ? hi : lo,
      off: view.getInt16(at + 2, littleEndian),
      imm: view.getInt32(at + 4, littleEndian),
    };
  }
  return out;
}

/** Encodes slots as they lie in memory. */
export function encodeInsns(insns: readonly Insn[], littleEndian = true): Uint8Array {
  const out = new Uint8Array(insns.length * 8);
  const view = new DataView(out.buffer);
  insns.forEach((insn, i) => {
    const at = i * 8;
    out[at] = insn.code;
    out[at + 1] = littleEndian ? insn.dst | (insn.src << 4) : (insn.dst << 4) | insn.src;
    view.setInt16(at + 2, insn.off, littleEndian);
    view.setInt32(at + 4, insn.imm, littleEndian);
  });
  return out;
}

export const insnClass = (insn: Insn): number => insn.code & 7;
export const insnOp = (insn: Insn): number => insn.code & 0xf0;
export const insnMode = (insn: Insn): number => insn.code & 0xe0;
export const isLdImm64 = (insn: Insn): boolean => insn.code === BPF_LD_IMM64;
export const isAlu = (insn: Insn): boolean => insnClass(insn) === BPF_ALU || insnClass(insn) === BPF_ALU64;
export const isJmp = (insn: Insn): boolean => insnClass(insn) === BPF_JMP || insnClass(insn) === BPF_JMP32;

/** Size in bytes of a load or store. */
export function accessSize(code: number): 1 | 2 | 4 | 8 {
  const size = code & 0x18;
  return size === BPF_B ? 1 : size === BPF_H ? 2 : size === BPF_DW ? 8 : 4;
}

/** Slots that an instruction takes: 2 for ld_imm64. */
export const insnSlots = (insn: Insn): 1 | 2 => (isLdImm64(insn) ? 2 : 1);

/** Target of a jump relative to the next instruction: `imm` for gotol (JMP32|JA), else `off`. */
export const jumpOffset = (insn: Insn): number => (insn.code === BPF_JMP32 ? insn.imm : insn.off);
