// The launch configuration: read, checked, turned into programs, maps and events. It runs nothing.
import type { DebugProtocol } from "@vscode/debugprotocol";
import { CodedError, hexToBytes } from "../../core/base/index.ts";
import { helperByName } from "../../core/catalog/index.ts";
import { timedPacketsOf } from "../../core/hardware/index.ts";
import { assemble, type Assembled } from "../../core/isa/index.ts";
import { parseEvent, takesPacket, type EventSpec } from "../../core/kernel/index.ts";
import { loadObject, openDwarf, type Btf, type Dwarf, type LineInfo, type ObjectSpec, type ProgramSpec } from "../../core/object/index.ts";
import type { Host } from "./host.ts";

/** An event in the launch configuration: text (`kprobe:do_unlinkat arg0=1`) or an object. */
export type LaunchEvent =
  | string
  | {
      packet?: string;
      ctx?: string;
      /** When it happens, in nanoseconds since the launch. */
      atNs?: number;
      kprobe?: { function?: string; args?: (number | string)[]; ret?: number | string };
      tracepoint?: { name?: string; fields?: Record<string, number | string> };
      args?: (number | string)[];
      task?: { pid?: number; tgid?: number; uid?: number; gid?: number; comm?: string };
    };

/** `request: "launch"` of type `beeline`. */
export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
  program: string;
  /** Name of the program in the file; `entry` means the same. */
  programName?: string;
  entry?: string;
  /** The source that `program` was built from, when it was. */
  source?: string;
  packet?: string;
  pcap?: string;
  ctx?: string;
  event?: LaunchEvent;
  events?: LaunchEvent[];
  /** Initial entries of maps by name: key to value; a number, text, or `hex:...`. */
  maps?: Record<string, Record<string, number | string>>;
  stopOnEntry?: boolean;
  /** Hooks (`xdp`, `kprobe:NAME`) at whose start to stop. */
  stopAtHooks?: string[];
  cpus?: number;
  seed?: number;
}

/** A launch ready to run. */
export interface LaunchPlan {
  readonly object: ObjectSpec;
  readonly program: ProgramSpec;
  readonly events: readonly EventSpec[];
  readonly kernelBtf: Btf | undefined;
  /** Debug information of the object, for local variables. */
  readonly dwarf: Dwarf | undefined;
  /** What is wrong with the launch but does not prevent it. */
  readonly warning: string | undefined;
}

const fail = (message: string): never => {
  throw new CodedError("bad-launch", message);
};

/** Reads everything that the configuration names. Throws CodedError with a message for the user. */
export async function planLaunch(args: LaunchArguments, host: Host): Promise<LaunchPlan> {
  if (typeof args.program !== "string" || args.program === "")
    fail("launch: 'program' is missing: the path of an object, a .c file or BPF assembly");
  const kernelBtf = await host.kernelBtf?.();
  const { bytes, lines } = await objectOf(args, host);
  const object = loadObject(bytes, { fileName: args.program, kernelBtf });
  const chosen = choose(object, args.programName ?? args.entry);
  const program =
    lines && chosen.lineInfo.length === 0 ? { ...chosen, lineInfo: assemblyLines(lines, chosen, args.source ?? args.program) } : chosen;
  const objectWithLines = program === chosen ? object : { ...object, programs: object.programs.map((p) => (p === chosen ? program : p)) };
  return { object: objectWithLines, program, kernelBtf, events: await eventsOf(args, program, host), ...debugInfo(bytes, args.program) };
}
/** DWARF of an object; when it is broken, the program still runs, without C variables. */
function debugInfo(bytes: Uint8Array, file: string): Pick<LaunchPlan, "dwarf" | "warning"> {
  try {
    return { dwarf: openDwarf(bytes), warning: undefined };
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return { dwarf: undefined, warning: `${file}: no local variables, because its debug information cannot be read: ${e.message}` };
  }
}

/** The object file of what is launched, and the lines of its assembly text. */
async function objectOf(args: LaunchArguments, host: Host): Promise<{ bytes: Uint8Array; lines?: Assembled | undefined }> {
  const isAssembly = (path: string): boolean => /\.[sS]$/.test(path);
  if (isAssembly(args.program)) {
    const lines = await assembleFile(args.program, host);
    const [first] = lines.diagnostics;
    return lines.object
      ? { bytes: lines.object, lines }
      : fail(`${args.program}:${(first?.line ?? 0) + 1}: ${first?.message ?? "cannot be assembled"}`);
  }
  if (/\.c$/.test(args.program)) {
    if (!host.compile) return fail(`${args.program} is C, and there is no compiler here: give the object file instead`);
    return { bytes: await host.compile(args.program) };
  }
  const lines = args.source && isAssembly(args.source) ? await assembleFile(args.source, host) : undefined;
  return { bytes: await read(args.program, host), lines };
}
async function assembleFile(path: string, host: Host): Promise<Assembled> {
  const bytes = await read(path, host);
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return assemble(text, { helperId: (name) => helperByName(name)?.id });
}

function choose(object: ObjectSpec, name: string | undefined): ProgramSpec {
  const names = object.programs.map((p) => p.name).join(", ");
  const found = name === undefined ? object.programs[0] : object.programs.find((p) => p.name === name);
  if (!found)
    return fail(name === undefined ? "the object holds no program" : `there is no program ${name}: the object has ${names || "none"}`);
  if (name === undefined && object.programs.length > 1)
    return fail(`the object has several programs, say which with 'programName': ${names}`);
  return found.error ? fail(`program ${found.name} cannot be loaded: ${found.error.message}`) : found;
}

/** Lines of assembly text for the instructions of one program. */
function assemblyLines(assembled: Assembled, program: ProgramSpec, file: string): LineInfo[] {
  const start = assembled.definitions.find((d) => d.name === program.name && d.section === program.section)?.offBytes ?? 0;
  return assembled.lines
    .filter((l) => l.section === program.section && l.offBytes >= start && (l.offBytes - start) / 8 < program.insns.length)
    .map((l) => ({ insnIdx: (l.offBytes - start) / 8, file, line: l.line + 1, column: 1, text: "" }));
}

async function eventsOf(args: LaunchArguments, program: ProgramSpec, host: Host): Promise<EventSpec[]> {
  if (args.pcap !== undefined) return timedPacketsOf(await read(args.pcap, host));
  const listed = args.events ?? (args.event === undefined ? [{}] : [args.event]);
  if (!Array.isArray(listed) || listed.length === 0) fail("launch: 'events' is a list of one event at least");
  const events: EventSpec[] = [];
  for (const e of listed) {
    const event = typeof e === "string" ? parseEvent(e) : await eventOf(e, host);
    const packet = args.packet === undefined ? undefined : await bytesOf(args.packet, host);
    const ctx = args.ctx === undefined ? undefined : contextOf(args.ctx);
    const merged = { ...event, ...(packet && !event.packet ? { packet } : {}), ...(ctx && !event.ctx ? { ctx } : {}) };
    events.push(takesPacket(program.type) && !merged.packet ? { ...merged, packet: new Uint8Array(64) } : merged);
  }
  return events;
}

async function eventOf(e: Exclude<LaunchEvent, string>, host: Host): Promise<EventSpec> {
  const args: Record<string, bigint | string> = {};
  const value = (v: number | string): bigint | string => (typeof v === "number" ? BigInt(Math.trunc(v)) : v);
  (e.kprobe?.args ?? e.args ?? []).forEach((v, i) => (args[`arg${i}`] = value(v)));
  if (e.kprobe?.ret !== undefined) args["ret"] = value(e.kprobe.ret);
  for (const [k, v] of Object.entries(e.tracepoint?.fields ?? {})) args[k] = value(v);
  const name = e.kprobe ? `kprobe:${e.kprobe.function ?? ""}` : e.tracepoint ? `tracepoint:${e.tracepoint.name ?? ""}` : undefined;
  return {
    name,
    args,
    ...(e.task ? { task: e.task } : {}),
    ...(e.atNs === undefined ? {} : { atNs: timeOf(e.atNs) }),
    ...(e.packet === undefined ? {} : { packet: await bytesOf(e.packet, host) }),
    ...(e.ctx === undefined ? {} : { ctx: contextOf(e.ctx) }),
  };
}

const timeOf = (ns: number): bigint =>
  Number.isSafeInteger(ns) && ns >= 0 ? BigInt(ns) : fail(`launch: atNs ${String(ns)} is no number of nanoseconds`);

/** A packet as hex digits, or the bytes of the file of that name. */
async function bytesOf(text: string, host: Host): Promise<Uint8Array> {
  if (typeof text !== "string") return fail("launch: 'packet' is text: hex digits or the name of a file");
  if (/^[\s0-9a-fA-F]*$/.test(text) && text.replace(/\s/g, "").length % 2 === 0) return hexToBytes(text);
  return host.readFile(text).catch(() => fail(`launch: packet '${text}' is neither hex digits, two a byte, nor a file that can be read`));
}
function contextOf(text: string): Uint8Array {
  if (typeof text !== "string" || !/^(\s*[0-9a-fA-F]\s*[0-9a-fA-F])*\s*$/.test(text))
    fail(`launch: ctx '${text}' is no hex digits, two a byte`);
  return hexToBytes(text);
}
/** A file that the configuration names; what is wrong with it is said in one sentence. */
async function read(path: string, host: Host): Promise<Uint8Array> {
  try {
    return await host.readFile(path);
  } catch (e) {
    const { code, message } = e as { code?: string; message: string };
    return fail(`${path}: ${code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder, not a file" : message}`);
  }
}
