// Maps and types that generated programs use. Data only.
import { openBtf, type Btf, type MapSpec } from "../../../core/object/index.ts";
import { Blob } from "../../verifier/checks/btf.ts";

/** Maps of all generated programs: type, key size, value size, entries. */
export const MAPS = [
  [2, 4, 64, 4],
  [1, 8, 48, 16],
  [6, 4, 32, 4],
  [5, 4, 24, 8],
  [2, 4, 40, 1],
  [27, 0, 0, 4096],
] as const;
/** Maps with elements to look up, the array of one element that ld_imm64 reaches into, the ring buffer. */
export const LOOKED_UP = [0, 1, 2, 3, 4],
  DIRECT = 4,
  RINGBUF = 5;

export const mapSpecs = (): MapSpec[] =>
  MAPS.map(([type, keySize, valueSize, maxEntries], i) => ({
    ...{ name: `m${i}`, type, keySize, valueSize, maxEntries, flags: 0, mapExtra: 0n, btfKeyTypeId: 0, btfValueTypeId: 0 },
  }));

const PTR = 2;
const [STATIC, GLOBAL] = [0, 1];

/** `main`, static functions and callbacks, and global functions on numbers and on 16 bytes of memory. */
function make(): Blob {
  const b = new Blob();
  const int = b.int("int", 4, true);
  const u64 = b.int("unsigned long", 8, false);
  const pair = b.struct("pair", 16, [
    ["a", u64, 0],
    ["b", u64, 8],
  ]);
  const pairPointer = b.of("pair *", PTR, pair);
  b.func("main", int, [b.of("void *", PTR, 0)], GLOBAL);
  b.func("local", int, [u64, u64], STATIC);
  b.func("numbers", int, [u64, int], GLOBAL);
  b.func("memory", int, [pairPointer, int], GLOBAL);
  const nonNull = b.func("present", int, [pairPointer, u64], GLOBAL);
  b.tag("arg:nonnull", nonNull, 0);
  return b;
}
let blob: Blob | undefined;
const types = (): Blob => (blob ??= make());
export const protoId = (name: string): number => types().ids.get(name)!;
export const programTypes = (): Uint8Array => types().bytes();
let opened: Btf | undefined;
export const programBtf = (): Btf => (opened ??= openBtf(programTypes()));
