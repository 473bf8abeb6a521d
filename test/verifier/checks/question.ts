// A fixture's program as the lines that test/kernel/ask.c reads. It asks nobody.
import { encodeInsns } from "../../../core/isa/index.ts";
import type { MapSpec } from "../../../core/object/index.ts";
import { typeBytes } from "./btf.ts";
import { build, lineRecords, symbol, type Fixture } from "./program.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const words = (...n: number[]): string => hex(new Uint8Array(Uint32Array.from(n).buffer));

function mapLine(word: string, m: MapSpec): string {
  const sizes = [m.type, m.keySize, m.valueSize, m.maxEntries];
  const kernelValue = m.structOps ? symbol(`4:bpf_struct_ops_${m.structOps}`) : 0;
  const more = [m.flags, m.mapExtra, m.btfKeyTypeId, m.btfValueTypeId, kernelValue];
  return [word, ...sizes, ...more, m.frozen ? hex(m.initial!) : ""].join(" ").trim();
}

/** Lines that end in one `prog`: the program of a fixture, or its neighbour's. */
export function question(f: Fixture, neighbour: boolean): string[] {
  const { input, raw } = build(f, neighbour);
  return [...environment(build(f, neighbour)), `prog ${input.type} ${input.flags} ${hex(encodeInsns(raw))}`];
}
/** The lines before the program: types, maps and settings. */
export function environment({ input, setting }: ReturnType<typeof build>): string[] {
  const out = ["new", "set level 1"];
  if (setting.caps) out.push(`set caps ${setting.caps}`);
  if (input.btf) out.push(`btf ${hex(typeBytes())}`);
  for (const m of input.maps) {
    if (m.inner) out.push(mapLine("inner", m.inner));
    out.push(mapLine("map", m));
  }
  if (setting.license) out.push(`set license ${setting.license}`);
  if (input.expectedAttachType) out.push(`set attach ${input.expectedAttachType}`);
  if (input.attachBtfId) out.push(`set target ${input.attachBtfId}`);
  if (input.funcInfo.length) out.push(`set funcs ${input.funcInfo.map((r) => words(r.insnIdx, r.typeId)).join("")}`);
  if (input.lineInfo.length)
    out.push(
      `set lines ${lineRecords(input.lineInfo)
        .map((r) => words(...r))
        .join("")}`,
    );
  return out;
}
