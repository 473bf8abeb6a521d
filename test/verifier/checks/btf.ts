// The types that the small programs' maps and functions have, as a BTF blob made by hand. It reads nothing.
import { openBtf, type Btf } from "../../../core/object/index.ts";

const [INT, PTR, STRUCT, FUNC, FUNC_PROTO, DECL_TAG, TYPE_TAG] = [1, 2, 4, 12, 13, 17, 18];
const [STATIC, GLOBAL] = [0, 1];

class Blob {
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

function make(): Blob {
  const b = new Blob();
  const int = b.int("int", 4, true);
  const u64 = b.int("unsigned long", 8, false);
  const lock = b.struct("bpf_spin_lock", 4, [["val", int, 0]]);
  const timer = b.struct("bpf_timer", 16, [
    ["o0", u64, 0],
    ["o1", u64, 8],
  ]);
  b.struct("locked", 8, [
    ["lock", lock, 0],
    ["n", int, 4],
  ]);
  b.struct("timed", 24, [
    ["n", u64, 0],
    ["t", timer, 8],
  ]);
  b.struct("plain", 8, [["n", u64, 0]]);
  const task = b.struct("task_struct", 8, [["x", u64, 0]]);
  const kptr = b.of("task kptr", PTR, b.of("kptr", TYPE_TAG, task, "kptr"));
  const untrusted = b.of("task kptr_untrusted", PTR, b.of("kptr_untrusted", TYPE_TAG, task, "kptr_untrusted"));
  b.struct("held", 16, [
    ["ref", kptr, 0],
    ["loose", untrusted, 8],
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
