// The simulated kernel: descriptors, maps, programs and the calls that running programs make. It runs on simulated hardware only.
import { bug, CodedError } from "../base/index.ts";
import { helperById, MAP_TYPE } from "../catalog/index.ts";
import { Hardware, type HardwareOptions } from "../hardware/index.ts";
import type { Btf, MapSpec, ProgramSpec } from "../object/index.ts";
import {
  type Batch,
  type Kernel,
  KERNEL_HI,
  Machine,
  Memory,
  OP,
  type Program,
  type Region,
  type Stop,
  trap,
  StoppableEngine,
  type Trap,
  WasmEngine,
  type Warning,
} from "../vm/index.ts";
import type { SlowObject, Wide } from "./contexts/context.ts";
import { EBADF, EINVAL, ENOTSOCK, EPERM } from "./errno.ts";
import { HELPER_IMPLS } from "./helpers/index.ts";
import { argCounter } from "./arg-count.ts";
import { callKfunc, type KfuncNames } from "./kfuncs/index.ts";
import { ArenaMap } from "./maps/arena.ts";
import { ArrayMap } from "./maps/array.ts";
import { BPF_F_LOCK } from "./maps/map.ts";
import { BpfMap, makeMap, type MapHost, type SysResult } from "./maps/index.ts";
import { KernelObjects } from "./kernel-objects.ts";
import { type Deferred, SimSocket } from "./objects/index.ts";
import { mapField } from "./maps/map-fields.ts";
import { specialFields } from "./maps/special-fields.ts";
import { packetLoad } from "./packet-load.ts";
import { RunState } from "./run-state.ts";

export interface KernelOptions {
  readonly hardware?: HardwareOptions;
  /** Most bytes of linear memory. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Most instructions of one run. Default 100 million. */
  readonly budget?: number;
  /** What runs programs: `wasm` only those that were verified, the others are interpreted. Default `interpreter`. */
  readonly engine?: EngineName;
  /** The kernel's types: kernel objects have their layout. Without them objects can be passed on, but not looked into. */
  readonly kernelTypes?: Btf | undefined;
  /** Reads of stack bytes and registers that a run never wrote are told in {@link SimKernel.takeWarnings}; not with the engine `wasm`. */
  readonly warnings?: boolean;
  /** Names of kfuncs by BTF id; without them the ids are those of the measured kernel. */
  readonly kfuncName?: KfuncNames;
}

/** The three gears: step by step; WebAssembly that can stop anywhere; WebAssembly at full speed for verified programs. */
export type EngineName = "interpreter" | "stoppable" | "wasm";

/** What a program sent out: perf event, ring buffer record, text of bpf_printk. */
export interface KernelEvent {
  readonly kind: "trace" | "perf" | "ringbuf" | "seq" | "signal" | "stream";
  /** Name of the map, for events. */
  readonly map?: string;
  readonly text?: string;
  readonly data?: Uint8Array;
}

/** A program in the kernel. */
export interface LoadedProgram {
  readonly id: number;
  readonly fd: number;
  readonly spec: LoadSpec;
  readonly maps: readonly BpfMap[];
  readonly code: Program;
}

/** The part of a ProgramSpec that loading needs. */
export type LoadSpec = Pick<ProgramSpec, "name" | "type" | "expectedAttachType" | "insns" | "license"> &
  Partial<ProgramSpec> & {
    /** The object's types, for objects that the program allocates. */
    readonly btf?: Btf | undefined;
    /** Given by the verifier that accepted the program; without it only the interpreter runs it. */
    readonly special?: readonly number[] | undefined;
  };

interface KernelState {
  readonly hardware: unknown;
  readonly objects: ReadonlyMap<number, object>;
  readonly parts: unknown;
  readonly maps: readonly (readonly [BpfMap, unknown])[];
  readonly run: RunState;
  readonly runParts: readonly [unknown, unknown, unknown];
  readonly events: readonly KernelEvent[];
  readonly nextFd: number;
  readonly nextId: number;
  readonly extra: ReadonlyMap<string, unknown>;
}

/** More callbacks of timers and work queues than are run while time passes once. */
const MOST_CALLBACKS = 1_000_000;
/** The clock goes no further (KTIME_MAX). */
const LAST_NS = (1n << 63n) - 1n;

/** One kernel with one machine. Descriptors are small positive numbers as in the system call. */
export class SimKernel implements Kernel, MapHost {
  readonly hardware: Hardware;
  readonly machine: Machine;
  readonly budget: number;
  readonly kfuncName: KfuncNames | undefined;
  readonly #wasm: WasmEngine | undefined;
  readonly #stoppable: StoppableEngine | undefined;
  run = new RunState();
  /** Everything that programs printed or sent, in order. */
  events: KernelEvent[] = [];
  /** State of helpers that is nobody else's (timers, cookies), by name; values are immutable. */
  extra = new Map<string, unknown>();
  /** Tasks, cgroups, sockets, routes, files, timers. */
  readonly objects: KernelObjects;
  #objects = new Map<number, object>();
  readonly #types = new WeakMap<Program, Btf>();
  #nextFd = 3;
  #nextId = 1;

  constructor(options: KernelOptions = {}) {
    this.hardware = new Hardware(options.hardware);
    this.machine = new Machine(new Memory(options.maxBytes));
    this.machine.kernel = this;
    this.objects = new KernelObjects(this.machine.memory, options.kernelTypes);
    this.budget = options.budget ?? 100_000_000;
    this.kfuncName = options.kfuncName;
    if (options.warnings && options.engine !== "wasm") this.machine.warnOfUnwritten(argCounter(options.kernelTypes));
    this.#wasm = options.engine === "wasm" ? new WasmEngine(this.machine) : undefined;
    this.#stoppable = options.engine === "stoppable" ? new StoppableEngine(this.machine) : undefined;
  }

  get memory(): Memory {
    return this.machine.memory;
  }
  get cpus(): number {
    return this.hardware.cpus;
  }
  cpu(): number {
    return this.hardware.cpu;
  }
  random(): number {
    return this.hardware.random.u32();
  }
  mapByFd(fd: number): BpfMap | undefined {
    const object = this.#objects.get(fd);
    return object instanceof BpfMap ? object : undefined;
  }
  programByFd(fd: number): LoadedProgram | undefined {
    const object = this.#objects.get(fd);
    return object && "code" in object ? (object as LoadedProgram) : undefined;
  }
  objectByFd(fd: number): object | undefined {
    return this.#objects.get(fd);
  }
  ownerByFd(fd: number, mapType: number): number | bigint | undefined {
    const object = this.#objects.get(fd);
    if (!object) return undefined;
    if (mapType === MAP_TYPE.SK_STORAGE) return object instanceof SimSocket ? object.id : -ENOTSOCK;
    if (mapType === MAP_TYPE.TASK_STORAGE) return "pid" in object ? (object.pid as number) : undefined;
    if (mapType === MAP_TYPE.CGRP_STORAGE) return "level" in object && "id" in object ? (object.id as bigint) : undefined;
    return "ino" in object ? (object.ino as number) : undefined;
  }
  /** Gives a socket, task (pidfd), cgroup or file a descriptor. */
  open(object: object): number {
    const fd = this.#nextFd++;
    this.#objects.set(fd, object);
    return fd;
  }
  elementFreed(at: number, bytes: number): void {
    this.objects.deferred.forget(at, at + bytes);
  }
  hasDevice(ifindex: number): boolean {
    return this.hardware.nic(ifindex) !== undefined;
  }
  /** The types of the object that a program came from. */
  typesOf(program: Program): Btf | undefined {
    return this.#types.get(program);
  }
  programs(): LoadedProgram[] {
    return [...this.#objects.values()].filter((o): o is LoadedProgram => "code" in o);
  }
  maps(): BpfMap[] {
    return [...this.#objects.values()].filter((o): o is BpfMap => o instanceof BpfMap);
  }

  // ---- bpf(2) ----
  /** BPF_MAP_CREATE with initial contents: a descriptor, or a negative errno. `btf` holds the types of key and value. */
  createMap(spec: MapSpec, btf?: Btf): number {
    const map = makeMap(this.#nextId, spec, this);
    if (typeof map === "number") return map;
    this.#nextId++;
    map.special = specialFields(spec, btf);
    const fd = this.#nextFd++;
    this.#objects.set(fd, map);
    if (spec.initial && map instanceof ArrayMap) this.memory.write(map.base, spec.initial.subarray(0, spec.valueSize));
    if (spec.frozen) map.freeze();
    return fd;
  }
  /** BPF_PROG_LOAD without verification; `mapFds[i]` is what ld_imm64 with map index i means. A descriptor or a negative errno. */
  loadProgram(spec: LoadSpec, mapFds: readonly number[]): number {
    const maps = mapFds.map((fd) => this.mapByFd(fd));
    if (maps.some((m) => !m)) return -EBADF;
    const code = this.machine.load({
      name: spec.name,
      type: spec.type,
      expectedAttachType: spec.expectedAttachType,
      insns: spec.insns,
      ...(spec.lineInfo ? { lineInfo: spec.lineInfo } : {}),
      ...(spec.funcInfo ? { funcInfo: spec.funcInfo } : {}),
      ...(spec.subprogNames ? { subprogNames: spec.subprogNames } : {}),
      ...(spec.origin ? { origin: spec.origin } : {}),
      ...(spec.exceptionCallback === undefined ? {} : { exceptionCallback: spec.exceptionCallback }),
      arena: arenaOf(spec.insns, maps as BpfMap[]),
      // Of a program that the verifier accepted, only loads through pointers to kernel objects can fault, and the kernel lets them read 0.
      ...(spec.special ? { special: spec.special, faultsReadZero: true } : {}),
      resolve: (insn, next) => {
        const map = maps[insn.imm];
        if (!map || (insn.src !== 1 && insn.src !== 2)) return undefined;
        return insn.src === 1 ? map.region.start : map.valueAddress(next.imm >>> 0);
      },
    });
    if (spec.btf) this.#types.set(code, spec.btf);
    const fd = this.#nextFd++;
    this.#objects.set(fd, { id: this.#nextId++, fd, spec, maps: maps as BpfMap[], code });
    return fd;
  }
  close(fd: number): number {
    return this.#objects.delete(fd) ? 0 : -EBADF;
  }
  #map(fd: number): BpfMap {
    return this.mapByFd(fd) ?? bug(`map descriptor ${fd} is not open`);
  }
  mapLookup(fd: number, key: Uint8Array, flags = 0, value?: Uint8Array): SysResult {
    const map = this.#map(fd);
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    return map.lockFault(flags) || map.sysLookup(key, flags, value);
  }
  mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags = 0): number {
    const map = this.#map(fd);
    if (!map.mayWrite()) return -EPERM;
    return map.lockFault(flags) || map.sysUpdate(key, value, flags);
  }
  mapDelete(fd: number, key: Uint8Array): number {
    const map = this.#map(fd);
    return map.mayWrite() ? map.sysDelete(key) : -EPERM;
  }
  mapLookupAndDelete(fd: number, key: Uint8Array, flags = 0): SysResult {
    const map = this.#map(fd);
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    if (!map.mayWrite()) return -EPERM;
    if (flags && map.takesNoFlags) return -EINVAL;
    return map.lockFault(flags) || map.sysLookupAndDelete(key, flags);
  }
  mapNextKey(fd: number, key: Uint8Array | undefined): SysResult {
    return this.#map(fd).nextKey(key);
  }

  // ---- running ----
  /** Sets the state of the next run and points the machine at the program's first instruction. */
  begin(program: LoadedProgram, state: RunState): void {
    // What was prepared for this state stays for each of its runs; what runs took goes.
    if (!state.begun) {
      state.begun = true;
      state.prepared = state.scratch;
    }
    for (let s = this.run.scratch; s && s !== state.prepared; s = s.rest) this.memory.free(s.region);
    state.scratch = state.prepared;
    this.run = state;
    this.machine.begin(program.code, state.ctxAt);
    this.machine.showContext(state.ctx && state.ctx === state.xdp ? state.ctxAt : 0, this.hardware.cpu);
  }
  /** Runs the begun program to its end; the trap is also kept in the run's state. */
  finish(): Stop {
    if (this.#wasm?.runs(this.machine.program)) {
      const trap = this.#wasm.run();
      if (!trap) return { kind: "exit", retval: this.machine.r0() };
      this.run.trap = trap;
      return { kind: "trap", trap };
    }
    const stop = (this.#stoppable ?? this.machine).run(this.budget);
    if (stop.kind === "budget") return { kind: "trap", trap: this.#tooLong() };
    if (stop.kind === "trap") this.run.trap = stop.trap;
    return stop;
  }
  /** Whether {@link runBatch} takes the program. */
  takesBatches(program: LoadedProgram): boolean {
    return this.#wasm?.runs(program.code) ?? false;
  }
  /** Runs the begun program on packets, in compiled code from one to the next (WasmEngine.runBatch). */
  runBatch(batch: Batch): Trap | undefined {
    return (this.run.trap = this.#wasm!.runBatch(batch));
  }
  #tooLong(): Trap {
    this.machine.done = true;
    return (this.run.trap = {
      cause: "limit",
      message: `the program ran ${this.budget} instructions without an end`,
      insnIdx: this.machine.pc,
      program: this.machine.program.source.name,
    });
  }
  /** What was told since the last call. */
  takeWarnings(): Warning[] {
    const { shadow } = this.machine;
    return shadow ? shadow.warnings.splice(0) : [];
  }
  emit(event: KernelEvent): void {
    this.events.push(event);
  }
  /** The map whose struct bpf_map register `reg` points at. Traps when it points at no map. */
  mapArg(vm: Machine, reg: number): BpfMap {
    const at = vm.u32(reg);
    const owner = this.memory.regionAt(at)?.owner;
    return owner instanceof BpfMap && owner.region.start === at ? owner : trap("bad-argument", `R${reg} of the helper call is not a map`);
  }

  /** Lets time pass: timers, work queues and task works that fall due run in their order. Call it between runs only. Traps of callbacks come back. */
  advance(ns: bigint): Trap[] {
    const traps: Trap[] = [];
    const end = this.hardware.nowNs + ns;
    let callbacks = 0;
    for (let work = this.objects.deferred.takeDue(end); work; work = this.objects.deferred.takeDue(end)) {
      if (work.dueNs > this.hardware.nowNs) this.hardware.nowNs = work.dueNs;
      if (callbacks++ === MOST_CALLBACKS) {
        const message = `timers and work queues ran ${MOST_CALLBACKS} callbacks without an end`;
        traps.push({ cause: "limit", message, insnIdx: work.slot, program: work.program.source.name });
        break;
      }
      const trap = this.#runDeferred(work);
      if (trap) traps.push(trap);
    }
    if (end > this.hardware.nowNs) this.hardware.nowNs = end;
    return traps;
  }
  /** As {@link advance}, to a time since boot; it does not go back. */
  advanceTo(ns: bigint): Trap[] {
    const end = ns < LAST_NS ? ns : LAST_NS;
    return end > this.hardware.nowNs ? this.advance(end - this.hardware.nowNs) : [];
  }
  #runDeferred(work: Deferred): Trap | undefined {
    const { machine } = this;
    this.run = Object.assign(new RunState(), { task: this.run.task });
    machine.begin(work.program, 0);
    machine.pc = work.slot;
    machine.shadow?.givenArgs(machine.depth);
    work.args.forEach((at, i) => machine.setReg(i + 1, at, at ? KERNEL_HI : 0));
    this.objects.deferred.running = work.at;
    const stop = machine.run(this.budget);
    this.objects.deferred.running = 0;
    if (work.scratch) this.memory.free(work.scratch);
    if (stop.kind === "trap") return stop.trap;
    machine.done = true;
    return undefined;
  }

  // ---- what the machine asks ----
  helper(vm: Machine, id: number): void {
    const impl = HELPER_IMPLS[id];
    if (impl) return impl(this, vm);
    const record = helperById(id);
    trap("unsupported-helper", record ? `helper ${record.name} is not simulated` : `helper #${id} does not exist in Linux 6.18`);
  }
  kfunc(vm: Machine, btfId: number, fdIdx: number): void {
    callKfunc(this, vm, btfId, fdIdx);
  }
  slowRead(vm: Machine, region: Region, off: number, size: number): void {
    const owner = region.owner as SlowObject | BpfMap;
    if ("read" in owner) return owner.read(vm, off, size);
    const value = mapField(this.objects.store, owner, off, size);
    if (value !== undefined) {
      vm.lo = Number(BigInt.asIntN(32, value));
      vm.hi = Number(BigInt.asIntN(32, value >> 32n));
      return;
    }
    trap("unsupported-access", `reading struct bpf_map (${region.name}) at offset ${off} is not simulated`, { size, region: region.name });
  }
  slowWrite(vm: Machine, region: Region, off: number, size: number, value: Wide): void {
    const owner = region.owner as SlowObject | BpfMap;
    if ("write" in owner) return owner.write(vm, off, size, value);
    trap("read-only", `${region.name} may not be written`, { size, region: region.name });
  }
  packetLoad(vm: Machine, off: number, size: number): boolean {
    return packetLoad(this, vm, off, size);
  }

  // ---- as a value ----
  save(): KernelState {
    const { skb, xdp, msg } = this.run;
    return {
      hardware: this.hardware.save(),
      objects: new Map(this.#objects),
      parts: this.objects.save(),
      maps: this.maps().map((m) => [m, m.save()] as const),
      run: Object.assign(new RunState(), this.run),
      runParts: [skb ? { ...skb, cb: skb.cb.slice(), packetState: skb.packet.save() } : undefined, xdp?.save(), msg?.save()],
      events: this.events.slice(),
      nextFd: this.#nextFd,
      nextId: this.#nextId,
      extra: new Map(this.extra),
    };
  }
  restore(state: unknown): void {
    const s = state as KernelState;
    this.hardware.restore(s.hardware as ReturnType<Hardware["save"]>);
    this.#objects = new Map(s.objects);
    this.objects.restore(s.parts);
    for (const [map, saved] of s.maps) map.restore(saved);
    this.run = Object.assign(new RunState(), s.run);
    restoreSkb(this.run, s.runParts[0]);
    if (s.runParts[1]) this.run.xdp?.restore(s.runParts[1] as never);
    if (s.runParts[2]) this.run.msg?.restore(s.runParts[2] as never);
    this.events = s.events.slice();
    this.#nextFd = s.nextFd;
    this.#nextId = s.nextId;
    this.extra = new Map(s.extra);
  }
}

/** The arena that instructions refer to; the verifier lets them have one. */
function arenaOf(insns: LoadSpec["insns"], maps: readonly BpfMap[]): ArenaMap | undefined {
  for (const { code, src, imm } of insns) {
    const map = code === OP.LD_IMM64 && (src === 1 || src === 2) ? maps[imm] : undefined;
    if (map instanceof ArenaMap) return map;
  }
  return undefined;
}

function restoreSkb(run: RunState, saved: unknown): void {
  if (!run.skb || !saved) return;
  const { packetState, cb, ...rest } = saved as { packetState: never; cb: Int32Array } & Record<string, unknown>;
  run.skb.packet.restore(packetState);
  run.skb.cb.set(cb);
  delete rest["packet"];
  Object.assign(run.skb, rest);
}

/** Creates all maps and loads one program; throws CodedError `map-create` when the kernel refuses a map. */
export function loadWithMaps(kernel: SimKernel, spec: LoadSpec, maps: readonly MapSpec[]): LoadedProgram {
  const fds = maps.map((m) => {
    const fd = kernel.createMap(m, spec.btf);
    if (fd < 0) throw new CodedError("map-create", `map ${m.name}: the kernel refuses its attributes (errno ${-fd})`);
    return fd;
  });
  return kernel.programByFd(kernel.loadProgram(spec, fds))!;
}
