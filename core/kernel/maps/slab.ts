// Elements of hash-like maps in linear memory, in chunks that grow on demand. It never gives memory back to the machine.
import type { Memory, Region } from "../../vm/index.ts";

export interface SlabState {
  readonly chunks: readonly Region[];
  readonly free: readonly number[];
  readonly used: number;
}

/** Hands out elements of `bytes`, made of values every `stride` bytes of which programs may touch `span`. The element freed last is handed out first. */
export class Slab {
  readonly #memory: Memory;
  readonly #name: string;
  readonly #bytes: number;
  readonly #stride: number;
  readonly #span: number;
  readonly #owner: unknown;
  #chunks: Region[] = [];
  #free: number[] = [];
  #used = 0;

  constructor(memory: Memory, name: string, sizes: { bytes: number; stride: number; span: number }, owner: unknown) {
    this.#memory = memory;
    this.#name = name;
    this.#bytes = sizes.bytes;
    this.#stride = sizes.stride;
    this.#span = sizes.span;
    this.#owner = owner;
  }
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const perChunk = Math.max(1, Math.min(4096, 1 << (4 + this.#chunks.length)));
    const last = this.#chunks.at(-1);
    if (!last || this.#used >= this.#capacity(last)) {
      this.#chunks.push(
        this.#memory.alloc("map-value", this.#name, perChunk * this.#bytes, { stride: this.#stride, span: this.#span, owner: this.#owner }),
      );
      this.#used = 0;
    }
    return this.#chunks.at(-1)!.start + this.#bytes * this.#used++;
  }
  #capacity(chunk: Region): number {
    return Math.floor((this.#memory.end[chunk.id]! - chunk.start) / this.#bytes);
  }
  give(at: number): void {
    this.#free.push(at);
  }
  save(): SlabState {
    return { chunks: [...this.#chunks], free: [...this.#free], used: this.#used };
  }
  restore(s: SlabState): void {
    this.#chunks = [...s.chunks];
    this.#free = [...s.free];
    this.#used = s.used;
  }
}
