// BTF types seen as C types. It decodes a type when that is looked at and keeps none.
import type { BtfId } from "../../base/index.ts";
import { typeText, VOID, type CMember, type CType } from "../ctype.ts";
import { BTF_KIND, type Btf, type BtfType } from "./btf.ts";

const KINDS: Readonly<Record<number, CType["kind"]>> = {
  [BTF_KIND.INT]: "base",
  [BTF_KIND.FLOAT]: "base",
  [BTF_KIND.PTR]: "pointer",
  [BTF_KIND.ARRAY]: "array",
  [BTF_KIND.STRUCT]: "struct",
  [BTF_KIND.UNION]: "union",
  [BTF_KIND.ENUM]: "enum",
  [BTF_KIND.ENUM64]: "enum",
  [BTF_KIND.FWD]: "struct",
  /** A data section is seen as the structure of its variables. */
  [BTF_KIND.DATASEC]: "struct",
  [BTF_KIND.TYPEDEF]: "typedef",
  [BTF_KIND.VOLATILE]: "volatile",
  [BTF_KIND.CONST]: "const",
  [BTF_KIND.RESTRICT]: "restrict",
  [BTF_KIND.FUNC_PROTO]: "function",
};
const MAX_DEPTH = 32;

/** The C type of a BTF id; kinds that are no types of values (functions, variables, tags at the end) are void. */
export function ctypeOf(btf: Btf, id: BtfId): CType {
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH && btf.kind(at) === BTF_KIND.TYPE_TAG; depth++) at = btf.type(at).type;
  return KINDS[btf.kind(at)] === undefined ? VOID : new BtfCType(btf, at);
}

class BtfCType implements CType {
  readonly kind: CType["kind"];
  readonly #btf: Btf;
  readonly #type: BtfType;
  constructor(btf: Btf, id: BtfId) {
    this.#btf = btf;
    this.#type = btf.type(id);
    this.kind = this.#type.kind === BTF_KIND.FWD && this.#type.kflag ? "union" : KINDS[this.#type.kind]!;
  }

  get name(): string {
    return this.#type.name;
  }
  get size(): number {
    const { kind } = this.#type;
    if (kind === BTF_KIND.FWD || kind === BTF_KIND.FUNC_PROTO) return 0;
    return kind === BTF_KIND.PTR ? 8 : this.#btf.sizeOf(this.#type.id);
  }
  get encoding(): CType["encoding"] {
    const { kind, encoding, size, name } = this.#type;
    if (kind === BTF_KIND.FLOAT) return "float";
    if (encoding & 4) return "bool";
    if (size === 1 && (name === "char" || encoding & 2)) return "char";
    return encoding & 1 ? "signed" : "unsigned";
  }
  get target(): CType {
    return ctypeOf(this.#btf, this.kind === "array" ? this.#innermost().type : this.#type.type);
  }
  /** The last of the arrays that are nested in each other without a name between. */
  #innermost(): BtfType {
    let at = this.#type;
    for (let depth = 0; depth < MAX_DEPTH && this.#btf.kind(at.type) === BTF_KIND.ARRAY; depth++) at = this.#btf.type(at.type);
    return at;
  }
  get members(): CMember[] {
    const variables = this.#type.vars.map((v): CMember => {
      const { name, type } = this.#btf.type(v.type);
      return { name, type: ctypeOf(this.#btf, type), bitOffset: 8 * v.offset, bitSize: 0 };
    });
    return variables.concat(this.#type.members.map((m) => ({ ...m, type: ctypeOf(this.#btf, m.type) })));
  }
  get enumerators(): { name: string; value: bigint }[] {
    return this.#type.values.map(({ name, value }) => ({ name, value }));
  }
  get dimensions(): number[] {
    const out: number[] = [];
    for (let at = this.#type; at.kind === BTF_KIND.ARRAY && out.length < MAX_DEPTH; at = this.#btf.type(at.type)) out.push(at.nelems);
    return out;
  }
}

/** The declaration of a function: `struct task_struct *bpf_task_acquire(struct task_struct *p)`; undefined when there is none of that name. */
export function functionText(btf: Btf, name: string): string | undefined {
  const id = btf.find(name, BTF_KIND.FUNC);
  if (!id) return undefined;
  const proto = btf.type(btf.type(id).type);
  const declared = (type: BtfId, what: string): string =>
    `${type ? typeText(ctypeOf(btf, type)) : "void"} ${what}`.replace(/\* (?=\w)/, "*");
  const params = proto.params.map((p) => (p.type === 0 && p.name === "" ? "..." : declared(p.type, p.name).trimEnd()));
  return declared(proto.type, `${name}(${params.join(", ") || "void"})`);
}
