// Turns ELF relocations of code and of `.maps` into what they mean (bpf_program__record_reloc, bpf_object__collect_map_relos of libbpf 1.5). It patches nothing.
import { BPF_CALL, BPF_JMP, BPF_LD_IMM64, BPF_PSEUDO_CALL, type Insn } from "../../isa/index.ts";
import { BTF_KIND as K } from "../btf/btf.ts";
import { SHF_EXECINSTR, SHN_LORESERVE, SHT, STB, STT, type ElfSection, type ElfSymbol } from "../elf/elf.ts";
import { dataKind, funcAt, isStructOpsSection } from "./collect.ts";
import { isExtern } from "./externs.ts";
import { MAP_TYPE as M } from "./kinds.ts";
import { isLegacyMaps } from "./legacy-maps.ts";
import { isMapInMap } from "./maps.ts";
import { refuse, type Func, type ObjectState, type Reloc } from "./model.ts";
import { collectStructOpsRelocs } from "./struct-ops.ts";

const bad = (why: string): never => refuse("elf-reloc", why);

/** Collects all relocations of the object into its functions and maps. Throws CodedError `elf-reloc`. */
export function collectRelocs(state: ObjectState): void {
  for (const s of state.elf.sections) {
    const target = state.elf.sections[s.info];
    if (s.type !== SHT.REL || target === undefined || s.name.startsWith(".rel.debug_")) continue;
    if (isStructOpsSection(target)) collectStructOpsRelocs(state, s);
    else if (target.index === state.mapsIdx) mapRelocs(state, s);
    else if (target.flags & SHF_EXECINSTR && target.type === SHT.PROGBITS) codeRelocs(state, s, target);
  }
}

function codeRelocs(state: ObjectState, section: ElfSection, target: ElfSection): void {
  for (const rel of state.elf.relocs(section)) {
    const sym = state.elf.symbols[rel.symbol] ?? bad(`sec '${section.name}': symbol #${rel.symbol} not found`);
    if (rel.offset % 8 || rel.offset >= target.data.length) bad(`sec '${section.name}': invalid offset 0x${rel.offset.toString(16)}`);
    const func = funcAt(state.funcs, target.index, rel.offset / 8);
    // Code of a weak function that the linker dropped has no program.
    if (func === undefined) continue;
    const insnIdx = rel.offset / 8 - func.secInsnOff;
    func.relocs.set(insnIdx, meaning(state, func, insnIdx, sym));
  }
}

const isCall = (insn: Insn): boolean => insn.code === (BPF_JMP | BPF_CALL);

function meaning(state: ObjectState, func: Func, insnIdx: number, sym: ElfSymbol): Reloc {
  const insn = func.insns[insnIdx]!;
  const name = sym.name || (state.elf.sections[sym.shndx]?.name ?? "");
  const fail = (why: string): never => bad(`prog '${func.name}': ${why}`);
  if (!isCall(insn) && insn.code !== BPF_LD_IMM64)
    fail(`invalid relo against '${name}' for insns[${insnIdx}].code 0x${insn.code.toString(16)}`);
  if (isExtern(sym)) {
    const target = state.externs.findIndex((e) => e.symIdx === sym.index);
    if (target < 0) fail(`extern relo failed to find extern for '${name}' (${sym.index})`);
    return { kind: isCall(insn) ? "extern-call" : "extern-ld64", insnIdx, target, symOff: 0 };
  }
  const section = state.elf.sections[sym.shndx];
  if (isCall(insn)) {
    if (insn.src !== BPF_PSEUDO_CALL) fail("incorrect bpf_call opcode");
    if (sym.shndx === 0 || sym.shndx !== state.textIdx) fail(`bad call relo against '${name}' in section '${section?.name ?? ""}'`);
    if (sym.value % 8) fail(`bad call relo against '${name}' at offset ${sym.value}`);
    return { kind: "call", insnIdx, target: 0, symOff: sym.value };
  }
  if (section === undefined || sym.shndx === 0 || sym.shndx >= SHN_LORESERVE)
    return fail(`invalid relo against '${name}' in special section 0x${sym.shndx.toString(16)}; forgot to initialize global var?..`);
  if (isSubprog(sym, state.textIdx)) {
    if (sym.value % 8 || insn.imm % 8) fail(`bad subprog addr relo against '${name}' at offset ${sym.value}+${insn.imm}`);
    return { kind: "subprog-addr", insnIdx, target: 0, symOff: sym.value };
  }
  if (section === state.arenaSection) {
    const target = state.maps.findIndex((m) => m.spec.type === M.ARENA);
    if (target < 0) fail(`bad arena data relocation at insn ${insnIdx}, no arena maps defined`);
    return { kind: "data", insnIdx, target, symOff: sym.value };
  }
  if (dataKind(section) !== undefined) {
    const target = state.maps.findIndex((m) => m.internal && m.secIdx === sym.shndx);
    if (target < 0) fail(`data relo failed to find map for section '${section.name}'`);
    return { kind: "data", insnIdx, target, symOff: sym.value };
  }
  if (sym.shndx !== state.mapsIdx && !isLegacyMaps(section)) fail(`bad map relo against '${name}' in section '${section.name}'`);
  const target = state.maps.findIndex((m) => !m.internal && m.secIdx === sym.shndx && m.secOff === sym.value);
  if (target < 0) fail(`map relo failed to find map for section '${section.name}', off ${sym.value}`);
  return { kind: "map", insnIdx, target, symOff: 0 };
}

function isSubprog(sym: ElfSymbol, textIdx: number): boolean {
  if (sym.shndx !== textIdx) return false;
  return sym.bind === STB.LOCAL ? sym.type === STT.SECTION : (sym.bind === STB.GLOBAL || sym.bind === STB.WEAK) && sym.type === STT.FUNC;
}

/** `values` of map-in-maps and program arrays. */
function mapRelocs(state: ObjectState, section: ElfSection): void {
  const btf = state.btf!;
  const vars = btf.type(btf.find(".maps", K.DATASEC)).vars;
  state.elf.relocs(section).forEach((rel, i) => {
    const fail = (why: string): never => bad(`.maps relo #${i}: ${why}`);
    const sym = state.elf.symbols[rel.symbol] ?? fail(`symbol ${rel.symbol} not found`);
    const map = state.maps.find(
      (m) => m.varIdx >= 0 && rel.offset >= vars[m.varIdx]!.offset && rel.offset + 8 <= vars[m.varIdx]!.offset + vars[m.varIdx]!.size,
    );
    if (map === undefined) return fail(`cannot find map '${sym.name}' at rel->r_offset ${rel.offset}`);
    if (isMapInMap(map.spec.type)) {
      if (sym.shndx !== state.mapsIdx) fail(`'${sym.name}' isn't a BTF-defined map`);
      if (map.spec.type === M.HASH_OF_MAPS && map.spec.keySize !== 4) fail(`hash-of-maps '${map.spec.name}' should have key size 4.`);
      if (!state.maps.some((m) => m.spec.name === sym.name)) fail(`'${sym.name}' isn't a valid map reference`);
    } else if (map.spec.type === M.PROG_ARRAY) {
      const prog =
        state.funcs.find((f) => f.name === sym.name && f.secIdx !== state.textIdx) ?? fail(`'${sym.name}' isn't a valid program reference`);
      if (prog.secIdx !== sym.shndx || prog.secInsnOff * 8 !== sym.value) fail(`'${sym.name}' isn't an entry-point program`);
    } else fail(`map '${map.spec.name}' takes no values`);
    const v = vars[map.varIdx]!;
    const last = btf.type(btf.resolve(btf.type(v.type).type)).members.at(-1);
    const slot = (rel.offset - v.offset - (last?.bitOffset ?? 0) / 8) / 8;
    if (last?.name !== "values" || slot < 0 || !Number.isInteger(slot)) fail(`'${sym.name}' is not among the values of '${map.spec.name}'`);
    map.spec = { ...map.spec, values: new Map([...(map.spec.values ?? []), [slot, sym.name]]) };
  });
}
