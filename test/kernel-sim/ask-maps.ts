// Random operations of bpf(2) on maps, as lines for test/kernel/ask-maps.c, and their answers from the simulated kernel. It judges nothing.
import { hexToBytes, bytesToHex } from "../../core/base/index.ts";
import { MAP_TYPE as T } from "../../core/catalog/index.ts";
import { deleteBatch, lookupBatch, SimKernel, updateBatch } from "../../core/kernel/index.ts";
import type { MapSpec } from "../../core/object/index.ts";

/** What a sequence is about. */
export interface Subject {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly inner?: boolean;
  /** Order of iteration is the kernel's own business: keys are compared as a set at the end. */
  readonly unordered?: boolean;
  /** Objects whose descriptors keys and values may be. */
  readonly objects?: readonly string[];
  /** Batch operations are among the operations. */
  readonly batches?: boolean;
  key(roll: Roll): string;
  value(roll: Roll): string;
}
export type Roll = (n: number) => number;

/** Numbers below `n`, by seed. */
export function dice(seed: number): Roll {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}
const le = (n: number, bytes: number): string => bytesToHex(Uint8Array.from({ length: bytes }, (_, i) => (i < 4 ? n >>> (8 * i) : 0)));
const random = (roll: Roll, bytes: number): string => bytesToHex(Uint8Array.from({ length: bytes }, () => roll(256)));
const index = (roll: Roll): string => le(roll(10), 4);
const round8 = (n: number): number => Math.ceil(n / 8) * 8;
const STORAGES: ReadonlySet<number> = new Set([T.SK_STORAGE, T.INODE_STORAGE, T.TASK_STORAGE, T.CGRP_STORAGE]);
const fd = (): string => "ffffffff";

/** A sequence for each map type that bpf(2) can make without further objects. */
export const subjects = (cpus: number): Subject[] => {
  const array = { keySize: 4, maxEntries: 8, key: index };
  const hash = {
    keySize: 6,
    maxEntries: 16,
    unordered: true,
    key: (roll: Roll) => le(roll(24), 6),
    value: (roll: Roll) => random(roll, 12),
    valueSize: 12,
  };
  const percpu = { valueSize: 12, value: (roll: Roll) => random(roll, round8(12) * cpus) };
  const lru = { ...hash, maxEntries: 1024, key: (roll: Roll) => le(roll(64), 6) };
  const none = { keySize: 0, key: () => "-" };
  const device = (roll: Roll): string => le([0, 1, 1, 77][roll(4)]!, 4);
  return [
    { name: "array", type: T.ARRAY, ...array, valueSize: 12, value: (roll) => random(roll, 12) },
    { name: "percpu_array", type: T.PERCPU_ARRAY, ...array, ...percpu },
    { name: "hash", type: T.HASH, ...hash },
    { name: "hash without preallocation", type: T.HASH, ...hash, flags: 1 },
    { name: "percpu_hash", type: T.PERCPU_HASH, ...hash, ...percpu },
    { name: "lru_hash", type: T.LRU_HASH, ...lru },
    { name: "lru_percpu_hash", type: T.LRU_PERCPU_HASH, ...lru, ...percpu },
    {
      name: "lpm_trie",
      type: T.LPM_TRIE,
      keySize: 8,
      valueSize: 4,
      maxEntries: 20,
      flags: 1,
      key: (roll) => le([0, 1, 7, 8, 9, 16, 20, 24, 31, 32, 33][roll(11)]!, 4) + le([10, 0x010a, 0x0201010a, 0x80, 0xff][roll(5)]!, 4),
      value: (roll) => random(roll, 4),
    },
    { name: "queue", type: T.QUEUE, ...none, valueSize: 8, maxEntries: 5, value: (roll) => random(roll, 8) },
    { name: "stack", type: T.STACK, ...none, valueSize: 8, maxEntries: 5, value: (roll) => random(roll, 8) },
    { name: "devmap", type: T.DEVMAP, ...array, valueSize: 4, value: device },
    { name: "devmap with programs", type: T.DEVMAP, ...array, valueSize: 8, value: (roll) => device(roll) + le([0, 0, -1][roll(3)]!, 4) },
    { name: "devmap_hash", type: T.DEVMAP_HASH, ...array, valueSize: 4, unordered: true, value: device },
    { name: "cpumap", type: T.CPUMAP, ...array, maxEntries: cpus, valueSize: 4, value: (roll) => le([0, 0, 20000][roll(3)]!, 4) },
    { name: "prog_array", type: T.PROG_ARRAY, ...array, valueSize: 4, value: fd },
    { name: "perf_event_array", type: T.PERF_EVENT_ARRAY, ...array, valueSize: 4, value: fd },
    { name: "cgroup_array", type: T.CGROUP_ARRAY, ...array, valueSize: 4, value: fd },
    { name: "xskmap", type: T.XSKMAP, ...array, valueSize: 4, value: fd },
    { name: "sockmap", type: T.SOCKMAP, ...array, valueSize: 4, value: fd },
    { name: "reuseport_sockarray", type: T.REUSEPORT_SOCKARRAY, ...array, valueSize: 4, value: fd },
    { name: "array_of_maps", type: T.ARRAY_OF_MAPS, ...array, valueSize: 4, inner: true, value: (roll) => `@${roll(3)}` },
    { name: "hash_of_maps", type: T.HASH_OF_MAPS, ...array, valueSize: 4, inner: true, unordered: true, value: (roll) => `@${roll(3)}` },
  ];
};

/** Types whose keys or values are descriptors of other objects, and those that bpf(2) can do little with. */
export const objectSubjects = (cpus: number): Subject[] => {
  const array = { keySize: 4, maxEntries: 8, key: index };
  const some =
    (...values: string[]) =>
    (roll: Roll): string =>
      values[roll(values.length)]!;
  const storage = { keySize: 4, valueSize: 4, maxEntries: 0, flags: 1, value: (roll: Roll) => random(roll, 4) };
  const sockets = { objects: ["listen", "tcp", "udp"], value: some("s0", "s0", "s1", "s2", "ffffffff", "00010000") };
  const fixed = { keySize: 0, valueSize: 0, key: () => "-", value: () => "-" };
  return [
    { name: "stack_trace", type: T.STACK_TRACE, ...array, valueSize: 16, value: (roll) => random(roll, 16) },
    { name: "sockmap with sockets", type: T.SOCKMAP, ...array, valueSize: 4, ...sockets },
    {
      name: "sockmap with cookies",
      type: T.SOCKMAP,
      ...array,
      valueSize: 8,
      ...sockets,
      value: some("ffffffffffffffff", "0000010000000000"),
    },
    {
      name: "sockhash",
      type: T.SOCKHASH,
      keySize: 6,
      valueSize: 4,
      maxEntries: 6,
      unordered: true,
      key: (roll) => le(roll(9), 6),
      ...sockets,
    },
    { name: "sk_storage", type: T.SK_STORAGE, ...storage, objects: ["listen", "udp", "file"], key: some("s0", "s1", "s2", "ffffffff") },
    { name: "task_storage", type: T.TASK_STORAGE, ...storage, objects: ["task", "file"], key: some("s0", "s0", "s1", "ffffffff") },
    { name: "inode_storage", type: T.INODE_STORAGE, ...storage, objects: ["file"], key: some("s0", "s0", "ffffffff") },
    { name: "cgrp_storage", type: T.CGRP_STORAGE, ...storage, objects: ["file"], key: some("s0", "ffffffff") },
    {
      name: "cgroup_storage",
      type: T.CGROUP_STORAGE,
      keySize: 16,
      valueSize: 8,
      maxEntries: 0,
      key: (roll) => le(roll(3), 16),
      value: (roll) => random(roll, 8),
    },
    {
      name: "percpu_cgroup_storage",
      type: T.PERCPU_CGROUP_STORAGE,
      keySize: 8,
      valueSize: 8,
      maxEntries: 0,
      key: (roll) => le(roll(3), 8),
      value: (roll) => random(roll, 8 * cpus),
    },
    { name: "ringbuf", type: T.RINGBUF, ...fixed, maxEntries: 4096 },
    { name: "user_ringbuf", type: T.USER_RINGBUF, ...fixed, maxEntries: 4096 },
    { name: "arena", type: T.ARENA, ...fixed, maxEntries: 4, flags: 1024 },
  ];
};

/** Types that have batch operations, and some that have none. */
export const batchSubjects = (cpus: number): Subject[] => {
  const wanted = new Set<number>([
    T.ARRAY,
    T.PERCPU_ARRAY,
    T.HASH,
    T.PERCPU_HASH,
    T.LRU_HASH,
    T.LRU_PERCPU_HASH,
    T.LPM_TRIE,
    T.QUEUE,
    T.DEVMAP,
    T.PROG_ARRAY,
  ]);
  return [
    ...subjects(cpus).filter((s) => wanted.has(s.type)),
    ...objectSubjects(cpus).filter(
      (s) => s.type === T.STACK_TRACE || (s.type === T.SOCKMAP && s.valueSize === 8) || s.type === T.CGROUP_STORAGE,
    ),
  ].map((s) => ({ ...s, name: `${s.name} in batches`, batches: true }));
};

/** Maps 0 to 2 are arrays of one, one and two elements, for maps of maps; map 3 is the subject. */
const helpers = [1, 1, 2].map((n) => `map ${T.ARRAY} 4 4 ${n} 0 0 -1`);

/** The lines of a sequence of `count` operations. */
export function sequence(s: Subject, count: number, seed: number): string[] {
  const roll = dice(seed);
  const lines = [
    ...(s.objects ?? []).map((o) => `fd ${o}`),
    ...helpers,
    `map ${s.type} ${s.keySize} ${s.valueSize} ${s.maxEntries} ${s.flags ?? 0} 0 ${s.inner ? 0 : -1}`,
  ];
  const flags = (): number => [0, 0, 0, 1, 2, 3, 4, 5, 8][roll(9)]!;
  for (let i = 0; i < count; i++) {
    if (s.batches && roll(4) === 0) {
      lines.push(batchLine(s, roll));
      continue;
    }
    const pick = roll(10);
    if (pick < 4) lines.push(`up ${s.key(roll)} ${s.value(roll)} ${flags()}`);
    else if (pick < 7) lines.push(`lk ${s.key(roll)} ${roll(6) ? 0 : flags()}`);
    else if (pick === 7) lines.push(`dl ${s.key(roll)}`);
    else if (pick === 8) lines.push(`ld ${s.key(roll)} ${roll(6) ? 0 : flags()}`);
    else if (!s.unordered) lines.push(`nx ${roll(3) ? s.key(roll) : "-"}`);
  }
  lines.push("fz", `up ${s.key(roll)} ${s.value(roll)} 0`, `dl ${s.key(roll)}`, "fz");
  return lines;
}

/** Operations on a bloom filter: every second value is never put in. */
export function bloomSequence(valueSize: number, count: number, seed: number): string[] {
  const roll = dice(seed);
  const lines = [`map ${T.BLOOM_FILTER} 0 ${valueSize} 512 0 3 -1`];
  const value = (odd: number): string => le(2 * roll(400) + odd, valueSize);
  const flags = (): number => [0, 0, 0, 0, 0, 1, 2, 4][roll(8)]!;
  for (let i = 0; i < count; i++) {
    const pick = roll(12);
    if (pick < 4) lines.push(`up - ${value(0)} ${flags()}`);
    else if (pick < 10) lines.push(`lk - ${value(roll(2))} ${roll(6) ? 0 : flags()}`);
    else lines.push(["dl -", "nx -", `ld - ${flags()}`][roll(3)]!);
  }
  return [...lines, "fz", `up - ${value(0)} 0`, `lk - ${value(0)} 0`, "dl -", "fz"];
}

/** Hash maps have an order of their own: their batches are asked for whole. */
function batchLine(s: Subject, roll: Roll): string {
  const count = roll(5);
  const flags = [0, 0, 0, 0, 4, 1][roll(6)]!;
  const many = (one: (roll: Roll) => string): string =>
    Array.from({ length: count }, () => one(roll))
      .join("")
      .replaceAll("-", "") || "-";
  switch (roll(8)) {
    case 0:
      return `db ${count} ${flags} ${many(s.key)}`;
    case 1:
    case 2:
    case 3:
      return `ub ${count} ${flags} ${many(s.key)} ${many(s.value)}`;
    case 4:
      return s.unordered || s.keySize === 0 ? `xb ${roll(4) ? 4096 : 0} ${flags} -` : `xb ${count} ${flags} -`;
    default:
      return s.unordered ? `lb ${roll(4) ? 4096 : 0} ${flags} -` : `lb ${roll(12)} ${flags} ${roll(2) && s.keySize ? s.key(roll) : "-"}`;
  }
}
/** An answer to a batch without what depends on the order: elements sorted, position left out. */
export function unorderedBatch(answer: string): string {
  const [err, count, _position, ...rest] = answer.split(" ");
  const pairs = rest.flatMap((w, i) => (i % 2 ? [] : [`${w} ${rest[i + 1]}`]));
  return [err, count, ...pairs.sort()].join(" ");
}

/** The simulated kernel's answers, in the words of ask-maps.c. */
export class SimAsk {
  readonly #kernel: SimKernel;
  readonly #fds: number[] = [];
  #spec: MapSpec | undefined;
  readonly #specs: MapSpec[] = [];
  readonly #objects: number[] = [];
  constructor(cpus: number) {
    this.#kernel = new SimKernel({ maxBytes: 1 << 24, hardware: { cpus } });
  }
  answer(line: string): string {
    const [op, ...words] = line.split(" ");
    if (op === "map") return this.#make(words.map(Number));
    if (op === "fd") return this.#open(words[0]!);
    if (op![1] === "b") return this.#batch(op!, words);
    const fdOf = this.#fds.at(-1)!;
    const isNull = words[0] === "-" || words[0] === undefined;
    const key = isNull ? undefined : this.#value(words[0]!);
    const text = (r: Uint8Array | number): string => (typeof r === "number" ? String(-r) : `0 ${this.#show(r)}`);
    switch (op) {
      case "up":
        return String(-this.#kernel.mapUpdate(fdOf, key ?? new Uint8Array(0), this.#value(words[1]!), Number(words[2])));
      case "dl":
        return String(-this.#kernel.mapDelete(fdOf, key ?? new Uint8Array(0)));
      case "nx": {
        const next = this.#kernel.mapNextKey(fdOf, key);
        return typeof next === "number" ? String(-next) : `0 ${bytesToHex(next)}`;
      }
      case "lk":
        return words.length === 3
          ? text(this.#kernel.mapLookup(fdOf, new Uint8Array(0), Number(words[2]), this.#value(words[1]!)))
          : text(this.#kernel.mapLookup(fdOf, key ?? new Uint8Array(0), Number(words[1])));
      case "ld":
        return text(this.#kernel.mapLookupAndDelete(fdOf, key ?? new Uint8Array(0), Number(words[1])));
      default:
        return String(-this.#kernel.mapByFd(fdOf)!.freeze());
    }
  }
  #make([type, keySize, valueSize, maxEntries, flags, extra, inner]: number[]): string {
    const spec: MapSpec = {
      name: "m",
      type: type!,
      keySize: keySize!,
      valueSize: valueSize!,
      maxEntries: maxEntries!,
      flags: flags!,
      mapExtra: BigInt(extra!),
      btfKeyTypeId: STORAGES.has(type!) ? 1 : 0,
      btfValueTypeId: STORAGES.has(type!) ? 1 : 0,
      ...(inner! >= 0 ? { inner: this.#specs[inner!]! } : {}),
    };
    const made = this.#kernel.createMap(spec);
    if (made < 0) return String(-made);
    this.#fds.push(made);
    this.#specs.push(spec);
    this.#spec = spec;
    return "0";
  }
  #open(kind: string): string {
    const { objects } = this.#kernel;
    const socket = { listen: { state: 10 }, tcp: {}, udp: { type: 2 } }[kind];
    const object = socket
      ? objects.sockets.add(socket)
      : kind === "task"
        ? objects.tasks.all()[0]!
        : kind === "file"
          ? objects.files.open("/dev/null")
          : objects.cgroups.get(1n);
    this.#objects.push(this.#kernel.open(object));
    return "0";
  }
  #batch(op: string, words: string[]): string {
    const fd = this.#fds.at(-1)!;
    const [count, elemFlags] = [Number(words[0]), Number(words[1])];
    const [first, second] = [words[2], words[3]].map((w) => (w === undefined || w === "-" ? new Uint8Array(0) : this.#value(w)));
    if (op === "ub" || op === "db") {
      const r =
        op === "ub"
          ? updateBatch(this.#kernel, fd, { count, elemFlags, keys: first!, values: second! })
          : deleteBatch(this.#kernel, fd, { count, elemFlags, keys: first! });
      return `${-r.err} ${r.count}`;
    }
    const r = lookupBatch(this.#kernel, fd, { count, elemFlags, from: first!.length ? first : undefined }, op === "xb");
    if (r.err && r.err !== -2) return `${-r.err} ${r.count}`;
    const { keySize } = this.#spec!;
    const size = this.#kernel.mapByFd(fd)!.sysValueSize;
    const pairs = Array.from(
      { length: r.count },
      (_, i) => `${bytesToHex(r.keys.subarray(i * keySize, (i + 1) * keySize))} ${this.#show(r.values.subarray(i * size, (i + 1) * size))}`,
    );
    return [-r.err, r.count, r.count ? bytesToHex(r.next ?? new Uint8Array(keySize)) : "", ...pairs].join(" ");
  }
  #value(text: string): Uint8Array {
    if (text.startsWith("s")) return hexToBytes(le(this.#objects[Number(text.slice(1))]!, 4));
    if (text === "-") return new Uint8Array(0);
    return text.startsWith("@") ? hexToBytes(le(this.#fds[Number(text.slice(1))]!, 4)) : hexToBytes(text);
  }
  #show(bytes: Uint8Array): string {
    if (!this.#spec!.inner) return bytesToHex(bytes);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    return `@${this.#fds.findIndex((f) => this.#kernel.mapByFd(f)!.id === id)}`;
  }
}
