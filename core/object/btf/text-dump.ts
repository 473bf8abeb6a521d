// Writes a BTF as text, one line a type and one a member, in the notation that `bpftool btf dump` made usual. It interprets nothing.
import { BTF_KIND, type Btf, type BtfType } from "./btf.ts";

const NAMES: readonly string[] = Object.keys(BTF_KIND);
const LINKAGE = ["static", "global", "extern"];
const ENCODING: Readonly<Record<number, string>> = { 0: "(none)", 1: "SIGNED", 2: "CHAR", 4: "BOOL" };
const K = BTF_KIND;

/** Lines of the types that `btf` itself defines (not those of its base). */
export function* dumpText(btf: Btf): Generator<string> {
  for (let id = btf.firstId; id < btf.typeCount; id++) {
    const t = btf.type(id);
    yield `[${id}] ${NAMES[t.kind]} '${t.name || "(anon)"}'${attributes(t)}`;
    yield* parts(btf, t);
  }
}

function attributes(t: BtfType): string {
  switch (t.kind) {
    case K.INT:
      return ` size=${t.size} bits_offset=${t.bitOffset} nr_bits=${t.bits} encoding=${ENCODING[t.encoding] ?? "UNKN"}`;
    case K.ARRAY:
      return ` type_id=${t.type} index_type_id=${t.indexType} nr_elems=${t.nelems}`;
    case K.STRUCT:
    case K.UNION:
    case K.DATASEC:
      return ` size=${t.size} vlen=${t.vlen}`;
    case K.ENUM:
    case K.ENUM64:
      return ` encoding=${t.kflag ? "SIGNED" : "UNSIGNED"} size=${t.size} vlen=${t.vlen}`;
    case K.FWD:
      return ` fwd_kind=${t.kflag ? "union" : "struct"}`;
    case K.FUNC:
      return ` type_id=${t.type} linkage=${LINKAGE[t.linkage] ?? "(unknown)"}`;
    case K.FUNC_PROTO:
      return ` ret_type_id=${t.type} vlen=${t.vlen}`;
    case K.VAR:
      return ` type_id=${t.type}, linkage=${LINKAGE[t.linkage] ?? "(unknown)"}`;
    case K.FLOAT:
      return ` size=${t.size}`;
    case K.DECL_TAG:
      return ` type_id=${t.type} component_idx=${t.componentIdx}`;
    default:
      return ` type_id=${t.type}`;
  }
}

function* parts(btf: Btf, t: BtfType): Generator<string> {
  for (const m of t.members)
    yield `\t'${m.name || "(anon)"}' type_id=${m.type} bits_offset=${m.bitOffset}${m.bitSize ? ` bitfield_size=${m.bitSize}` : ""}`;
  for (const p of t.params) yield `\t'${p.name || "(anon)"}' type_id=${p.type}`;
  for (const v of t.values) yield `\t'${v.name}' val=${v.value}${t.kind === K.ENUM64 ? (t.kflag ? "LL" : "ULL") : ""}`;
  for (const v of t.vars) {
    const target = btf.type(v.type);
    yield `\ttype_id=${v.type} offset=${v.offset} size=${v.size}${target.kind === K.VAR || target.kind === K.FUNC ? ` (${NAMES[target.kind]} '${target.name}')` : ""}`;
  }
}
