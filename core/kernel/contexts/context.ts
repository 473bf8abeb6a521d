// What the kernel keeps behind a context pointer: one object a run, read and written field by field. It holds no program.
import { KERNEL_HI, type Machine, type Memory, type Region, SHOWN, SHOWN_FIELDS_END, trap } from "../../vm/index.ts";

/** A 64-bit value in two signed words. */
export interface Wide {
  readonly lo: number;
  readonly hi: number;
}
export const wide = (value: bigint): Wide => ({ lo: Number(BigInt.asIntN(32, value)), hi: Number(BigInt.asIntN(32, value >> 32n)) });
export const narrow = (value: number): Wide => ({ lo: value | 0, hi: 0 });
/** A pointer to linear offset `at`; NULL for 0. */
export const pointer = (at: number): Wide => ({ lo: at, hi: at ? KERNEL_HI : 0 });

/** One field of a context: where it lies and how its value comes about. `size` is that of a whole access. */
export interface Field<T> {
  readonly name: string;
  readonly off: number;
  readonly size: number;
  /** Bytes of the kernel's own field; a narrow load of at least as many gives the whole of it at any offset (verifier.c, convert_ctx_accesses). Default `size`. */
  readonly target?: number;
  get(target: T): Wide;
  set?(target: T, value: Wide): void;
}

/** The owner of a `slow` region. */
export interface SlowObject {
  readonly region: Region;
  read(vm: Machine, off: number, size: number): void;
  write(vm: Machine, off: number, size: number, value: Wide): void;
}

/** A context whose fields are converted at each access, as the kernel's convert_ctx_access does. */
export abstract class FieldContext<T> implements SlowObject {
  readonly region: Region;
  readonly #table: readonly (Field<T> | undefined)[];
  readonly #name: string;

  constructor(memory: Memory, name: string, bytes: number, table: readonly (Field<T> | undefined)[]) {
    this.#name = name;
    this.#table = table;
    // Behind what programs see there may be the values of its fields, for compiled code.
    this.region = memory.alloc("ctx", name, Math.max(bytes, SHOWN + 2 * SHOWN_FIELDS_END), { slow: true, owner: this });
    memory.setBounds(this.region, this.region.start, this.region.start + bytes);
  }
  protected abstract target(): T;

  #field(off: number, size: number): Field<T> {
    const field = this.#table[off];
    if (!field || off + size > Math.max(field.off + field.size, field.off + 8))
      trap("unsupported-access", `${this.#name}: access of ${size} bytes at offset ${off} is no field of it`, { size, region: this.#name });
    return field;
  }
  read(vm: Machine, off: number, size: number): void {
    const field = this.#field(off, size);
    const value = field.get(this.target());
    const shift = (off - field.off) * 8;
    if (
      (size < field.size && size >= (field.target ?? field.size)) ||
      (shift === 0 && (size >= field.size || (field.size === 4 && value.hi !== 0)))
    ) {
      vm.lo = value.lo;
      vm.hi = value.hi;
      return;
    }
    const whole = ((BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0)) >> BigInt(shift);
    const part = wide(BigInt.asUintN(8 * size, whole));
    vm.lo = part.lo;
    vm.hi = part.hi;
  }
  write(_vm: Machine, off: number, size: number, value: Wide): void {
    const field = this.#field(off, size);
    if (!field.set) trap("read-only", `${this.#name}: field ${field.name} may not be written`, { size, region: this.#name });
    if (off === field.off && size >= field.size) return field.set(this.target(), value);
    const old = field.get(this.target());
    const mask = ((1n << BigInt(8 * size)) - 1n) << BigInt(8 * (off - field.off));
    const whole = (BigInt(old.hi >>> 0) << 32n) | BigInt(old.lo >>> 0);
    const put = (((BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0)) << BigInt(8 * (off - field.off))) & mask;
    field.set(this.target(), wide((whole & ~mask) | put));
  }
  /** Bytes as the C structure would hold them, for a debugger; undefined where no field is. Pointers in 32-bit fields lose their upper half. */
  peek(off: number, size: number): Uint8Array | undefined {
    const out = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const field = this.#table[off + i];
      if (!field) return undefined;
      const { lo, hi } = field.get(this.target());
      const byte = off + i - field.off;
      out[i] = byte < 4 ? lo >>> (8 * byte) : hi >>> (8 * (byte - 4));
    }
    return out;
  }
  /** All fields with their values, for a debugger. */
  fields(): { name: string; off: number; size: number; value: bigint }[] {
    return [...new Set(this.#table)]
      .filter((f): f is Field<T> => f !== undefined)
      .map((f) => {
        const v = f.get(this.target());
        return { name: f.name, off: f.off, size: f.size, value: (BigInt(v.hi >>> 0) << 32n) | BigInt(v.lo >>> 0) };
      });
  }
}

/** Field by each of its byte offsets. */
export function fieldTable<T>(fields: readonly Field<T>[]): readonly (Field<T> | undefined)[] {
  const table: (Field<T> | undefined)[] = [];
  for (const f of fields) for (let i = 0; i < f.size; i++) table[f.off + i] = f;
  return table;
}
