// Where the compiler finds our own headers and where made ones are kept. It creates nothing.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ToolchainSettings } from "../toolchain/index.ts";

const here = dirname(fileURLToPath(import.meta.url));
const firstThat = (...paths: string[]): string | undefined => paths.find((p) => existsSync(p));

/** Folder of our own headers, and a cache folder of the user. */
export function toolchainPaths(): Pick<ToolchainSettings, "headersDir" | "cacheDir"> {
  const headersDir = firstThat(
    join(here, "headers"),
    join(here, "..", "assets", "headers"),
    join(here, "..", "..", "..", "assets", "headers"),
  );
  return {
    ...(headersDir === undefined ? {} : { headersDir }),
    cacheDir: join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "beeline"),
  };
}

/** The bundled kernel types, packed, or undefined when the installation lacks them. */
export function packedKernelTypes(): Uint8Array | undefined {
  const path = firstThat(
    join(here, "vmlinux.btf.br"),
    join(here, "..", "assets", "vmlinux.btf.br"),
    join(here, "..", "..", "..", "assets", "vmlinux.btf.br"),
  );
  return path === undefined ? undefined : readFileSync(path);
}
