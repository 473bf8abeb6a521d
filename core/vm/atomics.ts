// Atomic instructions of the interpreter: fetch operations, exchange, compare-exchange, load-acquire and store-release. It knows no other instruction.
import { BPF_ADD, BPF_AND, BPF_CMPXCHG, BPF_FETCH, BPF_LOAD_ACQ, BPF_OR, BPF_STORE_REL, BPF_XCHG, BPF_XOR } from "../isa/index.ts";
import { arenaPlace } from "./arena.ts";
import { REGS_WORD } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { R_READ, R_WRITE } from "./memory.ts";
import { trap } from "./trap.ts";

/** Runs the atomic instruction at `pc` on `size` bytes. Traps when the address is bad, or not aligned to `size`. */
export function atomic(vm: Machine, pc: number, size: number): void {
  const { dst, src, off, imm } = vm.program;
  const operation = imm[pc]!;
  vm.pc = pc;
  const d = dst[pc]!,
    s = src[pc]!;
  if (operation === BPF_LOAD_ACQ || operation === BPF_STORE_REL) return ordered(vm, operation, d, s, off[pc]!, size);
  if (size < 4) trap("bad-instruction", `atomic operation 0x${operation.toString(16)} on ${size} bytes`);
  const at = address(vm, d, off[pc]!, size, R_READ | R_WRITE);
  if (at === undefined) return;
  const { i32 } = vm.memory;
  const word = at >> 2;
  const oldLo = i32[word]!,
    oldHi = size === 8 ? i32[word + 1]! : 0;
  if (operation === BPF_CMPXCHG) {
    const same = oldLo === i32[REGS_WORD] && (size === 4 || oldHi === i32[REGS_WORD + 1]);
    if (same) put(vm, word, size, i32[s]!, i32[s + 1]!);
    vm.setR0(oldLo, oldHi);
    return;
  }
  const [lo, hi] = combine(operation, oldLo, oldHi, i32[s]!, i32[s + 1]!);
  put(vm, word, size, lo, hi);
  if (operation & BPF_FETCH) {
    i32[s] = oldLo;
    i32[s + 1] = oldHi;
  }
}

function ordered(vm: Machine, operation: number, d: number, s: number, off: number, size: number): void {
  const { memory } = vm;
  if (operation === BPF_LOAD_ACQ) {
    const at = address(vm, s, off, size, R_READ);
    if (at === undefined) return void memory.i32.fill(0, d, d + 2);
    const r = memory.i32;
    const lo = size === 1 ? memory.u8[at]! : size === 2 ? memory.view.getUint16(at, true) : r[at >> 2]!;
    r[d + 1] = size === 8 ? r[(at >> 2) + 1]! : 0;
    r[d] = lo;
    return;
  }
  const at = address(vm, d, off, size, R_WRITE);
  if (at === undefined) return;
  const r = memory.i32;
  if (size === 1) memory.u8[at] = r[s]!;
  else if (size === 2) memory.view.setInt16(at, r[s]!, true);
  else put(vm, at >> 2, size, r[s]!, r[s + 1]!);
  memory.markDirty(at, size);
}

/** Where the access goes; undefined when it is one to a page that an arena does not have, which does not happen. */
function address(vm: Machine, reg: number, off: number, size: number, want: number): number | undefined {
  const { memory } = vm;
  const { arena } = vm.program.source;
  const at = (memory.i32[reg]! >>> 0) + off;
  if (memory.i32[reg + 1] === 0 && arena) {
    const place = arenaPlace(vm, arena, at, size);
    if (place !== undefined && at % size) unaligned(at, size);
    return place;
  }
  memory.need(at, memory.i32[reg + 1]!, size, want);
  if (want & R_READ) memory.shadow?.read(vm, at, size);
  if (want & R_WRITE) vm.askStore(memory.regionAt(at)!, at, size);
  if (at % size) unaligned(at, size);
  return at;
}
const unaligned = (at: number, size: number): never =>
  trap("unaligned-atomic", `atomic access of ${size} bytes at offset 0x${at.toString(16)} is not aligned`, { size });

function put(vm: Machine, word: number, size: number, lo: number, hi: number): void {
  vm.memory.i32[word] = lo;
  if (size === 8) vm.memory.i32[word + 1] = hi;
  vm.memory.markDirty(word << 2, size);
}

function combine(operation: number, alo: number, ahi: number, blo: number, bhi: number): [number, number] {
  if (operation === BPF_XCHG) return [blo, bhi];
  switch (operation & ~BPF_FETCH) {
    case BPF_ADD: {
      const sum = (alo >>> 0) + (blo >>> 0);
      return [sum | 0, (ahi + bhi + (sum > 0xffffffff ? 1 : 0)) | 0];
    }
    case BPF_AND:
      return [alo & blo, ahi & bhi];
    case BPF_OR:
      return [alo | blo, ahi | bhi];
    case BPF_XOR:
      return [alo ^ blo, ahi ^ bhi];
    default:
      return trap("bad-instruction", `atomic operation 0x${operation.toString(16)} does not exist`);
  }
}
