// Runs one piece of work per document after a pause, the newest only; older work is told to stop. It knows nothing of the work.

/** What a running piece of work can ask. */
export interface Ticket {
  readonly signal: AbortSignal;
}

interface Slot {
  timer: NodeJS.Timeout | undefined;
  running: AbortController | undefined;
}

/** Debounces by key. `run` is never called twice at once for the same key: the older call is aborted first. */
export class Scheduler {
  readonly #slots = new Map<string, Slot>();
  readonly #onFault: (key: string, error: unknown) => void;

  constructor(onFault: (key: string, error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Calls `run` after `delayMs` unless it is scheduled anew or dropped until then. */
  schedule(key: string, delayMs: number, run: (ticket: Ticket) => Promise<void>): void {
    const slot = this.#slots.get(key) ?? { timer: undefined, running: undefined };
    this.#slots.set(key, slot);
    clearTimeout(slot.timer);
    slot.running?.abort();
    slot.timer = setTimeout(() => {
      const controller = new AbortController();
      slot.timer = undefined;
      slot.running = controller;
      void this.#run(key, slot, controller, run);
    }, delayMs);
  }

  async #run(key: string, slot: Slot, controller: AbortController, run: (ticket: Ticket) => Promise<void>): Promise<void> {
    try {
      await run({ signal: controller.signal });
    } catch (error) {
      if (!controller.signal.aborted) this.#onFault(key, error);
    } finally {
      if (slot.running === controller) slot.running = undefined;
    }
  }

  /** Forgets a key and stops its work. */
  drop(key: string): void {
    const slot = this.#slots.get(key);
    clearTimeout(slot?.timer);
    slot?.running?.abort();
    this.#slots.delete(key);
  }

  dispose(): void {
    for (const key of [...this.#slots.keys()]) this.drop(key);
  }
}
