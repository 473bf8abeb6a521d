// The page of docs/diagnostics about a finding. It reads pages and writes nothing.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const pages = new Map<string, string | undefined>();

function folder(): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, "diagnostics"), join(here, "..", "docs", "diagnostics"), join(here, "..", "..", "..", "docs", "diagnostics")].find(
    (p) => existsSync(p),
  );
}

/** The Markdown page about check `id`, or undefined. */
export function pageOf(id: string): string | undefined {
  if (!/^[\w-]+$/.test(id)) return undefined;
  if (!pages.has(id)) {
    const path = join(folder() ?? "", `${id}.md`);
    pages.set(id, existsSync(path) ? readFileSync(path, "utf8") : undefined);
  }
  return pages.get(id);
}

/** The first paragraph of that page: what the finding means, in one or two sentences. */
export function meaningOf(id: string): string | undefined {
  const paragraph = pageOf(id)
    ?.split(/\n\s*\n/)
    .find((p) => p.trim() && !p.startsWith("#"));
  return paragraph
    ?.replace(/\s*\n\s*/g, " ")
    .replace(/[`*]/g, "")
    .trim();
}
