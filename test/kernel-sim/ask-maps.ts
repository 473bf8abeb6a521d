// Random operations of bpf(2) on maps, as lines for test/kernel/ask-maps.c, and their answers from the simulated kernel. It judges nothing.
import { hexToBytes, bytesToHex } from "../../core/base/index.ts";
import { MAP_TYPE as T } from "../../core/catalog/index.ts";
import { SimKernel } from "../../core/kernel/index.ts";
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

/** Maps 0 to 2 are arrays of one, one and two elements, for maps of maps; map 3 is the subject. */
const helpers = [1, 1, 2].map((n) => `map ${T.ARRAY} 4 4 ${n} 0 0 -1`);

/** The lines of a sequence of `count` operations. */
export function sequence(s: Subject, count: number, seed: number): string[] {
  const roll = dice(seed);
  const lines = [...helpers, `map ${s.type} ${s.keySize} ${s.valueSize} ${s.maxEntries} ${s.flags ?? 0} 0 ${s.inner ? 0 : -1}`];
  const flags = (): number => [0, 0, 0, 1, 2, 3, 4, 5, 8][roll(9)]!;
  for (let i = 0; i < count; i++) {
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

/** The simulated kernel's answers, in the words of ask-maps.c. */
export class SimAsk {
  readonly #kernel: SimKernel;
  readonly #fds: number[] = [];
  #spec: MapSpec | undefined;
  readonly #specs: MapSpec[] = [];
  constructor(cpus: number) {
    this.#kernel = new SimKernel({ maxBytes: 1 << 24, hardware: { cpus } });
  }
  answer(line: string): string {
    const [op, ...words] = line.split(" ");
    if (op === "map") return this.#make(words.map(Number));
    const fdOf = this.#fds.at(-1)!;
    const isNull = words[0] === "-" || words[0] === undefined;
    const key = isNull ? undefined : hexToBytes(words[0]!);
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
        return text(this.#kernel.mapLookup(fdOf, key ?? new Uint8Array(0), Number(words[1])));
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
      btfKeyTypeId: 0,
      btfValueTypeId: 0,
      ...(inner! >= 0 ? { inner: this.#specs[inner!]! } : {}),
    };
    const made = this.#kernel.createMap(spec);
    if (made < 0) return String(-made);
    this.#fds.push(made);
    this.#specs.push(spec);
    this.#spec = spec;
    return "0";
  }
  #value(text: string): Uint8Array {
    return text.startsWith("@") ? hexToBytes(le(this.#fds[Number(text.slice(1))]!, 4)) : hexToBytes(text);
  }
  #show(bytes: Uint8Array): string {
    if (!this.#spec!.inner) return bytesToHex(bytes);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    return `@${this.#fds.findIndex((f) => this.#kernel.mapByFd(f)!.id === id)}`;
  }
}
