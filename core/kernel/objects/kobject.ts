// Objects of the kernel in linear memory, laid out as its BTF says. It knows no object's meaning.
import { KERNEL_HI, type Memory, type Region } from "../../vm/index.ts";
import type { KernelTypes } from "./types.ts";

/** A value of a member: a number, bytes, text that is cut and padded with zeros, or the region that a pointer points at. */
export type MemberValue = number | bigint | string | Uint8Array | Region;

/** A state that SimKernel saves and restores with everything else. */
export interface KernelPart {
  /** An immutable value. */
  save(): unknown;
  restore(state: unknown): void;
}

/** The 64-bit kernel address of an offset in linear memory; 0 for 0. */
export const addressOf = (at: number): bigint => (at ? (BigInt(KERNEL_HI >>> 0) << 32n) | BigInt(at) : 0n);

/** Makes and fills objects. */
export class ObjectStore {
  readonly memory: Memory;
  readonly types: KernelTypes;
  constructor(memory: Memory, types: KernelTypes) {
    this.memory = memory;
    this.types = types;
  }
  /** A zeroed `struct STRUCT` with `extra` bytes behind it. Without the kernel's types it can be pointed at, but not read. */
  make(struct: string, options: { owner?: unknown; extra?: number; name?: string; writable?: boolean } = {}): Region {
    const size = this.types.size(struct);
    const name = options.name ?? (size === undefined ? `struct ${struct} (the kernel's types are not given)` : `struct ${struct}`);
    return this.memory.alloc("object", name, (size ?? 16) + (options.extra ?? 0), {
      writable: options.writable ?? false,
      noAccess: size === undefined,
      ...(options.owner === undefined ? {} : { owner: options.owner }),
    });
  }
  /** Writes members by path; those that the structure lacks are left out. */
  fill(region: Region, struct: string, members: Readonly<Record<string, MemberValue>>): Region {
    for (const [path, value] of Object.entries(members)) {
      const slot = this.types.slot(struct, path);
      if (slot) this.memory.write(region.start + slot.off, bytesOf(value, slot.size));
    }
    return region;
  }
  /** Address of a member inside an object, 0 when it is not known. */
  memberAt(region: Region, struct: string, path: string): number {
    const slot = this.types.slot(struct, path);
    return slot ? region.start + slot.off : 0;
  }
}

function bytesOf(value: MemberValue, size: number): Uint8Array {
  const out = new Uint8Array(size);
  if (value instanceof Uint8Array) out.set(value.subarray(0, size));
  else if (typeof value === "string") for (let i = 0; i < Math.min(value.length, size - 1); i++) out[i] = value.charCodeAt(i);
  else {
    let rest = BigInt.asUintN(64, typeof value === "object" ? addressOf(value.start) : BigInt(value));
    for (let i = 0; i < Math.min(size, 8); i++, rest >>= 8n) out[i] = Number(rest & 255n);
  }
  return out;
}
