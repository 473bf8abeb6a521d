// What the machine asks of a kernel: helpers, kfuncs, contexts and the packet. Types only.
import type { Machine } from "./machine.ts";
import type { Region } from "./memory.ts";

/** The kernel behind the machine. Every method may throw a TrapSignal. */
export interface Kernel {
  /** Runs helper `id`: arguments in r1..r5, the result into r0 (Machine.setR0 and friends). */
  helper(vm: Machine, id: number): void;
  /** Runs the kfunc with BTF id `btfId` of the module at `fdIdx` of the fd array (0: the kernel itself). */
  kfunc(vm: Machine, btfId: number, fdIdx: number): void;
  /** Reads `size` bytes at `off` of a region made with `slow`; the value goes to `vm.lo` and `vm.hi`, zero-extended. */
  slowRead(vm: Machine, region: Region, off: number, size: number): void;
  /** Writes the low `size` bytes of lo and hi at `off` of such a region. */
  slowWrite(vm: Machine, region: Region, off: number, size: number, value: { readonly lo: number; readonly hi: number }): void;
  /** Legacy packet load at `off` (negative offsets are special) in host order into `vm.lo`; false when the packet is too short. */
  packetLoad(vm: Machine, off: number, size: number): boolean;
  /** All state outside linear memory, as one immutable value, and back. */
  save(): unknown;
  restore(state: unknown): void;
}

/**
 * A callback that a helper wants to be run, one call at a time: immutable, so that a snapshot may hold it.
 * `begin` puts the arguments into r1..r5; `next` sees the callback's result in r0 and gives the next call or sets the helper's own result in r0.
 */
export interface Continuation {
  /** Slot where the callback starts, in the running program. */
  readonly slot: number;
  begin(vm: Machine): void;
  next(vm: Machine): Continuation | undefined;
}
