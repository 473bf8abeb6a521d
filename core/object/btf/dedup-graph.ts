// Which types stand for which others, and whether two structs are the same through all that they refer to (btf_dedup_is_equiv of libbpf 1.5). It removes nothing.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K } from "./btf.ts";
import { INFO, NAME, rawKflag, rawKind, rawVlen, REF, TAIL, type RawType } from "./raw.ts";

const UNMAPPED = -1;
/** Pairs of types that are compared at most: types made so that this takes hours end here. */
const MAX_PAIRS = 50_000_000;

const sameWords = (a: RawType, b: RawType): boolean => a.length === b.length && a.every((w, i) => w === b[i]);
const sameHead = (a: RawType, b: RawType): boolean => a[NAME] === b[NAME] && a[INFO] === b[INFO] && a[REF] === b[REF];
const isEnum = (t: RawType): boolean => rawKind(t) === K.ENUM || rawKind(t) === K.ENUM64;
const isComposite = (t: RawType): boolean => rawKind(t) === K.STRUCT || rawKind(t) === K.UNION;
/** Equal in each element of `stride` words but for the word at `skipped`. */
function sameElements(a: RawType, b: RawType, stride: number, skipped: number): boolean {
  for (let i = TAIL; i < a.length; i++) if ((i - TAIL) % stride !== skipped && a[i] !== b[i]) return false;
  return true;
}
const sameLayout = (a: RawType, b: RawType): boolean => sameHead(a, b) && sameElements(a, b, 3, 1);

export class Graph {
  readonly #types: readonly RawType[];
  /** The type that stands for each; itself when none other does. */
  readonly #map: Int32Array;
  /** While two structs are compared: the candidate's type that is taken for the same as a known one. */
  readonly #supposed = new Map<BtfId, BtfId>();
  #pairs = 0;

  constructor(types: readonly RawType[]) {
    this.#types = types;
    // Variables and sections are never the same as others.
    this.#map = Int32Array.from(types, (t, id) => (id === 0 || rawKind(t) === K.VAR || rawKind(t) === K.DATASEC ? id : UNMAPPED));
  }

  #kind(id: BtfId): number {
    return rawKind(this.#types[id]!);
  }
  map(id: BtfId, to: BtfId): void {
    this.#map[id] = to;
  }
  isMapped(id: BtfId): boolean {
    return this.#map[id] !== UNMAPPED;
  }
  /** The type stands for itself. */
  isOwn(id: BtfId): boolean {
    return this.#map[id] === id;
  }
  /** The type that stands for `id` in the end. */
  resolve(id: BtfId): BtfId {
    let at = id;
    for (let steps = 0; this.#map[at] !== at && this.#map[at] !== UNMAPPED; steps++) {
      if (steps > this.#types.length) throw new CodedError("btf-dedup", `BTF: type [${id}] stands for itself`);
      at = this.#map[at]!;
    }
    return at;
  }
  #resolveForward(id: BtfId): BtfId {
    if (this.#kind(id) !== K.FWD) return id;
    const to = this.resolve(id);
    return this.#kind(to) === K.FWD ? id : to;
  }

  /** True when `candidate` is the same as the known struct; what follows from that for declarations and inner structs is then mapped. */
  unify(candidate: BtfId, known: BtfId): boolean {
    this.#supposed.clear();
    if (!this.#same(candidate, known)) return false;
    for (const [from, to] of this.#supposed) this.#merge(this.resolve(to), this.resolve(from));
    return true;
  }

  #merge(candidate: BtfId, known: BtfId): void {
    const [c, k] = [this.#kind(candidate), this.#kind(known)];
    if (c !== K.FWD && k === K.FWD) this.#map[known] = candidate;
    if (c === K.FWD && k !== K.FWD) this.#map[candidate] = known;
    const composite = c === K.STRUCT || c === K.UNION;
    if (composite && k !== K.FWD && this.isMapped(known) && !this.isMapped(candidate)) this.#map[candidate] = known;
  }

  /** Depth first, in the order of the members, with a list instead of recursion: types nest as deeply as their author wants. */
  #same(candidate: BtfId, known: BtfId): boolean {
    const open = [candidate, known];
    while (open.length > 0) {
      if (++this.#pairs > MAX_PAIRS) throw new CodedError("btf-dedup", "BTF: the types are too much alike to be told apart in good time");
      const k = this.#resolveForward(open[open.length - 1]!);
      const c = open[open.length - 2]!;
      open.length -= 2;
      if (this.resolve(c) === this.resolve(k)) continue;
      const supposed = this.#supposed.get(k);
      if (supposed !== undefined) {
        if (supposed !== c && !this.#twins(supposed, c)) return false;
        continue;
      }
      this.#supposed.set(k, c);
      const pairs = this.#step(this.#types[c]!, this.#types[k]!);
      if (pairs === undefined) return false;
      for (let i = pairs.length - 2; i >= 0; i -= 2) open.push(pairs[i]!, pairs[i + 1]!);
    }
    return true;
  }

  /** Pairs of types (candidate's, known's) that must be the same for these two to be; undefined when they are not. */
  #step(c: RawType, k: RawType): BtfId[] | undefined {
    if (c[NAME] !== k[NAME]) return undefined;
    const [ck, kk] = [rawKind(c), rawKind(k)];
    if (ck !== kk && (ck === K.FWD || kk === K.FWD)) {
      const [forward, real] = ck === K.FWD ? [c, kk] : [k, ck];
      return real === (rawKflag(forward) ? K.UNION : K.STRUCT) ? [] : undefined;
    }
    if (isEnum(c) && isEnum(k) && ck === kk) return rawVlen(c) === 0 || rawVlen(k) === 0 || sameWords(c, k) ? [] : undefined;
    if (ck !== kk) return undefined;
    switch (ck) {
      case K.INT:
      case K.FWD:
      case K.FLOAT:
        return sameWords(c, k) ? [] : undefined;
      case K.CONST:
      case K.VOLATILE:
      case K.RESTRICT:
      case K.PTR:
      case K.TYPEDEF:
      case K.FUNC:
      case K.TYPE_TAG:
        return c[INFO] === k[INFO] ? [c[REF]!, k[REF]!] : undefined;
      case K.ARRAY:
        return sameHead(c, k) && c[TAIL + 2] === k[TAIL + 2] ? [c[TAIL + 1]!, k[TAIL + 1]!, c[TAIL]!, k[TAIL]!] : undefined;
      case K.STRUCT:
      case K.UNION:
        return sameLayout(c, k) ? elementPairs(c, k, 3) : undefined;
      case K.FUNC_PROTO:
        return c[INFO] === k[INFO] && sameElements(c, k, 2, 1) ? [c[REF]!, k[REF]!, ...elementPairs(c, k, 2)] : undefined;
      default:
        throw new CodedError("btf-dedup", `BTF: a struct refers to a type of kind ${ck}`);
    }
  }

  /** Compilers describe one array, struct or pointer twice in a file; two that are equal to the word count as one. */
  #twins(a: BtfId, b: BtfId): boolean {
    const [ta, tb] = [this.#types[a]!, this.#types[b]!];
    if (rawKind(ta) === K.PTR && rawKind(tb) === K.PTR) return ta[REF] === tb[REF];
    return this.#twinParts(a, b);
  }

  #twinParts(a: BtfId, b: BtfId): boolean {
    const open = [a, b];
    const seen = new Set<string>();
    while (open.length > 0) {
      const [x, y] = open.splice(-2) as [BtfId, BtfId];
      const [tx, ty] = [this.#types[x]!, this.#types[y]!];
      if (rawKind(tx) === K.ARRAY && sameWords(tx, ty)) continue;
      if (!isComposite(tx) || rawKind(tx) !== rawKind(ty) || !sameLayout(tx, ty)) return false;
      for (let i = TAIL; i < tx.length; i += 3) {
        const key = `${tx[i + 1]} ${ty[i + 1]}`;
        if (tx[i + 1] === ty[i + 1] || seen.has(key)) continue;
        seen.add(key);
        open.push(tx[i + 1]!, ty[i + 1]!);
      }
    }
    return true;
  }
}

function elementPairs(c: RawType, k: RawType, stride: number): BtfId[] {
  const out: BtfId[] = [];
  for (let i = TAIL + 1; i < c.length; i += stride) out.push(c[i]!, k[i]!);
  return out;
}
