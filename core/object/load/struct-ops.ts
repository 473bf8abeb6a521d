// struct_ops maps: the object's structure, the kernel's, and which program fills which member (libbpf 1.5). It registers nothing.
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfType } from "../btf/btf.ts";
import type { BtfBlob } from "../btf/reader.ts";
import type { ElfSection } from "../elf/elf.ts";
import { essentialName } from "../core-relo/names.ts";
import { funcAt, isStructOpsSection } from "./collect.ts";
import { BPF_F_LINK, MAP_TYPE, PROG_TYPE } from "./kinds.ts";
import { refuse, type Func, type LoadMap, type ObjectState } from "./model.ts";

/** Adds a map for each variable of `.struct_ops` and `.struct_ops.link`. */
export function initStructOps(state: ObjectState): void {
  for (const s of state.elf.sections) if (isStructOpsSection(s)) sectionMaps(state, state.btf!, s);
}

function sectionMaps(state: ObjectState, btf: BtfBlob, section: ElfSection): void {
  const secId = btf.find(section.name, K.DATASEC);
  if (secId === 0) refuse("struct-ops", `struct_ops init: DATASEC ${section.name} not found`);
  const optional = section.name.startsWith("?");
  const link = section.name.endsWith(".struct_ops.link");
  for (const v of btf.type(secId).vars) {
    const variable = btf.type(v.type);
    const typeId = btf.resolve(variable.kind === K.VAR ? variable.type : v.type);
    const type = btf.type(typeId);
    if (type.name === "") refuse("struct-ops", "struct_ops init: anonymous type is not supported");
    if (type.kind !== K.STRUCT) refuse("struct-ops", `struct_ops init: ${type.name} is not a struct`);
    if (v.offset + type.size > section.data.length)
      refuse("struct-ops", `struct_ops init: var ${variable.name} is beyond the end of DATASEC ${section.name}`);
    state.maps.push({
      spec: {
        name: variable.name,
        type: MAP_TYPE.STRUCT_OPS,
        keySize: 4,
        valueSize: type.size,
        maxEntries: 1,
        flags: link ? BPF_F_LINK : 0,
        mapExtra: 0n,
        btfKeyTypeId: 0,
        btfValueTypeId: typeId,
        structOps: type.name,
      },
      secIdx: section.index,
      secOff: v.offset,
      internal: false,
      autocreate: !optional,
      varIdx: -1,
      structOps: { typeId, data: section.data.slice(v.offset, v.offset + type.size), progs: new Map() },
    });
  }
}

/** Relocations of a struct_ops section: function pointers that become programs (bpf_object__collect_st_ops_relos). */
export function collectStructOpsRelocs(state: ObjectState, section: ElfSection): void {
  for (const rel of state.elf.relocs(section)) {
    const sym = state.elf.symbols[rel.symbol] ?? refuse("elf-reloc", `struct_ops reloc: symbol ${rel.symbol} not found`);
    const map = state.maps.find(
      (m) => m.structOps && m.secIdx === section.info && rel.offset >= m.secOff && rel.offset < m.secOff + m.spec.valueSize,
    );
    if (map?.structOps === undefined) return refuse("elf-reloc", `struct_ops reloc: cannot find map at rel->r_offset ${rel.offset}`);
    const type = state.btf!.type(map.structOps.typeId);
    const memberIdx = type.members.findIndex((m) => m.bitOffset === (rel.offset - map.secOff) * 8);
    const member =
      type.members[memberIdx] ??
      refuse("elf-reloc", `struct_ops reloc ${map.spec.name}: cannot find member at moff ${rel.offset - map.secOff}`);
    if (!isFuncPtr(state.btf!, member.type))
      refuse("elf-reloc", `struct_ops reloc ${map.spec.name}: cannot relocate non func ptr ${member.name}`);
    const prog = funcAt(state.funcs, sym.shndx, Math.floor(sym.value / 8));
    if (prog === undefined)
      return refuse(
        "elf-reloc",
        `struct_ops reloc ${map.spec.name}: cannot find prog at shdr_idx ${sym.shndx} to relocate func ptr ${member.name}`,
      );
    if (prog.def?.progType !== PROG_TYPE.STRUCT_OPS)
      refuse("elf-reloc", `struct_ops reloc ${map.spec.name}: prog ${prog.name} is not struct_ops BPF program`);
    map.structOps.progs.set(memberIdx, prog);
  }
}

function isFuncPtr(btf: Btf, id: BtfId): boolean {
  const ptr = btf.type(btf.resolve(id));
  return ptr.kind === K.PTR && btf.kind(btf.resolve(ptr.type)) === K.FUNC_PROTO;
}

/** Kernel structure and member that a program implements. */
export interface StructOpsAttach {
  readonly btfId: BtfId;
  readonly member: number;
  readonly structName: string;
  readonly memberName: string;
}

/**
 * Matches a map's structure with the kernel's (bpf_map__init_kern_struct_ops): sets the size of its value and its kernel bytes (function
 * pointers stay 0) and gives the programs their targets. Throws CodedError `struct-ops`.
 */
export function bindStructOps(map: LoadMap, btf: Btf, kernel: Btf | undefined, attach: Map<Func, StructOpsAttach>): void {
  const ops = map.structOps!;
  const local = btf.type(ops.typeId);
  const name = essentialName(local.name);
  const kernId = kernel?.find(name, K.STRUCT) ?? 0;
  const wrapperId = kernel?.find(`bpf_struct_ops_${name}`, K.STRUCT) ?? 0;
  if (kernel === undefined || kernId === 0) return refuse("struct-ops", `struct_ops init_kern: struct ${name} is not found in kernel BTF`);
  if (wrapperId === 0) refuse("struct-ops", `struct_ops init_kern: struct bpf_struct_ops_${name} is not found in kernel BTF`);
  const wrapper = kernel.type(wrapperId);
  const dataMember =
    wrapper.members.find((m) => m.type === kernId) ??
    refuse("struct-ops", `struct_ops init_kern: struct ${name} data is not found in struct bpf_struct_ops_${name}`);
  const kern = kernel.type(kernId);
  const bytes = new Uint8Array(wrapper.size);
  const base = dataMember.bitOffset / 8;
  local.members.forEach((m, i) => {
    const fail = (why: string): never => refuse("struct-ops", `struct_ops init_kern ${map.spec.name}: ${why}`);
    const off = m.bitOffset / 8;
    const size = btf.sizeOf(m.type);
    const data = ops.data.subarray(off, off + size);
    const prog = ops.progs.get(i);
    const kIdx = kern.members.findIndex((k) => k.name === m.name);
    const km = kern.members[kIdx];
    if (km === undefined) {
      if (prog !== undefined || data.some((b) => b !== 0)) fail(`Cannot find member ${m.name} in kernel BTF`);
      return;
    }
    if (m.bitSize || km.bitSize) fail(`bitfield ${m.name} is not supported`);
    const mt = btf.type(btf.resolve(m.type));
    const kt = kernel.type(kernel.resolve(km.type));
    if (mt.kind !== kt.kind) fail(`Unmatched member type ${m.name} ${mt.kind} != ${kt.kind}(kernel)`);
    if (mt.kind === K.PTR) {
      if (prog !== undefined)
        bindProg({ map, prog, kernel, kt, target: { btfId: kernId, member: kIdx, structName: name, memberName: m.name } }, attach);
      return;
    }
    const ksize = kernel.sizeOf(km.type);
    if (size !== ksize) fail(`Error in size of member ${m.name}: ${size} != ${ksize}(kernel)`);
    bytes.set(data, base + km.bitOffset / 8);
  });
  map.spec = { ...map.spec, valueSize: wrapper.size, initial: bytes, structOps: name };
}

interface Binding {
  readonly map: LoadMap;
  readonly prog: Func;
  readonly kernel: Btf;
  readonly kt: BtfType;
  readonly target: StructOpsAttach;
}

function bindProg({ map, prog, kernel, kt, target }: Binding, attach: Map<Func, StructOpsAttach>): void {
  if (kernel.kind(kernel.resolve(kt.type)) !== K.FUNC_PROTO)
    refuse("struct-ops", `struct_ops init_kern ${map.spec.name}: kernel member ${target.memberName} is not a func ptr`);
  const before = attach.get(prog);
  if (before !== undefined && (before.btfId !== target.btfId || before.member !== target.member))
    refuse(
      "struct-ops",
      `struct_ops init_kern ${map.spec.name} func ptr ${target.memberName}: invalid reuse of prog ${prog.name} in sec ${prog.secName}`,
    );
  attach.set(prog, target);
}
