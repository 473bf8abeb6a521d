// Walks over the tokens of one statement and reads expressions. It knows no instruction and no directive.
import { AsmFault, type Statement, type Token } from "./lexer.ts";

/** A sum of symbols and a number: `+` symbols in `plus`, `-` symbols in `minus`. */
export interface Expr {
  readonly constant: bigint;
  readonly plus: readonly SymbolRef[];
  readonly minus: readonly SymbolRef[];
}
export interface SymbolRef {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const PRECEDENCE: Readonly<Record<string, number>> = { "|": 1, "^": 1, "&": 1, "<<": 2, ">>": 2, "+": 3, "-": 3, "*": 4, "/": 4, "%": 4 };

function fold(op: string, a: bigint, b: bigint, at: Token): bigint {
  if ((op === "/" || op === "%") && b === 0n) throw new AsmFault("division by zero", at);
  if ((op === "<<" || op === ">>") && (b < 0n || b > 63n)) throw new AsmFault("a shift is by 0 to 63 bits", at);
  switch (op) {
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "<<":
      return a << b;
    case ">>":
      return a >> b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    default:
      return a ^ b;
  }
}

/** A statement being read. Every method that wants something throws {@link AsmFault} at the place where it is not. */
export class Cursor {
  readonly statement: Statement;
  readonly #end: Token;
  #at = 0;
  #depth = 0;

  constructor(statement: Statement) {
    this.statement = statement;
    const last = statement.tokens.at(-1);
    this.#end = { kind: "end", text: "end of line", start: last?.end ?? 0, end: (last?.end ?? 0) + 1 };
  }

  peek(ahead = 0): Token {
    return this.statement.tokens[this.#at + ahead] ?? this.#end;
  }
  take(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }
  get done(): boolean {
    return this.peek().kind === "end";
  }
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && token.kind !== "str" && token.kind !== "end";
  }
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at++;
    return true;
  }
  fail(wanted: string, at: Token = this.peek()): never {
    throw new AsmFault(at.kind === "end" ? `${wanted} expected here` : `${wanted} expected, not '${at.text}'`, at);
  }
  expect(text: string): Token {
    return this.is(text) ? this.take() : this.fail(`'${text}'`);
  }
  identifier(what: string): Token {
    const token = this.peek();
    if (token.kind === "str") return { ...this.take(), text: token.text.slice(1, -1) };
    return token.kind === "id" ? this.take() : this.fail(what);
  }
  expectEnd(): void {
    if (!this.done) this.fail("end of line");
  }

  /** An expression; multiplication and the like take numbers only. */
  expr(minPrecedence = 1): Expr {
    let left = this.#nested();
    for (;;) {
      const op = this.peek();
      const precedence = op.kind === "op" ? PRECEDENCE[op.text] : undefined;
      if (precedence === undefined || precedence < minPrecedence) return left;
      this.take();
      left = this.#combine(op, left, this.expr(precedence + 1));
    }
  }
  /** Counts nesting, so that no text can exhaust the host's stack. */
  #nested(): Expr {
    if (++this.#depth > 100) throw new AsmFault("this expression is nested too deeply", this.peek());
    const e = this.#unary();
    this.#depth--;
    return e;
  }
  #combine(op: Token, a: Expr, b: Expr): Expr {
    if (op.text === "+") return { constant: a.constant + b.constant, plus: [...a.plus, ...b.plus], minus: [...a.minus, ...b.minus] };
    if (op.text === "-") return { constant: a.constant - b.constant, plus: [...a.plus, ...b.minus], minus: [...a.minus, ...b.plus] };
    if (a.plus.length + a.minus.length + b.plus.length + b.minus.length) throw new AsmFault(`'${op.text}' takes numbers, not symbols`, op);
    return { constant: fold(op.text, a.constant, b.constant, op), plus: [], minus: [] };
  }
  #unary(): Expr {
    const token = this.peek();
    if (this.accept("-")) {
      const e = this.#nested();
      return { constant: -e.constant, plus: e.minus, minus: e.plus };
    }
    if (this.accept("+")) return this.#nested();
    if (this.accept("~")) return { constant: ~this.number(), plus: [], minus: [] };
    if (this.accept("(")) {
      const e = this.expr();
      this.expect(")");
      return e;
    }
    if (token.kind === "num" && !/^\d+[bf]$/.test(token.text)) return { constant: this.take().value!, plus: [], minus: [] };
    if (token.kind === "num" || token.kind === "id" || token.kind === "str") {
      this.take();
      return {
        constant: 0n,
        plus: [{ name: token.kind === "str" ? token.text.slice(1, -1) : token.text, start: token.start, end: token.end }],
        minus: [],
      };
    }
    return this.fail("a number or a symbol");
  }
  /** An expression without symbols. */
  number(): bigint {
    const at = this.peek();
    const e = this.expr();
    if (e.plus.length || e.minus.length) throw new AsmFault("a number is needed here, not a symbol", at);
    return e.constant;
  }
}
