// The command verify: one verdict a program, as the kernel would give it. It prints; the verifier decides.
import { CodedError } from "../../../core/base/index.ts";
import { ATTACH_TYPE_NAMES, helperById, PROG_TYPE_NAMES } from "../../../core/catalog/index.ts";
import { disassemble } from "../../../core/isa/index.ts";
import {
  CAPS,
  capsByName,
  kernelVersionNumber,
  loadObject,
  type Btf,
  type Caps,
  type LineInfo,
  type ObjectSpec,
  type ProgramSpec,
} from "../../../core/object/index.ts";
import { verify, verifyInputOf, type Explanation, type VerifyResult } from "../../../core/verifier/index.ts";
import { readKconfig, readKernelTypes, readObject } from "./input.ts";
import { inThreads } from "./jobs.ts";
import { sarif } from "./sarif.ts";
import { formatOption, parseOptions, UsageError } from "./usage.ts";

/** One program's row, the shape of `beeline verify --format json`. */
export interface VerifyRow {
  readonly object: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly attach_type: string;
  readonly attach_to: string;
  readonly verdict: "accept" | "reject" | "error";
  readonly reason?: string;
  readonly message?: string;
  readonly errno: number;
  readonly error: readonly string[];
  readonly insn: number;
  readonly insn_text: string;
  readonly source: { file: string; line: number; column: number } | null;
  readonly insns: number;
  readonly processed: number;
  readonly total_states: number;
  readonly peak_states: number;
  readonly max_states_per_insn: number;
  readonly stack: string;
  readonly time_us: number;
  readonly log: string;
  /** Of a rejected program: what failed and where the knowledge came from (see Explanation). */
  readonly explanation?: Explanation;
}

interface Options {
  readonly kernel: Btf | undefined;
  readonly logLevel: number;
  readonly program: string | undefined;
  readonly kernelVersion: string | undefined;
  readonly caps: Caps;
  readonly kconfig: string | undefined;
  readonly legacyMaps: boolean;
}

function lineOf(lines: readonly LineInfo[], insn: number): LineInfo | undefined {
  let best: LineInfo | undefined;
  for (const l of lines) if (l.insnIdx <= insn && (!best || l.insnIdx >= best.insnIdx)) best = l;
  return best;
}

function head(file: string, p: ProgramSpec): Pick<VerifyRow, "object" | "program" | "section" | "type" | "attach_type" | "attach_to"> {
  return {
    object: file,
    program: p.name,
    section: p.section,
    type: PROG_TYPE_NAMES[p.type] ?? String(p.type),
    attach_type: ATTACH_TYPE_NAMES[p.expectedAttachType] ?? String(p.expectedAttachType),
    attach_to: p.attachTo ?? "",
  };
}
const NO_VERDICT = {
  verdict: "error",
  errno: 0,
  error: [],
  insn: -1,
  insn_text: "",
  source: null,
  insns: 0,
  processed: 0,
  total_states: 0,
  peak_states: 0,
  max_states_per_insn: 0,
  stack: "",
  time_us: 0,
  log: "",
} as const;

function verifyOne(file: string, object: ObjectSpec, p: ProgramSpec, options: Options): VerifyRow {
  if (p.error) return { ...head(file, p), ...NO_VERDICT, insns: p.insns.length, reason: "load-error", message: p.error.message };
  const started = performance.now();
  const r = verify(verifyInputOf(object, p), {
    logLevel: options.logLevel,
    kernelBtf: options.kernel,
    caps: options.caps,
    ...(options.kernelVersion === undefined ? {} : { kernelVersion: options.kernelVersion }),
  });
  return row(file, p, r, Math.round((performance.now() - started) * 1000));
}

function row(file: string, p: ProgramSpec, r: VerifyResult, timeUs: number): VerifyRow {
  const at = r.insn >= 0 ? p.insns[r.insn] : undefined;
  const line = r.insn >= 0 ? lineOf(p.lineInfo, r.insn) : undefined;
  return {
    ...head(file, p),
    verdict: r.verdict,
    ...(r.reason === undefined ? {} : { reason: r.reason, message: r.message ?? "" }),
    errno: r.errno,
    error: r.error,
    insn: r.insn,
    insn_text: at ? disassemble(at, p.insns[r.insn + 1], { helper: (id) => helperById(id)?.name }) : "",
    source: line ? { file: line.file, line: line.line, column: line.column } : null,
    insns: p.insns.length,
    processed: r.processed,
    total_states: r.totalStates,
    peak_states: r.peakStates,
    max_states_per_insn: r.maxStatesPerInsn,
    stack: r.stackDepths.join("+"),
    time_us: timeUs,
    log: r.log,
    ...(r.explanation ? { explanation: r.explanation } : {}),
  };
}

function text(r: VerifyRow): string {
  const where = r.source ? `${r.source.file}:${r.source.line}:${r.source.column}: ` : "";
  const name = `${r.object}: ${r.program} (${r.type})`;
  if (r.verdict === "accept") return `${name}: accepted, ${r.processed} instructions processed, stack ${r.stack}\n`;
  if (r.verdict === "error") return `${name}: no verdict: ${r.message}\n`;
  const log = r.log === "" ? "" : `${r.log.replace(/^/gm, "    ").trimEnd()}\n`;
  // Before it looks at the program the kernel refuses with nothing but a number.
  if (r.error.length === 0) return `${name}: rejected with errno ${r.errno} (${r.explanation?.check ?? "no words"})\n`;
  return `${name}: rejected at instruction ${r.insn}: ${r.insn_text}\n  ${where}${r.error.join("\n  ")}\n${log}`;
}

const USAGE =
  "usage: beeline verify FILE... [--program NAME] [--kernel VERSION] [--caps full|noperfmon|bpf|unprivileged] [--btf FILE|host] [--kconfig FILE] [--legacy-maps] [--log-level 0|1|2] [--format text|json|sarif] [--jobs N]";

/** Status 0 all accepted, 1 a program rejected or without verdict, 2 a file that could not be read. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, {
    program: { type: "string" },
    kernel: { type: "string" },
    caps: { type: "string" },
    btf: { type: "string" },
    kconfig: { type: "string" },
    "legacy-maps": { type: "boolean" },
    "log-level": { type: "string" },
    format: { type: "string" },
    jobs: { type: "string" },
    help: { type: "boolean" },
  });
  if (values.help || positionals.length === 0) throw new UsageError(USAGE);
  const format = formatOption(values.format, ["text", "json", "sarif"]);
  const logLevel = Number(values["log-level"] ?? "0");
  if (![0, 1, 2, 4, 5, 6, 7].includes(logLevel))
    throw new UsageError(`--log-level ${values["log-level"]}: it is 0, 1 or 2 (4 more for statistics)`);
  if (values.kernel !== undefined && kernelVersionNumber(values.kernel) === undefined)
    throw new UsageError(`--kernel ${values.kernel}: it is a version such as 6.1 or 5.15.148`);
  const caps = capsByName(values.caps ?? "full");
  if (!caps) throw new UsageError(`--caps ${values.caps}: it is one of ${CAPS.join(", ")}`);
  if (values.jobs !== undefined && !/^[1-9]\d*$/.test(values.jobs)) throw new UsageError(`--jobs ${values.jobs}: it is a number above 0`);
  const printer = new Printer(format);
  const jobs = Number(values.jobs ?? "1");
  if (jobs > 1 && positionals.length > 1) {
    const { jobs: _, format: __, ...rest } = values;
    await inThreads(["verify", "--format", "json", ...flags(rest)], positionals, jobs, ({ stdout, stderr }) => {
      for (const line of stdout.split("\n")) if (line !== "") printer.row(JSON.parse(line) as VerifyRow);
      if (stderr !== "") printer.fault(stderr);
    });
    return printer.end();
  }
  const kernel = readKernelTypes(values.btf);
  const options: Options = {
    kernel: kernel.btf,
    logLevel,
    program: values.program,
    kernelVersion: values.kernel,
    caps,
    kconfig: values.kconfig && readKconfig(values.kconfig),
    legacyMaps: values["legacy-maps"] ?? false,
  };
  for (const file of positionals) {
    try {
      for (const r of await verifyFile(file, kernel, options)) printer.row(r);
    } catch (e) {
      if (!(e instanceof CodedError) && (e as NodeJS.ErrnoException).code === undefined) throw e;
      const at = e instanceof CodedError ? e.at : {};
      const place = [at.file ?? file, at.line, at.column].filter((x) => x !== undefined).join(":");
      printer.fault(`${place}: ${(e as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (e as Error).message}\n`);
    }
  }
  return printer.end();
}

/** Options as they are written on a command line. */
function flags(values: Readonly<Record<string, string | boolean | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
}

/** Prints rows in the format asked for, and keeps the exit status. */
class Printer {
  readonly #format: string;
  readonly #rows: VerifyRow[] = [];
  #status = 0;
  constructor(format: string) {
    this.#format = format;
  }
  row(r: VerifyRow): void {
    if (r.verdict !== "accept") this.#status = Math.max(this.#status, 1);
    if (this.#format === "sarif") this.#rows.push(r);
    else process.stdout.write(this.#format === "json" ? `${JSON.stringify(r)}\n` : text(r));
  }
  fault(message: string): void {
    this.#status = 2;
    process.stderr.write(message);
  }
  end(): number {
    if (this.#format === "sarif") process.stdout.write(`${JSON.stringify(sarif(this.#rows), null, 2)}\n`);
    return this.#status;
  }
}

async function verifyFile(file: string, kernel: { btf: Btf | undefined }, options: Options): Promise<VerifyRow[]> {
  const bytes = await readObject(file, kernel);
  const object = loadObject(bytes, {
    kernelBtf: kernel.btf,
    fileName: file,
    kconfig: options.kconfig,
    legacyMaps: options.legacyMaps,
    caps: options.caps,
    kernelVersion: options.kernelVersion === undefined ? undefined : kernelVersionNumber(options.kernelVersion),
  });
  const wanted = object.programs.filter((p) => options.program === undefined || p.name === options.program);
  if (options.program !== undefined && wanted.length === 0)
    throw new CodedError(
      "no-program",
      `has no program '${options.program}'; it has ${object.programs.map((p) => p.name).join(", ") || "none"}`,
      { file },
    );
  return wanted.map((p) => verifyOne(file, object, p, options));
}
