// One debugged launch: a kernel with the object loaded, its events run one after the other under the debugger. It speaks no protocol.
import { CodedError, hexToBytes } from "../../core/base/index.ts";
import { MAP_TYPE_NAMES } from "../../core/catalog/index.ts";
import { childrenOf, Debugger, keyBytes, Locals, type Halt, type MapView, type Peek, type TypedValue } from "../../core/debug/index.ts";
import {
  FieldContext,
  hookNames,
  prepareEvent,
  SimKernel,
  verdictName,
  type BpfMap,
  type EventSpec,
  type LoadedProgram,
} from "../../core/kernel/index.ts";
import { ctypeOf, type Btf, type DwarfFrame, type ProgramSpec } from "../../core/object/index.ts";
import { R_FREED, type Program, type Stop } from "../../core/vm/index.ts";
import type { LaunchArguments, LaunchPlan } from "./launch.ts";

const BUDGET = 20_000_000;

const PLAIN: DwarfFrame = { name: "", inlined: false, callFile: "", callLine: 0, callColumn: 0, variables: [] };

/** How one event ended, for the user. */
export interface EventResult {
  readonly text: string;
  readonly ok: boolean;
}

export class Runtime {
  readonly plan: LaunchPlan;
  readonly kernel: SimKernel;
  readonly program: LoadedProgram;
  readonly debugger: Debugger;
  /** Local variables, when the object has debug information. */
  readonly locals: Locals | undefined;
  readonly #maps = new Map<string, { map: BpfMap; view: MapView }>();
  #eventIndex = -1;
  #finish: ((stop: Stop) => { retval: number; dataOut?: Uint8Array }) | undefined;
  #told = 0;
  /** Faults of callbacks that nobody has been told of. */
  readonly #faults: string[] = [];
  readonly #startNs: bigint;

  constructor(plan: LaunchPlan, args: LaunchArguments) {
    this.plan = plan;
    this.kernel = new SimKernel({
      kernelTypes: plan.kernelBtf,
      warnings: true,
      hardware: { ...(args.cpus ? { cpus: args.cpus } : {}), ...(args.seed ? { seed: args.seed } : {}) },
    });
    this.#startNs = this.kernel.hardware.nowNs;
    const fds = plan.object.maps.map((spec) => {
      const fd = this.kernel.createMap(
        spec.maxEntries === 0 && spec.type === 4 ? { ...spec, maxEntries: this.kernel.cpus } : spec,
        plan.object.btf,
      );
      if (fd < 0) throw new CodedError("map-create", `map ${spec.name}: the kernel refuses its attributes (errno ${-fd})`);
      const map = this.kernel.mapByFd(fd)!;
      this.#maps.set(spec.name, { map, view: viewOf(map, plan.object.btf) });
      return fd;
    });
    const load = (spec: ProgramSpec): LoadedProgram =>
      this.kernel.programByFd(this.kernel.loadProgram({ ...spec, btf: plan.object.btf }, fds))!;
    this.program = load(plan.program);
    this.#fillProgArrays(fds, load);
    this.#fillMaps(args.maps ?? {});
    const sectionAt = (section: number): number | undefined => {
      const spec = plan.object.maps.find((m) => m.section === section);
      return spec && this.#maps.get(spec.name)!.map.lookupBytes(new Uint8Array(4));
    };
    this.locals = plan.dwarf && new Locals(plan.dwarf, { peek: this.peek, sectionAt });
    this.debugger = new Debugger(this.kernel.machine, BUDGET, (program, slot) => this.framesAt(program, slot).length - 1);
  }

  #fillProgArrays(fds: readonly number[], load: (spec: ProgramSpec) => LoadedProgram): void {
    const loaded = new Map([[this.plan.program.name, this.program]]);
    this.plan.object.maps.forEach((spec, i) => {
      for (const [index, name] of spec.values ?? []) {
        const target = this.plan.object.programs.find((p) => p.name === name);
        const inner = this.plan.object.maps.findIndex((m) => m.name === name);
        if (target && !loaded.has(name)) loaded.set(name, load(target));
        const fd = target ? loaded.get(name)!.fd : inner >= 0 ? fds[inner]! : undefined;
        if (fd !== undefined) this.kernel.mapUpdate(fds[i]!, keyBytes(spec.keySize, BigInt(index)), keyBytes(4, BigInt(fd)));
      }
    });
  }
  #fillMaps(contents: NonNullable<LaunchArguments["maps"]>): void {
    for (const [name, entries] of Object.entries(contents)) {
      const map = this.#maps.get(name)?.map;
      if (!map)
        throw new CodedError(
          "bad-launch",
          `launch: there is no map ${name}; the object has ${[...this.#maps.keys()].join(", ") || "none"}`,
        );
      for (const [key, value] of Object.entries(entries)) {
        const error = map.update(fieldBytes(map.keySize, key), fieldBytes(map.valueSize, value), 0);
        if (error < 0) throw new CodedError("bad-launch", `launch: map ${name} does not take key ${key} (errno ${-error})`);
      }
    }
  }

  // ---- events ----
  get event(): EventSpec {
    return this.plan.events[Math.max(0, this.#eventIndex)]!;
  }
  get eventNumber(): number {
    return this.#eventIndex + 1;
  }
  /** Sets up the next event; false when there is none. */
  nextEvent(): boolean {
    const event = this.plan.events[this.#eventIndex + 1];
    if (!event) return false;
    this.#eventIndex++;
    if (event.atNs !== undefined) this.#passTime(this.#startNs + event.atNs);
    const run = prepareEvent(this.kernel, this.program, event, this.plan.kernelBtf);
    this.#finish = (stop) => run.finish(stop);
    this.kernel.begin(this.program, run.state);
    this.debugger.begin();
    return true;
  }
  /** Lets timers and work queues run up to a time since boot; their callbacks are not stopped in. */
  #passTime(ns: bigint): void {
    const traps = this.debugger.undisturbed(() => this.kernel.advanceTo(ns));
    for (const t of traps)
      this.#faults.push(`${t.program}: trap at instruction ${t.insnIdx} in a callback of a timer or work queue: ${t.message}`);
  }
  /** Names of hooks that the current event begins at. */
  hooks(): string[] {
    return hookNames(this.program, this.event);
  }
  /** Tells how the event ended and gives its context up. */
  endEvent(halt: Extract<Halt, { reason: "end" }>): EventResult {
    const { stop } = halt;
    const result = this.#finish?.(stop);
    this.#finish = undefined;
    if (stop.kind === "trap")
      return { ok: false, text: `${this.program.spec.name}: trap at instruction ${stop.trap.insnIdx}: ${stop.trap.message}` };
    const retval = result?.retval ?? 0;
    const verdict = verdictName(this.program.spec.type, retval);
    return { ok: true, text: `${this.program.spec.name} returned ${retval | 0}${verdict ? ` (${verdict})` : ""}` };
  }
  /** Lines that programs printed since the last call; after a step back the ones that are new again. */
  takeOutput(): string[] {
    const { events } = this.kernel;
    if (this.#told > events.length) this.#told = events.length;
    const fresh = events.slice(this.#told);
    this.#told = events.length;
    return fresh.map((e) => (e.kind === "trace" ? e.text! : `${e.kind} event of ${e.map}: ${e.data!.length} bytes`));
  }

  /** What the program did that is likely a mistake, since the last call. */
  takeWarnings(): string[] {
    const faults = this.#faults.splice(0);
    return [...faults, ...this.kernel.takeWarnings().map((w) => `${w.program}: warning at instruction ${w.insnIdx}: ${w.message}`)];
  }

  /** The functions inlined at a slot and the one around them, innermost first; one plain frame where nothing is known. */
  framesAt(program: Program, slot: number): readonly DwarfFrame[] {
    try {
      const frames = this.locals?.framesAt(program, slot) ?? [];
      return frames.length ? frames : [PLAIN];
    } catch (e) {
      // The Locals scope says what is broken.
      if (e instanceof CodedError) return [PLAIN];
      throw e;
    }
  }

  // ---- memory ----
  /** Bytes as programs see them: contexts field by field, everything else as it lies. */
  readonly peek: Peek = (at, size) => {
    const { memory } = this.kernel.machine;
    const region = memory.regionAt(at);
    if (!region || memory.flags[region.id]! & R_FREED) return undefined;
    if (at < memory.start[region.id]! || at + size > memory.end[region.id]!) return undefined;
    return region.owner instanceof FieldContext ? region.owner.peek(at - region.start, size) : memory.read(at, size);
  };

  /** Variables of the object's data sections. */
  globals(): TypedValue[] {
    return this.plan.object.maps.flatMap(({ name, section }): TypedValue[] => {
      const view = this.mapView(name)!;
      if (section === undefined || !view.valueType) return [];
      return childrenOf(this.peek, { name, type: view.valueType, in: view.find(new Uint8Array(4)) });
    });
  }

  // ---- maps ----
  mapNames(): string[] {
    return [...this.#maps.keys()];
  }
  mapView(name: string): MapView | undefined {
    return this.#maps.get(name)?.view;
  }
  mapAddress(name: string): number {
    return this.#maps.get(name)?.map.region.start ?? 0;
  }
}

function viewOf(map: BpfMap, btf: Btf | undefined): MapView {
  const { spec } = map;
  return {
    name: spec.name,
    kind: MAP_TYPE_NAMES[spec.type] ?? String(spec.type),
    keySize: spec.keySize,
    valueSize: spec.valueSize,
    valueType: btf && spec.btfValueTypeId ? ctypeOf(btf, spec.btfValueTypeId) : undefined,
    entries: () => map.entries(),
    find: (key) => map.lookupBytes(key),
  };
}

/** Bytes of a key or value in the launch configuration: a number, `hex:` and digits, or text. */
function fieldBytes(size: number, value: number | string): Uint8Array {
  if (typeof value === "number") return keyBytes(size, BigInt(Math.trunc(value)));
  if (/^-?(0x[0-9a-fA-F]+|\d+)$/.test(value)) return keyBytes(size, value.startsWith("-") ? -BigInt(value.slice(1)) : BigInt(value));
  if (!value.startsWith("hex:")) return keyBytes(size, value);
  const bytes = hexToBytes(value.slice(4));
  if (bytes.length !== size) throw new CodedError("bad-launch", `launch: ${value} has ${bytes.length} bytes, the map wants ${size}`);
  return bytes;
}
