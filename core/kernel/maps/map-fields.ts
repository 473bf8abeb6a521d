// struct bpf_map as programs read it through a map's pointer: type, sizes, flags, id (include/linux/bpf.h, 6.18). Other members are not there.
import { addressOf, type ObjectStore } from "../objects/index.ts";
import type { BpfMap } from "./map.ts";

const NUMBERS: readonly (readonly [name: string, of: (map: BpfMap) => bigint])[] = [
  ["map_type", (m) => BigInt(m.spec.type)],
  ["key_size", (m) => BigInt(m.keySize)],
  ["value_size", (m) => BigInt(m.valueSize)],
  ["max_entries", (m) => BigInt(m.spec.maxEntries)],
  ["map_flags", (m) => BigInt(m.spec.flags)],
  ["map_extra", (m) => m.spec.mapExtra],
  ["id", (m) => BigInt(m.id)],
  // Hash of the contents, which is there only once it was asked for, and the mark of a map for one program only.
  ["sha", () => 0n],
  ["excl", () => 0n],
  ["numa_node", () => -1n],
  ["btf_key_type_id", (m) => BigInt(m.spec.btfKeyTypeId)],
  ["btf_value_type_id", (m) => BigInt(m.spec.btfValueTypeId)],
  ["name", (m) => [...m.name.slice(0, 15)].reduceRight((all, c) => (all << 8n) | BigInt(c.charCodeAt(0) & 255), 0n)],
  ["frozen", (m) => BigInt(m.frozen)],
  // Function pointers: programs may compare them, not call them.
  ["ops", (m) => addressOf(m.region.start)],
];

/** `size` bytes at `off` of a map's struct bpf_map; undefined where no member that is known lies. */
export function mapField(store: ObjectStore, map: BpfMap, off: number, size: number): bigint | undefined {
  for (const [name, of] of NUMBERS) {
    const slot = store.types.slot("bpf_map", name);
    if (!slot || off < slot.off || off + size > slot.off + slot.size) continue;
    return BigInt.asUintN(8 * size, of(map) >> BigInt(8 * (off - slot.off)));
  }
  return undefined;
}
