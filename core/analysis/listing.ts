// An object as text: each program's instructions with their source lines. It verifies nothing.
import { helperById } from "../catalog/index.ts";
import { disassemble, insnSlots, isLdImm64, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_FUNC } from "../isa/index.ts";
import { type Btf, type ObjectSpec, type ProgramSpec } from "../object/index.ts";
import type { DisasmNames, Insn } from "../isa/index.ts";

/** Where an instruction stands in the text; lines are 0-based. */
export interface ListingLine {
  readonly line: number;
  readonly program: string;
  readonly insn: number;
}
export interface Listing {
  readonly text: string;
  readonly instructions: readonly ListingLine[];
  /** Line of each program's heading. */
  readonly headings: readonly { readonly program: string; readonly line: number }[];
}

function names(object: ObjectSpec, program: ProgramSpec, kernelBtf: Btf | undefined): DisasmNames {
  return {
    helper: (id) => helperById(id)?.name,
    kfunc: (insn: Insn) => (kernelBtf && insn.imm > 0 && insn.imm < kernelBtf.typeCount ? kernelBtf.type(insn.imm).name : undefined),
    imm64: (insn, hi) => {
      if (insn.src === BPF_PSEUDO_MAP_FD) return `map[${object.maps[insn.imm]?.name ?? insn.imm}]`;
      if (insn.src === BPF_PSEUDO_MAP_VALUE) return `map[${object.maps[insn.imm]?.name ?? insn.imm}][0]+${hi}`;
      if (insn.src === BPF_PSEUDO_FUNC) return `subprog[${insn.imm >= 0 ? "+" : ""}${insn.imm}]`;
      return undefined;
    },
  };
}

/** Lists `object`. Comment lines begin with `;`, instruction lines have the form of the kernel's log. */
export function listObject(object: ObjectSpec, kernelBtf: Btf | undefined): Listing {
  const out: string[] = [];
  const instructions: ListingLine[] = [];
  const headings: { program: string; line: number }[] = [];
  for (const program of object.programs) {
    headings.push({ program: program.name, line: out.length });
    out.push(`; program ${program.name}, section ${program.section}, ${program.insns.length} instructions`);
    if (program.error) out.push(`; cannot be loaded: ${program.error.message}`);
    listProgram(program, names(object, program, kernelBtf), out, instructions);
    out.push("");
  }
  return { text: out.join("\n"), instructions, headings };
}

function listProgram(program: ProgramSpec, text: DisasmNames, out: string[], instructions: ListingLine[]): void {
  const lines = new Map(program.lineInfo.map((l) => [l.insnIdx, l]));
  let last = "";
  for (let i = 0; i < program.insns.length;) {
    const insn = program.insns[i]!;
    const sub = program.subprogNames.get(i);
    if (sub !== undefined && (i > 0 || sub !== program.name)) out.push(`${sub}:`);
    const source = lines.get(i);
    const note = source ? `; ${source.text.trim()} @ ${source.file.replace(/^.*\//, "")}:${source.line}` : "";
    if (note && note !== last) out.push(note);
    last = note || last;
    instructions.push({ line: out.length, program: program.name, insn: i });
    out.push(`${String(i).padStart(5)}: ${disassemble(insn, program.insns[i + 1], text)}`);
    i += isLdImm64(insn) ? insnSlots(insn) : 1;
  }
}
