// Small programs as text, made into what the verifier takes. It verifies nothing.
import { helperByName, progTypeByName } from "../../../core/catalog/index.ts";
import { assemble, decodeInsns, type Insn } from "../../../core/isa/index.ts";
import { literalDescriptor, type Btf, type Caps, type FuncInfo, type LineInfo, type MapSpec } from "../../../core/object/index.ts";
import type { CheckId, VerifyInput } from "../../../core/verifier/index.ts";
import { viewObject } from "../../isa/elf-sections.ts";
import { kernelBtf } from "../../parity/corpora.ts";
import { stringOffset, testBtf, typeId } from "./btf.ts";

/** A map: its type, sizes in bytes and entries; `value` names a type of the test's BTF. */
export interface TestMap {
  readonly type: number;
  readonly key: number;
  readonly size: number;
  readonly entries: number;
  readonly flags?: number;
  readonly extra?: bigint;
  readonly value?: string;
  readonly frozen?: string;
  readonly inner?: TestMap;
  /** Kernel structure of a struct_ops map. */
  readonly structOps?: string;
}
export interface Setting {
  /** Program type by the kernel's name. */
  readonly type: string;
  readonly maps?: readonly TestMap[];
  readonly flags?: number;
  readonly license?: string;
  readonly caps?: Caps;
  readonly attach?: number;
  /** Kernel function, tracepoint type or structure that the program attaches to. */
  readonly target?: string | number;
  /** Functions of the test's BTF, main first, each with its first instruction as a label or number; `0` for main. */
  readonly funcs?: readonly (readonly [name: string, label: string])[];
  /** Line info: an instruction as a label or number, and a line. */
  readonly lines?: readonly (readonly [label: string, line: number])[];
}
/**
 * A program that one check rejects, and its neighbour, which differs by one replacement or by its setting.
 * Lines are parted by `;`. `type NAME` stands for the id of a type of the test's BTF, `ktype KIND:NAME` for one of
 * the kernel's, `koff STRUCT.MEMBER` for an offset in one of those. The instruction at fault ends in `<--`; without that mark the check speaks of no instruction.
 */
export interface Fixture extends Setting {
  readonly check: CheckId;
  readonly text: string;
  readonly neighbour: readonly [from: string, to: string] | Partial<Setting>;
}
export interface Built {
  readonly input: VerifyInput;
  /** The instructions as the kernel is given them: what is no index of a map is a descriptor. */
  readonly raw: readonly Insn[];
  readonly fault: number;
}

const SPECIAL: readonly [RegExp, string][] = [
  [/^r(\d+) = map (-?\d+)$/, "r$1 = $2 ll"],
  [/^r(\d+) = mapvalue (\d+) (-?\d+)$/, "r$1 = $2 ll"],
  [/^r(\d+) = ksym (\S+)$/, "r$1 = 0 ll"],
  [/^r(\d+) = func (\S+)$/, "r$1 = 0 ll"],
  [/^kcall (\S+)$/, "call 0"],
  [/^raw (.*)$/, "r0 = 0"],
];
const slot = (code: number, dst: number, src: number, off: number, imm: number): Insn => ({ code, dst, src, off, imm });
const FUNC_KIND = 12;

/** Fills in what the assembler has no words for. */
function patch(insns: Insn[], at: number, line: string, place: (label: string) => number): void {
  const old = insns[at]!;
  let m: RegExpExecArray | null;
  if (SPECIAL[0]![0].test(line)) {
    insns[at] = { ...old, src: 1 };
    insns[at + 1] = slot(0, 0, 0, 0, 0);
  } else if ((m = SPECIAL[1]![0].exec(line))) {
    insns[at] = { ...old, src: 2 };
    insns[at + 1] = slot(0, 0, 0, 0, Number(m[3]));
  } else if ((m = SPECIAL[2]![0].exec(line))) insns[at] = { ...old, src: 3, imm: symbol(m[2]!) };
  else if ((m = SPECIAL[3]![0].exec(line))) insns[at] = { ...old, src: 4, imm: place(m[2]!) - at - 1 };
  else if ((m = SPECIAL[4]![0].exec(line))) insns[at] = { ...old, src: 2, imm: symbol(m[1]!) };
  else if ((m = SPECIAL[5]![0].exec(line))) {
    const [code, dst, src, off, imm] = m[1]!.split(" ").map(Number);
    insns[at] = slot(code!, dst!, src!, off!, imm!);
  }
}

/** Offset in bytes of a direct member of a kernel structure. */
function kernelOffset(struct: string, member: string): number {
  const found = kernelBtf()
    .type(symbol(`4:${struct}`))
    .members.find((m) => m.name === member);
  if (!found) throw new Error(`the kernel's struct ${struct} has no member ${member} of its own`);
  return found.bitOffset / 8;
}

/** The kernel's BTF id of `KIND:NAME` (function when no kind is given), or the number itself. */
export function symbol(name: string | number): number {
  if (typeof name === "number" || /^-?\d+$/.test(name)) return Number(name);
  const [kind, bare] = name.includes(":") ? name.split(":") : [FUNC_KIND, name];
  return kernelBtf().find(bare!, Number(kind));
}

function code(text: string): { insns: Insn[]; fault: number; places: Map<string, number> } {
  const lines = text
    .replace(/(\w+:) /g, "$1;")
    .replace(/\bktype (\S+?)(?=;|$| )/g, (_, name: string) => `${symbol(name)}`)
    .replace(/\bkoff (\w+)\.(\w+)/g, (_, struct: string, member: string) => `${kernelOffset(struct, member)}`)
    .replace(/\btype (\w+)/g, (_, name: string) => `${typeId(name)}`)
    .split(";")
    .map((l) => l.trim());
  const plain = lines.map((l) => l.replace(/\s*<--$/, ""));
  const source = plain.map((l) => SPECIAL.reduce((t, [from, to]) => t.replace(from, to), l));
  const { object, diagnostics, lines: at } = assemble(source.join("\n"), { helperId: (n) => helperByName(n)?.id });
  if (!object) throw new Error(diagnostics.map((d) => `${plain[d.line]}: ${d.message}`).join("; "));
  const insns = decodeInsns(Buffer.from(viewObject(object).sections[".text"]!.hex, "hex"));
  const slots = at.map((l) => l.offBytes / 8);
  const indexOf = (line: number): number => slots[at.findIndex((l) => l.line >= line)] ?? insns.length;
  const places = new Map<string, number>([["0", 0]]);
  plain.forEach((l, i) => l.endsWith(":") && places.set(l.slice(0, -1), indexOf(i)));
  at.forEach((l, i) => patch(insns, slots[i]!, plain[l.line]!, (name) => places.get(name)!));
  const marked = lines.findIndex((l) => l.endsWith("<--"));
  return { insns, fault: marked < 0 ? -1 : indexOf(marked), places };
}

export const specOf = (m: TestMap, i: number): MapSpec => ({
  name: `m${i}`,
  type: m.type,
  keySize: m.key,
  valueSize: m.size,
  maxEntries: m.entries,
  flags: m.flags ?? 0,
  mapExtra: m.extra ?? 0n,
  btfKeyTypeId: m.value ? typeId("int") : 0,
  btfValueTypeId: m.value ? typeId(m.value) : 0,
  inner: m.inner && specOf(m.inner, 99),
  initial: m.frozen === undefined ? undefined : Buffer.from(m.frozen, "hex"),
  frozen: m.frozen !== undefined,
  structOps: m.structOps,
});

const FILE = "x.c";
/** struct bpf_line_info as four numbers each. */
export const lineRecords = (lines: readonly LineInfo[]): number[][] =>
  lines.map((l) => [l.insnIdx, stringOffset(l.file), stringOffset(l.text), (l.line << 10) | l.column]);

/** The program of a fixture, or its neighbour's. */
export function build(f: Fixture, neighbour = false): Built & { setting: Setting } {
  const other = f.neighbour;
  const isEdit = Array.isArray(other);
  const setting: Setting = neighbour && !isEdit ? { ...f, ...(other as Partial<Setting>) } : f;
  if (isEdit && !f.text.includes(other[0] as string)) throw new Error(`${f.check}: '${other[0]}' is not in the text`);
  const text = neighbour && isEdit ? f.text.replace(other[0] as string, other[1] as string) : f.text;
  const { insns, fault, places } = code(text);
  const at = (label: string): number => places.get(label) ?? Number(label);
  const funcInfo: FuncInfo[] = (setting.funcs ?? []).map(([name, label]) => ({ insnIdx: at(label), typeId: typeId(name) }));
  const lineInfo: LineInfo[] = (setting.lines ?? []).map(([label, line]) => ({
    insnIdx: at(label),
    file: FILE,
    line,
    column: 1,
    text: FILE,
  }));
  const maps = setting.maps ?? [];
  const typed = funcInfo.length > 0 || lineInfo.length > 0 || maps.some((m) => m.value || m.structOps);
  const btf: Btf | undefined = typed ? testBtf() : undefined;
  const input: VerifyInput = {
    name: "",
    type: progTypeByName(setting.type)!,
    expectedAttachType: setting.attach ?? 0,
    attachBtfId: setting.target === undefined ? 0 : symbol(setting.target),
    flags: setting.flags ?? 0,
    license: setting.license ?? "GPL",
    insns: insns.map((i) => (i.code === 0x18 && i.src === 1 && !maps[i.imm] ? { ...i, imm: literalDescriptor(i.imm, maps.length) } : i)),
    maps: maps.map(specOf),
    btf,
    funcInfo,
    lineInfo,
  };
  return { input, raw: insns, fault, setting };
}
