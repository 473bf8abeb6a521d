// Access to an arena: sparse pages that programs reach by 32 bits of address. It allocates nothing and knows no map.
import { PAGE_BYTES } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { trap } from "./trap.ts";

/** Immediate of an addr_space_cast from address space 0 to 1. */
export const CAST_USER = 1 << 16;

/** The arena of a program (arch/x86/net/bpf_jit_comp.c, BPF_PROBE_MEM32, 6.18). Pages are numbered by the lower 32 bits of their addresses. */
export interface Arena {
  /** Upper half of user addresses; undefined when a cast to one only clears it (BPF_F_NO_USER_CONV). */
  readonly userHi: number | undefined;
  /** Whether the page is there. */
  has(page: number): boolean;
  /** Its place in linear memory; 0 when it is not there, or was never stored into and is not about to be. */
  pageAt(page: number, store: boolean): number;
}

/** The address that an instruction means: its own offset is added without wrapping, so that it may lie in front of or behind all pages. */
const unwrapped = (vm: Machine, at: number): number => {
  const off = vm.program.off[vm.pc]!;
  return ((at - off) >>> 0) + off;
};
function isThere(vm: Machine, arena: Arena, at: number, size: number): boolean {
  if (arena.has(Math.floor(at / PAGE_BYTES)) && arena.has(Math.floor((at + size - 1) / PAGE_BYTES))) return true;
  if (at >= 0 && at < PAGE_BYTES && !vm.program.source.faultsReadZero)
    trap("unmapped", `access of ${size} bytes at 0x${at.toString(16)}: nothing is there (NULL pointer)`, {
      address: `0x${at.toString(16)}`,
      size,
    });
  return false;
}
const byteAt = (vm: Machine, arena: Arena, at: number): number => {
  const page = arena.pageAt(Math.floor(at / PAGE_BYTES), false);
  return page ? vm.memory.u8[page + (at % PAGE_BYTES)]! : 0;
};

/** Loads into `vm.lo` and `vm.hi`; 0 from a page that is not there. The first page of a program that was not verified traps instead: NULL. */
export function arenaLoad(vm: Machine, arena: Arena, wrapped: number, size: number): void {
  const at = unwrapped(vm, wrapped);
  vm.lo = vm.hi = 0;
  if (!isThere(vm, arena, at, size)) return;
  for (let k = 0; k < size; k++) {
    const byte = byteAt(vm, arena, at + k) << (8 * (k & 3));
    if (k < 4) vm.lo |= byte;
    else vm.hi |= byte;
  }
}
/** Stores the low `size` bytes of the pair at word `word` of memory; what would go to a page that is not there is dropped. */
export function arenaStore(vm: Machine, arena: Arena, access: { readonly at: number; readonly size: number; readonly word: number }): void {
  const { size, word } = access;
  const at = unwrapped(vm, access.at);
  if (!isThere(vm, arena, at, size)) return;
  const lo = vm.memory.i32[word]!,
    hi = vm.memory.i32[word + 1]!;
  for (let k = 0; k < size; k++) {
    const to = arena.pageAt(Math.floor((at + k) / PAGE_BYTES), true) + ((at + k) % PAGE_BYTES);
    vm.memory.u8[to] = (k < 4 ? lo : hi) >> (8 * (k & 3));
    vm.memory.markDirty(to, 1);
  }
}
/** Where in linear memory an atomic access of `size` aligned bytes goes; undefined: it does not happen. */
export function arenaPlace(vm: Machine, arena: Arena, wrapped: number, size: number): number | undefined {
  const at = unwrapped(vm, wrapped);
  return isThere(vm, arena, at, size) ? arena.pageAt(Math.floor(at / PAGE_BYTES), true) + (at % PAGE_BYTES) : undefined;
}
