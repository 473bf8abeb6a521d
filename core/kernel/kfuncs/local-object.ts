// Objects that programs allocate: bpf_obj_new and its kin, with reference counts (kernel/bpf/helpers.c, 6.18). Their types come from the program's BTF.
import { BTF_KIND, type Btf } from "../../object/index.ts";
import { type Machine, type Region, trap } from "../../vm/index.ts";
import { pointerArg } from "../helpers/args.ts";
import { PercpuObject } from "../helpers/percpu.ts";
import type { SimKernel } from "../kernel.ts";
import { round8 } from "../maps/map.ts";
import type { KfuncTable } from "./types.ts";

/** Owner of an object's region: where its bpf_refcount lies, if it has one. */
class LocalObject {
  readonly refcountAt: number | undefined;
  constructor(refcountAt: number | undefined) {
    this.refcountAt = refcountAt;
  }
}
function typesOf(k: SimKernel, vm: Machine): Btf {
  return k.typesOf(vm.program) ?? trap("unsupported-kfunc", "the program's types are not given, so that no object of theirs can be made");
}
/** Offset of the member of type `struct NAME` in a structure, or undefined. */
function offsetOf(btf: Btf, id: number, name: string): number | undefined {
  const found = btf.type(id).members.find((m) => btf.type(btf.resolve(m.type)).name === name);
  return found && found.bitOffset >> 3;
}
function make(k: SimKernel, vm: Machine, percpu: boolean): void {
  const btf = typesOf(k, vm);
  const id = vm.u32(1);
  if (id >= btf.typeCount || btf.kind(btf.resolve(id)) !== BTF_KIND.STRUCT)
    trap("bad-argument", `R1 of the call is no structure of the program (${id})`);
  const type = btf.type(btf.resolve(id));
  const stride = round8(type.size);
  const refcountAt = offsetOf(btf, type.id, "bpf_refcount");
  const region = k.memory.alloc("object", `struct ${type.name}`, percpu ? stride * k.cpus : type.size, {
    owner: percpu ? new PercpuObject(stride) : new LocalObject(refcountAt),
  });
  if (refcountAt !== undefined) k.memory.view.setInt32(region.start + refcountAt, 1, true);
  vm.retPtr(region.start);
}
/** The object that a pointer points at or into. Traps when it is none. */
export function localObject(k: SimKernel, vm: Machine, reg: number): Region {
  const region = k.memory.regionAt(pointerArg(vm, reg));
  const isObject = region?.owner instanceof LocalObject || region?.owner instanceof PercpuObject;
  return isObject ? region! : trap("bad-argument", `R${reg} of the call is not an object that the program allocated`);
}
/** Gives up one reference; the last one frees the object. */
export function dropObject(k: SimKernel, region: Region): void {
  const { owner } = region;
  if (owner instanceof LocalObject && owner.refcountAt !== undefined) {
    const at = region.start + owner.refcountAt;
    const refs = k.memory.view.getInt32(at, true) - 1;
    k.memory.view.setInt32(at, refs, true);
    k.memory.markDirty(at, 4);
    if (refs > 0) return;
  }
  k.memory.free(region);
}
function acquire(k: SimKernel, vm: Machine): void {
  const region = localObject(k, vm, 1);
  const { owner } = region;
  if (owner instanceof LocalObject && owner.refcountAt !== undefined) {
    const at = region.start + owner.refcountAt;
    k.memory.view.setInt32(at, k.memory.view.getInt32(at, true) + 1, true);
    k.memory.markDirty(at, 4);
  }
  vm.retPtr(pointerArg(vm, 1));
}
const drop = (k: SimKernel, vm: Machine): void => dropObject(k, localObject(k, vm, 1));

export const OBJECT_KFUNCS: KfuncTable = {
  bpf_obj_new_impl: (k, vm) => make(k, vm, false),
  bpf_obj_drop_impl: drop,
  bpf_percpu_obj_new_impl: (k, vm) => make(k, vm, true),
  bpf_percpu_obj_drop_impl: drop,
  bpf_refcount_acquire_impl: acquire,
};
