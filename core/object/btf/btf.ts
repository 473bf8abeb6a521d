// A BTF blob as an index over its bytes; types are decoded when asked for. It never resolves relocations.
import type { BtfId, Location } from "../../base/index.ts";

/** enum btf_kind. */
export const BTF_KIND = {
  UNKN: 0,
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** A member of a struct or union; `bitOffset` from the start of the struct, `bitSize` 0 when it is no bit field. */
export interface BtfMember {
  readonly name: string;
  readonly type: BtfId;
  readonly bitOffset: number;
  readonly bitSize: number;
}
export interface BtfParam {
  readonly name: string;
  readonly type: BtfId;
}
export interface BtfEnumValue {
  readonly name: string;
  readonly value: bigint;
}
export interface BtfSecVar {
  readonly type: BtfId;
  readonly offset: number;
  readonly size: number;
}

/** One type, decoded. Fields that a kind does not have are 0, "" or empty. */
export interface BtfType {
  readonly id: BtfId;
  readonly kind: number;
  readonly kflag: boolean;
  readonly name: string;
  /** Bytes, for kinds that have a size (INT, ENUM, STRUCT, UNION, DATASEC, FLOAT, ENUM64). */
  readonly size: number;
  /** Referenced type (PTR, TYPEDEF, modifiers, FUNC, VAR, DECL_TAG, TYPE_TAG; ARRAY: element; FUNC_PROTO: return type). */
  readonly type: BtfId;
  readonly vlen: number;
  readonly members: readonly BtfMember[];
  readonly params: readonly BtfParam[];
  readonly values: readonly BtfEnumValue[];
  readonly vars: readonly BtfSecVar[];
  /** ARRAY: number of elements and index type. */
  readonly nelems: number;
  readonly indexType: BtfId;
  /** INT: encoding bits (1 signed, 2 char, 4 bool), bit offset and bits. */
  readonly encoding: number;
  readonly bitOffset: number;
  readonly bits: number;
  /** FUNC and VAR linkage. */
  readonly linkage: number;
  /** DECL_TAG: component index, -1 for the type itself. */
  readonly componentIdx: number;
}

/** Look-ups over one BTF (a split BTF answers for its base too). */
export interface Btf {
  /** One more than the highest id. */
  readonly typeCount: number;
  /** First id that this blob itself defines: 1, or the base's `typeCount` for a split BTF. */
  readonly firstId: BtfId;
  /** The base of a split BTF. */
  readonly base: Btf | undefined;
  /** The blob as it would be given to BPF_BTF_LOAD. */
  readonly bytes: Uint8Array;
  /** The string at `off` of the (joint) string section. Throws CodedError `btf-bad-string`. */
  string(off: number): string;
  /** Decodes type `id`; id 0 is void (kind UNKN). Throws CodedError `btf-bad-id`. */
  type(id: BtfId): BtfType;
  /** Kind without decoding the rest. */
  kind(id: BtfId): number;
  /** First id with this name and kind, or 0. */
  find(name: string, kind: number): BtfId;
  /** All ids with this name. */
  findAll(name: string): readonly BtfId[];
  /** Follows typedefs, const, volatile, restrict, type tags. */
  resolve(id: BtfId): BtfId;
  /** Size in bytes of a type after {@link resolve}; pointers are 8. Throws CodedError `btf-no-size`. */
  sizeOf(id: BtfId): number;
  /** Where the blob defines a type, for messages; void stands before the first. */
  placeOf(id: BtfId): Location;
  /** Values of DECL_TAGs on a type (component -1) or on one of its members or parameters. */
  declTags(id: BtfId, componentIdx: number): readonly string[];
}
