// Second pass of the kernel's BTF check: references between types (btf_check_all_types, btf_resolve and the resolve of each kind, kernel/bpf/btf.c, 6.18).
// It reads the types that the first pass found and changes none.
import { BTF_KIND as K } from "../btf.ts";
import { BtfRefused, E2BIG, EEXIST, VOID, type CheckEnv, type TypeAt } from "./env.ts";
import { hasNoSize, hasSize, isModifier, isRegularInt, isSourceOnly, isStructOrUnion, isTagTarget, needsResolve } from "./kinds.ts";
import { checkMember } from "./members.ts";

const MAX_DEPTH = 32;
const U32_MAX = 0xffffffff;

type Mode = "undecided" | "pointer" | "aggregate";
interface Vertex {
  readonly type: TypeAt;
  readonly id: number;
  /** Member or variable where a struct or DATASEC goes on. */
  next: number;
}
/** How far a type is: not looked at, on the stack, finished. */
const NEW = 0,
  OPEN = 1,
  DONE = 2;

/** Checks all types; throws BtfRefused. */
export function resolveAll(env: CheckEnv): void {
  new Resolver(env).run();
}

class Resolver {
  readonly #env: CheckEnv;
  readonly #states: Uint8Array;
  readonly #ids: Uint32Array;
  readonly #sizes: Uint32Array;
  readonly #stack: Vertex[] = [];
  #mode: Mode = "undecided";

  constructor(env: CheckEnv) {
    this.#env = env;
    const count = env.types.length;
    this.#states = new Uint8Array(count);
    this.#ids = new Uint32Array(count);
    this.#sizes = new Uint32Array(count);
  }

  run(): void {
    const env = this.#env;
    env.resolving = true;
    for (let id = 1; id < env.types.length; id++) {
      const t = env.types[id]!;
      env.logTypeId = id;
      this.#settle(t, id);
      if (env.kind(t) === K.FUNC_PROTO) this.#proto(t);
    }
  }

  #settle(t: TypeAt, id: number): void {
    if (needsResolve(this.#env.kind(t)) && !this.#done(id)) this.#resolve(t, id);
  }
  #done(id: number): boolean {
    return this.#states[id] === DONE;
  }

  /** btf_resolve: follows one type to its end over an explicit stack. */
  #resolve(t: TypeAt, id: number): void {
    const env = this.#env;
    const saved = env.logTypeId;
    this.#mode = "undecided";
    try {
      this.#push(t, id);
      while (this.#stack.length > 0) {
        const v = this.#stack.at(-1)!;
        env.logTypeId = v.id;
        this.#step(v);
      }
    } catch (e) {
      if (!(e instanceof BtfRefused) || e.log !== "") throw e;
      env.logTypeId = id;
      env.refuseType(t, e.errno === E2BIG ? `Exceeded max resolving depth:${MAX_DEPTH}` : "Loop detected", e.errno);
    }
    env.logTypeId = id;
    if (!this.#valid(t, id)) env.refuseType(t, "Invalid resolve state");
    env.logTypeId = saved;
  }

  /** Throws a refusal without words for cycles and for chains that are too long; {@link #resolve} words it. */
  #push(t: TypeAt, id: number): void {
    if (this.#stack.length === MAX_DEPTH) throw new BtfRefused(E2BIG, "");
    if (this.#states[id] !== NEW) throw new BtfRefused(EEXIST, "");
    this.#states[id] = OPEN;
    this.#stack.push({ type: t, id, next: 0 });
    const kind = this.#env.kind(t);
    if (this.#mode !== "undecided") return;
    if (kind === K.PTR) this.#mode = "pointer";
    else if (isStructOrUnion(kind) || kind === K.ARRAY) this.#mode = "aggregate";
  }

  #pop(id: number, size: number): void {
    const v = this.#stack.pop()!;
    this.#ids[v.id] = id;
    this.#sizes[v.id] = size;
    this.#states[v.id] = DONE;
  }

  /** env_type_is_resolve_sink: the chain need not be followed further. */
  #sink(t: TypeAt): boolean {
    const kind = this.#env.kind(t);
    if (this.#mode === "undecided") return !needsResolve(kind);
    if (isModifier(kind)) return false;
    return this.#mode === "pointer" ? kind !== K.PTR : kind !== K.ARRAY && !isStructOrUnion(kind);
  }

  /** Pushes a type that must be resolved first; true when it did. */
  #defer(t: TypeAt, id: number): boolean {
    if (this.#sink(t) || this.#done(id)) return false;
    this.#push(t, id);
    return true;
  }

  #sizeOf = (id: number): { id: number; type: TypeAt; size: number } | undefined => {
    const env = this.#env;
    let type = env.byId(id);
    let at = id;
    if (hasNoSize(env, type)) return undefined;
    if (isModifier(env.kind(type)) || env.kind(type) === K.VAR) {
      at = this.#ids[id]!;
      type = env.byId(at);
      if (hasNoSize(env, type)) return undefined;
    }
    const kind = env.kind(type);
    const size = hasSize(kind) ? env.sizeOrType(type) : kind === K.ARRAY ? this.#sizes[at]! : kind === K.PTR ? 8 : undefined;
    return size === undefined ? undefined : { id: at, type, size };
  };

  #step(v: Vertex): void {
    const kind = this.#env.kind(v.type);
    if (isModifier(kind)) this.#modifier(v);
    else if (kind === K.PTR) this.#pointer(v);
    else if (kind === K.VAR) this.#variable(v);
    else if (kind === K.ARRAY) this.#array(v);
    else if (isStructOrUnion(kind)) this.#struct(v);
    else if (kind === K.DATASEC) this.#datasec(v);
    else if (kind === K.DECL_TAG) this.#declTag(v);
    else if (kind === K.FUNC) this.#func(v);
    else this.#env.refuseBasic(v.type, "Unsupported resolve");
  }

  /** The type that a reference means, refused when it may not be referred to. */
  #target(v: Vertex): TypeAt {
    const t = this.#env.byId(this.#env.sizeOrType(v.type));
    if (t === undefined || isSourceOnly(this.#env.kind(t))) return this.#env.refuseType(v.type, "Invalid type_id");
    return t;
  }

  #modifier(v: Vertex): void {
    const next = this.#target(v);
    const id = this.#env.sizeOrType(v.type);
    if (!this.#defer(next, id)) this.#pop(this.#concrete(v, next, id), 0);
  }

  /** Id behind `next`: one with a size, or void, a forward declaration, a prototype. */
  #concrete(v: Vertex, next: TypeAt, id: number): number {
    const env = this.#env;
    const found = this.#sizeOf(id);
    if (found !== undefined) return found.id;
    const at = this.#done(id) ? this.#ids[id]! : id;
    const t = this.#done(id) ? (env.byId(at) ?? VOID) : next;
    if (t !== VOID && env.kind(t) !== K.FWD && env.kind(t) !== K.FUNC_PROTO) env.refuseType(v.type, "Invalid type_id");
    return at;
  }

  /** A modifier resolved inside an aggregate may have stopped at a pointer: go on from there. */
  #deferLastPointer(next: TypeAt, id: number): boolean {
    const env = this.#env;
    if (!isModifier(env.kind(next))) return false;
    const at = this.#ids[id]!;
    const t = env.byId(at) ?? VOID;
    return env.kind(t) === K.PTR && this.#defer(t, at);
  }

  #pointer(v: Vertex): void {
    const next = this.#target(v);
    const id = this.#env.sizeOrType(v.type);
    if (this.#defer(next, id) || this.#deferLastPointer(next, id)) return;
    this.#pop(this.#concrete(v, next, id), 0);
  }

  #variable(v: Vertex): void {
    const next = this.#target(v);
    const id = this.#env.sizeOrType(v.type);
    if (this.#defer(next, id) || this.#deferLastPointer(next, id)) return;
    const found = this.#sizeOf(id) ?? this.#env.refuseType(v.type, "Invalid type_id");
    this.#pop(found.id, 0);
  }

  #array(v: Vertex): void {
    const env = this.#env;
    const part = (id: number, what: string): TypeAt => {
      const t = env.byId(id);
      if (hasNoSize(env, t) || isSourceOnly(env.kind(t))) return env.refuseType(v.type, what);
      return t;
    };
    const indexId = env.u32(v.type + 16);
    if (this.#defer(part(indexId, "Invalid index"), indexId)) return;
    const index = this.#sizeOf(indexId);
    if (index === undefined || env.kind(index.type) !== K.INT || !isRegularInt(env, index.type)) env.refuseType(v.type, "Invalid index");
    const elemId = env.u32(v.type + 12);
    if (this.#defer(part(elemId, "Invalid elem"), elemId)) return;
    const elem = this.#sizeOf(elemId) ?? env.refuseType(v.type, "Invalid elem");
    if (env.kind(elem.type) === K.INT && !isRegularInt(env, elem.type)) env.refuseType(v.type, "Invalid array of int");
    const count = env.u32(v.type + 20);
    if (elem.size * count > U32_MAX) env.refuseType(v.type, "Array size overflows U32_MAX");
    this.#pop(elem.id, elem.size * count);
  }

  #struct(v: Vertex): void {
    const env = this.#env;
    const member = (i: number): number => v.type + 12 + i * 12;
    const check = (i: number): void => {
      const at = member(i);
      const type = env.u32(at + 4);
      checkMember(env, { struct: v.type, at, type }, env.byId(type)!, this.#sizeOf);
    };
    if (v.next > 0) check(v.next - 1);
    for (let i = v.next; i < env.vlen(v.type); i++) {
      const at = member(i);
      const id = env.u32(at + 4);
      const t = env.byId(id);
      if (hasNoSize(env, t) || isSourceOnly(env.kind(t))) env.refuseMember(v.type, at, "Invalid member");
      v.next = i + 1;
      if (this.#defer(t!, id)) return;
      check(i);
    }
    this.#pop(0, 0);
  }

  #datasec(v: Vertex): void {
    const env = this.#env;
    this.#mode = "undecided";
    for (let i = v.next; i < env.vlen(v.type); i++) {
      const at = v.type + 12 + i * 12;
      const id = env.u32(at);
      const t = env.byId(id);
      if (t === undefined || env.kind(t) !== K.VAR) return env.refuseVar(v.type, at, "Not a VAR kind member");
      if (this.#defer(t, id)) {
        v.next = i + 1;
        return;
      }
      const found = this.#sizeOf(env.sizeOrType(t)) ?? env.refuseVar(v.type, at, "Invalid type");
      if (env.u32(at + 8) < found.size) env.refuseVar(v.type, at, "Invalid size");
    }
    this.#pop(0, 0);
  }

  #declTag(v: Vertex): void {
    const env = this.#env;
    const id = env.sizeOrType(v.type);
    const t = env.byId(id);
    if (t === undefined || !isTagTarget(env.kind(t))) return env.refuseType(v.type, "Invalid type_id");
    if (this.#defer(t, id)) return;
    const component = env.u32(v.type + 12) | 0;
    if (component !== -1) {
      const kind = env.kind(t);
      if (kind === K.VAR || kind === K.TYPEDEF) env.refuseType(v.type, "Invalid component_idx");
      const parts = isStructOrUnion(kind) ? env.vlen(t) : env.vlen(env.byId(env.sizeOrType(t)) ?? VOID);
      if (component >>> 0 >= parts) env.refuseType(v.type, "Invalid component_idx");
    }
    this.#pop(id, 0);
  }

  #func(v: Vertex): void {
    const env = this.#env;
    const proto = env.byId(env.sizeOrType(v.type));
    if (proto === undefined || env.kind(proto) !== K.FUNC_PROTO) return env.refuseType(v.type, "Invalid type_id");
    for (let i = 0; i < env.vlen(proto); i++) {
      const at = proto + 12 + i * 8;
      if (env.u32(at) === 0 && env.u32(at + 4) !== 0) env.refuseType(v.type, `Invalid arg#${i + 1}`);
    }
    this.#pop(env.sizeOrType(v.type), 0);
  }

  /** btf_func_proto_check. */
  #proto(t: TypeAt): void {
    const env = this.#env;
    const part = (id: number, what: string): void => {
      const p = env.byId(id);
      if (p === undefined || isSourceOnly(env.kind(p))) return env.refuseType(t, what);
      this.#settle(p, id);
      if (this.#sizeOf(id) === undefined) env.refuseType(t, what);
    };
    if (env.sizeOrType(t) !== 0) part(env.sizeOrType(t), "Invalid return type");
    let count = env.vlen(t);
    const arg = (i: number): number => t + 12 + i * 8;
    if (count > 0 && env.u32(arg(count - 1) + 4) === 0) {
      if (env.u32(arg(count - 1)) !== 0) env.refuseType(t, `Invalid arg#${count}`);
      count--;
    }
    for (let i = 0; i < count; i++) {
      const what = `Invalid arg#${i + 1}`;
      const id = env.u32(arg(i) + 4);
      const p = env.byId(id);
      if (p === undefined || isSourceOnly(env.kind(p))) env.refuseType(t, what);
      const name = env.u32(arg(i));
      if (name !== 0 && (!env.nameOk(name) || !env.isIdentifier(name))) env.refuseType(t, what);
      part(id, what);
    }
  }

  /** btf_resolve_valid: what the kernel asserts of a finished type. */
  #valid(t: TypeAt, id: number): boolean {
    const env = this.#env;
    if (!this.#done(id)) return false;
    const kind = env.kind(t);
    const [to, size] = [this.#ids[id]!, this.#sizes[id]!];
    if (isStructOrUnion(kind) || kind === K.DATASEC) return to === 0 && size === 0;
    if (kind === K.DECL_TAG || kind === K.FUNC) return to !== 0 && size === 0;
    if (kind === K.ARRAY) {
      const elem = this.#sizeOf(env.u32(t + 12));
      return elem !== undefined && !isModifier(env.kind(elem.type)) && (env.u32(t + 20) * elem.size) >>> 0 === size;
    }
    const target = env.byId(to);
    return target !== undefined && !isModifier(env.kind(target)) && env.kind(target) !== K.VAR && env.kind(target) !== K.DATASEC;
  }
}
