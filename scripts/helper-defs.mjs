// Writes assets/headers/bpf/bpf_helper_defs.h from the catalog: node scripts/helper-defs.mjs
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outfile = join(root, ".cache/helper-defs.mjs");
await build({
  entryPoints: [join(root, "server/src/toolchain/helper-defs.ts")],
  bundle: true,
  format: "esm",
  platform: "node",
  outfile,
  logLevel: "error",
});
const { helperDefsHeader } = await import(pathToFileURL(outfile).href);
writeFileSync(join(root, "assets/headers/bpf/bpf_helper_defs.h"), helperDefsHeader());
