// The verifier's log: text that can be cut back to an earlier position and that keeps its end when it grows too long. It formats nothing.

/** Positions count characters since the start, also of what was dropped. */
export class Log {
  readonly level: number;
  readonly #cap: number;
  #parts: string[] = [];
  #first = 0;
  #start = 0;
  end = 0;

  constructor(level: number, capBytes: number) {
    this.level = level;
    this.#cap = capBytes;
  }

  get wantsStates(): boolean {
    return (this.level & 3) !== 0;
  }
  get level2(): boolean {
    return (this.level & 2) !== 0;
  }

  write(text: string): void {
    this.#parts.push(text);
    this.end += text.length;
    while (this.end - this.#start > this.#cap && this.#first < this.#parts.length - 1) {
      this.#start += this.#parts[this.#first]!.length;
      this.#parts[this.#first++] = "";
      if (this.#first > 65536) {
        this.#parts = this.#parts.slice(this.#first);
        this.#first = 0;
      }
    }
  }

  /** bpf_vlog_reset: forgets everything after `pos`. */
  reset(pos: number): void {
    while (this.end > pos && this.#parts.length > this.#first) {
      const last = this.#parts.pop()!;
      this.end -= last.length;
      if (this.end < pos) {
        const keep = last.slice(0, pos - this.end);
        this.#parts.push(keep);
        this.end += keep.length;
      }
    }
  }

  /** What was written after `pos`. */
  since(pos: number): string {
    const tail: string[] = [];
    let at = this.end;
    for (let i = this.#parts.length - 1; i >= this.#first && at > pos; i--) {
      tail.unshift(this.#parts[i]!);
      at -= this.#parts[i]!.length;
    }
    return tail.join("").slice(Math.max(0, pos - at));
  }

  text(): string {
    return this.#parts.slice(this.#first).join("");
  }
}
