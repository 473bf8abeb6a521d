// Bytes of a WebAssembly module: numbers in LEB128, sections, function bodies. It knows no BPF.

/** A growing run of bytes. */
export class Writer {
  #bytes = new Uint8Array(1024);
  length = 0;

  byte(...values: number[]): this {
    this.#room(values.length);
    for (let i = 0; i < values.length; i++) this.#bytes[this.length++] = values[i]!;
    return this;
  }
  #push(value: number): void {
    if (this.length === this.#bytes.length) this.#room(1);
    this.#bytes[this.length++] = value;
  }
  bytes(from: Writer): this {
    this.#room(from.length);
    this.#bytes.set(from.#bytes.subarray(0, from.length), this.length);
    this.length += from.length;
    return this;
  }
  #room(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.length + more));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
  /** Unsigned, up to 32 bits. */
  u32(value: number): this {
    let v = value >>> 0;
    for (; v > 127; v >>>= 7) this.#push((v & 127) | 128);
    this.#push(v);
    return this;
  }
  /** Signed, up to 32 bits. */
  s32(value: number): this {
    let v = value | 0;
    let low = v & 127;
    v >>= 7;
    for (;;) {
      if ((v === 0 && !(low & 64)) || (v === -1 && low & 64)) break;
      this.#push(low | 128);
      low = v & 127;
      v >>= 7;
    }
    this.#push(low);
    return this;
  }
  /** Signed, 64 bits in two halves. */
  s64(lo: number, hi: number): this {
    if (hi === lo >> 31) return this.s32(lo);
    let v = BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0));
    for (;;) {
      const low = Number(v & 127n);
      v >>= 7n;
      if ((v === 0n && !(low & 64)) || (v === -1n && low & 64)) return this.byte(low);
      this.byte(low | 128);
    }
  }
  name(text: string): this {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
    return this;
  }
  /** A section or body with its size before it. */
  sized(content: Writer): this {
    return this.u32(content.length).bytes(content);
  }
  result(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

export const I32 = 0x7f,
  I64 = 0x7e;

export interface FuncType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}
export interface FuncBody {
  readonly type: number;
  /** Locals after the parameters, by type. */
  readonly locals: readonly { readonly count: number; readonly type: number }[];
  /** Instructions without the final `end`. */
  readonly code: Writer;
  readonly exportAs?: string | undefined;
}
export interface ModuleParts {
  readonly types: readonly FuncType[];
  /** Functions imported from module `vm`, in order: they have the first function indices. */
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  readonly functions: readonly FuncBody[];
}

/** A module that imports memory `vm.memory` of at most `maxPages` pages. */
export function moduleBytes(parts: ModuleParts, maxPages: number): Uint8Array {
  const out = new Writer().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = (id: number, count: number, fill: (w: Writer) => void): void => {
    const w = new Writer().u32(count);
    fill(w);
    out.byte(id).sized(w);
  };
  section(1, parts.types.length, (w) => {
    for (const t of parts.types)
      w.byte(0x60)
        .u32(t.params.length)
        .byte(...t.params)
        .u32(t.results.length)
        .byte(...t.results);
  });
  section(2, parts.imports.length + 1, (w) => {
    w.name("vm").name("memory").byte(2, 1).u32(1).u32(maxPages);
    for (const i of parts.imports) w.name("vm").name(i.name).byte(0).u32(i.type);
  });
  section(3, parts.functions.length, (w) => parts.functions.forEach((f) => w.u32(f.type)));
  const exported = parts.functions.flatMap((f, i) => (f.exportAs === undefined ? [] : [{ name: f.exportAs, index: i }]));
  section(7, exported.length, (w) =>
    exported.forEach((e) =>
      w
        .name(e.name)
        .byte(0)
        .u32(parts.imports.length + e.index),
    ),
  );
  section(10, parts.functions.length, (w) => {
    for (const f of parts.functions) {
      const body = new Writer().u32(f.locals.length);
      for (const l of f.locals) body.u32(l.count).byte(l.type);
      w.sized(body.bytes(f.code).byte(0x0b));
    }
  });
  return out.result();
}
