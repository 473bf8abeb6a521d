// Prints one instruction in the text of the kernel's verifier log (kernel/bpf/disasm.c, print_bpf_insn, 6.18). It never fails.
import * as op from "./opcodes.ts";
import { accessSize, type Insn } from "./insn.ts";

/** Names that the text of calls and of 64-bit constants needs and that the instruction does not hold. */
export interface DisasmNames {
  /** Name of a helper without `#id`, e.g. `bpf_map_lookup_elem`. */
  helper?(id: number): string | undefined;
  /** Name of a kfunc by its BTF id. */
  kfunc?(insn: Insn): string | undefined;
  /** Text of the operand of ld_imm64 instead of its number. */
  imm64?(insn: Insn, hi: number): string | undefined;
}

const ALU = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian", "?", "?"];
const JMP = ["jmp", "==", ">", ">=", "&", "!=", "s>", "s>=", "call", "exit", "<", "<=", "s<", "s<=", "may_goto", "?"];
const hex2 = (n: number): string => n.toString(16).padStart(2, "0");
const signed = (n: number): string => (n < 0 ? String(n) : `+${n}`);
const u32hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
const UNSIGNED = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" } as const;
const SIGNED = { 1: "s8", 2: "s16", 4: "s32", 8: "s64" } as const;

/** The text after `NN: `, e.g. `(bf) r1 = r10`. `next` is the slot after `insn` (upper half of ld_imm64). */
export function disassemble(insn: Insn, next?: Insn, names: DisasmNames = {}): string {
  const text = body(insn, next, names);
  return text.startsWith("BUG_") ? text : `(${hex2(insn.code)}) ${text}`;
}

function body(insn: Insn, next: Insn | undefined, names: DisasmNames): string {
  switch (insn.code & 7) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
      return alu(insn);
    case op.BPF_JMP:
    case op.BPF_JMP32:
      return jump(insn, names);
    case op.BPF_LD:
      return load(insn, next, names);
    case op.BPF_LDX: {
      const mode = insn.code & 0xe0;
      if (mode !== op.BPF_MEM && mode !== op.BPF_MEMSX) return `BUG_ldx_${hex2(insn.code)}`;
      const type = (mode === op.BPF_MEMSX ? SIGNED : UNSIGNED)[accessSize(insn.code)];
      return `r${insn.dst} = *(${type} *)(r${insn.src} ${signed(insn.off)})`;
    }
    case op.BPF_ST:
      if ((insn.code & 0xe0) === op.BPF_MEM) return `${lvalue(insn)} = ${insn.imm}`;
      return (insn.code & 0xe0) === op.BPF_NOSPEC ? "nospec" : `BUG_st_${hex2(insn.code)}`;
    default:
      return store(insn);
  }
}

const lvalue = (insn: Insn): string => `*(${UNSIGNED[accessSize(insn.code)]} *)(r${insn.dst} ${signed(insn.off)})`;

function alu(insn: Insn): string {
  const r = (insn.code & 7) === op.BPF_ALU64 ? "r" : "w";
  const d = `${r}${insn.dst}`;
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_END) {
    if (r === "r") return `r${insn.dst} = bswap${insn.imm} r${insn.dst}`;
    return `r${insn.dst} = ${insn.code & op.BPF_TO_BE ? "be" : "le"}${insn.imm} r${insn.dst}`;
  }
  if (kind === op.BPF_NEG) return `${d} = -${d}`;
  if (kind === op.BPF_MOV && insn.code & op.BPF_X && insn.off) {
    if (insn.off === op.BPF_ADDR_SPACE_CAST && r === "r")
      return `r${insn.dst} = addr_space_cast(r${insn.src}, ${insn.imm >>> 16}, ${insn.imm & 0xffff})`;
    if (insn.off === 8 || insn.off === 16 || insn.off === 32) return `${d} = (s${insn.off})${r}${insn.src}`;
  }
  const sign = insn.off === 1 && (kind === op.BPF_DIV || kind === op.BPF_MOD) ? "s" : "";
  const operand = insn.code & op.BPF_X ? `${r}${insn.src}` : String(insn.imm);
  return `${d} ${sign}${ALU[kind >> 4]} ${operand}`;
}

function jump(insn: Insn, names: DisasmNames): string {
  const is32 = (insn.code & 7) === op.BPF_JMP32;
  const kind = insn.code & 0xf0;
  if (kind === op.BPF_CALL) return call(insn, names);
  if (kind === op.BPF_JA) return is32 ? `gotol pc${signed(insn.imm)}` : `goto pc${signed(insn.off)}`;
  if (kind === op.BPF_JCOND && insn.src === op.BPF_MAY_GOTO) return `may_goto pc${signed(insn.off)}`;
  if (kind === op.BPF_EXIT) return "exit";
  const r = is32 ? "w" : "r";
  const operand = insn.code & op.BPF_X ? `${r}${insn.src}` : u32hex(insn.imm);
  return `if ${r}${insn.dst} ${JMP[kind >> 4]} ${operand} goto pc${signed(insn.off)}`;
}

function call(insn: Insn, names: DisasmNames): string {
  if (insn.src === op.BPF_PSEUDO_CALL) return `call pc${signed(insn.imm)}`;
  if (insn.src === op.BPF_PSEUDO_KFUNC_CALL) return `call ${names.kfunc?.(insn) ?? "kernel-function"}#${insn.imm}`;
  return `call ${(insn.src === 0 && names.helper?.(insn.imm)) || "unknown"}#${insn.imm}`;
}

function load(insn: Insn, next: Insn | undefined, names: DisasmNames): string {
  const type = UNSIGNED[accessSize(insn.code)];
  switch (insn.code & 0xe0) {
    case op.BPF_ABS:
      return `r0 = *(${type} *)skb[${insn.imm}]`;
    case op.BPF_IND:
      return `r0 = *(${type} *)skb[r${insn.src} + ${insn.imm}]`;
    case op.BPF_IMM: {
      if (insn.code !== op.BPF_LD_IMM64) break;
      const hi = next?.imm ?? 0;
      return `r${insn.dst} = ${names.imm64?.(insn, hi) ?? `0x${((BigInt(hi >>> 0) << 32n) | BigInt(insn.imm >>> 0)).toString(16)}`}`;
    }
  }
  return `BUG_ld_${hex2(insn.code)}`;
}

const ATOMIC_OP: Record<number, string> = { [op.BPF_ADD]: "add", [op.BPF_AND]: "and", [op.BPF_OR]: "or", [op.BPF_XOR]: "xor" };

function store(insn: Insn): string {
  const mode = insn.code & 0xe0;
  if (mode === op.BPF_MEM) return `${lvalue(insn)} = r${insn.src}`;
  if (mode !== op.BPF_ATOMIC) return `BUG_${hex2(insn.code)}`;
  const type = UNSIGNED[accessSize(insn.code)];
  const place = `(${type} *)(r${insn.dst} ${signed(insn.off)})`;
  const wide = accessSize(insn.code) === 8 ? "64" : "";
  const name = ATOMIC_OP[insn.imm & ~op.BPF_FETCH];
  if (name !== undefined && insn.imm & op.BPF_FETCH) return `r${insn.src} = atomic${wide}_fetch_${name}(${place}, r${insn.src})`;
  if (name !== undefined) return `lock *${place} ${ALU[insn.imm >> 4]} r${insn.src}`;
  if (insn.imm === op.BPF_CMPXCHG) return `r0 = atomic${wide}_cmpxchg(${place}, r0, r${insn.src})`;
  if (insn.imm === op.BPF_XCHG) return `r${insn.src} = atomic${wide}_xchg(${place}, r${insn.src})`;
  if (insn.imm === op.BPF_LOAD_ACQ) return `r${insn.dst} = load_acquire((${type} *)(r${insn.src} ${signed(insn.off)}))`;
  if (insn.imm === op.BPF_STORE_REL) return `store_release((${type} *)(r${insn.dst} ${signed(insn.off)}), r${insn.src})`;
  return `BUG_${hex2(insn.code)}`;
}
