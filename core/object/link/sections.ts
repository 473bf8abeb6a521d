// Contents of one input in the result: sections of one name one behind the other, relocations moved along (linker_append_sec_data and _elf_relos of libbpf 1.5).
import { BPF_CALL, BPF_JMP } from "../../isa/index.ts";
import { SHF_EXECINSTR, SHT, STT, type ElfReloc, type ElfSection } from "../elf/elf.ts";
import { fail, type InSection, type LinkInput } from "./input.ts";
import type { OutSection, Output } from "./output.ts";

/** Sections that all files must have in common, and that stand in the result once. */
const SHARED: ReadonlySet<string> = new Set(["license", "version"]);
const placeOf = (s: InSection): number => s.elf?.offset ?? 0;

const isData = (s: InSection): boolean => !s.skipped && (s.elf === undefined || s.elf.type === SHT.PROGBITS || s.elf.type === SHT.NOBITS);

/** Appends code and data. Throws CodedError `link-section`, `link-too-large`. */
export function appendData(out: Output, input: LinkInput): void {
  for (const s of input.sections) {
    if (!isData(s)) continue;
    const known = out.find(s.name);
    if (known) agree(input, known, s);
    const target = known ?? added(out, s);
    s.out = target;
    if (known && s.elf && SHARED.has(s.name)) {
      if (!sameBytes(target.data, s.elf.data))
        fail(input, "link-section", `non-identical contents of section '${s.name}' are not supported`, s.elf.offset);
      s.skipped = true;
    } else if (s.elf) extend(out, s, s.elf);
  }
}

function added(out: Output, s: InSection): OutSection {
  const target = out.addSection(s.name);
  if (s.elf) out.place(target, s.elf);
  return target;
}

function extend(out: Output, s: InSection, elf: ElfSection): void {
  const target = s.out!;
  if (target.index === 0) out.place(target, elf);
  s.outOff = out.append(target, elf.type === SHT.NOBITS ? undefined : elf.data, elf.size, elf.align);
}

function agree(input: LinkInput, known: OutSection, s: InSection): void {
  if (known.index === 0 || s.elf === undefined) return;
  const differing = (["type", "flags", "entSize"] as const).find((f) => known[f] !== s.elf![f]);
  if (differing !== undefined)
    fail(
      input,
      "link-section",
      `section '${s.name}': ${differing} ${s.elf[differing]} does not match ${known[differing]} of the files before`,
      placeOf(s),
    );
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** Appends relocations, and adds to instructions that count from the start of a section what that start moved by. Throws CodedError `link-reloc`. */
export function appendRelocs(out: Output, input: LinkInput): void {
  for (const s of input.sections) {
    if (s.skipped || s.elf?.type !== SHT.REL) continue;
    const changed = input.sections[s.elf.info]!;
    if (changed.skipped) continue;
    const known = out.find(s.name);
    if (known) agree(input, known, s);
    const target = (s.out = known ?? added(out, s));
    target.link = out.symtabIndex;
    target.info = changed.out!.index;
    extend(out, s, s.elf);
    const view = viewOf(target.data);
    input.elf.relocs(s.elf).forEach((r, i) => {
      const at = s.outOff + i * 16;
      view.setBigUint64(at, BigInt(r.offset + changed.outOff), out.littleEndian);
      view.setBigUint64(at + 8, (BigInt(input.symMap[r.symbol]!) << 32n) | BigInt(r.type), out.littleEndian);
      moveTarget(out, input, changed, r);
    });
  }
}

const viewOf = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

function moveTarget(out: Output, input: LinkInput, changed: InSection, r: ElfReloc): void {
  const sym = input.elf.symbols[r.symbol]!;
  if (sym.type !== STT.SECTION) return;
  const moved = input.sections[sym.shndx]?.outOff ?? 0;
  if (!(changed.elf!.flags & SHF_EXECINSTR))
    fail(
      input,
      "link-reloc",
      `'${changed.name}': relocation against a section in a section that holds no code is not supported`,
      placeOf(changed),
    );
  const view = viewOf(changed.out!.data);
  const at = r.offset + changed.outOff;
  const by = view.getUint8(at) === (BPF_JMP | BPF_CALL) ? moved / 8 : moved;
  view.setInt32(at + 4, view.getInt32(at + 4, out.littleEndian) + by, out.littleEndian);
}
