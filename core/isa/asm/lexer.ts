// Splits BPF assembly into statements of tokens with places. It understands comments, strings and numbers, no instruction.

export type TokenKind = "id" | "num" | "str" | "op" | "end";

/** A token; `start` and `end` are 0-based UTF-16 columns of its line. `value` is set for numbers, `bytes` for strings. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly value?: bigint;
  readonly bytes?: readonly number[];
}

/** One statement; `line` is 0-based. `fromLog` says that the line has the form of the kernel's verifier log. */
export interface Statement {
  readonly line: number;
  readonly tokens: readonly Token[];
  readonly fromLog: boolean;
}

/** A fault of the source text at columns [start, end) of a 0-based line. */
export class AsmFault extends Error {
  override readonly name = "AsmFault";
  readonly start: number;
  readonly end: number;
  constructor(message: string, at: { readonly start: number; readonly end: number }) {
    super(message);
    this.start = at.start;
    this.end = at.end;
  }
}

const SPACE = /[ \t\r]+/y;
const IDENTIFIER = /[A-Za-z_.$@][\w.$@]*/y;
const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?:[bf](?!\w))?/y;
const SIGNED_OP = /s(?:>>=|\/=|%=|>=|<=|>|<)/y;
const OPERATOR = /<<=|>>=|[-+*/%&|^=!<>]=|<<|>>|[-+*/%&|^~=<>!(),:[\]#]/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
/** `12: (bf) ` before an instruction of the log. */
const LOG_PREFIX = /^\s*\d+: \([0-9a-f]{2}\) /;
/** What of the log is no instruction: states of registers, statistics, source lines. */
const LOG_NOISE = /^\s*(?:;|\d+: R\d|R\d+(?:_\w+)?=|from \d+ to \d+|processed \d+ insns|mark_precise:|func#\d+ @|last_idx |regs=)/;

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12, '"': 34, "\\": 92 };

/** Bytes of a quoted string with the escapes of GNU as. */
function unescape(body: string, at: { start: number; end: number }): number[] {
  const out: number[] = [];
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== "\\") {
      for (const byte of utf8Bytes(body.codePointAt(i)!)) out.push(byte);
      if (body.codePointAt(i)! > 0xffff) i++;
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(body.slice(i + 1))?.[0];
    const hex = /^[xX][0-9a-fA-F]+/.exec(body.slice(i + 1))?.[0];
    const simple = ESCAPES[body[i + 1]!];
    if (octal) out.push(parseInt(octal, 8) & 255);
    else if (hex) out.push(parseInt(hex.slice(1), 16) & 255);
    else if (simple !== undefined) out.push(simple);
    else throw new AsmFault(`unknown escape '\\${body[i + 1] ?? ""}' in a string`, at);
    i += (octal ?? hex ?? " ").length;
  }
  return out;
}

function utf8Bytes(cp: number): number[] {
  if (cp < 0x80) return [cp];
  if (cp < 0x800) return [0xc0 | (cp >> 6), 0x80 | (cp & 63)];
  if (cp < 0x10000) return [0xe0 | (cp >> 12), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63)];
  return [0xf0 | (cp >> 18), 0x80 | ((cp >> 12) & 63), 0x80 | ((cp >> 6) & 63), 0x80 | (cp & 63)];
}

function number(text: string): bigint {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^\d+[bf]$/.test(text) ? BigInt(text.slice(0, -1)) : BigInt(text);
}

/** The token at `at`, which is no blank and no comment. */
function token(text: string, at: number): Token {
  const make = (kind: TokenKind, s: string): Token => ({ kind, text: s, start: at, end: at + s.length });
  const signedOp = match(SIGNED_OP, text, at);
  if (signedOp !== undefined) return make("op", signedOp);
  const id = match(IDENTIFIER, text, at);
  if (id !== undefined) return make("id", id);
  const num = match(NUMBER, text, at);
  if (num !== undefined) return { ...make("num", num), value: number(num) };
  const str = match(STRING, text, at);
  if (str !== undefined) return { ...make("str", str), bytes: unescape(str.slice(1, -1), { start: at, end: at + str.length }) };
  const op = match(OPERATOR, text, at);
  if (op !== undefined) return make("op", op);
  throw new AsmFault(text[at] === '"' ? "string without end" : `unexpected character '${text[at]!}'`, { start: at, end: at + 1 });
}

/** Comments in slashes and asterisks become blanks, so that all columns stay. */
function blankBlockComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, (m) =>
    m.startsWith("/*") ? m.replace(/[^\n]/g, " ") : m,
  );
}

/** Tokens of one line as statements; a fault ends the line and goes to `fault`. */
function lexLine(text: string, line: number, fault: (f: AsmFault) => void): Statement[] {
  const prefix = LOG_PREFIX.exec(text)?.[0];
  const fromLog = prefix !== undefined;
  if (!fromLog && LOG_NOISE.test(text)) return [];
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  const flush = (): void => {
    if (tokens.length) statements.push({ line, tokens, fromLog });
    tokens = [];
  };
  for (let at = prefix?.length ?? 0; at < text.length;) {
    const space = match(SPACE, text, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    if ((text[at] === "#" && !fromLog) || text.startsWith("//", at) || (text[at] === ";" && fromLog)) break;
    if (text[at] === ";") {
      flush();
      at++;
      continue;
    }
    try {
      const next = token(text, at);
      tokens.push(next);
      at = next.end;
    } catch (error) {
      if (!(error instanceof AsmFault)) throw error;
      fault(error);
      tokens = [];
      break;
    }
  }
  flush();
  return statements;
}

/** All statements of a source text. Faulty lines are reported and left out. */
export function lex(source: string, report: (line: number, fault: AsmFault) => void): Statement[] {
  return blankBlockComments(source)
    .split("\n")
    .flatMap((text, line) => lexLine(text, line, (fault) => report(line, fault)));
}
