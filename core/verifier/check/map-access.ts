// Bounds of memory regions and of map values (check_mem_region_access, check_map_access, 6.18).
import { EACCES, Reject, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { BPF_KPTR, BPF_UPTR, fieldTypeName } from "../btf/record.ts";
import type { MapInfo } from "../maps/map-info.ts";

const BPF_MAX_VAR_OFF = 1 << 29;

const fits = (off: number, size: number, memSize: number, zeroSizeAllowed: boolean): boolean =>
  off >= 0 && (size > 0 || (size === 0 && zeroSizeAllowed)) && off + size <= memSize;

/** __check_mem_access: fixed offset `off`, `size` bytes, inside `memSize` bytes. */
export function checkFixedAccess(env: Env, regno: number, off: number, size: number, memSize: number, zeroSizeAllowed: boolean): void {
  if (fits(off, size, memSize, zeroSizeAllowed)) return;
  const reg = env.reg(regno);
  const at = `off=${off} size=${size}`;
  switch (reg.type) {
    case T.PTR_TO_MAP_KEY:
      return env.fail("map-key-bounds", EACCES, `invalid access to map key, key_size=${memSize} ${at}`);
    case T.PTR_TO_MAP_VALUE:
      return env.fail("map-value-bounds", EACCES, `invalid access to map value, value_size=${memSize} ${at}`);
    case T.PTR_TO_PACKET:
    case T.PTR_TO_PACKET_META:
    case T.PTR_TO_PACKET_END:
      return env.fail("packet-bounds", EACCES, `invalid access to packet, ${at}, R${regno}(id=${reg.id},off=${off},r=${memSize})`);
    default:
      return env.fail("mem-bounds", EACCES, `invalid access to memory, mem_size=${memSize >>> 0} ${at}`);
  }
}

/** Says `text` after the words of a failed inner check and fails with its errno. */
export function andSay<T>(env: Env, text: string, check: () => T): T {
  try {
    return check();
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    env.say(`${text}\n`);
    throw e;
  }
}

/** check_mem_region_access: all values that the register's offset may take stay inside. */
export function checkRegionAccess(env: Env, regno: number, off: number, size: number, memSize: number, zeroSizeAllowed: boolean): void {
  const { ops } = env.D;
  const reg = env.reg(regno);
  const smin = ops.smin(reg.s);
  if (smin < 0 && (smin + off < 0 || off + smin !== ((off + smin) | 0)))
    env.fail("negative-offset", EACCES, `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  const first = (smin + off) | 0;
  if (!fits(first, size, memSize, zeroSizeAllowed))
    andSay(env, `R${regno} min value is outside of the allowed memory range`, () =>
      checkFixedAccess(env, regno, first, size, memSize, zeroSizeAllowed),
    );
  const umax = ops.umax(reg.s);
  if (umax >= BPF_MAX_VAR_OFF)
    env.fail("unbounded-offset", EACCES, `R${regno} unbounded memory access, make sure to bounds check any such access`);
  if (!fits(umax + off, size, memSize, zeroSizeAllowed))
    andSay(env, `R${regno} max value is outside of the allowed memory range`, () =>
      checkFixedAccess(env, regno, umax + off, size, memSize, zeroSizeAllowed),
    );
}

/** check_map_access_type. */
export function checkMapAccessType(env: Env, regno: number, off: number, size: number, write: boolean): void {
  const map = env.reg(regno).obj as MapInfo;
  if (write ? map.canWrite : map.canRead) return;
  const at = `value_size=${map.valueSize} off=${off} size=${size}`;
  if (write) env.fail("map-readonly", EACCES, `write into map forbidden, ${at}`);
  env.fail("map-writeonly", EACCES, `read from map forbidden, ${at}`);
}

/** check_map_access: inside the value, and not across its special fields. `direct` for loads and stores, else for helpers. */
export function checkMapAccess(
  env: Env,
  regno: number,
  off: number,
  size: number,
  how: { zeroSizeAllowed: boolean; direct: boolean },
): void {
  const { D } = env;
  const reg = env.reg(regno);
  const map = reg.obj as MapInfo;
  checkRegionAccess(env, regno, off, size, map.valueSize, how.zeroSizeAllowed);
  if (!map.record) return;
  const from = D.ops.smin(reg.s) + off;
  const to = D.ops.umax(reg.s) + off + size;
  for (const f of map.record.fields) {
    if (!(from < f.offset + f.size && f.offset < to)) continue;
    const name = fieldTypeName(f.type);
    const refuse = (text: string): never => env.fail("map-special-field", EACCES, `${name} ${text}`);
    if (!(f.type & (BPF_KPTR | BPF_UPTR))) refuse("cannot be accessed directly by load/store");
    if (!how.direct) refuse("cannot be accessed indirectly by helper");
    if (!D.isConst(reg.s)) refuse("access cannot have variable offset");
    const at = off + D.constNumber(reg.s);
    if (f.offset !== at) refuse(`access misaligned expected=${f.offset} off=${at}`);
    if (size !== 8) refuse("access size must be BPF_DW");
  }
}
