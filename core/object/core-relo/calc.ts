// The value that a CO-RE relocation puts into an instruction (bpf_core_calc_relo_insn of libbpf 1.5). It patches nothing.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfType } from "../btf/btf.ts";
import { BtfBlob } from "../btf/reader.ts";
import { sameKind } from "./compat.ts";
import { essentialName } from "./names.ts";
import { CORE, isEnumKind, isFieldKind, matchSpec, parseSpec, type CoreRelo, type CoreSpec } from "./spec.ts";

/** Result of one relocation. Values are 64-bit. */
export interface CoreResult {
  readonly origVal: bigint;
  readonly newVal: bigint;
  /** The target has no such thing: the instruction is made invalid. */
  readonly poison: boolean;
  /** The instruction must hold `origVal`. */
  readonly validate: boolean;
  /** Size of the field here and there, when known and it may differ (0: unknown). */
  readonly origSize: number;
  readonly newSize: number;
  /** The sizes differ and the access can't be adapted. */
  readonly failMemsize: boolean;
}

interface FieldValue {
  readonly val: bigint;
  readonly validate: boolean;
  readonly size: number;
  readonly typeId: BtfId;
}
const plain = (val: bigint | number, validate = true): FieldValue => ({ val: BigInt(val), validate, size: 0, typeId: 0 });
/** Asks for poisoning: the target lacks the thing. */
const POISON = "poison" as const;

const fault = (why: string): never => {
  throw new CodedError("core-value", why);
};

function fieldValue(relo: CoreRelo, spec: CoreSpec | undefined): FieldValue | typeof POISON {
  if (relo.kind === CORE.FIELD_EXISTS) return plain(spec ? 1 : 0);
  if (spec === undefined) return POISON;
  const { btf } = spec;
  const acc = spec.path.at(-1)!;
  if (acc.name === undefined) {
    if (relo.kind === CORE.FIELD_BYTE_OFFSET)
      return { val: BigInt(Math.floor(spec.bitOffset / 8)), validate: true, size: btf.sizeOf(acc.typeId), typeId: acc.typeId };
    if (relo.kind === CORE.FIELD_BYTE_SIZE) return plain(btf.sizeOf(acc.typeId));
    return fault(`relo ${relo.kind} can't be applied to array access`);
  }
  const m = btf.type(acc.typeId).members[acc.idx]!;
  const typeId = btf.resolve(m.type);
  const mt = btf.type(typeId);
  const place = fieldPlace(btf, spec.bitOffset, m.bitSize, typeId, relo);
  const bitfield = m.bitSize > 0;
  switch (relo.kind) {
    case CORE.FIELD_BYTE_OFFSET:
      return { val: BigInt(place.byteOff), validate: !bitfield, size: bitfield ? 0 : place.byteSize, typeId: bitfield ? 0 : typeId };
    case CORE.FIELD_BYTE_SIZE:
      return plain(place.byteSize, !bitfield);
    case CORE.FIELD_SIGNED:
      return plain(isSigned(mt) ? 1 : 0);
    case CORE.FIELD_LSHIFT_U64:
      return plain(64 - (spec.bitOffset + place.bitSize - place.byteOff * 8), !bitfield);
    case CORE.FIELD_RSHIFT_U64:
      return plain(64 - place.bitSize);
    default:
      return fault(`unrecognized CO-RE relocation (${relo.kind})`);
  }
}

const isSigned = (t: BtfType): boolean =>
  ((t.kind === K.ENUM || t.kind === K.ENUM64) && t.kflag) || (t.kind === K.INT && (t.encoding & 1) === 1);

/** The smallest aligned load that covers the field. */
function fieldPlace(
  btf: Btf,
  bitOff: number,
  bitSize: number,
  typeId: BtfId,
  relo: CoreRelo,
): { byteOff: number; byteSize: number; bitSize: number } {
  if (bitSize === 0) {
    const byteSize = btf.sizeOf(typeId);
    return { byteOff: Math.floor(bitOff / 8), byteSize, bitSize: byteSize * 8 };
  }
  let byteSize = btf.type(typeId).size || fault("bit field of a type without size");
  const start = (): number => Math.floor(Math.floor(bitOff / 8) / byteSize) * byteSize;
  while (bitOff + bitSize - start() * 8 > byteSize * 8) {
    if (byteSize >= 8) fault(`relo ${relo.kind} can't be satisfied for bitfield`);
    byteSize *= 2;
  }
  return { byteOff: start(), byteSize, bitSize };
}

function typeValue(relo: CoreRelo, spec: CoreSpec | undefined): FieldValue {
  if (spec === undefined) return plain(0);
  if (relo.kind === CORE.TYPE_ID_TARGET) return plain(spec.rootId, false);
  return plain(relo.kind === CORE.TYPE_SIZE ? spec.btf.sizeOf(spec.rootId) : 1);
}

function enumValue(relo: CoreRelo, spec: CoreSpec | undefined): FieldValue | typeof POISON {
  if (relo.kind === CORE.ENUMVAL_EXISTS) return plain(spec ? 1 : 0);
  if (spec === undefined) return POISON;
  const t = spec.btf.type(spec.path[0]!.typeId);
  const { value } = t.values[spec.path[0]!.idx]!;
  // A 32-bit enumerator goes through a signed int in libbpf, so it is sign-extended whatever its enum says.
  return plain(BigInt.asUintN(64, t.kind === K.ENUM ? BigInt.asIntN(32, value) : value));
}

const valueOf = (relo: CoreRelo, spec: CoreSpec | undefined): FieldValue | typeof POISON =>
  isFieldKind(relo.kind) ? fieldValue(relo, spec) : isEnumKind(relo.kind) ? enumValue(relo, spec) : typeValue(relo, spec);

function result(relo: CoreRelo, local: CoreSpec, target: CoreSpec | undefined): CoreResult {
  const orig = valueOf(relo, local);
  const now = valueOf(relo, target);
  const sizes = { origSize: orig === POISON ? 0 : orig.size, newSize: now === POISON ? 0 : now.size };
  if (orig === POISON || now === POISON) return { origVal: 0n, newVal: 0n, poison: true, validate: true, ...sizes, failMemsize: false };
  const failMemsize =
    orig.size !== now.size && target !== undefined && !adjustable(local.btf.type(orig.typeId), target.btf.type(now.typeId));
  return { origVal: orig.val, newVal: now.val, poison: false, validate: orig.validate, ...sizes, failMemsize };
}

/** Loads of pointers and unsigned integers may change their width. */
function adjustable(a: BtfType, b: BtfType): boolean {
  if (a.kind === K.PTR && b.kind === K.PTR) return true;
  return a.kind === K.INT && b.kind === K.INT && a.encoding !== 1 && b.encoding !== 1;
}

/** Resolves relocations of one object against one target; candidates are remembered by local type, as libbpf does. */
export class CoreResolver {
  readonly #local: Btf;
  readonly #target: Btf;
  readonly #candidates = new Map<BtfId, BtfId[]>();
  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  #find(localId: BtfId): BtfId[] {
    const known = this.#candidates.get(localId);
    if (known !== undefined) return known;
    const t = this.#local.type(localId);
    const want = essentialName(t.name);
    const flavours = this.#target instanceof BtfBlob ? this.#target.flavoured().filter((n) => essentialName(n) === want) : [];
    const ids = [want, ...flavours].flatMap((n) => this.#target.findAll(n)).filter((id) => sameKind(this.#target.type(id), t));
    const sorted = [...new Set(ids)].sort((a, b) => a - b);
    this.#candidates.set(localId, sorted);
    return sorted;
  }

  /** Throws CodedError for malformed, unsupported and ambiguous relocations. */
  resolve(relo: CoreRelo): CoreResult {
    const local = parseSpec(this.#local, relo);
    if (relo.kind === CORE.TYPE_ID_LOCAL) {
      const id = BigInt(relo.typeId);
      return { origVal: id, newVal: id, poison: false, validate: false, origSize: 0, newSize: 0, failMemsize: false };
    }
    if (this.#local.type(relo.typeId).name === "") fault("relocation doesn't support anonymous types");
    const matching: BtfId[] = [];
    let chosen: { spec: CoreSpec; res: CoreResult } | undefined;
    for (const id of this.#find(relo.typeId)) {
      const spec = matchSpec(local, this.#target, id);
      if (spec === undefined) continue;
      const res = result(relo, local, spec);
      chosen ??= { spec, res };
      if (spec.bitOffset !== chosen.spec.bitOffset) ambiguous("field offset ambiguity", spec.bitOffset, chosen.spec.bitOffset);
      if (res.poison !== chosen.res.poison || res.newVal !== chosen.res.newVal)
        ambiguous("relocation decision ambiguity", outcome(res), outcome(chosen.res));
      matching.push(id);
    }
    if (chosen === undefined) return result(relo, local, undefined);
    this.#candidates.set(relo.typeId, matching);
    return chosen.res;
  }
}

const outcome = (r: CoreResult): string => `${r.poison ? "failure" : "success"} ${r.newVal}`;
function ambiguous(what: string, a: unknown, b: unknown): never {
  throw new CodedError("core-ambiguous", `${what}: ${a} != ${b}`);
}
