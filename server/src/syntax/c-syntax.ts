// What a C source says of BPF by its syntax alone: functions with their sections, and calls. It works while code does not compile.
import { Language, Parser, type Node } from "web-tree-sitter";
import { findSection, type SectionDef } from "../../../core/object/index.ts";
import { assetPath } from "./assets.ts";

/** 0-based line and UTF-16 column. */
export interface Place {
  readonly line: number;
  readonly character: number;
}
export interface CFunction {
  readonly name: string;
  /** Place of the name. */
  readonly at: Place;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly section: string | undefined;
  /** Meaning of the section, if it is a known program section. */
  readonly def: SectionDef | undefined;
}
export interface CCall {
  readonly name: string;
  readonly start: Place;
  readonly end: Place;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Offsets just behind `(` and just before `)`; of the arguments' commas. */
  readonly argsStart: number;
  readonly argsEnd: number;
  readonly commas: readonly number[];
}
export interface CSyntax {
  readonly functions: readonly CFunction[];
  readonly calls: readonly CCall[];
}

/** Macros whose first argument is the program's name. */
const NAMING_MACRO = /^BPF_(PROG|PROG2|KPROBE|KRETPROBE|UPROBE|URETPROBE|KSYSCALL|KPROBE_SYSCALL|USDT|KPROBE_MULTI)$/;
/** Words that disturb a parser which does not expand macros. */
const NOISE =
  /\bSEC\s*\(\s*"[^"\n]*"\s*\)|\b__(?:noinline|always_inline|hidden|weak|ksym|kconfig|arena|uint|type|u|hid)\b|__attribute__\s*\(\([^\n;{}]*?\)\)/g;

let parser: Promise<Parser> | undefined;

function load(): Promise<Parser> {
  parser ??= (async () => {
    await Parser.init({ locateFile: () => assetPath("web-tree-sitter.wasm", "web-tree-sitter/web-tree-sitter.wasm") });
    const p = new Parser();
    p.setLanguage(await Language.load(assetPath("tree-sitter-c.wasm", "tree-sitter-c/tree-sitter-c.wasm")));
    return p;
  })();
  return parser;
}

const blank = (s: string): string => s.replace(/[^\n]/g, " ");
const place = (p: { row: number; column: number }): Place => ({ line: p.row, character: p.column });

/** The name node of a function definition, through pointers and naming macros. */
function nameNode(definition: Node): Node | undefined {
  let d = definition.childForFieldName("declarator");
  while (d && d.type !== "function_declarator") d = d.childForFieldName("declarator");
  const name = d?.childForFieldName("declarator");
  if (!d || !name) return undefined;
  if (!NAMING_MACRO.test(name.text)) return name;
  const first = d.childForFieldName("parameters")?.namedChildren[0];
  return first ?? name;
}

/** The section written before a function: the last SEC() between the end of what comes before it and its name. */
function sectionBefore(source: string, nameAt: number): string | undefined {
  const before = source.slice(Math.max(0, nameAt - 2000), nameAt);
  const m = [...before.matchAll(/\bSEC\s*\(\s*"([^"\n]*)"\s*\)/g)].at(-1);
  return m && !/[;{}]/.test(before.slice(m.index + m[0].length)) ? m[1] : undefined;
}

function functionOf(source: string, definition: Node): CFunction | undefined {
  const name = nameNode(definition);
  if (!name) return undefined;
  const section = sectionBefore(source, name.startIndex);
  const def = section === undefined ? undefined : findSection(section.replace(/^\?/, ""));
  return {
    name: name.text,
    at: place(name.startPosition),
    startOffset: definition.startIndex,
    endOffset: definition.endIndex,
    section,
    def,
  };
}

function callOf(node: Node): CCall | undefined {
  const callee = node.childForFieldName("function");
  const args = node.childForFieldName("arguments");
  if (callee?.type !== "identifier" || !args) return undefined;
  const open = args.firstChild?.endIndex ?? args.startIndex;
  const closed = args.lastChild?.type === ")" && !args.lastChild.isMissing;
  return {
    name: callee.text,
    start: place(callee.startPosition),
    end: place(callee.endPosition),
    startOffset: callee.startIndex,
    endOffset: callee.endIndex,
    argsStart: open,
    argsEnd: closed ? args.endIndex - 1 : args.endIndex,
    commas: args.children.filter((c) => c?.type === ",").map((c) => c!.startIndex),
  };
}

/** Reads a source text. Never fails for faulty code: what can be recognised is. */
export async function readC(source: string): Promise<CSyntax> {
  const tree = (await load()).parse(source.replace(NOISE, blank));
  if (!tree) return { functions: [], calls: [] };
  try {
    const functions = tree.rootNode.descendantsOfType("function_definition").flatMap((n) => (n && functionOf(source, n)) ?? []);
    const calls = tree.rootNode.descendantsOfType("call_expression").flatMap((n) => (n && callOf(n)) ?? []);
    return { functions, calls };
  } finally {
    tree.delete();
  }
}

/**
 * The section of the program around an offset, by its SEC() and by braces in the first column alone: it holds while a function
 * is being written and has no end yet.
 */
export function sectionAt(source: string, offset: number): { readonly name: string; readonly def: SectionDef | undefined } | undefined {
  const before = source.slice(0, offset);
  const last = [...before.matchAll(/\bSEC\s*\(\s*"([^"\n]*)"\s*\)/g)].at(-1);
  if (!last) return undefined;
  const since = before.slice(last.index + last[0].length);
  const body = since.indexOf("{");
  if (body < 0 || /[;=]/.test(since.slice(0, body)) || /\n}/.test(since)) return undefined;
  const name = last[1]!;
  return { name, def: findSection(name.replace(/^\?/, "")) };
}

/** Whether a C text looks like a BPF program. */
export const looksLikeBpf = (source: string): boolean => /\bSEC\s*\(\s*"|bpf_helpers\.h|"vmlinux\.h"/.test(source);
