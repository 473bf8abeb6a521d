// Externs: kconfig values and kernel symbols (bpf_object__collect_externs and __resolve_externs of libbpf 1.5). It patches no instruction.
import { CodedError, type BtfId } from "../../base/index.ts";
import { BTF_KIND, type Btf } from "../btf/btf.ts";
import { appendType, putU32, reopened } from "../btf/edit.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { SHN_UNDEF, STB, STT, type ElfSymbol } from "../elf/elf.ts";
import { typesAreCompat } from "../core-relo/compat.ts";
import { essentialName } from "../core-relo/names.ts";
import { refuse, type Extern, type ObjectState } from "./model.ts";

const LINKAGE_EXTERN = 2;

export const isExtern = (sym: ElfSymbol): boolean =>
  sym.shndx === SHN_UNDEF && (sym.bind === STB.GLOBAL || sym.bind === STB.WEAK) && sym.type === STT.NOTYPE;

/** Fills `state.externs`, sorted as libbpf sorts them, and completes `.ksyms` and `.kconfig` of its BTF. */
export function collectExterns(state: ObjectState): void {
  const symbols = state.elf.symbols.filter((s) => isExtern(s) && s.name !== "");
  if (symbols.length === 0) return;
  const btf = state.btf ?? refuse("extern-no-btf", `failed to find BTF for extern '${symbols[0]!.name}': compile with -g`);
  const sections = datasecsByVar(btf);
  state.externs.push(...symbols.map((s) => describe(btf, s, sections)));
  state.externs.sort(order);
  let off = 0;
  for (const ext of state.externs) {
    if (ext.kind !== "kconfig") continue;
    ext.dataOff = Math.ceil(off / ext.align) * ext.align;
    off = ext.dataOff + ext.size;
  }
  state.btf = fixKconfig(fixKsyms(btf), state.externs, off);
}

function datasecsByVar(btf: Btf): Map<BtfId, string> {
  const out = new Map<BtfId, string>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND.DATASEC) continue;
    const sec = btf.type(id);
    for (const v of sec.vars) if (!out.has(v.type)) out.set(v.type, sec.name);
  }
  return out;
}

function describe(btf: BtfBlob, sym: ElfSymbol, sections: ReadonlyMap<BtfId, string>): Extern {
  const btfId = btf.findAll(sym.name).find((id) => btf.kind(id) === BTF_KIND.VAR || btf.kind(id) === BTF_KIND.FUNC) ?? 0;
  const t = btf.type(btfId);
  if (btfId === 0 || t.linkage !== LINKAGE_EXTERN) refuse("extern-no-btf", `failed to find BTF for extern '${sym.name}'`);
  const section = sections.get(btfId);
  const isFunc = t.kind === BTF_KIND.FUNC;
  const common = {
    name: sym.name,
    symIdx: sym.index,
    weak: sym.bind === STB.WEAK,
    btfId,
    isFunc,
    dataOff: 0,
    isSet: false,
    kernelBtfId: 0,
    address: 0n,
  };
  if (section === ".ksyms") return { ...common, kind: "ksym", size: 0, align: 1, typeId: btf.resolve(t.type) };
  if (section !== ".kconfig")
    return refuse(
      "extern-section",
      section === undefined ? `failed to find BTF for extern '${sym.name}' section` : `unrecognized extern section '${section}'`,
    );
  if (isFunc) refuse("extern-section", `extern function ${sym.name} is unsupported under .kconfig section`);
  const size = btf.sizeOf(t.type);
  const align = btf.alignOf(t.type);
  if (align <= 0 || size <= 0) refuse("kconfig-type", `failed to determine alignment of extern (kcfg) '${sym.name}'`);
  if (kconfigType(btf, t.type) === "unknown") refuse("kconfig-type", `extern (kcfg) '${sym.name}': type is unsupported`);
  return { ...common, kind: "kconfig", size, align, typeId: t.type };
}

/** qsort order of libbpf: kconfig first, widest alignment first, then size, then name. */
function order(a: Extern, b: Extern): number {
  if (a.kind !== b.kind) return a.kind === "kconfig" ? -1 : 1;
  if (a.kind === "kconfig") {
    if (a.align !== b.align) return b.align - a.align;
    if (a.size !== b.size) return a.size - b.size;
  }
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Externs of `.ksyms` become 4-byte variables, so that the kernel accepts the BTF; functions stand behind one dummy variable. */
function fixKsyms(btf: BtfBlob): BtfBlob {
  const secId = btf.find(".ksyms", BTF_KIND.DATASEC);
  if (secId === 0) return btf;
  const hasFunc = btf.type(secId).vars.some((v) => btf.kind(v.type) === BTF_KIND.FUNC);
  const intId = findInt32(btf);
  let out = btf;
  let dummyName = 0;
  if (hasFunc) {
    dummyName = btf.strEnd;
    out = appendType(btf, [-1, BTF_KIND.VAR << 24, intId, 1], "dummy_ksym");
  }
  const dummyId = out.typeCount - 1;
  const at = out.offsetOf(secId);
  out.type(secId).vars.forEach((v, i) => {
    const entry = at + 12 + i * 12;
    const target = out.offsetOf(v.type);
    if (out.kind(v.type) === BTF_KIND.FUNC) {
      nameParams(out, out.type(v.type).type, dummyName);
      putU32(out, entry, dummyId);
      putU32(out, target + 4, (BTF_KIND.FUNC << 24) | 1);
    } else {
      putU32(out, target + 8, intId);
      putU32(out, target + 12, 1);
    }
    putU32(out, entry + 4, i * 4);
    putU32(out, entry + 8, 4);
  });
  putU32(out, at + 8, out.type(secId).vlen * 4);
  return reopened(out);
}

function nameParams(btf: BtfBlob, protoId: BtfId, nameOff: number): void {
  if (btf.kind(protoId) !== BTF_KIND.FUNC_PROTO) return;
  const at = btf.offsetOf(protoId) + 12;
  btf.type(protoId).params.forEach((p, i) => {
    if (p.type !== 0 && p.name === "") putU32(btf, at + i * 8, nameOff);
  });
}

function findInt32(btf: Btf): BtfId {
  for (let id = 1; id < btf.typeCount; id++) if (btf.kind(id) === BTF_KIND.INT && btf.type(id).bits === 32) return id;
  return 0;
}

function fixKconfig(btf: BtfBlob, externs: readonly Extern[], size: number): BtfBlob {
  const secId = btf.find(".kconfig", BTF_KIND.DATASEC);
  if (secId === 0) return btf;
  const at = btf.offsetOf(secId);
  btf.type(secId).vars.forEach((v, i) => {
    const ext = externs.find((e) => e.btfId === v.type);
    if (ext === undefined) return refuse("extern-no-btf", `failed to find extern definition for BTF var '${btf.type(v.type).name}'`);
    putU32(btf, at + 12 + i * 12 + 4, ext.dataOff);
    putU32(btf, btf.offsetOf(v.type) + 12, 1);
  });
  putU32(btf, at + 8, size);
  return reopened(btf);
}

type KconfigType = "bool" | "char" | "int" | "tristate" | "char-array" | "unknown";

function kconfigType(btf: Btf, id: BtfId): KconfigType {
  const t = btf.type(btf.resolve(id));
  switch (t.kind) {
    case BTF_KIND.INT:
      if (t.encoding & 4) return t.size === 1 ? "bool" : "unknown";
      return t.size === 1 ? "char" : [2, 4, 8].includes(t.size) ? "int" : "unknown";
    case BTF_KIND.ENUM:
      return t.size === 4 && t.name === "libbpf_tristate" ? "tristate" : "unknown";
    case BTF_KIND.ENUM64:
      return t.name === "libbpf_tristate" ? "tristate" : "unknown";
    case BTF_KIND.ARRAY:
      return t.nelems > 0 && kconfigType(btf, t.type) === "char" ? "char-array" : "unknown";
    default:
      return "unknown";
  }
}

export interface ExternOptions {
  readonly kernelBtf?: Btf | undefined;
  /** Text of a kernel configuration (`CONFIG_X=y` lines). */
  readonly kconfig?: string | undefined;
  /** LINUX_KERNEL_VERSION: major << 16 | minor << 8 | patch. */
  readonly kernelVersion: number;
  /** LINUX_HAS_SYSCALL_WRAPPER. */
  readonly syscallWrapper: boolean;
  /** Answers for symbols of no type (`extern const void x __ksym`), as /proc/kallsyms would. */
  readonly kallsyms?: ReadonlyMap<string, bigint> | undefined;
}

/** Resolves all externs; the kconfig map's bytes are written to `data`. Throws CodedError for a strong one that has no answer. */
export function resolveExterns(state: ObjectState, data: Uint8Array, options: ExternOptions): void {
  const config = parseConfig(options.kconfig ?? "");
  for (const ext of state.externs) {
    if (ext.kind === "kconfig")
      setKconfig(state.btf!, ext, data, config, {
        LINUX_KERNEL_VERSION: options.kernelVersion,
        LINUX_HAS_BPF_COOKIE: 1,
        LINUX_HAS_SYSCALL_WRAPPER: options.syscallWrapper ? 1 : 0,
      });
    else if (ext.typeId === 0) {
      const address = options.kallsyms?.get(ext.name);
      ext.isSet = address !== undefined;
      ext.address = address ?? 0n;
    } else resolveKsym(state.btf!, ext, options.kernelBtf);
    if (!ext.isSet && !ext.weak)
      refuse(
        "extern-unresolved",
        `extern '${ext.name}' (strong): not resolved${ext.kind === "kconfig" ? "; give the kernel's configuration" : ""}`,
      );
  }
}

function parseConfig(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of text.split("\n")) {
    const m = /^(CONFIG_\w+)=(.+)$/.exec(line);
    if (m !== null && !out.has(m[1]!)) out.set(m[1]!, m[2]!);
  }
  return out;
}

function setKconfig(
  btf: BtfBlob,
  ext: Extern,
  data: Uint8Array,
  config: ReadonlyMap<string, string>,
  virtual: Readonly<Record<string, number>>,
): void {
  if (!ext.name.startsWith("CONFIG_")) {
    const value = virtual[ext.name];
    if (value === undefined && (!ext.name.startsWith("LINUX_") || !ext.weak))
      refuse("kconfig-extern", `extern (kcfg) '${ext.name}': unrecognized virtual extern`);
    return putNumber(btf, ext, data, BigInt(value ?? 0));
  }
  const text = config.get(ext.name);
  if (text === undefined) return;
  const kind = kconfigType(btf, ext.typeId);
  const wrong = (implies: string): never => refuse("kconfig-value", `extern (kcfg) '${ext.name}': value '${text}' implies ${implies} type`);
  if (/^[ynm]/.test(text)) putTristate(ext, data, text[0]!, kind, wrong);
  else if (text.startsWith('"')) putString(ext, data, text, kind, wrong);
  else {
    if (!/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(text))
      refuse("kconfig-value", `extern (kcfg) '${ext.name}': value '${text}' isn't a valid integer`);
    if (kind !== "int" && kind !== "char") wrong("integer");
    putNumber(btf, ext, data, text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));
  }
  ext.isSet = true;
}

function putTristate(ext: Extern, data: Uint8Array, c: string, kind: KconfigType, wrong: (implies: string) => never): void {
  if (kind === "bool" && c === "m") wrong("tristate or char");
  if (kind === "bool") data[ext.dataOff] = c === "y" ? 1 : 0;
  else if (kind === "tristate") data[ext.dataOff] = c === "y" ? 1 : c === "m" ? 2 : 0;
  else if (kind === "char") data[ext.dataOff] = c.charCodeAt(0);
  else wrong("bool, tristate, or char");
}

function putString(ext: Extern, data: Uint8Array, text: string, kind: KconfigType, wrong: (implies: string) => never): void {
  if (kind !== "char-array") wrong("char array");
  if (text.length < 2 || !text.endsWith('"')) refuse("kconfig-value", `extern (kcfg) '${ext.name}': invalid string config '${text}'`);
  const inner = text.slice(1, -1).slice(0, ext.size - 1);
  for (let i = 0; i < inner.length; i++) data[ext.dataOff + i] = inner.charCodeAt(i);
}

function putNumber(btf: BtfBlob, ext: Extern, data: Uint8Array, value: bigint): void {
  const kind = kconfigType(btf, ext.typeId);
  const t = btf.type(btf.resolve(ext.typeId));
  const bits = ext.size * 8;
  if (kind !== "int" && kind !== "char" && kind !== "bool")
    refuse("kconfig-value", `extern (kcfg) '${ext.name}': value '${value}' implies integer, char, or boolean type`);
  if (kind === "bool" && value > 1n) refuse("kconfig-value", `extern (kcfg) '${ext.name}': value '${value}' isn't boolean compatible`);
  const wrapped = t.encoding & 1 ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  if (bits < 64 && wrapped !== value)
    refuse("kconfig-value", `extern (kcfg) '${ext.name}': value '${value}' doesn't fit in ${ext.size} bytes`);
  for (let i = 0; i < ext.size; i++)
    data[ext.dataOff + (btf.layout.littleEndian ? i : ext.size - 1 - i)] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 255n);
  ext.isSet = true;
}

function resolveKsym(btf: BtfBlob, ext: Extern, kernel: Btf | undefined): void {
  const what = ext.isFunc ? "func ksym" : "var ksym";
  const name = ext.isFunc ? essentialName(ext.name) : ext.name;
  const id = kernel?.find(name, ext.isFunc ? BTF_KIND.FUNC : BTF_KIND.VAR) ?? 0;
  if (kernel === undefined || id === 0) {
    if (!ext.weak)
      throw new CodedError(
        "ksym-not-found",
        `extern (${what}) '${ext.name}': not found in kernel${ext.isFunc ? " or module BTFs" : " BTF"}`,
      );
    return;
  }
  const target = ext.isFunc ? kernel.type(id).type : kernel.resolve(kernel.type(id).type);
  if (!typesAreCompat(btf, ext.typeId, kernel, target)) {
    if (ext.weak && ext.isFunc) return;
    const why = ext.isFunc
      ? `func_proto [${ext.typeId}] incompatible with vmlinux [${target}]`
      : `incompatible types, expected [${ext.typeId}] ${btf.type(ext.typeId).name}, but kernel has [${target}] ${kernel.type(target).name}`;
    throw new CodedError("ksym-incompatible", `extern (${what}) '${ext.name}': ${why}`);
  }
  ext.isSet = true;
  ext.kernelBtfId = id;
}
