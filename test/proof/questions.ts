// Generated programs as the lines that test/kernel/ask.c reads, and its answers beside ours. It asks nobody.
import { bytesToHex, Cancelled } from "../../core/base/index.ts";
import { encodeInsns, type Insn } from "../../core/isa/index.ts";
import { testRunRaw, type EngineName } from "../../core/kernel/index.ts";
import type { Btf, Caps } from "../../core/object/index.ts";
import { verify, type VerifyResult } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { inputOf, mapSpecs, MAPS, programTypes, type Generated } from "./generator/index.ts";

export type Asked = Pick<Generated, "type" | "flags" | "insns" | "funcInfo">;
/** The running kernel's types, where its kfuncs have other ids than in the bundled ones. */
let host: Btf | undefined;
export const setHostTypes = (btf: Btf): void => void (host = btf);
const FUNC_KIND = 12;
const forHost = (insn: Insn): Insn =>
  host && insn.code === 0x85 && insn.src === 2 ? { ...insn, imm: host.find(kernelBtf().type(insn.imm).name, FUNC_KIND) } : insn;
const hex = (p: Asked): string => bytesToHex(encodeInsns(p.insns.map(forHost)));
const words = (n: readonly number[]): string => bytesToHex(new Uint8Array(Uint32Array.from(n).buffer));
const mapLines = (): string[] => MAPS.map((m) => `map ${m.join(" ")}`);
const funcLine = (p: Asked): string => `set funcs ${words(p.funcInfo.flatMap((f) => [f.insnIdx, f.typeId]))}`;

/** What comes before the first question about verdicts. The maps are made with all capabilities. */
export const preamble = (caps: Caps = "full"): string[] => [`btf ${bytesToHex(programTypes())}`, ...mapLines(), `set caps ${caps}`];
/** One question: the verdict. */
export const verdictLines = (p: Asked): string[] => [funcLine(p), `prog ${p.type} ${p.flags} ${hex(p)}`];
/** One question: the result of a run on fresh maps. */
export const runLines = (p: Asked, packet: Uint8Array): string[] => [
  "new",
  ...preamble(),
  funcLine(p),
  `set flags ${p.flags}`,
  `run ${p.type} 1 ${bytesToHex(packet)} ${hex(p)}`,
];

export interface Verdict {
  readonly errno: number;
  readonly processed: number;
  readonly line: string;
}
/** The kernel's answer to a `prog` line. */
export function verdictOf(answer: string): Verdict {
  const m = /^(\d+) (\d+) -?\d+ (.*)$/.exec(answer);
  if (!m) throw new Error(`no answer of ask: ${answer}`);
  return { errno: Number(m[1]), processed: Number(m[2]), line: m[3]! };
}

/** Programs on which more is spent than this are left to the kernel: `undefined`. */
const MOST_QUESTIONS = 24;
/** Our answer for a loader with these capabilities; undefined for a program that takes more than 24,000 steps, of which most reach the limit of a million. */
export function ours(p: Asked, caps: Caps = "full"): (Verdict & { readonly result: VerifyResult }) | undefined {
  let asked = 0;
  const cancel = {
    get cancelled(): boolean {
      return ++asked > MOST_QUESTIONS;
    },
  };
  try {
    const result = verify(inputOf(p), { logLevel: 0, kernelBtf: kernelBtf(), cancel, caps });
    return { errno: result.errno, processed: result.processed, line: result.error.at(-1) ?? "", result };
  } catch (e) {
    if (!(e instanceof Cancelled)) throw e;
    return undefined;
  }
}

/** In what way the two answers differ, the worst first; null when they do not. */
export function difference(kernel: Verdict, here: Verdict & { readonly result: VerifyResult }): string | null {
  if (here.result.verdict === "error") return "unsupported";
  if ((kernel.errno === 0) !== (here.errno === 0)) return here.errno === 0 ? "wrongly accepted" : "wrongly rejected";
  if (kernel.errno !== here.errno) return "errno";
  if (kernel.errno !== 0 && kernel.line !== here.line) return "line";
  return kernel.processed === here.processed ? null : "processed";
}

export interface RunAnswer {
  readonly errno: number;
  readonly retval: number;
  readonly packet: string;
}
/** The kernel's answer to a `run` line. */
export function runOf(answer: string): RunAnswer {
  const [errno, retval, , packet] = answer.split(" ");
  return { errno: Number(errno), retval: Number(retval ?? 0), packet: packet ?? "" };
}
const GEARS: readonly EngineName[] = ["interpreter", "stoppable", "wasm"];
/** Our runs on fresh maps in every gear, one answer when they agree; a trap's cause where the simulator has none, words where they disagree. */
export function ourRun(p: Asked, packet: Uint8Array): RunAnswer | string {
  const { special } = verify(inputOf(p), { logLevel: 0, kernelBtf: kernelBtf() });
  const [first, ...others] = GEARS.map((engine) => runIn(p, packet, engine, special));
  if (others.every((other) => JSON.stringify(other) === JSON.stringify(first))) return first!;
  return typeof first === "string" ? first : { ...first!, packet: `the gears disagree: ${JSON.stringify([first, ...others])}` };
}
function runIn(p: Asked, packet: Uint8Array, engine: EngineName, special: readonly number[] | undefined): RunAnswer | string {
  const names = kernelBtf();
  const kfuncName = (id: number): string | undefined => (id > 0 && id < names.typeCount ? names.type(id).name : undefined);
  const input = { insns: p.insns, progType: p.type, expectedAttachType: 0, license: "GPL", maps: mapSpecs(), special };
  const [r] = testRunRaw(input, [{ data: packet }], { kfuncName, hardware: { cpus: 2 }, engine }).runs;
  if (r!.trap) return r!.trap.cause;
  return { errno: r!.err, retval: r!.retval ?? 0, packet: r!.dataOut ? bytesToHex(r!.dataOut) : "" };
}
