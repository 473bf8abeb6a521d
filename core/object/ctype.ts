// C types as a debugger shows them, whoever described them: DWARF or BTF. It reads no memory.

/** A member of a struct or union. */
export interface CMember {
  readonly name: string;
  readonly type: CType;
  /** From the start of the record. */
  readonly bitOffset: number;
  /** 0 when it is no bit field. */
  readonly bitSize: number;
}

/** One type. Getters read further entries on demand, so cycles are harmless. */
export interface CType {
  readonly kind:
    "base" | "pointer" | "struct" | "union" | "enum" | "array" | "typedef" | "const" | "volatile" | "restrict" | "function" | "void";
  /** Without `struct`; empty for unnamed types. */
  readonly name: string;
  /** Bytes; 0 when unknown. */
  readonly size: number;
  /** base: how its bytes are read. */
  readonly encoding: "bool" | "float" | "signed" | "unsigned" | "char";
  /** pointer, array, typedef, qualifiers, function (what it returns). */
  readonly target: CType;
  readonly members: readonly CMember[];
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
  /** array: elements of each dimension, outermost first; 0 when not given. */
  readonly dimensions: readonly number[];
}

const MAX_DEPTH = 32;

/** The type that has no values. */
export const VOID: CType = {
  kind: "void",
  name: "void",
  size: 0,
  encoding: "unsigned",
  get target(): CType {
    return VOID;
  },
  members: [],
  enumerators: [],
  dimensions: [],
};

/** A type behind its typedefs and qualifiers. */
export function strip(type: CType): CType {
  let at = type;
  for (let depth = 0; depth < MAX_DEPTH && THROUGH.has(at.kind); depth++) at = at.target;
  return at;
}
const THROUGH: ReadonlySet<CType["kind"]> = new Set(["typedef", "const", "volatile", "restrict"]);

/** What an index into an array gives: an element, or the array of the further dimensions. */
export function elementType(array: CType): CType {
  const [, ...rest] = array.dimensions;
  if (rest.length === 0) return array.target;
  return { ...VOID, kind: "array", target: array.target, dimensions: rest, size: rest.reduce((n, d) => n * d, array.target.size) };
}

/** A type as a user reads it: `const struct ethhdr *`. */
export function typeText(type: CType, depth = 0): string {
  if (depth > MAX_DEPTH) return "...";
  const inner = (): string => typeText(type.target, depth + 1);
  switch (type.kind) {
    case "pointer": {
      const to = inner();
      if (to.includes("(*)")) return to.replace("(*)", "(**)");
      return to.endsWith("*") ? `${to}*` : type.target.kind === "function" ? to : `${to} *`;
    }
    case "function":
      return `${inner()} (*)()`;
    case "array":
      return `${inner()}${type.dimensions.map((d) => `[${d || ""}]`).join("")}`;
    case "const":
    case "volatile":
    case "restrict": {
      const of = inner();
      return of.endsWith("*") ? `${of} ${type.kind}` : `${type.kind} ${of}`;
    }
    case "struct":
    case "union":
    case "enum":
      return `${type.kind} ${type.name || "{...}"}`;
    default:
      return type.name || "void";
  }
}
