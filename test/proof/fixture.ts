// Programs with the kernel's answer on record, one JSON object a line, and the packets that repeatable programs run on. It asks no kernel.
import { bytesToHex, hexToBytes } from "../../core/base/index.ts";
import { decodeInsns, encodeInsns } from "../../core/isa/index.ts";
import type { Caps } from "../../core/object/index.ts";
import { random } from "../object/mutants.ts";
import { someBytes } from "./lockstep/run.ts";
import type { Asked, RunAnswer, Verdict } from "./questions.ts";

export interface Recorded {
  readonly note: string;
  readonly program: Asked;
  /** What the loader might do. */
  readonly caps: Caps;
  readonly kernel: Verdict;
  readonly run?: { readonly packet: Uint8Array; readonly answer: RunAnswer };
}

/** The packet that repeatable program number `seed` runs on. */
export function packetFor(seed: number): Uint8Array {
  const next = random(Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f);
  return someBytes(60 + next(60), next);
}

interface More {
  readonly caps: Caps;
  readonly run?: { readonly packet: Uint8Array; readonly answer: RunAnswer } | undefined;
}
export function fixtureLine(note: string, p: Asked, kernel: Verdict, { caps, run }: More): string {
  const row = {
    note,
    type: p.type,
    flags: p.flags,
    insns: bytesToHex(encodeInsns(p.insns)),
    ...(caps === "full" ? {} : { caps }),
    funcs: p.funcInfo.map((f) => [f.insnIdx, f.typeId]),
    ...kernel,
    ...(run ? { packet: bytesToHex(run.packet), run: run.answer } : {}),
  };
  return `${JSON.stringify(row)}\n`;
}
export function readFixture(line: string): Recorded {
  const r = JSON.parse(line) as {
    readonly note: string;
    readonly type: number;
    readonly flags: number;
    readonly insns: string;
    readonly funcs: readonly (readonly [number, number])[];
    readonly packet?: string;
    readonly caps?: Caps;
    readonly run?: RunAnswer;
  } & Verdict;
  const funcInfo = r.funcs.map(([insnIdx, typeId]) => ({ insnIdx, typeId }));
  const program = { type: r.type, flags: r.flags, insns: decodeInsns(hexToBytes(r.insns)), funcInfo };
  const kernel = { errno: r.errno, processed: r.processed, line: r.line };
  return {
    note: r.note,
    program,
    caps: r.caps ?? "full",
    kernel,
    ...(r.run ? { run: { packet: hexToBytes(r.packet!), answer: r.run } } : {}),
  };
}
