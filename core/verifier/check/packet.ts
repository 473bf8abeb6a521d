// Access to packet bytes (check_packet_access, may_access_direct_pkt_data, 6.18).
import { directPacketAccess } from "../../catalog/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import { andSay, checkFixedAccess } from "./map-access.ts";
import { Reject } from "../env.ts";

/** True when programs of this type may touch packet bytes; `helperPktAccess` is the helper's flag when a helper does it. */
export function mayAccessPacket(env: Env, write: boolean, helperPktAccess: boolean | null): boolean {
  const access = directPacketAccess(env.prog.type);
  if (write ? !access.write : !access.read) return false;
  return helperPktAccess ?? true;
}

/** `size` bytes at `off` lie before the end that a comparison has proved. */
export function checkPacketAccess(env: Env, regno: number, off: number, size: number, zeroSizeAllowed: boolean): void {
  const reg = env.reg(regno);
  if (env.D.ops.smin(reg.s) < 0)
    env.fail("negative-offset", EACCES, `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  if (off >= 0 && size > 0 && off + size <= reg.u1) return;
  andSay(env, `R${regno} offset is outside of the packet`, () => {
    if (reg.u1 < 0) throw new Reject(EINVAL, "packet-bounds");
    checkFixedAccess(env, regno, off, size, reg.u1, zeroSizeAllowed);
  });
}
