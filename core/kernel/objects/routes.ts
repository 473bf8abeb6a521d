// Routes and neighbours: what a forwarding look-up finds. It moves no packet.
import type { KernelPart } from "./kobject.ts";

/** A route; addresses have 4 or 16 bytes. */
export interface Route {
  readonly prefix: Uint8Array;
  readonly length: number;
  readonly ifindex: number;
  readonly gateway?: Uint8Array;
  readonly mtu?: number;
  /** unicast when absent. `local` is an address of this machine. */
  readonly kind?: "unicast" | "local" | "blackhole" | "unreachable" | "prohibit";
  /** RT_TABLE_MAIN (254) when absent. */
  readonly table?: number;
  readonly metric?: number;
  /** Address that packets over this route are sent from. */
  readonly source?: Uint8Array;
}
/** Who answers to an address on a link. */
export interface Neighbour {
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly mac: Uint8Array;
}
interface State {
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: ReadonlySet<number>;
}
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
const within = (route: Route, address: Uint8Array): boolean => {
  for (let i = 0; i < route.length; i++) {
    const mask = 128 >> (i & 7);
    if ((route.prefix[i >> 3]! & mask) !== (address[i >> 3]! & mask)) return false;
  }
  return true;
};

export class Routes implements KernelPart {
  #state: State = { routes: [], neighbours: [], forwarding: new Set() };
  add(route: Route): void {
    this.#state = { ...this.#state, routes: [...this.#state.routes, route] };
  }
  addNeighbour(neighbour: Neighbour): void {
    this.#state = { ...this.#state, neighbours: [...this.#state.neighbours, neighbour] };
  }
  /** Lets packets that arrive on a device be forwarded (net.ipv4.conf.DEV.forwarding). */
  forward(ifindex: number): void {
    this.#state = { ...this.#state, forwarding: new Set(this.#state.forwarding).add(ifindex) };
  }
  forwards(ifindex: number): boolean {
    return this.#state.forwarding.has(ifindex);
  }
  /** The longest match for an address in one table, or in local and main; with `ifindex` only routes over that device. */
  find(address: Uint8Array, table?: number, ifindex?: number): Route | undefined {
    const tables = table === undefined ? [255, 254] : [table];
    const tableOf = (r: Route): number => r.table ?? (r.kind === "local" ? 255 : 254);
    for (const t of tables) {
      const found = this.#state.routes
        .filter((r) => tableOf(r) === t && r.prefix.length === address.length && within(r, address))
        .filter((r) => ifindex === undefined || r.ifindex === ifindex)
        .sort((a, b) => b.length - a.length || (a.metric ?? 0) - (b.metric ?? 0))[0];
      if (found) return found;
    }
    return undefined;
  }
  hasTable(table: number): boolean {
    return this.#state.routes.some((r) => (r.table ?? (r.kind === "local" ? 255 : 254)) === table);
  }
  neighbour(ifindex: number, address: Uint8Array): Neighbour | undefined {
    return this.#state.neighbours.find((n) => n.ifindex === ifindex && same(n.address, address));
  }
  save(): State {
    return this.#state;
  }
  restore(state: unknown): void {
    this.#state = state as State;
  }
}
