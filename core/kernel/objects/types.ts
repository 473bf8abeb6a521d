// Places of members in the kernel's structures, by name, from its BTF. It holds no object and guesses no layout.
import { BTF_KIND, type Btf } from "../../object/index.ts";

/** Where a member lies: bytes from the start of the structure, and its size. */
export interface Slot {
  readonly off: number;
  readonly size: number;
}

/** Look-ups in the kernel's types; without BTF every structure is opaque. */
export class KernelTypes {
  readonly btf: Btf | undefined;
  readonly #slots = new Map<string, Slot | undefined>();
  constructor(btf: Btf | undefined) {
    this.btf = btf;
  }
  /** Bytes of `struct NAME`, or undefined when it is not known. */
  size(struct: string): number | undefined {
    const id = this.btf?.find(struct, BTF_KIND.STRUCT) ?? 0;
    return id ? this.btf!.sizeOf(id) : undefined;
  }
  /** The member `a.b.c` of `struct NAME`, through anonymous members, or undefined. */
  slot(struct: string, path: string): Slot | undefined {
    const key = `${struct}/${path}`;
    if (!this.#slots.has(key)) this.#slots.set(key, this.#find(struct, path));
    return this.#slots.get(key);
  }
  #find(struct: string, path: string): Slot | undefined {
    let id = this.btf?.find(struct, BTF_KIND.STRUCT) ?? 0;
    let off = 0;
    for (const name of path.split(".")) {
      const found = id ? this.#member(id, name) : undefined;
      if (!found) return undefined;
      off += found.off;
      id = found.type;
    }
    return id ? { off, size: this.btf!.sizeOf(id) } : undefined;
  }
  #member(structId: number, name: string): { off: number; type: number } | undefined {
    const btf = this.btf!;
    for (const m of btf.type(btf.resolve(structId)).members) {
      if (m.name === name) return { off: m.bitOffset >> 3, type: m.type };
      if (m.name !== "") continue;
      const inner = this.#member(m.type, name);
      if (inner) return { off: (m.bitOffset >> 3) + inner.off, type: inner.type };
    }
    return undefined;
  }
}
