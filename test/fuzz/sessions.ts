// Whole sessions of the two protocols as inputs: a list of messages, damaged in repeatable ways, given to the language server or the debug adapter in this process.
import { PassThrough } from "node:stream";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { BeelineSession, type Host } from "../../debug-adapter/index.ts";
import { serve } from "../../server/src/server.ts";
import { random } from "../object/mutants.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const DEEP: Json = Array.from({ length: 200 }).reduce<Json>((inner) => [inner], []);
const EXTREMES: readonly Json[] = [
  ...[
    null,
    true,
    -1,
    0,
    2 ** 31,
    2 ** 53,
    -(2 ** 53),
    1e308,
    0.5,
    "",
    "x".repeat(70_000),
    "\ud800",
    "../../etc",
    "file:///nowhere",
    "0x",
    [],
    {},
  ],
  DEEP,
];

/** One value somewhere in `value` replaced, removed or doubled. */
export function damage(value: Json, next: (n: number) => number): Json {
  if (value === null || typeof value !== "object" || next(6) === 0) return EXTREMES[next(EXTREMES.length)]!;
  if (Array.isArray(value)) {
    if (value.length === 0 || next(5) === 0) return [...value, ...value, EXTREMES[next(EXTREMES.length)]!];
    const at = next(value.length);
    return value.with(at, damage(value[at]!, next));
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return { ["x"]: EXTREMES[next(EXTREMES.length)]! };
  const key = keys[next(keys.length)]!;
  const { [key]: old, ...rest } = value;
  return next(5) === 0 ? rest : { ...rest, [key]: damage(old!, next) };
}

/** Messages of mutant number `n` of the script, one JSON text a line; some are no JSON any more. */
export function damagedScript(script: readonly Json[], seed: number, n: number): Uint8Array {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  const lines = script.map((m) => JSON.stringify(m));
  for (let changes = 1 + next(4); changes > 0; changes--) {
    const at = next(lines.length);
    const kind = next(10);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(at, 0, lines[next(lines.length)]!);
    else if (kind === 2) lines[at] = lines[at]!.slice(0, next(lines[at]!.length + 1));
    else lines[at] = JSON.stringify(changed(script[at % script.length]!, next));
    if (lines.length === 0) lines.push("{}");
  }
  return new Uint8Array(Buffer.from(lines.join("\n")));
}
/** What a message asks for is damaged more often than that it asks. */
function changed(message: Json, next: (n: number) => number): Json {
  const m = message as { [key: string]: Json };
  const part = "params" in m ? "params" : "arguments";
  return next(4) && part in m ? { ...m, [part]: damage(m[part]!, next) } : damage(m, next);
}

const linesOf = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString("utf8").split("\n");

/** Gives each line as a message, waits for the answer to `last`, and counts answers. */
async function converse(
  lines: readonly string[],
  to: PassThrough,
  from: PassThrough,
  last: { text: string; answer: string },
): Promise<number> {
  let answers = 0;
  let seen = "";
  const done = new Promise<void>((resolve) =>
    from.on("data", (chunk: Buffer) => {
      answers++;
      seen += chunk.toString("latin1");
      if (seen.includes(last.answer)) resolve();
      // The answer may be cut in two by chunks; what stands before is not needed.
      seen = seen.slice(-last.answer.length);
    }),
  );
  const send = (text: string): void => void to.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  for (const line of lines) if (line !== "" && !line.includes('"exit"')) send(line);
  send(last.text);
  await done;
  return answers;
}

const doc = (name: string, languageId: string, text: string): Json => ({
  jsonrpc: "2.0",
  method: "textDocument/didOpen",
  params: { textDocument: { uri: `file:///tmp/${name}`, languageId, version: 1, text } },
});
const ask = (id: number, method: string, params: Json): Json => ({ jsonrpc: "2.0", id, method, params });
const place = (name: string, line: number, character: number): Json => ({
  textDocument: { uri: `file:///tmp/${name}` },
  position: { line, character },
});

/** A session of the language server on an assembly and a C text. */
export const languageScript = (asm: string, c: string): Json[] => [
  ask(1, "initialize", { processId: null, rootUri: null, capabilities: {}, initializationOptions: { trusted: false } }),
  { jsonrpc: "2.0", method: "initialized", params: {} },
  doc("a.bpf.s", "bpf-asm", asm),
  doc("a.bpf.c", "c", c),
  ask(2, "textDocument/hover", place("a.bpf.s", 4, 3)),
  ask(3, "textDocument/completion", place("a.bpf.s", 5, 1)),
  ask(4, "textDocument/definition", place("a.bpf.s", 6, 2)),
  ask(5, "textDocument/references", place("a.bpf.s", 6, 2)),
  ask(6, "textDocument/documentSymbol", { textDocument: { uri: "file:///tmp/a.bpf.s" } }),
  {
    jsonrpc: "2.0",
    method: "textDocument/didChange",
    params: {
      textDocument: { uri: "file:///tmp/a.bpf.s", version: 2 },
      contentChanges: [{ range: { start: { line: 1, character: 0 }, end: { line: 2, character: 4 } }, text: "r0 = 1\n" }],
    },
  },
  ask(7, "textDocument/codeLens", { textDocument: { uri: "file:///tmp/a.bpf.s" } }),
  ask(8, "textDocument/signatureHelp", place("a.bpf.c", 10, 8)),
  ask(9, "textDocument/hover", place("a.bpf.c", 10, 8)),
  { jsonrpc: "2.0", method: "textDocument/didClose", params: { textDocument: { uri: "file:///tmp/a.bpf.c" } } },
];

/** The message without a process to live as long as: the protocol's library ends this one when that is gone, as it should. */
function withoutParent(line: string): string {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return line;
  }
  const { params } = (message ?? {}) as { params?: { processId?: unknown } };
  if (typeof params?.processId !== "number") return line;
  params.processId = null;
  return JSON.stringify(message);
}

/** The language server with a session; nothing is compiled. */
export async function languageSession(bytes: Uint8Array): Promise<string> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  serve(createConnection(ProposedFeatures.all, input, output), () => () => Promise.resolve({ kind: "none" }) as never);
  const end = ask("end" as never, "shutdown", null);
  const answers = await converse(linesOf(bytes).map(withoutParent), input, output, { text: JSON.stringify(end), answer: '"id":"end"' });
  return answers > 1 ? "ok" : "silent@";
}

/** A session of the debug adapter on an object. */
export const debugScript = (program: string, packet: string): Json[] => {
  const request = (seq: number, command: string, args: Json): Json => ({ seq, type: "request", command, arguments: args });
  return [
    request(1, "initialize", { adapterID: "beeline", linesStartAt1: true }),
    request(2, "launch", { program, packet, stopOnEntry: true, seed: 1, cpus: 2 }),
    request(3, "setBreakpoints", {
      source: { path: "/examples/xdp_parse.bpf.c" },
      breakpoints: [{ line: 20 }, { line: 30, condition: "len > 1" }],
    }),
    request(4, "setInstructionBreakpoints", { breakpoints: [{ instructionReference: "0", offset: 8 }] }),
    request(5, "configurationDone", {}),
    request(6, "stackTrace", { threadId: 1, startFrame: 0, levels: 20 }),
    request(7, "scopes", { frameId: 0 }),
    request(8, "variables", { variablesReference: 1 }),
    request(9, "evaluate", { expression: "r1 + 2 * (r2 >> 1)", frameId: 0, context: "watch" }),
    request(10, "next", { threadId: 1, granularity: "instruction" }),
    request(11, "stepIn", { threadId: 1, granularity: "line" }),
    request(12, "stepBack", { threadId: 1 }),
    request(13, "disassemble", { memoryReference: "0", instructionOffset: -4, instructionCount: 16 }),
    request(14, "readMemory", { memoryReference: "0x1000", offset: 0, count: 64 }),
    request(15, "setVariable", { variablesReference: 1, name: "r0", value: "5" }),
    request(16, "dataBreakpointInfo", { variablesReference: 1, name: "r0" }),
    request(17, "continue", { threadId: 1 }),
  ];
};

class QuietSession extends BeelineSession {
  override shutdown(): void {}
}
/** The debug adapter with a session; the host gives `object` for any path. */
export async function debugSession(bytes: Uint8Array, object: Uint8Array): Promise<string> {
  const host: Host = { readFile: () => Promise.resolve(object) };
  const [input, output] = [new PassThrough(), new PassThrough()];
  new QuietSession(host).start(input, output);
  const last = { seq: 9999, type: "request", command: "threads" };
  const answers = await converse(linesOf(bytes), input, output, { text: JSON.stringify(last), answer: '"request_seq":9999' });
  return answers > 1 ? "ok" : "silent@";
}
