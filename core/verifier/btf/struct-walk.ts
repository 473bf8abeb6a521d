// What lies at an offset of a kernel structure (btf_struct_walk, btf_struct_access, 6.18). It knows types, not registers.
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EACCES, EFAULT, EINVAL } from "../env.ts";
import { MEM_PERCPU, MEM_RCU, MEM_USER, PTR_UNTRUSTED } from "../domain/reg-types.ts";

export type Walk =
  | { readonly what: "scalar" }
  | { readonly what: "struct"; readonly id: number; readonly flags: number }
  | { readonly what: "ptr"; readonly id: number; readonly flags: number; readonly field: string }
  | { readonly what: "untrusted-ptr" }
  | { readonly what: "error"; readonly errno: number; readonly text: string };

export const isStruct = (t: BtfType): boolean => t.kind === BTF_KIND.STRUCT || t.kind === BTF_KIND.UNION;
const named = (t: { readonly name: string }): string => t.name || "(anon)";
const error = (errno: number, text: string): Walk => ({ what: "error", errno, text });

/** Size of a type, or undefined when it has none. */
export function sizeOrNone(btf: Btf, id: number): number | undefined {
  try {
    return btf.sizeOf(id);
  } catch {
    return undefined;
  }
}

/** Value of the type tag right behind a pointer, as register flags. */
export function tagFlags(btf: Btf, pointee: number): number {
  const t = btf.type(pointee);
  if (t.kind !== BTF_KIND.TYPE_TAG || t.kflag) return 0;
  return t.name === "user" ? MEM_USER : t.name === "percpu" ? MEM_PERCPU : t.name === "rcu" ? MEM_RCU : 0;
}

/** One step: the member of `id` that `size` bytes at `off` touch; goes into nested structures unless it stands at their start. */
export function walkStruct(btf: Btf, id: number, offset: number, size: number, flagsIn: number): Walk {
  let flags = flagsIn;
  let off = offset;
  let t = btf.type(btf.resolve(id));
  for (let depth = 0; depth < 64; depth++) {
    if (!isStruct(t)) return error(EINVAL, `Type '${named(t)}' is not a struct`);
    if (t.kind === BTF_KIND.UNION && t.vlen !== 1) flags |= PTR_UNTRUSTED;
    // Unsigned, as in the kernel: an offset below 0 lies behind the structure.
    if ((off + size) >>> 0 > t.size) {
      const flexible = flexibleArray(btf, t, off);
      if (flexible === "scalar") return { what: "scalar" };
      if (!flexible) return error(EACCES, `access beyond struct ${named(t)} at off ${off >>> 0} size ${size}`);
      off = (off - flexible.start) % flexible.elem.size;
      t = flexible.elem;
      continue;
    }
    const found = member(btf, t, off, size, flags);
    if ("what" in found) return found;
    t = found.into;
    off = found.off;
  }
  return error(EINVAL, `struct ${named(t)} doesn't have field at offset ${off}`);
}

/** A last member without a length goes on behind the structure. */
function flexibleArray(btf: Btf, t: BtfType, off: number): { start: number; elem: BtfType } | "scalar" | null {
  const last = t.members[t.vlen - 1];
  if (!last) return null;
  const array = btf.type(btf.resolve(last.type));
  const start = last.bitOffset / 8;
  if (array.kind !== BTF_KIND.ARRAY || array.nelems !== 0 || off < start) return null;
  const elem = btf.type(btf.resolve(array.type));
  if (elem.kind === BTF_KIND.INT) return "scalar";
  return isStruct(elem) && elem.size > 0 ? { start, elem } : null;
}

function member(btf: Btf, t: BtfType, off: number, size: number, flags: number): Walk | { into: BtfType; off: number } {
  for (const m of t.members) {
    let start = Math.floor(m.bitOffset / 8);
    if (off + size <= start) break;
    if (m.bitSize) {
      if (off <= start && Math.ceil((m.bitOffset + m.bitSize) / 8) <= off + size) return { what: "scalar" };
      continue;
    }
    if (off < start) break;
    const total = sizeOrNone(btf, m.type);
    if (total === undefined) return error(EFAULT, `field ${named(m)} doesn't have size`);
    const end = start + total;
    if (off >= end) continue;
    let id = btf.resolve(m.type);
    let mt = btf.type(id);
    while (mt.kind === BTF_KIND.ARRAY) {
      id = btf.resolve(mt.type);
      const inner = btf.type(id);
      const step = sizeOrNone(btf, id) ?? 0;
      if (inner.kind !== BTF_KIND.ARRAY && step > 0) start += Math.floor((off - start) / step) * step;
      mt = inner;
    }
    if (isStruct(mt)) return off === start ? { what: "struct", id, flags } : { into: mt, off: off - start };
    if (mt.kind === BTF_KIND.PTR) {
      if (size !== 8 || off !== start)
        return error(EACCES, `cannot access ptr member ${named(m)} with moff ${start} in struct ${named(t)} with off ${off} size ${size}`);
      const target = btf.resolve(mt.type);
      if (!isStruct(btf.type(target))) return { what: "untrusted-ptr" };
      return { what: "ptr", id: target, flags: flags | tagFlags(btf, mt.type), field: m.name };
    }
    if (off + size > end && !(flags & PTR_UNTRUSTED))
      return error(EACCES, `access beyond the end of member ${named(m)} (mend:${end}) in struct ${named(t)} with off ${off} size ${size}`);
    return { what: "scalar" };
  }
  return error(EINVAL, `struct ${named(t)} doesn't have field at offset ${off}`);
}

/** btf_struct_access: follows nested structures down to what a load of `size` bytes at `off` gives. */
export function accessStruct(btf: Btf, id: number, offset: number, size: number): Exclude<Walk, { what: "struct" }> {
  let at = id;
  let off = offset;
  let flags = 0;
  for (let depth = 0; depth < 64; depth++) {
    const w = walkStruct(btf, at, off, size, flags);
    if (w.what !== "struct") return w;
    at = w.id;
    flags = w.flags;
    off = 0;
  }
  return { what: "error", errno: EINVAL, text: "" };
}
