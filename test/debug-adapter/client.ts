// A small client of the Debug Adapter Protocol over two streams, and bundles of what it talks to. It judges nothing.
import { build } from "esbuild";
import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { DebugProtocol as P } from "@vscode/debugprotocol";

export const root = resolve(import.meta.dirname, "..", "..");
export const example = (name: string): string => join(root, "examples", name);
/** A query to UDP port 53, as in the examples' launch.json. */
export const DNS = "ffffffffffff02000000000108004500002000010000401166ca0a0000010a00000230390035000c000064617461";

/** Bundles an entry point into the cache folder as the build does; gives the script's path. */
export async function bundle(entry: string, name: string): Promise<string> {
  const outfile = join(root, ".cache", name);
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    loader: { ".wasm": "binary", ".md": "text" },
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "error",
  });
  return outfile;
}

type Message = P.Request | P.Response | P.Event;
/** The body of an answer or event, read loosely: the tests say what they expect in it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies differ by request, and a wrong field fails the expectation
export type Body = any;

export class Client {
  readonly events: P.Event[] = [];
  /** Status of the child, once it has ended. */
  readonly exit: Promise<number | null>;
  readonly #out: Writable;
  readonly #child: ChildProcess | undefined;
  readonly #answers = new Map<number, (r: P.Response) => void>();
  #wake: (() => void)[] = [];
  #seq = 0;
  #rest = Buffer.alloc(0);
  #seen = 0;

  constructor(input: Readable, output: Writable, child?: ChildProcess) {
    this.#out = output;
    this.#child = child;
    this.exit = new Promise((done) => (child ? child.once("exit", done) : input.once("close", () => done(null))));
    input.on("data", (chunk: Buffer) => this.#take(chunk));
  }
  static spawn(...args: string[]): Client {
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    return new Client(child.stdout, child.stdin, child);
  }
  static connect(port: number): Client {
    const socket = connect(port, "127.0.0.1");
    return new Client(socket, socket);
  }
  kill(): void {
    if (this.#child) this.#child.kill("SIGKILL");
    else this.#out.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n\r\n/.exec(this.#rest.toString("latin1", 0, 64));
      const end = head ? head[0].length + Number(head[1]) : Infinity;
      if (this.#rest.length < end) return;
      const message = JSON.parse(this.#rest.toString("utf8", head![0].length, end)) as Message;
      this.#rest = this.#rest.subarray(end);
      if (message.type === "event") this.events.push(message as P.Event);
      if (message.type === "response") this.#answers.get((message as P.Response).request_seq)?.(message as P.Response);
      for (const wake of this.#wake.splice(0)) wake();
    }
  }
  /** Sends a request; the response, whether a success or not. */
  ask(command: string, args: object = {}): Promise<P.Response> {
    const seq = ++this.#seq;
    const text = JSON.stringify({ seq, type: "request", command, arguments: args });
    this.#out.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return new Promise((done) => this.#answers.set(seq, done));
  }
  /** Sends a request that must succeed; the body of the answer. */
  async send(command: string, args: object = {}): Promise<Body> {
    const r = await this.ask(command, args);
    if (!r.success) throw new Error(`${command}: ${(r.body as P.ErrorResponse["body"]).error?.variables?.["_text"] ?? r.message}`);
    return r.body;
  }
  /** The next event of that name that has not been waited for; those before it are passed over. */
  async event(name: string): Promise<Body> {
    for (;;) {
      const i = this.events.findIndex((e, k) => k >= this.#seen && e.event === name);
      if (i >= 0) {
        this.#seen = i + 1;
        return this.events[i].body;
      }
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }
  /** Moves the machine and waits for it to stop; why, and the innermost frame. */
  async go(command: string, args: object = {}): Promise<{ reason: string; text?: string; line: number; frame: P.StackFrame }> {
    await this.send(command, { threadId: 1, ...args });
    return this.stop();
  }
  async stop(): Promise<{ reason: string; text?: string; line: number; frame: P.StackFrame }> {
    const { reason, text } = await this.event("stopped");
    const { stackFrames } = await this.send("stackTrace", { threadId: 1 });
    return { reason, ...(text === undefined ? {} : { text }), line: stackFrames[0].line, frame: stackFrames[0] };
  }
  /** Children of a scope of a frame, by name. */
  async scope(name: string, frameId = 0): Promise<Record<string, P.Variable>> {
    const { scopes } = await this.send("scopes", { frameId });
    return this.children(scopes.find((s: P.Scope) => s.name === name).variablesReference);
  }
  async children(variablesReference: number): Promise<Record<string, P.Variable>> {
    const { variables } = await this.send("variables", { variablesReference });
    return Object.fromEntries((variables as P.Variable[]).map((v) => [v.name, v]));
  }
  async evaluate(expression: string): Promise<string> {
    return (await this.send("evaluate", { expression, frameId: 0 })).result;
  }
  /** initialize and launch, up to the point where breakpoints are set. */
  async launch(args: object): Promise<Body> {
    const capabilities = await this.send("initialize", { adapterID: "beeline", linesStartAt1: true, columnsStartAt1: true });
    await this.send("launch", args);
    await this.event("initialized");
    return capabilities;
  }
  /** All output of a kind so far. */
  output(category: string): string {
    return this.events.flatMap((e) => (e.event === "output" && e.body.category === category ? [e.body.output as string] : [])).join("");
  }
}
