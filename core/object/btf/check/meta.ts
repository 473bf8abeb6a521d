// First pass of the kernel's BTF check: each type by itself, in order (btf_check_all_metas and the check_meta of each kind, kernel/bpf/btf.c, 6.18). It follows no reference.
import { BTF_KIND as K } from "../btf.ts";
import { ENOTSUPP, KIND_MAX, MAX_TYPE_ID, type CheckEnv, type TypeAt } from "./env.ts";

const COMMON = 12;
const INFO_MASK = 0x9f00ffff;
const INT_MASK = 0x0fffffff;

/** Checks all types between `start` and `end` (offsets in the blob) and enters them into `env.types`. */
export function checkMetas(env: CheckEnv, start: number, end: number): void {
  for (let at = start; at < end; env.logTypeId++) {
    const size = checkMeta(env, at, end - at);
    env.types.push(at);
    at += size;
  }
}

/** Returns how many bytes the type takes. */
function checkMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const id = env.logTypeId;
  if (left < COMMON) env.refuse(`[${id}] meta_left:${left} meta_needed:${COMMON}`);
  const info = env.info(t);
  if (info & ~INFO_MASK) env.refuse(`[${id}] Invalid btf_info:${info.toString(16)}`);
  const kind = env.kind(t);
  if (kind > KIND_MAX || kind === K.UNKN) env.refuse(`[${id}] Invalid kind:${kind}`);
  if (!env.nameOk(env.nameOff(t))) env.refuse(`[${id}] Invalid name_offset:${env.nameOff(t)}`);
  return COMMON + METAS[kind]!(env, t, left - COMMON);
}

type Meta = (env: CheckEnv, t: TypeAt, left: number) => number;

function need(env: CheckEnv, t: TypeAt, left: number, needed: number): number {
  if (left < needed) env.refuseBasic(t, `meta_left:${left} meta_needed:${needed}`);
  return needed;
}
function noVlen(env: CheckEnv, t: TypeAt): void {
  if (env.vlen(t) !== 0) env.refuseType(t, "vlen != 0");
}
function noKflag(env: CheckEnv, t: TypeAt): void {
  if (env.kflag(t)) env.refuseType(t, "Invalid btf_info kind_flag");
}
const named = (env: CheckEnv, t: TypeAt): boolean => env.nameOff(t) !== 0 && env.isIdentifier(env.nameOff(t));
function nameRequired(env: CheckEnv, t: TypeAt): void {
  if (!named(env, t)) env.refuseType(t, "Invalid name");
}
function nameOptional(env: CheckEnv, t: TypeAt): void {
  if (env.nameOff(t) !== 0 && !named(env, t)) env.refuseType(t, "Invalid name");
}
function noName(env: CheckEnv, t: TypeAt): void {
  if (env.nameOff(t) !== 0) env.refuseType(t, "Invalid name");
}
const isTypeId = (id: number): boolean => id <= MAX_TYPE_ID;
const isRealTypeId = (id: number): boolean => id !== 0 && isTypeId(id);

function intMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, 4);
  noVlen(env, t);
  noKflag(env, t);
  const data = env.u32(t + COMMON);
  if (data & ~INT_MASK) env.refuseBasic(t, `Invalid int_data:${data.toString(16)}`);
  const bits = (data & 255) + ((data >>> 16) & 255);
  if (bits > 128) env.refuseType(t, "nr_bits exceeds 128");
  if (Math.ceil(bits / 8) > env.sizeOrType(t)) env.refuseType(t, "nr_bits exceeds type_size");
  if (![0, 1, 2, 4].includes((data >>> 24) & 15)) env.refuseType(t, "Unsupported encoding", ENOTSUPP);
  return needed;
}

function refMeta(env: CheckEnv, t: TypeAt): number {
  const kind = env.kind(t);
  noVlen(env, t);
  if (kind !== K.TYPE_TAG) noKflag(env, t);
  if (!isTypeId(env.sizeOrType(t))) env.refuseType(t, "Invalid type_id");
  if (kind === K.TYPEDEF) nameRequired(env, t);
  else if (kind !== K.TYPE_TAG) noName(env, t);
  else if (env.text(env.nameOff(t)) === "") env.refuseType(t, "Invalid name");
  return 0;
}

function fwdMeta(env: CheckEnv, t: TypeAt): number {
  noVlen(env, t);
  if (env.sizeOrType(t) !== 0) env.refuseType(t, "type != 0");
  nameRequired(env, t);
  return 0;
}

function arrayMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, 12);
  noName(env, t);
  noVlen(env, t);
  noKflag(env, t);
  if (env.sizeOrType(t) !== 0) env.refuseType(t, "size != 0");
  if (!isRealTypeId(env.u32(t + 12))) env.refuseType(t, "Invalid elem");
  if (!isRealTypeId(env.u32(t + 16))) env.refuseType(t, "Invalid index");
  return needed;
}

function structMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, env.vlen(t) * 12);
  nameOptional(env, t);
  let last = 0;
  for (let m = t + COMMON; m < t + COMMON + needed; m += 12) {
    const name = env.u32(m);
    if (!env.nameOk(name)) env.refuseMember(t, m, `Invalid member name_offset:${name}`);
    if (name !== 0 && !env.isIdentifier(name)) env.refuseMember(t, m, "Invalid name");
    if (!isRealTypeId(env.u32(m + 4))) env.refuseMember(t, m, "Invalid type_id");
    const offset = env.kflag(t) ? env.u32(m + 8) & 0xffffff : env.u32(m + 8);
    if (env.kind(t) === K.UNION && offset !== 0) env.refuseMember(t, m, "Invalid member bits_offset");
    if (last > offset) env.refuseMember(t, m, "Invalid member bits_offset");
    if (Math.ceil(offset / 8) > env.sizeOrType(t)) env.refuseMember(t, m, "Member bits_offset exceeds its struct size");
    last = offset;
  }
  return needed;
}

function enumMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const each = env.kind(t) === K.ENUM64 ? 12 : 8;
  const needed = need(env, t, left, env.vlen(t) * each);
  if (![1, 2, 4, 8].includes(env.sizeOrType(t))) env.refuseType(t, "Unexpected size");
  nameOptional(env, t);
  for (let v = t + COMMON; v < t + COMMON + needed; v += each) {
    const name = env.u32(v);
    if (!env.nameOk(name)) env.refuse(`\tInvalid name_offset:${name}`);
    if (name === 0 || !env.isIdentifier(name)) env.refuseType(t, "Invalid name");
  }
  return needed;
}

function protoMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, env.vlen(t) * 8);
  noName(env, t);
  noKflag(env, t);
  return needed;
}

function funcMeta(env: CheckEnv, t: TypeAt): number {
  nameRequired(env, t);
  if (env.vlen(t) > 1) env.refuseType(t, "Invalid func linkage");
  noKflag(env, t);
  return 0;
}

function varMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, 4);
  noVlen(env, t);
  noKflag(env, t);
  nameRequired(env, t);
  if (!isRealTypeId(env.sizeOrType(t))) env.refuseType(t, "Invalid type_id");
  if (env.u32(t + COMMON) > 1) env.refuseType(t, "Linkage not supported");
  return needed;
}

function datasecMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, env.vlen(t) * 12);
  const total = env.sizeOrType(t);
  if (total === 0) env.refuseType(t, "size == 0");
  noKflag(env, t);
  if (env.nameOff(t) === 0 || !env.isSectionName(env.nameOff(t))) env.refuseType(t, "Invalid name");
  let lastEnd = 0;
  let sum = 0;
  for (let v = t + COMMON; v < t + COMMON + needed; v += 12) {
    const [type, offset, size] = [env.u32(v), env.u32(v + 4), env.u32(v + 8)];
    if (!isRealTypeId(type)) env.refuseVar(t, v, "Invalid type_id");
    if (offset < lastEnd || offset >= total) env.refuseVar(t, v, "Invalid offset");
    if (size === 0 || size > total) env.refuseVar(t, v, "Invalid size");
    lastEnd = (offset + size) >>> 0;
    if (lastEnd > total) env.refuseVar(t, v, "Invalid offset+size");
    sum += size;
  }
  if (total < sum) env.refuseType(t, "Invalid btf_info size");
  return needed;
}

function floatMeta(env: CheckEnv, t: TypeAt): number {
  noVlen(env, t);
  noKflag(env, t);
  if (![2, 4, 8, 12, 16].includes(env.sizeOrType(t))) env.refuseType(t, "Invalid type_size");
  return 0;
}

function declTagMeta(env: CheckEnv, t: TypeAt, left: number): number {
  const needed = need(env, t, left, 4);
  if (env.text(env.nameOff(t)) === "") env.refuseType(t, "Invalid value");
  noVlen(env, t);
  if ((env.u32(t + COMMON) | 0) < -1) env.refuseType(t, "Invalid component_idx");
  return needed;
}

const METAS: Readonly<Record<number, Meta>> = {
  [K.INT]: intMeta,
  [K.PTR]: refMeta,
  [K.ARRAY]: arrayMeta,
  [K.STRUCT]: structMeta,
  [K.UNION]: structMeta,
  [K.ENUM]: enumMeta,
  [K.FWD]: fwdMeta,
  [K.TYPEDEF]: refMeta,
  [K.VOLATILE]: refMeta,
  [K.CONST]: refMeta,
  [K.RESTRICT]: refMeta,
  [K.FUNC]: funcMeta,
  [K.FUNC_PROTO]: protoMeta,
  [K.VAR]: varMeta,
  [K.DATASEC]: datasecMeta,
  [K.FLOAT]: floatMeta,
  [K.DECL_TAG]: declTagMeta,
  [K.TYPE_TAG]: refMeta,
  [K.ENUM64]: enumMeta,
};
