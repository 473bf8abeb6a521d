// Lists the packages whose code is in dist/, with their licences: found from what esbuild puts into each bundle. It judges no licence.
//   node scripts/third-party.mjs --write      writes THIRD-PARTY.md
//   node scripts/third-party.mjs --check      ends with 1 when THIRD-PARTY.md is not what --write would write
import { build } from "esbuild";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BESIDE, BUNDLES } from "./bundles.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, "THIRD-PARTY.md");
const HEAD = `# Third-party code in the packages of Beeline

Written by \`node scripts/third-party.mjs --write\` from what the bundles hold; a test keeps it complete.
`;

/** Names of the packages in the bundles and beside them. */
async function packages() {
  const found = new Set(BESIDE);
  for (const entry of Object.values(BUNDLES)) {
    const { metafile } = await build({
      entryPoints: [join(root, entry)],
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "cjs",
      external: ["vscode"],
      outdir: "out",
      loader: { ".wasm": "binary", ".md": "text" },
      define: { "import.meta.url": '""' },
      logLevel: "error",
    });
    for (const input of Object.keys(metafile.inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1];
      if (name) found.add(name);
    }
  }
  return [...found].sort();
}

function licence(name) {
  const dir = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  const text = readdirSync(dir).find((f) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(f));
  const body = text && existsSync(join(dir, text)) ? readFileSync(join(dir, text), "utf8").trim() : `The package says only: ${license}.`;
  return `## ${name} ${version}\n\nLicence: ${license}\n\n\`\`\`text\n${body.replaceAll("\r\n", "\n").replaceAll("```", "'''")}\n\`\`\`\n`;
}

const text = [HEAD, ...(await packages()).map(licence)].join("\n");
if (process.argv.includes("--write")) writeFileSync(file, text);
else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
  console.error("THIRD-PARTY.md is not what the bundles hold: run node scripts/third-party.mjs --write");
  process.exitCode = 1;
}
