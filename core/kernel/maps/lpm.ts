// BPF_MAP_TYPE_LPM_TRIE (kernel/bpf/lpm_trie.c, 6.18): longest prefix match; iteration gives longer prefixes before those that contain them.
import { EEXIST, EINVAL, ENOENT, ENOSPC } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, BpfMap, keyOfBytes, round8, type MapHost, type SysResult } from "./map.ts";
import { Slab, type SlabState } from "./slab.ts";

interface Entry {
  readonly key: Uint8Array;
  readonly at: number;
}
interface LpmState {
  readonly frozen: boolean;
  readonly entries: ReadonlyMap<number | string, Entry>;
  readonly slab: SlabState;
}
const prefixOf = (key: Uint8Array): number => (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;
const bit = (key: Uint8Array, i: number): number => (key[4 + (i >> 3)]! >> (7 - (i & 7))) & 1;

/** The key cut to `length` bits of prefix, the rest zero. */
function cut(key: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(key.length);
  new DataView(out.buffer).setUint32(0, length, true);
  for (let i = 0; i < length; i++) out[4 + (i >> 3)]! |= bit(key, i) << (7 - (i & 7));
  return out;
}
/** Order of iteration: a prefix after all that it contains, else by the first bit that differs. */
function postorder(a: Entry, b: Entry): number {
  const la = prefixOf(a.key),
    lb = prefixOf(b.key);
  for (let i = 0; i < Math.min(la, lb); i++) if (bit(a.key, i) !== bit(b.key, i)) return bit(a.key, i) - bit(b.key, i);
  return lb - la;
}

export class LpmTrieMap extends BpfMap {
  readonly #slab: Slab;
  readonly #maxPrefix: number;
  #entries = new Map<number | string, Entry>();
  #sorted: Entry[] | undefined;

  constructor(id: number, spec: MapSpec, host: MapHost) {
    super(id, spec, host);
    this.#maxPrefix = (spec.keySize - 4) * 8;
    this.#slab = new Slab(
      host.memory,
      `value of map ${spec.name || id}`,
      { bytes: round8(spec.valueSize), stride: round8(spec.valueSize), span: spec.valueSize },
      this,
    );
  }
  #exact(key: Uint8Array): Entry | undefined {
    return this.#entries.get(keyOfBytes(cut(key, prefixOf(key))));
  }
  override lookupBytes(key: Uint8Array): number {
    if (prefixOf(key) > this.#maxPrefix) return 0;
    for (let length = prefixOf(key); length >= 0; length--) {
      const entry = this.#entries.get(keyOfBytes(cut(key, length)));
      if (entry) return entry.at;
    }
    return 0;
  }
  lookup(keyAt: number): number {
    return this.lookupBytes(this.host.memory.read(keyAt, this.keySize));
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST || flags & BPF_F_LOCK || prefixOf(key) > this.#maxPrefix) return -EINVAL;
    const old = this.#exact(key);
    if (old && flags === BPF_NOEXIST) return -EEXIST;
    if (!old && flags === BPF_EXIST) return -ENOENT;
    if (!old && this.#entries.size >= this.spec.maxEntries) return -ENOSPC;
    const at = this.#slab.take();
    this.host.memory.write(at, value.subarray(0, this.valueSize));
    if (old) this.#slab.give(old.at);
    this.#entries.set(keyOfBytes(cut(key, prefixOf(key))), { key: key.slice(), at });
    this.#sorted = undefined;
    return 0;
  }
  delete(key: Uint8Array): number {
    if (prefixOf(key) > this.#maxPrefix) return -EINVAL;
    const old = this.#exact(key);
    if (!old) return -ENOENT;
    this.#entries.delete(keyOfBytes(cut(key, prefixOf(key))));
    this.#slab.give(old.at);
    this.#sorted = undefined;
    return 0;
  }
  #order(): Entry[] {
    return (this.#sorted ??= [...this.#entries.values()].sort(postorder));
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    const order = this.#order();
    const found = key && prefixOf(key) <= this.#maxPrefix ? this.#exact(key) : undefined;
    const next = order[found ? order.indexOf(found) + 1 : 0];
    return next ? next.key.slice() : -ENOENT;
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    return this.#order().map((e) => ({ key: e.key, valueAt: e.at }));
  }
  override save(): LpmState {
    return { frozen: this.frozen, entries: new Map(this.#entries), slab: this.#slab.save() };
  }
  override restore(state: unknown): void {
    const s = state as LpmState;
    this.frozen = s.frozen;
    this.#entries = new Map(s.entries);
    this.#slab.restore(s.slab);
    this.#sorted = undefined;
  }
}
