// Evaluates DWARF expressions (locations and values of variables) over the state that a debugger offers. It holds no state of its own.
import { CodedError } from "../../base/index.ts";
import { Cursor } from "./cursor.ts";
import type { Place } from "./sections.ts";

/** What an expression may ask. Addresses and registers are 64-bit; undefined means not available. */
export interface ExprContext {
  readonly littleEndian: boolean;
  register(n: number): bigint | undefined;
  /** Value of the function's frame base, which `offset` is then added to. */
  frameBase(offset: bigint): bigint | undefined;
  memory(address: bigint, size: number): bigint | undefined;
  /** Where a place of the object (a global variable) lies in memory. */
  address(place: Place): bigint | undefined;
  /** Reads entry `index` of the unit's addresses. */
  indexedAddress(index: number): Place;
  /** Value that a register had on entry of the function. */
  entryRegister?(n: number): bigint | undefined;
}

/** Where the bytes of a variable are, or the value itself. */
export type ValuePlace =
  | { readonly kind: "memory"; readonly address: bigint }
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "value"; readonly value: bigint }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** In parts, in order; sizes in bits. */
  | { readonly kind: "pieces"; readonly pieces: readonly { readonly bits: number; readonly place: ValuePlace }[] }
  | { readonly kind: "unavailable"; readonly why: string };

const unavailable = (why: string): ValuePlace => ({ kind: "unavailable", why });
const MAX_STEPS = 10_000;
const U64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const S64 = (v: bigint): bigint => BigInt.asIntN(64, v);

/** The place that `expr` describes. Throws CodedError `dwarf-expr` for malformed expressions, with the offset in `expr`; what can't be known is "unavailable". */
export function evaluate(expr: Uint8Array, ctx: ExprContext): ValuePlace {
  if (expr.length === 0) return unavailable("optimized out");
  return new ExprMachine(expr, ctx).run();
}

/** Thrown inside when a register or memory is not there. */
class Missing extends Error {}

class ExprMachine {
  readonly #c: Cursor;
  readonly #ctx: ExprContext;
  readonly #stack: bigint[] = [];
  readonly #pieces: { bits: number; place: ValuePlace }[] = [];
  /** Set by operations that end a simple location. */
  #simple: ValuePlace | undefined;
  #isValue = false;

  constructor(expr: Uint8Array, ctx: ExprContext) {
    this.#c = new Cursor(expr, ctx.littleEndian);
    this.#ctx = ctx;
  }

  run(): ValuePlace {
    try {
      for (let steps = 0; this.#c.at < this.#c.r.length; steps++) {
        if (steps > MAX_STEPS) throw new CodedError("dwarf-expr", "DWARF: an expression that does not end");
        this.#step(this.#c.u8());
      }
      if (this.#pieces.length > 0) return { kind: "pieces", pieces: this.#pieces };
      return this.#place();
    } catch (e) {
      if (e instanceof Missing) return unavailable(e.message);
      if (!(e instanceof CodedError) || e.at.offBytes !== undefined) throw e;
      throw new CodedError(e.code, e.message, { ...e.at, offBytes: this.#c.at });
    }
  }

  #place(): ValuePlace {
    if (this.#simple) return this.#simple;
    if (this.#stack.length === 0) return unavailable("optimized out");
    const value = this.#pop();
    return this.#isValue ? { kind: "value", value } : { kind: "memory", address: value };
  }

  #pop(): bigint {
    const v = this.#stack.pop();
    if (v === undefined) throw new CodedError("dwarf-expr", `DWARF: an expression takes from an empty stack (offset ${this.#c.at})`);
    return v;
  }
  #push(v: bigint): void {
    if (this.#stack.length > 256) throw new CodedError("dwarf-expr", "DWARF: an expression needs more than 256 stack entries");
    this.#stack.push(U64(v));
  }
  #need(v: bigint | undefined, what: string): bigint {
    if (v === undefined) throw new Missing(`${what} is not available`);
    return v;
  }
  #register(n: number): bigint {
    return this.#need(this.#ctx.register(n), `r${n}`);
  }

  #step(op: number): void {
    const c = this.#c;
    if (op >= 0x30 && op <= 0x4f) return this.#push(BigInt(op - 0x30));
    if (op >= 0x50 && op <= 0x6f) {
      this.#simple = { kind: "register", register: op - 0x50 };
      return;
    }
    if (op >= 0x70 && op <= 0x8f) return this.#push(this.#register(op - 0x70) + c.sleb64());
    if (this.#constant(op) || this.#arithmetic(op)) return;
    switch (op) {
      case 0x06:
        return this.#push(this.#need(this.#ctx.memory(this.#pop(), 8), "memory"));
      case 0x94: {
        const size = c.u8();
        return this.#push(this.#need(this.#ctx.memory(this.#pop(), size), "memory"));
      }
      case 0x28: {
        const by = (c.u16() << 16) >> 16;
        if (this.#pop() !== 0n) this.#jump(by);
        return;
      }
      case 0x2f:
        return this.#jump((c.u16() << 16) >> 16);
      case 0x90:
        this.#simple = { kind: "register", register: c.uleb() };
        return;
      case 0x91: {
        const offset = c.sleb64();
        return this.#push(this.#need(this.#ctx.frameBase(offset), "the frame") + offset);
      }
      case 0x92: {
        const reg = c.uleb();
        return this.#push(this.#register(reg) + c.sleb64());
      }
      case 0x93:
        return this.#piece(c.uleb() * 8);
      case 0x9d: {
        const bits = c.uleb();
        c.uleb();
        return this.#piece(bits);
      }
      case 0x96:
        return;
      case 0x9e:
        this.#simple = { kind: "bytes", bytes: c.bytes(c.uleb()) };
        return;
      case 0x9f:
        this.#isValue = true;
        return;
      case 0xa1:
        return this.#push(this.#need(this.#ctx.address(this.#ctx.indexedAddress(c.uleb())), "the variable's section"));
      case 0xa3:
      case 0xf3:
        return this.#entryValue(c.bytes(c.uleb()));
      default:
        throw new Missing(`DWARF operation 0x${op.toString(16)}`);
    }
  }

  #jump(by: number): void {
    const to = this.#c.at + by;
    if (to < 0 || to > this.#c.r.length) throw new CodedError("dwarf-expr", "DWARF: an expression jumps out of itself");
    this.#c.at = to;
  }

  #piece(bits: number): void {
    const place = this.#simple ?? (this.#stack.length === 0 ? unavailable("optimized out") : this.#place());
    this.#pieces.push({ bits, place });
    this.#simple = undefined;
    this.#isValue = false;
    this.#stack.length = 0;
  }

  /** Only a register's value on entry is known, if at all. */
  #entryValue(inner: Uint8Array): void {
    const reg = inner[0]! - 0x50;
    if (inner.length !== 1 || reg < 0 || reg > 31) throw new Missing("a value on entry");
    this.#push(this.#need(this.#ctx.entryRegister?.(reg), `the value of r${reg} on entry`));
  }

  #constant(op: number): boolean {
    const c = this.#c;
    const signed = (bits: number, v: bigint): boolean => (this.#push(BigInt.asIntN(bits, v)), true);
    const plain = (v: bigint): boolean => (this.#push(v), true);
    switch (op) {
      case 0x03:
        return plain(this.#need(this.#ctx.address({ section: 0, offBytes: c.uint(8) }), "the variable's section"));
      case 0x08:
        return plain(BigInt(c.u8()));
      case 0x09:
        return signed(8, BigInt(c.u8()));
      case 0x0a:
        return plain(BigInt(c.u16()));
      case 0x0b:
        return signed(16, BigInt(c.u16()));
      case 0x0c:
        return plain(BigInt(c.u32()));
      case 0x0d:
        return signed(32, BigInt(c.u32()));
      case 0x0e:
      case 0x0f:
        return plain(c.u64());
      case 0x10:
        return plain(c.uleb64());
      case 0x11:
        return plain(c.sleb64());
      default:
        return false;
    }
  }

  #arithmetic(op: number): boolean {
    const s = this.#stack;
    const two = (f: (a: bigint, b: bigint) => bigint): boolean => {
      const b = this.#pop();
      this.#push(f(this.#pop(), b));
      return true;
    };
    const test = (f: (a: bigint, b: bigint) => boolean): boolean => two((a, b) => (f(S64(a), S64(b)) ? 1n : 0n));
    const shift = (b: bigint): bigint => (b > 64n ? 64n : b);
    switch (op) {
      case 0x12:
        return two((a, b) => (s.push(a, b), b));
      case 0x13:
        return (this.#pop(), true);
      case 0x14:
        return two((a, b) => (s.push(a, b), a));
      case 0x16:
        return two((a, b) => (s.push(b), a));
      case 0x19: {
        const v = S64(this.#pop());
        return (this.#push(v < 0n ? -v : v), true);
      }
      case 0x1a:
        return two((a, b) => a & b);
      case 0x1b:
        return two((a, b) => this.#divide(S64(a), S64(b)));
      case 0x1c:
        return two((a, b) => a - b);
      case 0x1d:
        return two((a, b) => (b === 0n ? this.#divide(a, b) : a % b));
      case 0x1e:
        return two((a, b) => a * b);
      case 0x1f:
        return (this.#push(-this.#pop()), true);
      case 0x20:
        return (this.#push(~this.#pop()), true);
      case 0x21:
        return two((a, b) => a | b);
      case 0x22:
        return two((a, b) => a + b);
      case 0x23: {
        const by = this.#c.uleb64();
        return (this.#push(this.#pop() + by), true);
      }
      case 0x24:
        return two((a, b) => a << shift(b));
      case 0x25:
        return two((a, b) => a >> shift(b));
      case 0x26:
        return two((a, b) => S64(a) >> shift(b));
      case 0x27:
        return two((a, b) => a ^ b);
      case 0x29:
        return test((a, b) => a === b);
      case 0x2a:
        return test((a, b) => a >= b);
      case 0x2b:
        return test((a, b) => a > b);
      case 0x2c:
        return test((a, b) => a <= b);
      case 0x2d:
        return test((a, b) => a < b);
      case 0x2e:
        return test((a, b) => a !== b);
      default:
        return this.#convert(op);
    }
  }

  /** Conversions between base types keep the 64 bits: BPF has integers only. */
  #convert(op: number): boolean {
    if (op !== 0xa8 && op !== 0xa9) return false;
    this.#c.uleb();
    return true;
  }

  #divide(a: bigint, b: bigint): bigint {
    if (b === 0n) throw new CodedError("dwarf-expr", "DWARF: an expression divides by zero");
    return a / b;
  }
}
