// BPF_MAP_TYPE_RINGBUF (kernel/bpf/ringbuf.c, 6.18): room for records; the records themselves go out as the kernel's events. Its reader keeps up.
import type { Region } from "../../vm/index.ts";
import { recordBytes, RecordMap } from "./records.ts";

export class RingbufMap extends RecordMap {
  #producer = 0;
  #pending = 0;

  /** A record of `size` bytes, or undefined when the records not yet given up leave no room. */
  reserve(size: number): Region | undefined {
    const bytes = recordBytes(size);
    if (size > 0x3fffffff || bytes > this.spec.maxEntries || this.#pending + bytes > this.spec.maxEntries - 1) return undefined;
    this.#pending += bytes;
    this.#producer += bytes;
    return this.host.memory.alloc("record", `record of ${this.name}`, size, { owner: this });
  }
  /** The record is submitted or discarded; programs may not use it any more. */
  drop(record: Region): void {
    this.#pending -= recordBytes(this.host.memory.end[record.id]! - record.start);
    this.host.memory.free(record);
  }
  /** bpf_ringbuf_query: available data, size, consumer and producer position. */
  query(what: number): number {
    return [this.#pending, this.spec.maxEntries, this.#producer - this.#pending, this.#producer][what] ?? 0;
  }
  override save(): unknown {
    return [this.frozen, this.#producer, this.#pending];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#producer, this.#pending] = state as [boolean, number, number];
  }
}
