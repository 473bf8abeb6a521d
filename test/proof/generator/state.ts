// What the generator knows while it writes a program: random numbers, what registers hold, functions made so far. It writes no instruction.
import { random } from "../../object/mutants.ts";
import type { Draft, Func } from "./drafts.ts";

export const SOCKET_FILTER = 1,
  SCHED_CLS = 3,
  XDP = 6;

/** What one of r7 to r9 holds between blocks: a number, a value of a map (present), or a place in the packet with bytes known to be there. */
export type Role =
  { readonly kind: "number" } | { readonly kind: "value"; readonly map: number } | { readonly kind: "packet"; readonly range: number };
const NUMBER: Role = { kind: "number" };

const NUMBERS = [0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0xffff, 0x7fffffff, -0x80000000, -2, -8, 1000];

/**
 * One program under construction. Between blocks r0 and those of r7 to r9 that have no other role are numbers, r6 of main is the context,
 * and the stack from -8 to -64 may be read. Below lie slots that blocks reserve for a while.
 */
export class State {
  readonly rnd: (n: number) => number;
  /** Mistakes are made on purpose in programs that are not tame. */
  readonly tame: boolean;
  readonly type: number;
  /** Runs give the same result each time: no random numbers, no clock, no memory that nobody wrote. */
  readonly repeatable: boolean;
  readonly functions: Func[] = [];
  /** Names of the blocks that were written. */
  readonly reach = new Set<string>();
  roles = new Map<number, Role>([7, 8, 9].map((r) => [r, NUMBER]));
  /** Registers that stay as they are until the block that pinned them ends. */
  readonly pinned = new Set<number>();
  depth = 0;
  /** Loops around the current block. */
  loops = 0;
  /** Whether the current function is main, where r6 is the context. */
  inMain = true;
  /** A reference is held, or a callback runs: nothing may end the function. */
  held = 0;
  #slots = 0;
  /** Instructions that may still be written. */
  room: number;

  constructor(seed: number, repeatable: boolean) {
    this.repeatable = repeatable;
    this.rnd = random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    this.tame = this.rnd(4) !== 0 || repeatable;
    this.type = this.pick([XDP, XDP, SCHED_CLS, SOCKET_FILTER]);
    this.room = 40 + this.rnd(110);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.rnd(list.length)]!;
  }
  /** True once in `n`, never in tame programs. */
  slip(n: number): boolean {
    return !this.tame && this.rnd(n) === 0;
  }
  imm(): number {
    return this.rnd(4) ? this.pick(NUMBERS) : (this.rnd(0x10000) << 16) | this.rnd(0x10000) | 0;
  }
  /** A register to read a number from. */
  num(): number {
    if (this.slip(40)) return this.rnd(11);
    return this.pick([0, ...this.numbers()]);
  }
  /** A register that a number may be put into. */
  dst(): number {
    if (this.slip(60)) return this.rnd(10);
    return this.pick([0, ...this.numbers().filter((r) => !this.pinned.has(r))]);
  }
  /** One of r7 to r9 that may be changed, or undefined. */
  index(): number | undefined {
    const free = this.numbers().filter((r) => !this.pinned.has(r));
    return free.length ? this.pick(free) : undefined;
  }
  numbers(): number[] {
    return [7, 8, 9].filter((r) => this.roles.get(r)!.kind === "number");
  }
  /** Registers with a role of this kind. */
  holding<K extends Role["kind"]>(kind: K): [number, Extract<Role, { kind: K }>][] {
    return [...this.roles].filter(([, role]) => role.kind === kind) as [number, Extract<Role, { kind: K }>][];
  }
  give(reg: number, role: Role): void {
    this.roles.set(reg, role);
  }
  /** Registers whose role is not what it was become numbers: the instructions that see to it where paths meet. */
  meet(before: ReadonlyMap<number, Role>): Draft[] {
    const out: Draft[] = [];
    for (const [reg, role] of before) {
      if (this.roles.get(reg) === role) continue;
      out.push([0xb7, reg, 0, 0, this.imm()]);
      this.roles.set(reg, NUMBER);
    }
    return out;
  }
  /** The packet may lie elsewhere now. */
  forgetPacket(): Draft[] {
    return this.holding("packet").map(([reg]): Draft => {
      this.roles.set(reg, NUMBER);
      return [0xb7, reg, 0, 0, this.imm()];
    });
  }
  /** Runs `make` with a slot of `count` words below those that blocks use freely; its lowest offset is given. */
  withSlots<T>(count: number, make: (off: number) => T): T {
    this.#slots += count;
    const made = make(-64 - 8 * this.#slots);
    this.#slots -= count;
    return made;
  }
  get slotsLeft(): number {
    return 12 - this.#slots;
  }
  /** The stack that blocks use, written. */
  clearStack(): Draft[] {
    return Array.from({ length: 8 }, (_, i): Draft => [0x7a, 10, 0, -8 * (i + 1), this.rnd(3)]);
  }
  /** Writes a function with registers of its own. */
  func(proto: string, make: () => readonly Draft[]): number {
    const outer = {
      roles: this.roles,
      pinned: [...this.pinned],
      inMain: this.inMain,
      held: this.held,
      loops: this.loops,
      slots: this.#slots,
    };
    this.roles = new Map([7, 8, 9].map((r) => [r, NUMBER]));
    this.pinned.clear();
    this.inMain = false;
    this.held = this.loops = this.#slots = 0;
    const made = make();
    const body = this.repeatable ? [...this.clearStack(), ...made] : made;
    this.roles = outer.roles;
    for (const r of outer.pinned) this.pinned.add(r);
    this.inMain = outer.inMain;
    this.held = outer.held;
    this.loops = outer.loops;
    this.#slots = outer.slots;
    return this.functions.push({ body, proto }) - 1;
  }
}
