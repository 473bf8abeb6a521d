// Maps of an object: BTF-defined ones of `.maps`, data sections, `.kconfig` (bpf_object__init_maps and __create_map of libbpf 1.5). It creates none.
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type BtfMember, type BtfType } from "../btf/btf.ts";
import { putU32, reopened } from "../btf/edit.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { STV } from "../elf/elf.ts";
import type { MapSpec } from "../spec.ts";
import { dataKind } from "./collect.ts";
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, MAP_TYPE as M } from "./kinds.ts";
import { legacyMaps } from "./legacy-maps.ts";
import { refuse, type LoadMap, type ObjectState } from "./model.ts";

const PAGE = 4096;
const NAME_LEN = 16;
export const isMapInMap = (type: number): boolean => type === M.ARRAY_OF_MAPS || type === M.HASH_OF_MAPS;

/** Gives DATASECs that clang left open their sizes and offsets from the ELF file, hides hidden variables, sorts (btf_fixup_datasec). */
export function fixDatasecs(state: ObjectState): void {
  const btf = state.btf;
  if (btf === undefined) return;
  const symbols = new Map(state.elf.symbols.filter((s) => s.type === 1 && s.bind !== 0).map((s) => [s.name, s]));
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== K.DATASEC) continue;
    const sec = btf.type(id);
    const at = btf.offsetOf(id);
    let vars = sec.vars.map((v) => ({ ...v }));
    if (sec.name !== ".kconfig" && sec.name !== ".ksyms") {
      const open = sec.size === 0;
      if (open) {
        const size = state.elf.sections.find((s) => s.name === sec.name)?.size ?? 0;
        if (size === 0) refuse("btf-datasec", `sec '${sec.name}': failed to determine size from ELF`);
        putU32(btf, at + 8, size);
      }
      vars = vars.map((v) => {
        const t = btf.type(v.type);
        if (t.kind !== K.VAR) refuse("btf-datasec", `sec '${sec.name}': unexpected non-VAR type found`);
        if (t.linkage !== 1) return v;
        const sym = symbols.get(t.name) ?? refuse("btf-datasec", `sec '${sec.name}': failed to find ELF symbol for VAR '${t.name}'`);
        if (sym.visibility === STV.HIDDEN || sym.visibility === STV.INTERNAL) putU32(btf, btf.offsetOf(v.type) + 12, 0);
        return open ? { ...v, offset: sym.value } : v;
      });
    }
    vars.sort((a, b) => a.offset - b.offset);
    vars.forEach((v, i) => [v.type, v.offset, v.size].forEach((word, k) => putU32(btf, at + 12 + i * 12 + k * 4, word)));
  }
  state.btf = reopened(btf);
}

/** Fills `state.maps`: legacy ones and `.maps` first, then data sections, then `.kconfig`. */
export function initMaps(state: ObjectState): void {
  legacyMaps(state);
  if (state.mapsIdx >= 0) userMaps(state, state.btf!);
  for (const s of state.elf.sections) {
    const kind = dataKind(s);
    if (kind !== undefined && s.size > 0)
      state.maps.push(
        internalMap(state, {
          realName: s.name,
          secIdx: s.index,
          kind,
          data: kind === "bss" ? new Uint8Array(bssSize(s.size)) : s.data.slice(),
        }),
      );
  }
  const last = state.externs.filter((e) => e.kind === "kconfig").at(-1);
  if (last)
    state.maps.push(
      internalMap(state, { realName: ".kconfig", secIdx: -1, kind: "kconfig", data: new Uint8Array(last.dataOff + last.size) }),
    );
}

/** `.bss` takes no room in the file, so its size is bounded here: no map of the kernel holds a larger value. */
function bssSize(size: number): number {
  if (size > 1 << 28) refuse("bss-size", `.bss of ${size} bytes; 256 MiB are the limit`);
  return size;
}

interface Internal {
  readonly realName: string;
  readonly secIdx: number;
  readonly kind: "data" | "rodata" | "bss" | "kconfig";
  readonly data: Uint8Array;
}

function internalMap(state: ObjectState, def: Internal): LoadMap {
  const readOnly = def.kind === "rodata" || def.kind === "kconfig";
  const valueType = state.btf?.findAll(def.realName)[0] ?? 0;
  const exposed =
    valueType !== 0 &&
    state.btf!.type(valueType).vars.some((v) => state.btf!.kind(v.type) === K.VAR && state.btf!.type(v.type).linkage !== 0);
  const spec: MapSpec = {
    name: internalName(state.name, def.realName),
    type: M.ARRAY,
    keySize: 4,
    valueSize: def.data.length,
    maxEntries: 1,
    flags: (readOnly ? BPF_F_RDONLY_PROG : 0) | (exposed ? BPF_F_MMAPABLE : 0),
    mapExtra: 0n,
    btfKeyTypeId: 0,
    btfValueTypeId: valueType,
    initial: def.data,
    section: def.secIdx,
    frozen: readOnly,
  };
  return { spec, secIdx: def.secIdx, secOff: 0, internal: true, autocreate: true, varIdx: -1, structOps: undefined };
}

/** `my_objec.rodata`: 15 characters, as much of the object's name as the section's leaves; custom sections keep their own name. */
function internalName(object: string, realName: string): string {
  const suffix = Math.min(NAME_LEN - 1, Math.max(7, realName.length));
  const prefix = realName.indexOf(".", 1) > 0 ? 0 : Math.min(NAME_LEN - suffix - 1, object.length);
  return (object.slice(0, prefix) + realName.slice(0, suffix)).replace(/[^A-Za-z0-9_.]/g, "_");
}

function userMaps(state: ObjectState, btf: BtfBlob): void {
  const section = state.elf.sections[state.mapsIdx]!;
  const secId = btf.find(".maps", K.DATASEC);
  if (secId === 0) refuse("maps-datasec", "DATASEC '.maps' not found.");
  btf.type(secId).vars.forEach((v, varIdx) => {
    const t = btf.type(v.type);
    if (t.name === "") refuse("map-name", `map #${varIdx}: empty name.`);
    if (v.offset + v.size > section.data.length) refuse("map-data", `map '${t.name}' BTF data is corrupted.`);
    if (t.kind !== K.VAR) refuse("map-def", `map '${t.name}': unexpected var kind.`);
    if (t.linkage !== 1)
      refuse("map-linkage", `map '${t.name}': unsupported map linkage ${["static", "global", "extern"][t.linkage] ?? "unknown"}.`);
    const def = btf.type(btf.resolve(t.type));
    if (def.kind !== K.STRUCT) refuse("map-def", `map '${t.name}': unexpected def kind.`);
    if (def.size > v.size) refuse("map-def", `map '${t.name}': invalid def size.`);
    state.maps.push({
      spec: withRingbufSize(readMapDef(btf, t.name, def)),
      secIdx: section.index,
      secOff: v.offset,
      internal: false,
      autocreate: true,
      varIdx,
      structOps: undefined,
    });
  });
  const arenas = state.maps.filter((m) => m.spec.type === M.ARENA);
  for (const m of arenas) m.spec = { ...m.spec, userMapped: true }; // bpf_object__create_maps maps it at once, so its user address is set.
  if (arenas.length > 1)
    refuse("map-arena", `map '${arenas[1]!.spec.name}': only single ARENA map is supported (map '${arenas[0]!.spec.name}' is also ARENA)`);
  const data = state.arenaSection;
  if (data === undefined) return;
  const arena =
    arenas[0] ??
    refuse(
      "map-arena",
      `elf: sec '${data.name}': to use global __arena variables the ARENA map should be explicitly declared in SEC(".maps")`,
    );
  if (Math.ceil(data.size / PAGE) > arena.spec.maxEntries)
    refuse(
      "map-arena",
      `elf: sec '${data.name}': declared ARENA map size (${arena.spec.maxEntries * PAGE}) is too small to hold global __arena variables of size ${data.size}`,
    );
  arena.spec = { ...arena.spec, initial: data.data.slice() };
}

/** The map that a struct of `.maps` defines (parse_btf_map_def, strict). Throws CodedError `map-def`. */
export function readMapDef(btf: BtfBlob, name: string, def: BtfType): MapSpec {
  return new MapReader(btf, name, false).read(def);
}

/** Reads one definition: each member's type holds its value. */
class MapReader {
  readonly #btf: BtfBlob;
  readonly #name: string;
  readonly #inner: boolean;
  #spec: { -readonly [F in keyof MapSpec]: MapSpec[F] };

  constructor(btf: BtfBlob, name: string, inner: boolean) {
    this.#btf = btf;
    this.#name = name;
    this.#inner = inner;
    this.#spec = { name, type: 0, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 };
  }

  #fail(why: string): never {
    return refuse("map-def", `map '${this.#name}': ${why}`);
  }

  read(def: BtfType): MapSpec {
    def.members.forEach((m, i) => this.#member(m, i === def.members.length - 1));
    const spec = this.#spec;
    if (spec.type === 0) this.#fail("map type isn't specified.");
    return spec;
  }

  #member(m: BtfMember, last: boolean): void {
    const spec = this.#spec;
    switch (m.name) {
      case "type":
        spec.type = this.#int(m);
        break;
      case "max_entries":
        spec.maxEntries = this.#int(m);
        break;
      case "map_flags":
        spec.flags = this.#int(m);
        break;
      case "numa_node":
        spec.numaNode = this.#int(m);
        break;
      case "key_size":
        spec.keySize = this.#agree("key", spec.keySize, this.#int(m));
        break;
      case "value_size":
        spec.valueSize = this.#agree("value", spec.valueSize, this.#int(m));
        break;
      case "key":
        spec.btfKeyTypeId = this.#pointee(m, "key");
        spec.keySize = this.#agree("key", spec.keySize, this.#btf.sizeOf(spec.btfKeyTypeId));
        break;
      case "value":
        spec.btfValueTypeId = this.#pointee(m, "value");
        spec.valueSize = this.#agree("value", spec.valueSize, this.#btf.sizeOf(spec.btfValueTypeId));
        break;
      case "values":
        this.#values(m, last);
        break;
      case "pinning":
        this.#pinning(m);
        break;
      case "map_extra":
        spec.mapExtra = this.#long(m);
        break;
      default:
        this.#fail(`unknown field '${m.name}'.`);
    }
  }

  #agree(what: string, before: number, now: number): number {
    if (before !== 0 && before !== now) this.#fail(`conflicting ${what} size ${before} != ${now}.`);
    return now;
  }

  #pointee(m: BtfMember, what: string): BtfId {
    const t = this.#btf.type(m.type);
    if (t.kind !== K.PTR) this.#fail(`${what} spec is not PTR.`);
    return t.type;
  }

  /** `__uint(name, N)` is a pointer to an array of N elements. */
  #int(m: BtfMember): number {
    const ptr = this.#btf.type(this.#btf.resolve(m.type));
    if (ptr.kind !== K.PTR) this.#fail(`attr '${m.name}': expected PTR.`);
    const array = this.#btf.type(ptr.type);
    if (array.kind !== K.ARRAY) this.#fail(`attr '${m.name}': expected ARRAY.`);
    return array.nelems;
  }

  /** `__ulong(name, N)` is an enum with one value. */
  #long(m: BtfMember): bigint {
    const t = this.#btf.type(this.#btf.resolve(m.type));
    if (t.kind === K.PTR) return BigInt(this.#int(m));
    if (t.kind !== K.ENUM && t.kind !== K.ENUM64) this.#fail(`attr '${m.name}': expected ENUM or ENUM64.`);
    if (t.values.length !== 1) this.#fail(`attr '${m.name}': invalid __ulong`);
    const { value } = t.values[0]!;
    return t.kind === K.ENUM ? BigInt.asUintN(32, value) : BigInt.asUintN(64, value);
  }

  #pinning(m: BtfMember): void {
    if (this.#inner) this.#fail("inner def can't be pinned.");
    const value = this.#int(m);
    if (value > 1) this.#fail(`invalid pinning value ${value}.`);
    this.#spec.pinning = value === 1;
  }

  #values(m: BtfMember, last: boolean): void {
    const spec = this.#spec;
    if (this.#inner) this.#fail("multi-level inner maps not supported.");
    if (!last) this.#fail("'values' member should be last.");
    const progArray = spec.type === M.PROG_ARRAY;
    if (!progArray && !isMapInMap(spec.type)) this.#fail("should be map-in-map or prog-array.");
    spec.valueSize = this.#agree("value", spec.valueSize, 4);
    const array = this.#btf.type(m.type);
    if (array.kind !== K.ARRAY || array.nelems !== 0) this.#fail("values spec is not a zero-sized array.");
    const ptr = this.#btf.type(this.#btf.resolve(array.type));
    if (ptr.kind !== K.PTR) this.#fail("values def is of unexpected kind.");
    const target = this.#btf.type(this.#btf.resolve(ptr.type));
    if (target.kind !== (progArray ? K.FUNC_PROTO : K.STRUCT)) this.#fail("values def is of unexpected kind.");
    if (!progArray) spec.inner = withRingbufSize(new MapReader(this.#btf, `${this.#name}.inner`, true).read(target));
  }
}

const withRingbufSize = (spec: MapSpec): MapSpec =>
  spec.type === M.RINGBUF || spec.type === M.USER_RINGBUF ? { ...spec, maxEntries: ringbufSize(spec.maxEntries) } : spec;

/** libbpf's adjust_ringbuf_sz: the next power-of-2 number of pages. */
function ringbufSize(size: number): number {
  const pages = size / PAGE;
  if (size === 0 || (Number.isInteger(pages) && (pages & (pages - 1)) === 0)) return size;
  for (let mul = 1; mul <= Math.floor(0xffffffff / PAGE); mul *= 2) if (mul * PAGE > size) return mul * PAGE;
  return size;
}

/** Maps whose key and value types libbpf does not hand to the kernel. */
const NO_BTF: ReadonlySet<number> = new Set([
  M.PERF_EVENT_ARRAY,
  M.CGROUP_ARRAY,
  M.STACK_TRACE,
  M.ARRAY_OF_MAPS,
  M.HASH_OF_MAPS,
  M.DEVMAP,
  M.DEVMAP_HASH,
  M.CPUMAP,
  M.XSKMAP,
  M.SOCKMAP,
  M.SOCKHASH,
  M.QUEUE,
  M.STACK,
  M.ARENA,
]);

/** The map as bpf_object__create_map would create it on a machine with `cpus` possible CPUs. */
export function asCreated(spec: MapSpec, cpus: number): MapSpec {
  const noBtf = NO_BTF.has(spec.type);
  return {
    ...spec,
    name: spec.name.slice(0, NAME_LEN - 1),
    maxEntries: spec.type === M.PERF_EVENT_ARRAY && spec.maxEntries === 0 ? cpus : spec.maxEntries,
    btfKeyTypeId: noBtf ? 0 : spec.btfKeyTypeId,
    btfValueTypeId: noBtf || spec.type === M.STRUCT_OPS ? 0 : spec.btfValueTypeId,
    inner: spec.inner && asCreated(spec.inner, cpus),
  };
}
