// The command asm: assembles one file of BPF assembly into an object. It verifies nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { helperByName } from "../../../core/catalog/index.ts";
import { assemble } from "../../../core/isa/index.ts";
import { parseOptions, UsageError } from "./usage.ts";

/** `asm FILE -o OUT.o`; without -o the object's name is FILE with `.o` for `.s`. Status 1 when the text has faults. */
export function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, {
    output: { type: "string", short: "o" },
    "big-endian": { type: "boolean" },
    help: { type: "boolean" },
  });
  const [file, extra] = positionals;
  if (values.help || file === undefined || extra !== undefined)
    throw new UsageError("usage: beeline asm FILE.bpf.s [-o OUT.o] [--big-endian]");
  const { object, diagnostics } = assemble(readFileSync(file, "utf8"), {
    littleEndian: !values["big-endian"],
    helperId: (name) => helperByName(name)?.id,
  });
  for (const d of diagnostics) process.stderr.write(`${file}:${d.line + 1}:${d.start + 1}: error: ${d.message}\n`);
  if (!object) return Promise.resolve(1);
  writeFileSync(values.output ?? `${file.replace(/(\.bpf)?\.[sS]$/, "")}.o`, object);
  return Promise.resolve(0);
}
