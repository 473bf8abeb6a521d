// The command link: makes one object of several, as `bpftool gen object` does. It verifies nothing.
import { writeFileSync } from "node:fs";
import { linkObjects, type LinkFile } from "../../../core/object/index.ts";
import { readKernelTypes, readObject } from "./input.ts";
import { parseOptions, UsageError } from "./usage.ts";

const USAGE = "usage: beeline link -o OUT.o FILE... (objects, C or assembly)";

/** `link -o OUT.o FILE...`: status 0, or 2 when a file cannot be read or does not fit the others; OUT.o is then left as it was. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, { output: { type: "string", short: "o" }, help: { type: "boolean" } });
  if (values.help || values.output === undefined || positionals.length === 0) throw new UsageError(USAGE);
  const kernel = positionals.some((f) => /\.c$/i.test(f)) ? readKernelTypes(undefined) : { btf: undefined };
  const files: LinkFile[] = [];
  for (const name of positionals) files.push({ name, bytes: await readObject(name, kernel) });
  writeFileSync(values.output, linkObjects(files));
  return 0;
}
