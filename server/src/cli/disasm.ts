// The command disasm: the instructions of an object, with their source lines. It verifies nothing.
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { listObject } from "../../../core/analysis/index.ts";
import { loadObject, openBtf } from "../../../core/object/index.ts";
import { packedKernelTypes } from "../features/toolchain-paths.ts";
import { parseOptions, UsageError } from "./usage.ts";

/** `disasm FILE...` */
export function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, { help: { type: "boolean" } });
  if (values.help || positionals.length === 0) throw new UsageError("usage: beeline disasm FILE.o...");
  const packed = packedKernelTypes();
  const kernelBtf = packed && openBtf(brotliDecompressSync(packed));
  for (const file of positionals)
    process.stdout.write(`${listObject(loadObject(readFileSync(file), { kernelBtf, fileName: file }), kernelBtf).text}\n`);
  return Promise.resolve(0);
}
