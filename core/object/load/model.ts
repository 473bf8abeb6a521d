// The loader's working state between reading an ELF file and handing on an ObjectSpec. It holds types and one error type.
import { CodedError, type BtfId } from "../../base/index.ts";
import type { Insn } from "../../isa/index.ts";
import type { BtfBlob } from "../btf/reader.ts";
import type { Elf, ElfSection } from "../elf/elf.ts";
import type { MapSpec } from "../spec.ts";
import type { SectionDef } from "./sections.ts";

/** What a relocation makes of an instruction, by libbpf's names. */
export type RelocKind = "map" | "data" | "extern-ld64" | "extern-call" | "call" | "subprog-addr";
export interface Reloc {
  readonly kind: RelocKind;
  /** Slot within the function's own code. */
  readonly insnIdx: number;
  /** map, data: index into the maps; extern-*: index into the externs. */
  readonly target: number;
  /** data, call, subprog-addr: value of the symbol, in bytes. */
  readonly symOff: number;
}

/** One function of the object as compiled: an entry program, or (in `.text`) a subprogram. */
export interface Func {
  readonly name: string;
  readonly secIdx: number;
  /** Without a leading `?`. */
  readonly secName: string;
  readonly optional: boolean;
  /** First slot within its section. */
  readonly secInsnOff: number;
  /** Own instructions; CO-RE relocation replaces entries. */
  readonly insns: Insn[];
  readonly global: boolean;
  /** Global symbol of hidden visibility: verified as a static function. */
  readonly hidden: boolean;
  readonly def: SectionDef | undefined;
  readonly relocs: Map<number, Reloc>;
  /** First CO-RE relocation that failed. */
  coreError: LoadFault | undefined;
}

/** Why a program cannot be loaded, in libbpf's words. */
export interface LoadFault {
  readonly code: string;
  readonly message: string;
}

/** A map and what only the loader needs to know of it. */
export interface LoadMap {
  spec: MapSpec;
  /** Section and offset that symbols of it have; -1 for `.kconfig`. */
  readonly secIdx: number;
  readonly secOff: number;
  readonly internal: boolean;
  /** False for maps of `?.struct_ops`, which are not created by default, and for those that the loader skips. */
  autocreate: boolean;
  /** BTF: index of its variable in the DATASEC of `.maps`. */
  readonly varIdx: number;
  structOps: StructOpsMap | undefined;
}

export interface StructOpsMap {
  readonly typeId: BtfId;
  readonly data: Uint8Array;
  /** Programs by member index. */
  readonly progs: Map<number, Func>;
}

export interface Extern {
  readonly name: string;
  readonly symIdx: number;
  readonly weak: boolean;
  /** Id of its VAR or FUNC in the object's BTF. */
  readonly btfId: BtfId;
  readonly kind: "kconfig" | "ksym";
  readonly isFunc: boolean;
  /** kconfig: size, alignment, place in the map's value. */
  readonly size: number;
  readonly align: number;
  dataOff: number;
  /** ksym: id of its type in the object's BTF, 0 for typeless ones. */
  readonly typeId: BtfId;
  /** Result of resolution. */
  isSet: boolean;
  kernelBtfId: BtfId;
  /** Typeless ksym: its address, 0 when unknown. */
  address: bigint;
}

export interface ObjectState {
  readonly elf: Elf;
  readonly name: string;
  /** A copy whose DATASECs are completed as libbpf does. */
  btf: BtfBlob | undefined;
  readonly btfExt: Uint8Array | undefined;
  readonly funcs: Func[];
  readonly maps: LoadMap[];
  readonly externs: Extern[];
  readonly textIdx: number;
  readonly mapsIdx: number;
  readonly arenaSection: ElfSection | undefined;
  readonly license: string;
  /** First thing that stops libbpf from loading any program of this object. */
  fault: LoadFault | undefined;
}

/** Throws the coded error of an object that libbpf refuses to open. */
export function refuse(code: string, message: string, offBytes?: number): never {
  throw new CodedError(code, message, offBytes === undefined ? {} : { offBytes });
}
