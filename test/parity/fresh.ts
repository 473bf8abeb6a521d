// Random programs with maps, packets, calls, loops, atomics and helpers, about half of them fit to load. Deterministic by seed; it asks no kernel.
import type { Insn } from "../../core/isa/index.ts";

/** Maps that the programs use: type, key size, value size, entries. */
export const FRESH_MAPS = [
  [2, 4, 64, 4],
  [1, 8, 48, 16],
  [6, 4, 32, 4],
  [27, 0, 0, 4096],
] as const;
const [SOCKET_FILTER, SCHED_CLS, XDP] = [1, 3, 6];
const RINGBUF = 3;

export interface FreshProgram {
  readonly type: number;
  readonly flags: number;
  readonly insns: readonly Insn[];
}
/** An instruction whose immediate is filled in when the place of function `target` is known. */
type Draft = [code: number, dst: number, src: number, off: number, imm: number, target?: number];

const NUMBERS = [0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0xffff, 0x7fffffff, -0x80000000, -2, -8, 1000];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const SIZES = [
  [0x00, 4],
  [0x08, 2],
  [0x10, 1],
  [0x18, 8],
] as const;
const EXIT: Draft = [0x95, 0, 0, 0, 0];
const call = (id: number): Draft => [0x85, 0, 0, 0, id];
const movImm = (r: number, k: number): Draft => [0xb7, r, 0, 0, k];
const movReg = (r: number, s: number): Draft => [0xbf, r, s, 0, 0];
const addImm = (r: number, k: number): Draft => [0x07, r, 0, 0, k];
const mapPointer = (r: number, map: number): Draft[] => [
  [0x18, r, 1, 0, map],
  [0, 0, 0, 0, 0],
];

class Generator {
  #seed: number;
  #functions: Draft[][] = [];
  #type = XDP;
  #depth = 0;

  constructor(seed: number) {
    this.#seed = seed * 2654435761 + 12345;
  }
  rnd(n: number): number {
    this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) >>> 0;
    let x = this.#seed;
    x ^= x >>> 15;
    x = Math.imul(x, 0x2c1b3c6d);
    x ^= x >>> 12;
    return (x >>> 0) % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.rnd(list.length)]!;
  }
  /** A register that holds a number, nearly always. */
  num(): number {
    return this.rnd(40) ? this.pick([7, 8, 9, 0]) : this.rnd(11);
  }
  imm(): number {
    return this.rnd(4) ? this.pick(NUMBERS) : (this.rnd(0x10000) << 16) | this.rnd(0x10000) | 0;
  }
  slot(): number {
    return -8 * (1 + this.rnd(8)) + (this.rnd(6) ? 0 : this.rnd(9) - 4);
  }

  alu(): Draft[] {
    const cls = this.rnd(2) ? 7 : 4;
    const bits = cls === 7 ? 64 : 32;
    const kind = this.pick([0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0x50, 0x50]);
    const d = this.num();
    if (kind === 0x80) return [[cls | kind, d, 0, 0, 0]];
    if (kind === 0xd0) return [[cls === 7 ? 0xd7 : this.pick([0xd4, 0xdc]), d, 0, 0, this.pick([16, 32, 64])]];
    const shift = kind === 0x60 || kind === 0x70 || kind === 0xc0;
    const signed = (kind === 0x30 || kind === 0x90) && !this.rnd(3) ? 1 : 0;
    if (this.rnd(2)) {
      const extend = kind === 0xb0 && !this.rnd(2) ? this.pick(cls === 7 ? [8, 16, 32] : [8, 16]) : 0;
      return [[cls | kind | 8, d, this.num(), signed || extend, 0]];
    }
    const k = shift && this.rnd(12) ? this.rnd(bits) : this.imm();
    return [[cls | kind, d, 0, signed, k === 0 && (kind === 0x30 || kind === 0x90) && this.rnd(9) ? 5 : k]];
  }
  branch(): Draft[] {
    const inner = this.blocks(1 + this.rnd(3));
    const cls = this.pick([5, 6]);
    const kind = this.pick(JUMPS);
    const jump: Draft = this.rnd(2)
      ? [cls | kind | 8, this.num(), this.num(), inner.length, 0]
      : [cls | kind, this.num(), 0, inner.length, this.imm()];
    return [jump, ...inner];
  }
  stack(): Draft[] {
    const [size, bytes] = this.pick(SIZES);
    const off = this.rnd(8) ? Math.floor(this.slot() / bytes) * bytes : this.slot();
    switch (this.rnd(4)) {
      case 0:
        return [[0x62 | size, 10, 0, off, this.imm()]];
      case 1:
        return [[0x63 | size, 10, this.rnd(10) ? this.num() : 6, off, 0]];
      case 2:
        return [[(size === 0x18 || this.rnd(3) ? 0x61 : 0x81) | size, this.num(), 10, off, 0]];
      default:
        return [
          [0x7b, 10, this.num(), off & ~7, 0],
          [0x79, this.num(), 10, off & ~7, 0],
        ];
    }
  }
  variableStack(): Draft[] {
    const mask = this.pick([1, 3, 7, 15, 24, 56, 63]);
    const reg = this.pick([7, 8, 9]);
    return [
      [0x57, reg, 0, 0, mask],
      movReg(1, 10),
      addImm(1, -64),
      [0x0f, 1, reg, 0, 0],
      this.rnd(2) ? [0x72, 1, 0, 0, 1] : [0x71, this.num(), 1, 0, 0],
    ];
  }
  lookup(map: number): Draft[] {
    const key = FRESH_MAPS[map]![1];
    const write: Draft[] = this.rnd(25) ? [[key === 8 ? 0x7a : 0x62, 10, 0, -key, this.rnd(6)]] : [];
    return [...write, movReg(2, 10), addImm(2, -key), ...mapPointer(1, map), call(1)];
  }
  mapValue(): Draft[] {
    const map = this.rnd(3);
    const size = FRESH_MAPS[map]![2];
    const use = this.useValue(0, size);
    const guard: Draft[] = this.rnd(12) ? [[0x15, 0, 0, use.length, 0]] : [];
    return [...this.lookup(map), ...guard, ...use, ...(this.rnd(3) ? [movImm(0, 0)] : [])];
  }
  useValue(reg: number, size: number): Draft[] {
    const [code, bytes] = this.pick(SIZES);
    const room = size - bytes + (this.rnd(15) ? 1 : 6);
    const off = this.rnd(3) ? bytes * this.rnd(Math.max(1, Math.floor(room / bytes))) : this.rnd(room);
    switch (this.rnd(6)) {
      case 0: {
        const index = this.pick([7, 8, 9]);
        const bound: Draft[] = this.rnd(7)
          ? [[0x57, index, 0, 0, this.pick([3, 7, 15, 31])]]
          : [[this.pick([0x25, 0xa5]), index, 0, 2, this.pick([8, 16, 40])]];
        return [...bound, [0x0f, reg, index, 0, 0], [0x71, this.pick([7, 8]), reg, this.rnd(size), 0]];
      }
      case 1:
        return [[0x62 | code, reg, 0, off, this.imm()]];
      case 2:
        return [this.atomic(reg, off & ~7, 7 + this.rnd(3))];
      case 3:
        return [[0x7b, 10, reg, -72, 0], ...this.alu(), [0x79, 3, 10, -72, 0], [0x61 | code, this.pick([7, 8, 9]), 3, off, 0]];
      case 4:
        return [[0x63 | code, reg, this.num(), off, 0]];
      default:
        return [[0x61 | code, this.pick([7, 8, 9]), reg, off, 0]];
    }
  }
  atomic(dst: number, off: number, src: number): Draft {
    const kind = this.pick([0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1]);
    return [this.rnd(2) ? 0xdb : 0xc3, dst, src, off, kind];
  }
  packet(): Draft[] {
    if (this.#type === SOCKET_FILTER) return this.alu();
    const [dataOff, endOff] = this.#type === XDP ? [0, 4] : [76, 80];
    const length = 1 + this.rnd(40);
    const [code, bytes] = this.pick(SIZES);
    const off = this.rnd(Math.max(1, length - bytes + (this.rnd(10) ? 1 : 5)));
    const use: Draft[] =
      this.rnd(3) || this.#type !== XDP ? [[0x61 | code, this.pick([7, 8, 9]), 2, off, 0]] : [[0x63 | code, 2, this.num(), off, 0]];
    const index = this.pick([7, 8, 9]);
    const vary: Draft[] = this.rnd(4)
      ? []
      : [
          [0x57, index, 0, 0, this.pick([3, 15, 255])],
          [0x0f, 2, index, 0, 0],
        ];
    const body: Draft[] = [...vary, movReg(4, 2), addImm(4, length)];
    const reversed = this.rnd(2);
    const compare: Draft = reversed ? [0xad, 3, 4, use.length, 0] : [0x2d, 4, 3, use.length, 0];
    return [[0x61, 2, 6, dataOff, 0], [0x61, 3, 6, endOff, 0], ...body, ...(this.rnd(15) ? [compare] : []), ...use];
  }
  loop(): Draft[] {
    const counter = this.pick([7, 8, 9]);
    const times = this.#depth > 1 ? this.pick([2, 3, 4]) : this.pick([2, 4, 8, 20, 60]);
    const inner = this.blocks(1 + this.rnd(2)).filter(([code, dst]) => !((code & 7) >= 4 && dst === counter && this.rnd(10)));
    const whole = inner.length === 0 || inner.some(([code]) => (code & 7) === 5 || (code & 7) === 6);
    const body = whole ? [movReg(this.pick([0]), counter)] : inner;
    const back = -(body.length + 2);
    return [movImm(counter, 0), ...body, addImm(counter, 1), [this.pick([0xa5, 0xa6, 0xc5, 0x55]), counter, 0, back, times]];
  }
  mayGoto(): Draft[] {
    const body = this.alu();
    return [[0xe5, 0, 0, body.length + 1, 0], ...body, [0x05, 0, 0, -(body.length + 2), 0]];
  }
  helper(): Draft[] {
    const result = movReg(this.pick([7, 8, 9]), 0);
    switch (this.rnd(9)) {
      case 0:
        return [call(5), result];
      case 1:
        return [call(8), result];
      case 2:
        return [call(7), result];
      case 3: {
        const map = this.rnd(3);
        const key = FRESH_MAPS[map]![1];
        return [
          ...this.lookup(map).slice(0, -1),
          movReg(3, 10),
          addImm(3, -8 * (8 - this.rnd(3))),
          movImm(4, 0),
          call(2),
          ...(key ? [] : []),
        ];
      }
      case 4:
        return [...this.lookup(this.rnd(3)).slice(0, -1), call(3)];
      case 5:
        if (this.#type === XDP) return [movReg(1, 6), movImm(2, this.rnd(32)), call(44)];
        return [movReg(1, 6), movImm(2, this.rnd(20)), movReg(3, 10), addImm(3, -16), movImm(4, this.pick([1, 4, 8, 16, 17])), call(26)];
      case 6: {
        const size = this.pick([8, 16, 24]);
        const use = this.useValue(0, size).filter(([, dst]) => dst === 0 || dst > 6);
        const release: Draft[] = this.rnd(12) ? [movReg(1, 5), movImm(2, 0), call(this.pick([132, 133]))] : [];
        const keep: Draft[] = [[0x7b, 10, 0, -80, 0]];
        const body = [
          ...keep,
          ...(use.some(([code, dst]) => (code & 7) === 7 && dst === 0) ? [] : use),
          [0x79, 5, 10, -80, 0] as Draft,
          ...release,
        ];
        return [...mapPointer(1, RINGBUF), movImm(2, size), movImm(3, 0), call(131), [0x15, 0, 0, body.length, 0], ...body];
      }
      case 7:
        return this.callback();
      default:
        return [call(this.pick([5, 7, 8, 14, 125])), result];
    }
  }
  callback(): Draft[] {
    const id = this.#function([...this.simple(2), movImm(0, this.pick([0, 0, 0, 1, 2])), EXIT]);
    return [
      movImm(1, this.pick([1, 5, 50])),
      [0x18, 2, 4, 0, 0, id],
      [0, 0, 0, 0, 0],
      movReg(3, 10),
      addImm(3, -64),
      movImm(4, 0),
      call(181),
    ];
  }
  subprogram(): Draft[] {
    const body: Draft[] = [
      movReg(7, 1),
      movReg(8, 2),
      movImm(9, this.imm()),
      movImm(0, 0),
      ...(this.#depth < 2 ? this.blocks(1 + this.rnd(4)) : this.simple(2)),
      ...(this.rnd(12) ? [movReg(0, this.pick([7, 8, 9]))] : []),
      EXIT,
    ];
    const id = this.#function(body);
    const first: Draft = this.rnd(6) ? movReg(1, this.pick([7, 8, 9])) : movReg(1, 10);
    return [first, movReg(2, this.pick([7, 8, 9])), [0x85, 0, 1, 0, 0, id], ...(this.rnd(2) ? [movReg(this.pick([7, 8, 9]), 0)] : [])];
  }
  #function(body: Draft[]): number {
    return this.#functions.push(body) - 1;
  }
  /** Straight code over numbers and the stack. */
  simple(n: number): Draft[] {
    const out: Draft[] = [movImm(7, this.imm()), movImm(8, this.imm()), movImm(9, this.imm()), movImm(0, 0)];
    for (let i = 0; i < n; i++) out.push(...this.alu(), ...(this.rnd(2) ? this.stack() : []));
    return out;
  }
  block(): Draft[] {
    switch (this.rnd(16)) {
      case 0:
      case 1:
      case 2:
        return this.branch();
      case 3:
      case 4:
        return this.stack();
      case 5:
        return this.mapValue();
      case 6:
        return this.packet();
      case 7:
        return this.loop();
      case 8:
        return this.helper();
      case 9:
        return this.#depth < 3 ? this.subprogram() : this.alu();
      case 10:
        return [this.atomic(10, this.slot() & ~7, this.num())];
      case 11:
        return this.rnd(3) ? this.variableStack() : this.mayGoto();
      default:
        return this.alu();
    }
  }
  blocks(n: number): Draft[] {
    this.#depth++;
    const out: Draft[] = [];
    for (let i = 0; i < n; i++) out.push(...(this.#depth > 4 ? this.alu() : this.block()));
    this.#depth--;
    return out;
  }
  program(): FreshProgram {
    this.#type = this.pick([XDP, XDP, SCHED_CLS, SOCKET_FILTER]);
    const main: Draft[] = [movReg(6, 1)];
    for (const r of [7, 8, 9]) main.push(...(this.rnd(3) ? [call(7), movReg(r, 0)] : [movImm(r, this.imm())]));
    main.push(movImm(0, 0));
    for (let off = -8; off >= -64; off -= 8) if (this.rnd(10)) main.push([0x7a, 10, 0, off, this.rnd(3)]);
    main.push(...this.blocks(2 + this.rnd(8)));
    if (this.rnd(20)) main.push(movImm(0, this.rnd(3)));
    main.push(EXIT);
    return { type: this.#type, flags: this.pick([0, 0, 0, 8, 1]), insns: this.#link(main) };
  }
  #link(main: Draft[]): Insn[] {
    const starts: number[] = [];
    let at = main.length;
    for (const f of this.#functions) {
      starts.push(at);
      at += f.length;
    }
    return [main, ...this.#functions].flat().map(([code, dst, src, off, imm, target], i) => ({
      ...{ code, dst, src, off },
      imm: target === undefined ? imm | 0 : starts[target]! - i - 1,
    }));
  }
}

/** Program number `seed`. */
export const freshProgram = (seed: number): FreshProgram => new Generator(seed).program();
