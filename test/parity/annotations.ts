// What the kernel's selftests say of themselves in declaration tags: verdict and words for loaders without any capability. It judges nothing.
import type { Btf } from "../../core/object/index.ts";

/** What is expected of loading one program. */
export interface Expectation {
  readonly fails: boolean;
  /** To be found in the log, each after the one before. */
  readonly words: readonly RegExp[];
}
export interface Annotations {
  /** Of a loader without any capability; undefined when the program is not loaded that way. */
  readonly unprivileged?: Expectation;
  readonly logLevel: number;
  /** False for programs of other processors. */
  readonly here: boolean;
}

const PREFIX = "comment:test_";
const escaped = (text: string): string => text.replace(/[.[\]\\()*+?{}|^$]/g, "\\$&");
/** A message is found as it stands, but for regular expressions in {{ and }}. */
export function wordsPattern(message: string): RegExp {
  const parts = message.split(/\{\{|\}\}/);
  return new RegExp(parts.map((p, i) => (i % 2 ? p.replaceAll("[[:digit:]]", "\\d") : escaped(p))).join(""), "m");
}

/** The values of all tags of this name, in order; of messages, which are numbered, what follows the number. */
function values(tags: readonly string[], name: string): string[] {
  const start = `${PREFIX}${name}=`;
  const found = tags.filter((t) => t.startsWith(start)).map((t) => t.slice(start.length));
  return name.startsWith("expect_msg") ? found.map((t) => t.slice(t.indexOf("=") + 1)) : found;
}
interface Said {
  readonly verdict: boolean | undefined;
  readonly words: string[];
}
function said(tags: readonly string[], suffix: string): Said {
  const has = (name: string): boolean => tags.includes(`${PREFIX}${name}${suffix}`);
  const fails = has("expect_failure");
  const words = values(tags, `expect_msg${suffix}`);
  return { verdict: fails || has("expect_success") || has("auxiliary") ? fails : undefined, words };
}
const names = ({ verdict, words }: Said): boolean => verdict !== undefined || words.length > 0;

/** The annotations of a function, as parse_test_spec of test_loader.c reads them: what the mode without capabilities does not say is as with all. */
export function annotationsOf(btf: Btf, funcId: number): Annotations {
  const tags = btf.declTags(funcId, -1);
  const full = said(tags, "");
  const own = said(tags, "_unpriv");
  const expectation = ({ verdict, words }: Said): Expectation => ({
    fails: verdict ?? false,
    words: words.map(wordsPattern),
  });
  const unprivileged: Said = {
    verdict: own.verdict ?? full.verdict,
    words: own.words.length ? own.words : full.words,
  };
  const arches = values(tags, "arch");
  return {
    ...(names(own) ? { unprivileged: expectation(unprivileged) } : {}),
    logLevel: Number(values(tags, "log_level")[0] ?? 0),
    here: arches.length === 0 || arches.includes("X86_64"),
  };
}

/** The first of the words that the log lacks, each looked for after the one before; undefined when all are there. */
export function missingWords(log: string, words: readonly RegExp[]): RegExp | undefined {
  let rest = log;
  for (const word of words) {
    const at = word.exec(rest);
    if (!at) return word;
    rest = rest.slice(at.index + at[0].length);
  }
  return undefined;
}
