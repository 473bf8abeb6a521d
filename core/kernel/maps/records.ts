// What ring buffers of both directions have in common: records instead of keys (kernel/bpf/ringbuf.c, 6.18). It holds none.
import { ENOTSUPP, EOPNOTSUPP } from "../errno.ts";
import { BpfMap, round8, type SysResult } from "./map.ts";

const HEADER = 8;
/** Bytes that a record of `size` bytes takes, its header included. */
export const recordBytes = (size: number): number => round8(size + HEADER);

/** A map without keys: every operation on elements is refused. */
export abstract class RecordMap extends BpfMap {
  lookup(): number {
    return 0;
  }
  override sysLookup(): SysResult {
    return -ENOTSUPP;
  }
  update(): number {
    return -ENOTSUPP;
  }
  delete(): number {
    return -ENOTSUPP;
  }
  nextKey(): SysResult {
    return -ENOTSUPP;
  }
  override push(): number {
    return -EOPNOTSUPP;
  }
}
