// Writes the types of a BTF as a C header with the same layouts (a vmlinux.h). It orders definitions, renames clashes, and writes no functions.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfMember, type BtfType } from "./btf.ts";
import { CLayout } from "./c-layout.ts";

/** To be raised with every change of what {@link dumpC} writes: headers made before it are then not used again. */
export const C_DUMP_REVISION = 1;

const MAX_DEPTH = 2000;
const HEAD = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`;
const TAIL = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

/** The header's text. Throws CodedError for BTF whose types nest without end. */
export function dumpC(btf: Btf): string {
  return HEAD + new CDump(btf).run() + TAIL;
}

type State = "open" | "done";
const isRecord = (t: BtfType): boolean => t.kind === K.STRUCT || t.kind === K.UNION;
const isEnum = (t: BtfType): boolean => t.kind === K.ENUM || t.kind === K.ENUM64;
const keyword = (t: BtfType): string =>
  t.kind === K.STRUCT || (t.kind === K.FWD && !t.kflag) ? "struct" : t.kind === K.UNION || t.kind === K.FWD ? "union" : "enum";

class CDump {
  readonly #btf: Btf;
  readonly #layout: CLayout;
  readonly #out: string[] = [];
  readonly #state = new Map<BtfId, State>();
  readonly #forward = new Set<string>();
  readonly #names = new Map<BtfId, string>();
  /** How often a name was given out: struct tags, and everything else, which C keeps apart. */
  readonly #tags = new Map<string, number>();
  readonly #idents = new Map<string, number>();
  #depth = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#layout = new CLayout(btf);
  }

  run(): string {
    const inline = this.#inlined();
    for (let id = 1; id < this.#btf.typeCount; id++) {
      const t = this.#btf.type(id);
      if (t.name !== "" && (isRecord(t) || isEnum(t) || t.kind === K.TYPEDEF || t.kind === K.FWD)) this.#need(id, true);
      else if (isEnum(t) && !inline.has(id)) this.#out.push(`${this.#enumBody(t)};\n\n`);
    }
    return this.#out.join("");
  }

  /** Unnamed enums that stand inside another type. */
  #inlined(): Set<BtfId> {
    const used = new Set<BtfId>();
    for (let id = 1; id < this.#btf.typeCount; id++) {
      const t = this.#btf.type(id);
      used.add(t.type);
      for (const m of t.members) used.add(m.type);
      for (const p of t.params) used.add(p.type);
    }
    return used;
  }

  /** Writes all that must stand before a use of `id`; `complete` when its size must be known. */
  #need(id: BtfId, complete: boolean): void {
    if (++this.#depth > MAX_DEPTH)
      throw new CodedError("btf-cycle", `BTF: type [${id}] is nested too deeply to be written as C`, this.#btf.placeOf(id));
    const t = this.#btf.type(id);
    switch (t.kind) {
      case K.PTR:
        this.#need(t.type, false);
        break;
      case K.ARRAY:
        this.#need(t.type, true);
        break;
      case K.CONST:
      case K.VOLATILE:
      case K.RESTRICT:
      case K.TYPE_TAG:
        this.#need(t.type, complete);
        break;
      case K.FUNC_PROTO:
        for (const p of t.params) this.#need(p.type, false);
        this.#need(t.type, false);
        break;
      case K.TYPEDEF:
        this.#typedef(t, complete);
        break;
      case K.STRUCT:
      case K.UNION:
        this.#record(t, complete);
        break;
      case K.ENUM:
      case K.ENUM64:
        if (t.name !== "") this.#once(t, () => this.#out.push(`${this.#enumBody(t)};\n\n`));
        break;
      case K.FWD:
        this.#declare(t);
        break;
    }
    this.#depth--;
  }

  #once(t: BtfType, write: () => void): void {
    if (this.#state.has(t.id)) return;
    this.#state.set(t.id, "open");
    write();
    this.#state.set(t.id, "done");
  }

  #typedef(t: BtfType, complete: boolean): void {
    if (t.name === "__builtin_va_list") return;
    this.#once(t, () => {
      const anonymous = this.#btf.type(t.type).name === "";
      this.#need(t.type, complete && anonymous);
      this.#out.push(`typedef ${this.#declarator(t.type, this.#name(t), 0)};\n\n`);
    });
    if (complete) this.#need(t.type, true);
  }

  #record(t: BtfType, complete: boolean): void {
    if (t.name === "") {
      if (this.#state.get(t.id) === "open")
        throw new CodedError("btf-cycle", `BTF: unnamed type [${t.id}] contains itself`, this.#btf.placeOf(t.id));
      this.#state.set(t.id, "open");
      for (const m of t.members) this.#need(m.type, true);
      this.#state.delete(t.id);
    } else if (!complete || this.#state.get(t.id) === "open") this.#declare(t);
    else
      this.#once(t, () => {
        for (const m of t.members) this.#need(m.type, true);
        this.#out.push(`${this.#recordBody(t, 0)};\n\n`);
      });
  }

  #declare(t: BtfType): void {
    const text = `${keyword(t)} ${this.#name(t)}`;
    if (this.#forward.has(text) || this.#state.get(t.id) === "done") return;
    this.#forward.add(text);
    this.#out.push(`${text};\n\n`);
  }

  /** The name in C: clashes become NAME___2 and so on, as bpftool numbers them. */
  #name(t: BtfType): string {
    const known = this.#names.get(t.id);
    if (known !== undefined) return known;
    const name = t.kind === K.FWD ? t.name : this.#unique(t.kind === K.TYPEDEF ? this.#idents : this.#tags, t.name);
    this.#names.set(t.id, name);
    return name;
  }

  #unique(taken: Map<string, number>, name: string): string {
    const n = (taken.get(name) ?? 0) + 1;
    taken.set(name, n);
    return n === 1 ? name : `${name}___${n}`;
  }

  #enumBody(t: BtfType): string {
    const bits = BigInt(8 * Math.min(8, t.size || 4));
    const value = (v: bigint): string => {
      if (v < 0n) return v === -(1n << 63n) ? "(-9223372036854775807LL - 1)" : v < -(1n << 31n) ? `${v}LL` : String(v);
      return v >= 1n << 63n ? `${v}ULL` : v >= 1n << 32n ? `${v}LL` : v >= 1n << 31n ? `${v}U` : String(v);
    };
    const lines = t.values.map((v) => `\t${this.#unique(this.#idents, v.name)} = ${value(v.value)},\n`);
    const wide = t.values.some((v) => v.value >= 1n << 32n || v.value < -(1n << 31n));
    const mode = bits === 8n ? "byte" : bits === 16n ? "HI" : bits === 64n && !wide ? "word" : undefined;
    const head = t.name === "" ? "enum" : `enum ${this.#name(t)}`;
    return `${head} {\n${lines.join("")}}${mode === undefined ? "" : ` __attribute__((mode(${mode})))`}`;
  }

  /** A struct or union with its members; unnamed records inside are written in place. */
  #recordBody(t: BtfType, level: number): string {
    const indent = "\t".repeat(level + 1);
    const packed = this.#layout.packed(t);
    const lines: string[] = [];
    let off = 0;
    for (const m of t.members) {
      const gap = t.kind === K.UNION ? [] : this.#gap(m, off, packed);
      lines.push(
        ...gap.map((g) => indent + g),
        `${indent}${this.#declarator(m.type, m.name, level + 1)}${m.bitSize > 0 ? `: ${m.bitSize}` : ""};`,
      );
      if (t.kind === K.STRUCT) off = m.bitOffset + (m.bitSize || this.#btf.sizeOf(m.type) * 8);
    }
    if (t.kind === K.STRUCT || t.members.length === 0) lines.push(...this.#tail(t, off, packed).map((g) => indent + g));
    else if (
      t.members.every(
        (m) =>
          this.#btf.sizeOf(m.type) < t.size &&
          Math.ceil(this.#btf.sizeOf(m.type) / this.#layout.align(t.id)) * this.#layout.align(t.id) < t.size,
      )
    )
      lines.push(`${indent}unsigned char __pad[${t.size}];`);
    const head = t.name === "" ? keyword(t) : `${keyword(t)} ${this.#name(t)}`;
    return `${head} {\n${lines.join("\n")}${lines.length > 0 ? "\n" : ""}${"\t".repeat(level)}}${packed ? " __attribute__((packed))" : ""}`;
  }

  #gap(m: BtfMember, off: number, packed: boolean): string[] {
    return this.#layout.natural(m, off, packed) === m.bitOffset ? [] : filler(off, m.bitOffset);
  }

  #tail(t: BtfType, off: number, packed: boolean): string[] {
    const align = packed ? 1 : this.#layout.align(t.id);
    return Math.ceil(Math.ceil(off / 8) / align) * align >= t.size ? [] : filler(off, t.size * 8);
  }

  /** `inner` as a declaration of type `id`. */
  #declarator(id: BtfId, inner: string, level: number): string {
    if (++this.#depth > MAX_DEPTH)
      throw new CodedError("btf-cycle", `BTF: type [${id}] is nested too deeply to be written as C`, this.#btf.placeOf(id));
    const text = this.#declaratorOf(this.#btf.type(id), inner, level);
    this.#depth--;
    return text;
  }

  #declaratorOf(t: BtfType, inner: string, level: number): string {
    switch (t.kind) {
      case K.UNKN:
        return spaced("void", inner);
      case K.PTR: {
        const target = this.#btf.kind(this.#skipQualifiers(t.type));
        return this.#declarator(t.type, target === K.ARRAY || target === K.FUNC_PROTO ? `(*${inner})` : `*${inner}`, level);
      }
      case K.ARRAY:
        return this.#declarator(t.type, `${inner}[${t.nelems}]`, level);
      case K.FUNC_PROTO:
        return this.#declarator(t.type, `${inner}(${this.#params(t, level)})`, level);
      case K.TYPE_TAG:
        return this.#declarator(t.type, inner, level);
      case K.CONST:
      case K.VOLATILE:
      case K.RESTRICT:
        return this.#qualified(t, inner, level);
      case K.STRUCT:
      case K.UNION:
        return spaced(t.name === "" ? this.#recordBody(t, level) : `${keyword(t)} ${this.#name(t)}`, inner);
      case K.ENUM:
      case K.ENUM64:
        return spaced(t.name === "" ? this.#enumBody(t) : `enum ${this.#name(t)}`, inner);
      case K.FWD:
        return spaced(`${keyword(t)} ${this.#name(t)}`, inner);
      case K.TYPEDEF:
        return spaced(t.name === "__builtin_va_list" ? t.name : this.#name(t), inner);
      case K.INT:
      case K.FLOAT:
        return spaced(t.name || "int", inner);
      default:
        throw new CodedError("btf-c", `BTF: type [${t.id}] of kind ${t.kind} has no form in C`, this.#btf.placeOf(t.id));
    }
  }

  #skipQualifiers(id: BtfId): BtfId {
    let at = id;
    for (let i = 0; i < 32; i++) {
      const t = this.#btf.type(at);
      if (t.kind !== K.CONST && t.kind !== K.VOLATILE && t.kind !== K.RESTRICT && t.kind !== K.TYPE_TAG) return at;
      at = t.type;
    }
    throw new CodedError("btf-cycle", `BTF: type [${id}] refers to itself through qualifiers`, this.#btf.placeOf(id));
  }

  /** A qualifier of a pointer stands right of its star; others left of the type. */
  #qualified(t: BtfType, inner: string, level: number): string {
    const word = t.kind === K.CONST ? "const" : t.kind === K.VOLATILE ? "volatile" : "restrict";
    const target = this.#btf.kind(this.#skipQualifiers(t.type));
    if (target === K.PTR) return this.#declarator(t.type, spaced(word === "restrict" ? "__restrict" : word, inner), level);
    if (target === K.ARRAY || target === K.FUNC_PROTO || word === "restrict") return this.#declarator(t.type, inner, level);
    return `${word} ${this.#declarator(t.type, inner, level)}`;
  }

  #params(t: BtfType, level: number): string {
    if (t.params.length === 0) return "void";
    return t.params
      .map((p, i) => (p.type === 0 && i === t.params.length - 1 ? "..." : this.#declarator(p.type, "", level).trimEnd()))
      .join(", ");
  }
}

const spaced = (type: string, inner: string): string => (inner === "" ? type : `${type} ${inner}`);

/** Unnamed bits and bytes that fill the bits from `from` to `to`. */
function filler(from: number, to: number): string[] {
  const out: string[] = [];
  let at = from;
  if (at % 8 !== 0) {
    const bits = Math.min(8 - (at % 8), to - at);
    out.push(`unsigned char: ${bits};`);
    at += bits;
  }
  const bytes = Math.floor((to - at) / 8);
  if (bytes > 0) out.push(`unsigned char __pad${at / 8}[${bytes}];`);
  at += bytes * 8;
  if (to > at) out.push(`unsigned char: ${to - at};`);
  return out;
}
