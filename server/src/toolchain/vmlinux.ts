// The made vmlinux.h: from which types, and where in the cache it stands. Each choice of types has a folder of its own, so that none is taken for another's.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { C_DUMP_REVISION, dumpC, type Btf } from "../../../core/object/index.ts";
import type { ToolchainSettings } from "./types.ts";

type Vmlinux = NonNullable<ToolchainSettings["vmlinux"]>;

/** vmlinux.h of the types that `bytes` hold, packed or not; `open` is asked only when the header has to be made. */
export function vmlinuxOf(bytes: Uint8Array, open: () => Btf): Vmlinux {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { key: `${hash}-${C_DUMP_REVISION}`, text: () => dumpC(open()) };
}

/** The folder of the header, whether it was made or not. */
export const vmlinuxDir = (cacheDir: string, source: Vmlinux): string =>
  join(cacheDir, "include", source.key.replace(/[^A-Za-z0-9_.-]/g, "_"));

/** Writes the header unless it is there; other processes see all of it or none. */
export function makeVmlinux(cacheDir: string, source: Vmlinux): void {
  const dir = vmlinuxDir(cacheDir, source);
  if (existsSync(join(dir, "vmlinux.h"))) return;
  mkdirSync(dir, { recursive: true });
  const temporary = join(dir, `vmlinux.h.${process.pid}`);
  writeFileSync(temporary, source.text());
  renameSync(temporary, join(dir, "vmlinux.h"));
}
