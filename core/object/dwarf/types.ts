// Types of variables as DWARF gives them: what a debugger needs to show values. Each is read when it is looked at; it reads no memory.
import { AT, ENCODING, TAG } from "./constants.ts";
import { VOID, type CMember, type CType } from "../ctype.ts";
import type { Die, Unit } from "./unit.ts";

const KINDS: Readonly<Record<number, CType["kind"]>> = {
  [TAG.base_type]: "base",
  [TAG.pointer_type]: "pointer",
  [TAG.structure_type]: "struct",
  [TAG.union_type]: "union",
  [TAG.enumeration_type]: "enum",
  [TAG.array_type]: "array",
  [TAG.typedef]: "typedef",
  [TAG.const_type]: "const",
  [TAG.volatile_type]: "volatile",
  [TAG.restrict_type]: "restrict",
  [TAG.atomic_type]: "volatile",
  [TAG.subroutine_type]: "function",
};
const MAX_DEPTH = 32;

/** Finds entries by their offset in .debug_info, in whatever unit. */
export type FindDie = (offset: number) => { readonly unit: Unit; readonly die: Die } | undefined;

/** The type that entry `die` names in its DW_AT_type. */
export function typeOf(unit: Unit, die: Die, find: FindDie): CType {
  const offset = unit.ref(die, AT.type);
  const found = offset === undefined ? undefined : find(offset);
  return found === undefined || KINDS[found.die.tag] === undefined ? VOID : new DieType(found.unit, found.die, find);
}

class DieType implements CType {
  readonly kind: CType["kind"];
  readonly #unit: Unit;
  readonly #die: Die;
  readonly #find: FindDie;
  constructor(unit: Unit, die: Die, find: FindDie) {
    this.kind = KINDS[die.tag]!;
    this.#unit = unit;
    this.#die = die;
    this.#find = find;
  }

  get name(): string {
    return this.#unit.string(this.#die, AT.name) ?? "";
  }
  get encoding(): CType["encoding"] {
    if (this.name === "char") return "char";
    return ENCODING[this.#unit.number(this.#die, AT.encoding) ?? 7] ?? "unsigned";
  }
  get target(): CType {
    return typeOf(this.#unit, this.#die, this.#find);
  }

  get size(): number {
    return DieType.#sizeOf(this);
  }
  static #sizeOf(type: CType): number {
    let count = 1;
    let at = type;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      if (at.kind === "pointer") return 8 * count;
      if (at instanceof DieType) {
        const own = at.#unit.number(at.#die, AT.byte_size);
        if (own !== undefined) return own * count;
      }
      if (at.kind === "array") count *= at.dimensions.reduce((n, d) => n * d, 1);
      else if (at.kind === "void" || at.kind === "function") return 0;
      at = at.target;
    }
    return 0;
  }

  get members(): CMember[] {
    return this.#die.children
      .filter((c) => c.tag === TAG.member)
      .map((m) => {
        const unit = this.#unit;
        const type = typeOf(unit, m, this.#find);
        const bitSize = unit.number(m, AT.bit_size) ?? 0;
        const bytes = unit.number(m, AT.data_member_location) ?? 0;
        const fromTop = unit.number(m, AT.bit_offset);
        // DWARF 4 counts bit fields from the top of their storage unit.
        const old = fromTop === undefined ? 0 : (unit.number(m, AT.byte_size) ?? type.size) * 8 - fromTop - bitSize;
        return { name: unit.string(m, AT.name) ?? "", type, bitOffset: unit.number(m, AT.data_bit_offset) ?? bytes * 8 + old, bitSize };
      });
  }

  get enumerators(): { name: string; value: bigint }[] {
    return this.#die.children
      .filter((c) => c.tag === TAG.enumerator)
      .map((e) => {
        const v = e.attrs.get(AT.const_value);
        return {
          name: this.#unit.string(e, AT.name) ?? "",
          value: v?.kind === "big" ? v.value : v?.kind === "number" ? BigInt(v.value) : 0n,
        };
      });
  }

  get dimensions(): number[] {
    return this.#die.children
      .filter((c) => c.tag === TAG.subrange_type)
      .map((s) => {
        const upper = this.#unit.number(s, AT.upper_bound);
        return this.#unit.number(s, AT.count) ?? (upper === undefined ? 0 : upper + 1);
      });
  }
}
