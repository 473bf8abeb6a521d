// Whether a member of a struct or union fits its place, by the kind of its type (check_member and check_kflag_member, kernel/bpf/btf.c, 6.18). It resolves nothing.
import { BTF_KIND as K } from "../btf.ts";
import type { CheckEnv, TypeAt } from "./env.ts";
import { isModifier, isRegularInt } from "./kinds.ts";

/** One member: the struct, where its record stands, and what the log shows of it. */
export interface Member {
  readonly struct: TypeAt;
  /** Offset of struct btf_member in the blob. */
  readonly at: number;
  /** Id of its type, behind modifiers once they are resolved. */
  readonly type: number;
}
/** Size and type behind a chain of modifiers, as btf_type_id_size finds them. */
export type SizeOf = (id: number) => { readonly id: number; readonly type: TypeAt; readonly size: number } | undefined;

const U32_MAX = 0xffffffff;

/** Throws BtfRefused when the member of type `type` does not fit. */
export function checkMember(env: CheckEnv, member: Member, type: TypeAt, sizeOf: SizeOf): void {
  if (isModifier(env.kind(type))) {
    const found = sizeOf(member.type) ?? refuse(env, member, "Invalid member");
    return checkResolved(env, { ...member, type: found.id }, found.type, sizeOf);
  }
  checkResolved(env, member, type, sizeOf);
}

const refuse = (env: CheckEnv, m: Member, message: string): never => env.refuseMember(m.struct, m.at, message, m.type);

function checkResolved(env: CheckEnv, m: Member, target: TypeAt, sizeOf: SizeOf): void {
  const flagged = env.kflag(m.struct);
  const kind = env.kind(target);
  if (kind === K.INT) return flagged ? flaggedInt(env, m, target) : plainInt(env, m, target);
  if ((kind === K.ENUM || kind === K.ENUM64) && flagged) return flaggedEnum(env, m);
  if (flagged && env.u32(m.at + 8) >>> 24 !== 0) refuse(env, m, "Invalid member bitfield_size");
  if (kind === K.PTR) sized(env, m, 8);
  else if (kind === K.ARRAY) sized(env, m, sizeOf(m.type)?.size ?? 0);
  else if (kind === K.STRUCT || kind === K.UNION || kind === K.ENUM || kind === K.ENUM64) sized(env, m, env.sizeOrType(target));
  else if (kind === K.FLOAT) float(env, m, env.sizeOrType(target));
  else env.refuseBasic(m.struct, flagged ? "Unsupported check_kflag_member" : "Unsupported check_member");
}

function fits(env: CheckEnv, m: Member, bytesOffset: number, copyBits: number): void {
  const size = env.sizeOrType(m.struct);
  if (copyBits > 128) refuse(env, m, "nr_copy_bits exceeds 128");
  if (size < bytesOffset || size - bytesOffset < Math.ceil(copyBits / 8)) refuse(env, m, "Member exceeds struct_size");
}

function plainInt(env: CheckEnv, m: Member, type: TypeAt): void {
  const data = env.u32(type + 12);
  const offset = env.u32(m.at + 8) + ((data >>> 16) & 255);
  if (offset > U32_MAX) refuse(env, m, "bits_offset exceeds U32_MAX");
  fits(env, m, Math.floor(offset / 8), (data & 255) + (offset % 8));
}

function flaggedInt(env: CheckEnv, m: Member, type: TypeAt): void {
  if (!isRegularInt(env, type)) refuse(env, m, "Invalid member base type");
  const intBits = env.u32(type + 12) & 255;
  const offset = env.u32(m.at + 8) & 0xffffff;
  let bits = env.u32(m.at + 8) >>> 24;
  if (bits === 0) {
    if (offset % 8) refuse(env, m, "Invalid member offset");
    bits = intBits;
  } else if (bits > intBits) refuse(env, m, "Invalid member bitfield_size");
  fits(env, m, Math.floor(offset / 8), bits + (offset % 8));
}

function flaggedEnum(env: CheckEnv, m: Member): void {
  const offset = env.u32(m.at + 8) & 0xffffff;
  let bits = env.u32(m.at + 8) >>> 24;
  if (bits === 0) {
    if (offset % 8) refuse(env, m, "Member is not byte aligned");
    bits = 32;
  } else if (bits > 32) refuse(env, m, "Invalid member bitfield_size");
  if (env.sizeOrType(m.struct) < Math.ceil((offset + bits) / 8)) refuse(env, m, "Member exceeds struct_size");
}

/** Members that start on a byte and take `size` bytes; the difference is one of unsigned 32-bit numbers. */
function sized(env: CheckEnv, m: Member, size: number): void {
  const offset = env.u32(m.at + 8);
  if (offset % 8) refuse(env, m, "Member is not byte aligned");
  if ((env.sizeOrType(m.struct) - offset / 8) >>> 0 < size) refuse(env, m, "Member exceeds struct_size");
}

function float(env: CheckEnv, m: Member, size: number): void {
  const offset = env.u32(m.at + 8);
  if (offset % (Math.min(8, size) * 8)) refuse(env, m, "Member is not properly aligned");
  if (Math.floor(offset / 8) + size > env.sizeOrType(m.struct)) refuse(env, m, "Member exceeds struct_size");
}
