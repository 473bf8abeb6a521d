// What is to run later: callbacks of timers, work queues and task works, by the time when they are due. It runs none of them.
import type { Program, Region } from "../../vm/index.ts";
import type { KernelPart } from "./kobject.ts";

/** A subprogram that waits for its time. */
export interface Deferred {
  /** Address of the struct bpf_timer, bpf_wq or bpf_task_work that it belongs to. */
  readonly at: number;
  readonly kind: "timer" | "workqueue" | "task work";
  readonly dueNs: bigint;
  readonly program: Program;
  readonly slot: number;
  /** Registers r1 to r3 at its start, as offsets in linear memory. */
  readonly args: readonly [number, number, number];
  /** Memory to be freed when it has run. */
  readonly scratch?: Region;
}
/** A timer or work queue that bpf_*_init prepared. */
export interface Armed {
  readonly kind: "timer" | "workqueue";
  readonly map: object;
  readonly clock: number;
  readonly callback?: { readonly program: Program; readonly slot: number; readonly args: readonly [number, number, number] };
}
interface State {
  readonly waiting: readonly Deferred[];
  readonly armed: ReadonlyMap<number, Armed>;
  readonly running: number;
}

export class DeferredWork implements KernelPart {
  #state: State = { waiting: [], armed: new Map(), running: 0 };

  armed(at: number): Armed | undefined {
    return this.#state.armed.get(at);
  }
  arm(at: number, armed: Armed | undefined): void {
    const next = new Map(this.#state.armed);
    if (armed) next.set(at, armed);
    else next.delete(at);
    this.#state = { ...this.#state, armed: next };
  }
  /** Address of the timer whose callback runs now, 0 for none. */
  get running(): number {
    return this.#state.running;
  }
  set running(at: number) {
    this.#state = { ...this.#state, running: at };
  }
  /** Puts work in; what waited for the same timer or queue is replaced. */
  add(work: Deferred): void {
    const others = this.#state.waiting.filter((w) => w.at !== work.at || w.kind !== work.kind);
    const at = others.findIndex((w) => w.dueNs > work.dueNs);
    const waiting = at < 0 ? [...others, work] : [...others.slice(0, at), work, ...others.slice(at)];
    this.#state = { ...this.#state, waiting };
  }
  /** Whether something waits for `at`. */
  waits(at: number): boolean {
    return this.#state.waiting.some((w) => w.at === at);
  }
  /** Takes out what waits for `at`; whether there was something. */
  cancel(at: number): boolean {
    const waiting = this.#state.waiting.filter((w) => w.at !== at);
    const had = waiting.length !== this.#state.waiting.length;
    this.#state = { ...this.#state, waiting };
    return had;
  }
  /** Forgets timers and work inside [from, to), as when a map's element goes. */
  forget(from: number, to: number): void {
    const inside = (at: number): boolean => at >= from && at < to;
    const armed = new Map([...this.#state.armed].filter(([at]) => !inside(at)));
    this.#state = { ...this.#state, armed, waiting: this.#state.waiting.filter((w) => !inside(w.at)) };
  }
  /** When the next work is due, or undefined. */
  nextNs(): bigint | undefined {
    return this.#state.waiting[0]?.dueNs;
  }
  /** Takes the first work that is due at `nowNs`. */
  takeDue(nowNs: bigint): Deferred | undefined {
    const first = this.#state.waiting[0];
    if (!first || first.dueNs > nowNs) return undefined;
    this.#state = { ...this.#state, waiting: this.#state.waiting.slice(1) };
    return first;
  }
  save(): unknown {
    return this.#state;
  }
  restore(state: unknown): void {
    this.#state = state as State;
  }
}
