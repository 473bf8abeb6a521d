// Special fields of map values and of allocated objects, found by BTF (btf_parse_fields, 6.18). It knows where they are, not how they are used.
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";

/** enum btf_field_type. */
export const BPF_SPIN_LOCK = 1,
  BPF_TIMER = 2,
  BPF_KPTR_UNREF = 4,
  BPF_KPTR_REF = 8,
  BPF_KPTR_PERCPU = 16;
export const BPF_KPTR = BPF_KPTR_UNREF | BPF_KPTR_REF | BPF_KPTR_PERCPU;
export const BPF_LIST_HEAD = 32,
  BPF_LIST_NODE = 64,
  BPF_RB_ROOT = 128,
  BPF_RB_NODE = 256,
  BPF_REFCOUNT = 512;
export const BPF_WORKQUEUE = 1024,
  BPF_UPTR = 2048,
  BPF_RES_SPIN_LOCK = 4096,
  BPF_TASK_WORK = 8192;

/** One special field. Pointers: the type pointed to. Graph roots: the type of their nodes and the node's place in it. */
export interface BtfField {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly btf: Btf | null;
  readonly btfId: number;
  readonly nodeName: string;
  /** How many structures lie around it. */
  readonly depth: number;
  nodeOffset: number;
  /** Record of the node type of a graph root. */
  valueRecord: BtfRecord | null;
}
export interface BtfRecord {
  readonly fields: readonly BtfField[];
  readonly mask: number;
  readonly spinLockOff: number;
  readonly resSpinLockOff: number;
  readonly timerOff: number;
  readonly wqOff: number;
  readonly taskWorkOff: number;
  readonly refcountOff: number;
}

export const hasField = (rec: BtfRecord | null, mask: number): boolean => rec !== null && (rec.mask & mask) !== 0;
/** btf_record_find: the field of one of these types at `offset`. */
export const findField = (rec: BtfRecord | null, offset: number, mask: number): BtfField | undefined =>
  rec?.fields.find((f) => f.offset === offset && (f.type & mask) !== 0);

const NAMES: Record<number, string> = {
  [BPF_SPIN_LOCK]: "bpf_spin_lock",
  [BPF_RES_SPIN_LOCK]: "bpf_res_spin_lock",
  [BPF_TIMER]: "bpf_timer",
  [BPF_WORKQUEUE]: "bpf_wq",
  [BPF_KPTR_UNREF]: "kptr",
  [BPF_KPTR_REF]: "kptr",
  [BPF_KPTR_PERCPU]: "percpu_kptr",
  [BPF_UPTR]: "uptr",
  [BPF_LIST_HEAD]: "bpf_list_head",
  [BPF_LIST_NODE]: "bpf_list_node",
  [BPF_RB_ROOT]: "bpf_rb_root",
  [BPF_RB_NODE]: "bpf_rb_node",
  [BPF_REFCOUNT]: "bpf_refcount",
  [BPF_TASK_WORK]: "bpf_task_work",
};
export const fieldTypeName = (type: number): string => NAMES[type] ?? "unknown";

/** Sizes in bytes; what is larger than 4 is aligned to 8, else to 4. */
const BY_STRUCT: Record<string, readonly [type: number, size: number]> = {
  bpf_spin_lock: [BPF_SPIN_LOCK, 4],
  bpf_res_spin_lock: [BPF_RES_SPIN_LOCK, 4],
  bpf_timer: [BPF_TIMER, 16],
  bpf_wq: [BPF_WORKQUEUE, 16],
  bpf_list_head: [BPF_LIST_HEAD, 16],
  bpf_list_node: [BPF_LIST_NODE, 24],
  bpf_rb_root: [BPF_RB_ROOT, 16],
  bpf_rb_node: [BPF_RB_NODE, 32],
  bpf_refcount: [BPF_REFCOUNT, 4],
  bpf_task_work: [BPF_TASK_WORK, 8],
};
const KPTR_TAGS: Record<string, number> = {
  kptr_untrusted: BPF_KPTR_UNREF,
  kptr: BPF_KPTR_REF,
  percpu_kptr: BPF_KPTR_PERCPU,
  uptr: BPF_UPTR,
};
const MAX_DEPTH = 31;
const MAX_FIELDS = 11;
const UNIQUE = BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK | BPF_TIMER | BPF_WORKQUEUE | BPF_TASK_WORK;
const REPEATABLE = BPF_KPTR | BPF_UPTR | BPF_LIST_HEAD | BPF_RB_ROOT;

interface Known {
  readonly kernel: Btf | undefined;
  readonly records: Map<number, BtfRecord | null>;
}
/** Records by the types that they were found in; an object's programs ask for the same ones. */
const known = new WeakMap<Btf, Known>();

/** The special fields of type `id`, or null when it has none or a layout that the kernel does not take (btf_parse_fields with every field type allowed). */
export function parseRecord(btf: Btf, id: number, kernel: Btf | undefined): BtfRecord | null {
  if (id <= 0) return null;
  let cache = known.get(btf);
  if (!cache || cache.kernel !== kernel) known.set(btf, (cache = { kernel, records: new Map() }));
  let record = cache.records.get(id);
  if (record === undefined) cache.records.set(id, (record = findRecord(btf, id, kernel)));
  return record;
}
function findRecord(btf: Btf, id: number, kernel: Btf | undefined): BtfRecord | null {
  const found: BtfField[] = [];
  const search: Search = { btf, kernel, out: found, invalid: false };
  const t = btf.type(btf.resolve(id));
  if (t.kind === BTF_KIND.STRUCT || t.kind === BTF_KIND.DATASEC) collect(search, t, 0, 0);
  if (found.length === 0 || search.invalid) return null;
  found.sort((a, b) => a.offset - b.offset);
  return consistent(found) ? summary(found) : null;
}

/** The rules that hold between fields, at the end of btf_parse_fields. */
function consistent(fields: readonly BtfField[]): boolean {
  const mask = fields.reduce((m, f) => m | f.type, 0);
  const locks = mask & (BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK);
  if (locks === (BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) return false;
  if (mask & (BPF_LIST_HEAD | BPF_RB_ROOT) && !locks) return false;
  if (!(mask & BPF_REFCOUNT) && mask & BPF_LIST_NODE && mask & BPF_RB_NODE) return false;
  return fields.every((f, i) => i === 0 || f.offset >= fields[i - 1]!.offset + fields[i - 1]!.size);
}

function summary(found: readonly BtfField[]): BtfRecord {
  const off = (type: number): number => found.find((f) => f.type === type)?.offset ?? -1;
  return {
    fields: found,
    mask: found.reduce((m, f) => m | f.type, 0),
    spinLockOff: off(BPF_SPIN_LOCK),
    resSpinLockOff: off(BPF_RES_SPIN_LOCK),
    timerOff: off(BPF_TIMER),
    wqOff: off(BPF_WORKQUEUE),
    taskWorkOff: off(BPF_TASK_WORK),
    refcountOff: off(BPF_REFCOUNT),
  };
}

interface Search {
  readonly btf: Btf;
  readonly kernel: Btf | undefined;
  readonly out: BtfField[];
  /** Too many fields, too deep, two of a kind of which there may be one, or an array of those. */
  invalid: boolean;
}

function collect(s: Search, t: BtfType, base: number, depth: number): void {
  if (depth >= MAX_DEPTH) s.invalid = true;
  if (s.invalid) return;
  const start = s.out.length;
  members(s, t, base, depth);
  const own = s.out.slice(start).filter((f) => f.depth === depth && f.type & UNIQUE);
  if (own.some((f, i) => own.findIndex((g) => g.type === f.type) !== i)) s.invalid = true;
}

function members(s: Search, t: BtfType, base: number, depth: number): void {
  if (t.kind === BTF_KIND.DATASEC) {
    for (const v of t.vars) field(s, s.btf.type(v.type).type, base + v.offset, { owner: t, component: -1, depth, varId: v.type });
    return;
  }
  t.members.forEach((m, i) => {
    if (m.bitOffset % 8 === 0) field(s, m.type, base + m.bitOffset / 8, { owner: t, component: i, depth, varId: 0 });
  });
}

interface Place {
  readonly owner: BtfType;
  readonly component: number;
  readonly depth: number;
  readonly varId: number;
}

function field(s: Search, typeId: number, offset: number, place: Place): void {
  let id = s.btf.resolve(typeId);
  let t = s.btf.type(id);
  let repeat = 1;
  while (t.kind === BTF_KIND.ARRAY) {
    repeat *= t.nelems;
    id = s.btf.resolve(t.type);
    t = s.btf.type(id);
  }
  if (repeat === 0) return;
  const size = t.kind === BTF_KIND.STRUCT || t.kind === BTF_KIND.UNION ? t.size : 8;
  const start = s.out.length;
  one(s, t, offset, place);
  const found = s.out.slice(start);
  if (found.length === 0) return;
  if (repeat > 1 && found.some((f) => !(f.type & REPEATABLE))) s.invalid = true;
  if (start + found.length * repeat > MAX_FIELDS) s.invalid = true;
  for (let k = 1; k < repeat && !s.invalid; k++) s.out.push(...found.map((f) => ({ ...f, offset: f.offset + k * size })));
}

function one(s: Search, t: BtfType, offset: number, place: Place): void {
  if (t.kind === BTF_KIND.PTR) return kptr(s, t, offset, place.depth);
  if (t.kind !== BTF_KIND.STRUCT) return;
  const special = BY_STRUCT[t.name];
  if (!special) return collect(s, t, offset, place.depth + 1);
  const [type, size] = special;
  // Of another size, or at an odd place, it is a structure like any other (btf_find_struct).
  if (t.size !== size || offset % (size > 4 ? 8 : 4)) return;
  let btfId = 0;
  let nodeName = "";
  if (type === BPF_LIST_HEAD || type === BPF_RB_ROOT) {
    const tags = s.btf.declTags(place.varId || place.owner.id, place.varId ? -1 : place.component);
    const spec = tags.find((tag) => tag.startsWith("contains:"))?.slice("contains:".length);
    const colon = spec?.indexOf(":") ?? -1;
    if (!spec || colon < 0) return void (s.invalid = true);
    btfId = s.btf.find(spec.slice(0, colon), BTF_KIND.STRUCT);
    nodeName = spec.slice(colon + 1);
    if (!btfId || !isNode(s.btf, btfId, nodeName, type)) return void (s.invalid = true);
  }
  s.out.push({
    type,
    offset,
    size,
    btf: btfId ? s.btf : null,
    btfId,
    nodeName,
    depth: place.depth,
    nodeOffset: nodeOffset(s.btf, btfId, nodeName),
    valueRecord: null,
  });
}

/** btf_parse_graph_root: the named member is a node of the root's kind. */
function isNode(btf: Btf, id: number, name: string, root: number): boolean {
  const m = btf.type(id).members.find((x) => x.name === name);
  const t = m && btf.type(btf.resolve(m.type));
  return t?.kind === BTF_KIND.STRUCT && t.name === (root === BPF_LIST_HEAD ? "bpf_list_node" : "bpf_rb_node");
}

function nodeOffset(btf: Btf, id: number, name: string): number {
  if (!id) return 0;
  const m = btf.type(id).members.find((x) => x.name === name);
  return m ? m.bitOffset / 8 : 0;
}

function kptr(s: Search, ptr: BtfType, offset: number, depth: number): void {
  const tag = s.btf.type(ptr.type);
  if (tag.kind !== BTF_KIND.TYPE_TAG) return;
  const type = KPTR_TAGS[tag.name];
  if (type === undefined) return;
  if (offset % 8) return;
  const target = s.btf.type(s.btf.resolve(tag.type));
  // The kernel's own type of that name comes first, else it is a type of the program.
  const inKernel = s.kernel?.find(target.name, BTF_KIND.STRUCT) ?? 0;
  const own = inKernel ? null : s.btf;
  s.out.push({
    type,
    offset,
    size: 8,
    btf: own ?? s.kernel ?? null,
    btfId: inKernel || target.id,
    nodeName: "",
    depth,
    nodeOffset: 0,
    valueRecord: null,
  });
}
