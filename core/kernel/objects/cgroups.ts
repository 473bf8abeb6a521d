// The tree of cgroups (version 2): ids, ancestors, and struct cgroup for programs that look into it. It limits nothing.
import type { Region } from "../../vm/index.ts";
import { addressOf, type KernelPart, type ObjectStore } from "./kobject.ts";

/** A cgroup; level 0 is the root. */
export interface Cgroup {
  readonly id: bigint;
  readonly name: string;
  readonly parent: Cgroup | undefined;
  readonly level: number;
}
/** Id of the root cgroup. */
export const ROOT_CGROUP = 1n;
/** Most levels below the root that a program may ask for (CGROUP_ANCESTORS and cgroup.max.depth are far above). */
const MOST_LEVELS = 64;

interface State {
  readonly groups: ReadonlyMap<bigint, Cgroup>;
  readonly regions: ReadonlyMap<bigint, Region>;
}

export class Cgroups implements KernelPart {
  readonly #store: ObjectStore;
  #groups: ReadonlyMap<bigint, Cgroup>;
  #regions: ReadonlyMap<bigint, Region> = new Map();
  constructor(store: ObjectStore) {
    this.#store = store;
    this.#groups = new Map([[ROOT_CGROUP, { id: ROOT_CGROUP, name: "/", parent: undefined, level: 0 }]]);
  }
  /** The cgroup with this id; one that nobody made yet is a child of the root. */
  get(id: bigint): Cgroup {
    return this.#groups.get(id) ?? this.add(id, ROOT_CGROUP, `cgroup-${id}`);
  }
  find(id: bigint): Cgroup | undefined {
    return this.#groups.get(id);
  }
  /** Makes a cgroup below another one. Its id must be new and the tree not too deep, else the one that is there comes back. */
  add(id: bigint, parentId: bigint, name: string): Cgroup {
    const there = this.#groups.get(id);
    const parent = this.#groups.get(parentId) ?? this.#groups.get(ROOT_CGROUP)!;
    if (there || parent.level >= MOST_LEVELS) return there ?? parent;
    const made: Cgroup = { id, name, parent, level: parent.level + 1 };
    this.#groups = new Map(this.#groups).set(id, made);
    return made;
  }
  /** The ancestor at `level`, the cgroup itself at its own level, or undefined (cgroup_ancestor, include/linux/cgroup.h, 6.18). */
  ancestor(group: Cgroup, level: number): Cgroup | undefined {
    if (level < 0 || level > group.level) return undefined;
    let at: Cgroup | undefined = group;
    while (at && at.level > level) at = at.parent;
    return at;
  }
  /** Whether `group` is `ancestor` or lies below it. */
  isDescendant(group: Cgroup, ancestor: Cgroup): boolean {
    return this.ancestor(group, ancestor.level) === ancestor;
  }
  /** All cgroups below `group` and itself, parents before their children or after them. */
  walk(group: Cgroup, parentsFirst: boolean): Cgroup[] {
    const children = [...this.#groups.values()].filter((g) => g.parent === group).flatMap((g) => this.walk(g, parentsFirst));
    return parentsFirst ? [group, ...children] : [...children, group];
  }
  /** struct cgroup of a group in memory. */
  region(group: Cgroup): Region {
    const there = this.#regions.get(group.id);
    if (there) return there;
    const store = this.#store;
    const region = store.make("cgroup", { owner: group, extra: 8 * (group.level + 1) });
    this.#regions = new Map(this.#regions).set(group.id, region);
    const node = store.fill(store.make("kernfs_node"), "kernfs_node", { id: group.id });
    const css = group.parent ? store.memberAt(this.region(group.parent), "cgroup", "self") : 0;
    store.fill(region, "cgroup", {
      level: group.level,
      kn: node,
      "self.cgroup": region,
      "self.parent": addressOf(css),
      "self.id": group.level ? 2 : 1,
    });
    this.#ancestors(region, group);
    return region;
  }
  #ancestors(region: Region, group: Cgroup): void {
    const at = this.#store.memberAt(region, "cgroup", "ancestors");
    if (!at) return;
    for (let g: Cgroup | undefined = group; g; g = g.parent) {
      const target = g === group ? region : this.region(g);
      this.#store.memory.view.setBigUint64(at + 8 * g.level, addressOf(target.start), true);
    }
    this.#store.memory.markDirty(at, 8 * (group.level + 1));
  }
  /** The cgroup whose struct cgroup (or css inside it) lies at an offset of memory. */
  at(offset: number): Cgroup | undefined {
    const owner = this.#store.memory.regionAt(offset)?.owner as Cgroup | undefined;
    return owner !== undefined && this.#groups.get(owner.id) === owner ? owner : undefined;
  }
  save(): State {
    return { groups: this.#groups, regions: this.#regions };
  }
  restore(state: unknown): void {
    const s = state as State;
    this.#groups = s.groups;
    this.#regions = s.regions;
  }
}
