// Puts the value of a CO-RE relocation into its instruction (bpf_core_patch_insn of libbpf 1.5). It resolves nothing.
import { CodedError } from "../../base/index.ts";
import { accessSize, insnClass, type Insn } from "../../isa/index.ts";
import * as op from "../../isa/index.ts";
import type { CoreResult } from "./calc.ts";

/** The call that stands for "this access does not exist on the target": the verifier rejects it when it can be reached. */
export const POISON_CALL: Insn = { code: op.BPF_JMP | op.BPF_CALL, dst: 0, src: 0, off: 0, imm: 0xbad2310 };
const SIZE_CODE: Readonly<Record<number, number>> = { 1: op.BPF_B, 2: op.BPF_H, 4: op.BPF_W, 8: op.BPF_DW };

const fail = (why: string): never => {
  throw new CodedError("core-insn", why);
};
const sext32 = (v: bigint): number => Number(BigInt.asIntN(32, v));

/** Patches `insns[idx]` (and the next slot for a 64-bit constant) in place. Throws CodedError `core-insn`. */
export function patchInsn(insns: Insn[], idx: number, res: CoreResult): void {
  const insn = insns[idx]!;
  switch (insnClass(insn)) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
      if ((insn.code & op.BPF_X) !== 0) break;
      if (res.poison) insns[idx] = POISON_CALL;
      else {
        if (res.validate && BigInt.asUintN(64, BigInt(insn.imm)) !== BigInt.asUintN(64, res.origVal))
          unexpected(idx, "ALU/ALU64", BigInt(insn.imm), res);
        insns[idx] = { ...insn, imm: sext32(res.newVal) };
      }
      return;
    case op.BPF_LDX:
    case op.BPF_ST:
    case op.BPF_STX:
      insns[idx] = res.poison ? POISON_CALL : patchAccess(insn, idx, res);
      return;
    case op.BPF_LD:
      return patchConst(insns, idx, res);
  }
  fail(`trying to relocate unrecognized insn #${idx}, code:0x${insn.code.toString(16)}`);
}

function unexpected(idx: number, what: string, got: bigint, res: CoreResult): never {
  return fail(`unexpected insn #${idx} (${what}) value: got ${got}, exp ${res.origVal} -> ${res.newVal}`);
}

function patchAccess(insn: Insn, idx: number, res: CoreResult): Insn {
  if (res.validate && BigInt(insn.off) !== res.origVal) unexpected(idx, "LDX/ST/STX", BigInt(insn.off), res);
  if (res.newVal > 0x7fffn) fail(`insn #${idx} (LDX/ST/STX) value too big: ${res.newVal}`);
  if (res.failMemsize) return POISON_CALL;
  const moved = { ...insn, off: Number(res.newVal) };
  if (res.newSize === res.origSize) return moved;
  if (accessSize(insn.code) !== res.origSize)
    fail(`insn #${idx} (LDX/ST/STX) unexpected mem size: got ${accessSize(insn.code)}, exp ${res.origSize}`);
  const size = SIZE_CODE[res.newSize] ?? fail(`insn #${idx} (LDX/ST/STX) invalid new mem size: ${res.newSize}`);
  return { ...moved, code: (insn.code & ~0x18) | size };
}

function patchConst(insns: Insn[], idx: number, res: CoreResult): void {
  const lo = insns[idx]!;
  const hi = insns[idx + 1];
  if (
    lo.code !== op.BPF_LD_IMM64 ||
    lo.src !== 0 ||
    lo.off !== 0 ||
    hi === undefined ||
    hi.code !== 0 ||
    hi.dst !== 0 ||
    hi.src !== 0 ||
    hi.off !== 0
  )
    return fail(`insn #${idx} (LDIMM64) has unexpected form`);
  if (res.poison) {
    insns[idx] = insns[idx + 1] = POISON_CALL;
    return;
  }
  const now = BigInt(lo.imm >>> 0) | (BigInt(hi.imm >>> 0) << 32n);
  if (res.validate && now !== BigInt.asUintN(64, res.origVal)) unexpected(idx, "LDIMM64", now, res);
  insns[idx] = { ...lo, imm: sext32(res.newVal) };
  insns[idx + 1] = { ...hi, imm: sext32(res.newVal >> 32n) };
}
