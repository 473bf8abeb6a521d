// Finds out whether the instruction that is about to run changes a map entry. It changes nothing.
import { accessSize } from "../isa/index.ts";
import { KERNEL_HI, type Machine } from "../vm/index.ts";
import type { Watcher } from "./debugger.ts";

/** A map entry to watch. */
export interface WatchedEntry {
  readonly map: string;
  /** Address that programs have for the map. */
  readonly mapAt: number;
  readonly key: Uint8Array;
  readonly keyText: string;
  readonly valueSize: number;
  /** Offset of the value now, 0 when the entry does not exist. */
  valueAt(): number;
}

/** A watcher for stores into the entry's value and for helpers that set or delete it. */
export function entryWatcher(entry: WatchedEntry): Watcher {
  return (machine) => {
    const insn = machine.program.insns[machine.pc];
    if (!insn) return undefined;
    const place = `${entry.map}[${entry.keyText}]`;
    const cls = insn.code & 7;
    if (cls === 2 || cls === 3) return writesValue(machine, insn, entry) ? `${place} is about to be written` : undefined;
    if (insn.code !== 0x85 || insn.src !== 0) return undefined;
    if (machine.u32(1) !== entry.mapAt || machine.hi32(1) !== KERNEL_HI || ![2, 3, 87, 88].includes(insn.imm)) return undefined;
    if (insn.imm >= 87) return `${entry.map} is about to change`;
    const { memory } = machine;
    if (!memory.allowed(machine.u32(2), machine.hi32(2), entry.key.length, 1)) return undefined;
    const key = memory.read(machine.u32(2), entry.key.length);
    if (!key.every((b, i) => b === entry.key[i])) return undefined;
    return `${place} is about to be ${insn.imm === 2 ? "updated" : "deleted"}`;
  };
}

function writesValue(machine: Machine, insn: { code: number; dst: number; off: number; imm: number }, entry: WatchedEntry): boolean {
  if ((insn.code & 0xe0) === 0xc0 && insn.imm === 0x100) return false;
  const at = machine.u32(insn.dst) + insn.off;
  const value = entry.valueAt();
  return value !== 0 && machine.hi32(insn.dst) === KERNEL_HI && at < value + entry.valueSize && at + accessSize(insn.code) > value;
}
