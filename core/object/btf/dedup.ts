// Removes types that say the same thing twice, and completes forward declarations, with the result of libbpf 1.5's btf__dedup, ids included. It knows no ELF file.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K } from "./btf.ts";
import { idSlots, INFO, NAME, rawKflag, rawKind, rawVlen, REF, type RawType } from "./raw.ts";
import { Graph } from "./dedup-graph.ts";

export interface Deduped {
  /** The types that are left, with their new ids; void first. */
  readonly types: RawType[];
  /** New id by old id. */
  readonly newId: Uint32Array;
}

/** Types that stand for others by what they contain, never by what they refer to. */
const isComposite = (t: RawType): boolean => rawKind(t) === K.STRUCT || rawKind(t) === K.UNION;
const isEnum = (t: RawType): boolean => rawKind(t) === K.ENUM || rawKind(t) === K.ENUM64;
const PRIMITIVE: ReadonlySet<number> = new Set([K.INT, K.FLOAT, K.FWD]);

/**
 * Types to choose from under one key, in the order in which a hash table of libbpf's would offer them: the newest first, and turned
 * around each time that the table as a whole has grown. The order decides between types of which several fit.
 */
class Choices {
  readonly #lists = new Map<string, BtfId[]>();
  #entries = 0;
  #capacity = 0;

  /** Best first. */
  of(key: string): readonly BtfId[] {
    return this.#lists.get(key) ?? [];
  }
  /** Counts an entry that nobody chooses from here. */
  count(): void {
    if (this.#capacity === 0) this.#capacity = 4;
    else if (Math.floor(((this.#entries + 1) * 4) / 3) > this.#capacity) {
      this.#capacity *= 2;
      for (const list of this.#lists.values()) list.reverse();
    }
    this.#entries++;
  }
  add(key: string, id: BtfId): void {
    this.count();
    const list = this.#lists.get(key);
    if (list === undefined) this.#lists.set(key, [id]);
    else list.unshift(id);
  }
}

/** `types[0]` is void. The words of types that refer to others are changed; throws CodedError `btf-dedup` for types that refer to themselves or to none. */
export function dedupTypes(types: readonly RawType[]): Deduped {
  types.forEach((t, id) => {
    for (const slot of idSlots(t))
      if (t[slot]! >= types.length) throw new CodedError("btf-dedup", `BTF: type [${id}] refers to type [${t[slot]}], which is not there`);
  });
  return new Dedup(types).run();
}

class Dedup {
  readonly #types: readonly RawType[];
  readonly #graph: Graph;
  readonly #choices = new Choices();
  readonly #exact = new Map<string, BtfId>();

  constructor(types: readonly RawType[]) {
    this.#types = types;
    this.#graph = new Graph(types);
  }

  run(): Deduped {
    const ids = Array.from({ length: this.#types.length - 1 }, (_, i) => i + 1);
    for (const id of ids) this.#primitive(id);
    for (const id of ids) this.#composite(id);
    this.#completeForwards(ids);
    for (const id of ids) this.#reference(id);
    return this.#compact();
  }

  #primitive(id: BtfId): void {
    const t = this.#types[id]!;
    if (isEnum(t)) this.#enumeration(id, t);
    else if (PRIMITIVE.has(rawKind(t))) this.#byWords(id, t);
  }

  /** Equal words are the same type. */
  #byWords(id: BtfId, t: RawType): void {
    const key = t.join();
    const known = this.#exact.get(key);
    if (known === undefined) {
      this.#exact.set(key, id);
      this.#choices.count();
    }
    this.#graph.map(id, known ?? id);
  }

  /** An enum without values is the declaration of one with values. */
  #enumeration(id: BtfId, t: RawType): void {
    const key = `enum ${t[NAME]}`;
    let same = id;
    for (const other of this.#choices.of(key)) {
      const o = this.#types[other]!;
      const open = rawVlen(t) === 0;
      if (t.join() === o.join() || (open && isEnum(o))) {
        same = other;
        break;
      }
      if (rawVlen(o) === 0) this.#graph.map(other, id);
    }
    this.#graph.map(id, same);
    if (same === id) this.#choices.add(key, id);
  }

  #composite(id: BtfId): void {
    const t = this.#types[id]!;
    if (!isComposite(t) || this.#graph.isMapped(id)) return;
    const key = layoutKey(t);
    const same = this.#choices.of(key).find((other) => this.#graph.unify(id, other)) ?? id;
    this.#graph.map(id, same);
    if (same === id) this.#choices.add(key, id);
  }

  /** A declaration of a struct or union that exists once under its name becomes that one. */
  #completeForwards(ids: readonly BtfId[]): void {
    const byName = new Map<number, BtfId | undefined>();
    for (const id of ids) {
      const t = this.#types[id]!;
      if (isComposite(t) && this.#graph.isOwn(id)) byName.set(t[NAME]!, byName.has(t[NAME]!) ? undefined : id);
    }
    for (const id of ids) {
      const t = this.#types[id]!;
      const full = byName.get(t[NAME]!);
      if (rawKind(t) !== K.FWD || !this.#graph.isOwn(id) || full === undefined) continue;
      if (rawKind(this.#types[full]!) === (rawKflag(t) ? K.UNION : K.STRUCT)) this.#graph.map(id, full);
    }
  }

  /** Types that refer to others, after those that they refer to. */
  #reference(id: BtfId): void {
    if (this.#graph.isMapped(id)) return;
    const open = [this.#begin(id)];
    const begun = new Set([id]);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const t = this.#types[top.id]!;
      while (top.next < top.slots.length && this.#graph.isMapped(t[top.slots[top.next]!]!)) top.next++;
      if (top.next < top.slots.length) {
        const ref = t[top.slots[top.next]!]!;
        if (begun.has(ref)) throw new CodedError("btf-dedup", `BTF: type [${ref}] refers to itself`);
        begun.add(ref);
        open.push(this.#begin(ref));
        continue;
      }
      for (const i of top.slots) t[i] = this.#graph.resolve(t[i]!);
      this.#byWords(top.id, t);
      begun.delete(top.id);
      open.pop();
    }
  }

  /** A type under way: `next` is the first of its references that is still to be looked at. */
  #begin(id: BtfId): { readonly id: BtfId; readonly slots: readonly number[]; next: number } {
    return { id, slots: idSlots(this.#types[id]!), next: 0 };
  }

  #compact(): Deduped {
    const types = this.#types.filter((_, id) => this.#graph.isOwn(id));
    const place = new Map(types.map((t, i) => [t, i]));
    const newId = Uint32Array.from(this.#types, (_, id) => place.get(this.#types[this.#graph.resolve(id)]!)!);
    for (const t of types) for (const i of idSlots(t)) t[i] = newId[t[i]!]!;
    return { types, newId };
  }
}

/** All of a struct or union but the types of its members. */
function layoutKey(t: RawType): string {
  let key = `${t[NAME]} ${t[INFO]} ${t[REF]}`;
  for (let i = 3; i < t.length; i += 3) key += ` ${t[i]} ${t[i + 2]}`;
  return key;
}
