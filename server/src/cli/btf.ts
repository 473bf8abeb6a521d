// `beeline btf FILE [--c] [--base FILE]`: types as text or as a C header. It reads files and writes standard output, nothing else.
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { CodedError } from "../../../core/base/index.ts";
import { btfOfFile, dumpC, dumpText, type Btf } from "../../../core/object/index.ts";

const USAGE = "usage: beeline btf FILE [--c] [--base FILE]\n";

function open(path: string, base?: Btf): Btf {
  const bytes = readFileSync(path);
  return btfOfFile(new Uint8Array(path.endsWith(".br") ? brotliDecompressSync(bytes) : bytes), base);
}

/** Exit status: 0, or 2 for bad usage and files that can't be read. */
export async function run(args: string[]): Promise<number> {
  const files: string[] = [];
  let base: string | undefined;
  let asC = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--c") asC = true;
    else if (arg === "--base") base = args[++i];
    else files.push(arg);
  }
  const [file] = files;
  if (file === undefined || files.length > 1 || file.startsWith("-")) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const btf = open(file, base === undefined ? undefined : open(base));
    if (asC) await write(dumpC(btf));
    else await write([...dumpText(btf)].join("\n") + "\n");
    return 0;
  } catch (e) {
    if (!(e instanceof CodedError) && !(e instanceof Error && "code" in e)) throw e;
    process.stderr.write(`beeline btf: ${file}: ${e.message}\n`);
    return 2;
  }
}

/** Waits until a pipe has taken the text. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}
