// After verification: which loads and stores of an accepted program reach other things than plain memory. It judges nothing.
import * as T from "../domain/reg-types.ts";
import type { Env } from "../env.ts";

const PLAIN: ReadonlySet<number> = new Set([
  T.PTR_TO_STACK,
  T.PTR_TO_PACKET,
  T.PTR_TO_PACKET_META,
  T.PTR_TO_MAP_VALUE,
  T.PTR_TO_MAP_KEY,
  T.PTR_TO_MEM,
  T.PTR_TO_BUF,
]);
const BPF_ATOMIC = 0xc0;

/**
 * Slots whose access the kernel rewrites or lets fault (convert_ctx_accesses, 6.18): contexts, kernel objects, untrusted memory, arenas.
 * An engine that runs the program without checks must resolve these itself.
 */
export function specialAccesses(env: Env): number[] {
  const special: number[] = [];
  for (let i = 0; i < env.insns.length; i++) {
    const { code } = env.insns[i]!;
    const { seen, ptrType } = env.aux[i]!;
    const cls = code & 7;
    if (!seen || cls < 1 || cls > 3) continue;
    const atomic = cls === 3 && (code & 0xe0) === BPF_ATOMIC;
    if (ptrType === T.NOT_INIT && atomic) continue;
    if (!PLAIN.has(T.baseType(ptrType)) || ptrType & T.PTR_UNTRUSTED) special.push(i);
  }
  return special;
}
