// Special fields of structures (locks, timers, kernel pointers, lists, trees) as the kernel looks for them when it takes a BTF or a map
// (btf_parse_fields and btf_parse_struct_metas, kernel/bpf/btf.c, 6.18). It answers whether they are lawful and of which types they are, not how they are used.
import { BTF_KIND as K, type Btf } from "../btf.ts";
import { BtfRefused, E2BIG, EEXIST, EFAULT, EINVAL, ELOOP, ENOENT, VOID, type CheckEnv, type TypeAt } from "./env.ts";
import { isModifier } from "./kinds.ts";

/** enum btf_field_type. */
export const FIELD = {
  SPIN_LOCK: 1,
  TIMER: 2,
  KPTR_UNREF: 4,
  KPTR_REF: 8,
  KPTR_PERCPU: 16,
  LIST_HEAD: 32,
  LIST_NODE: 64,
  RB_ROOT: 128,
  RB_NODE: 256,
  REFCOUNT: 512,
  WORKQUEUE: 1024,
  UPTR: 2048,
  RES_SPIN_LOCK: 4096,
  TASK_WORK: 8192,
} as const;
export const KPTR = FIELD.KPTR_UNREF | FIELD.KPTR_REF | FIELD.KPTR_PERCPU;
const ROOT = FIELD.LIST_HEAD | FIELD.RB_ROOT;
const NODE = FIELD.LIST_NODE | FIELD.RB_NODE;
/** What the kernel looks for in the structures of a BTF, and in the values of a map. */
const IN_TYPES = FIELD.SPIN_LOCK | FIELD.RES_SPIN_LOCK | ROOT | NODE | FIELD.REFCOUNT | KPTR;
export const IN_MAPS =
  FIELD.SPIN_LOCK | FIELD.RES_SPIN_LOCK | FIELD.TIMER | KPTR | ROOT | FIELD.REFCOUNT | FIELD.WORKQUEUE | FIELD.UPTR | FIELD.TASK_WORK;

interface Known {
  readonly type: number;
  readonly size: number;
  readonly align: number;
  /** One of them in a structure at most. */
  readonly unique: boolean;
}
const known = (type: number, size: number, align: number, unique = false): Known => ({ type, size, align, unique });
const BY_NAME: ReadonlyMap<string, Known> = new Map([
  ["bpf_spin_lock", known(FIELD.SPIN_LOCK, 4, 4, true)],
  ["bpf_res_spin_lock", known(FIELD.RES_SPIN_LOCK, 8, 4, true)],
  ["bpf_timer", known(FIELD.TIMER, 16, 8, true)],
  ["bpf_wq", known(FIELD.WORKQUEUE, 16, 8, true)],
  ["bpf_task_work", known(FIELD.TASK_WORK, 8, 8, true)],
  ["bpf_list_head", known(FIELD.LIST_HEAD, 16, 8)],
  ["bpf_list_node", known(FIELD.LIST_NODE, 24, 8)],
  ["bpf_rb_root", known(FIELD.RB_ROOT, 16, 8)],
  ["bpf_rb_node", known(FIELD.RB_NODE, 32, 8)],
  ["bpf_refcount", known(FIELD.REFCOUNT, 4, 4)],
]);
const POINTER = known(FIELD.KPTR_REF, 8, 8);
const TAGS: ReadonlyMap<string, number> = new Map<string, number>([
  ["kptr_untrusted", FIELD.KPTR_UNREF],
  ["kptr", FIELD.KPTR_REF],
  ["percpu_kptr", FIELD.KPTR_PERCPU],
  ["uptr", FIELD.UPTR],
]);
/** Structures whose presence makes the kernel look at a type (alloc_obj_fields). */
const OWNED = ["bpf_spin_lock", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount", "bpf_res_spin_lock"];
/** Structures of the kernel that have a destructor, so that a map may own a reference to one. */
const DESTRUCTIBLE: ReadonlySet<string> = new Set([
  "task_struct",
  "cgroup",
  "bpf_cpumask",
  "bpf_crypto_ctx",
  "prog_test_ref_kfunc",
  "prog_test_member",
]);
const MAX_FIELDS = 11;
const MAX_DEPTH = 32;

interface Field {
  readonly type: number;
  readonly off: number;
  readonly size: number;
  /** Pointers: id of the type pointed to. Roots: id of the type of the nodes. */
  readonly target: number;
  readonly node: string;
}
const fail = (errno: number): never => {
  throw new BtfRefused(errno, "");
};

export class Fields {
  readonly #env: CheckEnv;
  readonly #kernel: Btf | undefined;
  #tags: Map<number, TypeAt[]> | undefined;

  constructor(env: CheckEnv, kernel: Btf | undefined) {
    this.#env = env;
    this.#kernel = kernel;
  }

  /** btf_parse_struct_metas and the ownership rule: throws BtfRefused when a structure's fields are not lawful. */
  checkTypes(): void {
    const env = this.#env;
    const special = new Set<number>();
    for (const name of OWNED) {
      const id = this.#structNamed(name);
      if (id !== undefined) special.add(id);
    }
    for (let id = 1; id < env.types.length; id++) if (this.#isPointerField(env.types[id]!)) special.add(id);
    if (special.size === 0) return;
    const metas = new Map<number, readonly Field[]>();
    for (let id = 1; id < env.types.length; id++) {
      const t = env.types[id]!;
      if (env.kind(t) !== K.STRUCT || !this.#members(t).some((m) => special.has(env.u32(m + 4)))) continue;
      const fields = this.parse(t, IN_TYPES, env.sizeOrType(t));
      metas.set(id, fields.length === 0 ? fail(EFAULT) : fields);
    }
    for (const fields of metas.values()) this.#checkOwnership(fields, metas);
  }

  /** btf_check_and_fixup_fields: what a node owns must be known, and must not own further nodes. */
  #checkOwnership(fields: readonly Field[], metas: ReadonlyMap<number, readonly Field[]>): void {
    const isNode = fields.some((f) => f.type & NODE);
    for (const f of fields) {
      if (!(f.type & ROOT)) continue;
      const owned = metas.get(f.target) ?? fail(EFAULT);
      if (isNode && owned.some((o) => o.type & ROOT)) fail(ELOOP);
    }
  }

  /** btf_parse_fields of a structure or DATASEC; empty when there are none. Throws BtfRefused. */
  parse(t: TypeAt, mask: number, valueSize: number): readonly Field[] {
    const out: Field[] = [];
    new Search(this.#env, mask, out, (own, component) => this.#contains(own, component)).container(t, 0);
    let next = 0;
    let all = 0;
    for (const f of out) {
      if (f.off + f.size > valueSize) fail(EFAULT);
      if (f.off < next) fail(EEXIST);
      next = f.off + f.size;
      all |= f.type;
      if (f.type & KPTR) this.#checkKptr(f);
      else if (f.type & ROOT) this.#checkRoot(f);
    }
    const locks = all & (FIELD.SPIN_LOCK | FIELD.RES_SPIN_LOCK);
    if (locks === (FIELD.SPIN_LOCK | FIELD.RES_SPIN_LOCK)) fail(EINVAL);
    if (all & ROOT && locks === 0) fail(EINVAL);
    if (!(all & FIELD.REFCOUNT) && (all & NODE) === NODE) fail(EINVAL);
    return out;
  }

  #members(t: TypeAt): number[] {
    return Array.from({ length: this.#env.vlen(t) }, (_, i) => t + 12 + i * 12);
  }
  #structNamed(name: string): number | undefined {
    const env = this.#env;
    const id = env.types.findIndex((t) => t !== VOID && env.kind(t) === K.STRUCT && env.text(env.nameOff(t)) === name);
    return id < 0 ? undefined : id;
  }

  #isPointerField(t: TypeAt): boolean {
    try {
      return pointerField(this.#env, t, KPTR) !== undefined;
    } catch (e) {
      if (e instanceof BtfRefused) return false;
      throw e;
    }
  }

  /** A pointer that owns a reference to a structure of the kernel needs a destructor of it. */
  #checkKptr(f: Field): void {
    const env = this.#env;
    const name = env.text(env.nameOff(env.types[f.target]!));
    const inKernel = this.#kernel?.find(name, env.kind(env.types[f.target]!)) ?? 0;
    if (inKernel !== 0 && f.type === FIELD.KPTR_REF && !DESTRUCTIBLE.has(name)) fail(ENOENT);
  }

  /** btf_parse_graph_root: the named member of the nodes' type is a node of the right sort. */
  #checkRoot(f: Field): void {
    const env = this.#env;
    let found = false;
    for (const m of this.#members(env.types[f.target]!)) {
      if (env.shown(env.u32(m)) !== f.node) continue;
      if (found) fail(EINVAL);
      found = true;
      const t = env.byId(env.u32(m + 4)) ?? VOID;
      const wanted = f.type === FIELD.LIST_HEAD ? "bpf_list_node" : "bpf_rb_node";
      if (env.kind(t) !== K.STRUCT || env.shown(env.nameOff(t)) !== wanted) fail(EINVAL);
      if ((env.u32(m + 8) & (env.kflag(t) ? 0xffffff : -1)) % 64) fail(EINVAL);
    }
    if (!found) fail(ENOENT);
  }

  /** The one `contains:` tag of a member or variable: id of the nodes' type and name of the node. */
  #contains(owner: TypeAt, component: number): { target: number; node: string } {
    const env = this.#env;
    const values = (this.#tagIndex().get(owner) ?? [])
      .filter((t) => (env.u32(t + 12) | 0) === component && env.text(env.nameOff(t)).startsWith("contains:"))
      .map((t) => env.text(env.nameOff(t)).slice("contains:".length));
    if (values.length !== 1) fail(EINVAL);
    const colon = values[0]!.indexOf(":");
    if (colon < 0) fail(EINVAL);
    const target = this.#structNamed(values[0]!.slice(0, colon)) ?? fail(ENOENT);
    const node = values[0]!.slice(colon + 1);
    if (node === "") fail(EINVAL);
    return { target, node };
  }

  #tagIndex(): Map<TypeAt, TypeAt[]> {
    if (this.#tags !== undefined) return this.#tags;
    const env = this.#env;
    this.#tags = new Map();
    for (const t of env.types) {
      if (t === VOID || env.kind(t) !== K.DECL_TAG) continue;
      const owner = env.byId(env.sizeOrType(t)) ?? VOID;
      this.#tags.set(owner, [...(this.#tags.get(owner) ?? []), t]);
    }
    return this.#tags;
  }
}

/** btf_find_kptr: the tag of a pointer and what it points to; undefined when it is an ordinary pointer. */
function pointerField(env: CheckEnv, start: TypeAt, mask: number): { type: number; target: number } | undefined {
  const next = (t: TypeAt): TypeAt => env.byId(env.sizeOrType(t)) ?? VOID;
  const ptr = env.kind(start) === K.VOLATILE ? next(start) : start;
  if (env.kind(ptr) !== K.PTR) return undefined;
  const tag = next(ptr);
  if (env.kind(tag) !== K.TYPE_TAG || env.kflag(tag)) return undefined;
  if (env.kind(next(tag)) === K.TYPE_TAG) fail(EINVAL);
  const type = TAGS.get(env.text(env.nameOff(tag))) ?? fail(EINVAL);
  if (!(type & mask)) return undefined;
  let target = env.sizeOrType(tag);
  for (let t = next(tag); isModifier(env.kind(t)); t = next(t)) target = env.sizeOrType(t);
  if (env.kind(env.byId(target) ?? VOID) !== K.STRUCT) fail(EINVAL);
  return { type, target };
}

type Contains = (owner: TypeAt, component: number) => { target: number; node: string };

/** btf_find_field: walks a structure and what lies in it. */
class Search {
  readonly #env: CheckEnv;
  readonly #mask: number;
  readonly #out: Field[];
  readonly #contains: Contains;
  #seen = 0;

  constructor(env: CheckEnv, mask: number, out: Field[], contains: Contains) {
    this.#env = env;
    this.#mask = mask;
    this.#out = out;
    this.#contains = contains;
  }

  container(t: TypeAt, level: number): void {
    const env = this.#env;
    if (env.kind(t) !== K.DATASEC) return this.#struct(t, 0, level);
    for (let v = t + 12; v < t + 12 + env.vlen(t) * 12; v += 12) {
      const variable = env.byId(env.u32(v)) ?? VOID;
      this.#one({ owner: variable, component: -1, off: env.u32(v + 4), expected: env.u32(v + 8), level }, env.sizeOrType(variable));
    }
  }

  #struct(t: TypeAt, base: number, level: number): void {
    const env = this.#env;
    for (let i = 0; i < env.vlen(t); i++) {
      const m = t + 12 + i * 12;
      const bits = env.kflag(t) ? env.u32(m + 8) & 0xffffff : env.u32(m + 8);
      if (bits % 8) fail(EINVAL);
      this.#one({ owner: t, component: i, off: base + bits / 8, expected: 0, level }, env.u32(m + 4));
    }
  }

  #one(place: Place, typeId: number): void {
    const env = this.#env;
    let t = env.byId(typeId) ?? VOID;
    let count = 1;
    let depth = 0;
    for (; depth < MAX_DEPTH && env.kind(t) === K.ARRAY; depth++) {
      count = Math.imul(count, env.u32(t + 20)) >>> 0;
      t = env.byId(env.u32(t + 12)) ?? VOID;
    }
    if (depth === MAX_DEPTH) fail(E2BIG);
    if (count === 0) return;
    const start = this.#out.length;
    const size = this.#find(place, t, count);
    this.#repeat(start, count, size);
  }

  /** Enters the fields of one element and returns its size. */
  #find(place: Place, t: TypeAt, count: number): number {
    const env = this.#env;
    const isStruct = env.kind(t) === K.STRUCT;
    const named = BY_NAME.get(env.shown(env.nameOff(t)));
    let kind = named !== undefined && named.type & this.#mask ? named : undefined;
    if (kind?.unique) {
      if (this.#seen & kind.type) fail(E2BIG);
      this.#seen |= kind.type;
    }
    if (kind === undefined && !isStruct && this.#mask & (KPTR | FIELD.UPTR)) kind = POINTER;
    const size = kind?.size ?? env.sizeOrType(t);
    const fits = place.expected === 0 || place.expected === (size * count) >>> 0;
    if (kind === undefined) {
      if (isStruct && fits) this.#nested(place, t);
    } else if (fits && place.off % kind.align === 0) this.#enter(kind, place, t);
    return size;
  }

  #nested(place: Place, t: TypeAt): void {
    if (place.level + 1 >= MAX_DEPTH) fail(E2BIG);
    this.#struct(t, place.off, place.level + 1);
  }

  #enter(kind: Known, place: Place, t: TypeAt): void {
    const env = this.#env;
    let field: Field = { type: kind.type, off: place.off, size: kind.size, target: 0, node: "" };
    if (kind === POINTER) {
      const found = pointerField(env, t, this.#mask);
      if (found === undefined) return;
      field = { ...field, ...found };
    } else {
      if (env.kind(t) !== K.STRUCT || env.sizeOrType(t) !== kind.size) return;
      if (kind.type & ROOT) field = { ...field, ...this.#contains(place.owner, place.component) };
    }
    if (this.#out.length >= MAX_FIELDS) fail(E2BIG);
    this.#out.push(field);
  }

  /** btf_repeat_fields: the same fields in every element of an array. */
  #repeat(start: number, count: number, size: number): void {
    const fields = this.#out.slice(start);
    if (fields.length === 0 || count === 1) return;
    if (fields.some((f) => !(f.type & (KPTR | FIELD.UPTR | ROOT)))) fail(EINVAL);
    if (start + fields.length * count > MAX_FIELDS) fail(E2BIG);
    for (let k = 1; k < count; k++) for (const f of fields) this.#out.push({ ...f, off: f.off + k * size });
  }
}

interface Place {
  /** Structure or variable that a `contains:` tag belongs to. */
  readonly owner: TypeAt;
  readonly component: number;
  readonly off: number;
  /** Size that a variable of a DATASEC states; 0 for members. */
  readonly expected: number;
  readonly level: number;
}
