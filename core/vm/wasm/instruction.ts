// One BPF instruction as WebAssembly, in a function whose registers are locals. Control flow is emitted elsewhere.
import {
  accessSize,
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
} from "../../isa/index.ts";
import { CONTEXT_AT, DIRTY_AT, KERNEL_HI, MAX_LOOPS, REG_COUNT, REGS_AT, SHOWN, SHOWN_FIELDS_END, STACK_STRIDE } from "../layout.ts";
import { CAST_USER } from "../arena.ts";
import { OP, type Program } from "../program.ts";
import { AT, FP, IMPORT, LONG, LOOPS, register } from "./locals.ts";
import { isInPlace, lookupInPlace, NOT_HERE, type KnownMap } from "./lookup.ts";
import { W } from "./opcodes.ts";
import type { Writer } from "./writer.ts";

const SCRATCH = REG_COUNT - 1;
/** Bytes of a context's field, as programs load it. */
const FIELD_BYTES = 4;
/** Number of the helper in enum bpf_func_id. */
const MAP_LOOKUP_ELEM = 1;
/** Operators for the high digit of an ALU operation, on 32 and on 64 bits. */
const ALU: Readonly<Record<number, readonly [number, number]>> = {
  0x00: [0x6a, 0x7c],
  0x10: [0x6b, 0x7d],
  0x20: [0x6c, 0x7e],
  0x40: [0x72, 0x84],
  0x50: [0x71, 0x83],
  0x60: [0x74, 0x86],
  0x70: [0x76, 0x88],
  0xa0: [0x73, 0x85],
  0xc0: [0x75, 0x87],
};
const COMPARE: Readonly<Record<number, readonly [number, number]>> = {
  0x10: [0x46, 0x51],
  0x20: [0x4b, 0x56],
  0x30: [0x4f, 0x5a],
  0x50: [0x47, 0x52],
  0x60: [0x4a, 0x55],
  0x70: [0x4e, 0x59],
  0xa0: [0x49, 0x54],
  0xb0: [0x4d, 0x58],
  0xc0: [0x48, 0x53],
  0xd0: [0x4c, 0x57],
};
/** Loads by size, zero- and sign-extended, and stores. */
const LOAD: Readonly<Record<number, readonly [number, number]>> = { 1: [0x31, 0x30], 2: [0x33, 0x32], 4: [0x35, 0x34], 8: [0x29, 0x29] };
const STORE: Readonly<Record<number, number>> = { 1: 0x3c, 2: 0x3d, 4: 0x3e, 8: 0x37 };
const EXTEND: Readonly<Record<number, number>> = { 1: W.i64extend8, 2: W.i64extend16, 4: W.i64extend32 };

/** What emission needs to know beyond the program. */
export interface Target {
  readonly program: Program;
  /** The constant that a slot of the program stands for: lower and upper half. */
  constant(slot: number): readonly [number, number];
  /** Whether a load or store reaches plain memory only. */
  plain(slot: number): boolean;
  /** Function index of the subprogram at a slot. */
  functionAt(slot: number): number;
  /** Whether stores note the pages that they change. */
  readonly marksPages: boolean;
  /** Function index of the map look-up; without it every helper is the kernel's. */
  readonly lookup?: number;
  /** The map that the call at a slot looks up in, where that is known. */
  readonly mapAt?: (slot: number) => KnownMap | undefined;
  /** Whether what is no plain memory may be a context that shows its fields (CONTEXT_AT). */
  readonly showsContext: boolean;
  /** Emitted behind an access by import, with 1 on the stack when it faulted, where `inside` blocks are open. */
  faulted(slot: number, inside: number, code: Writer): void;
}

/** Emits instructions of one function into `code`. */
export class Emitter {
  readonly code: Writer;
  /** Whether the function for map look-ups is needed. */
  callsLookup = false;
  readonly #target: Target;
  readonly #program: Program;
  constructor(code: Writer, target: Target) {
    this.code = code;
    this.#target = target;
    this.#program = target.program;
  }

  // ---- pieces ----
  /** All registers to the register file, and back. */
  spill(): void {
    for (let n = 0; n <= 10; n++) this.#toFile(n, () => this.#get(n));
  }
  reload(): void {
    for (let n = 0; n <= 10; n++) {
      this.#fromFile(n);
      this.#set(n);
    }
    this.#get(10);
    this.code.byte(W.wrap, W.set, FP);
  }
  /** From the register file, what a call out may have changed where control goes on behind it. */
  reloadCallerSaved(): void {
    for (let n = 0; n <= 5; n++) {
      this.#fromFile(n);
      this.#set(n);
    }
  }
  #get(n: number): void {
    this.code.byte(W.get, register(n));
  }
  #set(n: number): void {
    this.code.byte(W.set, register(n));
  }
  #i32(value: number): void {
    this.code.byte(W.i32const).s32(value);
  }
  #i64(lo: number, hi: number): void {
    this.code.byte(W.i64const).s64(lo, hi);
  }
  /** Pushes all 64 bits of the source: a register, or the immediate with its sign. */
  #source(slot: number): void {
    const { insns, imm } = this.#program;
    if (isRegisterForm(insns[slot]!.code)) this.#get(insns[slot]!.src);
    else this.#i64(imm[slot]!, imm[slot]! >> 31);
  }
  #source32(slot: number): void {
    const { insns, imm } = this.#program;
    if (!isRegisterForm(insns[slot]!.code)) return this.#i32(imm[slot]!);
    this.#get(insns[slot]!.src);
    this.code.byte(W.wrap);
  }
  #dst32(slot: number): void {
    this.#get(this.#program.insns[slot]!.dst);
    this.code.byte(W.wrap);
  }
  /** Register `n` of the register file in memory. */
  #fromFile(n: number): void {
    this.#i32(0);
    this.code.byte(W.i64load, 3).u32(REGS_AT + 8 * n);
  }
  #toFile(n: number, value: () => void): void {
    this.#i32(0);
    value();
    this.code.byte(W.i64store, 3).u32(REGS_AT + 8 * n);
  }
  #call(index: number): void {
    this.code.byte(W.call).u32(index);
  }

  /** Sets up the locals of a function that begins. */
  prologue(): void {
    this.code.byte(W.get, FP, W.extend_u);
    this.#i64(0, KERNEL_HI);
    this.code.byte(W.i64or);
    this.#set(10);
  }
  exit(): void {
    this.#get(0);
    this.code.byte(W.return);
  }
  /** For control that cannot get here in a verified program. */
  unreachable(): void {
    this.code.byte(W.unreachable);
  }

  /** Pushes whether the conditional jump at `slot` is taken. */
  condition(slot: number): void {
    const op = this.#program.plainOp[slot]!;
    // The passes of may_goto in this frame: a local that counts them.
    if (op === 0xe5)
      return void this.code.byte(W.get, LOOPS, W.i32const).s32(1).byte(W.i32add, W.tee, LOOPS, W.i32const).s32(MAX_LOOPS).byte(W.i32gt_s);
    const wide = (op & 7) === 5;
    const kind = op & 0xf0;
    if (wide) {
      this.#get(this.#program.insns[slot]!.dst);
      this.#source(slot);
    } else {
      this.#dst32(slot);
      this.#source32(slot);
    }
    if (kind !== 0x40) return void this.code.byte(COMPARE[kind]![wide ? 1 : 0]);
    if (wide) this.code.byte(W.i64and, W.i64eqz, W.i32eqz);
    else this.code.byte(W.i32and);
  }

  /** Emits an instruction that is no jump and no exit. */
  insn(slot: number): void {
    const op = this.#program.plainOp[slot]!;
    if (op === OP.BAD) return this.unreachable();
    if (op === OP.LD_IMM64) {
      this.#i64(...this.#target.constant(slot));
      return this.#set(this.#program.insns[slot]!.dst);
    }
    if (op === 0x85 || op === OP.CALL_KFUNC) return this.#helper(slot);
    if (op === OP.CALL_BPF) return this.#subprogram(slot);
    switch (op & 7) {
      case 4:
      case 7:
        return this.#alu(slot, op);
      case 6:
        return this.#cast(slot);
      case 1:
        return this.#load(slot, op);
      case 3:
        return (op & 0xe0) === 0xc0 ? this.#atomic(slot) : this.#store(slot, op);
      default:
        return this.#packetLoad(slot, op);
    }
  }

  // ---- arithmetic ----
  #alu(slot: number, op: number): void {
    const { dst } = this.#program.insns[slot]!;
    const wide = (op & 7) === 7;
    if (op === OP.MOVSX32 || op === OP.MOVSX64) this.#signExtend(slot, wide);
    else if (op === OP.SDIV64 || op === OP.SMOD64 || op === OP.SDIV32 || op === OP.SMOD32) this.#signedDivide(slot, op, wide);
    else if ((op & 0xf0) === 0x30 || (op & 0xf0) === 0x90) this.#divide(slot, op, wide);
    else if ((op & 0xf0) === 0xb0) this.#move(slot, wide);
    else if ((op & 0xf0) === 0x80) this.#negate(slot, wide);
    else if ((op & 0xf0) === 0xd0) this.#byteOrder(slot, op);
    else {
      if (wide) {
        this.#get(dst);
        this.#source(slot);
      } else {
        this.#dst32(slot);
        this.#source32(slot);
      }
      this.code.byte(ALU[op & 0xf0]![wide ? 1 : 0]);
      if (!wide) this.code.byte(W.extend_u);
    }
    this.#set(dst);
  }
  #move(slot: number, wide: boolean): void {
    if (wide) return this.#source(slot);
    const { insns, imm } = this.#program;
    if (!isRegisterForm(insns[slot]!.code)) return this.#i64(imm[slot]!, 0);
    this.#source32(slot);
    this.code.byte(W.extend_u);
  }
  /** addr_space_cast, as in Machine.addressSpaceCast. */
  #cast(slot: number): void {
    const { source, imm, insns } = this.#program;
    const userHi = imm[slot] === CAST_USER ? (source.arena?.userHi ?? 0) : 0;
    this.#source32(slot);
    this.code.byte(W.extend_u);
    this.#i64(0, userHi);
    this.#i64(0, 0);
    this.#source32(slot);
    this.code.byte(W.select, W.i64or);
    this.#set(insns[slot]!.dst);
  }
  #negate(slot: number, wide: boolean): void {
    this.#i64(0, 0);
    this.#get(this.#program.insns[slot]!.dst);
    this.code.byte(W.i64sub);
    if (!wide) this.code.byte(W.wrap, W.extend_u);
  }
  #signExtend(slot: number, wide: boolean): void {
    this.#source(slot);
    this.code.byte(EXTEND[this.#program.off[slot]! / 8]!);
    if (!wide) this.code.byte(W.wrap, W.extend_u);
  }
  /** Unsigned: x / 0 is 0, x % 0 is x. */
  #divide(slot: number, op: number, wide: boolean): void {
    const modulo = (op & 0xf0) === 0x90;
    const { dst } = this.#program.insns[slot]!;
    const operator = wide ? (modulo ? 0x82 : 0x80) : modulo ? 0x70 : 0x6e;
    const pair = (): void => {
      if (wide) {
        this.#get(dst);
        this.#source(slot);
      } else {
        this.#dst32(slot);
        this.#source32(slot);
      }
    };
    this.#unlessZero(slot, wide, modulo, () => {
      pair();
      this.code.byte(operator);
      if (!wide) this.code.byte(W.extend_u);
    });
  }
  /** A divisor of 0 gives 0, or the dividend for a remainder; else what `divided` pushes. */
  #unlessZero(slot: number, wide: boolean, modulo: boolean, divided: () => void): void {
    if (wide) {
      this.#source(slot);
      this.code.byte(W.i64eqz);
    } else {
      this.#source32(slot);
      this.code.byte(W.i32eqz);
    }
    this.code.byte(W.if, 0x7e);
    if (!modulo) this.#i64(0, 0);
    else {
      this.#get(this.#program.insns[slot]!.dst);
      if (!wide) this.code.byte(W.wrap, W.extend_u);
    }
    this.code.byte(W.else);
    divided();
    this.code.byte(W.end);
  }
  /** Signed: the smallest number divided by -1 is itself, as on the hardware that does not fault. */
  #signedDivide(slot: number, op: number, wide: boolean): void {
    const modulo = op === OP.SMOD64 || op === OP.SMOD32;
    const { dst } = this.#program.insns[slot]!;
    this.#unlessZero(slot, wide, modulo, () => {
      if (wide) {
        this.#source(slot);
        this.#i64(-1, -1);
        this.code.byte(W.i64eq);
      } else {
        this.#source32(slot);
        this.#i32(-1);
        this.code.byte(W.i32eq);
      }
      this.code.byte(W.if, 0x7e);
      if (modulo) this.#i64(0, 0);
      else this.#negate(slot, wide);
      this.code.byte(W.else);
      if (wide) {
        this.#get(dst);
        this.#source(slot);
        this.code.byte(modulo ? 0x81 : 0x7f);
      } else {
        this.#dst32(slot);
        this.#source32(slot);
        this.code.byte(modulo ? 0x6f : 0x6d, W.extend_u);
      }
      this.code.byte(W.end);
    });
  }
  #byteOrder(slot: number, op: number): void {
    const bits = this.#program.imm[slot]!;
    this.#get(this.#program.insns[slot]!.dst);
    if (op === 0xd4) {
      if (bits === 64) return;
      this.#i64(bits === 16 ? 0xffff : -1, 0);
      return void this.code.byte(W.i64and);
    }
    // All eight bytes are swapped; what was wanted stands at the top then.
    this.#swapStep(8, 0x00ff00ff);
    this.#swapStep(16, 0x0000ffff);
    this.#i64(32, 0);
    this.code.byte(W.i64rotl);
    if (bits === 64) return;
    this.#i64(64 - bits, 0);
    this.code.byte(W.i64shr_u);
  }
  /** Exchanges neighbouring groups of `bits` bits of the value on the stack. */
  #swapStep(bits: number, mask: number): void {
    this.code.byte(W.tee, LONG);
    this.#i64(mask, mask);
    this.code.byte(W.i64and);
    this.#i64(bits, 0);
    this.code.byte(W.i64shl, W.get, LONG);
    this.#i64(bits, 0);
    this.code.byte(W.i64shr_u);
    this.#i64(mask, mask);
    this.code.byte(W.i64and, W.i64or);
  }

  // ---- memory ----
  /** Pushes the offset in linear memory of `reg`, and what remains to be added as the access's own offset. */
  #address(reg: number, off: number): number {
    if (reg === 10) this.code.byte(W.get, FP);
    else {
      this.#get(reg);
      this.code.byte(W.wrap);
    }
    if (off >= 0) return off;
    this.#i32(off);
    this.code.byte(W.i32add);
    return 0;
  }
  /** Pushes the address as offset and upper half, for an import. */
  #split(reg: number, off: number): void {
    const rest = this.#address(reg, off);
    if (rest) {
      this.#i32(rest);
      this.code.byte(W.i32add);
    }
    this.#get(reg);
    this.#i64(32, 0);
    this.code.byte(W.i64shr_u, W.wrap);
  }
  #load(slot: number, op: number): void {
    const { dst, src, off } = this.#program.insns[slot]!;
    const size = accessSize(op);
    const signed = (op & 0xe0) === 0x80;
    if (this.#target.plain(slot)) {
      const rest = this.#address(src, off);
      this.code.byte(LOAD[size]![signed ? 1 : 0], 0).u32(rest);
      return this.#set(dst);
    }
    const isShown = this.#target.showsContext && size === FIELD_BYTES && !signed;
    if (isShown) this.#shownField(src, off, dst);
    this.#split(src, off);
    this.#i32(slot);
    this.#call(IMPORT.load);
    this.#target.faulted(slot, isShown ? 1 : 0, this.code);
    this.#fromFile(SCRATCH);
    if (signed) this.code.byte(EXTEND[size]!);
    this.#set(dst);
    if (isShown) this.code.byte(W.end);
  }
  /** Where the address is that of a field which a context shows, its value; what follows up to an `end` does it for others. */
  #shownField(src: number, off: number, dst: number): void {
    this.#get(src);
    this.#i32(0);
    this.code.byte(W.i64load, 3).u32(CONTEXT_AT).byte(W.i64sub);
    this.#i64(off, off >> 31);
    this.code.byte(W.i64add, W.tee, LONG);
    this.#i64(SHOWN_FIELDS_END, 0);
    this.code.byte(W.i64lt_u, W.if, W.EMPTY);
    this.#i32(0);
    this.code.byte(W.i32load, 2).u32(CONTEXT_AT).byte(W.get, LONG, W.wrap);
    this.#i32(1);
    this.code.byte(W.i32shl, W.i32add, W.i64load, 3).u32(SHOWN);
    this.#set(dst);
    this.code.byte(W.else);
  }
  #store(slot: number, op: number): void {
    const { dst, off } = this.#program.insns[slot]!;
    const size = accessSize(op);
    if (this.#target.plain(slot)) {
      const marks = this.#target.marksPages && dst !== 10;
      const rest = this.#address(dst, off);
      if (marks) this.code.byte(W.tee, AT);
      this.#storedValue(slot);
      this.code.byte(STORE[size]!, 0).u32(rest);
      if (marks) this.#markPage(rest);
      return;
    }
    this.#toFile(SCRATCH, () => this.#storedValue(slot));
    this.#split(dst, off);
    this.#i32(slot);
    this.#call(IMPORT.store);
    this.#target.faulted(slot, 0, this.code);
  }
  /** Notes the page of the byte at AT + `rest` as changed. */
  #markPage(rest: number): void {
    this.code.byte(W.get, AT);
    if (rest) {
      this.#i32(rest);
      this.code.byte(W.i32add);
    }
    this.#i32(12);
    this.code.byte(W.i32shr_u);
    this.#i32(1);
    this.code.byte(W.i32store8, 0).u32(DIRTY_AT);
  }
  #storedValue(slot: number): void {
    const { code, src, imm } = this.#program.insns[slot]!;
    if ((code & 7) === 3) this.#get(src);
    else this.#i64(imm, imm >> 31);
  }

  // ---- atomics: one CPU runs, so that a load and a store are one step ----
  #atomic(slot: number): void {
    const { dst, src, off, imm, code } = this.#program.insns[slot]!;
    const size = accessSize(code);
    if (!this.#target.plain(slot)) return this.#step(slot);
    if (imm === BPF_LOAD_ACQ || imm === BPF_STORE_REL) {
      const marks = imm === BPF_STORE_REL && this.#target.marksPages && dst !== 10;
      const rest = this.#address(imm === BPF_LOAD_ACQ ? src : dst, off);
      if (marks) this.code.byte(W.tee, AT);
      if (imm === BPF_STORE_REL) this.#get(src);
      this.code.byte(imm === BPF_LOAD_ACQ ? LOAD[size]![0] : STORE[size]!, 0).u32(rest);
      if (imm === BPF_LOAD_ACQ) this.#set(dst);
      if (marks) this.#markPage(rest);
      return;
    }
    const rest = this.#address(dst, off);
    this.code.byte(W.tee, AT, W.get, AT, LOAD[size]![0], 0).u32(rest);
    this.code.byte(W.set, LONG);
    if (imm === BPF_CMPXCHG) this.#exchanged(src, size);
    else this.#combined(src, imm);
    this.code.byte(STORE[size]!, 0).u32(rest);
    if (this.#target.marksPages && dst !== 10) this.#markPage(rest);
    if (imm === BPF_CMPXCHG || imm & BPF_FETCH) this.code.byte(W.get, LONG, W.set, register(imm === BPF_CMPXCHG ? 0 : src));
  }
  /** Pushes what compare-exchange stores: the new value where r0 is the old one, else the old one. */
  #exchanged(src: number, size: number): void {
    this.#get(src);
    this.code.byte(W.get, LONG, W.get, LONG);
    this.#get(0);
    if (size === 4) this.code.byte(W.wrap, W.extend_u);
    this.code.byte(W.i64eq, W.select);
  }
  #combined(src: number, imm: number): void {
    if (imm === BPF_XCHG) return this.#get(src);
    this.code.byte(W.get, LONG);
    this.#get(src);
    this.code.byte(COMBINE[imm & ~BPF_FETCH]!);
  }

  // ---- calls ----
  #helper(slot: number): void {
    if (this.looksUp(slot)) this.mapLookup(slot, () => this.#callOut(slot));
    else this.#callOut(slot);
  }
  /** Whether the call at `slot` is a map look-up that compiled code may do itself. */
  looksUp(slot: number): boolean {
    const { plainOp, imm } = this.#program;
    if (this.#target.lookup === undefined || plainOp[slot] !== 0x85 || imm[slot] !== MAP_LOOKUP_ELEM) return false;
    return this.#target.mapAt?.(slot)?.kind !== 0;
  }
  /** Looks r2 up in the map in r1; what `elsewhere` emits, one block further in, does it for other maps. */
  mapLookup(slot: number, elsewhere: () => void): void {
    const map = this.#target.mapAt?.(slot);
    if (map && isInPlace(map)) {
      this.#get(2);
      this.code.byte(W.wrap, W.set, AT);
      lookupInPlace(this.code, map);
      return this.#pointerAt();
    }
    for (const n of [1, 2]) {
      this.#get(n);
      this.code.byte(W.wrap);
    }
    this.callsLookup = true;
    this.#call(this.#target.lookup!);
    this.code.byte(W.tee, AT);
    this.#i32(NOT_HERE);
    this.code.byte(W.i32eq, W.if, W.EMPTY);
    elsewhere();
    this.code.byte(W.else);
    this.#pointerAt();
    this.code.byte(W.end);
  }
  /** r0 = the kernel address of offset AT, or NULL for 0. */
  #pointerAt(): void {
    this.code.byte(W.get, AT, W.extend_u);
    this.#i64(0, KERNEL_HI);
    this.#i64(0, 0);
    this.code.byte(W.get, AT, W.select, W.i64or);
    this.#set(0);
  }
  #callOut(slot: number): void {
    for (let n = 1; n <= 5; n++) this.#toFile(n, () => this.#get(n));
    this.#i32(slot);
    this.code.byte(W.get, FP);
    this.#call(IMPORT.call);
    this.code.byte(W.if, W.EMPTY);
    this.#fromFile(0);
    this.code.byte(W.return, W.end);
    this.#fromFile(0);
    this.#set(0);
  }
  #subprogram(slot: number): void {
    this.code.byte(W.get, FP);
    this.#i32(STACK_STRIDE);
    this.code.byte(W.i32add);
    for (let n = 1; n <= 5; n++) this.#get(n);
    this.#call(this.#target.functionAt(this.#program.target[slot]!));
    this.#set(0);
  }
  /** Lets the interpreter run one instruction: all registers go to the register file and back. */
  #step(slot: number): void {
    this.spill();
    this.#i32(slot);
    this.code.byte(W.get, FP);
    this.#call(IMPORT.step);
    this.reload();
  }
  #packetLoad(slot: number, op: number): void {
    this.#i32(slot);
    this.#i32(this.#program.imm[slot]!);
    if (op >= 0x40) {
      this.#get(this.#program.insns[slot]!.src);
      this.code.byte(W.wrap, W.i32add);
    }
    this.#call(IMPORT.packet);
    this.code.byte(W.i32eqz, W.if, W.EMPTY);
    this.#i64(0, 0);
    this.code.byte(W.return, W.end);
    this.#fromFile(0);
    this.#set(0);
  }
}

const COMBINE: Readonly<Record<number, number>> = {
  [BPF_ADD]: W.i64add,
  [BPF_AND]: W.i64and,
  [BPF_OR]: W.i64or,
  [BPF_XOR]: W.i64xor,
};
function isRegisterForm(code: number): boolean {
  const cls = code & 7;
  return cls === 1 || cls === 3 || (cls === 0 && (code & 0xe0) === 0x40) || (cls >= 4 && (code & 8) !== 0);
}
