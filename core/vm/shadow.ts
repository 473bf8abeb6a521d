// Which bytes of the stacks and which registers a run has written, so that a read of others is told. It stops nothing and changes no value.
import { DIRTY_AT, MAX_FRAMES, STACK_BYTES, STACK_STRIDE, STACKS_AT } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { OP, type Program } from "./program.ts";
import { ARGS, FRAME_POINTER, mayReadUnwritten, R0, readsOf, START, writtenAfter, type ArgCount } from "./register-use.ts";

/** A read of something that the run never wrote. */
export interface Warning {
  readonly kind: "uninitialised-read";
  readonly message: string;
  readonly insnIdx: number;
  readonly program: string;
  /** Name of the stack, or of the register. */
  readonly region: string;
  /** Of the first byte never written, from the frame pointer; 0 for a register. */
  readonly offset: number;
  /** Bytes that were read. */
  readonly size: number;
}

interface ShadowState {
  readonly bytes: Uint8Array;
  readonly registers: Uint16Array;
}

/** The shadow of one machine's stacks and registers. Each instruction is told of once a run. */
export class Shadow {
  /** In the order of the reads; the host takes them out. */
  warnings: Warning[] = [];
  readonly #args: ArgCount;
  readonly #bytes = new Uint8Array(DIRTY_AT - STACKS_AT);
  /** Written registers of each frame, as bits. */
  readonly #registers = new Uint16Array(MAX_FRAMES);
  #told = new Set<string>();
  readonly #suspects = new Map<Program, boolean>();

  constructor(args: ArgCount) {
    this.#args = args;
  }
  /** A run begins in frame `depth`. */
  begin(depth: number): void {
    this.#registers[depth] = START;
    if (depth === 0) this.#told = new Set();
  }
  /** The run that has begun is a callback's: its arguments are given. */
  givenArgs(depth: number): void {
    this.#registers[depth] = ARGS | FRAME_POINTER;
  }
  /** A frame begins whose stack starts at `start`: nothing in it is written. */
  opened(start: number): void {
    this.#bytes.fill(0, start - STACKS_AT, start - STACKS_AT + STACK_BYTES);
  }
  wrote(at: number, size: number): void {
    if (at >= STACKS_AT && at < DIRTY_AT) this.#bytes.fill(1, at - STACKS_AT, at - STACKS_AT + size);
  }
  /** Tells of a read of stack bytes that are not written. */
  read(vm: Machine, at: number, size: number): void {
    if (at < STACKS_AT || at >= DIRTY_AT) return;
    const first = this.#bytes.subarray(at - STACKS_AT, at - STACKS_AT + size).indexOf(0);
    if (first < 0) return;
    const frame = Math.floor((at - STACKS_AT) / STACK_STRIDE);
    const offset = at + first - (STACKS_AT + frame * STACK_STRIDE + STACK_BYTES);
    const region = `stack of frame ${frame}`;
    const message = `read of ${size} bytes at fp${at - (STACKS_AT + frame * STACK_STRIDE + STACK_BYTES)} of frame ${frame}: the byte at fp${offset} was never written`;
    this.#tell(vm, { region, offset, size, message });
  }
  #tell(vm: Machine, what: Pick<Warning, "region" | "offset" | "size" | "message">): void {
    const key = `${vm.program.id}:${vm.pc}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.warnings.push({ kind: "uninitialised-read", insnIdx: vm.pc, program: vm.program.source.name, ...what });
  }

  // ---- registers ----
  /** Whether a run of any of the machine's programs may read a register that it never wrote, so that each instruction is looked at. */
  followsRegisters(programs: readonly Program[]): boolean {
    return programs.some((p) => {
      let suspect = this.#suspects.get(p);
      if (suspect === undefined) this.#suspects.set(p, (suspect = mayReadUnwritten(p, this.#args)));
      return suspect;
    });
  }
  /** Before the instruction at `vm.pc`: what its registers are; call `stepped` with the answer when it has run. */
  beforeStep(vm: Machine): Before {
    const { program, pc, depth } = vm;
    const mask = this.#registers[depth]!;
    let missing = program.plainOp[pc] === undefined ? 0 : readsOf(program, pc, this.#args) & ~mask;
    if (program.plainOp[pc] === 0x95 && depth === vm.base) missing |= R0 & ~mask;
    if (missing) {
      const reg = 31 - Math.clz32(missing & -missing);
      this.#tell(vm, { region: `r${reg}`, offset: 0, size: 8, message: `r${reg} is read and was never written` });
    }
    return { program, pc, depth, mask };
  }
  stepped(vm: Machine, { program, pc, depth, mask }: Before): void {
    const registers = this.#registers;
    const op = program.plainOp[pc]!;
    const leaves = op === 0x95 || ((op & 7) === 0 && op !== OP.LD_IMM64);
    if (!leaves || vm.depth === depth) registers[depth] = writtenAfter(program, pc, mask);
    if (vm.depth > depth) registers[vm.depth] = (isHelper(op) ? ARGS : mask & ARGS) | FRAME_POINTER;
    else if (isHelper(op)) {
      // A tail call, or what runs after a throw.
      if (vm.depth < depth || vm.program !== program || vm.pc !== pc + 1) registers[vm.depth] = START;
    } else if (op === 0x95 && vm.depth === depth) registers[depth] = ARGS | FRAME_POINTER;
    else if (vm.depth < depth) {
      const result = op !== 0x95 || isHelper(vm.program.plainOp[vm.pc - 1]!) ? R0 : mask & R0;
      registers[vm.depth] = (registers[vm.depth]! & ~R0) | result;
    }
  }

  save(): ShadowState {
    return { bytes: this.#bytes.slice(), registers: this.#registers.slice() };
  }
  restore(s: ShadowState): void {
    this.#bytes.set(s.bytes);
    this.#registers.set(s.registers);
  }
}

const isHelper = (op: number): boolean => op === 0x85 || op === OP.CALL_KFUNC;

interface Before {
  readonly program: Program;
  readonly pc: number;
  readonly depth: number;
  readonly mask: number;
}
