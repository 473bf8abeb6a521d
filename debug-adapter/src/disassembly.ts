// The disassembly view: instructions around an address, with names of helpers, maps and lines. It changes nothing.
import type { DebugProtocol } from "@vscode/debugprotocol";
import { CodedError } from "../../core/base/index.ts";
import { helperById } from "../../core/catalog/index.ts";
import { functionAt, lineAt } from "../../core/debug/index.ts";
import { disassemble, encodeInsns } from "../../core/isa/index.ts";
import type { Program } from "../../core/vm/index.ts";
import type { Runtime } from "./runtime.ts";

/** Offset in linear memory of a memory reference. Throws CodedError `bad-memory`. */
export function parseReference(text: string): number {
  if (!/^0x[0-9a-fA-F]+$/.test(text)) throw new CodedError("bad-memory", `'${text}' is no address`);
  return Number(BigInt(text) & 0xffffffffn);
}

/** `instructionCount` instructions from the reference on; places outside the program are marked invalid. `pathOf` makes paths of line info ones that the client can open. */
export function disassembleAt(
  runtime: Runtime,
  a: DebugProtocol.DisassembleArguments,
  pathOf: (file: string) => string,
): DebugProtocol.DisassembledInstruction[] {
  const at = parseReference(a.memoryReference) + (a.offset ?? 0);
  const program = runtime.kernel.machine.programs.find((p) => at >= p.code.start && at < p.code.start + 8 * Math.max(1, p.insns.length));
  if (!program) throw new CodedError("bad-memory", `no program is at ${a.memoryReference}`);
  const first = Math.floor((at - program.code.start) / 8) + (a.instructionOffset ?? 0);
  return Array.from({ length: a.instructionCount }, (_, i) => instruction(runtime, program, first + i)).map((i) =>
    i.location?.path === undefined ? i : { ...i, location: { ...i.location, path: pathOf(i.location.path) } },
  );
}

function instruction(runtime: Runtime, program: Program, slot: number): DebugProtocol.DisassembledInstruction {
  const address = `0xffff8881${Math.max(0, program.code.start + 8 * slot)
    .toString(16)
    .padStart(8, "0")}`;
  const insn = program.insns[slot];
  if (!insn) return { address, instruction: "", presentationHint: "invalid" };
  const isSecondHalf = slot > 0 && program.insns[slot - 1]!.code === 0x18;
  const maps = runtime.plan.object.maps;
  const text = isSecondHalf
    ? ""
    : disassemble(insn, program.insns[slot + 1], {
        helper: (id) => helperById(id)?.name,
        imm64: (i) => (i.src === 1 || i.src === 2 ? `map[${maps[i.imm]?.name ?? i.imm}]` : undefined),
      });
  const line = lineAt(program, slot);
  const start = functionAt(program, slot);
  return {
    address,
    instruction: text,
    instructionBytes: [...encodeInsns([insn])].map((b) => b.toString(16).padStart(2, "0")).join(" "),
    ...(start.start === slot ? { symbol: start.name } : {}),
    ...(line ? { location: { name: line.file.split("/").at(-1)!, path: line.file }, line: line.line, column: line.column } : {}),
  };
}
