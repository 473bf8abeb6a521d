// Cases of arenas: pages taken and given back, both address spaces, accesses beside the pages. Data only.
import type { RunCase } from "../run-cases.ts";
import { keep, OUT, syscall } from "./parts.ts";

const MMAPABLE = 1024,
  SEGV_ON_FAULT = 1 << 17,
  NO_USER_CONV = 1 << 18;
/** An arena of `entries` pages at a user address. */
const arena = (entries: number, extra = 0x100010000n, flags = 0): RunCase["maps"] => [
  OUT,
  { type: 33, key: 0, size: 0, entries, flags: MMAPABLE | flags, extra },
];
/** r0 = the user address of `count` pages, at the address in r2 or, with `at`, there. */
const take = (count: number, at: string | number = 0): string =>
  `r1 = map 1; r2 = ${at} ll; r3 = ${count}; r4 = -1; r5 = 0; kcall bpf_arena_alloc_pages`;
const give = (at: string, count: number): string => `r1 = map 1; r2 = ${at} ll; r3 = ${count}; kcall bpf_arena_free_pages; r0 = 0`;
const reserve = (at: string | number, count: number): string =>
  `r1 = map 1; r2 = ${at} ll; r3 = ${count}; kcall bpf_arena_reserve_pages; r0 <<= 32; r0 >>= 32`;
/** r8 = the pointer in r0 for accesses. */
const KERNEL = "r8 = addr_space_cast(r0, 0, 1)";
const user = (at: string): string => `r1 = map 1; r0 = ${at} ll; ${KERNEL}`;
const all = (...parts: string[]): string => parts.map((p, i) => `${p}; ${keep(i)}`).join("; ");
const one = (name: string, text: string, maps: RunCase["maps"] = arena(8)): RunCase => syscall(`arena: ${name}`, text, { maps });

export const ARENA_CASES: readonly RunCase[] = [
  one("addresses follow each other", all(take(1), take(2), take(1), take(5), take(4), take(1))),
  one(
    "the smallest room is taken",
    all(take(8), give("0x100011000", 1), give("0x100013000", 2), give("0x100017000", 1), take(2), take(1), take(1), take(1)),
  ),
  one(
    "of equal rooms",
    all(take(8), give("0x100016000", 1), give("0x100012000", 1), give("0x100014000", 1), take(1), take(1), take(1), take(1)),
  ),
  one(
    "of equal rooms of two",
    all(take(8), give("0x100010000", 2), give("0x100016000", 2), give("0x100013000", 2), take(1), take(1), take(1), take(1), take(1)),
  ),
  one(
    "asked addresses",
    all(
      take(1, "0x100012000"),
      take(1, "0x100012000"),
      take(2, "0x100017000"),
      take(1, "0x100017000"),
      take(1, "0x100012001"),
      take(9),
      take(0),
      take(1, "0x500013000"),
    ),
  ),
  one(
    "asked nodes and flags",
    `r1 = map 1; r2 = 0; r3 = 1; r4 = 0; r5 = 0; kcall bpf_arena_alloc_pages; ${keep(0)}; r1 = map 1; r2 = 0; r3 = 1; r4 = 99; r5 = 0; kcall bpf_arena_alloc_pages; ${keep(1)}; r1 = map 1; r2 = 0; r3 = 1; r4 = -1; r5 = 1; kcall bpf_arena_alloc_pages; ${keep(2)}`,
  ),
  one(
    "reserved pages",
    all(
      reserve("0x100011000", 2),
      reserve("0x100011000", 1),
      reserve("0x100017000", 2),
      reserve("0x100013001", 1),
      reserve("0x100013000", 0),
      take(2),
      take(1),
      take(1, "0x100012000"),
    ),
  ),
  one(
    "reserved pages are given back",
    all(reserve("0x100011000", 2), give("0x100012000", 1), take(1, "0x100012000"), take(1, "0x100011000")),
  ),
  one("an address of the same lower half", all(take(1, "0x900012000"), give("0x700012000", 1), take(1, "0x100012000"))),
  one("pages are given back across the end", all(take(8), give("0x100016000", 9), take(2), take(1))),
  one(
    "casts",
    `${take(1)}; ${keep(0)}; ${KERNEL}; r0 = r8; ${keep(1)}; r0 = addr_space_cast(r8, 1, 0); ${keep(2)}; r1 = 0; r0 = addr_space_cast(r1, 1, 0); ${keep(3)}; r1 = 5; r0 = addr_space_cast(r1, 1, 0); ${keep(4)}; r1 = 0x500000000 ll; r0 = addr_space_cast(r1, 1, 0); ${keep(5)}; r1 = 0x900000001 ll; r0 = addr_space_cast(r1, 0, 1); r1 = r0; r0 = r1; ${keep(6)}`,
  ),
  one(
    "casts without conversion",
    `${take(1)}; ${keep(0)}; ${KERNEL}; r0 = addr_space_cast(r8, 1, 0); ${keep(1)}`,
    arena(8, 0x100010000n, NO_USER_CONV),
  ),
  one(
    "stores stay",
    `${take(2)}; ${KERNEL}; r1 = 0x123456789abcdef0 ll; *(u64 *)(r8 + 0) = r1; *(u16 *)(r8 + 4093) = r1; *(u64 *)(r8 + 4094) = r1; r0 = *(u64 *)(r8 + 0); ${keep(0)}; r0 = *(u32 *)(r8 + 4096); ${keep(1)}; r0 = *(u64 *)(r8 + 4090); ${keep(2)}; r0 = *(u8 *)(r8 + 4093); ${keep(3)}`,
  ),
  one(
    "what is not there reads as 0 and drops stores",
    `${user("0x100013000")}; r1 = 7; *(u64 *)(r8 + 0) = r1; r0 = *(u64 *)(r8 + 0); ${keep(0)}; ${take(1, "0x100013000")}; ${user("0x100013000")}; r0 = *(u64 *)(r8 + 0); ${keep(1)}; r1 = 7; *(u64 *)(r8 + 0) = r1; r0 = *(u64 *)(r8 + 0); ${keep(2)}; ${give("0x100013000", 1)}; ${user("0x100013000")}; r0 = *(u64 *)(r8 + 0); ${keep(3)}; ${take(1, "0x100013000")}; ${user("0x100013000")}; r0 = *(u64 *)(r8 + 0); ${keep(4)}`,
  ),
  one(
    "across the last page",
    `${take(8)}; ${user("0x100017000")}; r1 = -1; *(u64 *)(r8 + 4088) = r1; *(u64 *)(r8 + 4092) = r1; *(u32 *)(r8 + 4096) = r1; r0 = *(u64 *)(r8 + 4088); ${keep(0)}; r0 = *(u64 *)(r8 + 4089); ${keep(1)}; r0 = *(u32 *)(r8 + 4096); ${keep(2)}; r0 = *(u8 *)(r8 + 32767); ${keep(3)}`,
  ),
  one(
    "in front of the first page",
    `${take(1)}; ${user("0x100010000")}; r1 = -1; *(u64 *)(r8 - 8) = r1; *(u64 *)(r8 - 4) = r1; r0 = *(u64 *)(r8 - 8); ${keep(0)}; r0 = *(u64 *)(r8 + 0); ${keep(1)}`,
  ),
  one(
    "no address",
    `${user("0")}; r1 = 3; *(u64 *)(r8 + 0) = r1; r0 = *(u64 *)(r8 + 0); ${keep(0)}; *(u64 *)(r8 - 8) = r1; r0 = *(u64 *)(r8 - 8); ${keep(1)}`,
  ),
  one(
    "a loaded register is cleared",
    `${user("0x100013000")}; r0 = -1; r0 = *(u32 *)(r8 + 0); ${keep(0)}; r0 = -1; r0 = *(u8 *)(r8 + 0); ${keep(1)}`,
  ),
  one(
    "atomics",
    `${take(1)}; ${user("0x100010000")}; r1 = 5; lock *(u64 *)(r8 + 8) += r1; r2 = 9; r2 = atomic_fetch_add((u64 *)(r8 + 8), r2); r0 = r2; ${keep(0)}; r0 = *(u64 *)(r8 + 8); ${keep(1)}; r0 = 14; r3 = 77; r0 = cmpxchg_64(r8 + 8, r0, r3); ${keep(2)}; r0 = *(u64 *)(r8 + 8); ${keep(3)}`,
  ),
  one(
    "atomics where nothing is",
    `${user("0x100013000")}; r1 = 5; lock *(u64 *)(r8 + 8) += r1; r2 = 9; r2 = atomic_fetch_add((u64 *)(r8 + 8), r2); r0 = r2; ${keep(0)}; r0 = *(u64 *)(r8 + 8); ${keep(1)}; r0 = 14; r3 = 77; r0 = cmpxchg_64(r8 + 8, r0, r3); ${keep(2)}`,
  ),
  one("4 GB", all(take(1), take(1048575), take(1), give("0x1fffff000", 1), take(1)), arena(1048576, 0x100000000n)),
  one(
    "the end of 4 GB",
    `${take(1, "0x1fffff000")}; ${keep(0)}; ${user("0x1fffff000")}; r1 = -1; *(u64 *)(r8 + 4088) = r1; *(u64 *)(r8 + 4096) = r1; r0 = *(u64 *)(r8 + 4088); ${keep(1)}; r0 = *(u64 *)(r8 + 4096); ${keep(2)}; ${take(1, "0x100000000")}; ${keep(3)}; ${user("0x1fffff000")}; r0 = *(u64 *)(r8 + 4096); ${keep(4)}`,
    arena(1048576, 0x100000000n),
  ),
  one("no pages by faults", all(take(1), take(8)), arena(8, 0x100010000n, SEGV_ON_FAULT)),
];
