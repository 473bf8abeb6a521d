// Test runs of programs in the raw format: own maps, several inputs, contents of arrays afterwards. It parses no JSON and verifies nothing.
import { MAP_TYPE, PROG_TYPE } from "../catalog/index.ts";
import type { Btf, MapSpec, ProgramSpec } from "../object/index.ts";
import type { Trap } from "../vm/index.ts";
import { loadWithMaps, SimKernel, type KernelOptions } from "./kernel.ts";
import { testRun } from "./testrun.ts";

/** A map of the raw format. `init` goes into the element with key 0. */
export type RawMap = MapSpec;

export interface RawTestInput {
  readonly insns: ProgramSpec["insns"];
  readonly progType: number;
  readonly expectedAttachType: number;
  readonly license: string;
  readonly maps: readonly RawMap[];
  /** Given by the verifier, for the WebAssembly engine. */
  readonly special?: readonly number[] | undefined;
  /** Types of the program and its maps. */
  readonly btf?: Btf | undefined;
  /** Adds the contents of arrays after the runs. */
  readonly dumpMaps?: boolean;
}
export interface RawRun {
  /** Absent: 64 zero bytes, or nothing for types that take no data. */
  readonly data?: Uint8Array | undefined;
  readonly ctx?: Uint8Array | undefined;
  readonly repeat?: number | undefined;
  readonly flags?: number | undefined;
  readonly cpu?: number | undefined;
}
export interface RawRunResult {
  /** Positive errno, 0 when it ran. */
  readonly err: number;
  readonly retval?: number;
  readonly dataOut?: Uint8Array;
  readonly ctxOut?: Uint8Array;
  /** Set when the program trapped: there is no answer then. */
  readonly trap?: Trap;
}

const NO_DATA: ReadonlySet<number> = new Set([
  PROG_TYPE.SYSCALL,
  PROG_TYPE.RAW_TRACEPOINT,
  PROG_TYPE.TRACING,
  PROG_TYPE.STRUCT_OPS,
  PROG_TYPE.SK_LOOKUP,
]);

/**
 * Loads the program with its maps into a fresh kernel and runs each input in turn.
 * `mapsOut` has an entry a map: bytes of an array's elements (at most 4096), else null.
 * Throws CodedError `map-create` and `unsupported-map-type`.
 */
export function testRunRaw(
  input: RawTestInput,
  runs: readonly RawRun[],
  options: KernelOptions = {},
): { runs: RawRunResult[]; mapsOut?: (Uint8Array | null)[] } {
  const kernel = new SimKernel(options);
  const program = loadWithMaps(
    kernel,
    {
      name: "raw",
      type: input.progType,
      expectedAttachType: input.expectedAttachType,
      insns: input.insns,
      license: input.license,
      special: input.special,
      btf: input.btf,
    },
    input.maps,
  );
  const noData = NO_DATA.has(input.progType);
  const results = runs.map((run): RawRunResult => {
    const r = testRun(kernel, program, { ...run, data: run.data ?? (noData ? undefined : new Uint8Array(64)) });
    if (r.err) return { err: -r.err };
    if (r.stop?.kind === "trap") return { err: 0, trap: r.stop.trap };
    return { err: 0, retval: r.retval, ...(r.dataOut ? { dataOut: r.dataOut } : {}), ...(r.ctxOut ? { ctxOut: r.ctxOut } : {}) };
  });
  if (!input.dumpMaps) return { runs: results };
  return {
    runs: results,
    mapsOut: program.maps.map((map) => (map.spec.type === MAP_TYPE.ARRAY && map.valueSize <= 4096 ? dump(map) : null)),
  };
}

function dump(map: import("./maps/map.ts").BpfMap): Uint8Array {
  const count = Math.min(map.spec.maxEntries, Math.floor(4096 / map.valueSize));
  const out = new Uint8Array(count * map.valueSize);
  map
    .entries()
    .slice(0, count)
    .forEach(({ valueAt }, i) => out.set(map.host.memory.read(valueAt, map.valueSize), i * map.valueSize));
  return out;
}
