// Alignment of pointers where the program type or flags demand it (check_ptr_alignment, 6.18).
import { EACCES, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { tnumStr } from "../log/format.ts";

const NET_IP_ALIGN = 2;
const NAMES: Record<number, string> = {
  [T.PTR_TO_FLOW_KEYS]: "flow keys ",
  [T.PTR_TO_MAP_KEY]: "key ",
  [T.PTR_TO_MAP_VALUE]: "value ",
  [T.PTR_TO_CTX]: "context ",
  [T.PTR_TO_STACK]: "stack ",
  [T.PTR_TO_SOCKET]: "sock ",
  [T.PTR_TO_SOCK_COMMON]: "sock_common ",
  [T.PTR_TO_TCP_SOCK]: "tcp_sock ",
  [T.PTR_TO_XDP_SOCK]: "xdp_sock ",
};

/** The access of `size` bytes at `off` behind `reg` is aligned, where it must be. */
export function checkAlignment(env: Env, reg: Reg, off: number, size: number, strictOnce: boolean): void {
  if (reg.type === T.PTR_TO_ARENA || size === 1) return;
  const strict = env.strictAlignment || strictOnce || reg.type === T.PTR_TO_STACK;
  if (!strict) return;
  const where = (): string => tnumStr(env.D.fields(reg.s));
  if (T.isPktPointer(reg.type)) {
    if (!env.D.ops.aligned(reg.s, NET_IP_ALIGN + reg.off + off, size))
      env.fail("misaligned", EACCES, `misaligned packet access off ${NET_IP_ALIGN}+${where()}+${reg.off}+${off} size ${size}`);
    return;
  }
  if (!env.D.ops.aligned(reg.s, reg.off + off, size))
    env.fail("misaligned", EACCES, `misaligned ${NAMES[reg.type] ?? ""}access off ${where()}+${reg.off}+${off} size ${size}`);
}
