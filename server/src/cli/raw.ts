// The command raw: programs and answers as JSON lines, as the tool that asks the kernel reads and writes them. One process, any number of lines.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { bytesToHex, CodedError, hexToBytes } from "../../../core/base/index.ts";
import { mapTypeByName, progTypeByName } from "../../../core/catalog/index.ts";
import { testRunRaw, type EngineName, type KernelOptions, type RawRun } from "../../../core/kernel/index.ts";
import { BPF_LD_IMM64, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, decodeInsns, type Insn } from "../../../core/isa/index.ts";
import {
  CAPS,
  capsByName,
  checkMap,
  literalDescriptor,
  openBtf,
  type Btf,
  type FuncInfo,
  type LineInfo,
  type MapSpec,
} from "../../../core/object/index.ts";
import { verify, type VerifyResult } from "../../../core/verifier/index.ts";
import { readKernelTypes } from "./input.ts";
import { engineOption, parseOptions, UsageError } from "./usage.ts";

type Json = Record<string, unknown>;
const EPERM = 1;

/** A whole number; the fallback for what is none. */
function num(v: unknown, fallback = 0): number {
  const n = typeof v === "number" ? v : typeof v === "string" && v !== "" ? Number(v) : v === true ? 1 : fallback;
  return Number.isFinite(n) ? Math.trunc(n) : fallback;
}
const str = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);
/** A number or a lower-case name; -1 for a name that nobody knows. */
const named = (v: unknown, find: (name: string) => number | undefined, fallback: number): number =>
  typeof v === "number" ? v : typeof v === "string" ? (find(v) ?? -1) : fallback;

/** An object where one must stand. Throws CodedError `raw-format`. */
function object(v: unknown, what: string): Json {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw new CodedError("raw-format", `${what} is no object`);
  return v as Json;
}

function mapSpec(m: Json): MapSpec {
  const init = str(m["init"]);
  return {
    name: "",
    type: named(m["type"], mapTypeByName, 0),
    keySize: num(m["key_size"]),
    valueSize: num(m["value_size"]),
    maxEntries: num(m["max_entries"]),
    flags: num(m["flags"]),
    mapExtra: BigInt(num(m["extra"])),
    btfKeyTypeId: num(m["btf_key"]),
    btfValueTypeId: num(m["btf_value"]),
    ...(m["inner"] ? { inner: mapSpec(object(m["inner"], "inner")) } : {}),
    ...(init === undefined ? {} : { initial: hexToBytes(init) }),
    frozen: m["frozen"] === true || m["frozen"] === 1,
  };
}

const records = (hex: unknown, size: number): Uint8Array[] => {
  const bytes = str(hex) === undefined ? new Uint8Array() : hexToBytes(str(hex)!);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
};
const u32 = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at, true);

function funcInfo(o: Json): FuncInfo[] {
  return records(o["func_info"], num(o["func_info_rec_size"], 8)).map((r) => ({ insnIdx: u32(r, 0), typeId: u32(r, 4) }));
}
/** Line infos; their texts stand in the string section of the BTF. */
function lineInfo(o: Json, btf: Uint8Array | undefined): LineInfo[] {
  if (!btf) return [];
  const header = u32(btf, 4);
  const strings = header + u32(btf, 16);
  const text = (off: number): string => {
    const from = strings + off;
    const end = btf.indexOf(0, from);
    return new TextDecoder().decode(btf.subarray(from, end < 0 ? btf.length : end));
  };
  return records(o["line_info"], num(o["line_info_rec_size"], 16)).map((r) => {
    const lineCol = u32(r, 12);
    return { insnIdx: u32(r, 0), file: text(u32(r, 4)), text: text(u32(r, 8)), line: lineCol >>> 10, column: lineCol & 1023 };
  });
}

function runsOf(o: Json): RawRun[] {
  const given = o["run"];
  if (given === undefined || given === null) return [];
  return (Array.isArray(given) ? given : [given]).map((x) => {
    const r = object(x, "run");
    const bytes = (k: string): Uint8Array | undefined => (str(r[k]) === undefined ? undefined : hexToBytes(str(r[k])!));
    return { data: bytes("data"), ctx: bytes("ctx"), repeat: num(r["repeat"]), flags: num(r["flags"]), cpu: num(r["cpu"]) };
  });
}

/** What is no index of a map is a descriptor, which is none of the maps either. */
function codeDescriptors(insns: readonly Insn[], maps: number): Insn[] {
  return insns.map((insn, i) => {
    const names = insn.code === BPF_LD_IMM64 && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE);
    const isIndex = insn.imm >= 0 && insn.imm < maps;
    return names && !isIndex && insns[i - 1]?.code !== BPF_LD_IMM64 ? { ...insn, imm: literalDescriptor(insn.imm, maps) } : insn;
  });
}

/** The answer to one parsed line, whatever it is: what cannot be read is `bad-input`, with the reason. */
function answer(line: unknown, kernel: Btf | undefined, engine: EngineName): Json {
  if (typeof line !== "object" || line === null) return { verdict: "bad-input" };
  const o = line as Json;
  const echo: Json = {};
  for (const k of ["object", "program", "id"]) if (o[k] !== undefined) echo[k] = o[k];
  try {
    return judged(o, echo, kernel, engine);
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    if (e.code.startsWith("unsupported")) return { ...echo, verdict: "error", reason: "unsupported", message: e.message };
    return { ...echo, verdict: "bad-input", message: e.message };
  }
}

function judged(o: Json, echo: Json, kernel: Btf | undefined, engine: EngineName): Json {
  const hex = str(o["insns"]);
  let insns: Insn[];
  let btfBytes: Uint8Array | undefined;
  try {
    insns = decodeInsns(hexToBytes(hex ?? ""));
    if (insns.length === 0) return { ...echo, verdict: "bad-input" };
    if (str(o["btf"]) !== undefined) btfBytes = hexToBytes(str(o["btf"])!);
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return { ...echo, verdict: "bad-input" };
  }
  const given = o["maps"] ?? [];
  if (!Array.isArray(given)) throw new CodedError("raw-format", "maps is no list");
  const maps = given.map((m) => mapSpec(object(m, "a map")));
  const badMap = maps.findIndex((m) => checkMap(m) !== 0);
  if (badMap >= 0) return { ...echo, verdict: "map-error", errno: checkMap(maps[badMap]!), map: badMap };
  const type = named(o["prog_type"], progTypeByName, 1);
  const level = num(o["log_level"], 1);
  const license = str(o["license"]) ?? "GPL";
  const btf = btfBytes && openBtf(btfBytes);
  const expectedAttachType = num(o["expected_attach_type"]);
  const caps = capsByName(str(o["caps"]) ?? "full");
  if (!caps) throw new CodedError("raw-format", `caps is none of ${CAPS.join(", ")}`);
  const result = verify(
    {
      name: "",
      type,
      expectedAttachType,
      attachBtfId: num(o["attach_btf_id"]),
      flags: num(o["flags"]),
      license,
      insns: codeDescriptors(insns, maps.length),
      maps,
      btf,
      funcInfo: btf ? funcInfo(o) : [],
      lineInfo: btf ? lineInfo(o, btfBytes) : [],
    },
    { logLevel: level, kernelBtf: kernel, caps },
  );
  const out: Json = { ...echo, ...verdictOf(result, level) };
  const runs = runsOf(o);
  if (result.verdict !== "accept" || (runs.length === 0 && !o["dump_maps"])) return out;
  const { special } = result;
  const input = { insns, progType: type, expectedAttachType, license, maps, special, btf, dumpMaps: num(o["dump_maps"]) !== 0 };
  return { ...out, ...runAll(input, runs, { engine, kernelTypes: kernel }) };
}

function verdictOf(r: VerifyResult, level: number): Json {
  // As the oracle has it: refused for want of privilege, without a word.
  const blocked = r.verdict === "reject" && r.errno === EPERM && r.error.length === 0;
  const out: Json = { verdict: blocked ? "blocked" : r.verdict, errno: r.errno };
  if (r.verdict === "error") Object.assign(out, { reason: r.reason, message: r.message });
  if (blocked) return { ...out, log: "" };
  if (level) Object.assign(out, { processed: r.processed, log: r.log });
  return out;
}

function runAll(input: Parameters<typeof testRunRaw>[0], runs: RawRun[], options: KernelOptions): Json {
  const { runs: done, mapsOut } = testRunRaw(input, runs, options);
  return {
    ...(runs.length
      ? {
          runs: done.map((r, i) => ({
            err: r.err,
            ...(r.trap ? { trap: r.trap } : {}),
            ...(r.retval === undefined ? {} : { retval: r.retval }),
            ...(runs[i]!.repeat && r.retval !== undefined ? { ns: 0 } : {}),
            ...(r.dataOut ? { data_out: bytesToHex(r.dataOut) } : {}),
            ...(r.ctxOut ? { ctx_out: bytesToHex(r.ctxOut) } : {}),
          })),
        }
      : {}),
    ...(mapsOut ? { maps_out: mapsOut.map((m) => m && bytesToHex(m)) } : {}),
  };
}

/** The verdict for one line as `raw` gives it, or `no-json` for a line that is none. */
export function answerLine(line: string, kernel: Btf | undefined): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return "no-json";
  }
  return String(answer(parsed, kernel, "interpreter")["verdict"]);
}

/** `raw [FILE]`: status 0; 2 when a line is no JSON. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions(args, { engine: { type: "string" }, btf: { type: "string" }, help: { type: "boolean" } });
  if (values.help || positionals.length > 1)
    throw new UsageError("usage: beeline raw [FILE] [--engine interpreter|stoppable|wasm] [--btf FILE|host]");
  const engine = engineOption(values.engine);
  const kernel = readKernelTypes(values.btf).btf;
  const input = positionals[0] === undefined || positionals[0] === "-" ? process.stdin : createReadStream(positionals[0]);
  let lineNo = 0;
  let status = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    lineNo++;
    if (line.trim() === "") continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      process.stderr.write(`${positionals[0] ?? "standard input"}:${lineNo}: this line is not JSON\n`);
      status = 2;
      continue;
    }
    process.stdout.write(`${JSON.stringify(answer(parsed, kernel, engine))}\n`);
  }
  return status;
}
