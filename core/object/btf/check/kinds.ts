// Questions about a type's kind that the kernel's BTF check asks (the btf_type_is_* of kernel/bpf/btf.c, 6.18). They look at nothing but the kind.
import { BTF_KIND as K } from "../btf.ts";
import { VOID, type CheckEnv, type TypeAt } from "./env.ts";

const MODIFIERS: ReadonlySet<number> = new Set([K.TYPEDEF, K.VOLATILE, K.CONST, K.RESTRICT, K.TYPE_TAG]);
const SIZED: ReadonlySet<number> = new Set([K.INT, K.STRUCT, K.UNION, K.ENUM, K.DATASEC, K.FLOAT, K.ENUM64]);
const SIZELESS: ReadonlySet<number> = new Set([K.UNKN, K.FWD, K.FUNC, K.FUNC_PROTO, K.DECL_TAG]);
const NEEDS_RESOLVE: ReadonlySet<number> = new Set([...MODIFIERS, K.PTR, K.STRUCT, K.UNION, K.ARRAY, K.VAR, K.FUNC, K.DECL_TAG, K.DATASEC]);

export const isModifier = (kind: number): boolean => MODIFIERS.has(kind);
export const isStructOrUnion = (kind: number): boolean => kind === K.STRUCT || kind === K.UNION;
export const hasSize = (kind: number): boolean => SIZED.has(kind);
export const needsResolve = (kind: number): boolean => NEEDS_RESOLVE.has(kind);
/** Types that may only stand at the start of a chain. */
export const isSourceOnly = (kind: number): boolean => kind === K.VAR || kind === K.DECL_TAG || kind === K.DATASEC;
export const isTagTarget = (kind: number): boolean =>
  kind === K.FUNC || kind === K.STRUCT || kind === K.UNION || kind === K.VAR || kind === K.TYPEDEF;

export const hasNoSize = (env: CheckEnv, t: TypeAt | undefined): t is undefined =>
  t === undefined || t === VOID || SIZELESS.has(env.kind(t));

/** An integer of 8, 16, 32, 64 or 128 bits from bit 0 on. */
export function isRegularInt(env: CheckEnv, t: TypeAt): boolean {
  const data = env.u32(t + 12);
  return ((data >>> 16) & 255) === 0 && [8, 16, 32, 64, 128].includes(data & 255);
}
