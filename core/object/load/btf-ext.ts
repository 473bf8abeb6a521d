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
  const r = openBtfExt(bytes, btf.layout.littleEndian);
  const part = <T>(field: number, decode: (at: number) => T): Map<string, T[]> => readPart(r, field, btf, decode);
  return {
    funcs: part(EXT_PART.func, (at) => ({ slot: slotOf(r, at), typeId: r.u32(at + 4) })),
    lines: part(EXT_PART.line, (at) => ({
      slot: slotOf(r, at),
      fileOff: r.u32(at + 4),
      textOff: r.u32(at + 8),
      line: r.u32(at + 12) >>> 10,
      column: r.u32(at + 12) & 0x3ff,
    })),
    relos: part(EXT_PART.core, (at) => ({
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

/** Where a part stands in the header: func_info, line_info, core_relo. */
export const EXT_PART = { func: 8, line: 16, core: 24 } as const;
/** The least size of a record of each part (struct bpf_func_info, bpf_line_info, bpf_core_relo). */
const MIN_RECORD: Readonly<Record<number, number>> = { [EXT_PART.func]: 8, [EXT_PART.line]: 16, [EXT_PART.core]: 16 };

/** One run of records: those of one section. Offsets in bytes from the start of .BTF.ext. */
export interface ExtRun {
  readonly nameOff: number;
  readonly at: number;
  readonly count: number;
  readonly recSize: number;
}

/** The runs of a part, in order; none when the header is too short for it. Throws CodedError `btf-ext`. */
export function* extRuns(r: ByteReader, field: number): Generator<ExtRun> {
  const hdr = r.u32(4);
  const minRec = MIN_RECORD[field]!;
  if (hdr < field + 8) return;
  const start = hdr + r.u32(field);
  const size = r.u32(field + 4);
  if (size === 0) return;
  const end = start + size;
  const fail = (why: string, at: number): never => {
    throw new CodedError("btf-ext", `BTF.ext: ${why}`, { offBytes: at });
  };
  if (end > r.length) fail("a part ends behind the section", start);
  const recSize = r.u32(start);
  if (recSize < minRec || recSize % 4 || recSize > 1 << 16) fail(`records of ${recSize} bytes, at least ${minRec} expected`, start);
  for (let at = start + 4; at < end;) {
    if (at + 8 > end) fail("a section header is cut off", at);
    const count = r.u32(at + 4);
    if (count === 0 || at + 8 + count * recSize > end) fail(`${count} records do not fit`, at);
    yield { nameOff: r.u32(at), at: at + 8, count, recSize };
    at += 8 + count * recSize;
  }
}

function readPart<T>(r: ByteReader, field: number, btf: BtfBlob, decode: (at: number) => T): Map<string, T[]> {
  const out = new Map<string, T[]>();
  for (const { nameOff, at, count, recSize } of extRuns(r, field)) {
    const name = btf.string(nameOff);
    const list = out.get(name) ?? [];
    for (let i = 0; i < count; i++) list.push(decode(at + i * recSize));
    out.set(name, list);
  }
  return out;
}

/** Opens a .BTF.ext. Throws CodedError `btf-ext`. */
export function openBtfExt(bytes: Uint8Array, littleEndian: boolean): ByteReader {
  const r = new ByteReader(bytes, littleEndian, "btf-ext");
  if (r.u16(0) !== 0xeb9f || r.u8(2) !== 1) throw new CodedError("btf-ext", "BTF.ext: bad magic or version", { offBytes: 0 });
  return r;
}
