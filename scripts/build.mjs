// Builds dist/: the bundles of extension, server, worker, debug adapter and command line, and the assets they read. It checks no types.
import { build } from "esbuild";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { BUNDLES } from "./bundles.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const at = (...parts) => join(root, ...parts);

/** Files that the bundles read at run time, copied beside them. */
const ASSETS = [
  [at("assets", "vmlinux.btf.br"), "vmlinux.btf.br"],
  [require.resolve("web-tree-sitter/web-tree-sitter.wasm"), "web-tree-sitter.wasm"],
  [join(dirname(require.resolve("tree-sitter-c/package.json")), "tree-sitter-c.wasm"), "tree-sitter-c.wasm"],
];

/** Folders that the bundles read at run time. */
const FOLDERS = [
  [at("docs", "diagnostics"), "diagnostics"],
  [at("assets", "headers"), "headers"],
];

async function bundle(name, entry) {
  await build({
    entryPoints: [at(entry)],
    outfile: at("dist", `${name}.js`),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["vscode"],
    loader: { ".wasm": "binary", ".md": "text" },
    // CommonJS has no import.meta.url; sources may still say it.
    define: { "import.meta.url": "importMetaUrl" },
    banner: {
      js: `${name === "cli" ? "#!/usr/bin/env node\n" : ""}const importMetaUrl = require("node:url").pathToFileURL(__filename).href;`,
    },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
}

rmSync(at("dist"), { recursive: true, force: true });
mkdirSync(at("dist"), { recursive: true });
const domain = at("scripts", "build-domain.mjs");
if (existsSync(domain)) await (await import(pathToFileURL(domain).href)).default?.();
for (const [name, entry] of Object.entries(BUNDLES)) {
  if (existsSync(at(entry))) await bundle(name, entry);
}
for (const [from, to] of ASSETS) copyFileSync(from, at("dist", to));
for (const [from, to] of FOLDERS) if (existsSync(from)) cpSync(from, at("dist", to), { recursive: true });
chmodSync(at("dist", "cli.js"), 0o755);
