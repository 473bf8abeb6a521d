// Red-black trees of the program's objects: order and balance after random insertions and removals.
import { describe, expect, it } from "vitest";
import { KERNEL_HI } from "../../core/vm/index.ts";
import { Tree } from "../../core/kernel/kfuncs/rbtree.ts";
import { dice } from "./ask-maps.ts";
import { kernelWith } from "./simulate.ts";

const [RIGHT, LEFT] = [8, 16];

/** Checks that no red node has a red child and that every way down has as many black ones; the keys in order. */
function inOrder(tree: Tree, keys: ReadonlyMap<number, number>): number[] {
  const out: number[] = [];
  const walk = (node: number): number => {
    if (node === 0) return 1;
    const [l, r] = [tree.child(node, LEFT), tree.child(node, RIGHT)];
    if (tree.isRed(node)) expect([tree.isRed(l), tree.isRed(r)]).toEqual([false, false]);
    for (const child of [l, r]) if (child) expect(tree.parent(child)).toBe(node);
    const left = walk(l);
    out.push(keys.get(node)!);
    expect(walk(r)).toBe(left);
    return left + (tree.isRed(node) ? 0 : 1);
  };
  expect(tree.isRed(tree.top)).toBe(false);
  walk(tree.top);
  return out;
}

describe("red-black trees", () => {
  it.each([1, 2, 3, 4])("stay in order and in balance: seed %d", (seed) => {
    const { machine, memory } = kernelWith();
    const roll = dice(seed * 977);
    const root = memory.alloc("map-value", "root", 16).start;
    const tree = new Tree(machine, root);
    const keys = new Map<number, number>();
    for (let step = 0; step < 600; step++) {
      if (keys.size > 0 && roll(5) < 2) {
        const node = [...keys.keys()][roll(keys.size)]!;
        tree.remove(node);
        keys.delete(node);
      } else {
        const node = memory.alloc("object", "node", 32).start;
        const key = roll(100);
        let parent = 0,
          side = 0,
          isLeftmost = true;
        for (let at = tree.top; at; at = tree.child(at, side)) {
          parent = at;
          side = key < keys.get(at)! ? LEFT : RIGHT;
          isLeftmost &&= side === LEFT;
        }
        keys.set(node, key);
        tree.insert(node, parent, side, isLeftmost);
      }
      if (step % 20) continue;
      const order = inOrder(tree, keys);
      expect(order).toEqual([...keys.values()].sort((a, b) => a - b));
      expect(tree.leftmost === 0 ? undefined : keys.get(tree.leftmost)).toBe(order[0]);
      if (tree.top) expect(memory.view.getInt32(root + 4, true)).toBe(KERNEL_HI);
    }
  });
});
