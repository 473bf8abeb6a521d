// What is known of one register. A Reg is immutable once it stands in a state, so states share it; changes go to a copy.
import type { ScalarHandle } from "./scalars.ts";
import { NOT_INIT, SCALAR_VALUE } from "./reg-types.ts";

/** Set in `id` of a scalar that differs from its link by the constant `off` (64-bit addition, 32-bit addition). */
export const BPF_ADD_CONST64 = 0x80000000 | 0,
  BPF_ADD_CONST32 = 0x40000000;
export const BPF_ADD_CONST = BPF_ADD_CONST64 | BPF_ADD_CONST32;
export const linkId = (id: number): number => id & ~BPF_ADD_CONST;

/** Kinds of knowledge behind a packet comparison that failed, kept in `u1` of a packet pointer as a negative range. */
export const AT_PKT_END = -1,
  BEYOND_PKT_END = -2;

/**
 * `obj`, `u1`, `u2` hold what the kernel keeps in a union:
 * packet: range in u1 · map pointers: map in obj, map_uid in u1 · BTF pointers: BTF in obj, type id in u1 ·
 * memory: size in u1, dynptr id in u2 · function: subprogram in u1 ·
 * dynptr slots: type in u1, first slot in u2 · iterator slots: BTF in obj, type id in u1, state | depth << 2 in u2 · irq slots: class in u1.
 */
export class Reg {
  type: number;
  /** Fixed offset of a pointer, or the constant distance of a linked scalar. */
  off: number;
  /** Value of a scalar, variable part of a pointer's offset. */
  s: ScalarHandle;
  id: number;
  refObjId: number;
  /** Frame that a stack pointer points into. */
  frameno: number;
  obj: object | null;
  u1: number;
  u2: number;

  constructor(type: number, s: ScalarHandle) {
    this.type = type;
    this.off = 0;
    this.s = s;
    this.id = 0;
    this.refObjId = 0;
    this.frameno = 0;
    this.obj = null;
    this.u1 = 0;
    this.u2 = 0;
  }

  copy(): Reg {
    const r = new Reg(this.type, this.s);
    r.off = this.off;
    r.id = this.id;
    r.refObjId = this.refObjId;
    r.frameno = this.frameno;
    r.obj = this.obj;
    r.u1 = this.u1;
    r.u2 = this.u2;
    return r;
  }
  /** The same knowledge with another value. */
  withScalar(s: ScalarHandle): Reg {
    if (s === this.s) return this;
    const r = this.copy();
    r.s = s;
    return r;
  }
  withId(id: number): Reg {
    const r = this.copy();
    r.id = id;
    return r;
  }
  /** The scalar linked to nothing, its distance gone with its id (clear_scalar_id). */
  unlinked(): Reg {
    if (this.id === 0 && this.off === 0) return this;
    const r = this.copy();
    r.id = 0;
    r.off = 0;
    return r;
  }
  get isScalar(): boolean {
    return this.type === SCALAR_VALUE;
  }
  get isInit(): boolean {
    return this.type !== NOT_INIT;
  }
}

/** Everything that the kernel compares before the ids: type, offset, union and value. */
export function sameBody(a: Reg, b: Reg): boolean {
  return a === b || (a.type === b.type && a.off === b.off && a.s === b.s && a.obj === b.obj && a.u1 === b.u1 && a.u2 === b.u2);
}
