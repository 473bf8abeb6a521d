// What the kernel's check of a BTF blob works on: the bytes, the types found so far, how far each is resolved, and how a refusal is worded. It checks nothing itself.
import { BTF_KIND as K } from "../btf.ts";

/** Error numbers that the check answers with, as BPF_BTF_LOAD does. */
export const ENOENT = 2,
  E2BIG = 7,
  EFAULT = 14,
  EEXIST = 17,
  EINVAL = 22,
  ELOOP = 40,
  ENOTSUPP = 524;

/** The kernel would refuse the blob; `log` holds the last lines of its log. */
export class BtfRefused extends Error {
  readonly errno: number;
  readonly log: string;
  constructor(errno: number, log: string) {
    super(log === "" ? `BTF is refused with errno ${errno}` : log);
    this.errno = errno;
    this.log = log;
  }
}

const KIND_NAMES = [
  "UNKNOWN",
  "INT",
  "PTR",
  "ARRAY",
  "STRUCT",
  "UNION",
  "ENUM",
  "FWD",
  "TYPEDEF",
  "VOLATILE",
  "CONST",
  "RESTRICT",
  "FUNC",
  "FUNC_PROTO",
  "VAR",
  "DATASEC",
  "FLOAT",
  "DECL_TAG",
  "TYPE_TAG",
  "ENUM64",
];
export const KIND_MAX = 19;
export const MAX_TYPE_ID = 0xfffff;
/** KSYM_NAME_LEN: longer names are refused. */
const NAME_LIMIT = 512;

const isAlpha = (c: number): boolean => (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || (c >= 192 && c !== 215 && c !== 247);
const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isPrint = (c: number): boolean => (c >= 32 && c < 127) || c >= 160;

/** A type is named by its offset in the blob; {@link VOID} is type 0. */
export type TypeAt = number;
export const VOID: TypeAt = 0;

export class CheckEnv {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  strOff = 0;
  strLen = 0;
  /** Offsets of the types by id; entry 0 is void. */
  readonly types: TypeAt[] = [VOID];
  /** Id that the kernel's log names. */
  logTypeId = 1;
  /** False while metas are checked, true while types are resolved. */
  resolving = false;

  readonly littleEndian: boolean;

  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(at: number): number {
    return this.view.getUint32(at, this.littleEndian);
  }
  info(t: TypeAt): number {
    return t === VOID ? 0 : this.u32(t + 4);
  }
  kind(t: TypeAt): number {
    return (this.info(t) >>> 24) & 31;
  }
  vlen(t: TypeAt): number {
    return this.info(t) & 0xffff;
  }
  kflag(t: TypeAt): boolean {
    return this.info(t) >>> 31 === 1;
  }
  nameOff(t: TypeAt): number {
    return t === VOID ? 0 : this.u32(t);
  }
  /** The field that is a size for some kinds and a type id for others. */
  sizeOrType(t: TypeAt): number {
    return t === VOID ? 0 : this.u32(t + 8);
  }
  byId(id: number): TypeAt | undefined {
    return this.types[id];
  }

  // Names -------------------------------------------------------------------------------------------------------------------

  nameOk(off: number): boolean {
    return off < this.strLen;
  }
  /** Bytes of the name at `off`, as characters of one byte each. */
  text(off: number): string {
    if (off >= this.strLen) return "";
    const start = this.strOff + off;
    const end = this.bytes.indexOf(0, start);
    let out = "";
    for (let i = start; i < end; i++) out += String.fromCharCode(this.bytes[i]!);
    return out;
  }
  shown(off: number): string {
    return off === 0 ? "(anon)" : off >= this.strLen ? "(invalid-name-offset)" : this.text(off);
  }
  isIdentifier(off: number): boolean {
    const start = this.strOff + off;
    for (let i = 0; i <= NAME_LIMIT; i++) {
      const c = this.bytes[start + i]!;
      if (i > 0 && c === 0) return true;
      if (i === NAME_LIMIT || !(isAlpha(c) || (i > 0 && isDigit(c)) || c === 95 || c === 46)) return false;
    }
    return false;
  }
  isSectionName(off: number): boolean {
    const start = this.strOff + off;
    for (let i = 0; i <= NAME_LIMIT; i++) {
      const c = this.bytes[start + i]!;
      if (c === 0) return i > 0;
      if (i === NAME_LIMIT || !isPrint(c)) return false;
    }
    return false;
  }

  // Refusals ----------------------------------------------------------------------------------------------------------------

  refuse(message: string, errno = EINVAL): never {
    throw new BtfRefused(errno, message);
  }
  /** btf_verifier_log_type: the type with its details, then the reason. */
  refuseType(t: TypeAt, message: string, errno = EINVAL): never {
    return this.refuse(`${this.typeLine(t)} ${message}`, errno);
  }
  /** btf_verifier_log_basic: without details. */
  refuseBasic(t: TypeAt, message: string): never {
    return this.refuse(`${this.#head(t)} ${message}`);
  }
  /** btf_verifier_log_member; outside of the first pass the struct is named too. `type`: id shown, when it is not the member's own. */
  refuseMember(t: TypeAt, member: number, message: string, type = this.u32(member + 4)): never {
    const name = this.shown(this.u32(member));
    const offset = this.u32(member + 8);
    const place = this.kflag(t) ? `bitfield_size=${offset >>> 24} bits_offset=${offset & 0xffffff}` : `bits_offset=${offset}`;
    return this.refuse(`${this.#context(t)}\t${name} type_id=${type} ${place} ${message}`);
  }
  /** btf_verifier_log_vsi. */
  refuseVar(t: TypeAt, vsi: number, message: string): never {
    const [type, offset, size] = [this.u32(vsi), this.u32(vsi + 4), this.u32(vsi + 8)];
    return this.refuse(`${this.#context(t)}\t type_id=${type} offset=${offset} size=${size} ${message}`);
  }

  #context(t: TypeAt): string {
    return this.resolving ? `${this.typeLine(t)}\n` : "";
  }
  #head(t: TypeAt): string {
    return `[${this.logTypeId}] ${KIND_NAMES[this.kind(t)]} ${this.shown(this.nameOff(t))}`;
  }
  typeLine(t: TypeAt): string {
    return `${this.#head(t)} ${this.#details(t)}`;
  }

  #details(t: TypeAt): string {
    const value = this.sizeOrType(t);
    switch (this.kind(t)) {
      case K.INT: {
        const data = this.u32(t + 12);
        const encodings: Record<number, string> = { 0: "(none)", 1: "SIGNED", 2: "CHAR", 4: "BOOL" };
        return `size=${value} bits_offset=${(data >>> 16) & 255} nr_bits=${data & 255} encoding=${encodings[(data >>> 24) & 15] ?? "UNKN"}`;
      }
      case K.ARRAY:
        return `type_id=${this.u32(t + 12)} index_type_id=${this.u32(t + 16)} nr_elems=${this.u32(t + 20)}`;
      case K.STRUCT:
      case K.UNION:
      case K.ENUM:
      case K.ENUM64:
      case K.DATASEC:
        return `size=${value} vlen=${this.vlen(t)}`;
      case K.FWD:
        return this.kflag(t) ? "union" : "struct";
      case K.FUNC_PROTO:
        return `return=${value} args=(${this.#args(t)})`;
      case K.VAR:
        return `type_id=${value} linkage=${this.u32(t + 12)}`;
      case K.FLOAT:
        return `size=${value}`;
      case K.DECL_TAG:
        return `type=${value} component_idx=${this.u32(t + 12) | 0}`;
      default:
        return `type_id=${value}`;
    }
  }

  #args(t: TypeAt): string {
    const count = this.vlen(t);
    if (count === 0) return "void";
    const out = Array.from({ length: count }, (_, i) => {
      const at = t + 12 + i * 8;
      const last = i === count - 1;
      return last && this.u32(at + 4) === 0 ? "vararg" : `${this.u32(at + 4)} ${this.shown(this.u32(at))}`;
    });
    return out.join(", ");
  }
}
