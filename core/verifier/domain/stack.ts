// One 8-byte stack slot: what each byte is and the register spilled there. Slots are immutable and shared between states.
import type { Reg } from "./reg.ts";
import { SCALAR_VALUE } from "./reg-types.ts";

/** Kinds of stack bytes (enum bpf_stack_slot_type). */
export const STACK_INVALID = 0,
  STACK_SPILL = 1,
  STACK_MISC = 2,
  STACK_ZERO = 3,
  STACK_DYNPTR = 4,
  STACK_ITER = 5,
  STACK_IRQ_FLAG = 6;
export const BPF_REG_SIZE = 8,
  MAX_BPF_STACK = 512;
const CHARS = "?rm0dif";

/**
 * `types` packs the kinds of eight bytes, four bits each; as in the kernel, byte i of slot spi lies at frame offset -8*spi - i - 1,
 * so byte 7 has the lowest address.
 */
export class Slot {
  readonly reg: Reg;
  readonly types: number;
  constructor(reg: Reg, types: number) {
    this.reg = reg;
    this.types = types;
  }
  type(i: number): number {
    return (this.types >>> (i * 4)) & 15;
  }
  /** Kind of the last byte, which decides what the slot is. */
  get top(): number {
    return this.types >>> 28;
  }
  get isSpilled(): boolean {
    return this.top === STACK_SPILL;
  }
  get isSpilledScalar(): boolean {
    return this.top === STACK_SPILL && this.reg.type === SCALAR_VALUE;
  }
  get isSpilledScalar64(): boolean {
    return (this.types & 15) === STACK_SPILL && this.reg.type === SCALAR_VALUE;
  }
  get isSpecial(): boolean {
    return this.top !== STACK_INVALID && this.top !== STACK_MISC && this.top !== STACK_ZERO;
  }
  chars(): string {
    let out = "";
    for (let i = 0; i < 8; i++) out += CHARS[this.type(i)] ?? "?";
    return out;
  }
}

export const setType = (types: number, i: number, kind: number): number => (types & ~(15 << (i * 4))) | (kind << (i * 4));
export const allTypes = (kind: number): number => (kind * 0x11111111) | 0;

/** scrub_spilled_slot for all bytes: what was anything becomes MISC. */
export function scrub(types: number): number {
  let out = types;
  for (let i = 0; i < 8; i++) if ((types >>> (i * 4)) & 15) out = setType(out, i, STACK_MISC);
  return out;
}
