// A text that is equal for two programs exactly when the verifier must answer the same about them. Source lines do not enter it, only at which instructions one begins.
import { bytesToHex } from "../base/index.ts";
import { encodeInsns } from "../isa/index.ts";
import { BTF_KIND, type Btf, type MapSpec, type ProgramSpec } from "../object/index.ts";

/** The structure of a type with all it refers to, by names: two BTFs that number it differently give the same text. */
function typeShape(btf: Btf, id: number, seen: Map<number, number>): string {
  if (id === 0) return "void";
  const known = seen.get(id);
  if (known !== undefined) return `#${known}`;
  seen.set(id, seen.size);
  const t = btf.type(id);
  const inner = (x: number): string => typeShape(btf, x, seen);
  const head = `${t.kind}:${t.name}:${t.size}:${t.bits}:${t.encoding}:${t.linkage}`;
  const tags = (at: number): string => btf.declTags(id, at).join("@");
  switch (t.kind) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return `${head}@${tags(-1)}{${t.members.map((m, i) => `${m.name}@${tags(i)}+${m.bitOffset}.${m.bitSize}:${inner(m.type)}`).join(";")}}`;
    case BTF_KIND.FUNC_PROTO:
      return `${head}(${t.params.map((p) => `${p.name}:${inner(p.type)}`).join(",")})${inner(t.type)}`;
    case BTF_KIND.FUNC:
      return `${head}@${[-1, 0, 1, 2, 3, 4].map(tags).join("@")}:${inner(t.type)}`;
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
      return head;
    case BTF_KIND.DATASEC:
      return `${head}{${t.vars.map((v) => `${v.offset}.${v.size}:${inner(v.type)}`).join(";")}}`;
    default:
      return `${head}[${t.nelems}]${inner(t.type)}`;
  }
}

function mapShape(map: MapSpec, btf: Btf | undefined): string {
  const types = btf ? [map.btfKeyTypeId, map.btfValueTypeId].map((id) => typeShape(btf, id, new Map())).join("|") : "";
  const numbers = [map.type, map.keySize, map.valueSize, map.maxEntries, map.flags, map.mapExtra].join(",");
  // Frozen contents are constants to the verifier.
  const contents = map.frozen && map.initial ? bytesToHex(map.initial) : "";
  return `${map.name}(${numbers};${types};${contents};${map.frozen ? "f" : ""};${map.structOps ?? ""};${map.inner ? mapShape(map.inner, btf) : ""})`;
}

/** The key of `program` among the maps and types of its object. */
export function programKey(program: ProgramSpec, maps: readonly MapSpec[], btf: Btf | undefined): string {
  const funcs = btf ? program.funcInfo.map((f) => `${f.insnIdx}:${typeShape(btf, f.typeId, new Map())}`) : [];
  return [
    program.name,
    [program.type, program.expectedAttachType, program.flags, program.attachBtfId].join(","),
    program.license,
    bytesToHex(encodeInsns(program.insns)),
    funcs.join("\n"),
    btf ? program.lineInfo.map((l) => l.insnIdx).join(",") : "",
    maps.map((m) => mapShape(m, btf)).join("\n"),
  ].join("\n\n");
}
