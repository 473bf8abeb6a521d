// Opens a BTF blob: one pass over its types finds where each starts; all else is decoded when asked. It trusts nothing and changes nothing.
import { bug, ByteReader, CodedError, utf8, type BtfId, type Location } from "../../base/index.ts";
import { BTF_KIND, type Btf, type BtfEnumValue, type BtfMember, type BtfParam, type BtfSecVar, type BtfType } from "./btf.ts";
import { buildNameIndex, type NameIndex } from "./name-index.ts";

const BTF_MAGIC = 0xeb9f;
/** As in libbpf: chains of modifiers and nested arrays longer than this are taken for cycles. */
const MAX_RESOLVE_DEPTH = 32;
const {
  PTR,
  ARRAY,
  STRUCT,
  UNION,
  ENUM,
  TYPEDEF,
  VOLATILE,
  CONST,
  RESTRICT,
  FUNC,
  FUNC_PROTO,
  VAR,
  DATASEC,
  FLOAT,
  DECL_TAG,
  TYPE_TAG,
  ENUM64,
  INT,
  FWD,
} = BTF_KIND;

const SKIPPED: ReadonlySet<number> = new Set([TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG]);
const HAS_SIZE: ReadonlySet<number> = new Set([INT, ENUM, STRUCT, UNION, DATASEC, FLOAT, ENUM64]);

/** Bytes that follow the 12 bytes common to all types; -1 for kinds that are not known. */
export function tailSize(kind: number, vlen: number): number {
  switch (kind) {
    case INT:
    case VAR:
    case DECL_TAG:
      return 4;
    case ARRAY:
      return 12;
    case STRUCT:
    case UNION:
    case DATASEC:
    case ENUM64:
      return vlen * 12;
    case ENUM:
    case FUNC_PROTO:
      return vlen * 8;
    case PTR:
    case FWD:
    case TYPEDEF:
    case VOLATILE:
    case CONST:
    case RESTRICT:
    case FUNC:
    case FLOAT:
    case TYPE_TAG:
      return 0;
    default:
      return -1;
  }
}

/** Where the parts of a blob lie, in bytes from its start. */
export interface BtfLayout {
  readonly littleEndian: boolean;
  readonly typeOff: number;
  readonly typeLen: number;
  readonly strOff: number;
  readonly strLen: number;
}

/** Reads and checks the header (struct btf_header). Throws CodedError `btf-header`. */
export function btfLayout(bytes: Uint8Array): BtfLayout {
  const bad = (why: string, offBytes: number): never => {
    throw new CodedError("btf-header", `BTF: ${why}`, { offBytes });
  };
  if (bytes.length < 24) bad(`the header takes 24 bytes, the data has ${bytes.length}`, bytes.length);
  const magic = bytes[0]! | (bytes[1]! << 8);
  const littleEndian = magic === BTF_MAGIC;
  if (!littleEndian && magic !== 0x9feb) bad("no BTF magic (0xeb9f); is this a BTF file?", 0);
  const r = new ByteReader(bytes, littleEndian, "btf");
  if (r.u8(2) !== 1) bad(`version ${r.u8(2)} is not known`, 2);
  const hdrLen = r.u32(4);
  const [typeOff, typeLen, strOff, strLen] = [r.u32(8), r.u32(12), r.u32(16), r.u32(20)];
  if (hdrLen < 24) bad(`header length ${hdrLen} is less than 24`, 4);
  if (hdrLen + typeOff + typeLen > bytes.length) bad("the type section ends behind the data", 8);
  if (hdrLen + strOff + strLen > bytes.length) bad("the string section ends behind the data", 16);
  if (strLen > 0 && bytes[hdrLen + strOff + strLen - 1] !== 0)
    bad("the string section does not end with NUL", hdrLen + strOff + strLen - 1);
  return { littleEndian, typeOff: hdrLen + typeOff, typeLen, strOff: hdrLen + strOff, strLen };
}

/** Offsets of all types of a blob, in order. Throws CodedError `btf-truncated` and `btf-bad-kind`. */
export function indexTypes(bytes: Uint8Array, layout: BtfLayout): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = layout.typeOff + layout.typeLen;
  let offsets = new Uint32Array(Math.min(1 << 18, (layout.typeLen / 12) | 0));
  let n = 0;
  for (let at = layout.typeOff; at < end; n++) {
    if (at + 12 > end)
      throw new CodedError("btf-truncated", `BTF: type [${n + 1}] is cut off by the end of the type section (offset ${at})`, {
        offBytes: at,
      });
    if (n === offsets.length) {
      const wider = new Uint32Array(n * 2);
      wider.set(offsets);
      offsets = wider;
    }
    offsets[n] = at;
    const info = view.getUint32(at + 4, layout.littleEndian);
    const tail = tailSize((info >>> 24) & 31, info & 0xffff);
    if (tail < 0)
      throw new CodedError("btf-bad-kind", `BTF: type [${n + 1}] has the unknown kind ${(info >>> 24) & 31} (offset ${at})`, {
        offBytes: at,
      });
    at += 12 + tail;
    if (at > end)
      throw new CodedError("btf-truncated", `BTF: type [${n + 1}] is cut off by the end of the type section (offset ${at})`, {
        offBytes: at,
      });
  }
  return offsets.subarray(0, n);
}

/** Opens a blob; a split BTF needs its `base`. Throws CodedError `btf-header`, `btf-truncated`, `btf-bad-kind`. */
export function openBtf(bytes: Uint8Array, base?: Btf): BtfBlob {
  if (base !== undefined && !(base instanceof BtfBlob)) bug("the base of a BTF was not opened by openBtf");
  return new BtfBlob(bytes, base as BtfBlob | undefined);
}

/** The one implementation of {@link Btf}. */
export class BtfBlob implements Btf {
  readonly bytes: Uint8Array;
  readonly base: BtfBlob | undefined;
  readonly typeCount: number;
  readonly firstId: number;
  readonly layout: BtfLayout;
  /** Length of all string sections up to this one. */
  readonly strEnd: number;
  readonly #strStart: number;
  readonly #offsets: Uint32Array;
  readonly #view: DataView;
  readonly #cache = new Map<number, BtfType>();
  readonly #strings = new Map<number, string>();
  #names: NameIndex | undefined;
  #flavoured: readonly string[] | undefined;
  #tags: Map<BtfId, BtfType[]> | undefined;

  constructor(bytes: Uint8Array, base: BtfBlob | undefined) {
    this.bytes = bytes;
    this.base = base;
    this.layout = btfLayout(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offsets = indexTypes(bytes, this.layout);
    this.firstId = base?.typeCount ?? 1;
    this.typeCount = this.firstId + this.#offsets.length;
    this.#strStart = base?.strEnd ?? 0;
    this.strEnd = this.#strStart + this.layout.strLen;
  }

  /** Offset in `bytes` of a type that this blob itself defines. */
  offsetOf(id: BtfId): number {
    return this.#offsets[id - this.firstId] ?? this.#badId(id);
  }

  #badId(id: BtfId): never {
    throw new CodedError("btf-bad-id", `BTF: type id ${id} does not exist, the last one is ${this.typeCount - 1}`, {
      offBytes: this.layout.typeOff + this.layout.typeLen,
    });
  }
  placeOf(id: BtfId): Location {
    if (id > 0 && id < this.firstId && this.base !== undefined) return this.base.placeOf(id);
    return { offBytes: id === 0 ? this.layout.typeOff : this.offsetOf(id) };
  }
  #u32(at: number): number {
    return this.#view.getUint32(at, this.layout.littleEndian);
  }

  kind(id: BtfId): number {
    if (id === 0) return 0;
    if (id < this.firstId) return this.base?.kind(id) ?? this.#badId(id);
    return (this.#u32(this.offsetOf(id) + 4) >>> 24) & 31;
  }

  /** The bytes of the string at `off` of the (joint) string section, without its NUL. Throws CodedError `btf-bad-string`. */
  stringBytes(off: number): Uint8Array {
    if (off < this.#strStart) return this.base!.stringBytes(off);
    const at = off - this.#strStart;
    if (at === 0 && this.layout.strLen === 0) return this.bytes.subarray(0, 0);
    if (at >= this.layout.strLen)
      throw new CodedError("btf-bad-string", `BTF: string offset ${off} lies behind the string section (${this.strEnd} bytes)`, {
        offBytes: this.layout.strOff + this.layout.strLen,
      });
    const start = this.layout.strOff + at;
    return this.bytes.subarray(start, this.bytes.indexOf(0, start));
  }

  string(off: number): string {
    const known = this.#strings.get(off);
    if (known !== undefined) return known;
    const text = utf8(this.stringBytes(off));
    this.#strings.set(off, text);
    return text;
  }

  /** The 32-bit words of a type that this blob itself defines: name, info, size or type, and what its kind adds. */
  words(id: BtfId): Uint32Array {
    const at = this.offsetOf(id);
    const info = this.#u32(at + 4);
    const out = new Uint32Array(3 + tailSize((info >>> 24) & 31, info & 0xffff) / 4);
    for (let i = 0; i < out.length; i++) out[i] = this.#u32(at + i * 4);
    return out;
  }

  type(id: BtfId): BtfType {
    if (id === 0) return VOID;
    if (id < this.firstId) return this.base?.type(id) ?? this.#badId(id);
    let t = this.#cache.get(id);
    if (t === undefined) {
      t = this.#decode(id, this.offsetOf(id));
      this.#cache.set(id, t);
    }
    return t;
  }

  #decode(id: BtfId, at: number): BtfType {
    const info = this.#u32(at + 4);
    const kind = (info >>> 24) & 31;
    const vlen = info & 0xffff;
    const sizeOrType = this.#u32(at + 8);
    const tail = at + 12;
    const isInt = kind === INT;
    const intInfo = isInt ? this.#u32(tail) : 0;
    const isArray = kind === ARRAY;
    return {
      id,
      kind,
      kflag: info >>> 31 === 1,
      name: this.string(this.#u32(at)),
      size: HAS_SIZE.has(kind) ? sizeOrType : 0,
      type: isArray ? this.#u32(tail) : HAS_SIZE.has(kind) || kind === FWD ? 0 : sizeOrType,
      vlen,
      members: kind === STRUCT || kind === UNION ? this.#members(tail, vlen, info >>> 31 === 1) : NONE,
      params: kind === FUNC_PROTO ? this.#params(tail, vlen) : NONE,
      values:
        kind === ENUM
          ? this.#enumValues(tail, vlen, info >>> 31 === 1)
          : kind === ENUM64
            ? this.#enum64Values(tail, vlen, info >>> 31 === 1)
            : NONE,
      vars: kind === DATASEC ? this.#secVars(tail, vlen) : NONE,
      nelems: isArray ? this.#u32(tail + 8) : 0,
      indexType: isArray ? this.#u32(tail + 4) : 0,
      encoding: (intInfo >>> 24) & 15,
      bitOffset: (intInfo >>> 16) & 255,
      bits: intInfo & 255,
      linkage: kind === VAR ? this.#u32(tail) : kind === FUNC ? vlen : 0,
      componentIdx: kind === DECL_TAG ? this.#u32(tail) | 0 : 0,
    };
  }

  #members(tail: number, vlen: number, kflag: boolean): BtfMember[] {
    return Array.from({ length: vlen }, (_, i) => {
      const m = tail + i * 12;
      const off = this.#u32(m + 8);
      return {
        name: this.string(this.#u32(m)),
        type: this.#u32(m + 4),
        bitOffset: kflag ? off & 0xffffff : off,
        bitSize: kflag ? off >>> 24 : 0,
      };
    });
  }
  #params(tail: number, vlen: number): BtfParam[] {
    return Array.from({ length: vlen }, (_, i) => ({ name: this.string(this.#u32(tail + i * 8)), type: this.#u32(tail + i * 8 + 4) }));
  }
  #enumValues(tail: number, vlen: number, signed: boolean): BtfEnumValue[] {
    return Array.from({ length: vlen }, (_, i) => {
      const v = this.#u32(tail + i * 8 + 4);
      return { name: this.string(this.#u32(tail + i * 8)), value: BigInt(signed ? v | 0 : v) };
    });
  }
  #enum64Values(tail: number, vlen: number, signed: boolean): BtfEnumValue[] {
    return Array.from({ length: vlen }, (_, i) => {
      const e = tail + i * 12;
      const v = (BigInt(this.#u32(e + 8)) << 32n) | BigInt(this.#u32(e + 4));
      return { name: this.string(this.#u32(e)), value: signed ? BigInt.asIntN(64, v) : v };
    });
  }
  #secVars(tail: number, vlen: number): BtfSecVar[] {
    return Array.from({ length: vlen }, (_, i) => ({
      type: this.#u32(tail + i * 12),
      offset: this.#u32(tail + i * 12 + 4),
      size: this.#u32(tail + i * 12 + 8),
    }));
  }

  #nameIndex(): NameIndex {
    return (this.#names ??= buildNameIndex(this.bytes, this.#offsets, this.layout, this.#strStart, (off) => this.string(off)));
  }

  find(name: string, kind: number): BtfId {
    const inBase = this.base?.find(name, kind) ?? 0;
    if (inBase !== 0) return inBase;
    for (const i of this.#nameIndex().lookup(name)) if (this.kind(this.firstId + i) === kind) return this.firstId + i;
    return 0;
  }

  findAll(name: string): readonly BtfId[] {
    const own = this.#nameIndex()
      .lookup(name)
      .map((i) => this.firstId + i);
    return this.base === undefined ? own : [...this.base.findAll(name), ...own];
  }

  resolve(id: BtfId): BtfId {
    let at = id;
    for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
      if (!SKIPPED.has(this.kind(at))) return at;
      at = this.type(at).type;
    }
    throw new CodedError(
      "btf-cycle",
      `BTF: type [${id}] refers to itself or through more than ${MAX_RESOLVE_DEPTH} modifiers`,
      this.placeOf(id),
    );
  }

  sizeOf(id: BtfId): number {
    let count = 1;
    let at = id;
    for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
      const t = this.type(this.resolve(at));
      if (t.kind === PTR) return 8 * count;
      if (HAS_SIZE.has(t.kind)) return t.size * count;
      if (t.kind === VAR) at = t.type;
      else if (t.kind === ARRAY) {
        count *= t.nelems;
        at = t.type;
      } else break;
    }
    throw new CodedError("btf-no-size", `BTF: type [${id}] has no size`, this.placeOf(id));
  }

  /** Alignment in bytes as libbpf's btf__align_of gives it (8-byte pointers); 0 when it has none. */
  alignOf(id: BtfId, depth = 0): number {
    const t = this.type(this.resolve(id));
    if (depth > MAX_RESOLVE_DEPTH) return 0;
    if (t.kind === PTR) return 8;
    if (t.kind === INT || t.kind === ENUM || t.kind === ENUM64 || t.kind === FLOAT) return Math.min(8, t.size);
    if (t.kind === ARRAY) return this.alignOf(t.type, depth + 1);
    if (t.kind !== STRUCT && t.kind !== UNION) return 0;
    let max = 1;
    for (const m of t.members) {
      const align = this.alignOf(m.type, depth + 1);
      if (align <= 0) return align;
      max = Math.max(max, align);
      if (m.bitSize === 0 && m.bitOffset % (8 * align) !== 0) return 1;
    }
    return t.size % max !== 0 ? 1 : max;
  }

  /** All names with a `___` in them, for CO-RE's flavours. */
  flavoured(): readonly string[] {
    if (this.#flavoured !== undefined) return this.#flavoured;
    const { strOff, strLen } = this.layout;
    const found = new Set<string>(this.base?.flavoured());
    for (let at = this.bytes.indexOf(0x5f, strOff); at >= 0 && at + 2 < strOff + strLen; at = this.bytes.indexOf(0x5f, at + 1)) {
      if (this.bytes[at + 1] !== 0x5f || this.bytes[at + 2] !== 0x5f) continue;
      found.add(this.string(this.bytes.lastIndexOf(0, at) + 1 - strOff + this.#strStart));
    }
    return (this.#flavoured = [...found]);
  }

  declTags(id: BtfId, componentIdx: number): readonly string[] {
    const own = (this.#tagIndex().get(id) ?? []).filter((t) => t.componentIdx === componentIdx).map((t) => t.name);
    return this.base === undefined ? own : [...this.base.declTags(id, componentIdx), ...own];
  }

  #tagIndex(): Map<BtfId, BtfType[]> {
    if (this.#tags !== undefined) return this.#tags;
    this.#tags = new Map();
    for (let id = this.firstId; id < this.typeCount; id++) {
      if (this.kind(id) !== DECL_TAG) continue;
      const tag = this.type(id);
      const list = this.#tags.get(tag.type);
      if (list === undefined) this.#tags.set(tag.type, [tag]);
      else list.push(tag);
    }
    return this.#tags;
  }
}

const NONE: readonly never[] = [];
const VOID: BtfType = {
  id: 0,
  kind: 0,
  kflag: false,
  name: "void",
  size: 0,
  type: 0,
  vlen: 0,
  members: NONE,
  params: NONE,
  values: NONE,
  vars: NONE,
  nelems: 0,
  indexType: 0,
  encoding: 0,
  bitOffset: 0,
  bits: 0,
  linkage: 0,
  componentIdx: 0,
};
