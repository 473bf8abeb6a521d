// When two types count as the same for CO-RE (relo_core.c of libbpf 1.5: types_are_compat, fields_are_compat, types_match). It relocates nothing.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf, type BtfType } from "../btf/btf.ts";
import { essentialName } from "./names.ts";

const MAX_DEPTH = 32;
const isEnum = (t: BtfType): boolean => t.kind === K.ENUM || t.kind === K.ENUM64;
export const isComposite = (t: BtfType): boolean => t.kind === K.STRUCT || t.kind === K.UNION;
/** Same kind, where both forms of enums are one. */
export const sameKind = (a: BtfType, b: BtfType): boolean => a.kind === b.kind || (isEnum(a) && isEnum(b));
const tooDeep = (): never => {
  throw new CodedError("core-depth", "types are nested too deeply to be compared");
};

/** For TYPE_EXISTS, TYPE_SIZE and typed ksyms: kinds agree all the way down, names below the root are ignored. */
export function typesAreCompat(local: Btf, localId: BtfId, target: Btf, targetId: BtfId, level = MAX_DEPTH): boolean {
  if (!sameKind(local.type(localId), target.type(targetId))) return false;
  let [l, t] = [localId, targetId];
  for (let depth = MAX_DEPTH; depth > 0; depth--) {
    const lt = local.type(local.resolve(l));
    const tt = target.type(target.resolve(t));
    if (!sameKind(lt, tt)) return false;
    switch (lt.kind) {
      case K.UNKN:
      case K.STRUCT:
      case K.UNION:
      case K.ENUM:
      case K.ENUM64:
      case K.FWD:
        return true;
      case K.INT:
        return lt.bitOffset === 0 && tt.bitOffset === 0;
      case K.FUNC_PROTO: {
        if (lt.params.length !== tt.params.length) return false;
        if (lt.params.length > 0 && level <= 0) tooDeep();
        const same = lt.params.every((p, i) =>
          typesAreCompat(local, local.resolve(p.type), target, target.resolve(tt.params[i]!.type), level - 1),
        );
        if (!same) return false;
        break;
      }
      case K.PTR:
      case K.ARRAY:
        break;
      default:
        return false;
    }
    [l, t] = [lt.type, tt.type];
  }
  return tooDeep();
}

/** For fields found by name: any two structs, pointers or integers agree; enums by name. */
export function fieldsAreCompat(local: Btf, localId: BtfId, target: Btf, targetId: BtfId): boolean {
  let [l, t] = [localId, targetId];
  for (let depth = MAX_DEPTH; depth > 0; depth--) {
    const lt = local.type(local.resolve(l));
    const tt = target.type(target.resolve(t));
    if (isComposite(lt) && isComposite(tt)) return true;
    if (!sameKind(lt, tt)) return false;
    switch (lt.kind) {
      case K.PTR:
      case K.FLOAT:
        return true;
      case K.FWD:
      case K.ENUM:
      case K.ENUM64:
        return lt.name === "" || tt.name === "" || essentialName(lt.name) === essentialName(tt.name);
      case K.INT:
        return lt.bitOffset === 0 && tt.bitOffset === 0;
      case K.ARRAY:
        [l, t] = [lt.type, tt.type];
        break;
      default:
        return false;
    }
  }
  return tooDeep();
}

const namesMatch = (local: string, target: string): boolean =>
  target === "" ? local === "" : essentialName(local) === essentialName(target);

interface Pair {
  readonly local: Btf;
  readonly target: Btf;
}

/** For TYPE_MATCHES: local members, enumerators and parameters exist in the target with matching types. */
export function typesMatch(pair: Pair, localId: BtfId, targetId: BtfId, behindPtr = false, level = MAX_DEPTH): boolean {
  if (level <= 0) tooDeep();
  let [l, t, ptr] = [localId, targetId, behindPtr];
  for (let depth = MAX_DEPTH; depth > 0; depth--) {
    const lt = pair.local.type(pair.local.resolve(l));
    const tt = pair.target.type(pair.target.resolve(t));
    // Void has no name in BTF.
    if (!namesMatch(lt.kind === K.UNKN ? "" : lt.name, tt.kind === K.UNKN ? "" : tt.name)) return false;
    if (lt.kind !== K.PTR && lt.kind !== K.ARRAY && lt.kind !== K.FUNC_PROTO) return leafMatches(pair, lt, tt, ptr, level);
    if (lt.kind !== tt.kind) return false;
    if (lt.kind === K.PTR) ptr = true;
    else if (lt.kind === K.ARRAY) {
      if (lt.nelems !== tt.nelems) return false;
    } else {
      if (lt.params.length !== tt.params.length) return false;
      const inPtr = ptr;
      if (!lt.params.every((p, i) => typesMatch(pair, p.type, tt.params[i]!.type, inPtr, level - 1))) return false;
    }
    [l, t] = [lt.type, tt.type];
  }
  return tooDeep();
}

function leafMatches(pair: Pair, lt: BtfType, tt: BtfType, behindPtr: boolean, level: number): boolean {
  switch (lt.kind) {
    case K.UNKN:
      return tt.kind === K.UNKN;
    case K.FWD:
      if (lt.kind === tt.kind) return lt.kflag === tt.kflag;
      return behindPtr && tt.kind === (lt.kflag ? K.UNION : K.STRUCT);
    case K.ENUM:
    case K.ENUM64:
      return (
        isEnum(tt) && lt.size === tt.size && lt.vlen <= tt.vlen && lt.values.every((v) => tt.values.some((w) => namesMatch(v.name, w.name)))
      );
    case K.STRUCT:
    case K.UNION:
      if (behindPtr) return lt.kind === tt.kind || (tt.kind === K.FWD && (lt.kind === K.UNION) === tt.kflag);
      return (
        lt.kind === tt.kind &&
        lt.vlen <= tt.vlen &&
        lt.members.every((m) =>
          tt.members.some((n) => namesMatch(m.name, n.name) && typesMatch(pair, m.type, n.type, behindPtr, level - 1)),
        )
      );
    case K.INT:
      return lt.kind === tt.kind && lt.size === tt.size && (lt.encoding & 1) === (tt.encoding & 1);
    default:
      return false;
  }
}
