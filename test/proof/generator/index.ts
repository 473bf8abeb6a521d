// Random programs that reach deep and are mostly accepted: typed, of all features that the verifier follows, the same for the same seed. It asks no kernel.
import type { Insn } from "../../../core/isa/index.ts";
import type { FuncInfo } from "../../../core/object/index.ts";
import type { VerifyInput } from "../../../core/verifier/index.ts";
import { addReg, call, EXIT, link, movImm, movReg, type Draft } from "./drafts.ts";
import * as flow from "./flow.ts";
import * as memory from "./memory.ts";
import * as numbers from "./numbers.ts";
import { State } from "./state.ts";
import { mapSpecs, programBtf, protoId } from "./types.ts";

export { MAPS, mapSpecs, programBtf, programTypes } from "./types.ts";

/** A generated program. `reach` names the blocks that it is made of. */
export interface Generated {
  readonly type: number;
  readonly flags: number;
  readonly insns: readonly Insn[];
  readonly funcInfo: readonly FuncInfo[];
  readonly reach: ReadonlySet<string>;
}
type Block = (s: State, blocks: flow.Blocks) => Draft[];

/** Every block, with how often it is chosen. */
export const BLOCKS: readonly (readonly [weight: number, name: string, make: Block])[] = [
  [12, "alu", numbers.alu],
  [8, "chain", numbers.chain],
  [10, "stack", numbers.stack],
  [3, "variable-stack", numbers.variableStack],
  [3, "atomic", numbers.atomic],
  [7, "linked", numbers.linked],
  [8, "edges", numbers.edges],
  [6, "map-value", memory.mapValue],
  [4, "keep-value", memory.keepValue],
  [7, "use-kept", memory.useKept],
  [2, "map-change", memory.mapChange],
  [5, "packet", memory.packet],
  [3, "keep-packet", memory.keepPacket],
  [4, "use-kept-packet", memory.useKeptPacket],
  [1, "packet-helper", memory.packetHelper],
  [3, "context", memory.context],
  [2, "legacy-load", memory.legacyLoad],
  [1, "load-bytes", memory.loadBytes],
  [3, "record", memory.record],
  [1, "dynptr", memory.dynptr],
  [12, "branch", flow.branch],
  [7, "diamond", flow.diamond],
  [5, "diamond-slot", flow.diamondSlot],
  [4, "diamond-pointer", flow.diamondPointer],
  [5, "loop", flow.loop],
  [2, "may-goto", flow.mayGoto],
  [1, "iterator", flow.iterator],
  [3, "callback", flow.callback],
  [6, "subprogram", flow.subprogram],
  [5, "helper", flow.helper],
  [3, "parked", flow.parked],
];
/** Blocks whose runs depend on time or take too many rounds to be compared. */
const ONE_WAY: ReadonlySet<string> = new Set(["helper", "may-goto"]);
const TOTAL = BLOCKS.reduce((n, [w]) => n + w, 0);

function block(s: State): Draft[] {
  let at = s.rnd(TOTAL);
  for (const [weight, name, make] of BLOCKS) {
    if (at >= weight) {
      at -= weight;
      continue;
    }
    if (s.repeatable && ONE_WAY.has(name)) return numbers.alu(s);
    s.reach.add(name);
    return make(s, blocks);
  }
  return [];
}
function blocks(s: State, n: number): Draft[] {
  s.depth++;
  const out: Draft[] = [];
  for (let i = 0; i < n; i++) {
    const made = s.depth > 5 || s.room < 0 ? numbers.alu(s) : block(s);
    s.room -= made.length;
    out.push(...made);
  }
  s.depth--;
  return out;
}

/** Flags: test_state_freq and strict alignment now and then. */
const FLAGS = [0, 0, 0, 8, 8, 1];

/** Program number `seed`; a `repeatable` one has the same result in each run on the same packet and fresh maps. */
export function generate(seed: number, repeatable = false): Generated {
  const s = new State(seed, repeatable);
  const main: Draft[] = [movReg(6, 1)];
  for (const r of [7, 8, 9]) main.push(...(s.rnd(3) && !repeatable ? [call(7), movReg(r, 0)] : [movImm(r, s.imm())]));
  if (!s.rnd(4)) main.push(addReg(7, 8));
  main.push(movImm(0, 0));
  main.push(...s.clearStack().filter(() => repeatable || s.rnd(10)));
  main.push(...blocks(s, 2 + s.rnd(7)));
  if (!s.slip(20)) main.push(movImm(0, s.rnd(3)));
  main.push(EXIT);
  const { insns, starts } = link(main, s.functions);
  const funcInfo = starts.length
    ? [{ insnIdx: 0, typeId: protoId("main") }, ...starts.map((insnIdx, i) => ({ insnIdx, typeId: protoId(s.functions[i]!.proto) }))]
    : [];
  return { type: s.type, flags: s.pick(FLAGS), insns, funcInfo, reach: s.reach };
}

/** A program as the verifier takes it. */
export function inputOf(p: Pick<Generated, "type" | "flags" | "insns" | "funcInfo">): VerifyInput {
  const { type, flags, insns, funcInfo } = p;
  const base = { name: "", expectedAttachType: 0, attachBtfId: 0, license: "GPL", maps: mapSpecs(), lineInfo: [] };
  return { ...base, type, flags, insns, funcInfo, ...(funcInfo.length ? { btf: programBtf() } : {}) };
}
