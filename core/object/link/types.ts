// Types of one input in the result: ids moved, globals shared, variables of sections, .BTF.ext records (linker_append_btf and _btf_ext of libbpf 1.5).
import { CodedError, type BtfId, type ByteReader } from "../../base/index.ts";
import { BTF_KIND as K } from "../btf/btf.ts";
import { idSlots, NAME, rawInfo, rawKind, rawVlen, REF, TAIL, type RawType } from "../btf/raw.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { EXT_PART, extRuns } from "../load/btf-ext.ts";
import { fail, within, type InSection, type LinkInput } from "./input.ts";
import type { ExtRecords, GlobalSymbol, Output, OutSection } from "./output.ts";

const isGlobal = (t: RawType): boolean => (rawKind(t) === K.VAR && t[TAIL] !== 0) || (rawKind(t) === K.FUNC && rawVlen(t) !== 0);
const typesOffset = (input: LinkInput): number => input.elf.sections.find((s) => s.name === ".BTF")?.offset ?? 0;

/** Adds all types of `input`, and its records of debug information and CO-RE. Throws CodedError. */
export function appendTypes(out: Output, input: LinkInput): void {
  const { btf } = input;
  if (btf === undefined) return;
  const base = typesOffset(input);
  within(input.name, base, () => {
    const first = out.btf.types.length;
    const retyped = copyTypes(out, input, btf);
    for (let id = first; id < out.btf.types.length; id++) moveIds(input, out.btf.types[id]!);
    for (const [global, id] of retyped) out.btf.types[global.btfId]![REF] = input.typeMap[id]!;
    for (const s of input.sections) if (s.vars !== undefined && !s.skipped && s.out) appendVars(out, input, s, s.out);
  });
  if (input.ext) appendExt(out, input, btf, input.ext);
}

/** Copies all but sections; globals that are there already are not copied. Returns the globals whose type this file decides, with that type. */
function copyTypes(out: Output, input: LinkInput, btf: BtfBlob): Map<GlobalSymbol, BtfId> {
  const retyped = new Map<GlobalSymbol, BtfId>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) === K.DATASEC) continue;
    const t = btf.words(id);
    let global: GlobalSymbol | undefined;
    if (isGlobal(t)) {
      global = out.globals.get(btf.string(t[NAME]!));
      // One without a symbol belongs to a section that stands in the result already.
      if (global === undefined) continue;
      if (global.retype) {
        global.retype = false;
        retyped.set(global, t[REF]!);
      }
      if (global.btfId !== 0) {
        input.typeMap[id] = global.btfId;
        continue;
      }
    }
    const newId = out.btf.copy(btf, id);
    input.typeMap[id] = newId;
    if (global) {
      global.btfId = newId;
      retyped.set(global, t[REF]!);
    }
  }
  return retyped;
}

function moveIds(input: LinkInput, t: RawType): void {
  for (const i of idSlots(t)) {
    const to = input.typeMap[t[i]!]!;
    if (to === 0 && t[i] !== 0) throw new CodedError("link-types", `failed to find new ID mapping for original BTF type ID ${t[i]}`);
    t[i] = to;
  }
}

function appendVars(out: Output, input: LinkInput, s: InSection, section: OutSection): void {
  section.hasBtf = true;
  for (const v of s.vars!) {
    const type = input.typeMap[v.type]!;
    const t = out.btf.types[type]!;
    const global = isGlobal(t) ? out.globals.get(input.btf!.type(v.type).name) : undefined;
    if (isGlobal(t) && global?.section !== section)
      throw new CodedError("link-mismatch", `global '${input.btf!.type(v.type).name}': in section '${section.name}' and in another`);
    if (global && global.varIdx >= 0) {
      const { btf, id } = global.origin;
      const known = section.vars[global.varIdx]!;
      known.size = btf.sizeOf(btf.type(id).type);
      // libbpf leaves the offset of the declaration here, and cannot load the result before it was linked once more.
      if (btf === input.btf) known.offset = s.outOff + v.offset;
      continue;
    }
    section.vars.push({ type, offset: s.outOff + v.offset, size: v.size });
    if (global) global.varIdx = section.vars.length - 1;
  }
}

/** What is to be done with the words of a record of each part: which is a type, which are strings. */
const PARTS = [
  { field: EXT_PART.func, list: "funcs", id: 1, strings: [] },
  { field: EXT_PART.line, list: "lines", id: 0, strings: [1, 2] },
  { field: EXT_PART.core, list: "relos", id: 1, strings: [2] },
] as const;

function appendExt(out: Output, input: LinkInput, btf: BtfBlob, ext: ByteReader): void {
  const place = input.elf.sections.find((s) => s.name === ".BTF.ext")!.offset;
  for (const part of PARTS) {
    for (const run of extRuns(ext, part.field)) {
      const name = btf.string(run.nameOff);
      const s = input.sections.find((x, i) => i > 0 && x.name === name);
      if (s === undefined) return fail(input, "link-section", `can't find section '${name}' referenced from .BTF.ext`, place + run.at);
      const records: ExtRecords | undefined = s.out?.[part.list];
      // Records of a section that is left out go with it.
      if (records === undefined) continue;
      if (records.recSize === 0) records.recSize = run.recSize;
      if (records.recSize !== run.recSize)
        fail(input, "link-section", `incompatible .BTF.ext record sizes for section '${name}'`, place + run.at);
      const words = Uint32Array.from({ length: (run.count * run.recSize) / 4 }, (_, k) => ext.u32(run.at + k * 4));
      for (let at = 0; at < words.length; at += run.recSize / 4) {
        words[at]! += s.outOff;
        if (part.id > 0) words[at + part.id] = input.typeMap[words[at + part.id]!]!;
        for (const k of part.strings) words[at + k] = out.btf.string(btf, words[at + k]!);
      }
      records.blocks.push(words);
    }
  }
}

/** Adds a DATASEC for each section that an input described by one. */
export function addDatasecs(out: Output): void {
  for (const s of out.sections.filter((x) => x.hasBtf)) {
    if (s.vars.length > 0xffff) throw new CodedError("link-too-large", `section '${s.name}' has more than 65535 variables`);
    out.btf.add(
      Uint32Array.from([
        out.btf.strings.at(s.name),
        rawInfo(K.DATASEC, s.vars.length),
        s.size,
        ...s.vars.flatMap((v) => [v.type, v.offset, v.size]),
      ]),
    );
  }
}

/** Type ids of records, after types were removed. */
export function renumberExt(out: Output, newId: Uint32Array): void {
  for (const s of out.sections)
    for (const { list, id } of PARTS) {
      if (id === 0) continue;
      const { recSize, blocks } = s[list];
      for (const b of blocks) for (let at = id; at < b.length; at += recSize / 4) b[at] = newId[b[at]!]!;
    }
}

/** .BTF.ext of the result as words (its header included), or undefined when no input has records. */
export function extWords(out: Output): number[] | undefined {
  const parts = PARTS.map(({ list }) => partWords(out, list));
  if (parts.every((p) => p.length === 0)) return undefined;
  const lengths = parts.map((p) => p.length * 4);
  const [funcs, lines, relos] = lengths as [number, number, number];
  return [32, 0, funcs, funcs, lines, funcs + lines, relos, ...parts.flat()];
}

function partWords(out: Output, list: "funcs" | "lines" | "relos"): number[] {
  const sections = out.sections.filter((s) => s[list].blocks.length > 0);
  const sizes = new Set(sections.map((s) => s[list].recSize));
  if (sizes.size > 1) throw new CodedError("link-section", `mismatch in .BTF.ext record sizes ${[...sizes].join(" and ")}`);
  const words: number[] = sections.length > 0 ? [...sizes] : [];
  for (const s of sections) {
    const { blocks, recSize } = s[list];
    words.push(out.btf.strings.at(s.name), (4 * blocks.reduce((n, b) => n + b.length, 0)) / recSize);
    for (const b of blocks) for (const w of b) words.push(w);
  }
  return words;
}
