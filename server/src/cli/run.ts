// The command run: one program of an object on one event or on the packets of a capture, on the simulated kernel. It loads nothing into the kernel of this machine.
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { bytesToHex, CodedError, hexToBytes } from "../../../core/base/index.ts";
import {
  type BpfMap,
  CaptureFeed,
  loadWithMaps,
  parseEvent,
  prepareEvent,
  seesTime,
  SimKernel,
  takesPacket,
  verdictName,
  type EventSpec,
  type LoadedProgram,
  type LoadSpec,
} from "../../../core/kernel/index.ts";
import { loadObject, type Btf, type ObjectSpec, type ProgramSpec } from "../../../core/object/index.ts";
import type { Trap, Warning } from "../../../core/vm/index.ts";
import { verify, verifyInputOf } from "../../../core/verifier/index.ts";
import { pcapHeader, pcapRecord, timedPacketsOf } from "../../../core/hardware/index.ts";
import { readKernelTypes, readObject } from "./input.ts";
import { engineOption, formatOption, parseOptions, UsageError } from "./usage.ts";

const USAGE =
  "usage: beeline run FILE --program NAME [--packet HEX|FILE | --pcap FILE [--summary] | --ctx HEX | --event 'NAME KEY=VALUE ...'] [--repeat N] [--pcap-out FILE] [--btf FILE|host] [--seed N] [--until NS] [--engine interpreter|stoppable|wasm] [--format text|json]";

/** What one run gave; the names are the contract's. */
interface Row {
  readonly retval: number;
  readonly verdict: string | null;
  readonly data_out: string | null;
  readonly ctx_out: string | null;
  readonly ns_per_run: number;
  readonly trace: readonly string[];
  readonly events: readonly { map: string; data: string }[];
  readonly maps: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Reads of what the program never wrote; the gears of compiled code do not tell. */
  readonly warnings: readonly Warning[];
}

/** Bytes given as hex digits or as the name of a file with them or with raw bytes. */
function bytesOf(option: string, value: string): Uint8Array {
  const digits = value.replace(/[\s:]/g, "");
  if (/^([0-9a-fA-F]{2})+$/.test(digits)) return hexToBytes(digits);
  if (!existsSync(value)) throw new UsageError(`${option} ${value}: neither hex digits (two a byte) nor a file`);
  const bytes = readFileSync(value);
  const text = bytes.toString("latin1").replace(/[\s:]/g, "");
  return /^([0-9a-fA-F]{2})+$/.test(text) ? hexToBytes(text) : bytes;
}

function pick(object: ObjectSpec, name: string | undefined): ProgramSpec {
  const names = object.programs.map((p) => p.name).join(", ") || "none";
  if (name === undefined && object.programs.length !== 1) throw new UsageError(`--program NAME is needed; the object has ${names}`);
  const program = name === undefined ? object.programs[0] : object.programs.find((p) => p.name === name);
  if (!program) throw new CodedError("no-program", `there is no program '${name}'; the object has ${names}`);
  if (program.error) throw program.error;
  return program;
}

/** A program that the kernel would refuse is not run: its results would mean nothing. */
function mustVerify(p: ProgramSpec, object: ObjectSpec, kernelBtf: Btf | undefined): LoadSpec {
  const r = verify(verifyInputOf(object, p), { logLevel: 0, kernelBtf });
  if (r.verdict === "reject") throw new CodedError("rejected", `${p.name} is rejected at instruction ${r.insn}: ${r.error.join(" / ")}`);
  if (r.verdict === "error") process.stderr.write(`beeline run: ${p.name} is not verified: ${r.message}\n`);
  return { ...p, btf: object.btf, special: r.special };
}

function* keysOf(map: BpfMap): Generator<Uint8Array> {
  for (let key = map.nextKey(undefined); typeof key !== "number"; key = map.nextKey(key)) yield key;
}
function mapContents(kernel: SimKernel): Row["maps"] {
  return Object.fromEntries(
    kernel.maps().map((map) => {
      const entries: Record<string, string> = {};
      for (const key of keysOf(map)) {
        const value = map.sysLookup(key);
        if (typeof value !== "number") entries[bytesToHex(key)] = bytesToHex(value);
      }
      return [map.name, entries];
    }),
  );
}

/** Lets what waits for the clock run up to a time since boot. Throws the trap of a callback. */
function passTime(kernel: SimKernel, program: LoadedProgram, ns: bigint | undefined): void {
  const [trap] = ns === undefined ? [] : kernel.advanceTo(ns);
  if (trap) throw trapped(program, trap, "a callback of a timer or work queue: ");
}

function once(
  kernel: SimKernel,
  program: LoadedProgram,
  event: EventSpec,
  options: { repeat: number; btf: Btf | undefined; startNs: bigint; untilNs: bigint | undefined },
): Row & { packet?: Uint8Array } {
  const told = kernel.events.length;
  passTime(kernel, program, event.atNs === undefined ? undefined : options.startNs + event.atNs);
  const prepared = prepareEvent(kernel, program, event, options.btf);
  const started = performance.now();
  let stop;
  for (let i = 0; i < options.repeat; i++) {
    kernel.begin(program, prepared.state);
    stop = kernel.finish();
    if (stop.kind === "trap") throw trapped(program, stop.trap);
  }
  const ns = Math.round(((performance.now() - started) * 1e6) / options.repeat);
  const result = prepared.finish(stop!);
  passTime(kernel, program, options.untilNs);
  const news = kernel.events.slice(told);
  return {
    retval: result.retval,
    verdict: verdictName(program.spec.type, result.retval) ?? null,
    data_out: result.dataOut ? bytesToHex(result.dataOut) : null,
    ctx_out: result.ctxOut ? bytesToHex(result.ctxOut) : null,
    ns_per_run: ns,
    trace: news.flatMap((e) => (e.kind === "trace" ? [e.text ?? ""] : [])),
    events: news.flatMap((e) => (e.kind === "trace" ? [] : [{ map: e.map ?? "", data: bytesToHex(e.data ?? new Uint8Array()) }])),
    maps: mapContents(kernel),
    warnings: kernel.takeWarnings(),
    ...(result.dataOut ? { packet: result.dataOut } : {}),
  };
}

const pcap = (packets: readonly Uint8Array[]): Uint8Array => Buffer.concat([pcapHeader(), ...packets.map(pcapRecord)]);

interface Summary {
  readonly packets: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly ns_per_packet: number;
}
/** Runs all packets of a capture, however long, and gives one row: how often each result came. */
function summary(kernel: SimKernel, program: LoadedProgram, file: string): Summary {
  const startNs = kernel.hardware.nowNs;
  const arrives = seesTime(program) ? (sinceNs: number) => passTime(kernel, program, startNs + BigInt(sinceNs)) : undefined;
  const fail = (trap: Trap, packet: number): never => {
    throw trapped(program, trap, `packet ${packet}: `);
  };
  const capture = new CaptureFeed(kernel, program, fail, arrives);
  const started = performance.now();
  const fd = openSync(file, "r");
  try {
    for (let n = readSync(fd, capture.room()); n > 0; n = readSync(fd, capture.room())) {
      capture.took(n);
      kernel.events.length = 0;
    }
  } finally {
    closeSync(fd);
  }
  capture.end();
  const { packets, results } = capture;
  const ns = packets ? ((performance.now() - started) * 1e6) / packets : 0;
  const verdicts = Object.fromEntries([...results].map(([r, n]) => [verdictName(program.spec.type, r) ?? String(r), n]));
  return { packets, verdicts, ns_per_packet: Math.round(ns) };
}
const trapped = (program: LoadedProgram, { insnIdx, message }: Trap, where = ""): CodedError =>
  new CodedError("trap", `${where}${program.spec.name}: trap at instruction ${insnIdx}: ${message}`);

/** The warnings as lines for stderr. */
const warned = (warnings: readonly Warning[]): string =>
  warnings.map((w) => `beeline run: warning: ${w.program}: instruction ${w.insnIdx}: ${w.message}\n`).join("");

function text(program: LoadedProgram, r: Row): string {
  const lines = [`${program.spec.name} returned ${r.retval}${r.verdict ? ` (${r.verdict})` : ""}`];
  if (r.data_out !== null) lines.push(`  packet  ${r.data_out}`);
  for (const line of r.trace) lines.push(`  trace   ${line}`);
  for (const e of r.events) lines.push(`  event   ${e.map}: ${e.data}`);
  for (const [name, entries] of Object.entries(r.maps))
    for (const [key, value] of Object.entries(entries)) if (/[1-9a-f]/.test(value)) lines.push(`  map     ${name}[${key}] = ${value}`);
  return `${lines.join("\n")}\n`;
}

function summaryText(kernel: SimKernel, program: LoadedProgram, r: Summary): string {
  const counts = Object.entries(r.verdicts).map(([name, n]) => `  ${name.padEnd(14)} ${n}`);
  const maps = kernel.maps().map((map) => `  map ${map.name}: ${[...keysOf(map)].length} entries`);
  return `${[`${program.spec.name}: ${r.packets} packets, ${r.ns_per_packet} ns each`, ...counts, ...maps].join("\n")}\n`;
}

/** The events that the options describe. */
function eventsOf(values: Record<string, string | boolean | undefined>, program: ProgramSpec): EventSpec[] {
  const one = (key: string): string | undefined => (typeof values[key] === "string" ? values[key] : undefined);
  const base: EventSpec = one("event") === undefined ? {} : parseEvent(one("event")!);
  const ctx = one("ctx") === undefined ? {} : { ctx: bytesOf("--ctx", one("ctx")!) };
  const file = one("pcap");
  if (file !== undefined) return timedPacketsOf(readFileSync(file)).map((timed) => ({ ...base, ...ctx, ...timed }));
  const packet = one("packet") === undefined ? {} : { packet: bytesOf("--packet", one("packet")!) };
  const event = { ...base, ...ctx, ...packet };
  if (takesPacket(program.type) && !event.packet)
    throw new UsageError(`${program.name} runs on a packet: give --packet HEX|FILE or --pcap FILE`);
  return [event];
}

/** A number of an option, at most 2^53. Throws UsageError. */
function wholeNumber(option: string, text: string): bigint {
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new UsageError(`${option} ${text}: it is a whole number`);
}

/** Status 0 when every event ran, 2 when the input is no good or the program would not load. */
export async function run(args: string[]): Promise<number> {
  const string = { type: "string" } as const;
  const { values, positionals } = parseOptions(args, {
    ...{ program: string, packet: string, pcap: string, ctx: string, event: string, repeat: string, engine: string },
    ...{
      seed: string,
      until: string,
      "pcap-out": string,
      btf: string,
      format: string,
      summary: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const [file] = positionals;
  if (values.help || file === undefined || positionals.length > 1) throw new UsageError(USAGE);
  const format = formatOption(values.format, ["text", "json"]);
  const repeat = Number(values.repeat ?? "1");
  if (!Number.isInteger(repeat) || repeat < 1) throw new UsageError(`--repeat ${values.repeat}: it is a whole number above 0`);
  const seed = wholeNumber("--seed", values.seed ?? "1");
  const untilNs = values.until === undefined ? undefined : wholeNumber("--until", values.until);
  const types = readKernelTypes(values.btf);
  const object = loadObject(await readObject(file, types), { kernelBtf: types.btf, fileName: file });
  const spec = pick(object, values.program);
  const engine = engineOption(values.engine);
  const kernel = new SimKernel({
    engine,
    kernelTypes: types.btf,
    hardware: { seed: Number(seed) },
    warnings: engine === "interpreter" && !values.summary,
  });
  const program = loadWithMaps(kernel, mustVerify(spec, object, types.btf), object.maps);
  if (values.summary) {
    if (typeof values.pcap !== "string") throw new UsageError("--summary goes with --pcap FILE");
    const row = summary(kernel, program, values.pcap);
    process.stdout.write(
      format === "json" ? `${JSON.stringify({ ...row, maps: mapContents(kernel) })}\n` : summaryText(kernel, program, row),
    );
    return 0;
  }
  const out: Uint8Array[] = [];
  const startNs = kernel.hardware.nowNs;
  const events = eventsOf(values, spec);
  for (const [i, event] of events.entries()) {
    const end = i === events.length - 1 && untilNs !== undefined ? startNs + untilNs : undefined;
    const { packet, ...row } = once(kernel, program, event, { repeat, btf: types.btf, startNs, untilNs: end });
    if (packet) out.push(packet);
    process.stdout.write(format === "json" ? `${JSON.stringify(row)}\n` : text(program, row));
    if (format === "text") process.stderr.write(warned(row.warnings));
  }
  if (values["pcap-out"] !== undefined) writeFileSync(values["pcap-out"], pcap(out));
  return 0;
}
