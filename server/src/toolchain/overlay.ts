// Unsaved texts as a virtual file overlay for clang: copies in a private folder, and a YAML file that puts them at their real paths. It never touches the real files.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

export interface Workbench {
  readonly dir: string;
  readonly objectPath: string;
  /** What clang is to compile: the file itself, or, when it is on no disk, a one-line file that includes it (clang's driver looks at the real disk). */
  readonly inputPath: string;
  /** Flags that make clang see the texts. */
  readonly flags: readonly string[];
  remove(): void;
}

/** Makes a private folder for one compilation of `file`; `texts` maps absolute paths to contents. */
export function openWorkbench(file: string, texts: ReadonlyMap<string, string>): Workbench {
  const dir = mkdtempSync(join(tmpdir(), "beeline-"));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    // BTF's copy of each source line is read from the disk, past the overlay, unless the debug info holds the text itself.
    const flags = texts.size === 0 ? [] : ["-ivfsoverlay", writeOverlay(dir, texts), "-gdwarf-5", "-gembed-source"];
    const inputPath = existsSync(file) ? file : join(dir, "input.c");
    if (inputPath !== file) writeFileSync(inputPath, `#include ${JSON.stringify(file)}\n`, { mode: 0o600 });
    return { dir, objectPath: join(dir, "out.o"), inputPath, flags, remove };
  } catch (e) {
    remove();
    throw e;
  }
}

/** JSON is YAML; names in messages and debug info stay the real ones. */
function writeOverlay(dir: string, texts: ReadonlyMap<string, string>): string {
  const folders = new Map<string, object[]>();
  [...texts].forEach(([path, text], i) => {
    const copy = join(dir, `text-${i}`);
    writeFileSync(copy, text, { mode: 0o600 });
    const folder = dirname(resolve(path));
    folders.set(folder, [...(folders.get(folder) ?? []), { type: "file", name: basename(path), "external-contents": copy }]);
  });
  const roots = [...folders].map(([name, contents]) => ({ type: "directory", name, contents }));
  const yaml = join(dir, "overlay.yaml");
  writeFileSync(yaml, JSON.stringify({ version: 0, "case-sensitive": process.platform === "linux", "use-external-names": false, roots }), {
    mode: 0o600,
  });
  return yaml;
}
