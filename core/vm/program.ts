// A program made ready to run: instructions decoded to flat arrays, constants placed in linear memory. It runs nothing.
import { accessSize, isLdImm64, jumpOffset, type Insn } from "../isa/index.ts";
import type { CodeOrigin, FuncInfo, LineInfo } from "../object/index.ts";
import type { Arena } from "./arena.ts";
import { KERNEL_HI, REGS_WORD } from "./layout.ts";
import type { Memory, Region } from "./memory.ts";

/** What a program needs beyond its instructions. */
export interface ProgramSource {
  readonly name: string;
  /** enum bpf_prog_type. */
  readonly type: number;
  readonly expectedAttachType: number;
  readonly insns: readonly Insn[];
  readonly lineInfo?: readonly LineInfo[];
  readonly funcInfo?: readonly FuncInfo[];
  readonly subprogNames?: ReadonlyMap<number, string>;
  readonly origin?: readonly CodeOrigin[];
  /** Value of a ld_imm64 that refers to a kernel object (map, map value, variable): an offset in linear memory, all 64 bits as a bigint, or undefined for "not supported". */
  resolve(insn: Insn, next: Insn, insnIdx: number): number | bigint | undefined;
  /** The arena that the program refers to. */
  readonly arena?: Arena | undefined;
  /** Given for programs that the verifier accepted: slots whose load or store reaches other things than plain memory (contexts, kernel objects, arenas). */
  readonly special?: readonly number[];
  /** Slot of the function that runs when the program throws; without one the cookie is the result (bpf_throw, kernel/bpf/helpers.c, 6.18). */
  readonly exceptionCallback?: number | undefined;
  /** True when a load through a bad pointer gives 0, as for BTF pointers of verified programs (BPF_PROBE_MEM). */
  readonly faultsReadZero?: boolean;
}

/** Operation numbers of the interpreter: those of the instruction set, where the K and X forms are one and a free X form stands for a variant. */
export const OP = {
  SDIV32: 0x3c,
  SMOD32: 0x9c,
  SDIV64: 0x3f,
  SMOD64: 0x9f,
  MOVSX32: 0xbc,
  MOVSX64: 0xbf,
  CAST: 0x0e,
  CALL_BPF: 0x8d,
  CALL_KFUNC: 0x8e,
  LD_IMM64: 0x18,
  BREAK: 0xff,
  BAD: 0xfe,
} as const;

/** A program in the form that the engines run. Arrays are indexed by slot. */
export interface Program {
  readonly id: number;
  readonly source: ProgramSource;
  readonly insns: readonly Insn[];
  /** Operation; a breakpoint puts OP.BREAK here. */
  readonly op: Uint8Array;
  /** Operations without breakpoints. */
  readonly plainOp: Uint8Array;
  /** Word index in linear memory of the destination register. */
  readonly dst: Int32Array;
  /** Word index of the source: a register, or the constant of this slot. */
  readonly src: Int32Array;
  readonly off: Int32Array;
  readonly imm: Int32Array;
  /** Slot that a jump or call goes to. */
  readonly target: Int32Array;
  /** Region that stands for the program's text; slot i is at 8 * i and holds the instruction's constant. */
  readonly code: Region;
  /** Slots where subprograms start, ascending, 0 included. */
  readonly subprogStarts: readonly number[];
}

/** Decodes `source` into `memory`. Malformed instructions become OP.BAD and trap when they run. */
export function prepare(memory: Memory, id: number, source: ProgramSource): Program {
  const insns = source.insns;
  const n = insns.length;
  const code = memory.alloc("code", `program ${source.name}`, n * 8, { noAccess: true });
  const p = {
    id,
    source,
    insns,
    code,
    op: new Uint8Array(n),
    plainOp: new Uint8Array(n),
    dst: new Int32Array(n),
    src: new Int32Array(n),
    off: new Int32Array(n),
    imm: new Int32Array(n),
    target: new Int32Array(n),
    subprogStarts: [] as number[],
  };
  const starts = new Set([0, source.exceptionCallback ?? 0]);
  for (let i = 0; i < n; i++) {
    const insn = insns[i]!;
    const constant = (code.start >> 2) + 2 * i;
    memory.i32[constant] = insn.imm;
    memory.i32[constant + 1] = insn.imm >> 31;
    p.op[i] = operation(insn);
    p.dst[i] = REGS_WORD + 2 * Math.min(insn.dst, 11);
    p.src[i] = usesSourceRegister(insn) ? REGS_WORD + 2 * Math.min(insn.src, 11) : constant;
    p.off[i] = insn.off;
    p.imm[i] = insn.imm;
    p.target[i] = i + 1 + jumpOffset(insn);
    if (insn.dst > 10 || insn.src > 10) p.op[i] = OP.BAD;
    if (p.op[i] === OP.CALL_BPF) {
      p.target[i] = i + 1 + insn.imm;
      starts.add(p.target[i]!);
    }
    if (isLdImm64(insn)) {
      const next = insns[i + 1];
      if (!next || !placeImm64(memory, p, i, next, starts)) p.op[i] = OP.BAD;
      else p.op[++i] = OP.BAD;
    }
  }
  memory.markDirty(code.start, n * 8);
  p.plainOp.set(p.op);
  p.subprogStarts.push(...[...starts].filter((s) => s >= 0 && s < n).sort((a, b) => a - b));
  return p;
}

/** Writes the 64-bit constant of a ld_imm64. False when it refers to something that is not there. */
function placeImm64(
  memory: Memory,
  p: { source: ProgramSource; code: Region; insns: readonly Insn[] },
  i: number,
  next: Insn,
  starts: Set<number>,
): boolean {
  const insn = p.insns[i]!;
  const word = (p.code.start >> 2) + 2 * i;
  if (insn.src === 0) {
    memory.i32[word + 1] = next.imm;
    return true;
  }
  let address: number | bigint | undefined;
  if (insn.src === 4) {
    const target = i + 1 + insn.imm;
    if (target < 0 || target >= p.insns.length) return false;
    starts.add(target);
    address = p.code.start + 8 * target;
  } else address = p.source.resolve(insn, next, i);
  if (address === undefined) return false;
  if (typeof address === "bigint") {
    memory.i32[word] = Number(BigInt.asIntN(32, address));
    memory.i32[word + 1] = Number(BigInt.asIntN(32, address >> 32n));
    return true;
  }
  memory.i32[word] = address;
  memory.i32[word + 1] = address === 0 ? 0 : KERNEL_HI;
  return true;
}

function usesSourceRegister(insn: Insn): boolean {
  const cls = insn.code & 7;
  if (cls === 1 || cls === 3) return true;
  if (cls === 0) return (insn.code & 0xe0) === 0x40;
  return cls >= 4 && (insn.code & 8) !== 0;
}

/** The operation number of an instruction, OP.BAD when the kernel knows no such instruction. */
function operation(insn: Insn): number {
  const { code, off } = insn;
  const kind = code & 0xf0;
  switch (code & 7) {
    case 4:
    case 7:
      return aluOperation(insn);
    case 5:
      if (kind === 0x80)
        return code !== 0x85 ? OP.BAD : insn.src === 0 ? 0x85 : insn.src === 1 ? OP.CALL_BPF : insn.src === 2 ? OP.CALL_KFUNC : OP.BAD;
      if (kind === 0xe0) return code === 0xe5 && insn.src === 0 ? 0xe5 : OP.BAD;
      return kind <= 0xd0 ? code & ~8 : OP.BAD;
    case 6:
      if (kind === 0) return 0x05;
      return kind === 0x80 || kind === 0x90 || kind > 0xd0 ? OP.BAD : code & ~8;
    case 1:
      return (code & 0xe0) === 0x60 || ((code & 0xe0) === 0x80 && accessSize(code) < 8) ? code : OP.BAD;
    case 2:
      return (code & 0xe0) === 0x60 ? code | 1 : OP.BAD;
    case 3:
      return (code & 0xe0) === 0x60 || (code & 0xe0) === 0xc0 ? code : OP.BAD;
    default:
      return code === 0x18 || ((code & 0xe0) >= 0x20 && (code & 0xe0) <= 0x40 && accessSize(code) < 8 && off === 0) ? code : OP.BAD;
  }
}

function aluOperation(insn: Insn): number {
  const { code, off, imm } = insn;
  const kind = code & 0xf0;
  const is64 = (code & 7) === 7;
  if (kind === 0xd0) return (imm === 16 || imm === 32 || imm === 64) && !(is64 && code & 8) ? code : OP.BAD;
  if (kind > 0xd0 || (kind === 0x80 && code & 8)) return OP.BAD;
  if ((kind === 0x30 || kind === 0x90) && off === 1) return code | 8;
  if (kind === 0xb0 && code & 8 && off !== 0) {
    if (is64 && off === 1) return OP.CAST;
    return off === 8 || off === 16 || (is64 && off === 32) ? code : OP.BAD;
  }
  return code & ~8;
}
