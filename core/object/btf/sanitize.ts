// Replaces kinds of types that an older kernel does not know by kinds that it does, ids kept (bpf_object__sanitize_btf of libbpf 1.5). It checks nothing.
import type { BtfId } from "../../base/index.ts";
import type { Features } from "../features.ts";
import { BTF_KIND as K, type BtfType } from "./btf.ts";
import { appendType, putU32, reopened } from "./edit.ts";
import { rawInfo } from "./raw.ts";
import { openBtf, type BtfBlob } from "./reader.ts";

/** An INT of one byte, as the third and fourth word of a type. */
const BYTE_SIZE = 1;
const BYTE_INFO = 8;
const [DOT, QMARK, UNDERSCORE] = [0x2e, 0x3f, 0x5f];

const NEEDED = [
  "BTF_FUNC",
  "BTF_DATASEC",
  "BTF_GLOBAL_FUNC",
  "BTF_FLOAT",
  "BTF_DECL_TAG",
  "BTF_TYPE_TAG",
  "BTF_ENUM64",
  "BTF_QMARK_DATASEC",
] as const;

/** The types as libbpf would give them to a kernel with these features; `btf` itself stays as it is. */
export function sanitizeBtf(btf: BtfBlob, has: Features): BtfBlob {
  if (NEEDED.every(has)) return btf;
  let out = openBtf(btf.bytes.slice(), btf.base);
  let placeholder: BtfId = 0;
  for (let id = out.firstId; id < btf.typeCount; id++) {
    const t = out.type(id);
    if (t.kind === K.ENUM64 && !has("BTF_ENUM64") && placeholder === 0) {
      placeholder = out.typeCount;
      out = appendType(out, [-1, rawInfo(K.INT), BYTE_SIZE, BYTE_INFO], "enum64_placeholder");
    }
    replace(out, t, has, placeholder);
  }
  return reopened(out);
}

function replace(btf: BtfBlob, t: BtfType, has: Features, placeholder: BtfId): void {
  const at = btf.offsetOf(t.id);
  const info = (kind: number, vlen = 0): void => putU32(btf, at + 4, rawInfo(kind, vlen));
  if ((t.kind === K.VAR && !has("BTF_DATASEC")) || (t.kind === K.DECL_TAG && !has("BTF_DECL_TAG"))) {
    info(K.INT);
    putU32(btf, at + 8, BYTE_SIZE);
    putU32(btf, at + 12, BYTE_INFO);
  } else if (t.kind === K.DATASEC) datasec(btf, t, has);
  else if (t.kind === K.FUNC_PROTO && !has("BTF_FUNC")) {
    info(K.ENUM, t.vlen);
    putU32(btf, at + 8, 4);
  } else if (t.kind === K.FUNC && !has("BTF_FUNC")) info(K.TYPEDEF);
  else if (t.kind === K.FUNC && !has("BTF_GLOBAL_FUNC")) info(K.FUNC);
  else if (t.kind === K.FLOAT && !has("BTF_FLOAT")) {
    putU32(btf, at, 0);
    info(K.STRUCT);
  } else if (t.kind === K.TYPE_TAG && !has("BTF_TYPE_TAG")) {
    putU32(btf, at, 0);
    info(K.CONST);
  } else if (t.kind === K.ENUM && !has("BTF_ENUM64")) info(K.ENUM, t.vlen);
  else if (t.kind === K.ENUM64 && !has("BTF_ENUM64")) {
    info(K.UNION, t.vlen);
    for (let i = 0; i < t.vlen; i++) {
      putU32(btf, at + 12 + i * 12 + 4, placeholder);
      putU32(btf, at + 12 + i * 12 + 8, 0);
    }
  }
}

function datasec(btf: BtfBlob, t: BtfType, has: Features): void {
  const name = btf.stringBytes(nameOffset(btf, t.id));
  if (has("BTF_DATASEC")) {
    if (!has("BTF_QMARK_DATASEC") && name[0] === QMARK) name[0] = UNDERSCORE;
    return;
  }
  for (let i = 0; i < name.length; i++) if (name[i] === DOT || name[i] === QMARK) name[i] = UNDERSCORE;
  const at = btf.offsetOf(t.id);
  putU32(btf, at + 4, rawInfo(K.STRUCT, t.vlen));
  t.vars.forEach((v, i) => {
    const member = [nameOffset(btf, v.type), v.type, v.offset * 8];
    member.forEach((word, k) => putU32(btf, at + 12 + i * 12 + k * 4, word));
  });
}

function nameOffset(btf: BtfBlob, id: BtfId): number {
  return id === 0 ? 0 : btf.words(id)[0]!;
}
