// Records of special fields by what a register points to (reg_btf_record, btf_find_struct_meta, 6.18).
import type { Btf } from "../../object/index.ts";
import type { Env } from "../env.ts";
import type { Reg } from "../domain/reg.ts";
import { isPtrAllocObj, PTR_TO_MAP_VALUE } from "../domain/reg-types.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { parseRecord, type BtfRecord } from "./record.ts";

const records = new WeakMap<Btf, Map<number, BtfRecord | null>>();

/** Special fields of a type of the program's own BTF. */
export function structRecord(env: Env, btf: Btf, id: number): BtfRecord | null {
  if (btf === env.kernelBtf) return null;
  let byId = records.get(btf);
  if (!byId) records.set(btf, (byId = new Map()));
  let rec = byId.get(id);
  if (rec === undefined) byId.set(id, (rec = parseRecord(btf, id, env.kernelBtf)));
  return rec;
}
export function regRecord(env: Env, reg: Reg): BtfRecord | null {
  if (reg.type === PTR_TO_MAP_VALUE) return (reg.obj as MapInfo).record;
  if (isPtrAllocObj(reg.type)) return structRecord(env, reg.obj as Btf, reg.u1);
  return null;
}
