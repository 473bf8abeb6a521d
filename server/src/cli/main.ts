// The command line `beeline COMMAND ...`: finds the command and turns its failures into one message and an exit status. It does no work itself.
import { BugError, CodedError } from "../../../core/base/index.ts";
import { UsageError } from "./usage.ts";

type Command = { run(args: string[]): Promise<number> };

/** Commands, loaded only when called. */
const COMMANDS: Readonly<Record<string, { readonly help: string; readonly load: () => Promise<Command> }>> = {
  verify: { help: "verify programs as Linux 6.18 would", load: () => import("./verify.ts") },
  run: { help: "run a program on a packet or another event, on the simulated kernel", load: () => import("./run.ts") },
  raw: { help: "verify and run programs given as JSON lines", load: () => import("./raw.ts") },
  asm: { help: "assemble BPF assembly into an object file", load: () => import("./asm.ts") },
  disasm: { help: "print the instructions of an object file", load: () => import("./disasm.ts") },
  link: { help: "link objects into one, as bpftool gen object does", load: () => import("./link.ts") },
  btf: { help: "print the types of a file, as text or as a C header", load: () => import("./btf.ts") },
  lsp: { help: "the language server on standard input and output", load: () => import("./lsp.ts") },
  dap: { help: "the debug adapter on standard input and output, or on a local port", load: () => import("./dap.ts") },
  helpers: { help: "list the helpers of Linux 6.18", load: () => import("./catalog.ts").then((m) => m.helpers) },
  kfuncs: { help: "list the kfuncs", load: () => import("./catalog.ts").then((m) => m.kfuncs) },
  "program-types": { help: "list the program types", load: () => import("./catalog.ts").then((m) => m.programTypes) },
  "attach-types": { help: "list the attach types", load: () => import("./catalog.ts").then((m) => m.attachTypes) },
  "map-types": { help: "list the map types", load: () => import("./catalog.ts").then((m) => m.mapTypes) },
};

function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((c) => c.length));
  const lines = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(width)}  ${help}`);
  return `usage: beeline COMMAND [ARGUMENT]...\n\n${lines.join("\n")}\n\n'beeline COMMAND --help' tells more.`;
}

/** The text for a failure, as one line; a fault of ours says so. */
function describe(error: unknown): string {
  if (error instanceof CodedError) {
    const { file, line, column, offBytes } = error.at;
    const place = file === undefined ? "" : `${[file, line, column].filter((x) => x !== undefined).join(":")}: `;
    const where = offBytes === undefined || line !== undefined ? "" : ` at byte ${offBytes}`;
    return `${place}${error.message} [${error.code}${where}]`;
  }
  if (error instanceof BugError) return `${error.message}. This is a fault of Beeline, not of your input; please report it.`;
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `${path}: no such file`;
  if (code === "EACCES") return `${path}: no permission to read it`;
  if (code === "EISDIR") return "is a directory, not a file";
  return message;
}

async function main(argv: string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(`${usage()}\n`);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`beeline: there is no command '${name}'. 'beeline --help' lists them.\n`);
    return 2;
  }
  try {
    return await (await command.load()).run(args);
  } catch (error) {
    process.stderr.write(`beeline ${name}: ${error instanceof UsageError ? error.message : describe(error)}\n`);
    return 2;
  }
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 2));
void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
