// Traps: how a program that misbehaves ends, as values. It never prints and never judges what the verifier would have said.
import type { InsnIdx } from "../base/index.ts";

/** Why a run ended in a trap. */
export type TrapCause =
  | "out-of-bounds"
  | "unmapped"
  | "use-after-free"
  | "read-only"
  | "no-access"
  | "bad-instruction"
  | "bad-jump"
  | "stack-overflow"
  | "unaligned-atomic"
  | "unsupported-helper"
  | "unsupported-kfunc"
  | "unsupported-access"
  | "bad-argument"
  | "limit"
  | "out-of-memory";

/** What happened, where: everything a person needs to see the fault. */
export interface Trap {
  readonly cause: TrapCause;
  readonly message: string;
  /** Slot of the instruction at fault, -1 when none ran. */
  readonly insnIdx: InsnIdx;
  /** Name of the program whose instruction it was. */
  readonly program: string;
  /** The 64-bit address as hex text with 0x, for memory faults. */
  readonly address?: string;
  /** Name of the region that the address lies in or beside. */
  readonly region?: string;
  /** Bytes that the access wanted. */
  readonly size?: number;
}

/** Thrown inside the machine and caught by its run loop, which completes the trap with the instruction. */
export class TrapSignal extends Error {
  override readonly name = "TrapSignal";
  readonly cause_: TrapCause;
  readonly details: { readonly address?: string; readonly region?: string; readonly size?: number };
  constructor(cause: TrapCause, message: string, details: { address?: string; region?: string; size?: number } = {}) {
    super(message);
    this.cause_ = cause;
    this.details = details;
  }
}

/** Ends the run with a trap. */
export function trap(cause: TrapCause, message: string, details: { address?: string; region?: string; size?: number } = {}): never {
  throw new TrapSignal(cause, message, details);
}
