// Loads a BPF object from bytes to inert programs and maps, as libbpf 1.5 would hand them to the kernel. It does no I/O and loads nothing into a kernel.
import { CodedError } from "../../base/index.ts";
import { BPF_LD_IMM64, BPF_PSEUDO_MAP_VALUE } from "../../isa/index.ts";
import type { Btf } from "../btf/btf.ts";
import { capabilitiesOf, type Caps } from "../caps.ts";
import { CoreResolver } from "../core-relo/calc.ts";
import { patchInsn } from "../core-relo/patch.ts";
import type { MapSpec, ObjectSpec, ProgramSpec } from "../spec.ts";
import { attachBtfId, attachTarget, expectedAttachType, progFlags, unknownSection } from "./attach.ts";
import { NO_BTF_EXT, readBtfExt, type BtfExt } from "./btf-ext.ts";
import { collect, funcAt } from "./collect.ts";
import { collectExterns, resolveExterns } from "./externs.ts";
import { createMaps } from "./create.ts";
import { featuresOf, type Features } from "../features.ts";
import { fixDatasecs, initMaps } from "./maps.ts";
import { PROG_TYPE } from "./kinds.ts";
import type { Func, LoadFault, ObjectState } from "./model.ts";
import { linkProgram, type LinkedProgram } from "./program.ts";
import { collectRelocs } from "./relocs.ts";
import { bindStructOps, initStructOps, type StructOpsAttach } from "./struct-ops.ts";

export interface LoadOptions {
  /** Types of the kernel that the programs are for: CO-RE, kfuncs, attach targets, struct_ops. */
  readonly kernelBtf?: Btf | undefined;
  /** Path or name of the file; names of data maps begin with it. */
  readonly fileName?: string | undefined;
  /** Text of a kernel configuration, for `__kconfig` externs. */
  readonly kconfig?: string | undefined;
  /** LINUX_KERNEL_VERSION (major << 16 | minor << 8 | patch), default 6.18.44. What that kernel lacks, libbpf works around. */
  readonly kernelVersion?: number | undefined;
  /** What the loader may do, default everything. */
  readonly caps?: Caps | undefined;
  /** Names the maps that are not created (bpf_map__set_autocreate); programs that use one are refused. */
  readonly skipMap?: ((map: MapSpec) => boolean) | undefined;
  /** Entries of perf event arrays that give none, default 2. */
  readonly possibleCpus?: number | undefined;
  /** LINUX_HAS_SYSCALL_WRAPPER, default true as on x86-64 kernels with kprobes. */
  readonly syscallWrapper?: boolean | undefined;
  /** True: a map that states no number of entries is a fault, as for libbpf by itself. By default it is none, as the object's own loader sets it. */
  readonly sizesAreFinal?: boolean | undefined;
  /** Takes maps of a `maps` section, which libbpf refuses since 1.0. */
  readonly legacyMaps?: boolean | undefined;
  /** Addresses of typeless `__ksym` externs. */
  readonly kallsyms?: ReadonlyMap<string, bigint> | undefined;
}

/** The kernel that the bundled types were read from. */
export const DEFAULT_KERNEL_VERSION = (6 << 16) | (18 << 8) | 44;
export const DEFAULT_POSSIBLE_CPUS = 2;

/**
 * Reads, links and relocates an object. A program that libbpf would not load has `error` set, in libbpf's words, and the instructions
 * as far as they got. Throws CodedError when libbpf would refuse to open the object.
 */
export function loadObject(bytes: Uint8Array, options: LoadOptions = {}): ObjectSpec {
  const state = collect(bytes, options.fileName ?? "", options.legacyMaps ?? false);
  try {
    return load(state, options);
  } catch (e) {
    throw placed(e, state);
  }
}

/** A fault of no known place is one of the part of the file that it speaks of: relocations of the symbols, all else of the types. */
function placed(e: unknown, { elf }: ObjectState): unknown {
  if (!(e instanceof CodedError) || e.at.offBytes !== undefined) return e;
  const types = e.code.startsWith("elf-") ? undefined : elf.sections.find((s) => s.name === ".BTF");
  return new CodedError(e.code, e.message, { ...e.at, offBytes: (types ?? elf.sections[elf.symtabIndex])?.offset ?? 0 });
}

function load(state: ObjectState, options: LoadOptions): ObjectSpec {
  const has = featuresOf(options.kernelVersion ?? DEFAULT_KERNEL_VERSION, options.caps);
  collectExterns(state);
  fixDatasecs(state);
  initMaps(state);
  initStructOps(state);
  for (const map of state.maps) if (options.skipMap?.(map.spec)) map.autocreate = false;
  collectRelocs(state);
  const ext = readExt(state);
  guard(state, () => externs(state, options));
  applyCore(state, ext, options.kernelBtf);
  const targets = new Map<Func, StructOpsAttach>();
  for (const map of state.maps)
    if (map.structOps && map.autocreate) guard(state, () => bindStructOps(map, state.btf!, options.kernelBtf, targets));
  const subFault = state.funcs.find((f) => f.secIdx === state.textIdx && f.coreError)?.coreError;
  const created = createMaps(state, {
    kernelBtf: options.kernelBtf,
    possibleCpus: options.possibleCpus ?? DEFAULT_POSSIBLE_CPUS,
    sizesAreFinal: options.sizesAreFinal ?? false,
    has,
    may: capabilitiesOf(options.caps ?? "full"),
  });
  const mains = state.funcs.filter((f) => f.secIdx !== state.textIdx);
  const programs = mains.map((f) =>
    program({ state, ext, func: f, options, targets, has, fault: state.fault ?? f.coreError ?? subFault, mapFault: created.fault }),
  );
  return {
    programs,
    maps: created.maps,
    btf: state.btf,
    btfRefusal: created.btfRefusal,
    license: state.license,
  };
}

/** BTF.ext that cannot be read is left out, as libbpf does. */
function readExt(state: ObjectState): BtfExt {
  if (state.btfExt === undefined || state.btf === undefined) return NO_BTF_EXT;
  try {
    return readBtfExt(state.btfExt, state.btf);
  } catch (e) {
    if (e instanceof CodedError) return NO_BTF_EXT;
    throw e;
  }
}

const asFault = (e: unknown): LoadFault => {
  if (!(e instanceof CodedError)) throw e;
  return { code: e.code, message: e.message };
};

/** Runs a step whose failure stops libbpf from loading any program; the first failure is kept. */
function guard(state: ObjectState, step: () => void): void {
  try {
    step();
  } catch (e) {
    state.fault ??= asFault(e);
  }
}

function externs(state: ObjectState, options: LoadOptions): void {
  const kconfig = state.maps.find((m) => m.internal && m.secIdx === -1);
  resolveExterns(state, kconfig?.spec.initial ?? new Uint8Array(0), {
    ...options,
    kernelVersion: options.kernelVersion ?? DEFAULT_KERNEL_VERSION,
    syscallWrapper: options.syscallWrapper ?? true,
  });
}

function applyCore(state: ObjectState, ext: BtfExt, kernel: Btf | undefined): void {
  if (ext.relos.size === 0) return;
  const resolver = kernel && new CoreResolver(state.btf!, kernel);
  for (const [name, relos] of ext.relos) {
    const section = state.elf.sections.find((s) => s.name === name);
    if (section === undefined) continue;
    relos.forEach((relo, i) => {
      const func = funcAt(state.funcs, section.index, relo.insnIdx);
      if (func === undefined || func.coreError) return;
      try {
        if (resolver === undefined) throw new CodedError("core-no-btf", "CO-RE relocation needs the kernel's BTF");
        patchInsn(func.insns, relo.insnIdx - func.secInsnOff, resolver.resolve(relo));
      } catch (e) {
        const fault = asFault(e);
        func.coreError = { code: fault.code, message: `prog '${func.name}': relo #${i}: ${fault.message}` };
      }
    });
  }
}

/** Where the kernel has no maps of data sections, libbpf creates none, and the kernel refuses what refers to them. */
function dataFault(state: ObjectState, { insns }: LinkedProgram): LoadFault | undefined {
  const used = insns.find((i) => i.code === BPF_LD_IMM64 && i.src === BPF_PSEUDO_MAP_VALUE && state.maps[i.imm]?.internal);
  return used && { code: "global-data", message: `map '${state.maps[used.imm]!.spec.name}': global data needs Linux 5.2` };
}

interface ProgramInput {
  readonly state: ObjectState;
  readonly ext: BtfExt;
  readonly func: Func;
  readonly options: LoadOptions;
  readonly targets: ReadonlyMap<Func, StructOpsAttach>;
  readonly fault: LoadFault | undefined;
  readonly mapFault: LoadFault | undefined;
  readonly has: Features;
}

function program({ state, ext, func, options, targets, fault, mapFault, has }: ProgramInput): ProgramSpec {
  let error = fault;
  const attempt = <T>(step: () => T, otherwise: T): T => {
    try {
      return step();
    } catch (e) {
      error ??= asFault(e);
      return otherwise;
    }
  };
  const linked = attempt((): LinkedProgram => linkProgram(state, ext, func, has), {
    insns: func.insns,
    funcInfo: [],
    lineInfo: [],
    origin: [],
  });
  error ??= mapFault ?? (has("GLOBAL_DATA") ? undefined : dataFault(state, linked));
  const { def } = func;
  const target = targets.get(func);
  if (def === undefined) error ??= unknownSection(func);
  if (def?.progType === PROG_TYPE.STRUCT_OPS && target === undefined)
    error ??= {
      code: "struct-ops",
      message: `prog '${func.name}': SEC("struct_ops") program isn't referenced anywhere, did you forget to use it?`,
    };
  const btfId = def && attempt(() => attachBtfId(func, def, options.kernelBtf), 0);
  return {
    name: func.name,
    section: func.secName,
    type: def?.progType ?? 0,
    expectedAttachType: target?.member ?? (def ? expectedAttachType(def, has) : 0),
    flags: def === undefined ? 0 : progFlags(def),
    attachTo: target ? `${target.structName}.${target.memberName}` : def && attachTarget(def, func.secName),
    attachBtfId: target?.btfId ?? btfId ?? 0,
    license: state.license,
    insns: linked.insns,
    funcInfo: linked.funcInfo,
    lineInfo: linked.lineInfo,
    subprogNames: new Map(linked.origin.map((o) => [o.insnIdx, o.name])),
    origin: linked.origin,
    ...(linked.exceptionCallback === undefined ? {} : { exceptionCallback: linked.exceptionCallback }),
    optional: func.optional,
    error,
  };
}
