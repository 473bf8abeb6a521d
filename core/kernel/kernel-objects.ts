// All objects of the simulated kernel that are neither maps nor programs, saved and restored as one. It runs nothing.
import type { Btf } from "../object/index.ts";
import type { Memory } from "../vm/index.ts";
import {
  Cgroups,
  Conntrack,
  DeferredWork,
  Files,
  KernelTypes,
  ObjectStore,
  Routes,
  Sockets,
  Tasks,
  type KernelPart,
} from "./objects/index.ts";

export class KernelObjects implements KernelPart {
  readonly store: ObjectStore;
  readonly cgroups: Cgroups;
  readonly tasks: Tasks;
  readonly sockets: Sockets;
  readonly routes = new Routes();
  readonly files: Files;
  readonly conntrack: Conntrack;
  readonly deferred = new DeferredWork();
  readonly #parts: readonly KernelPart[];
  constructor(memory: Memory, types: Btf | undefined) {
    this.store = new ObjectStore(memory, new KernelTypes(types));
    this.cgroups = new Cgroups(this.store);
    this.tasks = new Tasks(this.store, this.cgroups);
    this.sockets = new Sockets(this.store);
    this.files = new Files(this.store);
    this.conntrack = new Conntrack(this.store);
    this.#parts = [this.conntrack, this.cgroups, this.tasks, this.sockets, this.routes, this.files, this.deferred];
  }
  save(): unknown {
    return this.#parts.map((p) => p.save());
  }
  restore(state: unknown): void {
    (state as unknown[]).forEach((s, i) => this.#parts[i]!.restore(s));
  }
}
