// Whether two files mean the same by a global name: their variables, functions and map definitions (glob_syms_match of libbpf 1.5). It changes nothing.
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type BtfType } from "../btf/btf.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { readMapDef } from "../load/maps.ts";
import type { MapSpec } from "../spec.ts";

export interface Described {
  readonly btf: BtfBlob;
  readonly id: BtfId;
}

const KIND_NAMES = Object.keys(K).map((k) => k.toLowerCase());
const kindName = (t: BtfType): string => KIND_NAMES[t.kind] ?? "unknown";
const NAMED: ReadonlySet<number> = new Set([K.STRUCT, K.UNION, K.ENUM, K.ENUM64, K.FWD, K.FUNC, K.VAR]);

/** A VAR or FUNC and the same in another file: undefined when they agree, otherwise libbpf's reason. Maps agree when their definitions do. */
export function mismatch(name: string, a: Described, b: Described, isMap: boolean): string | undefined {
  if (!isMap) return new Matcher(name).types({ a, b, exact: true });
  const [ta, tb] = [a.btf.type(a.id), b.btf.type(b.id)];
  if (tb.kind !== K.VAR) return `invalid map definition type [${b.id}]`;
  const def = (d: Described, t: BtfType): MapSpec => readMapDef(d.btf, name, d.btf.type(d.btf.resolve(t.type)));
  return mapMismatch(name, { ...a, map: def(a, ta) }, { ...b, map: def(b, tb) });
}

type MapOf = Described & { readonly map: MapSpec };

function mapMismatch(name: string, a: MapOf, b: MapOf): string | undefined {
  const [x, y] = [a.map, b.map];
  const typed = (what: string, i: BtfId, j: BtfId): string | undefined => {
    if ((i === 0) !== (j === 0)) return `map ${what} type mismatch`;
    return i !== 0 && new Matcher(name).types({ a: { ...a, id: i }, b: { ...b, id: j }, exact: true })
      ? `map ${what} type mismatch`
      : undefined;
  };
  const same = (what: string, i: unknown, j: unknown): string | undefined => (i === j ? undefined : `map ${what} mismatch`);
  const found =
    same("type", x.type, y.type) ??
    same("key_size", x.keySize, y.keySize) ??
    typed("key", x.btfKeyTypeId, y.btfKeyTypeId) ??
    same("value_size", x.valueSize, y.valueSize) ??
    typed("value", x.btfValueTypeId, y.btfValueTypeId) ??
    same("max_entries", x.maxEntries, y.maxEntries) ??
    same("map_flags", x.flags, y.flags) ??
    same("numa_node", x.numaNode ?? 0, y.numaNode ?? 0) ??
    same("pinning", x.pinning ?? false, y.pinning ?? false) ??
    same("inner map", x.inner === undefined, y.inner === undefined);
  if (found !== undefined || x.inner === undefined) return found;
  return mapMismatch(`${name}.inner`, { ...a, map: x.inner }, { ...b, map: y.inner! });
}

interface Pair {
  readonly a: Described;
  readonly b: Described;
  /** False behind a pointer, where a declaration is as good as a definition. */
  readonly exact: boolean;
}

class Matcher {
  readonly #name: string;
  /** Pairs that were met: types that refer to themselves end here. */
  readonly #met = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  types(first: Pair): string | undefined {
    const open = [first];
    for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
      const [x, y] = [pair.a.btf.resolve(pair.a.id), pair.b.btf.resolve(pair.b.id)];
      const key = `${x} ${y} ${pair.exact}`;
      if (this.#met.has(key)) continue;
      this.#met.add(key);
      const next = this.#step(pair, pair.a.btf.type(x), pair.b.btf.type(y));
      if (typeof next === "string") return next;
      for (const [i, j, exact] of next.reverse())
        open.push({ a: { ...pair.a, id: i }, b: { ...pair.b, id: j }, exact: exact && pair.exact });
    }
    return undefined;
  }

  /** The pairs that have to match too, in order, or why these do not. */
  #step({ exact }: Pair, x: BtfType, y: BtfType): [BtfId, BtfId, boolean][] | string {
    const fault = (why: string): string => `global '${this.#name}': incompatible ${why}`;
    if (!exact && (x.kind === K.FWD) !== (y.kind === K.FWD)) return forwardFits(x, y) ?? fault("forward declaration");
    if (x.kind !== y.kind) return fault(`BTF kinds ${kindName(x)} and ${kindName(y)}`);
    if (NAMED.has(x.kind) && x.name !== y.name) return fault(`${kindName(x)} names '${x.name}' and '${y.name}'`);
    switch (x.kind) {
      case K.UNKN:
      case K.FWD:
        return [];
      case K.INT:
      case K.FLOAT:
      case K.ENUM:
      case K.ENUM64:
        return x.size === y.size ? [] : fault(`${kindName(x)} '${x.name}' size ${x.size} and ${y.size}`);
      case K.PTR:
        return [[x.type, y.type, false]];
      case K.ARRAY:
      case K.FUNC:
      case K.VAR:
        return [[x.type, y.type, true]];
      case K.STRUCT:
      case K.UNION:
        return exact ? this.#members(x, y) : [];
      case K.FUNC_PROTO:
        if (x.vlen !== y.vlen) return fault(`number of func_proto params ${x.vlen} and ${y.vlen}`);
        return [...x.params.map((p, i): [BtfId, BtfId, boolean] => [p.type, y.params[i]!.type, true]), [x.type, y.type, true]];
      default:
        return `global '${this.#name}': unsupported BTF kind ${kindName(x)}`;
    }
  }

  #members(x: BtfType, y: BtfType): [BtfId, BtfId, boolean][] | string {
    const fault = (why: string): string => `global '${this.#name}': incompatible ${why}`;
    if (x.vlen !== y.vlen) return fault(`number of ${kindName(x)} fields ${x.vlen} and ${y.vlen}`);
    for (const [i, m] of x.members.entries()) {
      const n = y.members[i]!;
      if (m.name !== n.name) return fault(`field #${i} names '${m.name}' and '${n.name}'`);
      if (m.bitOffset !== n.bitOffset || m.bitSize !== n.bitSize) return fault(`field #${i} ('${m.name}') offsets`);
    }
    return x.members.map((m, i): [BtfId, BtfId, boolean] => [m.type, y.members[i]!.type, true]);
  }
}

/** One side declares only: it must declare what the other side is. */
function forwardFits(x: BtfType, y: BtfType): [] | undefined {
  const [declared, real] = x.kind === K.FWD ? [x, y] : [y, x];
  return declared.name === real.name && real.kind === (declared.kflag ? K.UNION : K.STRUCT) ? [] : undefined;
}
