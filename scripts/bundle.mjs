// Bundles TypeScript of the project for a script and imports it. It builds nothing that ships.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const cache = join(root, ".cache");

/** Writes `contents`, a module with imports relative to the root, to `.cache/NAME` as one file, with `more` of esbuild's options; answers its URL. */
export async function bundle(name, contents, more = {}) {
  mkdirSync(cache, { recursive: true });
  const outfile = join(cache, name);
  const define = { "import.meta.dirname": JSON.stringify(join(root, "test/parity")) };
  const stdin = { contents, resolveDir: root, loader: "ts" };
  // Packages in CommonJS ask for Node's modules by require.
  const banner = { js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);' };
  const loader = { ".wasm": "binary", ".md": "text" };
  await build({ stdin, bundle: true, format: "esm", platform: "node", outfile, define, banner, loader, logLevel: "error", ...more });
  return pathToFileURL(outfile).href;
}
