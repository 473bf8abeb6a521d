// Registers of any frame of a halted machine. It sets only those of the innermost.
import type { Machine } from "../vm/index.ts";

/** Register `reg` as the frame `up` calls above the innermost will find it; undefined when a call has lost it (r0 to r5). */
export function registerAt(machine: Machine, up: number, reg: number): bigint | undefined {
  const saved = machine.savedRegsAt(up);
  if (saved === undefined) return reg <= 10 ? machine.u64(reg) : undefined;
  return reg < 6 || reg > 10 ? undefined : machine.memory.view.getBigUint64(saved + 8 * (reg - 6), true);
}
