// Accessor strings ("0:2:1") as paths through types, and the same path in another type (relo_core.c of libbpf 1.5). It computes no values.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfType } from "../btf/btf.ts";
import { fieldsAreCompat, isComposite, typesAreCompat, typesMatch } from "./compat.ts";
import { essentialName } from "./names.ts";

/** enum bpf_core_relo_kind. */
export const CORE = {
  FIELD_BYTE_OFFSET: 0,
  FIELD_BYTE_SIZE: 1,
  FIELD_EXISTS: 2,
  FIELD_SIGNED: 3,
  FIELD_LSHIFT_U64: 4,
  FIELD_RSHIFT_U64: 5,
  TYPE_ID_LOCAL: 6,
  TYPE_ID_TARGET: 7,
  TYPE_EXISTS: 8,
  TYPE_SIZE: 9,
  ENUMVAL_EXISTS: 10,
  ENUMVAL_VALUE: 11,
  TYPE_MATCHES: 12,
} as const;
export const isFieldKind = (kind: number): boolean => kind <= CORE.FIELD_RSHIFT_U64;
export const isTypeKind = (kind: number): boolean => (kind >= CORE.TYPE_ID_LOCAL && kind <= CORE.TYPE_SIZE) || kind === CORE.TYPE_MATCHES;
export const isEnumKind = (kind: number): boolean => kind === CORE.ENUMVAL_EXISTS || kind === CORE.ENUMVAL_VALUE;

/** libbpf's BPF_CORE_SPEC_MAX_LEN: deeper accesses are refused. */
const MAX_LEN = 64;

/** One record of the core_relo section of .BTF.ext (struct bpf_core_relo). */
export interface CoreRelo {
  /** Slot within the section. */
  readonly insnIdx: number;
  readonly typeId: BtfId;
  readonly access: string;
  readonly kind: number;
}

/** A turning point of a path: a named field (of struct `typeId`), or an array element (of element type `typeId`). */
export interface Accessor {
  readonly typeId: BtfId;
  readonly idx: number;
  readonly name: string | undefined;
}
/** A path through the types of one BTF. */
export interface CoreSpec {
  readonly btf: Btf;
  readonly rootId: BtfId;
  readonly kind: number;
  readonly path: Accessor[];
  rawLen: number;
  bitOffset: number;
}

function bad(why: string): never {
  throw new CodedError("core-spec", why);
}

function parseIndexes(access: string): number[] {
  if (!/^\d+(:\d+)*$/.test(access)) bad(`malformed access string '${access}'`);
  const raw = access.split(":").map(Number);
  if (raw.length > MAX_LEN) bad(`access string of more than ${MAX_LEN} steps`);
  return raw;
}

/** The path that a relocation's access string describes in the object's own types. Throws CodedError `core-spec`. */
export function parseSpec(btf: Btf, relo: CoreRelo): CoreSpec {
  const spec: CoreSpec = { btf, rootId: relo.typeId, kind: relo.kind, path: [], rawLen: 0, bitOffset: 0 };
  if (isTypeKind(relo.kind)) return relo.access === "0" ? spec : bad(`access string '${relo.access}' of a type relocation`);
  const raw = parseIndexes(relo.access);
  const first = raw[0]!;
  let id = btf.resolve(relo.typeId);
  if (isEnumKind(relo.kind)) {
    const t = btf.type(id);
    if (raw.length > 1 || first >= t.values.length) bad(`enumerator ${relo.access} does not exist`);
    spec.path.push({ typeId: id, idx: first, name: t.values[first]!.name });
    return spec;
  }
  if (!isFieldKind(relo.kind)) bad(`unknown relocation kind ${relo.kind}`);
  spec.path.push({ typeId: id, idx: first, name: undefined });
  spec.bitOffset = first * btf.sizeOf(id) * 8;
  for (const idx of raw.slice(1)) {
    id = btf.resolve(id);
    const t = btf.type(id);
    if (isComposite(t)) {
      const m = t.members[idx] ?? bad(`member ${idx} of '${t.name}' does not exist`);
      spec.bitOffset += m.bitOffset;
      if (m.name !== "") spec.path.push({ typeId: id, idx, name: m.name });
      id = m.type;
    } else if (t.kind === K.ARRAY) {
      id = btf.resolve(t.type);
      if (idx >= t.nelems && !isFlexArray(btf, spec.path.at(-1)!, t)) bad(`array index ${idx} of ${t.nelems}`);
      spec.path.push({ typeId: id, idx, name: undefined });
      spec.bitOffset += idx * btf.sizeOf(id) * 8;
    } else bad(`step ${idx} into type [${id}], which has no parts`);
  }
  return spec;
}

/** A zero-sized array that is the last member of its struct may be indexed freely. */
function isFlexArray(btf: Btf, holder: Accessor, array: BtfType): boolean {
  return holder.name !== undefined && array.nelems === 0 && holder.idx === btf.type(holder.typeId).vlen - 1;
}

/** The same path from type `targetId` of another BTF; undefined when it does not exist there. Throws CodedError when types nest too deeply. */
export function matchSpec(local: CoreSpec, target: Btf, targetId: BtfId): CoreSpec | undefined {
  const spec: CoreSpec = { btf: target, rootId: targetId, kind: local.kind, path: [], rawLen: 0, bitOffset: 0 };
  if (isTypeKind(local.kind)) {
    const pair = { local: local.btf, target };
    const same =
      local.kind === CORE.TYPE_MATCHES
        ? typesMatch(pair, local.rootId, targetId)
        : typesAreCompat(local.btf, local.rootId, target, targetId);
    return same ? spec : undefined;
  }
  let id = targetId;
  if (isEnumKind(local.kind)) {
    id = target.resolve(targetId);
    const want = essentialName(local.path[0]!.name!);
    const idx = target.type(id).values.findIndex((v) => essentialName(v.name) === want);
    if (idx < 0) return undefined;
    spec.path.push({ typeId: id, idx, name: target.type(id).values[idx]!.name });
    return spec;
  }
  for (const [i, acc] of local.path.entries()) {
    id = target.resolve(id);
    if (acc.name !== undefined) {
      const next = matchMember(local.btf, acc, spec, id);
      if (next === undefined) return undefined;
      id = next;
      continue;
    }
    if (i > 0) {
      const array = target.type(id);
      if (array.kind !== K.ARRAY) return undefined;
      if (acc.idx >= array.nelems && !isFlexArray(target, spec.path.at(-1)!, array)) return undefined;
      id = target.resolve(array.type);
    }
    deeper(spec);
    spec.path.push({ typeId: id, idx: acc.idx, name: undefined });
    spec.bitOffset += acc.idx * target.sizeOf(id) * 8;
  }
  return spec;
}

function deeper(spec: CoreSpec): void {
  if (spec.rawLen++ === MAX_LEN) throw new CodedError("core-depth", "fields are nested too deeply");
}

/** Finds the field of `acc` in struct `targetId`, through unnamed members too; returns the type of the field. */
function matchMember(local: Btf, acc: Accessor, spec: CoreSpec, targetId: BtfId): BtfId | undefined {
  const target = spec.btf;
  const id = target.resolve(targetId);
  const t = target.type(id);
  if (!isComposite(t)) return undefined;
  const wanted = local.type(acc.typeId).members[acc.idx]!;
  for (const [idx, m] of t.members.entries()) {
    if (m.name !== "" && m.name !== wanted.name) continue;
    deeper(spec);
    spec.bitOffset += m.bitOffset;
    if (m.name !== "") {
      if (!fieldsAreCompat(local, wanted.type, target, m.type)) return undefined;
      spec.path.push({ typeId: id, idx, name: m.name });
      return m.type;
    }
    const found = matchMember(local, acc, spec, m.type);
    if (found !== undefined) return found;
    spec.bitOffset -= m.bitOffset;
    spec.rawLen--;
  }
  return undefined;
}
