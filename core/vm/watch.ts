// What a debugger wants to be asked before the machine changes something: stores into watched regions, and calls out. It changes nothing.
import type { Machine } from "./machine.ts";
import type { Region } from "./memory.ts";

/** Questions that a running machine asks; a text stops it before the instruction, and says what is about to happen. */
export interface Watch {
  /** Regions whose stores are asked about. */
  covers(region: Region): boolean;
  /** A store is about to change `size` bytes at linear offset `at` of a covered region. It may be asked about one store more than once. */
  beforeStore(at: number, size: number): string | undefined;
  /** A helper or kfunc is about to run: the call at `vm.pc`, its arguments in r1 to r5. */
  beforeCall(vm: Machine): string | undefined;
  /** It has run, and what it asked for (callbacks, a tail call) follows; its result is in r0. */
  afterCall?(vm: Machine): void;
}

/** Thrown before an instruction that a watch stops; nothing of it has happened. */
export class WatchSignal extends Error {
  override readonly name = "WatchSignal";
  readonly what: string;
  constructor(what: string) {
    super(what);
    this.what = what;
  }
}
