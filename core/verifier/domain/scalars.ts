// The scalar domain as TypeScript sees it: handles to interned values and pure operations on them. It owns no register.
import { SCALAR_WASM_BASE64 } from "./generated/scalar-wasm.ts";

/** Handle of an interned abstract scalar: equal values have equal handles. */
export type ScalarHandle = number;

/** Operations exported by assembly/scalar.ts; see there for their contracts. */
interface ScalarOps {
  alu(code: number, param: number, dst: ScalarHandle, src: ScalarHandle): ScalarHandle;
  unknown(): ScalarHandle;
  known(lo: number, hi: number): ScalarHandle;
  imm(v: number): ScalarHandle;
  known32(h: ScalarHandle, v: number): ScalarHandle;
  signedRange(lo: number, hi: number): ScalarHandle;
  capSigned(h: ScalarHandle, smin: number, smax: number): ScalarHandle;
  upTo(umax: number): ScalarHandle;
  s32Range(h: ScalarHandle, lo: number, hi: number): ScalarHandle;
  zeroExtend(h: ScalarHandle, size: number): ScalarHandle;
  zext32(h: ScalarHandle): ScalarHandle;
  synced(h: ScalarHandle): ScalarHandle;
  signExtend64(h: ScalarHandle, size: number): ScalarHandle;
  signExtend32(h: ScalarHandle, size: number): ScalarHandle;
  addDelta(h: ScalarHandle, to: number, from: number, is32: number): ScalarHandle;
  ptrAdd(ptr: ScalarHandle, off: ScalarHandle): ScalarHandle;
  ptrSub(ptr: ScalarHandle, off: ScalarHandle): ScalarHandle;
  ptrSame(h: ScalarHandle): ScalarHandle;
  forget32(h: ScalarHandle): ScalarHandle;
  outOfSync32(h: ScalarHandle): number;
  unbounded(h: ScalarHandle): ScalarHandle;
  branchTaken(h1: ScalarHandle, h2: ScalarHandle, op: number, is32: number): number;
  refine(h1: ScalarHandle, h2: ScalarHandle, op: number, is32: number): number;
  refineSelf(h: ScalarHandle, op: number, is32: number): number;
  within(old: ScalarHandle, cur: ScalarHandle): number;
  aligned(h: ScalarHandle, add: number, size: number): number;
  smin(h: ScalarHandle): number;
  smax(h: ScalarHandle): number;
  umin(h: ScalarHandle): number;
  umax(h: ScalarHandle): number;
  internedCount(): number;
}

/** A scalar spelled out, for printing. */
export interface ScalarFields {
  readonly value: bigint;
  readonly mask: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly s32min: number;
  readonly s32max: number;
  readonly u32min: number;
  readonly u32max: number;
}

let compiled: WebAssembly.Module | undefined;
function scalarModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(decodeBase64(SCALAR_WASM_BASE64));
  return compiled;
}

function decodeBase64(text: string): Uint8Array {
  const bytes = atob(text);
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes.charCodeAt(i);
  return out;
}

/** Values after which an arena is left and a new one begun: 64 bytes each, and half as much for the table that finds them. */
const MAX_INTERNED = 1 << 16;
let shared: Scalars | undefined;

/**
 * An arena of scalars. A handle says nothing but which value it stands for, so verifications one after the other may share an arena;
 * one that has grown large is not given to the next.
 */
export class Scalars {
  /** The arena for a verification that begins now. */
  static forVerification(): Scalars {
    if (!shared || shared.ops.internedCount() > MAX_INTERNED) shared = new Scalars();
    return shared;
  }

  readonly ops: ScalarOps;
  readonly #memory: WebAssembly.Memory;
  #words: Int32Array;
  readonly UNKNOWN: ScalarHandle;
  readonly ZERO: ScalarHandle;

  constructor() {
    const instance = new WebAssembly.Instance(scalarModule(), {});
    this.ops = instance.exports as unknown as ScalarOps;
    this.#memory = instance.exports["memory"] as WebAssembly.Memory;
    this.#words = new Int32Array(this.#memory.buffer);
    this.UNKNOWN = this.ops.unknown();
    this.ZERO = this.ops.imm(0);
  }

  #view(): Int32Array {
    // A memory that has grown leaves its old views empty.
    if (this.#words.length === 0) this.#words = new Int32Array(this.#memory.buffer);
    return this.#words;
  }

  /** All records as 32-bit words, 16 each, at a handle divided by 4 (class Scalar of the assembly); stale as soon as a new scalar is made. */
  words(): Int32Array {
    return this.#view();
  }
  /** True when every bit is known. */
  isConst(h: ScalarHandle): boolean {
    const w = this.#view();
    const at = h >> 2;
    return (w[at + 2]! | w[at + 3]!) === 0;
  }
  /** True when the low 32 bits are known. */
  isConst32(h: ScalarHandle): boolean {
    return this.#view()[(h >> 2) + 2] === 0;
  }
  /** Low and high half of the known bits. */
  valueLo(h: ScalarHandle): number {
    return this.#view()[h >> 2]!;
  }
  valueHi(h: ScalarHandle): number {
    return this.#view()[(h >> 2) + 1]!;
  }
  /** The known bits as a signed 64-bit number, exact up to 2^53. */
  constNumber(h: ScalarHandle): number {
    const w = this.#view();
    return w[(h >> 2) + 1]! * 4294967296 + (w[h >> 2]! >>> 0);
  }
  s32min(h: ScalarHandle): number {
    return this.#view()[(h >> 2) + 12]!;
  }
  s32max(h: ScalarHandle): number {
    return this.#view()[(h >> 2) + 13]!;
  }
  u32max(h: ScalarHandle): number {
    return this.#view()[(h >> 2) + 15]! >>> 0;
  }
  isZero(h: ScalarHandle): boolean {
    return h === this.ZERO || (this.isConst(h) && (this.valueLo(h) | this.valueHi(h)) === 0);
  }

  /** The handle number `n` behind the address that `ops.refine` or `ops.refineSelf` returned. */
  refined(address: number, n: number): ScalarHandle {
    return this.#view()[(address >> 2) + n]!;
  }

  fields(h: ScalarHandle): ScalarFields {
    const view = new DataView(this.#memory.buffer, h, 64);
    return {
      value: view.getBigUint64(0, true),
      mask: view.getBigUint64(8, true),
      smin: view.getBigInt64(16, true),
      smax: view.getBigInt64(24, true),
      umin: view.getBigUint64(32, true),
      umax: view.getBigUint64(40, true),
      s32min: view.getInt32(48, true),
      s32max: view.getInt32(52, true),
      u32min: view.getUint32(56, true),
      u32max: view.getUint32(60, true),
    };
  }
}
