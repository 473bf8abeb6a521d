// Everything that is fuzzed: objects, types, debug information and assembly (test/object/fuzz-targets.ts), and what else reaches us from outside. It keeps no result.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToHex, Cancelled, CodedError } from "../../core/base/index.ts";
import { parseEvent } from "../../core/kernel/index.ts";
import { decodeInsns, encodeInsns } from "../../core/isa/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { answerLine } from "../../server/src/cli/raw.ts";
import { targets as objectTargets, type Target as SyncTarget } from "../object/fuzz-targets.ts";
import { packetsInPieces } from "../hardware/captures.ts";
import { mutant, random } from "../object/mutants.ts";
import { kernelBtf } from "../parity/corpora.ts";
import { generate, inputOf } from "../proof/generator/index.ts";
import { damage, damagedScript, debugScript, debugSession, languageScript, languageSession, type Json } from "./sessions.ts";

export interface Target {
  /** Mutant number `n` under `seed`. */
  readonly make: (seed: number, n: number) => Uint8Array;
  /** `ok`, or the code of the error and `@` where it has a place. Throws when something is wrong with us. */
  readonly run: (bytes: Uint8Array) => string | Promise<string>;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const whole = (bytes: Uint8Array): { start: number; end: number }[] => [{ start: 0, end: bytes.length }];
function outcome(step: () => void): string {
  try {
    step();
    return "ok";
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return `${e.code}@`;
  }
}

/** Steps after which a damaged program is no longer followed. */
const MOST_QUESTIONS = 6;
function verifyDamaged(bytes: Uint8Array): string {
  let asked = 0;
  const cancel = {
    get cancelled(): boolean {
      return ++asked > MOST_QUESTIONS;
    },
  };
  const insns = decodeInsns(bytes.subarray(0, bytes.length & ~7));
  if (insns.length === 0) return "empty@";
  const type = [1, 3, 6, 5, 17, 26, 31][bytes.length % 7]!;
  try {
    const r = verify(
      { ...inputOf({ type, flags: 0, insns, funcInfo: [] }) },
      { logLevel: 1, kernelBtf: kernelBtf(), cancel, logBytes: 1 << 16 },
    );
    return r.verdict === "accept" ? "ok" : `${r.explanation?.check ?? r.reason}@`;
  } catch (e) {
    if (!(e instanceof Cancelled)) throw e;
    return "long@";
  }
}

const EVENTS = [
  'kprobe:do_unlinkat arg0=1 arg1="a.txt" pid=7 comm=rm',
  "xdp packet=ffffffffffff0200000000010800",
  "tracepoint:sched/sched_switch prev_pid=0x10 next_comm=x ret=-1",
  'raw_tp ctx=00112233 arg11="" uid=99999999999999999999',
];
const RAW = (insns: string): string[] => [
  JSON.stringify({
    id: 1,
    insns,
    prog_type: "xdp",
    maps: [{ type: "array", key_size: 4, value_size: 8, max_entries: 1, init: "01" }],
    run: { data: "00".repeat(64) },
  }),
  JSON.stringify({
    insns,
    prog_type: 6,
    license: "GPL",
    log_level: 2,
    flags: 8,
    maps: [{ type: 1, key_size: 8, value_size: 48, max_entries: 16 }],
    run: [{}, { repeat: 3 }],
    dump_maps: 1,
  }),
  JSON.stringify({
    insns: "b700000000000000",
    prog_type: "socket_filter",
    btf: "9feb01001800",
    func_info: "0000",
    line_info: "00",
    inner: {},
  }),
];

/** A capture of two packets, and the same as pcapng. */
function captures(): Uint8Array[] {
  const packet = Buffer.from("ffffffffffff020000000001080045000014", "hex");
  const old = Buffer.alloc(24 + 2 * (16 + packet.length));
  [0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1].forEach((v, i) => old.writeUInt32LE(v, 4 * i));
  for (const at of [24, 24 + 16 + packet.length]) {
    old.writeUInt32LE(packet.length, at + 8);
    old.writeUInt32LE(packet.length, at + 12);
    packet.copy(old, at + 16);
  }
  const words = (...n: number[]): Buffer => Buffer.from(Uint32Array.from(n).buffer);
  const padded = Buffer.concat([packet, Buffer.alloc((4 - (packet.length % 4)) % 4)]);
  const section = words(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28);
  const face = words(1, 20, 1, 65535, 20);
  const size = 32 + padded.length;
  const block = Buffer.concat([words(6, size, 0, 0, 0, packet.length, packet.length), padded, words(size)]);
  return [new Uint8Array(old), new Uint8Array(Buffer.concat([section, face, block, block]))];
}
function readCapture(bytes: Uint8Array): void {
  packetsInPieces(bytes, 1 + (bytes.length % 37));
}

/** All targets by name; `root` is the project's folder. */
export function targets(root: string): Readonly<Record<string, Target>> {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(root, name)));
  const object = read("examples/xdp_parse.bpf.o");
  const pcaps = captures();
  const raws = RAW(bytesToHex(encodeInsns(generate(1).insns))).map((t) => new Uint8Array(Buffer.from(t)));
  const events = EVENTS.map((t) => new Uint8Array(Buffer.from(t)));
  const language = languageScript(text(read("examples/xdp_bad_read.bpf.s")), text(read("examples/xdp_parse.bpf.c")));
  const debug = debugScript(
    "/examples/xdp_parse.bpf.o",
    "ffffffffffff02000000000108004500002000010000401166ca0a0000010a00000230390035000c000064617461",
  );
  const kernel = (): ReturnType<typeof kernelBtf> => kernelBtf();
  const more: Record<string, Target> = {
    pcap: {
      make: (seed, n) => mutant(pcaps[n % 2]!, seed, n, whole(pcaps[n % 2]!)),
      run: (bytes) => outcome(() => readCapture(bytes)),
    },
    event: {
      make: (seed, n) => mutant(events[n % events.length]!, seed, n, whole(events[n % events.length]!)),
      run: (bytes) => outcome(() => void parseEvent(text(bytes))),
    },
    raw: {
      make: (seed, n) => {
        const line = raws[n % raws.length]!;
        if (n % 5 === 0) return mutant(line, seed, n, whole(line));
        const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
        return new Uint8Array(Buffer.from(JSON.stringify(damage(damage(JSON.parse(text(line)) as Json, next), next))));
      },
      run: (bytes) => answerLine(text(bytes), kernel()),
    },
    // Programs of the shared generator, whole and with instructions damaged.
    program: {
      make: (seed, n) => {
        const bytes = encodeInsns(generate(Math.imul(seed, 7919) + (n >> 2)).insns);
        return n % 4 === 0 ? bytes : mutant(bytes, seed, n, whole(bytes));
      },
      run: verifyDamaged,
    },
    lsp: { make: (seed, n) => damagedScript(language, seed, n), run: languageSession },
    dap: { make: (seed, n) => damagedScript(debug, seed, n), run: (bytes) => debugSession(bytes, object) },
  };
  return { ...(objectTargets(root) as Readonly<Record<string, SyncTarget>>), ...more };
}
