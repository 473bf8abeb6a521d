// Linked lists of a program's objects (kernel/bpf/helpers.c, bpf_list_*, 6.18). Heads and nodes lie in the machine's memory as the kernel lays them out.
import { KERNEL_HI, type Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import { pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { dropObject, localObject } from "./local-object.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** struct bpf_list_head: next, prev; struct bpf_list_node adds its owner. */
const NEXT = 0,
  PREV = 8,
  OWNER = 16;

/** Pointers inside kernel objects, as offsets in linear memory with 0 for NULL. */
export class Links {
  readonly #vm: Machine;
  constructor(vm: Machine) {
    this.#vm = vm;
  }
  get(at: number): number {
    return this.#vm.memory.view.getUint32(at, true);
  }
  set(at: number, to: number): void {
    const { memory } = this.#vm;
    memory.view.setUint32(at, to, true);
    memory.view.setInt32(at + 4, to ? KERNEL_HI : 0, true);
    memory.markDirty(at, 8);
  }
}

/** A head that was never used holds zeros, which is an empty list. */
function open(links: Links, head: number): void {
  if (links.get(head + NEXT) !== 0) return;
  links.set(head + NEXT, head);
  links.set(head + PREV, head);
}
function push(tail: boolean) {
  return (k: SimKernel, vm: Machine): void => {
    const head = vm.argMem(1, 16, true),
      node = pointerArg(vm, 2);
    const object = localObject(k, vm, 2);
    const links = new Links(vm);
    open(links, head);
    if (links.get(node + OWNER) !== 0) {
      dropObject(k, object);
      return retInt(vm, -EINVAL);
    }
    const before = tail ? links.get(head + PREV) : head;
    const after = tail ? head : links.get(head + NEXT);
    links.set(node + NEXT, after);
    links.set(node + PREV, before);
    links.set(before + NEXT, node);
    links.set(after + PREV, node);
    links.set(node + OWNER, head);
    retInt(vm, 0);
  };
}
function end(tail: boolean, remove: boolean) {
  return (_k: SimKernel, vm: Machine): void => {
    const head = vm.argMem(1, 16, true);
    const links = new Links(vm);
    open(links, head);
    const node = links.get(head + (tail ? PREV : NEXT));
    if (node === head) return vm.retPtr(0);
    if (remove) {
      links.set(links.get(node + PREV) + NEXT, links.get(node + NEXT));
      links.set(links.get(node + NEXT) + PREV, links.get(node + PREV));
      links.set(node + NEXT, node);
      links.set(node + PREV, node);
      links.set(node + OWNER, 0);
    }
    vm.retPtr(node);
  };
}

export const LIST_KFUNCS: KfuncTable = {
  bpf_list_push_front_impl: push(false),
  bpf_list_push_back_impl: push(true),
  bpf_list_pop_front: end(false, true),
  bpf_list_pop_back: end(true, true),
  bpf_list_front: end(false, false),
  bpf_list_back: end(true, false),
};
