// Is a BTF pointer one to the structure that is wanted? (btf_struct_ids_match, btf_types_are_same, 6.18)
import { BTF_KIND, type Btf } from "../../object/index.ts";
import { Unsupported, type Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { walkStruct } from "./struct-walk.ts";

/** Type id of a structure of the kernel by name; without the kernel's types there is no verdict. */
export function kernelStruct(env: Env, name: string): number {
  if (!env.kernelBtf) throw new Unsupported("kernel-btf");
  return env.kernelBtf.find(name, BTF_KIND.STRUCT);
}

/** What stands in the way of looking into a structure is said in the log. `need` is a type of `needBtf`; the first member of a structure counts as the structure unless `strict`. */
export function idsMatch(env: Env, btf: Btf, id: number, offset: number, need: { btf: Btf | null; id: number }, strict: boolean): boolean {
  const same = (a: number): boolean => btf === need.btf && a === need.id;
  let off = offset;
  if (off === 0 && same(id)) return true;
  if (strict) return false;
  let at = id;
  for (let depth = 0; depth < 64; depth++) {
    const w = walkStruct(btf, at, off, 1, 0);
    if (w.what === "error") env.say(`${w.text}\n`);
    if (w.what !== "struct") return false;
    if (same(w.id)) return true;
    at = w.id;
    off = 0;
  }
  return false;
}

/** The register points to kernel structure `wanted`, or to one that begins with it. */
export function btfMatches(env: Env, reg: Reg, wanted: number, strict: boolean): boolean {
  return idsMatch(env, reg.obj as Btf, reg.u1, reg.off, { btf: env.kernelBtf ?? null, id: wanted }, strict);
}
