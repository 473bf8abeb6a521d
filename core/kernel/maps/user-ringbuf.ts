// BPF_MAP_TYPE_USER_RINGBUF (kernel/bpf/ringbuf.c, 6.18): records that user space left for the program. It runs no callback.
import { E2BIG, ENOSPC } from "../errno.ts";
import { recordBytes, RecordMap } from "./records.ts";

export class UserRingbufMap extends RecordMap {
  #samples: readonly Uint8Array[] = [];
  #busy = false;

  /** User space submits a record; a negative errno when it does not fit. */
  submit(sample: Uint8Array): number {
    const used = this.#samples.reduce((n, s) => n + recordBytes(s.length), 0);
    if (recordBytes(sample.length) > this.spec.maxEntries) return -E2BIG;
    if (used + recordBytes(sample.length) > this.spec.maxEntries) return -ENOSPC;
    this.#samples = [...this.#samples, sample.slice()];
    return 0;
  }
  /** Records that wait. */
  get waiting(): number {
    return this.#samples.length;
  }
  /** Takes the oldest record. */
  take(): Uint8Array | undefined {
    const first = this.#samples[0];
    this.#samples = this.#samples.slice(1);
    return first;
  }
  /** True while a program drains it, when nobody else may. */
  get busy(): boolean {
    return this.#busy;
  }
  set busy(value: boolean) {
    this.#busy = value;
  }
  override save(): unknown {
    return [this.frozen, this.#samples, this.#busy];
  }
  override restore(state: unknown): void {
    [this.frozen, this.#samples, this.#busy] = state as [boolean, readonly Uint8Array[], boolean];
  }
}
