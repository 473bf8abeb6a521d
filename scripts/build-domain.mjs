// Compiles the verifier's scalar domain (AssemblyScript) to WebAssembly inside a generated TypeScript module. It builds nothing else.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "core/verifier/domain/assembly/scalar.ts");
const out = join(root, "core/verifier/domain/generated/scalar-wasm.ts");
const wasm = join(root, ".cache/scalar.wasm");

if (!existsSync(out) || statSync(out).mtimeMs < statSync(source).mtimeMs) {
  mkdirSync(dirname(out), { recursive: true });
  mkdirSync(dirname(wasm), { recursive: true });
  const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
  execFileSync(process.execPath, [asc, source, "-o", wasm, "-O3", "--runtime", "stub", "--noAssert", "--use", "abort="], {
    stdio: "inherit",
    cwd: root,
  });
  const bytes = readFileSync(wasm);
  writeFileSync(
    out,
    `// Generated from ../assembly/scalar.ts by scripts/build-domain.mjs. Do not edit.\nexport const SCALAR_WASM_BASE64 =\n  "${bytes.toString("base64")}";\n`,
  );
  console.log(`scalar domain: ${bytes.length} bytes of WebAssembly`);
}
