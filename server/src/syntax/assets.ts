// Finds the files that lie beside the bundles, in an installed extension as in a source tree. It reads none of them.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Path of a file of dist/ by its name; `source` is the module path that has it in a source tree. */
export function assetPath(name: string, source: string): string {
  const beside = join(dirname(fileURLToPath(import.meta.url)), name);
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve(source);
}
