// Tracked connections: struct nf_conn by the tuple of a packet, for the conntrack kfuncs. It watches no packets and times nothing out.
import type { Region } from "../../vm/index.ts";
import type { KernelPart, ObjectStore } from "./kobject.ts";

/** Addresses (4 or 16 bytes), ports in host order. */
export interface CtTuple {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
}
export interface CtEntry {
  readonly id: number;
  readonly tuple: CtTuple;
  readonly zone: number;
  readonly region: Region;
  /** Bits of IPS_*. */
  readonly status: number;
  readonly timeoutMs: number;
  readonly inserted: boolean;
}
/** Most connections (nf_conntrack_max of a small machine). */
const MOST_ENTRIES = 65536;
interface State {
  readonly entries: ReadonlyMap<number, CtEntry>;
  readonly next: number;
}
const text = (t: CtTuple, zone: number): string =>
  [t.protocol, zone, t.source.join("."), t.sourcePort, t.destination.join("."), t.destinationPort].join(" ");
export const reversed = (t: CtTuple): CtTuple => ({
  protocol: t.protocol,
  source: t.destination,
  destination: t.source,
  sourcePort: t.destinationPort,
  destinationPort: t.sourcePort,
});

export class Conntrack implements KernelPart {
  readonly #store: ObjectStore;
  #state: State = { entries: new Map(), next: 1 };
  constructor(store: ObjectStore) {
    this.#store = store;
  }
  /** A new entry that no look-up finds yet; undefined when the table is full. */
  create(tuple: CtTuple, zone: number, timeoutMs: number): CtEntry | undefined {
    if (this.#state.entries.size >= MOST_ENTRIES) return undefined;
    const id = this.#state.next;
    const region = this.#store.make("nf_conn", { owner: this, name: `nf_conn ${id}`, writable: true });
    const entry: CtEntry = { id, tuple, zone, region, status: 0, timeoutMs, inserted: false };
    this.#state = { entries: new Map(this.#state.entries).set(id, entry), next: id + 1 };
    return entry;
  }
  /** The entry whose tuple or its reverse this is, with the direction (0 original, 1 reply). */
  find(tuple: CtTuple, zone: number): { entry: CtEntry; direction: number } | undefined {
    const wanted = text(tuple, zone);
    for (const entry of this.#state.entries.values()) {
      if (!entry.inserted) continue;
      if (text(entry.tuple, entry.zone) === wanted) return { entry, direction: 0 };
      if (text(reversed(entry.tuple), entry.zone) === wanted) return { entry, direction: 1 };
    }
    return undefined;
  }
  at(offset: number): CtEntry | undefined {
    const region = this.#store.memory.regionAt(offset);
    return [...this.#state.entries.values()].find((e) => e.region === region);
  }
  change(entry: CtEntry, change: Partial<CtEntry>): CtEntry {
    const next = { ...this.#state.entries.get(entry.id)!, ...change };
    this.#state = { ...this.#state, entries: new Map(this.#state.entries).set(entry.id, next) };
    this.#store.fill(next.region, "nf_conn", { status: next.status });
    return next;
  }
  save(): unknown {
    return this.#state;
  }
  restore(state: unknown): void {
    this.#state = state as State;
  }
}
