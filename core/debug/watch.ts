// Watches for a debugger: one map entry that is about to change, by a store or by a helper. It changes nothing.
import { KERNEL_HI, type Machine, type Watch } from "../vm/index.ts";

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

const UPDATE = 2,
  DELETE = 3,
  PUSH = 87,
  POP = 88;

/** A watch for stores into the entry's value and for helpers that set or delete it. */
export function entryWatch(entry: WatchedEntry): Watch {
  const place = `${entry.map}[${entry.keyText}]`;
  return {
    covers: (region) => region.kind === "map-value",
    beforeStore: (at, size) => {
      const value = entry.valueAt();
      return value !== 0 && at < value + entry.valueSize && at + size > value ? `${place} is about to be written` : undefined;
    },
    beforeCall: (machine) => {
      const insn = machine.program.insns[machine.pc];
      if (insn?.code !== 0x85 || insn.src !== 0 || ![UPDATE, DELETE, PUSH, POP].includes(insn.imm)) return undefined;
      if (machine.u32(1) !== entry.mapAt || machine.hi32(1) !== KERNEL_HI) return undefined;
      if (insn.imm >= PUSH) return `${entry.map} is about to change`;
      return isKey(machine, entry.key) ? `${place} is about to be ${insn.imm === UPDATE ? "updated" : "deleted"}` : undefined;
    },
  };
}

/** Whether r2 points at this key. */
function isKey(machine: Machine, key: Uint8Array): boolean {
  const { memory } = machine;
  if (!memory.allowed(machine.u32(2), machine.hi32(2), key.length, 1)) return false;
  return memory.read(machine.u32(2), key.length).every((b, i) => b === key[i]);
}
