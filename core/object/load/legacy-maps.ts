// Maps of the old `maps` section (struct bpf_map_def), as libbpf before 1.0 read them. Only for callers that ask for it: libbpf 1.0 and later refuse them.
import { ByteReader } from "../../base/index.ts";
import { SHT, STT, type ElfSection } from "../elf/elf.ts";
import type { MapSpec } from "../spec.ts";
import { refuse, type ObjectState } from "./model.ts";

/** type, key_size, value_size, max_entries, map_flags: 32 bits each. */
const DEF_SIZE = 20;

export const isLegacyMaps = (s: ElfSection): boolean => s.name === "maps" && s.type === SHT.PROGBITS && s.size > 0;

/** Adds the maps of the section; all definitions are of one size, and what they hold beyond the known fields is zero. Throws CodedError `map-def`. */
export function legacyMaps(state: ObjectState): void {
  const section = state.elf.sections.find(isLegacyMaps);
  if (section === undefined) return;
  const symbols = state.elf.symbols.filter((s) => s.shndx === section.index && s.type !== STT.SECTION).sort((a, b) => a.value - b.value);
  const size = section.data.length / symbols.length;
  if (symbols.length === 0 || !Number.isInteger(size))
    refuse(
      "map-def",
      `unable to determine legacy map definition size of ${symbols.length} maps in ${section.data.length} bytes`,
      section.offset,
    );
  if (size < DEF_SIZE) refuse("map-def", `legacy map definitions of ${size} bytes, at least ${DEF_SIZE} expected`, section.offset);
  const r = new ByteReader(section.data, state.elf.littleEndian, "elf");
  for (const s of symbols) {
    const bad = (why: string): never => refuse("map-def", `map '${s.name}': ${why}`, section.offset + s.value);
    if (s.name === "") bad("the definition has no name.");
    if (s.value + size > section.data.length) bad("the definition ends behind its section.");
    if (section.data.subarray(s.value + DEF_SIZE, s.value + size).some((b) => b !== 0)) bad("unrecognized, non-zero options.");
    const [type, keySize, valueSize, maxEntries, flags] = [0, 4, 8, 12, 16].map((o) => r.u32(s.value + o)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const plain = { name: s.name, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 };
    const spec: MapSpec = { ...plain, type, keySize, valueSize, maxEntries, flags };
    state.maps.push({ spec, secIdx: section.index, secOff: s.value, internal: false, autocreate: true, varIdx: -1, structOps: undefined });
  }
}
