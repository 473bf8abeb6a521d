// Reads sections, relocations and symbols of a little-endian ELF64 object for comparison. Only tests use it; it trusts its input.

export interface ObjectView {
  /** Section name -> type, flags, alignment, entry size, size and bytes. */
  readonly sections: Record<string, { type: number; flags: number; align: number; entSize: number; size: number; hex: string }>;
  /** Relocation section -> `offset type symbol`. */
  readonly relocations: Record<string, string[]>;
  /** `name info other section value size`, sorted. */
  readonly symbols: string[];
}

/** The object without what debuggers alone read (line tables and frames) and without symbol and string tables. */
export function viewObject(bytes: Uint8Array): ObjectView {
  const b = Buffer.from(bytes);
  const u64 = (at: number): number => Number(b.readBigUInt64LE(at));
  const table = u64(0x28);
  const headers = Array.from({ length: b.readUInt16LE(0x3c) }, (_, i) => {
    const at = table + 64 * i;
    return {
      nameAt: b.readUInt32LE(at),
      type: b.readUInt32LE(at + 4),
      flags: u64(at + 8),
      off: u64(at + 24),
      size: u64(at + 32),
      align: u64(at + 48),
      entSize: u64(at + 56),
    };
  });
  const text = (off: number): string => b.toString("utf8", off, b.indexOf(0, off));
  const strings = headers[b.readUInt16LE(0x3e)].off;
  const names = headers.map((h) => text(strings + h.nameAt));
  const symtab = headers.find((h) => h.type === 2)!;
  const symbols = Array.from({ length: symtab.size / 24 }, (_, i) => {
    const at = symtab.off + 24 * i;
    const index = b.readUInt16LE(at + 6);
    const section = index > 0 && index < names.length ? names[index] : String(index);
    const isSection = (b[at + 4] & 15) === 3;
    return {
      name: isSection ? section : text(strings + b.readUInt32LE(at)),
      info: b[at + 4],
      other: b[at + 5],
      section,
      value: u64(at + 8),
      size: u64(at + 16),
    };
  });
  const debuggersOnly = /^(\.rel)?\.(debug_line|debug_line_str|debug_frame|llvm_addrsig|symtab|strtab)$/;
  const view: ObjectView = { sections: {}, relocations: {}, symbols: [] };
  headers.forEach((h, i) => {
    if (i === 0 || debuggersOnly.test(names[i])) return;
    const body = h.type === 8 ? Buffer.alloc(0) : b.subarray(h.off, h.off + h.size);
    if (h.type !== 9)
      view.sections[names[i]] = {
        type: h.type,
        flags: h.flags,
        align: h.align,
        entSize: h.entSize,
        size: h.size,
        hex: body.toString("hex"),
      };
    else
      view.relocations[names[i]] = Array.from(
        { length: h.size / 16 },
        (_, k) => `${u64(h.off + 16 * k)} ${b.readUInt32LE(h.off + 16 * k + 8)} ${symbols[b.readUInt32LE(h.off + 16 * k + 12)].name}`,
      );
  });
  const rows = symbols.filter((s) => !debuggersOnly.test(s.section) && !debuggersOnly.test(s.name));
  view.symbols.push(...rows.map((s) => `${s.name} ${s.info} ${s.other} ${s.section} ${s.value} ${s.size}`).sort());
  return view;
}
