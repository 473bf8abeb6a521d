// Packages the extension into beeline.vsix and checks its size and contents. It publishes nothing.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vsce = join(root, "node_modules", "@vscode", "vsce", "vsce");
const MAX_BYTES = 8 * 1024 * 1024;
/** All that may be in the package. */
const ALLOWED = [
  /^dist\/[\w.-]+\.(js|wasm|br)$/,
  /^dist\/(diagnostics|headers|include)\//,
  /^syntaxes\/[\w.-]+\.json$/,
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|THIRD-PARTY\.md)$/,
  /^docs\/[\w-]+\.png$/,
];
const NEEDED = [
  "dist/extension.js",
  "dist/server.js",
  "dist/worker.js",
  "dist/cli.js",
  "dist/vmlinux.btf.br",
  "dist/tree-sitter-c.wasm",
  "dist/web-tree-sitter.wasm",
  "THIRD-PARTY.md",
];

/** Builds when needed, packages, checks. Answers the path; throws with what is wrong. */
export function packageExtension() {
  if (!existsSync(join(root, "dist", "extension.js")))
    execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, stdio: "inherit" });
  const list = execFileSync(process.execPath, [vsce, "ls", "--no-dependencies"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((l) => l && !l.includes(" "));
  const strangers = list.filter((f) => !ALLOWED.some((a) => a.test(f)));
  if (strangers.length) throw new Error(`the package would hold what does not belong there: ${strangers.join(", ")}`);
  const missing = NEEDED.filter((f) => !list.includes(f));
  if (missing.length) throw new Error(`the package would lack ${missing.join(", ")}`);
  const out = join(root, "beeline.vsix");
  execFileSync(
    process.execPath,
    [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "--no-rewrite-relative-links", "-o", out],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const size = statSync(out).size;
  if (size > MAX_BYTES) throw new Error(`the package has ${size} bytes, more than ${MAX_BYTES}`);
  return { path: out, size, files: list.length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, size, files } = packageExtension();
  console.log(`${path}: ${files} files, ${(size / 1048576).toFixed(2)} MB`);
}
