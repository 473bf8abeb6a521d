// Red-black trees of a program's objects (kernel/bpf/helpers.c, bpf_rbtree_*, 6.18). Nodes lie in the machine's memory; the balancing is the textbook's.
import { KERNEL_HI, type Continuation, type Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import { pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { Links } from "./list.ts";
import { dropObject, localObject } from "./local-object.ts";
import { retInt, type KfuncTable } from "./types.ts";

/**
 * struct bpf_rb_node (32 bytes) and bpf_rb_root (16 bytes):
 * ```
 *  0                   8      16    24
 *  parent with colour  right  left  owner
 *  root                leftmost
 * ```
 */
const RIGHT = 8,
  LEFT = 16,
  OWNER = 24,
  LEFTMOST = 8;
const BLACK = 1;

/** A tree whose root lies at `root`. Node 0 stands for none, which is black. */
export class Tree {
  readonly #links: Links;
  readonly #vm: Machine;
  readonly root: number;
  constructor(vm: Machine, root: number) {
    this.#vm = vm;
    this.#links = new Links(vm);
    this.root = root;
  }
  get top(): number {
    return this.#links.get(this.root);
  }
  get leftmost(): number {
    return this.#links.get(this.root + LEFTMOST);
  }
  child(node: number, side: number): number {
    return this.#links.get(node + side);
  }
  parent(node: number): number {
    return this.#links.get(node) & ~3;
  }
  isRed(node: number): boolean {
    return node !== 0 && !(this.#links.get(node) & BLACK);
  }
  #paint(node: number, black: boolean): void {
    this.#setParent(node, this.parent(node), black);
  }
  #setParent(node: number, parent: number, black: boolean): void {
    const { memory } = this.#vm;
    memory.view.setUint32(node, parent | (black ? BLACK : 0), true);
    memory.view.setInt32(node + 4, parent ? KERNEL_HI : 0, true);
    memory.markDirty(node, 8);
  }
  /** Puts `to` where `node` hangs. */
  #replace(node: number, to: number): void {
    const parent = this.parent(node);
    if (parent === 0) this.#links.set(this.root, to);
    else this.#links.set(parent + (this.child(parent, LEFT) === node ? LEFT : RIGHT), to);
    if (to) this.#setParent(to, parent, !this.isRed(to));
  }
  /** Lets the child on the other side take the node's place; the node goes down on `side`. */
  #rotate(node: number, side: number): void {
    const other = side === LEFT ? RIGHT : LEFT;
    const up = this.child(node, other);
    const inner = this.child(up, side);
    this.#replace(node, up);
    this.#links.set(node + other, inner);
    if (inner) this.#setParent(inner, node, !this.isRed(inner));
    this.#links.set(up + side, node);
    this.#setParent(node, up, !this.isRed(node));
  }
  insert(node: number, parent: number, side: number, isLeftmost: boolean): void {
    this.#links.set(node + LEFT, 0);
    this.#links.set(node + RIGHT, 0);
    this.#links.set(node + OWNER, this.root);
    this.#setParent(node, parent, false);
    this.#links.set(parent === 0 ? this.root : parent + side, node);
    if (isLeftmost) this.#links.set(this.root + LEFTMOST, node);
    this.#balanceInsert(node);
  }
  #balanceInsert(start: number): void {
    let node = start;
    while (this.isRed(this.parent(node))) {
      let parent = this.parent(node);
      const grand = this.parent(parent);
      const side = this.child(grand, LEFT) === parent ? LEFT : RIGHT;
      const other = side === LEFT ? RIGHT : LEFT;
      const uncle = this.child(grand, other);
      if (this.isRed(uncle)) {
        this.#paint(uncle, true);
        this.#paint(parent, true);
        this.#paint(grand, false);
        node = grand;
        continue;
      }
      if (this.child(parent, other) === node) {
        this.#rotate(parent, side);
        [node, parent] = [parent, node];
      }
      this.#paint(parent, true);
      this.#paint(grand, false);
      this.#rotate(grand, other);
    }
    this.#paint(this.top, true);
  }
  remove(node: number): void {
    if (this.leftmost === node) this.#links.set(this.root + LEFTMOST, this.#next(node));
    let black = !this.isRed(node);
    let child: number, parent: number;
    if (this.child(node, LEFT) === 0 || this.child(node, RIGHT) === 0) {
      child = this.child(node, LEFT) || this.child(node, RIGHT);
      parent = this.parent(node);
      this.#replace(node, child);
    } else {
      const heir = this.#least(this.child(node, RIGHT));
      black = !this.isRed(heir);
      child = this.child(heir, RIGHT);
      parent = this.parent(heir) === node ? heir : this.parent(heir);
      if (parent !== heir) {
        this.#replace(heir, child);
        this.#links.set(heir + RIGHT, this.child(node, RIGHT));
        this.#setParent(this.child(node, RIGHT), heir, !this.isRed(this.child(node, RIGHT)));
      }
      this.#replace(node, heir);
      this.#links.set(heir + LEFT, this.child(node, LEFT));
      this.#setParent(this.child(node, LEFT), heir, !this.isRed(this.child(node, LEFT)));
      this.#paint(heir, !this.isRed(node));
    }
    if (black) this.#balanceRemove(child, parent);
    this.#links.set(node + OWNER, 0);
    this.#setParent(node, 0, false);
  }
  #balanceRemove(start: number, startParent: number): void {
    let node = start,
      parent = startParent;
    while (node !== this.top && !this.isRed(node)) {
      const side = this.child(parent, LEFT) === node ? LEFT : RIGHT;
      const other = side === LEFT ? RIGHT : LEFT;
      let sibling = this.child(parent, other);
      if (this.isRed(sibling)) {
        this.#paint(sibling, true);
        this.#paint(parent, false);
        this.#rotate(parent, side);
        sibling = this.child(parent, other);
      }
      if (!this.isRed(this.child(sibling, LEFT)) && !this.isRed(this.child(sibling, RIGHT))) {
        this.#paint(sibling, false);
        node = parent;
        parent = this.parent(node);
        continue;
      }
      if (!this.isRed(this.child(sibling, other))) {
        this.#paint(this.child(sibling, side), true);
        this.#paint(sibling, false);
        this.#rotate(sibling, other);
        sibling = this.child(parent, other);
      }
      this.#paint(sibling, !this.isRed(parent));
      this.#paint(parent, true);
      this.#paint(this.child(sibling, other), true);
      this.#rotate(parent, side);
      break;
    }
    const last = node !== this.top && !this.isRed(node) ? this.top : node;
    if (last) this.#paint(last, true);
  }
  #least(node: number): number {
    let at = node;
    while (this.child(at, LEFT)) at = this.child(at, LEFT);
    return at;
  }
  #next(node: number): number {
    if (this.child(node, RIGHT)) return this.#least(this.child(node, RIGHT));
    let at = node,
      up = this.parent(node);
    while (up && this.child(up, RIGHT) === at) [at, up] = [up, this.parent(up)];
    return up;
  }
}

/** Goes down the tree, asking the program at each node whether the new one is less. */
class Descend implements Continuation {
  readonly slot: number;
  readonly root: number;
  readonly node: number;
  readonly at: number;
  readonly isLeftmost: boolean;
  constructor(slot: number, root: number, node: number, place: { at: number; isLeftmost: boolean }) {
    this.slot = slot;
    this.root = root;
    this.node = node;
    this.at = place.at;
    this.isLeftmost = place.isLeftmost;
  }
  begin(vm: Machine): void {
    vm.setReg(1, this.node, KERNEL_HI);
    vm.setReg(2, this.at, KERNEL_HI);
  }
  next(vm: Machine): Continuation | undefined {
    const tree = new Tree(vm, this.root);
    const less = vm.u64(0) !== 0n;
    const side = less ? LEFT : RIGHT;
    const isLeftmost = this.isLeftmost && less;
    const below = tree.child(this.at, side);
    if (below) return new Descend(this.slot, this.root, this.node, { at: below, isLeftmost });
    tree.insert(this.node, this.at, side, isLeftmost);
    retInt(vm, 0);
    return undefined;
  }
}
function add(k: SimKernel, vm: Machine): void {
  const root = vm.argMem(1, 16, true),
    node = pointerArg(vm, 2);
  const object = localObject(k, vm, 2);
  const slot = vm.callbackSlot(3);
  const tree = new Tree(vm, root);
  if (tree.child(node, OWNER) !== 0) {
    dropObject(k, object);
    return retInt(vm, -EINVAL);
  }
  if (tree.top === 0) {
    tree.insert(node, 0, 0, true);
    return retInt(vm, 0);
  }
  vm.requestCallback(new Descend(slot, root, node, { at: tree.top, isLeftmost: true }));
}
function remove(_k: SimKernel, vm: Machine): void {
  const root = vm.argMem(1, 16, true),
    node = pointerArg(vm, 2);
  const tree = new Tree(vm, root);
  if (tree.child(node, OWNER) !== root) return vm.retPtr(0);
  tree.remove(node);
  vm.retPtr(node);
}
/** A node beside another one; NULL when that one is in another tree. */
const beside =
  (side: number) =>
  (_k: SimKernel, vm: Machine): void => {
    const root = vm.argMem(1, 16);
    const tree = new Tree(vm, root);
    const node = pointerArg(vm, 2);
    vm.retPtr(tree.child(node, OWNER) === root ? tree.child(node, side) : 0);
  };

export const RBTREE_KFUNCS: KfuncTable = {
  bpf_rbtree_add_impl: add,
  bpf_rbtree_remove: remove,
  bpf_rbtree_first: (_k, vm) => vm.retPtr(new Tree(vm, vm.argMem(1, 16)).leftmost),
  bpf_rbtree_root: (_k, vm) => vm.retPtr(new Tree(vm, vm.argMem(1, 16)).top),
  bpf_rbtree_left: beside(LEFT),
  bpf_rbtree_right: beside(RIGHT),
};
