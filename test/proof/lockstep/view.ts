// The machine as the verifier's states speak of it: is this value one that a register stands for? It runs nothing and changes nothing.
import type { Machine } from "../../../core/vm/index.ts";
import { KERNEL_HI, R_READ } from "../../../core/vm/index.ts";
import { FRAME_WORDS, FRAMES_AT, REGS_WORD, STACK_BYTES, STACK_STRIDE, STACKS_AT } from "../../../core/vm/layout.ts";
import type { LoadedProgram, SimKernel } from "../../../core/kernel/index.ts";
import { BpfMap } from "../../../core/kernel/index.ts";
import type { Watched } from "../../../core/verifier/index.ts";
import { AT_PKT_END, BEYOND_PKT_END, type Reg } from "../../../core/verifier/domain/reg.ts";
import * as T from "../../../core/verifier/domain/reg-types.ts";
import type { ScalarHandle, Scalars } from "../../../core/verifier/domain/scalars.ts";
import { scalarRanges, tnumStr } from "../../../core/verifier/log/format.ts";
import type { MapInfo } from "../../../core/verifier/maps/map-info.ts";

/** Bytes before and after an address that are searched for the start of the object behind a pointer that moved by an unknown amount. */
const WINDOW = 4096;
const R_FREED = 8;

/** Reads the words behind scalar handles; the record's layout is that of domain/assembly/scalar.ts. */
export class Words {
  readonly scalars: Scalars;
  readonly #w: Int32Array;
  constructor(scalars: Scalars) {
    this.scalars = scalars;
    this.#w = scalars.words();
  }
  /** Whether the 64-bit number is one that the scalar stands for, by tnum and by all four ranges. */
  contains(h: ScalarHandle, lo: number, hi: number): boolean {
    const w = this.#w;
    const a = h >> 2;
    if (((lo ^ w[a]!) & ~w[a + 2]!) | ((hi ^ w[a + 1]!) & ~w[a + 3]!)) return false;
    const l = lo >>> 0;
    const u = hi >>> 0;
    if (hi < w[a + 5]! || (hi === w[a + 5]! && l < w[a + 4]! >>> 0)) return false;
    if (hi > w[a + 7]! || (hi === w[a + 7]! && l > w[a + 6]! >>> 0)) return false;
    const uminHi = w[a + 9]! >>> 0;
    const umaxHi = w[a + 11]! >>> 0;
    if (u < uminHi || (u === uminHi && l < w[a + 8]! >>> 0)) return false;
    if (u > umaxHi || (u === umaxHi && l > w[a + 10]! >>> 0)) return false;
    return lo >= w[a + 12]! && lo <= w[a + 13]! && l >= w[a + 14]! >>> 0 && l <= w[a + 15]! >>> 0;
  }
  /** The number, when there is only one and it fits 53 bits. */
  constant(h: ScalarHandle): number | null {
    const w = this.#w;
    const a = h >> 2;
    return (w[a + 2]! | w[a + 3]!) === 0 ? w[a + 1]! * 4294967296 + (w[a]! >>> 0) : null;
  }
}

export const hex64 = (lo: number, hi: number): string => `0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;

/** A register's knowledge in the log's words. */
export function regSays(scalars: Scalars, r: Reg): string {
  const f = scalars.fields(r.s);
  const ranges = f.mask === 0n ? [`${BigInt.asIntN(64, f.value)}`] : [...scalarRanges(f), `var_off=${tnumStr(f)}`];
  const extra = r.type === T.SCALAR_VALUE ? (r.id ? [`id=${r.id}`] : []) : [`off=${r.off}`, `u1=${r.u1}`, `id=${r.id}`];
  return `${T.regTypeStr(r.type)}(${[...extra, ...ranges].join(",")})`;
}

export class View {
  readonly machine: Machine;
  readonly kernel: SimKernel;
  readonly program: LoadedProgram;
  readonly watched: Watched;
  readonly words: Words;

  constructor(kernel: SimKernel, program: LoadedProgram, watched: Watched) {
    this.kernel = kernel;
    this.machine = kernel.machine;
    this.program = program;
    this.watched = watched;
    this.words = new Words(watched.scalars);
  }

  /** Word of memory where a register of the frame at `depth` lies; saved ones are r6 to r10 only. */
  regWord(depth: number, reg: number): number {
    if (depth === this.machine.depth) return REGS_WORD + 2 * reg;
    return (FRAMES_AT >> 2) + depth * FRAME_WORDS + 3 + 2 * (reg - 6);
  }
  frameEnd(depth: number): number {
    return STACKS_AT + depth * STACK_STRIDE + STACK_BYTES;
  }

  /** Why the value is none that `r` stands for, or null. `base` is the machine's depth of the state's outermost frame. */
  refuses(r: Reg, lo: number, hi: number, base: number): string | null {
    if (r.type === T.NOT_INIT) return null;
    if (r.type === T.SCALAR_VALUE) return this.words.contains(r.s, lo, hi) ? null : "a number outside";
    if ((lo | hi) === 0) return this.#refusesNull(r);
    return this.#refusesPointer(r, lo, hi, base);
  }

  #refusesNull(r: Reg): string | null {
    const t = T.baseType(r.type);
    if (T.mayBeNull(r.type) || r.type & T.PTR_UNTRUSTED) return null;
    if (t === T.PTR_TO_ARENA || (t === T.PTR_TO_BTF_ID && !(r.type & (T.PTR_TRUSTED | T.MEM_ALLOC)))) return null;
    // Without context bytes the kernel gives no context.
    if (t === T.PTR_TO_CTX && this.kernel.run.ctxAt === 0) return null;
    return "NULL";
  }

  /** True when `value - start - off` is what `s` stands for. */
  #moved(s: ScalarHandle, lo: number, hi: number, from: { start: number; off: number }): boolean {
    if (hi !== KERNEL_HI && !this.#near(hi)) return this.#movedWide(s, lo, hi, from);
    const d = (lo >>> 0) - from.start - from.off + (hi - KERNEL_HI) * 4294967296;
    return this.words.contains(s, d | 0, Math.floor(d / 4294967296) | 0);
  }
  #near(hi: number): boolean {
    return Math.abs(hi - KERNEL_HI) < 1 << 20;
  }
  #movedWide(s: ScalarHandle, lo: number, hi: number, from: { start: number; off: number }): boolean {
    const value = (BigInt(hi) << 32n) + BigInt(lo >>> 0);
    const d = value - ((BigInt(KERNEL_HI) << 32n) + BigInt(from.start + from.off));
    return this.words.contains(s, Number(BigInt.asIntN(32, d)), Number(BigInt.asIntN(32, d >> 32n)));
  }

  #refusesPointer(r: Reg, lo: number, hi: number, base: number): string | null {
    const packet = this.kernel.run.skb?.packet ?? this.kernel.run.xdp?.packet;
    const at = (start: number, what: string): string | null =>
      this.#moved(r.s, lo, hi, { start, off: r.off }) ? null : `not that far from ${what}`;
    switch (T.baseType(r.type)) {
      case T.PTR_TO_CTX:
        return at(this.kernel.run.ctxAt, "the context");
      case T.PTR_TO_STACK:
        return at(this.frameEnd(base + r.frameno), `the frame pointer of frame ${r.frameno}`);
      case T.PTR_TO_PACKET_END:
        return packet ? at(packet.end, "the packet's end") : "there is no packet";
      case T.PTR_TO_PACKET:
        return packet ? (at(packet.data, "the packet") ?? this.#refusesRange(r, lo, packet.end)) : "there is no packet";
      case T.PTR_TO_PACKET_META:
        return packet ? (at(packet.meta, "the packet's metadata") ?? this.#refusesRange(r, lo, packet.data)) : "there is no packet";
      case T.CONST_PTR_TO_MAP: {
        const map = r.obj as MapInfo;
        const owner = this.kernel.memory.regionAt(lo >>> 0)?.owner;
        return hi === KERNEL_HI && owner instanceof BpfMap && (map.index < 0 || owner === this.program.maps[map.index])
          ? null
          : "not this map";
      }
      case T.PTR_TO_MAP_VALUE:
        return this.#refusesStart(r, lo, hi, (start) => this.#isElement(start, r.obj as MapInfo), "a value of the map");
      case T.PTR_TO_MAP_KEY:
        return this.#refusesStart(r, lo, hi, (start) => this.#readable(start, (r.obj as MapInfo).keySize), "a key of the map");
      case T.PTR_TO_MEM:
        if (r.type & (T.PTR_UNTRUSTED | T.MEM_PERCPU) || r.u1 <= 0) return null;
        return this.#refusesStart(r, lo, hi, (start) => this.#readable(start, r.u1), `memory of ${r.u1} bytes`);
      case T.PTR_TO_FUNC: {
        const slot = ((lo >>> 0) - this.program.code.code.start) / 8;
        return hi === KERNEL_HI && Number.isInteger(slot) && this.watched.subprogAt(slot) === r.u1 ? null : "not this function";
      }
      default:
        return null;
    }
  }

  /** Reading up to `u1` bytes from where the fixed offset began is safe; a negative `u1` says on which side of the end it lies. */
  #refusesRange(r: Reg, lo: number, end: number): string | null {
    const value = lo >>> 0;
    if (r.u1 > 0 && value - r.off + r.u1 > end) return `not ${r.u1} bytes before the end`;
    if (r.u1 === BEYOND_PKT_END && value <= end) return "not beyond the end";
    if (r.u1 === AT_PKT_END && value < end) return "not at the end";
    return null;
  }

  /** Looks for a start of an object from which the pointer was moved as its register says. */
  #refusesStart(r: Reg, lo: number, hi: number, isStart: (at: number) => boolean, what: string): string | null {
    const c = this.words.constant(r.s);
    if (c !== null) return hi === KERNEL_HI && isStart((lo >>> 0) - r.off - c) ? null : `not ${r.off + c} bytes from ${what}`;
    const from = Math.max(16, (((lo >>> 0) - WINDOW) >>> 3) << 3);
    for (let start = from; start < (lo >>> 0) + WINDOW; start += 8)
      if (this.#moved(r.s, lo, hi, { start, off: r.off }) && isStart(start)) return null;
    // Farther away than is searched nothing is said.
    const { ops } = this.watched.scalars;
    return Math.max(Math.abs(ops.smin(r.s)), Math.abs(ops.smax(r.s))) + Math.abs(r.off) >= WINDOW ? null : `nowhere near ${what}`;
  }
  #isElement(start: number, map: MapInfo): boolean {
    const region = this.kernel.memory.regionAt(start);
    if (region?.kind !== "map-value" || !(region.owner instanceof BpfMap)) return false;
    if (map.index >= 0 && region.owner !== this.program.maps[map.index]) return false;
    const at = start - region.start;
    return at >= 0 && (region.stride === 0 ? at === 0 : at % region.stride === 0);
  }
  #readable(start: number, size: number): boolean {
    const { memory } = this.kernel;
    const region = memory.regionAt(start);
    return region !== undefined && (memory.flags[region.id]! & R_FREED) === 0 && memory.allowed(start, KERNEL_HI, size, R_READ);
  }
}
