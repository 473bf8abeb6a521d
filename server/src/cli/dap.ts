// The command dap: the debug adapter for any editor, on standard input and output or on a local port. It compiles C through clang and runs nothing else.
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { CodedError } from "../../../core/base/index.ts";
import { BeelineSession, type Host } from "../../../debug-adapter/index.ts";
import { readKernelTypes, readObject } from "./input.ts";
import { parseOptions, UsageError } from "./usage.ts";

const HELP = `usage: beeline dap [--stdio | --port N] [--btf FILE]

  --stdio     speak the Debug Adapter Protocol on standard input and output (the default)
  --port N    listen on 127.0.0.1, port N (0 takes a free one, which is printed), for one client after the other
  --btf FILE  kernel types (default: the bundled ones; 'host' takes the running kernel's)
`;
const OPTIONS = {
  stdio: { type: "boolean" },
  port: { type: "string" },
  btf: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** `dap`; see contracts in the manual. Ends when the client does (stdio) or when it is told to stop (port). */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0)
    throw new UsageError(`'${positionals[0]}' is not expected: what to debug is said by the client's launch request`);
  if (values.stdio && values.port !== undefined) throw new UsageError("--stdio and --port exclude each other");
  const host = hostOf(values.btf);
  if (values.port !== undefined) return listen(portOf(values.port), host);
  new BeelineSession(host).start(process.stdin, process.stdout);
  return new Promise<number>((resolve) => process.stdin.on("end", () => resolve(0)));
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port ${text}: a port is a number from 0 to 65535`);
  return port;
}

/** Files of this machine, clang, and kernel types that are unpacked when first needed. */
function hostOf(btf: string | undefined): Host {
  let types: ReturnType<typeof readKernelTypes> | undefined;
  const kernel = (): ReturnType<typeof readKernelTypes> => (types ??= readKernelTypes(btf));
  return {
    readFile: async (path) => new Uint8Array(await readFile(path)),
    compile: (path) => readObject(path, kernel()).catch(placed),
    kernelBtf: () => Promise.resolve(kernel().btf),
  };
}

/** Puts the place of an error into its text: a response of the protocol has only text. */
function placed(error: unknown): never {
  if (!(error instanceof CodedError) || error.at.file === undefined) throw error;
  const { file, line, column } = error.at;
  throw new CodedError(error.code, `${[file, line, column].filter((x) => x !== undefined).join(":")}: ${error.message}`, error.at);
}

/** A session that ends its connection, not the process. */
class SocketSession extends BeelineSession {
  readonly #socket: Socket;
  constructor(host: Host, socket: Socket) {
    super(host);
    this.#socket = socket;
  }
  override shutdown(): void {
    this.#socket.end();
  }
}

/** Serves clients in the order in which they connect. Rejects when the port cannot be had. */
function listen(port: number, host: Host): Promise<number> {
  let turn: Promise<void> = Promise.resolve();
  const server: Server = createServer((socket) => {
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => socket.destroy());
    turn = turn.then(() => {
      if (socket.destroyed) return;
      new SocketSession(host, socket).start(socket, socket);
      return closed;
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", (e: NodeJS.ErrnoException) =>
      reject(e.code === "EADDRINUSE" ? new UsageError(`port ${port} is in use; choose another, or 0 for a free one`) : e),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      process.stdout.write(`listening on 127.0.0.1:${typeof address === "object" ? address?.port : port}\n`);
    });
    server.once("close", () => resolve(0));
  });
}
