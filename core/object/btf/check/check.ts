// Whether the kernel takes a BTF blob: BPF_BTF_LOAD's checks in its order, with its errno and the last lines of its log (btf_parse, kernel/bpf/btf.c, 6.18).
// It loads nothing and repairs nothing.
import { BTF_KIND as K, type Btf } from "../btf.ts";
import { BtfRefused, E2BIG, EINVAL, ELOOP, ENOTSUPP, CheckEnv } from "./env.ts";
import { Fields } from "./fields.ts";
import { isModifier } from "./kinds.ts";
import { checkMetas } from "./meta.ts";
import { resolveAll } from "./resolve.ts";

const MAX_SIZE = 16 * 1024 * 1024;
const HEADER = 24;
const MAX_NAME_OFFSET = 0xffffff;
const MAX_CHAIN = 32;

export interface BtfRefusal {
  /** Positive errno. */
  readonly errno: number;
  /** The last lines of the kernel's log, empty when it writes none. */
  readonly log: string;
}

/**
 * Why the kernel would refuse `bytes` (a blob without base, in the byte order of the kernel's machine), or undefined when it takes it.
 * `kernel`: its types, which decide what a `kptr` may point to.
 */
export function checkBtf(bytes: Uint8Array, kernel?: Btf, littleEndian = true): BtfRefusal | undefined {
  const env = new CheckEnv(bytes, littleEndian);
  try {
    const header = checkHeader(env);
    checkStrings(env, header);
    if (header.typeOff & 3) env.refuse("Unaligned type_off");
    if (header.typeLen === 0) env.refuse("No type found");
    const start = header.hdrLen + header.typeOff;
    checkMetas(env, start, start + header.typeLen);
    resolveAll(env);
    checkTagChains(env);
    new Fields(env, kernel).checkTypes();
    return undefined;
  } catch (e) {
    if (e instanceof BtfRefused) return { errno: e.errno, log: e.log };
    throw e;
  }
}

interface Header {
  readonly hdrLen: number;
  readonly typeOff: number;
  readonly typeLen: number;
  readonly strOff: number;
  readonly strLen: number;
}

/** The first bytes of the blob, as many as a header takes. */
function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HEADER);
  out.set(bytes.subarray(0, HEADER));
  return out;
}

/** btf_parse_hdr. */
function checkHeader(env: CheckEnv): Header {
  const size = env.bytes.length;
  if (size > MAX_SIZE) env.refuse("", E2BIG);
  if (size < 8) env.refuse("hdr_len not found");
  const hdrLen = env.u32(4);
  if (size < hdrLen) env.refuse("btf_header not found");
  for (let i = HEADER; i < hdrLen; i++) if (env.bytes[i] !== 0) env.refuse("Unsupported btf_header", E2BIG);
  const header = padded(env.bytes).fill(0, Math.min(HEADER, hdrLen));
  const view = new DataView(header.buffer);
  const u32 = (at: number): number => view.getUint32(at, env.littleEndian);
  if (view.getUint16(0, env.littleEndian) !== 0xeb9f) env.refuse("Invalid magic");
  if (header[2] !== 1) env.refuse("Unsupported version", ENOTSUPP);
  if (header[3] !== 0) env.refuse("Unsupported flags", ENOTSUPP);
  if (size === hdrLen) env.refuse("No data");
  const parts = { hdrLen, typeOff: u32(8), typeLen: u32(12), strOff: u32(16), strLen: u32(20) };
  checkSections(env, parts);
  return parts;
}

/** btf_check_sec_info: the two sections follow each other without gap or overlap up to the end. */
function checkSections(env: CheckEnv, h: Header): void {
  const types = { off: h.typeOff, len: h.typeLen };
  const strings = { off: h.strOff, len: h.strLen };
  const order = (types.off - strings.off) | 0 || (types.len - strings.len) | 0;
  const sections = order < 0 ? [types, strings] : [strings, types];
  const expected = env.bytes.length - h.hdrLen;
  let total = 0;
  for (const s of sections) {
    if (expected < s.off) env.refuse("Invalid section offset");
    if (total < s.off) env.refuse("Unsupported section found");
    if (total > s.off) env.refuse("Section overlap found");
    if (expected - total < s.len) env.refuse("Total section length too long");
    total += s.len;
  }
  if (expected !== total) env.refuse("Unsupported section found");
}

/** btf_parse_str_sec. */
function checkStrings(env: CheckEnv, h: Header): void {
  const start = h.hdrLen + h.strOff;
  const end = start + h.strLen;
  if (end !== env.bytes.length) env.refuse("String section is not at the end");
  if (h.strLen === 0 || h.strLen - 1 > MAX_NAME_OFFSET || env.bytes[end - 1] !== 0) env.refuse("Invalid string section");
  if (env.bytes[start] !== 0) env.refuse("Invalid string section");
  env.strOff = start;
  env.strLen = h.strLen;
}

/** btf_check_type_tags: tags stand before other modifiers, chains are short. */
function checkTagChains(env: CheckEnv): void {
  let good = 0;
  for (let id = 1; id < env.types.length; id++) {
    let t = env.types[id]!;
    if (!isModifier(env.kind(t))) continue;
    let at = id;
    let inTags = env.kind(t) === K.TYPE_TAG;
    for (let left = MAX_CHAIN; isModifier(env.kind(t)); left--) {
      if (left === 0) env.refuse("Max chain length or cycle detected", ELOOP);
      const isTag = env.kind(t) === K.TYPE_TAG;
      if (isTag && !inTags) env.refuse("Type tags don't precede modifiers");
      if (!isTag) inTags = false;
      if (at <= good) break;
      at = env.sizeOrType(t);
      t = env.byId(at) ?? env.refuse("", EINVAL);
    }
    good = id;
  }
}
