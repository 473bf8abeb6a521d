// The stepping interpreter: one switch over the instruction set, every memory access checked. It calls out only through the machine.
import { MAX_LOOPS } from "./layout.ts";
import { atomic } from "./atomics.ts";
import { arsh64, divmod64, lsh64, mul64, rsh64, sdivmod64, swapBytes, truncate } from "./int64.ts";
import type { Machine } from "./machine.ts";
import { R_READ, R_WRITE } from "./memory.ts";
import { trap } from "./trap.ts";

/** Why {@link interpret} returned: the program ended, a breakpoint, the budget is used up. */
export const STOP_EXIT = 0,
  STOP_BREAK = 1,
  STOP_BUDGET = 2;

/**
 * Runs at most `budget` instructions from `vm.pc`; on return and on a trap `vm.pc` is the next (or faulting) instruction.
 * Case labels are the operation numbers of program.ts, as numbers so that the engine makes a jump table of them.
 */
export function interpret(vm: Machine, budget: number): number {
  const memory = vm.memory;
  let { op, dst, src, off, imm, target } = vm.program;
  let r = memory.i32;
  let pc = vm.pc;
  let left = budget;
  try {
    for (; left > 0; left--) {
      switch (op[pc]) {
        case 0x07: {
          // add64
          const d = dst[pc]!,
            s = src[pc]!;
          const a = r[d]! >>> 0,
            b = r[s]! >>> 0,
            sum = a + b;
          r[d + 1] = r[d + 1]! + r[s + 1]! + (sum > 0xffffffff ? 1 : 0);
          r[d] = sum | 0;
          pc++;
          continue;
        }
        case 0x17: {
          // sub64
          const d = dst[pc]!,
            s = src[pc]!;
          const a = r[d]! >>> 0,
            b = r[s]! >>> 0;
          r[d + 1] = r[d + 1]! - r[s + 1]! - (a < b ? 1 : 0);
          r[d] = (a - b) | 0;
          pc++;
          continue;
        }
        case 0x27: {
          // mul64
          mul64(r, dst[pc]!, src[pc]!);
          pc++;
          continue;
        }
        case 0x37: {
          // div64
          divmod64(r, dst[pc]!, src[pc]!, false);
          pc++;
          continue;
        }
        case 0x97: {
          // mod64
          divmod64(r, dst[pc]!, src[pc]!, true);
          pc++;
          continue;
        }
        case 0x3f: {
          // sdiv64
          sdivmod64(r, dst[pc]!, src[pc]!, false);
          pc++;
          continue;
        }
        case 0x9f: {
          // smod64
          sdivmod64(r, dst[pc]!, src[pc]!, true);
          pc++;
          continue;
        }
        case 0x47: {
          // or64
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! | r[s]!;
          r[d + 1] = r[d + 1]! | r[s + 1]!;
          pc++;
          continue;
        }
        case 0x57: {
          // and64
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! & r[s]!;
          r[d + 1] = r[d + 1]! & r[s + 1]!;
          pc++;
          continue;
        }
        case 0xa7: {
          // xor64
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! ^ r[s]!;
          r[d + 1] = r[d + 1]! ^ r[s + 1]!;
          pc++;
          continue;
        }
        case 0x67: {
          // lsh64
          lsh64(r, dst[pc]!, r[src[pc]!]!);
          pc++;
          continue;
        }
        case 0x77: {
          // rsh64
          rsh64(r, dst[pc]!, r[src[pc]!]!);
          pc++;
          continue;
        }
        case 0xc7: {
          // arsh64
          arsh64(r, dst[pc]!, r[src[pc]!]!);
          pc++;
          continue;
        }
        case 0x87: {
          // neg64
          const d = dst[pc]!,
            lo = r[d]!;
          r[d] = -lo | 0;
          r[d + 1] = ~r[d + 1]! + (lo === 0 ? 1 : 0);
          pc++;
          continue;
        }
        case 0xb7: {
          // mov64
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]!;
          r[d + 1] = r[s + 1]!;
          pc++;
          continue;
        }
        case 0xbf: {
          // movsx64
          const d = dst[pc]!,
            s = src[pc]!;
          const v = r[s]!,
            bits = 32 - off[pc]!;
          r[d] = (v << bits) >> bits;
          r[d + 1] = r[d]! >> 31;
          pc++;
          continue;
        }
        case 0x0e: {
          // addr_space_cast
          vm.addressSpaceCast(dst[pc]!, src[pc]!, imm[pc]!);
          pc++;
          continue;
        }
        case 0x04: {
          // add32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = (r[d]! + r[s]!) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x14: {
          // sub32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = (r[d]! - r[s]!) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x24: {
          // mul32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = Math.imul(r[d]!, r[s]!);
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x44: {
          // or32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! | r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x54: {
          // and32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! & r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0xa4: {
          // xor32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! ^ r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x64: {
          // lsh32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! << r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x74: {
          // rsh32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! >>> r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0xc4: {
          // arsh32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[d]! >> r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x84: {
          // neg32
          const d = dst[pc]!;
          r[d] = -r[d]! | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0xb4: {
          // mov32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]!;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x34: {
          // div32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]! === 0 ? 0 : ((r[d]! >>> 0) / (r[s]! >>> 0)) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x94: {
          // mod32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]! === 0 ? r[d]! : ((r[d]! >>> 0) % (r[s]! >>> 0)) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x3c: {
          // sdiv32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]! === 0 ? 0 : (r[d]! / r[s]!) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0x9c: {
          // smod32
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]! === 0 ? r[d]! : (r[d]! % r[s]!) | 0;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0xbc: {
          // movsx32
          const d = dst[pc]!,
            s = src[pc]!;
          const bits = 32 - off[pc]!;
          r[d] = (r[s]! << bits) >> bits;
          r[d + 1] = 0;
          pc++;
          continue;
        }
        case 0xd4: {
          // to little endian
          truncate(r, dst[pc]!, imm[pc]!);
          pc++;
          continue;
        }
        case 0xd7: // bswap
        case 0xdc: {
          // to big endian
          swapBytes(r, dst[pc]!, imm[pc]!);
          pc++;
          continue;
        }
        case 0x18: {
          // ld_imm64
          const d = dst[pc]!,
            s = src[pc]!;
          r[d] = r[s]!;
          r[d + 1] = r[s + 1]!;
          pc += 2;
          continue;
        }
        case 0x05: {
          // ja, gotol
          pc = target[pc]!;
          continue;
        }
        case 0x15: {
          // jeq
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d] === r[s] && r[d + 1] === r[s + 1] ? target[pc]! : pc + 1;
          continue;
        }
        case 0x55: {
          // jne
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d] !== r[s] || r[d + 1] !== r[s + 1] ? target[pc]! : pc + 1;
          continue;
        }
        case 0x45: {
          // jset
          const d = dst[pc]!,
            s = src[pc]!;
          pc = ((r[d]! & r[s]!) | (r[d + 1]! & r[s + 1]!)) !== 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0x25: {
          // jgt
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 > r[s]! >>> 0 : ah >>> 0 > bh >>> 0) ? target[pc]! : pc + 1;
          continue;
        }
        case 0x35: {
          // jge
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 >= r[s]! >>> 0 : ah >>> 0 > bh >>> 0) ? target[pc]! : pc + 1;
          continue;
        }
        case 0xa5: {
          // jlt
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 < r[s]! >>> 0 : ah >>> 0 < bh >>> 0) ? target[pc]! : pc + 1;
          continue;
        }
        case 0xb5: {
          // jle
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 <= r[s]! >>> 0 : ah >>> 0 < bh >>> 0) ? target[pc]! : pc + 1;
          continue;
        }
        case 0x65: {
          // jsgt
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 > r[s]! >>> 0 : ah > bh) ? target[pc]! : pc + 1;
          continue;
        }
        case 0x75: {
          // jsge
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 >= r[s]! >>> 0 : ah > bh) ? target[pc]! : pc + 1;
          continue;
        }
        case 0xc5: {
          // jslt
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 < r[s]! >>> 0 : ah < bh) ? target[pc]! : pc + 1;
          continue;
        }
        case 0xd5: {
          // jsle
          const d = dst[pc]!,
            s = src[pc]!;
          const ah = r[d + 1]!,
            bh = r[s + 1]!;
          pc = (ah === bh ? r[d]! >>> 0 <= r[s]! >>> 0 : ah < bh) ? target[pc]! : pc + 1;
          continue;
        }
        case 0x16: {
          // jeq32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d] === r[s] ? target[pc]! : pc + 1;
          continue;
        }
        case 0x56: {
          // jne32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d] !== r[s] ? target[pc]! : pc + 1;
          continue;
        }
        case 0x46: {
          // jset32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = (r[d]! & r[s]!) !== 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0x26: {
          // jgt32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! >>> 0 > r[s]! >>> 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0x36: {
          // jge32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! >>> 0 >= r[s]! >>> 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0xa6: {
          // jlt32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! >>> 0 < r[s]! >>> 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0xb6: {
          // jle32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! >>> 0 <= r[s]! >>> 0 ? target[pc]! : pc + 1;
          continue;
        }
        case 0x66: {
          // jsgt32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! > r[s]! ? target[pc]! : pc + 1;
          continue;
        }
        case 0x76: {
          // jsge32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! >= r[s]! ? target[pc]! : pc + 1;
          continue;
        }
        case 0xc6: {
          // jslt32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! < r[s]! ? target[pc]! : pc + 1;
          continue;
        }
        case 0xd6: {
          // jsle32
          const d = dst[pc]!,
            s = src[pc]!;
          pc = r[d]! <= r[s]! ? target[pc]! : pc + 1;
          continue;
        }
        case 0x61: {
          // ldx u32
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 4, R_READ)) {
            r[d] = memory.view.getInt32(at, true);
            r[d + 1] = 0;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 4);
            r = memory.i32;
            r[d] = vm.lo;
            r[d + 1] = vm.hi;
          }
          pc++;
          continue;
        }
        case 0x69: {
          // ldx u16
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 2, R_READ)) {
            r[d] = memory.view.getUint16(at, true);
            r[d + 1] = 0;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 2);
            r = memory.i32;
            r[d] = vm.lo;
            r[d + 1] = vm.hi;
          }
          pc++;
          continue;
        }
        case 0x71: {
          // ldx u8
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 1, R_READ)) {
            r[d] = memory.u8[at]!;
            r[d + 1] = 0;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 1);
            r = memory.i32;
            r[d] = vm.lo;
            r[d + 1] = vm.hi;
          }
          pc++;
          continue;
        }
        case 0x79: {
          // ldx u64
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 8, R_READ)) {
            r[d] = memory.view.getInt32(at, true);
            r[d + 1] = memory.view.getInt32(at + 4, true);
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 8);
            r = memory.i32;
            r[d] = vm.lo;
            r[d + 1] = vm.hi;
          }
          pc++;
          continue;
        }
        case 0x81: {
          // ldsx u32
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 4, R_READ)) {
            r[d] = memory.view.getInt32(at, true);
            r[d + 1] = r[d]! >> 31;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 4);
            r = memory.i32;
            r[d] = vm.lo;
            r[d + 1] = r[d]! >> 31;
          }
          pc++;
          continue;
        }
        case 0x89: {
          // ldsx u16
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 2, R_READ)) {
            r[d] = memory.view.getInt16(at, true);
            r[d + 1] = r[d]! >> 31;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 2);
            r = memory.i32;
            r[d] = (vm.lo << 16) >> 16;
            r[d + 1] = r[d]! >> 31;
          }
          pc++;
          continue;
        }
        case 0x91: {
          // ldsx u8
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[s]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[s + 1]!, 1, R_READ)) {
            r[d] = (memory.u8[at]! << 24) >> 24;
            r[d + 1] = r[d]! >> 31;
          } else {
            vm.pc = pc;
            vm.slowLoad(at, r[s + 1]!, 1);
            r = memory.i32;
            r[d] = (vm.lo << 24) >> 24;
            r[d + 1] = r[d]! >> 31;
          }
          pc++;
          continue;
        }
        case 0x63: {
          // store u32
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[d]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[d + 1]!, 4, R_WRITE)) {
            memory.view.setInt32(at, r[s]!, true);
            memory.dirty[at >>> 12] = 1;
            memory.dirty[(at + 3) >>> 12] = 1;
          } else {
            vm.pc = pc;
            vm.slowStore(at, r[d + 1]!, 4, s);
            r = memory.i32;
          }
          pc++;
          continue;
        }
        case 0x6b: {
          // store u16
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[d]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[d + 1]!, 2, R_WRITE)) {
            memory.view.setInt16(at, r[s]!, true);
            memory.dirty[at >>> 12] = 1;
            memory.dirty[(at + 1) >>> 12] = 1;
          } else {
            vm.pc = pc;
            vm.slowStore(at, r[d + 1]!, 2, s);
            r = memory.i32;
          }
          pc++;
          continue;
        }
        case 0x73: {
          // store u8
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[d]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[d + 1]!, 1, R_WRITE)) {
            memory.u8[at] = r[s]!;
            memory.dirty[at >>> 12] = 1;
          } else {
            vm.pc = pc;
            vm.slowStore(at, r[d + 1]!, 1, s);
            r = memory.i32;
          }
          pc++;
          continue;
        }
        case 0x7b: {
          // store u64
          const d = dst[pc]!,
            s = src[pc]!;
          const at = (r[d]! >>> 0) + off[pc]!;
          if (memory.quick(at, r[d + 1]!, 8, R_WRITE)) {
            memory.view.setInt32(at, r[s]!, true);
            memory.view.setInt32(at + 4, r[s + 1]!, true);
            memory.dirty[at >>> 12] = 1;
            memory.dirty[(at + 7) >>> 12] = 1;
          } else {
            vm.pc = pc;
            vm.slowStore(at, r[d + 1]!, 8, s);
            r = memory.i32;
          }
          pc++;
          continue;
        }
        case 0xc3: {
          // atomic 4
          atomic(vm, pc, 4);
          pc++;
          continue;
        }
        case 0xdb: {
          // atomic 8
          atomic(vm, pc, 8);
          pc++;
          continue;
        }
        case 0xcb: {
          // atomic 2
          atomic(vm, pc, 2);
          pc++;
          continue;
        }
        case 0xd3: {
          // atomic 1
          atomic(vm, pc, 1);
          pc++;
          continue;
        }
        case 0x20: // ld_abs
        case 0x28:
        case 0x30:
        case 0x40: // ld_ind
        case 0x48:
        case 0x50: {
          const at = op[pc]! < 0x40 ? imm[pc]! : (imm[pc]! + r[src[pc]!]!) | 0;
          if (!vm.packetLoad(at, 4 >> ((op[pc]! & 0x18) >> 3))) {
            vm.setR0(0, 0);
            pc = vm.leave();
            if (pc < 0) return vm.ended(STOP_EXIT);
            ({ op, dst, src, off, imm, target } = vm.program);
          } else pc++;
          continue;
        }
        case 0xe5: // may_goto
          if (vm.countLoop() > MAX_LOOPS) pc = target[pc]!;
          else pc++;
          continue;
        case 0x85: // helper
        case 0x8e: // kfunc
          vm.pc = pc;
          pc = vm.call(pc);
          if (pc < 0) return vm.ended(STOP_EXIT);
          ({ op, dst, src, off, imm, target } = vm.program);
          r = memory.i32;
          continue;
        case 0x8d: // bpf-to-bpf call
          vm.enter(pc + 1, false);
          pc = target[pc]!;
          continue;
        case 0x95: // exit
          pc = vm.leave();
          if (pc < 0) {
            pc = 0;
            return vm.ended(STOP_EXIT);
          }
          ({ op, dst, src, off, imm, target } = vm.program);
          r = memory.i32;
          continue;
        case 0xff:
          return STOP_BREAK;
        case undefined:
          trap("bad-jump", `control left the program at slot ${pc}`);
          break;
        default:
          trap(
            "bad-instruction",
            `instruction ${pc} (code 0x${vm.program.insns[pc]!.code.toString(16)}) is none of the BPF instruction set`,
          );
      }
    }
    return STOP_BUDGET;
  } finally {
    vm.executed += budget - left;
    if (!vm.done) vm.pc = pc;
  }
}
