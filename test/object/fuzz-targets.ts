// What is fuzzed: for each kind of input its seeds, where they are damaged, and what is done with a mutant. An outcome is text; anything that is no CodedError escapes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "../../core/base/index.ts";
import { assemble } from "../../core/isa/index.ts";
import { dumpC, dumpText, evaluate, linkObjects, loadObject, openBtf, openDwarf, type Btf, type Dwarf } from "../../core/object/index.ts";
import { checkBtf } from "../../core/object/btf/check/check.ts";
import { dedupTypes } from "../../core/object/btf/dedup.ts";
import type { BtfBlob } from "../../core/object/btf/reader.ts";
import { sanitizeBtf } from "../../core/object/btf/sanitize.ts";
import { openElf } from "../../core/object/elf/elf.ts";
import { btfSpans, mutant, random, type Span } from "./mutants.ts";

export interface Target {
  /** Mutant number `n` under `seed`. */
  readonly make: (seed: number, n: number) => Uint8Array;
  /** Does with a mutant what a user's tool would; answers `ok`, or the code of the error and `@` where it has an offset. */
  readonly run: (bytes: Uint8Array) => string;
}

const OBJECTS = [
  "test/fixtures/object/shapes.o",
  "test/fixtures/object/core.o",
  "test/fixtures/object/core.be.o",
  "examples/xdp_parse.bpf.o",
  "examples/xdp_null_check.bpf.o",
];
const TEXTS = ["examples/xdp_bad_read.bpf.s", "examples/xdp_drop_short.bpf.s"];

/** All targets by name; `root` is the project's folder. */
export function targets(root: string): Readonly<Record<string, Target>> {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(root, name)));
  const objects = OBJECTS.map(read);
  const kernel = openBtf(tinyKernel(objects[0]!));
  const sections = (bytes: Uint8Array, name: RegExp): Span[] =>
    openElf(bytes)
      .sections.filter((s) => name.test(s.name) && s.data.length >= 16)
      .map((s) => ({ start: s.offset, end: s.offset + s.size }));
  const objectTarget = (spansOf: (bytes: Uint8Array) => Span[], run: (bytes: Uint8Array) => void): Target => {
    const seeds = objects.map((bytes) => ({ bytes, spans: spansOf(bytes) })).filter((s) => s.spans.length > 0);
    return {
      make: (seed, n) => mutant(seeds[n % seeds.length]!.bytes, seed, n, seeds[n % seeds.length]!.spans),
      run: (bytes) => outcome(() => run(bytes)),
    };
  };
  const headers = (bytes: Uint8Array): Span[] => {
    const table = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(40, bytes[5] === 1));
    return [
      { start: 0, end: 64 },
      { start: table, end: bytes.length },
      ...sections(bytes, /^\.(symtab|strtab|rel)/),
      { start: 0, end: bytes.length },
    ];
  };
  const blobs = objects.filter((o) => o[5] === 1).map((o) => loadObject(o, {}).btf!.bytes.slice());
  const texts = TEXTS.map(read);
  return {
    elf: objectTarget(headers, (bytes) => void loadObject(bytes, { kernelBtf: kernel })),
    // The section of types in its object: maps, DATASECs, CO-RE and BTF.ext then meet the damage.
    "object-btf": objectTarget(
      (bytes) => sections(bytes, /^\.BTF/),
      (bytes) => void loadObject(bytes, { kernelBtf: kernel }),
    ),
    btf: {
      make: (seed, n) => mutant(blobs[n % blobs.length]!, seed, n, btfSpans(blobs[n % blobs.length]!, n)),
      run: (bytes) => outcome(() => useBtf(bytes)),
    },
    // Damaged everywhere, then linked alone, with itself and behind an object that is in order.
    link: linkTarget(read, (bytes) => [...headers(bytes), ...sections(bytes, /^\.(BTF|maps|data|rodata)|xdp|text/)]),
    dwarf: objectTarget(
      (bytes) => sections(bytes, /^\.debug_/),
      (bytes) => useDwarf(openDwarf(bytes)),
    ),
    asm: {
      make: (seed, n) => mutatedText(texts[n % texts.length]!, seed, n),
      run: (bytes) => outcome(() => useText(Buffer.from(bytes).toString("latin1"))),
    },
  };
}

const LINKED = ["funcs1.o", "vars1.o", "maps2.o", "types1.o", "types2.o"];
const IN_ORDER = ["funcs2.o", "vars2.o", "maps1.o", "types2.o", "types1.o"];

function linkTarget(read: (name: string) => Uint8Array, spansOf: (bytes: Uint8Array) => Span[]): Target {
  const folder = "test/fixtures/link";
  const seeds = LINKED.map((name) => read(join(folder, name))).map((bytes) => ({ bytes, spans: spansOf(bytes) }));
  const whole = IN_ORDER.map((name) => ({ name, bytes: read(join(folder, name)) }));
  return {
    make: (seed, n) => mutant(seeds[n % seeds.length]!.bytes, seed, n, seeds[n % seeds.length]!.spans),
    run: (bytes) => {
      const bad = { name: "bad.o", bytes };
      const alone = outcome(() => void loadObject(linkObjects([bad]), {}));
      const outcomes = whole.map((good) => outcome(() => void linkObjects([good, bad, bad])));
      return outcomes.find((o) => o !== "ok" && !o.endsWith("@")) ?? alone;
    },
  };
}

/** Types of a small object stand for the kernel's, so that CO-RE has something to find. */
const tinyKernel = (object: Uint8Array): Uint8Array => loadObject(object, {}).btf!.bytes.slice();

function outcome(step: () => void): string {
  try {
    step();
    return "ok";
  } catch (e) {
    if (!(e instanceof CodedError)) throw e;
    return e.at.offBytes === undefined ? e.code : `${e.code}@`;
  }
}

function useBtf(bytes: Uint8Array): void {
  checkBtf(bytes);
  const btf: Btf = openBtf(bytes);
  let fault: CodedError | undefined;
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (e) {
      if (!(e instanceof CodedError)) throw e;
      fault ??= e;
    }
  };
  for (let id = 1; id < btf.typeCount; id++) {
    attempt(() => void btf.type(id));
    attempt(() => void btf.declTags(id, -1));
    outcome(() => void btf.sizeOf(id)); // Many lawful types have no size.
  }
  attempt(() => void sanitizeBtf(btf as BtfBlob, () => false));
  outcome(
    () => void dedupTypes(Array.from({ length: btf.typeCount }, (_, id) => (id === 0 ? new Uint32Array(3) : (btf as BtfBlob).words(id)))),
  );
  attempt(() => void dumpText(btf));
  attempt(() => void dumpC(btf));
  if (fault !== undefined) throw fault;
}

function useDwarf(dwarf: Dwarf | undefined): void {
  if (dwarf === undefined) return;
  let fault: CodedError | undefined;
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step();
    } catch (e) {
      if (!(e instanceof CodedError)) throw e;
      fault ??= e;
      return undefined;
    }
  };
  attempt(() => dwarf.files());
  attempt(() => dwarf.globals());
  for (let section = 1; section < 12; section++) {
    attempt(() => dwarf.lineTable(section));
    for (const offBytes of [0, 8, 64]) {
      const place = { section, offBytes };
      attempt(() => dwarf.lineAt(place));
      attempt(() => dwarf.scopesAt(place));
      attempt(() => dwarf.frameBase(place));
      const variables = (attempt(() => dwarf.framesAt(place)) ?? []).flatMap((f) => f.variables);
      for (const v of variables) if (v.location !== undefined) attempt(() => evaluateAnywhere(v.location!, dwarf.littleEndian));
    }
  }
  if (fault !== undefined) throw fault;
}

const evaluateAnywhere = (location: Uint8Array, littleEndian: boolean): void => {
  evaluate(location, {
    littleEndian,
    register: (n) => BigInt(n),
    frameBase: () => 0n,
    memory: (address) => address,
    address: (place) => BigInt(place.offBytes),
    indexedAddress: (index) => ({ section: 1, offBytes: index }),
  });
};

/** Bytes changed, pieces of other lines put in, lines repeated, numbers made extreme. */
function mutatedText(text: Uint8Array, seed: number, n: number): Uint8Array {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  const lines = Buffer.from(text).toString("latin1").split("\n");
  const PIECES = [
    "0xffffffffffffffff",
    "-1",
    "4294967296",
    "r11",
    ".fill 4294967295",
    ".org 1<<40",
    '"',
    "(((",
    "=",
    "\\",
    ".section",
    ".rept 1000000",
    "%",
    "1 / 0",
  ];
  for (let k = 1 + next(6); k > 0; k--) {
    const at = next(lines.length);
    const line = lines[at]!;
    const cut = next(line.length + 1);
    const kind = next(6);
    if (kind === 0) lines[at] = line.slice(0, cut) + String.fromCharCode(next(256)) + line.slice(cut + 1);
    else if (kind === 1) lines[at] = line.slice(0, cut) + PIECES[next(PIECES.length)]! + line.slice(cut);
    else if (kind === 2) lines.splice(at, 0, lines[next(lines.length)]!);
    else if (kind === 3) lines[at] = line.replace(/-?\d+/, () => PIECES[next(3)]!);
    else if (kind === 4) lines.splice(at, 1 + next(3));
    else lines[at] = line.slice(0, cut) + lines[next(lines.length)]!.slice(cut);
    if (lines.length === 0) lines.push("");
  }
  return new Uint8Array(Buffer.from(lines.join("\n"), "latin1"));
}

function useText(text: string): void {
  const made = assemble(text);
  if (made.object !== undefined) loadObject(made.object, {});
}
