// A value of a kernel type as the text that bpf_snprintf_btf gives (kernel/bpf/btf.c, btf_*_show, 6.18). It reads through the function that it is given.
import { BTF_KIND as K, type Btf, type BtfMember, type BtfType } from "../object/index.ts";
import { EFAULT } from "./errno.ts";

/** BTF_F_*; pointers are shown as they are with and without BTF_F_PTR_RAW (4), as nothing here must be hidden. */
const COMPACT = 1,
  NONAME = 2,
  ZERO = 8;
const INT_SIGNED = 1,
  INT_CHAR = 2;
/** Deepest indentation, and most pointers, arrays and typedefs that a name shows. */
const MOST_INDENT = 32,
  MOST_STEPS = 10;
const QUALIFIERS: ReadonlySet<number> = new Set([K.CONST, K.VOLATILE, K.RESTRICT, K.TYPE_TAG]);

/** Bytes at an offset of the value, or undefined when they are not there. */
export type ReadValue = (off: number, size: number) => Uint8Array | undefined;

/** The text, or a negative errno when the value cannot be read. `flags` are BTF_F_*. */
export function showValue(btf: Btf, id: number, read: ReadValue, flags: number): string | number {
  const kind = btf.kind(btf.resolve(id));
  const size = kind === K.FUNC || kind === K.FUNC_PROTO || kind === K.UNKN || kind === K.FWD ? 0 : btf.sizeOf(id);
  const bytes = read(0, size);
  if (!bytes) return -EFAULT;
  const show = new Show(btf, flags, bytes);
  show.type(id, 0, 0);
  return show.text;
}

class Show {
  text = "";
  readonly #btf: Btf;
  readonly #flags: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #depth = 0;
  /** Set while it only finds out whether an aggregate holds anything that is not zero: one more than its depth. */
  #checking = 0;
  #deepest = 0;
  #member: BtfMember | undefined;
  #typeId = 0;
  #isElement = false;
  #encoding = 0;
  #terminated = false;

  constructor(btf: Btf, flags: number, bytes: Uint8Array) {
    this.#btf = btf;
    this.#flags = flags;
    // Bit fields are read in whole words.
    this.#bytes = new Uint8Array(bytes.length + 16);
    this.#bytes.set(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }
  /** Shows the value of type `id` at `off`, `bits` bits into its first byte. */
  type(id: number, off: number, bits: number): void {
    const t = this.#btf.type(this.#btf.resolve(id));
    switch (t.kind) {
      case K.INT:
        return this.#int(t, id, off, bits);
      case K.PTR:
        this.#typeId = id;
        return this.#value(this.#u64(off), `0x${this.#u64(off).toString(16).padStart(16, "0")}`);
      case K.ENUM:
      case K.ENUM64:
        return this.#enum(t, id, off);
      case K.STRUCT:
      case K.UNION:
        return this.#aggregate(() => this.#struct(t, id, off));
      case K.ARRAY:
        return this.#aggregate(() => this.#array(t, id, off));
      default:
        this.#put(`<unsupported kind:${t.kind}>`);
    }
  }
  #put(text: string): void {
    if (this.#checking === 0) this.text += text;
  }
  get #indent(): string {
    return this.#flags & COMPACT ? "" : " ".repeat(Math.min(this.#depth, MOST_INDENT));
  }
  get #newline(): string {
    return this.#flags & COMPACT ? "" : "\n";
  }
  get #delimiter(): string {
    return this.#depth === 0 ? "" : ",";
  }
  #value(value: bigint, text: string): void {
    if (value === 0n && !(this.#flags & ZERO) && this.#depth !== 0) return;
    this.#put(`${this.#indent}${this.#name()}${text}${this.#delimiter}${this.#newline}`);
    this.#deepest = Math.max(this.#deepest, this.#depth);
  }
  #u64(off: number): bigint {
    return this.#view.getBigUint64(off, true);
  }

  #int(t: BtfType, id: number, off: number, bits: number): void {
    this.#typeId = id;
    if (bits || t.bitOffset || t.bits % 8 || ![8, 16, 32, 64].includes(t.bits)) {
      const first = bits + t.bitOffset;
      return this.#bitField(off + (first >> 3), first & 7, t.bits);
    }
    if (t.bits === 8 && this.#encoding === INT_CHAR) {
      if (this.#terminated) return;
      const c = this.#bytes[off]!;
      if (c === 0) {
        this.#terminated = true;
        return;
      }
      if ((c >= 32 && c < 127) || c >= 160) return this.#value(BigInt(c), `'${String.fromCharCode(c)}'`);
    }
    const raw = BigInt.asUintN(t.bits, this.#u64(off));
    const value = t.encoding & INT_SIGNED ? BigInt.asIntN(t.bits, raw) : raw;
    this.#value(value, value.toString());
  }
  #bitField(off: number, bits: number, count: number): void {
    const whole = this.#u64(off) | (this.#u64(off + 8) << 64n);
    const value = BigInt.asUintN(count, whole >> BigInt(bits));
    this.#value(value, `0x${value.toString(16)}`);
  }
  #enum(t: BtfType, id: number, off: number): void {
    this.#typeId = id;
    const bits = t.size * 8;
    const raw = BigInt.asUintN(bits, this.#u64(off));
    const found = t.values.find((v) => BigInt.asUintN(bits, v.value) === raw);
    const value = t.kflag ? BigInt.asIntN(bits, raw) : raw;
    this.#value(value, found?.name ?? value.toString());
  }
  /** Shows an aggregate, unless it lies in another one and holds nothing but zeros. */
  #aggregate(show: () => void): void {
    const member = this.#member;
    if (this.#depth > 0 && !(this.#flags & ZERO)) {
      if (this.#checking === 0) {
        this.#checking = this.#depth + 1;
        this.#deepest = 0;
      }
      show();
      this.#member = member;
      if (this.#checking !== this.#depth + 1) return;
      this.#checking = 0;
      if (this.#deepest <= this.#depth) return;
    }
    show();
  }
  #open(id: number): void {
    this.#typeId = id;
    this.#put(`${this.#indent}${this.#name()}${this.#newline}`);
    this.#depth++;
  }
  #close(suffix: string): void {
    this.#depth--;
    this.#put(`${this.#indent}${suffix}${this.#delimiter}${this.#newline}`);
  }
  #struct(t: BtfType, id: number, off: number): void {
    this.#open(id);
    for (const m of t.members) {
      this.#member = m;
      this.#typeId = m.type;
      if (m.bitSize) this.#bitField(off + (m.bitOffset >> 3), m.bitOffset & 7, m.bitSize);
      else this.type(m.type, off + (m.bitOffset >> 3), m.bitOffset & 7);
      this.#member = undefined;
    }
    this.#close("}");
  }
  #array(t: BtfType, id: number, off: number): void {
    const element = this.#btf.type(this.#btf.resolve(t.type));
    const size = this.#btf.sizeOf(t.type);
    this.#encoding = element.kind === K.INT ? (size === 1 ? INT_CHAR : element.encoding) : 0;
    this.#terminated = false;
    this.#open(id);
    for (let i = 0; i < t.nelems && !this.#terminated; i++) {
      this.#isElement = true;
      this.#member = undefined;
      this.type(t.type, off + i * size, 0);
      this.#isElement = false;
      this.#member = undefined;
    }
    this.#encoding = 0;
    this.#terminated = false;
    this.#close("]");
  }

  /** `.member = (type)` before a value, with the bracket that opens an aggregate. */
  #name(): string {
    if (this.#isElement) return "";
    const member = this.#member;
    const { name, prefix, pointers, arrays, bracket } = this.#describe(member ? member.type : this.#typeId);
    if (this.#flags & NONAME) return bracket;
    const field = member?.name ? `.${member.name} = ` : "";
    const space = prefix && name ? " " : "";
    return `${field}(${prefix}${space}${name}${pointers ? " " : ""}${"*".repeat(pointers)}${"[]".repeat(arrays)})${bracket}`;
  }
  #describe(start: number): { name: string; prefix: string; pointers: number; arrays: number; bracket: string } {
    let t = this.#btf.type(start);
    let alias = "";
    let pointers = 0,
      arrays = 0;
    for (let i = 0; i < MOST_STEPS && (t.kind === K.TYPEDEF || t.kind === K.ARRAY || t.kind === K.PTR); i++) {
      if (t.kind === K.TYPEDEF) alias ||= t.name;
      else if (t.kind === K.ARRAY) arrays++;
      else pointers++;
      t = this.#unqualified(t.type);
    }
    const isStruct = t.kind === K.STRUCT || t.kind === K.UNION;
    const kind = isStruct ? (t.kind === K.STRUCT ? "struct" : "union") : t.kind === K.ENUM || t.kind === K.ENUM64 ? "enum" : "";
    const bracket = pointers ? "" : arrays ? "[" : isStruct ? "{" : "";
    return { name: alias || t.name, prefix: alias ? "" : kind, pointers, arrays, bracket };
  }
  #unqualified(id: number): BtfType {
    let t = this.#btf.type(id);
    while (QUALIFIERS.has(t.kind)) t = this.#btf.type(t.type);
    return t;
  }
}
