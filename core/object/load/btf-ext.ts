// Reads .BTF.ext: function info, line info and CO-RE relocations by section. Instruction offsets become slots of the section. It relocates nothing.
import { ByteReader, CodedError, type BtfId } from "../../base/index.ts";
import type { BtfBlob } from "../btf/reader.ts";
import type { CoreRelo } from "../core-relo/spec.ts";

/** A line record (struct bpf_line_info) with its strings; slots count from the start of the section. */
export interface RawLine {
  readonly slot: number;
  readonly fileOff: number;
  readonly textOff: number;
  readonly line: number;
  readonly column: number;
}
export interface RawFunc {
  readonly slot: number;
  readonly typeId: BtfId;
}
export interface BtfExt {
  /** By section name. */
  readonly funcs: ReadonlyMap<string, readonly RawFunc[]>;
  readonly lines: ReadonlyMap<string, readonly RawLine[]>;
  readonly relos: ReadonlyMap<string, readonly CoreRelo[]>;
}
export const NO_BTF_EXT: BtfExt = { funcs: new Map(), lines: new Map(), relos: new Map() };

/** Throws CodedError `btf-ext`. */
export function readBtfExt(bytes: Uint8Array, btf: BtfBlob): BtfExt {
  const r = new ByteReader(bytes, btf.layout.littleEndian, "btf-ext");
  if (r.u16(0) !== 0xeb9f || r.u8(2) !== 1) throw new CodedError("btf-ext", "BTF.ext: bad magic or version", { offBytes: 0 });
  const hdr = r.u32(4);
  const part = <T>(field: number, minRec: number, decode: (at: number) => T): Map<string, T[]> =>
    hdr < field + 8 ? new Map<string, T[]>() : readPart(r, { start: hdr + r.u32(field), size: r.u32(field + 4), minRec }, btf, decode);
  return {
    funcs: part(8, 8, (at) => ({ slot: slotOf(r, at), typeId: r.u32(at + 4) })),
    lines: part(16, 16, (at) => ({
      slot: slotOf(r, at),
      fileOff: r.u32(at + 4),
      textOff: r.u32(at + 8),
      line: r.u32(at + 12) >>> 10,
      column: r.u32(at + 12) & 0x3ff,
    })),
    relos: part(24, 16, (at) => ({
      insnIdx: slotOf(r, at),
      typeId: r.u32(at + 4),
      access: btf.string(r.u32(at + 8)),
      kind: r.u32(at + 12),
    })),
  };
}

function slotOf(r: ByteReader, at: number): number {
  const off = r.u32(at);
  if (off % 8) throw new CodedError("btf-ext", `BTF.ext: instruction offset ${off} is no multiple of 8`, { offBytes: at });
  return off / 8;
}

interface Part {
  readonly start: number;
  readonly size: number;
  readonly minRec: number;
}

function readPart<T>(r: ByteReader, part: Part, btf: BtfBlob, decode: (at: number) => T): Map<string, T[]> {
  const out = new Map<string, T[]>();
  if (part.size === 0) return out;
  const end = part.start + part.size;
  const fail = (why: string, at: number): never => {
    throw new CodedError("btf-ext", `BTF.ext: ${why}`, { offBytes: at });
  };
  if (end > r.length) fail("a part ends behind the section", part.start);
  const recSize = r.u32(part.start);
  if (recSize < part.minRec || recSize % 4 || recSize > 1 << 16)
    fail(`records of ${recSize} bytes, at least ${part.minRec} expected`, part.start);
  for (let at = part.start + 4; at < end;) {
    if (at + 8 > end) fail("a section header is cut off", at);
    const name = btf.string(r.u32(at));
    const count = r.u32(at + 4);
    if (count === 0 || at + 8 + count * recSize > end) fail(`${count} records do not fit`, at);
    const first = at + 8;
    const list = out.get(name) ?? [];
    for (let i = 0; i < count; i++) list.push(decode(first + i * recSize));
    out.set(name, list);
    at = first + count * recSize;
  }
  return out;
}
