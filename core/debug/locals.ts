// Local variables of frames from DWARF, inlined functions as frames of their own. It reads the halted machine and changes it only when a value is set.
import { CodedError } from "../base/index.ts";
import {
  evaluate,
  type Dwarf,
  type DwarfFrame,
  type DwarfVariable,
  type ExprContext,
  type Place,
  type ValuePlace,
} from "../object/index.ts";
import type { Machine, Program } from "../vm/index.ts";
import { frameBytes } from "./frame-size.ts";
import { registerAt } from "./registers.ts";
import { addressOf, offsetOf, type Held, type Peek, type TypedValue } from "./typed.ts";

/** A variable: its value by its type, or why it has none here. */
export interface LocalVariable {
  readonly value: TypedValue;
  readonly why?: string | undefined;
}
/** What locals need of the launched object. */
export interface LocalsHost {
  readonly peek: Peek;
  /** Offset in linear memory where a section of the object lies; undefined when it is not loaded. */
  sectionAt(section: number): number | undefined;
}

/** Place in the object of the instruction at a slot; undefined for instructions that the loader added. */
function placeOf(program: Program, slot: number): Place | undefined {
  const from = program.source.origin?.find((o) => slot >= o.insnIdx && slot < o.insnIdx + o.length);
  return from && { section: from.section, offBytes: from.offBytes + 8 * (slot - from.insnIdx) };
}

/** Answers for the object that `dwarf` describes. */
export class Locals {
  readonly #dwarf: Dwarf;
  readonly #host: LocalsHost;
  readonly #frames = new WeakMap<Program, (readonly DwarfFrame[] | undefined)[]>();
  constructor(dwarf: Dwarf, host: LocalsHost) {
    this.#dwarf = dwarf;
    this.#host = host;
  }

  /** The function at a slot after all that are inlined there, innermost first; empty when it is not described. Throws CodedError `dwarf-*`. */
  framesAt(program: Program, slot: number): readonly DwarfFrame[] {
    let known = this.#frames.get(program);
    if (!known) this.#frames.set(program, (known = []));
    const place = placeOf(program, slot);
    return (known[slot] ??= place === undefined ? [] : this.#dwarf.framesAt(place));
  }
  /** Variables of frame `level` of {@link framesAt}, for the call `up` calls above the innermost. Throws CodedError `dwarf-*` for broken descriptions. */
  localsAt(machine: Machine, program: Program, slot: number, up: number, level: number): LocalVariable[] {
    const place = placeOf(program, slot);
    const frame = this.framesAt(program, slot)[level];
    if (place === undefined || frame === undefined) return [];
    const values = new FrameValues(this.#dwarf, this.#host, { program, slot, place, machine, up });
    return frame.variables.map((v) => values.of(v));
  }
}

/** An instruction of a call that has not returned. */
interface Standing {
  readonly program: Program;
  readonly slot: number;
  readonly place: Place;
  readonly machine: Machine;
  readonly up: number;
}

/** Values of variables at one place of one call. */
class FrameValues {
  readonly #host: LocalsHost;
  readonly #machine: Machine;
  readonly #up: number;
  readonly #context: ExprContext;

  constructor(dwarf: Dwarf, host: LocalsHost, { program, slot, place, machine, up }: Standing) {
    this.#host = host;
    this.#machine = machine;
    this.#up = up;
    const context: ExprContext = {
      littleEndian: dwarf.littleEndian,
      register: (n) => registerAt(machine, up, n),
      memory: (from, size) => this.#peek(from, size)?.reduceRight((n, b) => (n << 8n) | BigInt(b), 0n),
      address: (at) => {
        const base = host.sectionAt(at.section);
        return base === undefined ? undefined : addressOf(base + at.offBytes);
      },
      indexedAddress: (index) => dwarf.indexedAddress(place, index),
      frameBase: (offset) => {
        const expr = dwarf.frameBase(place);
        const base = expr && evaluate(expr, { ...context, frameBase: () => undefined });
        if (base?.kind === "memory") return base.address;
        const value = base?.kind === "register" ? context.register(base.register) : undefined;
        // LLVM names r10, the end of the frame, and counts from the frame's first byte.
        return value !== undefined && offset >= 0n ? value - BigInt(frameBytes(program, slot)) : value;
      },
    };
    this.#context = context;
  }
  #peek(from: bigint, size: number): Uint8Array | undefined {
    const at = offsetOf(from);
    return at === undefined ? undefined : this.#host.peek(at, size);
  }

  of({ name, type, constant, location }: DwarfVariable): LocalVariable {
    const { size } = type;
    if (constant !== undefined)
      return { value: { name, type, in: whole(typeof constant === "bigint" ? bytesOf(constant, size) : constant) } };
    const place: ValuePlace = location ? evaluate(location, this.#context) : { kind: "unavailable", why: "optimized out" };
    if (place.kind === "unavailable") return { value: { name, type, in: nothing(size) }, why: place.why };
    const at = place.kind === "memory" ? offsetOf(place.address) : undefined;
    return { value: { name, type, in: at ?? this.#copy(place, size) } };
  }

  /** The bytes of a place. */
  #copy(place: ValuePlace, size: number): Held {
    switch (place.kind) {
      case "register":
        return this.#register(place.register, size);
      case "value":
        return whole(bytesOf(place.value, size));
      case "bytes":
        return whole(place.bytes);
      case "memory": {
        const bytes = this.#peek(place.address, size);
        return bytes ? whole(bytes) : nothing(size);
      }
      case "pieces":
        return this.#joined(place.pieces, size);
      default:
        return nothing(size);
    }
  }
  #register(n: number, size: number): Held {
    const value = this.#context.register(n);
    if (value === undefined) return nothing(size);
    const low = (1n << BigInt(8 * Math.min(size, 8))) - 1n;
    const set = (to: bigint): void => this.#machine.setU64(n, (this.#machine.u64(n) & ~low) | (to & low));
    return { ...whole(bytesOf(value, size)), ...(this.#up === 0 && n < 10 ? { set } : {}) };
  }
  #joined(pieces: readonly { readonly bits: number; readonly place: ValuePlace }[], size: number): Held {
    const out = nothing(size);
    let at = 0;
    for (const { bits, place } of pieces) {
      if (bits % 8) throw new CodedError("dwarf-expr", `DWARF: a piece of ${bits} bits is not shown`);
      const bytes = Math.min(bits / 8, size - at);
      const part = this.#copy(place, bytes);
      out.bytes.set(part.bytes.subarray(0, bytes), at);
      out.kept.set(part.kept.subarray(0, bytes), at);
      at += bytes;
    }
    return out;
  }
}

const bytesOf = (value: bigint, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const whole = (bytes: Uint8Array): Held => ({ bytes, kept: new Uint8Array(bytes.length).fill(1) });
const nothing = (size: number): Held => ({ bytes: new Uint8Array(size), kept: new Uint8Array(size) });
