// Where the value of a map holds what the kernel keeps for itself: locks, timers, lists, pointers (kernel/bpf/btf.c, btf_parse_fields, 6.18). It checks nothing.
import { BTF_KIND as K, type Btf, type MapSpec } from "../../object/index.ts";

/** A range of a value that user space and copies do not touch. */
export interface SpecialField {
  readonly off: number;
  readonly size: number;
  /** A lock stays as it is when the element is replaced; all else is given up. */
  readonly isLock: boolean;
}

const SIZES: Readonly<Record<string, number>> = {
  bpf_spin_lock: 4,
  bpf_res_spin_lock: 4,
  bpf_timer: 16,
  bpf_wq: 16,
  bpf_task_work: 8,
  bpf_list_head: 16,
  bpf_list_node: 24,
  bpf_rb_root: 16,
  bpf_rb_node: 32,
  bpf_refcount: 4,
};
const POINTER_TAGS: ReadonlySet<string> = new Set(["kptr", "kptr_untrusted", "percpu_kptr", "uptr"]);
/** Deepest nesting that is looked into (MAX_RESOLVE_DEPTH is far above what programs have). */
const MOST_DEPTH = 16;
const MOST_FIELDS = 4096;

/** The special fields of a map's value; none without types. */
export function specialFields(spec: MapSpec, btf: Btf | undefined): SpecialField[] {
  const found: SpecialField[] = [];
  if (btf && spec.btfValueTypeId !== 0 && spec.btfValueTypeId < btf.typeCount) walk(btf, spec.btfValueTypeId, 0, 0, found);
  return found.filter((f) => f.off + f.size <= spec.valueSize).sort((a, b) => a.off - b.off);
}
function walk(btf: Btf, id: number, off: number, depth: number, found: SpecialField[]): void {
  if (depth > MOST_DEPTH || found.length >= MOST_FIELDS) return;
  const t = btf.type(btf.resolve(id));
  const size = t.kind === K.STRUCT ? SIZES[t.name] : undefined;
  if (size !== undefined) found.push({ off, size, isLock: t.name.endsWith("spin_lock") });
  else if (t.kind === K.STRUCT) for (const m of t.members) walk(btf, m.type, off + (m.bitOffset >> 3), depth + 1, found);
  else if (t.kind === K.DATASEC) for (const v of t.vars) walk(btf, btf.type(v.type).type, off + v.offset, depth + 1, found);
  else if (t.kind === K.ARRAY) {
    const step = t.nelems > 0 && mayHold(btf, t.type) ? btf.sizeOf(t.type) : 0;
    for (let i = 0; step > 0 && i < t.nelems && found.length < MOST_FIELDS; i++) walk(btf, t.type, off + i * step, depth + 1, found);
  } else if (t.kind === K.PTR) {
    const target = btf.type(t.type);
    if (target.kind === K.TYPE_TAG && POINTER_TAGS.has(target.name)) found.push({ off, size: 8, isLock: false });
  }
}
/** Whether elements of an array can hold special fields at all: structures, pointers and arrays of them. */
const mayHold = (btf: Btf, id: number): boolean => [K.STRUCT, K.PTR, K.ARRAY].includes(btf.kind(btf.resolve(id)) as 2);
