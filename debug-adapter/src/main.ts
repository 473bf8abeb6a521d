// The debug adapter as a process on standard input and output. The host here reads files with node; C sources need `beeline dap`.
import { readFile } from "node:fs/promises";
import { BeelineSession } from "./session.ts";

const session = new BeelineSession({ readFile: async (path) => new Uint8Array(await readFile(path)) });
process.on("SIGTERM", () => session.shutdown());
session.start(process.stdin, process.stdout);
