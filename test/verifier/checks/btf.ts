// The types that the small programs' maps and functions have, as a BTF blob made by hand. It reads nothing.
import { openBtf, type Btf } from "../../../core/object/index.ts";

const [INT, PTR, STRUCT, FUNC, FUNC_PROTO, DECL_TAG, TYPE_TAG] = [1, 2, 4, 12, 13, 17, 18];
const [STATIC, GLOBAL] = [0, 1];

export class Blob {
  readonly ids = new Map<string, number>();
  readonly #types: number[] = [];
  #strings = "\0";
  #next = 1;

  str(text: string): number {
    const known = text ? this.#strings.indexOf(`\0${text}\0`) : -1;
    if (known >= 0) return known + 1;
    const at = this.#strings.length;
    this.#strings += `${text}\0`;
    return text ? at : 0;
  }
  /** One type; `known` is the name by which fixtures speak of it. */
  add(known: string, words: number[]): number {
    this.#types.push(...words);
    this.ids.set(known, this.#next);
    this.#next++;
    return this.#next - 1;
  }
  int(name: string, size: number, signed: boolean): number {
    return this.add(name, [this.str(name), INT << 24, size, ((signed ? 1 : 0) << 24) | (size * 8)]);
  }
  of(known: string, kind: number, type: number, name = ""): number {
    return this.add(known, [this.str(name), kind << 24, type]);
  }
  struct(name: string, size: number, members: [name: string, type: number, off: number][]): number {
    const rows = members.flatMap(([n, t, off]) => [this.str(n), t, off * 8]);
    return this.add(name, [this.str(name), (STRUCT << 24) | members.length, size, ...rows]);
  }
  func(name: string, returns: number, params: number[], linkage: number): number {
    const rows = params.flatMap((t, i) => [this.str(`a${i}`), t]);
    const proto = this.add(`${name} prototype`, [0, (FUNC_PROTO << 24) | params.length, returns, ...rows]);
    return this.add(name, [this.str(name), (FUNC << 24) | linkage, proto]);
  }
  tag(text: string, target: number, component: number): void {
    this.add(`tag ${text}`, [this.str(text), DECL_TAG << 24, target, component]);
  }
  bytes(): Uint8Array {
    const types = Buffer.from(Uint32Array.from(this.#types).buffer);
    const strings = Buffer.from(this.#strings);
    const head = Buffer.alloc(24);
    head.writeUInt16LE(0xeb9f, 0);
    head.writeUInt8(1, 2);
    [24, 0, types.length, types.length, strings.length].forEach((v, i) => head.writeUInt32LE(v, 4 + 4 * i));
    return Buffer.concat([head, types, strings]);
  }
}

/** Structures that the kernel knows by name, of `words` opaque words each. */
const OPAQUE: readonly (readonly [name: string, words: number])[] = [
  ["bpf_timer", 2],
  ["bpf_wq", 2],
  ["bpf_task_work", 1],
  ["bpf_list_head", 2],
  ["bpf_list_node", 3],
  ["bpf_rb_root", 2],
  ["bpf_rb_node", 4],
  ["bpf_dynptr", 2],
];

/** Values with special fields, and the objects that those hold. */
function special(b: Blob, int: number, u64: number): void {
  for (const [name, words] of OPAQUE)
    b.struct(
      name,
      words * 8,
      Array.from({ length: words }, (_, i) => [`o${i}`, u64, i * 8]),
    );
  for (const name of ["bpf_spin_lock", "bpf_res_spin_lock", "bpf_refcount"]) b.struct(name, 4, [["val", int, 0]]);
  const t = (name: string): number => b.ids.get(name)!;
  const value = (name: string, size: number, ...members: [name: string, type: string, off: number][]): number =>
    b.struct(
      name,
      size,
      members.map(([n, type, off]) => [n, t(type), off]),
    );
  const word = "unsigned long";
  value("locked", 8, ["lock", "bpf_spin_lock", 0], ["n", "int", 4]);
  value("res_locked", 16, ["lock", "bpf_res_spin_lock", 0], ["n", word, 8]);
  value("timed", 24, ["n", word, 0], ["t", "bpf_timer", 8]);
  value("queued", 24, ["n", word, 0], ["wq", "bpf_wq", 8]);
  value("worked", 16, ["n", word, 0], ["tw", "bpf_task_work", 8]);
  value("plain", 8, ["n", word, 0]);
  value("pair", 16, ["a", word, 0], ["b", word, 8]);
  value("item", 32, ["n", word, 0], ["list", "bpf_list_node", 8]);
  value("item2", 40, ["n", word, 0], ["list", "bpf_list_node", 8], ["m", word, 32]);
  value("leaf", 40, ["n", word, 0], ["node", "bpf_rb_node", 8]);
  value("counted", 16, ["n", word, 0], ["refs", "bpf_refcount", 8]);
  value("big", 1024, ["a", word, 0], ["z", word, 1016]);
  b.tag("contains:item:list", value("listed", 24, ["lock", "bpf_spin_lock", 0], ["head", "bpf_list_head", 8]), 1);
  b.tag("contains:leaf:node", value("treed", 24, ["lock", "bpf_spin_lock", 0], ["root", "bpf_rb_root", 8]), 1);
}

function make(): Blob {
  const b = new Blob();
  const int = b.int("int", 4, true);
  const u64 = b.int("unsigned long", 8, false);
  special(b, int, u64);
  const task = b.struct("task_struct", 8, [["x", u64, 0]]);
  const tagged = (tag: string, type: number): number => b.of(`${tag} ${type}`, PTR, b.of(tag, TYPE_TAG, type, tag));
  b.struct("held", 32, [
    ["ref", tagged("kptr", task), 0],
    ["loose", tagged("kptr_untrusted", task), 8],
    ["own", tagged("kptr", b.ids.get("plain")!), 16],
    ["each", tagged("percpu_kptr", b.ids.get("pair")!), 24],
  ]);
  const anything = b.of("void *", PTR, 0);
  const intPointer = b.of("int *", PTR, int);
  b.func("main", int, [anything], GLOBAL);
  b.func("main2", int, [anything], GLOBAL);
  b.func("local", int, [u64], STATIC);
  b.func("local_void", 0, [u64], STATIC);
  b.func("shared", int, [int], GLOBAL);
  b.func("shared_ptr", int, [intPointer], GLOBAL);
  b.func("shared_struct", int, [b.of("task *", PTR, task)], GLOBAL);
  const odd = b.func("shared_tagged", int, [int], GLOBAL);
  b.tag("arg:nonnull", odd, 0);
  const context = b.of("xdp_md *", PTR, b.struct("xdp_md", 24, [["data", int, 0]]));
  const dynptr = b.of("bpf_dynptr *", PTR, b.ids.get("bpf_dynptr")!);
  const byTag: readonly [name: string, type: number, ...tags: string[]][] = [
    ["shared_six", int],
    ["shared_by_value", b.ids.get("pair")!],
    ["shared_ctx", context],
    ["shared_ctx_nonnull", context, "ctx", "nonnull"],
    ["shared_dynptr", dynptr],
    ["shared_dynptr_nonnull", dynptr, "nonnull"],
    ["shared_nonnull", intPointer, "nonnull"],
    ["shared_unknown_tag", intPointer, "strange"],
    ["shared_trusted", b.ids.get("task *")!, "trusted"],
    ["shared_trusted_null", b.ids.get("task *")!, "trusted", "nullable"],
    ["shared_trusted_nonnull", b.ids.get("task *")!, "trusted", "nonnull"],
    ["shared_trusted_own", b.of("pair *", PTR, b.ids.get("pair")!), "trusted"],
    ["shared_untrusted", b.ids.get("task *")!, "untrusted"],
    ["shared_untrusted_two", b.ids.get("task *")!, "untrusted", "nullable"],
    ["shared_untrusted_int", intPointer, "untrusted"],
    ["shared_arena", anything, "arena"],
    ["shared_arena_two", anything, "arena", "nonnull"],
    ["shared_unsized", anything],
    ["shared_nullable", intPointer, "nullable"],
  ];
  for (const [name, type, ...tags] of byTag) {
    const fn = b.func(name, int, name === "shared_six" ? [int, int, int, int, int, int] : [type], GLOBAL);
    for (const tag of tags) b.tag(`arg:${tag}`, fn, 0);
  }
  const staticTagged = b.func("local_tagged", int, [intPointer], STATIC);
  b.tag("arg:nonnull", staticTagged, 0);
  b.func("shared_void", 0, [int], GLOBAL);
  b.func("caught", int, [u64], GLOBAL);
  b.func("caught_pointer", int, [anything], GLOBAL);
  b.func("caught_two", int, [u64, u64], GLOBAL);
  b.func("caught_static", int, [u64], STATIC);
  for (const name of ["caught", "caught_pointer", "caught_two", "caught_static", "nobody"])
    b.tag(`exception_callback:${name}`, b.func(`main_${name}`, int, [anything], GLOBAL), -1);
  const twice = b.func("main_twice", int, [anything], GLOBAL);
  for (const name of ["caught", "caught_two"]) b.tag(`exception_callback:${name}`, twice, -1);
  b.str("x.c");
  return b;
}

let blob: Blob | undefined;
const types = (): Blob => (blob ??= make());
export const typeBytes = (): Uint8Array => types().bytes();
export const stringOffset = (text: string): number => types().str(text);
export const testBtf = (): Btf => openBtf(typeBytes());

/** Id of a type or function of {@link testBtf}. */
export function typeId(name: string): number {
  const id = types().ids.get(name);
  if (id === undefined) throw new Error(`the test's BTF has no '${name}'`);
  return id;
}
