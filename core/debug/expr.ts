// Expressions of the debugger: registers, variables, maps, members, elements, dereference, arithmetic, comparison. They change nothing.
import { CodedError } from "../base/index.ts";
import type { CType } from "../object/index.ts";
import { addressOf, childrenOf, numberIn, offsetOf, type Peek, type TypedValue } from "./typed.ts";

/** A map as the debugger sees it. */
export interface MapView {
  readonly name: string;
  readonly kind: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly valueType: CType | undefined;
  entries(): { key: Uint8Array; valueAt: number }[];
  /** Offset of the value in linear memory, 0 when there is none. */
  find(key: Uint8Array): number;
}
/** What names mean. */
export interface Scope {
  readonly peek: Peek;
  register(name: string): bigint | undefined;
  variable(name: string): TypedValue | undefined;
  map(name: string): MapView | undefined;
}
/** A result: a number, a place in memory with a type, a map, or bytes. */
export type Value =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "typed"; readonly typed: TypedValue }
  | { readonly kind: "map"; readonly map: MapView }
  | { readonly kind: "bytes"; readonly at: number; readonly size: number }
  | { readonly kind: "text"; readonly text: string };

const fail = (message: string): never => {
  throw new CodedError("bad-expression", message);
};
const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_]\w*)|"((?:[^"\\]|\\.)*)"|(->|==|!=|<=|>=|<<|>>|&&|\|\||[-+*/%&|^!~().[\]<>]))/y;

/** Evaluates `text`. Throws CodedError `bad-expression` that says what is wrong. */
export function evaluate(text: string, scope: Scope): Value {
  const parser = new Parser(tokens(text), scope);
  const value = parser.binary(0);
  parser.end();
  return value;
}
interface Token {
  readonly kind: "number" | "name" | "text" | "op";
  readonly text: string;
}
function tokens(text: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (!m) return fail(`'${text.slice(at)}' is not understood`);
    out.push(
      m[1] !== undefined
        ? { kind: "number", text: m[1] }
        : m[2] !== undefined
          ? { kind: "name", text: m[2] }
          : m[3] !== undefined
            ? { kind: "text", text: m[3] }
            : { kind: "op", text: m[4]! },
    );
  }
  return out;
}

const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** The number that a value stands for; structs have none. */
export function numberOf(value: Value, scope: Scope): bigint {
  if (value.kind === "number") return value.value;
  if (value.kind === "bytes") return little(scope.peek(value.at, Math.min(8, value.size)) ?? fail("nothing is there"));
  if (value.kind !== "typed") return fail("this is no number");
  return numberIn(scope.peek, value.typed) ?? fail(`${value.typed.name} has no number here`);
}
const little = (bytes: Uint8Array): bigint => bytes.reduceRight((n, b) => (n << 8n) | BigInt(b), 0n);

class Parser {
  readonly #tokens: readonly Token[];
  readonly #scope: Scope;
  #at = 0;
  constructor(list: readonly Token[], scope: Scope) {
    this.#tokens = list;
    this.#scope = scope;
  }
  #peek(op: string): boolean {
    const t = this.#tokens[this.#at];
    return t?.kind === "op" && t.text === op;
  }
  #take(op: string): boolean {
    if (!this.#peek(op)) return false;
    this.#at++;
    return true;
  }
  #need(op: string): void {
    if (!this.#take(op)) fail(`'${op}' expected${this.#tokens[this.#at] ? ` before '${this.#tokens[this.#at]!.text}'` : " at the end"}`);
  }
  end(): void {
    const rest = this.#tokens[this.#at];
    if (rest) fail(`'${rest.text}' is not expected here`);
  }
  binary(level: number): Value {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.binary(level + 1);
    for (;;) {
      const op = operators.find((o) => this.#peek(o));
      if (op === undefined) return left;
      this.#at++;
      const right = this.binary(level + 1);
      left = { kind: "number", value: arithmetic(op, numberOf(left, this.#scope), numberOf(right, this.#scope)) };
    }
  }
  #unary(): Value {
    if (this.#take("*")) return this.#deref(this.#unary());
    if (this.#take("&")) {
      const v = this.#unary();
      const at = v.kind === "typed" ? v.typed.in : v.kind === "bytes" ? v.at : undefined;
      return typeof at === "number" ? { kind: "number", value: addressOf(at) } : fail("this has no address");
    }
    for (const [op, f] of [
      ["-", (n: bigint) => -n],
      ["!", (n: bigint) => (n === 0n ? 1n : 0n)],
      ["~", (n: bigint) => ~n],
    ] as const) {
      if (this.#take(op)) return { kind: "number", value: f(numberOf(this.#unary(), this.#scope)) };
    }
    return this.#postfix();
  }
  #deref(v: Value): Value {
    const { peek } = this.#scope;
    const [child] = v.kind === "typed" ? childrenOf(peek, v.typed) : [];
    if (child) return { kind: "typed", typed: child };
    const n = BigInt.asUintN(64, numberOf(v, this.#scope));
    const at = offsetOf(n);
    const size = at === undefined ? undefined : [8, 4, 2, 1].find((s) => peek(at, s));
    return at === undefined || size === undefined ? fail(`nothing is at 0x${n.toString(16)}`) : { kind: "bytes", at, size };
  }
  #postfix(): Value {
    let v = this.#primary();
    for (;;) {
      if (this.#take("->")) v = this.#member(this.#deref(v));
      else if (this.#take(".")) v = this.#member(v);
      else if (this.#take("[")) {
        const index =
          this.#tokens[this.#at]?.kind === "text" ? { kind: "text" as const, text: this.#tokens[this.#at++]!.text } : this.binary(0);
        this.#need("]");
        v = this.#element(v, index);
      } else return v;
    }
  }
  #member(v: Value): Value {
    const name = this.#tokens[this.#at++];
    if (name?.kind !== "name") return fail("a member's name is expected");
    if (v.kind !== "typed") return fail(`'${name.text}': there is no type to have members`);
    const child = childrenOf(this.#scope.peek, v.typed).find((c) => c.name === name.text);
    return child ? { kind: "typed", typed: child } : fail(`there is no member ${name.text}`);
  }
  #element(v: Value, index: Value): Value {
    if (v.kind === "map") return mapElement(v.map, index, this.#scope);
    if (v.kind !== "typed") return fail("this has no elements");
    const i = Number(numberOf(index, this.#scope));
    const child = childrenOf(this.#scope.peek, v.typed)[i];
    return child ? { kind: "typed", typed: child } : fail(`there is no element ${i}`);
  }
  #primary(): Value {
    const t = this.#tokens[this.#at++];
    if (!t) return fail("the expression ends too early");
    if (t.kind === "number") return { kind: "number", value: BigInt(t.text) };
    if (t.kind === "op" && t.text === "(") {
      const v = this.binary(0);
      this.#need(")");
      return v;
    }
    if (t.kind !== "name") return fail(`'${t.text}' is not expected here`);
    const variable = this.#scope.variable(t.text);
    if (variable) return { kind: "typed", typed: variable };
    const register = this.#scope.register(t.text);
    if (register !== undefined) return { kind: "number", value: register };
    const map = this.#scope.map(t.text);
    return map ? { kind: "map", map } : fail(`'${t.text}' is no register, variable or map here`);
  }
}

/** The bytes of a key given as number or text, padded with zeros. */
export function keyBytes(size: number, key: bigint | string): Uint8Array {
  const out = new Uint8Array(size);
  if (typeof key === "string") for (let i = 0; i < Math.min(size, key.length); i++) out[i] = key.charCodeAt(i);
  else for (let i = 0; i < size; i++) out[i] = Number((BigInt.asUintN(64, key) >> BigInt(8 * Math.min(i, 8))) & 255n);
  return out;
}
function mapElement(map: MapView, index: Value, scope: Scope): Value {
  const key = keyBytes(map.keySize, index.kind === "text" ? index.text : numberOf(index, scope));
  const at = map.find(key);
  if (!at) return fail(`map ${map.name} has no such key`);
  return map.valueType
    ? { kind: "typed", typed: { name: "value", type: map.valueType, in: at } }
    : { kind: "bytes", at, size: map.valueSize };
}
function arithmetic(op: string, a: bigint, b: bigint): bigint {
  const truth = (x: boolean): bigint => (x ? 1n : 0n);
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? fail("division by zero") : a / b;
    case "%":
      return b === 0n ? fail("division by zero") : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      return BigInt.asUintN(64, a << (b & 63n));
    case ">>":
      return a >> (b & 63n);
    case "==":
      return truth(BigInt.asUintN(64, a) === BigInt.asUintN(64, b));
    case "!=":
      return truth(BigInt.asUintN(64, a) !== BigInt.asUintN(64, b));
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "&&":
      return truth(a !== 0n && b !== 0n);
    default:
      return truth(a !== 0n || b !== 0n);
  }
}
