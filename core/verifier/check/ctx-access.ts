// Loads and stores of context fields (check_ctx_access, 6.18), by the catalog's tables or, for hooks with types, by BTF.
import { checkCtxAccess } from "../../catalog/index.ts";
import { EACCES, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { printLine } from "../log/print-state.ts";
import { btfCtxAccess } from "../btf/ctx-access.ts";
import type { Access } from "../transfer/mem.ts";
import { parseFlags } from "./arg-types.ts";
import { BTF_CTX } from "./ctx-kinds.ts";

const REG_TYPES: Readonly<Record<string, number>> = {
  SCALAR_VALUE: T.SCALAR_VALUE,
  PTR_TO_CTX: T.PTR_TO_CTX,
  PTR_TO_PACKET: T.PTR_TO_PACKET,
  PTR_TO_PACKET_META: T.PTR_TO_PACKET_META,
  PTR_TO_PACKET_END: T.PTR_TO_PACKET_END,
  PTR_TO_FLOW_KEYS: T.PTR_TO_FLOW_KEYS,
  PTR_TO_SOCKET: T.PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON: T.PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK: T.PTR_TO_TCP_SOCK,
  PTR_TO_TP_BUFFER: T.PTR_TO_TP_BUFFER,
  PTR_TO_XDP_SOCK: T.PTR_TO_XDP_SOCK,
  PTR_TO_BTF_ID: T.PTR_TO_BTF_ID,
  PTR_TO_MEM: T.PTR_TO_MEM,
  PTR_TO_BUF: T.PTR_TO_BUF,
};

/** The register that the access at offset `off` yields; rejects what the program type may not touch. */
export function checkContextAccess(env: Env, a: Access, off: number): Reg {
  const { type, expectedAttachType } = env.prog;
  const found = BTF_CTX.has(type) ? btfCtxAccess(env, a, off) : byTable();
  if (found) return found;
  env.say(`invalid bpf_context access off=${off} size=${a.size}\n`);
  printLine(env, a.insnIdx, "; ");
  return env.reject("ctx-access", EACCES);

  function byTable(): Reg | undefined {
    const unprivileged = !env.bpfCapable;
    const info = checkCtxAccess({
      progType: type,
      expectedAttachType,
      off,
      size: a.size,
      write: a.write,
      signExtend: a.isLdsx,
      unprivileged,
    });
    if (!info) return undefined;
    const regType = parseFlags(info.reg, REG_TYPES)!;
    if (regType === T.SCALAR_VALUE) return env.unknownScalar();
    const r = env.pointer(regType);
    if (T.mayBeNull(regType) && !a.write && a.value >= 0) r.id = ++env.idGen;
    if (info.btf && env.kernelBtf) {
      r.obj = env.kernelBtf;
      r.u1 = env.kernelBtf.find(info.btf, 4);
    }
    return r;
  }
}
