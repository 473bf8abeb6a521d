// Programs whose answer from a real Linux 6.18.44 is on record, and where to find them: raw programs (recorded whole), the kernel's selftests (compiled at test time), xdp-tools (as installed). It judges nothing.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { loadObject, openBtf, type Btf, type LoadOptions, type ObjectSpec, type ProgramSpec } from "../../core/object/index.ts";
import { verify, verifyInputOf, type VerifyInput, type VerifyOptions, type VerifyResult } from "../../core/verifier/index.ts";
import { embeddedObjects } from "./embedded.ts";

export const root = resolve(import.meta.dirname, "../..");
const facts = (name: string): string => brotliDecompressSync(readFileSync(join(root, "test/fixtures/facts", name))).toString();
const lines = <T>(name: string): T[] =>
  facts(name)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

/** A raw program and what the kernel said; every 30th with the whole log of level 2. */
export interface RawFact {
  readonly id: number;
  readonly prog_type: string;
  readonly flags?: number;
  readonly insns: string;
  readonly verdict: string;
  readonly errno: number;
  readonly processed: number;
  /** BPF_PROG_TEST_RUN over 64 zero bytes, of accepted programs of types that have it. */
  readonly runs?: readonly { readonly err: number; readonly retval: number; readonly data_out?: string }[];
  readonly log?: string;
}
/** A program of an object file and what the kernel said. */
export interface Verdict {
  readonly corpus: string;
  readonly object: string;
  readonly program: string;
  readonly verdict: string;
  readonly errno: number;
  readonly error?: readonly string[];
  readonly err_insn?: number;
  readonly processed: number;
  readonly total_states: number;
  readonly peak_states: number;
  readonly max_states_per_insn: number;
  readonly stack: string;
  readonly time_us: number;
}
export const rawPrograms = (): RawFact[] => lines("raw-programs-6.18.jsonl.br");
export const verdicts = (corpus: string): Verdict[] => lines<Verdict>("verdicts-6.18.jsonl.br").filter((v) => v.corpus.startsWith(corpus));

let kernel: Btf | undefined;
export const kernelBtf = (): Btf => (kernel ??= openBtf(brotliDecompressSync(readFileSync(join(root, "assets/vmlinux.btf.br")))));

const FLAGS: Readonly<Record<string, number>> = {
  BPF_F_STRICT_ALIGNMENT: 1,
  BPF_F_ANY_ALIGNMENT: 2,
  BPF_F_TEST_RND_HI32: 4,
  BPF_F_TEST_STATE_FREQ: 8,
  BPF_F_SLEEPABLE: 16,
  BPF_F_XDP_HAS_FRAGS: 32,
  BPF_F_TEST_REG_INVARIANTS: 128,
};
const FLAG_TAG = /^comment:test_prog_flags=(!?)(.*)/;

/** Load flags that the selftests' runner reads from declaration tags, by function. */
function taggedFlags(btf: Btf | undefined): Map<string, number> {
  const flags = new Map<string, number>();
  for (let id = 1; btf && id < btf.typeCount; id++) {
    const t = btf.type(id);
    const tag = FLAG_TAG.exec(t.name);
    if (!tag) continue;
    const fn = btf.type(t.type).name;
    const bit = FLAGS[tag[2]!] ?? Number(tag[2]);
    flags.set(fn, tag[1] ? (flags.get(fn) ?? 0) & ~bit : (flags.get(fn) ?? 0) | bit);
  }
  return flags;
}

/** A program as the verifier takes it. */
export interface Case {
  readonly object: string;
  readonly program: string;
  readonly input: VerifyInput;
  /** The object's own bytes. */
  readonly bytes: Uint8Array;
}
function toCase(object: string, o: ObjectSpec, p: ProgramSpec, { extra, bytes }: { extra: number; bytes: Uint8Array }): Case {
  const input = { ...verifyInputOf(o, p), flags: p.flags | extra };
  return { object, program: p.name, input, bytes };
}

/** The programs of one object that load. */
export function casesOf(object: string, bytes: Uint8Array, options: LoadOptions = {}): Case[] {
  const o = loadObject(bytes, { kernelBtf: kernelBtf(), fileName: `${object}.o`, ...options });
  const flags = taggedFlags(o.btf);
  return o.programs.filter((p) => !p.error).map((p) => toCase(object, o, p, { extra: flags.get(p.name) ?? 0, bytes }));
}
export const answer = (c: Case, options: Partial<VerifyOptions> = {}): VerifyResult =>
  verify(c.input, { logLevel: 0, kernelBtf: kernelBtf(), ...options });

/** Compiles the selftests where their source and clang are; false where they are not, or are not wanted (BEELINE_CORPUS=0). */
export const buildSelftests = (): boolean =>
  process.env["BEELINE_CORPUS"] !== "0" &&
  spawnSync(process.execPath, [join(root, "scripts/selftest-corpus.mjs")], { stdio: ["ignore", "ignore", "inherit"] }).status === 0;

/** Name and bytes of the compiled selftests, or undefined where they could not be built. */
export function selftestObjects(dir = join(root, ".cache/corpus/objects")): (readonly [name: string, bytes: Uint8Array])[] | undefined {
  if (!existsSync(dir)) return undefined;
  const names = readdirSync(dir).filter((n) => /^verifier_.*\.o$/.test(n));
  return names.length ? names.map((n) => [basename(n, ".o"), readFileSync(join(dir, n))] as const) : undefined;
}
/** Their programs. */
export const selftests = (): Case[] | undefined => selftestObjects()?.flatMap(([name, bytes]) => casesOf(name, bytes));

/** The objects that the package xdp-tools installs, loose and inside its commands; undefined where it is not installed. */
export function xdpTools(): Case[] | undefined {
  const dir = ["/usr/lib/x86_64-linux-gnu/bpf", "/usr/lib/bpf"].find((d) => existsSync(join(d, "xdp-dispatcher.o")));
  if (!dir) return undefined;
  const loose = readdirSync(dir).filter((n) => n.endsWith(".o"));
  const all: [string, Buffer][] = loose.map((n) => [basename(n, ".o"), readFileSync(join(dir, n))]);
  all.push(...embeddedObjects());
  return all.flatMap(([name, bytes]) => casesOf(name, bytes));
}
