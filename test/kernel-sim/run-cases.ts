// Small programs that are run here and by the running kernel, with the lines that ask it. It judges nothing.
import { encodeInsns } from "../../core/isa/index.ts";
import { loadWithMaps, SimKernel, testRun, type EngineName } from "../../core/kernel/index.ts";
import type { Btf } from "../../core/object/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { build, symbol, type Setting } from "../verifier/checks/program.ts";
import { environment } from "../verifier/checks/question.ts";

/** A program in the words of the checks' fixtures, and what it is run on: hex digits. */
export interface RunCase extends Setting {
  readonly name: string;
  readonly text: string;
  readonly data?: string;
  readonly ctx?: string;
  /** `KIND:NAME` of the kernel's type whose id the program holds. */
  readonly kernelType?: string;
}
const CALL = 0x85,
  LD_IMM64 = 0x18,
  KFUNC = 2,
  FUNC = 12;
const hex = (bytes: Uint8Array | undefined): string => (bytes?.length ? Buffer.from(bytes).toString("hex") : "-");
const built = (c: RunCase): ReturnType<typeof build> =>
  build({ ...c, check: "memory", neighbour: {} } as unknown as Parameters<typeof build>[0]);

/** The program as the verifier gets it. */
export const inputOf = (c: RunCase): ReturnType<typeof build>["input"] => built(c).input;

/** The lines for test/kernel/ask.c, which end in one `test`. `host` are the types of the kernel that is asked: its kfuncs have other numbers. */
export function questionOf(c: RunCase, host: Btf): string[] {
  const b = built(c);
  const { type, flags } = b.input;
  const [kind, name] = (c.kernelType ?? "0:").split(":");
  const own = c.kernelType === undefined ? undefined : symbol(c.kernelType);
  const insns = b.raw.map((i) => {
    if (i.code === CALL && i.src === KFUNC) return { ...i, imm: host.find(kernelBtf().type(i.imm).name, FUNC) };
    return i.code === LD_IMM64 && i.src === 0 && i.imm === own ? { ...i, imm: host.find(name!, Number(kind)) } : i;
  });
  return [...environment(b), `test ${type} ${flags} ${c.data ?? "-"} ${c.ctx ?? "-"} ${hex(encodeInsns(insns))}`];
}
/** An answer without the contents of typed maps, which hold addresses. */
export function comparable(c: RunCase, answer: string): string {
  if (!answer.startsWith("ran ")) return answer;
  const words = answer.split(" ");
  return words.map((w, i) => (c.maps?.[i - 5]?.value ? "-" : w)).join(" ");
}
/** The same answer from the simulated kernel. */
export function answerOf(c: RunCase, engine: EngineName = "interpreter"): string {
  const { input } = built(c);
  const verdict = verify(input, { logLevel: 1, kernelBtf: kernelBtf(), caps: c.caps ?? "full" });
  if (verdict.verdict !== "accept") return `load ${verdict.errno} ${verdict.error.at(-1) ?? verdict.message}`;
  const kernel = new SimKernel({ maxBytes: 1 << 26, engine, kernelTypes: kernelBtf(), hardware: { cpus: 2 } });
  const program = loadWithMaps(kernel, { ...input, special: verdict.special }, input.maps);
  const bytes = (text: string | undefined): Uint8Array | undefined =>
    text === undefined ? undefined : Uint8Array.from(Buffer.from(text, "hex"));
  const run = testRun(kernel, program, { data: bytes(c.data), ctx: bytes(c.ctx) });
  if (run.stop?.kind === "trap") return `trap ${run.stop.trap.cause}: ${run.stop.trap.message}`;
  const maps = program.maps.map((m) => (m.spec.type === 2 ? hex(kernel.memory.read(m.entries()[0]!.valueAt, m.valueSize)) : "-"));
  return comparable(
    c,
    [
      "ran",
      -run.err,
      run.retval,
      hex(c.data === undefined ? undefined : run.dataOut),
      hex(c.ctx === undefined ? undefined : run.ctxOut),
      ...maps,
    ].join(" "),
  );
}
